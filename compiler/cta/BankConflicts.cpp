//===- BankConflicts.cpp - How accesses of shared memory meet the banks ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The byte that each lane's access starts at, and layout::bankConflicts of them.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/BankConflicts.h"
#include "dialects/cta/CtaDialect.h"
#include "dialects/layout/Access.h"
#include "dialects/layout/Warp.h"

using namespace mlir;
using namespace imbrex;
using layout::Coord;
using layout::SharedLayout;
using layout::TileLayout;

namespace {
using Place = std::pair<int64_t, int64_t>; // row and column of a buffer
} // namespace

/// Of accesses of `width` elements at `place(lane)`. Lanes in a layout's margin, which access nothing, count as the
/// last that does.
template <typename PlaceOf> static unsigned conflicts(const SharedLayout &shared, unsigned width, PlaceOf place) {
  SmallVector<int64_t, layout::kWarpThreads> offsets;
  for (unsigned lane = 0; lane < layout::kWarpThreads; ++lane) {
    auto [row, column] = place(lane);
    offsets.push_back(
        shared.offset(std::clamp<int64_t>(row, 0, shared.paddedRows() - 1),
                      std::clamp<int64_t>(column, 0, std::max<int64_t>(0, shared.paddedColumns() - width))));
  }
  return layout::bankConflicts(offsets, width * shared.elementBytes());
}

/// ldmatrix.x4: four matrices of eight rows of 16 bytes, those of the second pair a matrix further along.
static unsigned ldmatrixConflicts(const SharedLayout &shared) {
  unsigned width = layout::kAccessBytes / shared.elementBytes();
  return conflicts(shared, width,
                   [=](unsigned lane) { return Place(lane % 8 + 8 * (lane / 8 % 2), width * (lane / 16)); });
}

/// An operand of mma in a buffer whose rows, or with `kIsRow` columns, are its rows and columns.
static unsigned mmaConflicts(const SharedLayout &shared, layout::KOrder order, bool kIsRow) {
  const unsigned bytes = shared.elementBytes();
  if (layout::isByLdmatrix(order, bytes, kIsRow))
    return ldmatrixConflicts(shared);
  unsigned most = 0;
  for (unsigned half = 0; half < 2; ++half)
    for (unsigned element = 0; element < layout::mmaPacked(bytes); ++element)
      most = std::max(most, conflicts(shared, 1, [&](unsigned lane) {
                        unsigned k = layout::mmaK(order, bytes, half, lane % 4, element), line = lane / 4;
                        return kIsRow ? Place(k, line) : Place(line, k);
                      }));
  return most;
}

/// A tile spread as `tile` against a buffer that holds it or its transpose.
static unsigned tileConflicts(RankedTensorType type, const SharedLayout &shared, bool transposed) {
  const TileLayout &tile = cta::layoutOf(type);
  unsigned columnDim = transposed ? 0 : tile.rank() - 1;
  unsigned width = layout::accessWidth(tile, columnDim, type.getDimSize(columnDim), shared.elementBytes());
  return conflicts(shared, width, [&](unsigned lane) {
    Coord coord = tile.coordOf(0, lane, 0);
    int64_t row = tile.rank() == 1 ? 0 : coord[1 - columnDim];
    return Place(row, coord[columnDim]);
  });
}

/// An operand of a product by multiply-adds: dimension `dim` of the sums against its rows, or with `kIsRow` its
/// columns.
static unsigned operandConflicts(cta::BufferType buffer, RankedTensorType sums, unsigned dim, bool kIsRow) {
  SharedLayout shared = buffer.getLayout();
  const TileLayout &tile = cta::layoutOf(sums);
  unsigned width = kIsRow ? layout::accessWidth(tile, dim, tile.extent(dim), shared.elementBytes())
                          : layout::accessWidth(shared.elementBytes(), shared.columns());
  return conflicts(shared, width, [&](unsigned lane) {
    int64_t at = tile.coordOf(0, lane, 0)[dim];
    return kIsRow ? Place(0, at) : Place(at, 0);
  });
}

static unsigned dotConflicts(cta::DotOp dot) {
  auto sums = cast<RankedTensorType>(dot.getAccumulator().getType());
  cta::BufferType b = dot.getBBuffer().getType();
  if (dot.getKind() == cta::DotKind::Wgmma)
    return 0; // reads whole swizzled panels
  if (dot.getKind() == cta::DotKind::Mma) {
    layout::KOrder order = cta::kOrderOf(dot);
    unsigned ofA =
        dot.getABuffer() ? mmaConflicts(dot.getABuffer().getType().getLayout(), order, dot.getTransposedA()) : 0;
    return std::max(ofA, mmaConflicts(b.getLayout(), order, !dot.getTransposedB()));
  }
  return std::max(operandConflicts(b, sums, 1, !dot.getTransposedB()),
                  operandConflicts(dot.getABuffer().getType(), sums, 0, dot.getTransposedA()));
}

std::optional<unsigned> imbrex::bankConflictsOf(Operation *op) {
  if (auto dot = dyn_cast<cta::DotOp>(op))
    return dotConflicts(dot);
  if (auto write = dyn_cast<cta::WriteOp>(op))
    return tileConflicts(cast<RankedTensorType>(write.getValue().getType()), write.getBuffer().getType().getLayout(),
                         /*transposed=*/false);
  auto read = dyn_cast<cta::ReadOp>(op);
  if (!read)
    return std::nullopt;
  auto type = cast<RankedTensorType>(read.getResult().getType());
  SharedLayout shared = read.getBuffer().getType().getLayout();
  if (cta::isReadByLdmatrix(read))
    return ldmatrixConflicts(shared);
  return tileConflicts(type, shared, read.getTransposed());
}
