//===- Divisibility.cpp - What divides an index for certain ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Divisors look through constants, products, sums, differences and selections; anything else gives 1.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Divisibility.h"
#include "dialects/layout/Access.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include <numeric>

using namespace mlir;

static constexpr int64_t kLargest = 1 << 20;

static int64_t divisor(Value value, unsigned depth) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.isZero() ? kLargest
                             : std::min<int64_t>(kLargest, int64_t(1) << std::min(20u, constant.countr_zero()));
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return 1;
  if (isa<arith::MulIOp>(op))
    return std::min(kLargest, divisor(op->getOperand(0), depth - 1) * divisor(op->getOperand(1), depth - 1));
  if (isa<arith::AddIOp, arith::SubIOp>(op))
    return std::min(divisor(op->getOperand(0), depth - 1), divisor(op->getOperand(1), depth - 1));
  if (isa<arith::SelectOp>(op))
    return std::min(divisor(op->getOperand(1), depth - 1), divisor(op->getOperand(2), depth - 1));
  return 1;
}

int64_t imbrex::knownDivisor(Value value) { return divisor(value, /*depth=*/8); }

unsigned imbrex::accessAlignment(Value view, ValueRange indices) {
  auto type = cast<tile::ViewType>(view.getType());
  unsigned alignment = layout::kAccessBytes;
  if (auto argument = dyn_cast<BlockArgument>(view))
    if (auto function = dyn_cast<FunctionOpInterface>(argument.getOwner()->getParentOp()))
      if (auto attr = function.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), tile::kAlignmentAttr))
        alignment = attr.getInt();
  bool isTile = isa<RankedTensorType>(indices.back().getType()); // of indices: each element is a place of its own
  int64_t start = (isTile ? 1 : knownDivisor(indices.back())) * tile::elementBytes(type.getElementType());
  return std::gcd<int64_t>(alignment, start);
}

unsigned imbrex::rowAccessWidth(Value view, ValueRange indices, const layout::TileLayout &layout,
                                ArrayRef<int64_t> shape) {
  unsigned bytes = tile::elementBytes(cast<tile::ViewType>(view.getType()).getElementType());
  unsigned widest = std::max(1u, accessAlignment(view, indices) / bytes);
  return std::gcd(std::min(layout.contiguous(shape.size() - 1), widest), shape.back());
}
