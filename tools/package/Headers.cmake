# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Lays out the public headers below OUT/imbrex: imbrex.h, the C interface, and what they include, with includes written
# as "imbrex/...". Whatever a public header includes is public; an LLVM header among them is an error.
cmake_minimum_required(VERSION 3.25)
set(queue kernels/ShippedKernels.h kernels/attention.h kernels/context.h kernels/MpiCommunicator.h kernels/NcclCommunicator.h runtime/ImportFiles.h runtime/Runtime.h runtime/TunePack.h runtime/Code.h runtime/KernelPack.h runtime/TypedKernel.h)
set(done "")

# The text of `path` with its own includes found below imbrex/, and those in `queue`.
function(lay_out path as)
  file(READ ${SOURCE}/${path} text)
  string(REGEX MATCHALL "#include \"[^\"]+\"" includes "${text}")
  foreach(include IN LISTS includes)
    string(REGEX REPLACE "#include \"(.*)\"" "\\1" name "${include}")
    if(name MATCHES "^(llvm|mlir)/")
      message(FATAL_ERROR "the public header ${path} includes ${name}")
    endif()
    list(APPEND queue ${name})
  endforeach()
  string(REGEX REPLACE "#include \"([^\"]+)\"" "#include \"imbrex/\\1\"" text "${text}")
  file(CONFIGURE OUTPUT ${OUT}/imbrex/${as} CONTENT "@text@" @ONLY)
  set(queue "${queue}" PARENT_SCOPE)
endfunction()

lay_out(tools/package/imbrex.h imbrex.h)
file(COPY ${SOURCE}/runtime/c/imbrex_c.h DESTINATION ${OUT}/imbrex)
while(queue)
  list(POP_FRONT queue path)
  if(NOT path IN_LIST done)
    list(APPEND done ${path})
    lay_out(${path} ${path})
  endif()
endwhile()
