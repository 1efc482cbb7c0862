//===- ViewPlaces.h - Where the elements of a tile lie ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view in the interpreter is an array in memory, perhaps seen through maps from its positions to those of what it is
// made of (of a part in ViewHandlers.cpp, where extents vary in VaryingViews.cpp). An access asks for the place of each
// element of its tile.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_VIEWPLACES_H
#define IMBREX_COMPILER_REFERENCE_VIEWPLACES_H

#include "compiler/reference/TileValue.h"

namespace imbrex::reference {

using Position = llvm::SmallVector<int64_t, 8>; ///< one number a dimension

/// How positions of a view become positions of the one that it is made of.
struct ViewMap {
  virtual ~ViewMap() = default;
  /// The position in the source of one inside the extents; false where there is none.
  virtual bool toSource(Position &position) const = 0;
  /// How many elements `index` has along the dimension that varies (tile.length).
  virtual int64_t lengthOf(int64_t index) const { return 0; }
  /// What the element at a position of this view is multiplied by (tile.scaled); nullopt: by nothing.
  virtual std::optional<double> scaleAt(const Position &position) const { return std::nullopt; }

  std::shared_ptr<const ViewMap> source; ///< the map of the source; null: an array in memory
  Position extents;                      ///< of this view
};

/// The extents of a view: those of its map, or of the array.
llvm::ArrayRef<int64_t> extentsOf(const TileValue &view);

/// What an access says of its tile. `dims` as of tile.gather: -1 where only indices say where elements lie.
struct AccessIndices {
  llvm::ArrayRef<const TileValue *> indices; ///< scalars, or tiles that repeat to `shape`
  llvm::ArrayRef<int64_t> dims, shape;
  llvm::ArrayRef<int64_t> within;                ///< dimensions
  llvm::ArrayRef<const TileValue *> lows, highs; ///< their bounds
};

struct Place {
  size_t at;                   ///< number of the tile's element, row-major
  int64_t offset;              ///< in the array, in elements
  int64_t number;              ///< row-major over the array's extents
  std::optional<double> scale; ///< what the element is multiplied by
};

/// True of a view whose elements are multiplied by scales.
bool isScaled(const TileValue &view);

/// Of those elements that lie inside, in the order of the tile.
std::vector<Place> findPlaces(const TileValue &view, const AccessIndices &access);

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_VIEWPLACES_H
