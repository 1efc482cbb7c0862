//===- DeferScales.cpp - Scales of stored bytes move behind products ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-defer-scales. An operand of a product that is bytes times one scale, rounded to 16 bits, is the bytes
// alone, which 16 bits hold exactly; the scale is a factor of the product:
//
//     dot(q, (T)(k8 * s), 0)                                  ->  dot(q, (T)k8, 0) * s
//     for: acc = dot(p, (T)(v8 * s), acc * a), from acc = 0   ->  for: acc = dot(p, (T)v8, acc * a);  acc * s behind it
//
// The second where s is the same in every iteration. A scale that differs along the product's K stays.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Factors.h"
#include "compiler/tile/Passes.h"
#include "compiler/tile/Spread.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_DEFERSCALES
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

namespace {

/// An operand of a product: bytes times a scale, through transposes.
struct ScaledOperand {
  OpOperand *use;
  arith::TruncFOp rounded;
  Value bytes, spread; ///< of 8 bits; the scale in all elements
};

} // namespace

/// The tile of 8 bits that `wide`, an f32, holds; null if it is none.
static Value bytesOf(Value wide) {
  Operation *op = wide.getDefiningOp();
  if (!isa_and_nonnull<arith::ExtFOp, arith::SIToFPOp>(op) ||
      getElementTypeOrSelf(op->getOperand(0).getType()).getIntOrFloatBitWidth() != 8)
    return {};
  return op->getOperand(0);
}

static std::optional<ScaledOperand> readOperand(OpOperand &use) {
  Value value = use.get();
  while (auto transpose = value.getDefiningOp<tile::TransposeOp>()) {
    if (!transpose->hasOneUse())
      return std::nullopt;
    value = transpose.getSource();
  }
  auto rounded = value.getDefiningOp<arith::TruncFOp>();
  auto product = rounded ? rounded.getIn().getDefiningOp<arith::MulFOp>() : arith::MulFOp();
  if (!product || !rounded->hasOneUse() || !getElementTypeOrSelf(product.getType()).isF32())
    return std::nullopt;
  Value bytes = bytesOf(product.getLhs());
  if (!bytes || !isUniform(product.getRhs()))
    return std::nullopt;
  return ScaledOperand{&use, rounded, bytes, product.getRhs()};
}

/// The bytes in place of what they were rounded to.
static void dropScale(const ScaledOperand &operand) {
  arith::TruncFOp rounded = operand.rounded;
  OpBuilder b(rounded);
  Value exact;
  if (getElementTypeOrSelf(operand.bytes.getType()).isInteger())
    exact = arith::SIToFPOp::create(b, rounded.getLoc(), rounded.getType(), operand.bytes);
  else
    exact = arith::ExtFOp::create(b, rounded.getLoc(), rounded.getType(), operand.bytes);
  rounded.replaceAllUsesWith(exact);
}

static Value times(OpBuilder &b, Location loc, Value tile, Value scale) {
  return arith::MulFOp::create(b, loc, tile, splatTo(b, loc, scale, tile.getType()));
}

/// Of a product of its own: the result is multiplied, with what it is multiplied by anyway.
static void multiplyResult(tile::DotOp dot, Value scale) {
  OpBuilder b(dot->getContext());
  b.setInsertionPointAfter(dot);
  Value result = dot.getResult();
  auto next = result.hasOneUse() ? dyn_cast<arith::MulFOp>(*result.user_begin()) : arith::MulFOp();
  if (next && next.getLhs() == result && isUniform(next.getRhs())) {
    b.setInsertionPoint(next);
    if (Value factor = uniformScalar(b, next.getLoc(), next.getRhs()); factor && mayMeet(factor, scale)) {
      Value both = arith::MulFOp::create(b, next.getLoc(), factor, scale);
      next.getRhsMutable().assign(splatTo(b, next.getLoc(), both, next.getType()));
      return;
    }
  }
  Value scaled = times(b, dot.getLoc(), result, scale);
  result.replaceAllUsesExcept(scaled, scaled.getDefiningOp());
}

/// Moves what `value` is made of before `loop`: entries of views that are not stored to, and arithmetic of what is
/// there. False, and nothing is moved, if it is anything else.
static bool moveBefore(Value value, scf::ForOp loop) {
  llvm::SetVector<Operation *> needed;
  SmallVector<Value> left{value};
  while (!left.empty()) {
    Value next = left.pop_back_val();
    if (loop.isDefinedOutsideOfLoop(next))
      continue;
    Operation *op = next.getDefiningOp();
    auto load = dyn_cast_or_null<tile::LoadOp>(op);
    bool isEntry = load && load.getDims().empty() && !load.getView().getType().getWritable();
    if (!op || needed.size() > 32 || (!isEntry && !(isPure(op) && op->getNumRegions() == 0)))
      return false;
    needed.insert(op);
    left.append(op->operand_begin(), op->operand_end());
  }
  SmallVector<Operation *> ordered(needed.begin(), needed.end());
  llvm::sort(ordered,
             [](Operation *x, Operation *y) { return x->getBlock() == y->getBlock() && x->isBeforeInBlock(y); });
  for (Operation *op : ordered)
    if (op->getBlock() != loop.getBody())
      return false;
  for (Operation *op : ordered)
    op->moveBefore(loop);
  return true;
}

/// The number of the value that a loop carries as sums of this product, from zero on, multiplied by factors only.
static std::optional<unsigned> carriedSum(tile::DotOp dot) {
  auto loop = dyn_cast<scf::ForOp>(dot->getParentOp());
  if (!loop || !dot.getResult().hasOneUse())
    return std::nullopt;
  OpOperand &use = *dot.getResult().use_begin();
  if (!isa<scf::YieldOp>(use.getOwner()) || use.getOwner()->getBlock() != loop.getBody())
    return std::nullopt;
  Value carried = loop.getRegionIterArg(use.getOperandNumber()), sum = dot.getAccumulator();
  if (auto product = sum.getDefiningOp<arith::MulFOp>(); product && sum.hasOneUse())
    sum = product.getLhs() == carried ? product.getLhs() : product.getRhs();
  bool isSum = sum == carried && carried.hasOneUse() &&
               matchPattern(loop.getInitArgs()[use.getOperandNumber()], m_AnyZeroFloat());
  return isSum ? std::optional(use.getOperandNumber()) : std::nullopt;
}

static void deferScale(tile::DotOp dot, const ScaledOperand &operand) {
  OpBuilder b(dot);
  Value scale = uniformScalar(b, dot.getLoc(), operand.spread);
  if (!scale || !getElementTypeOrSelf(dot.getResult().getType()).isF32())
    return;
  if (matchPattern(dot.getAccumulator(), m_AnyZeroFloat())) {
    dropScale(operand);
    multiplyResult(dot, scale);
    return;
  }
  std::optional<unsigned> number = carriedSum(dot);
  auto loop = dyn_cast<scf::ForOp>(dot->getParentOp());
  if (!number || !moveBefore(scale, loop))
    return;
  dropScale(operand);
  b.setInsertionPointAfter(loop);
  Value sum = loop.getResult(*number), scaled = times(b, dot.getLoc(), sum, scale);
  sum.replaceAllUsesExcept(scaled, scaled.getDefiningOp());
}

namespace {

struct DeferScales : imbrex::impl::DeferScalesBase<DeferScales> {
  void runOnOperation() override {
    SmallVector<tile::DotOp> dots;
    getOperation().walk([&](tile::DotOp dot) { dots.push_back(dot); });
    for (tile::DotOp dot : dots)
      for (unsigned k : {0, 1})
        if (std::optional<ScaledOperand> operand = readOperand(dot->getOpOperand(k)))
          deferScale(dot, *operand);
  }
};

} // namespace
