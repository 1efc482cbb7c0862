# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Writes BuildId.h: the version, LLVM's version and a hash of all sources of the compiler.
set(all "")
foreach(source ${SOURCES})
  file(SHA256 ${source} hash)
  string(APPEND all ${hash})
endforeach()
string(SHA256 digest "${all}")
string(SUBSTRING ${digest} 0 16 digest)
file(WRITE ${OUT} "#define IMBREX_BUILD_ID \"imbrex ${VERSION}, LLVM ${LLVM}, sources ${digest}\"\n")
