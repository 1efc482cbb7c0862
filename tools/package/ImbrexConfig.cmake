# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# find_package(Imbrex) gives the target Imbrex::imbrex and Imbrex_KERNELS, the folder of the kernels' texts.
include(${CMAKE_CURRENT_LIST_DIR}/ImbrexTargets.cmake)
get_filename_component(Imbrex_KERNELS ${CMAKE_CURRENT_LIST_DIR}/../../../share/imbrex/kernels ABSOLUTE)
