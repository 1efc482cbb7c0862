//===- LayoutPictures.cpp - Layouts as pictures ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Owners are found by asking the layout where each register of each lane of warp 0 lies.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/LayoutPictures.h"
#include "dialects/layout/Warp.h"
#include "llvm/Support/FormatVariadic.h"

using namespace imbrex;
using namespace imbrex::tool;
using namespace imbrex::layout;

/// What is drawn of a tile, element by element.
static constexpr int64_t kMostRows = 16, kMostColumns = 16;

/// A coordinate as row and column: a tile of rank 1 is one row.
static std::pair<int64_t, int64_t> placeOf(const Coord &coord) {
  return coord.size() == 1 ? std::pair<int64_t, int64_t>(0, coord[0]) : std::pair<int64_t, int64_t>(coord[0], coord[1]);
}

static CellPicture drawElements(const TileLayout &layout, const std::string &name, int64_t height, int64_t width) {
  CellPicture picture;
  unsigned atomRows = layout.rank() == 1 ? 1 : layout.atomShape()[0], atomColumns = layout.atomShape().back();
  int64_t rows = std::min(height, kMostRows), columns = std::min(width, kMostColumns);
  picture.title = name + ": lane:register of warp 0, and the warps of the rest";
  picture.notes = {
      llvm::formatv("rows 0 to {0} and columns 0 to {1} of {2} x {3}; a block of {4} x {5} is held by one warp at once",
                    rows - 1, columns - 1, height, width, atomRows, atomColumns)};
  picture.rows.assign(size_t(rows), std::vector<Cell>(size_t(columns), Cell{"", kPlain}));
  picture.blockRows = atomRows < rows ? atomRows : 0, picture.blockColumns = atomColumns < columns ? atomColumns : 0;
  picture.rowLabel = "row", picture.columnLabel = "column";
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column) {
      Coord coord;
      if (layout.rank() == 2)
        coord.push_back(uint32_t(row));
      coord.push_back(uint32_t(column));
      if (unsigned warp = layout.find(coord).warp)
        picture.rows[size_t(row)][size_t(column)].text = "w" + std::to_string(warp);
    }
  for (unsigned reg = 0; reg < layout.registersPerThread(); ++reg)
    for (unsigned lane = 0; lane < kWarpThreads; ++lane) {
      auto [row, column] = placeOf(layout.coordOf(reg, lane, 0));
      if (row >= rows || column >= columns)
        continue;
      Cell &cell = picture.rows[size_t(row)][size_t(column)];
      if (cell.text.empty()) // the lowest of those that hold it
        cell = {llvm::formatv("{0}:{1}", lane, reg), lane / 4};
    }
  return picture;
}

/// Blocks of the atom's extents by the warp that holds them.
static CellPicture drawWarps(const TileLayout &layout, const std::string &name, int64_t height, int64_t width) {
  CellPicture picture;
  unsigned atomRows = layout.rank() == 1 ? 1 : layout.atomShape()[0], atomColumns = layout.atomShape().back();
  picture.title = name + ": warps";
  picture.notes = {
      llvm::formatv("a cell is a block of {0} x {1}; the number is the warp that holds it; {2} registers a thread",
                    atomRows, atomColumns, layout.registersPerThread())};
  int64_t rows = std::min<int64_t>(height / atomRows, kMostRows),
          columns = std::min<int64_t>(width / atomColumns, 2 * kMostColumns);
  picture.rowLabel = "block", picture.columnLabel = "block";
  for (int64_t r = 0; r < rows; ++r) {
    picture.rows.emplace_back();
    for (int64_t c = 0; c < columns; ++c) {
      Coord coord;
      if (layout.rank() == 2)
        coord.push_back(uint32_t(r * atomRows));
      coord.push_back(uint32_t(c * atomColumns));
      unsigned warp = layout.find(coord).warp;
      picture.rows.back().push_back({std::to_string(warp), warp % kHues});
    }
  }
  return picture;
}

std::vector<CellPicture> tool::picturesOf(const TileLayout &layout, const std::string &name) {
  int64_t height = layout.rank() == 1 ? 1 : layout.extent(0), width = layout.extent(layout.rank() - 1);
  return {drawElements(layout, name, height, width), drawWarps(layout, name, height, width)};
}

/// Wavefronts of a warp-wide access of 16 bytes a lane (a quarter of a warp at once) of 8 rows at one chunk, which is
/// how ldmatrix reads, four times: with the layout's swizzle or without.
static unsigned columnWavefronts(const SharedLayout &shared, bool isSwizzled) {
  constexpr unsigned kChunk = 16, kRows = 8;
  llvm::SmallVector<int64_t> offsets;
  for (unsigned lane = 0; lane < kWarpThreads; ++lane) {
    int64_t row = (lane % kRows) % shared.paddedRows(),
            column = (lane / kRows) * kChunk / shared.elementBytes() % shared.paddedColumns();
    offsets.push_back(isSwizzled
                          ? shared.offset(row, column)
                          : row * shared.paddedColumns() * shared.elementBytes() + column * shared.elementBytes());
  }
  return kWarpThreads * kChunk / 128 + bankConflicts(offsets, kChunk);
}

CellPicture tool::pictureOf(const SharedLayout &shared, const std::string &name) {
  constexpr unsigned kChunk = 16;
  CellPicture picture;
  unsigned chunks = shared.span() / kChunk, perLine = 128 / shared.span();
  picture.title = name + ": 16-byte chunks of a row, where they stand";
  picture.notes = {
      llvm::formatv(
          "{0} x {1} of {2} bytes, panels of {3} bytes a row; columns of the picture are 16 bytes of the 32 banks each",
          shared.paddedRows(), shared.paddedColumns(), shared.elementBytes(), shared.span()),
      llvm::formatv("ldmatrix of four 8 x 16-byte blocks, below one another: {0} wavefronts; without the swizzle {1}",
                    columnWavefronts(shared, true), columnWavefronts(shared, false))};
  picture.columnLabel = "x 16 bytes", picture.rowLabel = perLine > 1 ? "x 128 bytes, row:chunk" : "row, row:chunk";
  int64_t lines = std::min<int64_t>(8, std::max<int64_t>(1, shared.paddedRows() / perLine));
  picture.rows.assign(size_t(lines), std::vector<Cell>(8, Cell{"", kPlain}));
  for (int64_t row = 0; row < std::min<int64_t>(shared.paddedRows(), lines * perLine); ++row)
    for (unsigned chunk = 0; chunk < chunks; ++chunk) {
      int64_t offset = shared.offset(row, chunk * kChunk / shared.elementBytes());
      if (offset < lines * 128)
        picture.rows[size_t(offset / 128)][size_t(offset % 128 / kChunk)] = {llvm::formatv("{0}:{1}", row, chunk),
                                                                             chunk % kHues};
    }
  return picture;
}
