//===- ViewPlaces.cpp - Where the elements of a tile lie ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element by element: its position in the view, then through the maps, then in memory.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/ViewPlaces.h"

namespace imbrex::reference {

llvm::ArrayRef<int64_t> extentsOf(const TileValue &view) {
  return view.map ? llvm::ArrayRef<int64_t>(view.map->extents) : llvm::ArrayRef<int64_t>(view.view->extents);
}

/// The index of a tile's element `at`, at coordinates `x`: indices repeat along their extents of 1.
static int64_t indexAt(const TileValue &index, llvm::ArrayRef<int64_t> x) {
  size_t at = 0;
  for (size_t k = 0; k < index.shape.size(); ++k)
    at = at * size_t(index.shape[k]) + size_t(index.shape[k] == 1 ? 0 : x[k]);
  return index.ints[at];
}

static bool isWithin(const AccessIndices &access, const Position &position) {
  for (size_t i = 0; i < access.within.size(); ++i) {
    int64_t index = position[access.within[i]];
    if (index < access.lows[i]->ints[0] || index >= access.highs[i]->ints[0])
      return false;
  }
  return true;
}

/// Counts `x` up in `shape`, the last dimension fastest.
static void next(Position &x, llvm::ArrayRef<int64_t> shape) {
  for (size_t k = shape.size(); k-- > 0;) {
    if (++x[k] < shape[k])
      return;
    x[k] = 0;
  }
}

static bool isInside(const Position &position, llvm::ArrayRef<int64_t> extents) {
  for (size_t d = 0; d < position.size(); ++d)
    if (position[d] < 0 || position[d] >= extents[d])
      return false;
  return true;
}

static std::optional<Place> placeOf(const TileValue &view, Position position, size_t at) {
  std::optional<double> scale;
  for (const ViewMap *map = view.map.get(); map; map = map->source.get()) {
    if (!isInside(position, map->extents))
      return std::nullopt;
    if (std::optional<double> own = map->scaleAt(position))
      scale = own;
    if (!map->toSource(position))
      return std::nullopt;
  }
  if (!isInside(position, view.view->extents))
    return std::nullopt;
  Place place{at, 0, 0, scale};
  for (size_t d = 0; d < position.size(); ++d) {
    place.offset += position[d] * view.view->strides[d];
    place.number = place.number * view.view->extents[d] + position[d];
  }
  return place;
}

bool isScaled(const TileValue &view) {
  for (const ViewMap *map = view.map.get(); map; map = map->source.get())
    if (map->scaleAt(Position(map->extents.size(), 0)))
      return true;
  return false;
}

std::vector<Place> findPlaces(const TileValue &view, const AccessIndices &access) {
  std::vector<Place> places;
  size_t count = 1;
  for (int64_t extent : access.shape)
    count *= size_t(extent);
  Position x(access.shape.size(), 0), position(access.indices.size());
  for (size_t at = 0; at < count; ++at, next(x, access.shape)) {
    for (size_t d = 0; d < position.size(); ++d)
      position[d] = indexAt(*access.indices[d], x);
    for (size_t k = 0; k < access.dims.size(); ++k)
      if (access.dims[k] >= 0)
        position[access.dims[k]] += x[k];
    if (!isWithin(access, position))
      continue;
    if (std::optional<Place> place = placeOf(view, position, at))
      places.push_back(*place);
  }
  return places;
}

} // namespace imbrex::reference
