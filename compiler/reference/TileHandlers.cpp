//===- TileHandlers.cpp - Tile operations of the interpreter --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile operations that make, reshape and combine tiles. Tiles are row-major.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Handlers.h"
#include "dialects/tile/TileDialect.h"
#include <cmath>
#include <numeric>

namespace imbrex::reference {
namespace {

/// Applies a generic lambda to whichever of the two vectors the values have.
template <typename Fn> void onElements(const TileValue &in, TileValue &out, Fn fn) {
  if (in.element.isFloat())
    fn(in.floats, out.floats);
  else
    fn(in.ints, out.ints);
}

void splat(OpRun &run) {
  onElements(run.in(0), run.out(), [](const auto &in, auto &out) { std::fill(out.begin(), out.end(), in[0]); });
}

void iota(OpRun &run) { std::iota(run.out().ints.begin(), run.out().ints.end(), 0); }

void copyElements(OpRun &run) {
  onElements(run.in(0), run.out(), [](const auto &in, auto &out) { out = in; });
}

/// The source index of each element of the result, odometer-wise: `step[d]` is 0 along repeated dimensions.
void broadcast(OpRun &run) {
  const TileValue &source = run.in(0);
  llvm::ArrayRef<int64_t> shape = run.out().shape;
  llvm::SmallVector<int64_t, 4> step(shape.size(), 0), index(shape.size(), 0);
  int64_t stride = 1;
  for (size_t d = shape.size(); d-- > 0; stride *= source.shape[d])
    step[d] = source.shape[d] == 1 ? 0 : stride;
  onElements(source, run.out(), [&](const auto &in, auto &out) {
    int64_t from = 0;
    for (auto &element : out) {
      element = in[from];
      for (size_t d = shape.size(); d-- > 0;) {
        from += step[d];
        if (++index[d] < shape[d])
          break;
        from -= step[d] * shape[d];
        index[d] = 0;
      }
    }
  });
}

void interval(OpRun &run) {
  int64_t rows = run.out().shape[0], columns = run.out().shape[1];
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      run.out().ints[row * columns + column] = run.in(0).ints[row] <= column && column < run.in(1).ints[row];
}

void transpose(OpRun &run) {
  int64_t rows = run.in(0).shape[0], columns = run.in(0).shape[1];
  onElements(run.in(0), run.out(), [&](const auto &in, auto &out) {
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t column = 0; column < columns; ++column)
        out[column * rows + row] = in[row * columns + column];
  });
}

/// out += a * b, of in(0)'s and in(1)'s shapes.
template <typename T>
void addProduct(OpRun &run, std::vector<T> &out, const std::vector<T> &a, const std::vector<T> &b) {
  int64_t rows = run.in(0).shape[0], depth = run.in(0).shape[1], columns = run.in(1).shape[1];
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < depth; ++k) {
      T factor = a[row * depth + k];
      for (int64_t column = 0; column < columns; ++column)
        out[row * columns + column] += factor * b[k * columns + column];
    }
}

/// r(x) and s(x) of tile::DotMode.
struct Tf32Parts {
  explicit Tf32Parts(const std::vector<double> &values) {
    for (double value : values) {
      rounded.push_back(roundToTf32(value));
      small.push_back(roundToTf32(value - rounded.back()));
    }
  }
  std::vector<double> rounded, small;
};

void dot(OpRun &run) {
  const TileValue &left = run.in(0), &right = run.in(1);
  onElements(run.in(2), run.out(), [](const auto &in, auto &out) { out = in; });
  if (!left.element.isFloat()) // the caller wraps
    return addProduct(run, run.out().ints, left.ints, right.ints);
  std::vector<double> &out = run.out().floats;
  tile::DotMode mode = mlir::cast<tile::DotOp>(run.op).getMode();
  if (mode == tile::DotMode::Ieee)
    return addProduct(run, out, left.floats, right.floats);
  Tf32Parts a(left.floats), b(right.floats);
  addProduct(run, out, a.rounded, b.rounded);
  if (mode == tile::DotMode::Tf32)
    return;
  addProduct(run, out, a.rounded, b.small);
  addProduct(run, out, a.small, b.rounded);
}

void reduce(OpRun &run) {
  auto op = mlir::cast<tile::ReduceOp>(run.op);
  const TileValue &in = run.in(0);
  TileValue &out = run.out();
  int64_t length = in.shape[op.getDim()], inner = strideOf(in.shape, op.getDim());
  bool isBool = in.element.width == 1;
  auto floats = [&](auto combine) { reduceAlong(in.floats, out.floats, length, inner, combine); };
  auto ints = [&](auto combine) { reduceAlong(in.ints, out.ints, length, inner, combine); };
  auto largest = [](int64_t a, int64_t b) { return std::max(a, b); };
  auto smallest = [](int64_t a, int64_t b) { return std::min(a, b); };
  switch (op.getKind()) {
  case tile::ReduceKind::Sum:
    if (in.element.isFloat())
      return floats([](double a, double b) { return a + b; });
    return ints([](int64_t a, int64_t b) { return int64_t(uint64_t(a) + uint64_t(b)); });
  case tile::ReduceKind::Max:
    if (in.element.isFloat())
      return floats([](double a, double b) { return std::fmax(a, b); });
    return isBool ? ints(smallest) : ints(largest); // true is -1
  case tile::ReduceKind::Min:
    if (in.element.isFloat())
      return floats([](double a, double b) { return std::fmin(a, b); });
    return isBool ? ints(largest) : ints(smallest);
  }
}

} // namespace

void addTileHandlers(HandlerTable &table) {
  table.add<tile::SplatOp>(splat);
  table.add<tile::IotaOp>(iota);
  table.add<tile::ExpandDimsOp>(copyElements);
  table.add<tile::ScalarOp>(copyElements);
  table.add<tile::BroadcastOp>(broadcast);
  table.add<tile::TransposeOp>(transpose);
  table.add<tile::DotOp>(dot);
  table.add<tile::ReduceOp>(reduce);
  table.add<tile::VisibleOp>([](OpRun &) {});
  table.add<tile::IntervalOp>(interval);
  table.add<tile::RequireOp>([](OpRun &run) {
    if (run.in(0).ints[0] == 0)
      run.error = "what the kernel requires of its scalars does not hold";
  });
}

} // namespace imbrex::reference
