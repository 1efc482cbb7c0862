# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# find_package(Imbrex) gives the target Imbrex::imbrex, Imbrex_KERNELS, the folder of the kernels' texts, and
#
#   imbrex_add_kernels(TARGET FILES FILE.tile ...)
#
# which makes FILE.h of each text (imbrex header), for TARGET to include, and links it with Imbrex.
include(${CMAKE_CURRENT_LIST_DIR}/ImbrexTargets.cmake)
get_filename_component(Imbrex_KERNELS ${CMAKE_CURRENT_LIST_DIR}/../../../share/imbrex/kernels ABSOLUTE)

function(imbrex_add_kernels target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" FILES)
  if(NOT arg_FILES OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "usage: imbrex_add_kernels(TARGET FILES FILE.tile ...)")
  endif()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${target}_kernels)
  file(MAKE_DIRECTORY ${folder})
  foreach(file IN LISTS arg_FILES)
    get_filename_component(path ${file} ABSOLUTE)
    get_filename_component(stem ${file} NAME_WE)
    add_custom_command(OUTPUT ${folder}/${stem}.h COMMAND Imbrex::imbrex-header ${path} ${folder}/${stem}.h
      DEPENDS ${path} Imbrex::imbrex-header VERBATIM)
    target_sources(${target} PRIVATE ${folder}/${stem}.h)
  endforeach()
  target_include_directories(${target} PRIVATE ${folder})
  target_link_libraries(${target} PRIVATE Imbrex::imbrex)
endfunction()
