//===- CellPicture.h - A picture made of cells ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One description, two ways to draw it: characters for a terminal, and SVG.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_CELLPICTURE_H
#define IMBREX_TOOLS_IMBREX_CELLPICTURE_H

#include <string>
#include <vector>

namespace imbrex::tool {

struct Cell {
  std::string text;
  unsigned hue = 0; ///< 0 to kHues - 1: cells of one hue belong together; kPlain: to none
};
inline constexpr unsigned kHues = 8, kPlain = kHues;

struct CellPicture {
  std::string title;
  std::vector<std::string> notes; ///< below the title, a line each
  std::vector<std::vector<Cell>> rows;
  std::string rowLabel, columnLabel;        ///< what counts the rows and the columns
  unsigned blockRows = 0, blockColumns = 0; ///< a heavier line every so many; 0: none
  bool isDense = false;                     ///< cells stand without a gap, and their text is no more than a character
  std::vector<std::string> legend = {};     ///< of the hues, where they mean something
};

std::string toTerminal(const CellPicture &picture);
/// A whole file of all pictures, one below another; light and dark.
std::string toSvg(const std::vector<CellPicture> &pictures);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_CELLPICTURE_H
