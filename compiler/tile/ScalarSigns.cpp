//===- ScalarSigns.cpp - Scalars that are never negative --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sums and products that do not wrap, and what chooses among such values.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/ScalarSigns.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

bool imbrex::isNonNegativeScalar(Value value, unsigned depth) {
  APInt constant;
  if (matchPattern(value, m_ConstantInt(&constant)))
    return constant.isNonNegative();
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return depth && loop && argument == loop.getInductionVar() && isNonNegativeScalar(loop.getLowerBound(), depth - 1);
  }
  Operation *op = value.getDefiningOp();
  if (isa<tile::ExtentOp, tile::ProgramIdOp>(op))
    return true;
  auto operand = [&](unsigned i) { return depth && isNonNegativeScalar(op->getOperand(i), depth - 1); };
  if (isa<arith::MaxSIOp>(op))
    return operand(0) || operand(1);
  auto flags = dyn_cast<arith::ArithIntegerOverflowFlagsInterface>(op);
  bool isSum = isa<arith::AddIOp, arith::MulIOp>(op) && flags.hasNoSignedWrap();
  if (isSum || isa<arith::MinSIOp, arith::DivSIOp, arith::RemSIOp>(op))
    return operand(0) && operand(1);
  if (isa<arith::SelectOp>(op))
    return operand(1) && operand(2);
  return false;
}
