//===- VaryingViews.cpp - Views whose extents vary, interpreted -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.padded, tile.ragged, tile.paged, tile.scaled and tile.length: maps that read lengths, offsets and tables as an
// access goes through them.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Handlers.h"
#include "compiler/reference/ViewPlaces.h"
#include "dialects/tile/TileDialect.h"
#include <cstring>

namespace imbrex::reference {
namespace {

/// An element of a view of i32; 0 outside.
int64_t entryOf(const ViewData &view, std::initializer_list<int64_t> position) {
  int64_t offset = 0;
  size_t d = 0;
  for (int64_t index : position) {
    if (index < 0 || index >= view.extents[d])
      return 0;
    offset += index * view.strides[d++];
  }
  int32_t entry;
  std::memcpy(&entry, static_cast<const int32_t *>(view.data) + offset, sizeof entry);
  return entry;
}

struct VaryingMap : ViewMap {
  uint32_t dim, along;
};

struct PaddedMap : VaryingMap {
  const ViewData *lengths;

  bool toSource(Position &position) const override { return position[dim] < lengthOf(position[along]); }
  int64_t lengthOf(int64_t index) const override {
    return std::clamp<int64_t>(entryOf(*lengths, {index}), 0, extents[dim]);
  }
};

struct RaggedMap : VaryingMap {
  const ViewData *offsets;
  int64_t rows; ///< of the storage along `dim`

  /// Rows [first, second) of the storage.
  std::pair<int64_t, int64_t> rowsOf(int64_t index) const {
    int64_t begin = std::clamp<int64_t>(entryOf(*offsets, {index}), 0, rows);
    bool isInside = index >= 0 && index < extents[along];
    return {begin, isInside ? std::max(begin, std::min(entryOf(*offsets, {index + 1}), rows)) : begin};
  }
  bool toSource(Position &position) const override {
    if (position[dim] >= lengthOf(position[along]))
      return false;
    position[dim] += rowsOf(position[along]).first;
    position.erase(position.begin() + along);
    return true;
  }
  int64_t lengthOf(int64_t index) const override {
    return std::clamp<int64_t>(rowsOf(index).second - rowsOf(index).first, 0, std::max<int64_t>(extents[dim], 0));
  }
};

struct PagedMap : VaryingMap {
  const ViewData *table, *lengths;
  int64_t rows, page, extent; ///< the last: of the storage along `dim`

  bool toSource(Position &position) const override {
    int64_t at = position[dim];
    if (at >= lengthOf(position[along]))
      return false;
    int64_t first = entryOf(*table, {position[along], at / page}) * rows;
    if (first < 0 || first + page > extent)
      return false;
    position[dim] = first + at % page;
    position.erase(position.begin() + along);
    return true;
  }
  int64_t lengthOf(int64_t index) const override {
    return std::clamp<int64_t>(entryOf(*lengths, {index}), 0, extents[dim]);
  }
};

struct ScaledMap : ViewMap {
  const ViewData *scales;
  Position over, blocks;

  bool toSource(Position &) const override { return true; }
  int64_t lengthOf(int64_t index) const override { return source->lengthOf(index); }
  std::optional<double> scaleAt(const Position &position) const override {
    int64_t offset = 0;
    for (size_t k = 0; k < over.size(); ++k) {
      int64_t index = position[over[k]] / blocks[k];
      if (index >= scales->extents[k])
        return 0;
      offset += index * scales->strides[k];
    }
    if (over.empty() && scales->extents[0] < 1)
      return 0;
    float scale;
    std::memcpy(&scale, static_cast<const float *>(scales->data) + offset, sizeof scale);
    return scale;
  }
};

/// The result is `map` of the first operand, with the storage's extents, to which the other two are set or added.
template <typename Map, typename Op>
void finish(OpRun &run, Op op, std::shared_ptr<Map> map, std::optional<int64_t> along, int64_t dim) {
  map->dim = op.getDim();
  map->along = op.getAlong();
  map->source = run.in(0).map;
  llvm::ArrayRef<int64_t> extents = extentsOf(run.in(0));
  map->extents.assign(extents.begin(), extents.end());
  if (along)
    map->extents.insert(map->extents.begin() + map->along, *along);
  map->extents[map->dim] = dim;
  run.out().view = run.in(0).view;
  run.out().map = std::move(map);
}

void padded(OpRun &run) {
  auto op = mlir::cast<tile::PaddedOp>(run.op);
  auto map = std::make_shared<PaddedMap>();
  map->lengths = run.in(1).view;
  finish(run, op, map, std::nullopt, extentsOf(run.in(0))[op.getDim()]);
}

void ragged(OpRun &run) {
  auto map = std::make_shared<RaggedMap>();
  auto op = mlir::cast<tile::RaggedOp>(run.op);
  map->offsets = run.in(1).view;
  map->rows = extentsOf(run.in(0))[op.getDim() - (op.getDim() > op.getAlong())];
  finish(run, op, map, std::max<int64_t>(map->offsets->extents[0] - 1, 0), run.in(2).ints[0]);
}

void paged(OpRun &run) {
  auto op = mlir::cast<tile::PagedOp>(run.op);
  auto map = std::make_shared<PagedMap>();
  map->table = run.in(1).view;
  map->lengths = run.in(2).view;
  map->rows = run.in(3).ints[0];
  map->page = int64_t(op.getPage());
  map->extent = extentsOf(run.in(0))[op.getDim() - (op.getDim() > op.getAlong())];
  finish(run, op, map, map->lengths->extents[0], std::min<int64_t>(map->table->extents[1] * map->page, INT32_MAX));
}

void scaled(OpRun &run) {
  auto op = mlir::cast<tile::ScaledOp>(run.op);
  auto map = std::make_shared<ScaledMap>();
  map->scales = run.in(1).view;
  map->over.assign(op.getOver().begin(), op.getOver().end());
  map->blocks.assign(op.getBlocks().begin(), op.getBlocks().end());
  map->source = run.in(0).map;
  llvm::ArrayRef<int64_t> extents = extentsOf(run.in(0));
  map->extents.assign(extents.begin(), extents.end());
  run.out().view = run.in(0).view;
  run.out().map = std::move(map);
}

void pageRows(OpRun &run) {
  auto op = mlir::cast<tile::PageRowsOp>(run.op);
  const ViewData &table = *run.in(0).view;
  auto scalar = [&](unsigned operand) { return run.in(operand).ints[0]; };
  const int64_t index = scalar(1), start = scalar(2), low = scalar(3), high = scalar(4);
  const int64_t rows = scalar(5), pages = scalar(6);
  const int64_t page = int64_t(op.getPage()), length = int64_t(op.getRun());
  for (auto [x, row] : llvm::enumerate(run.out().ints)) {
    const int64_t s = start + length * int64_t(x), column = s / page;
    row = -length;
    if (s + length <= low || s >= high || index < 0 || index >= table.extents[0] || column >= table.extents[1])
      continue;
    int32_t entry;
    std::memcpy(&entry, static_cast<const int32_t *>(table.data) + index * table.strides[0] + column * table.strides[1],
                sizeof entry);
    if (entry >= 0 && entry < pages)
      row = entry * rows + s % page;
  }
}

void length(OpRun &run) { run.out().ints[0] = run.in(0).map->lengthOf(run.in(1).ints[0]); }

} // namespace

void addVaryingViewHandlers(HandlerTable &table) {
  table.add<tile::PaddedOp>(padded);
  table.add<tile::RaggedOp>(ragged);
  table.add<tile::PagedOp>(paged);
  table.add<tile::ScaledOp>(scaled);
  table.add<tile::LengthOp>(length);
  table.add<tile::PageRowsOp>(pageRows);
}

} // namespace imbrex::reference
