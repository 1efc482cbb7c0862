//===- CtaDotOps.cpp - Verifiers of the matrix products ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each verifier cites the numbered constraint of CtaDotOps.td that it checks.
//
//===----------------------------------------------------------------------===//

#include "dialects/cta/CtaDialect.h"
#include "dialects/layout/WgmmaOperand.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace imbrex;
using namespace imbrex::cta;

LogicalResult imbrex::cta::DotOp::verify() {
  if (bool(getA()) == bool(getABuffer()))
    return emitOpError("(1) expected exactly one of a tile and a buffer as left operand");
  RankedTensorType accumulator = cast<RankedTensorType>(getAccumulator().getType());
  if (accumulator.getRank() != 2 || (getA() && cast<RankedTensorType>(getA().getType()).getRank() != 2))
    return emitOpError("(5) expected tiles of rank 2");
  BufferType b = getBBuffer().getType();
  int64_t n = getTransposedB() ? b.getRows() : b.getColumns();
  int64_t k = getTransposedB() ? b.getColumns() : b.getRows();
  int64_t m, aK;
  if (getA()) {
    RankedTensorType a = cast<RankedTensorType>(getA().getType());
    m = a.getDimSize(0), aK = a.getDimSize(1);
  } else {
    BufferType a = getABuffer().getType();
    m = getTransposedA() ? a.getColumns() : a.getRows();
    aK = getTransposedA() ? a.getRows() : a.getColumns();
  }
  if (accumulator.getDimSize(0) != m || accumulator.getDimSize(1) != n || aK != k)
    return emitOpError("(2) extents do not agree: ")
           << m << "x" << aK << " times " << k << "x" << n << " into " << accumulator;
  bool isRounded = getMode() != tile::DotMode::Ieee;
  if (getKind() == DotKind::Fma && isRounded)
    return emitOpError("(3) kind fma has mode ieee only");
  Type element = b.getElementType(), sum = accumulator.getElementType();
  bool isNarrow = isa<FloatType>(element) && b.getElementBytes() <= 2 && !isRounded && sum.isF32(),
       isTf32 = element.isF32() && isRounded && sum.isF32();
  const bool isInteger = element.isInteger(8) && sum.isInteger(32) && !isRounded;
  if (getKind() == DotKind::Wgmma && !isNarrow && !isInteger && !(isTf32 && getMode() == tile::DotMode::Tf32))
    return emitOpError("(3) kind wgmma has no product of ")
           << element << " into " << sum << " in mode " << tile::stringifyDotMode(getMode());
  if (getKind() == DotKind::Mma && !isNarrow && !isTf32 && !isInteger)
    return emitOpError("(3) kind mma has no product of ")
           << element << " into " << sum << " in mode " << tile::stringifyDotMode(getMode());
  if (getResult().getType() != accumulator)
    return emitOpError("(4) expected a result of the accumulator's type");
  if (std::optional<ArrayRef<int64_t>> columns = getColumns()) {
    if (getKind() != DotKind::Wgmma || !getAsync())
      return emitOpError("(6) only an 'async' product of kind wgmma has columns");
    constexpr int64_t kStep = layout::kWgmmaColumnStep;
    if (columns->size() != 2 || columns->front() < 0 || columns->front() >= columns->back() || columns->back() > n ||
        columns->front() % kStep != 0 || columns->back() % kStep != 0)
      return emitOpError("(6) expected columns [begin, end], multiples of ") << kStep << ", of " << n;
  }
  return success();
}

layout::KOrder imbrex::cta::kOrderOf(DotOp dot) {
  using layout::KOrder, layout::TileLayout;
  unsigned bytes = dot.getBBuffer().getType().getElementBytes();
  if (!dot.getA())
    return bytes != 4 || (!dot.getTransposedA() && dot.getTransposedB()) ? KOrder::Chunks : KOrder::Crossed;
  auto a = cast<RankedTensorType>(dot.getA().getType());
  const TileLayout &tile = layoutOf(a);
  return tile == TileLayout::mmaOperandA(a.getShape(), tile.warps()[0], bytes, KOrder::Chunks) ? KOrder::Chunks
                                                                                               : KOrder::Pairs;
}

LogicalResult DotWaitOp::verify() {
  if (getValues().getTypes() != getResults().getTypes())
    return emitOpError("(1) expected results of the values' types");
  if (int32_t(getPending()) < 0)
    return emitOpError("(2) 'pending' is negative");
  if (getValues().empty())
    return emitOpError("(3) expected at least one value");
  return success();
}
