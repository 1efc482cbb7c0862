//===- ViewHandlers.cpp - Views and the grid in the interpreter -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.program_id, tile.extent, tile.subview, and loads and stores by slices and by tiles of indices. An access first
// finds the places of its tile's elements (ViewPlaces.h), then reads or writes them in one loop for its element type.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/ErrorBounds.h"
#include "compiler/reference/ViewPlaces.h"
#include "dialects/tile/TileDialect.h"
#include <cmath>
#include <cstring>

namespace imbrex::reference {
namespace {

using Places = std::vector<Place>;

template <typename Raw, typename T, typename Decode>
void read(const Places &places, const void *memory, std::vector<T> &out, Decode decode) {
  for (const Place &place : places) {
    Raw raw;
    std::memcpy(&raw, static_cast<const Raw *>(memory) + place.offset, sizeof(Raw));
    out[place.at] = decode(raw);
  }
}

template <typename Raw, typename T, typename Encode>
void write(const Places &places, void *memory, const std::vector<T> &in, Encode encode) {
  for (const Place &place : places) {
    Raw raw = encode(in[place.at]);
    std::memcpy(static_cast<Raw *>(memory) + place.offset, &raw, sizeof(Raw));
  }
}

void readAll(const Places &places, const ViewData &view, TileValue &out) {
  switch (view.type) {
  case DataType::Bool:
    return read<uint8_t>(places, view.data, out.ints, [](uint8_t raw) { return raw != 0 ? -1 : 0; });
  case DataType::I8:
  case DataType::U8:
    return read<int8_t>(places, view.data, out.ints, [](int8_t raw) { return raw; });
  case DataType::I32:
  case DataType::U32:
    return read<int32_t>(places, view.data, out.ints, [](int32_t raw) { return raw; });
  case DataType::I64:
    return read<int64_t>(places, view.data, out.ints, [](int64_t raw) { return raw; });
  case DataType::F8E4M3:
    return read<uint8_t>(places, view.data, out.floats,
                         [](uint8_t raw) { return decodeFloat(raw, ElementType::F8E4M3); });
  case DataType::F8E5M2:
    return read<uint8_t>(places, view.data, out.floats,
                         [](uint8_t raw) { return decodeFloat(raw, ElementType::F8E5M2); });
  case DataType::F16:
    return read<uint16_t>(places, view.data, out.floats,
                          [](uint16_t raw) { return decodeFloat(raw, ElementType::F16); });
  case DataType::BF16:
    return read<uint16_t>(places, view.data, out.floats,
                          [](uint16_t raw) { return decodeFloat(raw, ElementType::BF16); });
  case DataType::F32:
    return read<float>(places, view.data, out.floats, [](float raw) { return double(raw); });
  case DataType::F64:
    return read<double>(places, view.data, out.floats, [](double raw) { return raw; });
  }
}

/// Elements of few bits times their scales: a product of f32 (of f64 for a tile of f64), rounded to the tile's type.
void readScaled(const Places &places, const ViewData &view, TileValue &out) {
  TileValue raw;
  raw.shape = out.shape;
  raw.element = ElementType::of(view.type);
  raw.element.isFloat() ? raw.floats.resize(out.size()) : raw.ints.resize(out.size());
  readAll(places, view, raw);
  bool isDouble = out.element.kind == ElementType::F64;
  for (const Place &place : places) {
    double product = (raw.element.isFloat() ? raw.floats[place.at] : double(raw.ints[place.at])) * *place.scale;
    out.floats[place.at] = isDouble ? product : roundTo(roundTo(product, ElementType::F32), out.element.kind);
  }
}

void writeAll(const Places &places, const ViewData &view, const TileValue &in) {
  switch (view.type) {
  case DataType::Bool:
    return write<uint8_t>(places, view.data, in.ints, [](int64_t value) { return uint8_t(value != 0); });
  case DataType::I8:
  case DataType::U8:
    return write<int8_t>(places, view.data, in.ints, [](int64_t value) { return int8_t(value); });
  case DataType::I32:
  case DataType::U32:
    return write<int32_t>(places, view.data, in.ints, [](int64_t value) { return int32_t(value); });
  case DataType::I64:
    return write<int64_t>(places, view.data, in.ints, [](int64_t value) { return value; });
  case DataType::F8E4M3:
    return write<uint8_t>(places, view.data, in.floats,
                          [](double value) { return uint8_t(encodeFloat(value, ElementType::F8E4M3)); });
  case DataType::F8E5M2:
    return write<uint8_t>(places, view.data, in.floats,
                          [](double value) { return uint8_t(encodeFloat(value, ElementType::F8E5M2)); });
  case DataType::F16:
    return write<uint16_t>(places, view.data, in.floats,
                           [](double value) { return uint16_t(encodeFloat(value, ElementType::F16)); });
  case DataType::BF16:
    return write<uint16_t>(places, view.data, in.floats,
                           [](double value) { return uint16_t(encodeFloat(value, ElementType::BF16)); });
  case DataType::F32:
    return write<float>(places, view.data, in.floats, [](double value) { return float(value); });
  case DataType::F64:
    return write<double>(places, view.data, in.floats, [](double value) { return value; });
  }
}

/// Tells the memory of every element that `op` loads (or stores); the first fault is the run's error.
void note(OpRun &run, Output &output, const Places &places, bool isStore) {
  char *memory = static_cast<char *>(output.view.data);
  for (const Place &place : places) {
    if (!run.error.empty())
      return;
    run.error = isStore
                    ? run.memory.store(output, place.number, memory + place.offset * byteSize(output.view.type), run.op)
                    : run.memory.load(output, place.number, run.op);
  }
}

/// The places of an access whose operands are, from `first` on, the view, indices, and bounds of `within`.
template <typename Access> Places placesOf(OpRun &run, Access op, unsigned first, llvm::ArrayRef<int64_t> shape) {
  size_t rank = op.getIndices().size(), bounds = op.getWithin().size();
  llvm::ArrayRef<const TileValue *> rest = run.operands.drop_front(first + 1);
  return findPlaces(run.in(first), {rest.take_front(rank), op.getDims(), shape, op.getWithin(),
                                    rest.slice(rank, bounds), rest.slice(rank + bounds, bounds)});
}

/// What was stored in this instance may be off by as much as it was then.
void loadErrors(const Output &output, const Places &places, TileValue &out) {
  if (!output.view.errors)
    return;
  out.errors.resize(out.size());
  for (const Place &place : places)
    out.errors[place.at] = (*output.view.errors)[size_t(place.number)];
}

/// Adds each element where it belongs, one after another: two may belong to one place.
void addAll(Output &output, const Places &places, const TileValue &in) {
  const ViewData &view = output.view;
  bool isFloat = in.element.isFloat();
  if (view.errors && output.sizes.empty())
    output.sizes.resize(view.errors->size(), -1);
  TileValue sum = in;
  for (const Place &place : places) {
    Places one{place};
    readAll(one, view, sum);
    if (view.errors && isFloat) {
      double &size = output.sizes[size_t(place.number)];
      size = (size < 0 ? std::fabs(sum.floats[place.at]) : size) + std::fabs(in.floats[place.at]);
      double own = in.errors.empty() ? 0 : in.errors[place.at];
      (*view.errors)[size_t(place.number)] += own + (std::isfinite(size) ? roundingOf(in.element, size) : 0);
    }
    if (isFloat)
      sum.floats[place.at] += in.floats[place.at];
    else
      sum.ints[place.at] = int64_t(uint64_t(sum.ints[place.at]) + uint64_t(in.ints[place.at]));
    writeAll(one, view, sum);
  }
}

/// In an iteration of which a promise says nothing, what adds zero adds nothing.
void dropZeros(Places &places, const TileValue &in) {
  llvm::erase_if(places, [&](const Place &place) {
    return in.element.isFloat() ? in.floats[place.at] == 0 : in.ints[place.at] == 0;
  });
}

template <typename Access> void load(OpRun &run) {
  Places places = placesOf(run, mlir::cast<Access>(run.op), 0, run.out().shape);
  const ViewData &view = *run.in(0).view;
  Output *output = run.memory.find(&view);
  if constexpr (std::is_same_v<Access, tile::GatherOp>) // a table's entry that is not there
    if (mlir::cast<Access>(run.op).getCertain())
      std::fill(run.out().ints.begin(), run.out().ints.end(), -1);
  if (output)
    note(run, *output, places, /*isStore=*/false);
  if (isScaled(run.in(0)))
    readScaled(places, view, run.out());
  else
    readAll(places, view, run.out());
  if (output)
    loadErrors(*output, places, run.out());
}

template <typename Access> void store(OpRun &run) {
  if (run.memory.mode == Memory::Mode::Dry)
    return;
  Places places = placesOf(run, mlir::cast<Access>(run.op), 1, run.in(0).shape);
  const ViewData &view = *run.in(1).view;
  bool adds = isAddition(run.op);
  if (adds && run.memory.mode == Memory::Mode::Hidden)
    dropZeros(places, run.in(0));
  Output *output = run.memory.find(&view);
  if (output)
    note(run, *output, places, /*isStore=*/true);
  if (!run.error.empty())
    return;
  if (adds) // to an output: the operation's constraint
    return addAll(*output, places, run.in(0));
  writeAll(places, view, run.in(0));
  if (view.errors)
    for (const Place &place : places)
      (*view.errors)[place.number] = storedError(run.in(0), place.at);
}

struct PartMap : ViewMap {
  Position start;                     ///< in the source, of position 0
  llvm::SmallVector<int64_t, 4> dims; ///< of the source, one a dimension of this view

  bool toSource(Position &position) const override {
    Position result = start;
    for (size_t k = 0; k < dims.size(); ++k)
      result[dims[k]] += position[k];
    position = std::move(result);
    return true;
  }
};

void subview(OpRun &run) {
  auto op = mlir::cast<tile::SubviewOp>(run.op);
  auto map = std::make_shared<PartMap>();
  size_t rank = op.getStart().size();
  map->source = run.in(0).map;
  map->dims.assign(op.getDims().begin(), op.getDims().end());
  for (size_t d = 0; d < rank; ++d)
    map->start.push_back(run.in(1 + d).ints[0]);
  for (size_t k = 0; k < map->dims.size(); ++k)
    map->extents.push_back(std::max<int64_t>(0, run.in(1 + rank + k).ints[0] - map->start[map->dims[k]]));
  run.out().view = run.in(0).view;
  run.out().map = std::move(map);
}

void extent(OpRun &run) {
  int64_t extent = extentsOf(run.in(0))[mlir::cast<tile::ExtentOp>(run.op).getDim()];
  run.out().ints[0] = std::min<int64_t>(extent, INT32_MAX);
}

void programId(OpRun &run) { run.out().ints[0] = run.programId[mlir::cast<tile::ProgramIdOp>(run.op).getAxis()]; }

} // namespace

void addViewHandlers(HandlerTable &table) {
  table.add<tile::ProgramIdOp>(programId);
  table.add<tile::ExtentOp>(extent);
  table.add<tile::LoadOp>(load<tile::LoadOp>);
  table.add<tile::GatherOp>(load<tile::GatherOp>);
  table.add<tile::StoreOp>(store<tile::StoreOp>);
  table.add<tile::ScatterOp>(store<tile::ScatterOp>);
  table.add<tile::SubviewOp>(subview);
}

} // namespace imbrex::reference
