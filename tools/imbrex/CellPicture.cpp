//===- CellPicture.cpp - A picture made of cells --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Columns of a terminal are as wide as their widest cell. In SVG a cell is 16 high and as wide as its text needs.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/CellPicture.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::tool;

/// Characters of UTF-8 text.
static size_t widthOf(const std::string &text) {
  return size_t(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

static size_t widestCell(const CellPicture &picture) {
  size_t widest = 1;
  for (const std::vector<Cell> &row : picture.rows)
    for (const Cell &cell : row)
      widest = std::max(widest, widthOf(cell.text));
  return widest;
}

static std::string padded(const std::string &text, size_t width) {
  size_t own = widthOf(text);
  return std::string(own < width ? width - own : 0, ' ') + text;
}

std::string tool::toTerminal(const CellPicture &picture) {
  std::string result = picture.title + "\n";
  for (const std::string &note : picture.notes)
    result += "  " + note + "\n";
  size_t width = widestCell(picture), columns = picture.rows.empty() ? 0 : picture.rows.front().size();
  std::string gap = picture.isDense ? "" : " ";
  auto isEdge = [](size_t i, unsigned block) { return block != 0 && i != 0 && i % block == 0; };
  if (!picture.isDense && columns > 0) {
    result += padded("", 7);
    for (size_t c = 0; c < columns; ++c)
      result += (isEdge(c, picture.blockColumns) ? " |" : "") + gap + padded(std::to_string(c), width);
    result += "   " + picture.columnLabel + "\n";
  }
  for (size_t r = 0; r < picture.rows.size(); ++r) {
    if (isEdge(r, picture.blockRows))
      result += padded("", 7) + std::string(columns * (width + gap.size()), '-') + "\n";
    result += padded(std::to_string(r), 6) + " ";
    for (size_t c = 0; c < picture.rows[r].size(); ++c)
      result += (isEdge(c, picture.blockColumns) && !picture.isDense ? " |" : "") + gap +
                padded(picture.rows[r][c].text, width);
    result += r == 0 && !picture.rowLabel.empty() ? "   " + picture.rowLabel + "\n" : "\n";
  }
  return result;
}

static std::string escaped(const std::string &text) {
  std::string result;
  for (char c : text)
    result += c == '<' ? "&lt;" : c == '&' ? "&amp;" : std::string(1, c);
  return result;
}

/// One picture from `y` on; moves `y` below it, and `widest` to the right.
static std::string drawAt(const CellPicture &picture, double &y, double &widest) {
  constexpr double kLeft = 60, kHeight = 17, kLine = 16, kCharacter = 6.4;
  const double width = picture.isDense ? kHeight : double(widestCell(picture)) * kCharacter + 8;
  std::string out =
      llvm::formatv("<text x=\"8\" y=\"{0}\" class=\"title\">{1}</text>\n", y + 14, escaped(picture.title));
  y += 20;
  for (const std::string &note : picture.notes) {
    out += llvm::formatv("<text x=\"8\" y=\"{0}\" class=\"soft\">{1}</text>\n", y + 12, escaped(note));
    widest = std::max(widest, 20 + double(note.size()) * kCharacter);
    y += kLine;
  }
  size_t columns = picture.rows.empty() ? 0 : picture.rows.front().size();
  const double top = y + (picture.isDense ? 6 : 20);
  for (size_t c = 0; c < columns && !picture.isDense; ++c)
    out += llvm::formatv("<text x=\"{0:F1}\" y=\"{1}\" class=\"soft\" text-anchor=\"middle\">{2}</text>",
                         kLeft + (double(c) + .5) * width, top - 5, c);
  out += "\n";
  for (size_t r = 0; r < picture.rows.size(); ++r) {
    if (!picture.isDense || r % 4 == 0)
      out += llvm::formatv("<text x=\"{0}\" y=\"{1}\" class=\"soft\" text-anchor=\"end\">{2}</text>", kLeft - 6,
                           top + double(r) * kHeight + 12.5, r);
    for (size_t c = 0; c < picture.rows[r].size(); ++c) {
      const Cell &cell = picture.rows[r][c];
      double x = kLeft + double(c) * width, at = top + double(r) * kHeight;
      out += llvm::formatv("<rect x=\"{0:F1}\" y=\"{1}\" width=\"{2:F1}\" height=\"{3}\" class=\"c h{4}\"/>", x, at,
                           width, kHeight, cell.hue);
      if (!picture.isDense)
        out += llvm::formatv("<text x=\"{0:F1}\" y=\"{1}\" text-anchor=\"middle\">{2}</text>", x + width / 2, at + 12.5,
                             escaped(cell.text));
    }
    out += "\n";
  }
  double right = kLeft + double(columns) * width, bottom = top + double(picture.rows.size()) * kHeight;
  for (size_t c = picture.blockColumns; picture.blockColumns && c < columns; c += picture.blockColumns)
    out += llvm::formatv("<path class=\"edge\" d=\"M{0:F1} {1}V{2}\"/>", kLeft + double(c) * width, top, bottom);
  for (size_t r = picture.blockRows; picture.blockRows && r < picture.rows.size(); r += picture.blockRows)
    out += llvm::formatv("<path class=\"edge\" d=\"M{0} {1}H{2:F1}\"/>", kLeft, top + double(r) * kHeight, right);
  out += "\n";
  y = bottom + 8;
  double x = kLeft;
  for (size_t hue = 0; hue < picture.legend.size(); ++hue) {
    if (picture.legend[hue].empty())
      continue;
    out += llvm::formatv("<rect x=\"{0:F1}\" y=\"{1}\" width=\"11\" height=\"11\" class=\"c h{2}\"/><text x=\"{3:F1}\" "
                         "y=\"{4}\" class=\"soft\">{5}</text>",
                         x, y, hue, x + 16, y + 10, escaped(picture.legend[hue]));
    x += 36 + double(picture.legend[hue].size()) * kCharacter;
  }
  widest = std::max({widest, right + 12, x, 20 + double(picture.title.size()) * 7.5});
  y += picture.legend.empty() ? 20 : 36;
  return out;
}

std::string tool::toSvg(const std::vector<CellPicture> &pictures) {
  std::string body;
  double y = 8, widest = 320;
  for (const CellPicture &picture : pictures)
    body += drawAt(picture, y, widest);
  return llvm::formatv(
      R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:F0} {1:F0}" width="{0:F0}" height="{1:F0}">
<style>
svg {{ background: #fff; color: #1d2025 } text {{ font: 10.5px ui-monospace, monospace; fill: currentColor }
.title {{ font: 600 13px system-ui, sans-serif } .soft {{ fill: #5d646e } .edge {{ stroke: #1d2025; stroke-width: 1.4 }
.c {{ stroke: #fff; stroke-width: .8 }
.h0 {{ fill: #cfe1fb } .h1 {{ fill: #cdeee2 } .h2 {{ fill: #fbe3c4 } .h3 {{ fill: #ead9f7 }
.h8 {{ fill: #eceef1 } .h4 {{ fill: #f9d3d6 } .h5 {{ fill: #d9dcf7 } .h6 {{ fill: #e3efb5 } .h7 {{ fill: #c9ecf2 }
@media (prefers-color-scheme: dark) {{ svg {{ background: #131519; color: #e4e7eb }
.soft {{ fill: #a4abb6 } .edge {{ stroke: #e4e7eb }
.c {{ stroke: #131519 }
.h0 {{ fill: #1f4272 } .h1 {{ fill: #14564a } .h2 {{ fill: #6b4415 } .h3 {{ fill: #4d2f6b }
.h8 {{ fill: #272b32 } .h4 {{ fill: #6b2730 } .h5 {{ fill: #383f7a } .h6 {{ fill: #4b5a15 } .h7 {{ fill: #145764 } }
</style>
{2}</svg>
)",
      widest, y, body);
}
