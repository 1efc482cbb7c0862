//===- ViewPlaces.h - Where the elements of a tile lie ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view in the interpreter is an array in memory, perhaps seen through maps: tile.subview makes a map from the
// positions of the part to those of its source. An access asks for the place of each element of its tile.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_VIEWPLACES_H
#define IMBREX_COMPILER_REFERENCE_VIEWPLACES_H

#include "compiler/reference/TileValue.h"

namespace imbrex::reference {

using Position = llvm::SmallVector<int64_t, 8>; ///< one number a dimension

/// How positions of a view become positions of the one that it is made of.
struct ViewMap {
  std::shared_ptr<const ViewMap> source; ///< of that one; null: an array in memory
  Position start;                        ///< in the source, of position 0
  llvm::SmallVector<int64_t, 4> dims;    ///< of the source, one a dimension of this view
  Position extents;                      ///< of this view

  /// The position in the source; false where there is none.
  bool toSource(Position &position) const;
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
  size_t at;      ///< number of the tile's element, row-major
  int64_t offset; ///< in the array, in elements
  int64_t number; ///< row-major over the array's extents
};

/// Of those elements that lie inside, in the order of the tile.
std::vector<Place> findPlaces(const TileValue &view, const AccessIndices &access);

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_VIEWPLACES_H
