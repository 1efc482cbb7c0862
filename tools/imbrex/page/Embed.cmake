# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Writes OUT, the rows of Page.cpp's table: the name and the text of every part of the page in FOLDER.
cmake_minimum_required(VERSION 3.25)
file(GLOB files RELATIVE ${FOLDER} ${FOLDER}/page.*)
list(SORT files)
set(rows "")
foreach(file IN LISTS files)
  file(READ ${FOLDER}/${file} text)
  string(APPEND rows "{\"${file}\", R\"imbrex(${text})imbrex\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${OUT} CONTENT "@rows@" @ONLY)
