//===- ViewHandlers.cpp - Views and the grid in the interpreter -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.program_id, tile.extent, tile.load and tile.store. A load or store first finds the box of the tile
// that lies inside the view (and inside `within`), then walks that box in one loop for its element type.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/ErrorBounds.h"
#include "dialects/tile/TileDialect.h"
#include <cstring>

namespace imbrex::reference {
namespace {

/// The part of a tile inside a view: tile coordinates low[k] .. high[k] - 1, and where they lie.
struct Box {
  llvm::SmallVector<int64_t, 4> low, high, tileStrides, viewStrides, numberStrides;
  int64_t viewBase = 0;   ///< offset in elements of tile coordinate 0 (perhaps itself outside)
  int64_t numberBase = 0; ///< its number, row-major over the view's extents
  bool empty = false;
};

Box findBox(const ViewData &view, llvm::ArrayRef<const TileValue *> indices, llvm::ArrayRef<int64_t> dims,
            llvm::ArrayRef<int64_t> shape) {
  Box box;
  llvm::SmallVector<int64_t, 4> numbers(indices.size(), 1);
  for (size_t d = indices.size(); d-- > 1;)
    numbers[d - 1] = numbers[d] * view.extents[d];
  size_t next = 0;
  for (size_t d = 0; d < indices.size(); ++d) {
    int64_t start = indices[d]->ints[0];
    box.viewBase += start * view.strides[d];
    box.numberBase += start * numbers[d];
    if (next == dims.size() || dims[next] != int64_t(d)) {
      box.empty |= start < 0 || start >= view.extents[d];
      continue;
    }
    box.low.push_back(std::max<int64_t>(0, -start));
    box.high.push_back(std::min(shape[next], view.extents[d] - start));
    box.viewStrides.push_back(view.strides[d]);
    box.numberStrides.push_back(numbers[d]);
    ++next;
  }
  box.tileStrides.assign(shape.size(), 1);
  for (size_t k = shape.size(); k-- > 1;)
    box.tileStrides[k - 1] = box.tileStrides[k] * shape[k];
  return box;
}

/// Calls visit(tile index, view offset) for every element of the box.
template <typename Visit>
void walk(const Box &box, Visit visit, size_t k = 0, int64_t at = 0, int64_t offset = 0, int64_t number = 0) {
  if (box.empty)
    return;
  if (k == box.low.size()) {
    visit(at, box.viewBase + offset, box.numberBase + number);
    return;
  }
  for (int64_t x = box.low[k]; x < box.high[k]; ++x)
    walk(box, visit, k + 1, at + x * box.tileStrides[k], offset + x * box.viewStrides[k],
         number + x * box.numberStrides[k]);
}

template <typename Raw, typename T, typename Decode>
void read(const Box &box, const void *memory, std::vector<T> &out, Decode decode) {
  walk(box, [&](int64_t at, int64_t offset, int64_t) {
    Raw raw;
    std::memcpy(&raw, static_cast<const Raw *>(memory) + offset, sizeof(Raw));
    out[at] = decode(raw);
  });
}

template <typename Raw, typename T, typename Encode>
void write(const Box &box, void *memory, const std::vector<T> &in, Encode encode) {
  walk(box, [&](int64_t at, int64_t offset, int64_t) {
    Raw raw = encode(in[at]);
    std::memcpy(static_cast<Raw *>(memory) + offset, &raw, sizeof(Raw));
  });
}

void readBox(const Box &box, const ViewData &view, TileValue &out) {
  switch (view.type) {
  case DataType::Bool:
    return read<uint8_t>(box, view.data, out.ints, [](uint8_t raw) { return raw != 0 ? -1 : 0; });
  case DataType::I8:
  case DataType::U8:
    return read<int8_t>(box, view.data, out.ints, [](int8_t raw) { return raw; });
  case DataType::I32:
  case DataType::U32:
    return read<int32_t>(box, view.data, out.ints, [](int32_t raw) { return raw; });
  case DataType::I64:
    return read<int64_t>(box, view.data, out.ints, [](int64_t raw) { return raw; });
  case DataType::F16:
    return read<uint16_t>(box, view.data, out.floats, [](uint16_t raw) { return decodeFloat(raw, ElementType::F16); });
  case DataType::BF16:
    return read<uint16_t>(box, view.data, out.floats, [](uint16_t raw) { return decodeFloat(raw, ElementType::BF16); });
  case DataType::F32:
    return read<float>(box, view.data, out.floats, [](float raw) { return double(raw); });
  case DataType::F64:
    return read<double>(box, view.data, out.floats, [](double raw) { return raw; });
  }
}

void writeBox(const Box &box, const ViewData &view, const TileValue &in) {
  switch (view.type) {
  case DataType::Bool:
    return write<uint8_t>(box, view.data, in.ints, [](int64_t value) { return uint8_t(value != 0); });
  case DataType::I8:
  case DataType::U8:
    return write<int8_t>(box, view.data, in.ints, [](int64_t value) { return int8_t(value); });
  case DataType::I32:
  case DataType::U32:
    return write<int32_t>(box, view.data, in.ints, [](int64_t value) { return int32_t(value); });
  case DataType::I64:
    return write<int64_t>(box, view.data, in.ints, [](int64_t value) { return value; });
  case DataType::F16:
    return write<uint16_t>(box, view.data, in.floats,
                           [](double value) { return uint16_t(encodeFloat(value, ElementType::F16)); });
  case DataType::BF16:
    return write<uint16_t>(box, view.data, in.floats,
                           [](double value) { return uint16_t(encodeFloat(value, ElementType::BF16)); });
  case DataType::F32:
    return write<float>(box, view.data, in.floats, [](double value) { return float(value); });
  case DataType::F64:
    return write<double>(box, view.data, in.floats, [](double value) { return value; });
  }
}

/// Operands: the view, one index a dimension, then the bounds of `within`.
/// Tells the memory of every element that `op` loads (or stores); the first fault is the run's error.
void note(OpRun &run, Output &output, const Box &box, bool isStore) {
  char *memory = static_cast<char *>(output.view.data);
  walk(box, [&](int64_t, int64_t offset, int64_t number) {
    if (run.error.empty())
      run.error = isStore ? run.memory.store(output, number, memory + offset * byteSize(output.view.type), run.op)
                          : run.memory.load(output, number, run.op);
  });
}

void load(OpRun &run) {
  auto op = mlir::cast<tile::LoadOp>(run.op);
  const ViewData &view = *run.in(0).view;
  size_t rank = op.getIndices().size();
  Box box = findBox(view, run.operands.slice(1, rank), op.getDims(), run.out().shape);
  if (op.getWithinDim()) {
    int64_t dim = *op.getWithinDim(), start = run.in(1 + dim).ints[0];
    size_t k = llvm::find(op.getDims(), dim) - op.getDims().begin();
    box.low[k] = std::max(box.low[k], run.in(1 + rank).ints[0] - start);
    box.high[k] = std::min(box.high[k], run.in(2 + rank).ints[0] - start);
  }
  if (Output *output = run.memory.find(&view))
    note(run, *output, box, /*isStore=*/false);
  readBox(box, view, run.out());
}

void store(OpRun &run) {
  auto op = mlir::cast<tile::StoreOp>(run.op);
  if (run.memory.mode == Memory::Mode::Dry)
    return;
  const ViewData &view = *run.in(1).view;
  Box box = findBox(view, run.operands.drop_front(2), op.getDims(), run.in(0).shape);
  if (Output *output = run.memory.find(&view))
    note(run, *output, box, /*isStore=*/true);
  if (!run.error.empty())
    return;
  writeBox(box, view, run.in(0));
  if (view.errors)
    walk(box, [&](int64_t at, int64_t, int64_t number) { (*view.errors)[number] = storedError(run.in(0), at); });
}

void extent(OpRun &run) { run.out().ints[0] = run.in(0).view->extents[mlir::cast<tile::ExtentOp>(run.op).getDim()]; }

void programId(OpRun &run) { run.out().ints[0] = run.programId[mlir::cast<tile::ProgramIdOp>(run.op).getAxis()]; }

} // namespace

void addViewHandlers(HandlerTable &table) {
  table.add<tile::ProgramIdOp>(programId);
  table.add<tile::ExtentOp>(extent);
  table.add<tile::LoadOp>(load);
  table.add<tile::StoreOp>(store);
}

} // namespace imbrex::reference
