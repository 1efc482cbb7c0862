# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Writes OUT, the rows of ShippedKernels.cpp's table: the name and the text of every .tile file below FOLDER.
cmake_minimum_required(VERSION 3.25)
file(GLOB_RECURSE files RELATIVE ${FOLDER} ${FOLDER}/*.tile)
list(FILTER files EXCLUDE REGEX "^examples/")
list(SORT files)
set(rows "")
foreach(file IN LISTS files)
  file(READ ${FOLDER}/${file} text)
  string(APPEND rows "{\"${file}\", R\"imbrex(${text})imbrex\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${OUT} CONTENT "@rows@" @ONLY)
