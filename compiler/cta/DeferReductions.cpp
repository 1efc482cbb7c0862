//===- DeferReductions.cpp - Combine lanes after a loop -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-defer-reductions. A row's sum l = l a + sum(p) over lanes t is the sum of l_t = l_t a + sum_t(p),
// a being the same in all lanes: so lanes meet once, after the loop. Four lanes of an accumulator's row keep
//
//     tensor<128xf32>, the same in four lanes   ->   tensor<128x4xf32>, one element a lane
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Passes.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_DEFERREDUCTIONS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

/// What a loop carries at one position: `combine` of the carried tile, scaled or not, and `reduce`.
struct Carried {
  unsigned position;
  Operation *combine;
  arith::MulFOp scale; ///< of the carried tile; null if it is not scaled
  tile::ReduceOp reduce;
};

struct DeferReductions : imbrex::impl::DeferReductionsBase<DeferReductions> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) { loops.push_back(loop); });
    for (scf::ForOp loop : loops) {
      SmallVector<Carried> found = findCarried(loop);
      if (!found.empty())
        defer(loop, found);
    }
  }

private:
  SmallVector<Carried> findCarried(scf::ForOp loop);
  void defer(scf::ForOp loop, ArrayRef<Carried> found);
};

} // namespace

/// Whether `op` combines two elements as a reduction of `kind` does.
static bool combines(Operation *op, tile::ReduceKind kind) {
  switch (kind) {
  case tile::ReduceKind::Sum:
    return isa<arith::AddFOp, arith::AddIOp>(op);
  case tile::ReduceKind::Max:
    return isa<arith::MaxNumFOp, arith::MaxSIOp>(op);
  case tile::ReduceKind::Min:
    return isa<arith::MinNumFOp, arith::MinSIOp>(op);
  }
  llvm_unreachable("a kind of reduction");
}

/// The product of the loop's tile `carried` and a factor, if that is what `value` is.
static arith::MulFOp scalingOf(Value value, Value carried) {
  auto scale = value.getDefiningOp<arith::MulFOp>();
  bool once = scale && scale->hasOneUse() && (scale.getLhs() == carried) != (scale.getRhs() == carried);
  return once ? scale : arith::MulFOp();
}

/// A number that may start every lane's part: 0 of a sum, anything of the largest and smallest.
static bool mayStartParts(Value init, tile::ReduceKind kind) {
  SplatElementsAttr splat;
  if (!matchPattern(init, m_Constant(&splat)))
    return false;
  return kind != tile::ReduceKind::Sum || matchPattern(init, m_AnyZeroFloat()) || matchPattern(init, m_Zero());
}

static std::optional<Carried> matchCarried(scf::ForOp loop, unsigned position) {
  Value carried = loop.getRegionIterArg(position);
  Operation *combine = loop.getYieldedValues()[position].getDefiningOp();
  if (!isa<RankedTensorType>(carried.getType()) || !carried.hasOneUse() || !combine ||
      combine->getBlock() != loop.getBody() || combine->getNumOperands() != 2 || !combine->hasOneUse())
    return std::nullopt;
  for (unsigned side = 0; side < 2; ++side) {
    auto reduce = combine->getOperand(side).getDefiningOp<tile::ReduceOp>();
    if (!reduce || !reduce->hasOneUse() || reduce->getBlock() != loop.getBody() || !combines(combine, reduce.getKind()))
      continue;
    Value other = combine->getOperand(1 - side);
    arith::MulFOp scale = scalingOf(other, carried);
    if (other != carried && !(scale && reduce.getKind() == tile::ReduceKind::Sum))
      continue;
    return Carried{position, combine, scale, reduce};
  }
  return std::nullopt;
}

SmallVector<Carried> DeferReductions::findCarried(scf::ForOp loop) {
  SmallVector<Carried> found;
  for (unsigned position = 0; position < loop.getNumRegionIterArgs(); ++position) {
    std::optional<Carried> carried = matchCarried(loop, position);
    if (!carried)
      continue;
    tile::ReduceOp reduce = carried->reduce;
    const layout::TileLayout &layout = cta::layoutOf(reduce.getSource().getType());
    if (layout.lanesAlong(reduce.getDim()) == 0 || layout.warps()[reduce.getDim()] != 1)
      continue; // nothing to combine between lanes, or parts that have met in shared memory
    if (!mayStartParts(loop.getInitArgs()[position], reduce.getKind())) {
      reduce.emitRemark(
          "combined in every iteration: what the loop starts from is not a constant that lanes can share");
      continue;
    }
    found.push_back(*carried);
  }
  return found;
}

/// `row`, without dimension `dim`, repeated along it in the layout of `type`.
static Value spread(OpBuilder &b, Location loc, Value row, unsigned dim, RankedTensorType type) {
  auto narrow = cast<RankedTensorType>(row.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = 1;
  RankedTensorType column =
      cta::withLayout(RankedTensorType::get(shape, narrow.getElementType()), cta::layoutOf(narrow).expand(dim));
  Value expanded = tile::ExpandDimsOp::create(b, loc, column, row, dim);
  return tile::BroadcastOp::create(b, loc, type, expanded);
}

/// Replaces what `carried` computes in `loop` by the same of the lanes' parts, and its result by their sum.
static void rewrite(scf::ForOp loop, const Carried &carried) {
  tile::ReduceOp reduce = carried.reduce;
  unsigned dim = reduce.getDim();
  BlockArgument argument = loop.getRegionIterArg(carried.position);
  OpBuilder b(carried.combine);
  Location loc = carried.combine->getLoc();
  RankedTensorType type =
      cta::partsType(cast<RankedTensorType>(reduce.getSource().getType()), dim, cta::PartScope::Lane);
  Value parts =
      cta::ReduceOp::create(b, reduce.getLoc(), type, reduce.getKind(), reduce.getSource(), dim, cta::PartScope::Lane);
  Value old = argument;
  if (arith::MulFOp scale = carried.scale) {
    Value factor = scale.getLhs() == argument ? scale.getRhs() : scale.getLhs();
    old = arith::MulFOp::create(b, scale.getLoc(), argument, spread(b, scale.getLoc(), factor, dim, type));
  }
  Operation *next = b.create(loc, carried.combine->getName().getIdentifier(), {old, parts}, TypeRange(type),
                             carried.combine->getAttrs());
  loop.getBody()->getTerminator()->setOperand(carried.position, next->getResult(0));
  carried.combine->erase();
  if (arith::MulFOp scale = carried.scale)
    scale.erase();
  reduce.erase();
}

void DeferReductions::defer(scf::ForOp loop, ArrayRef<Carried> found) {
  OpBuilder b(loop);
  SmallVector<Value> inits(loop.getInitArgs());
  for (const Carried &carried : found) {
    tile::ReduceOp reduce = carried.reduce;
    SplatElementsAttr start;
    matchPattern(inits[carried.position], m_Constant(&start));
    RankedTensorType type =
        cta::partsType(cast<RankedTensorType>(reduce.getSource().getType()), reduce.getDim(), cta::PartScope::Lane);
    inits[carried.position] =
        arith::ConstantOp::create(b, loop.getLoc(), SplatElementsAttr::get(type, start.getSplatValue<Attribute>()));
  }
  auto newLoop =
      scf::ForOp::create(b, loop.getLoc(), loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), inits);
  newLoop->setDiscardableAttrs(loop->getDiscardableAttrDictionary());
  Block *body = newLoop.getBody();
  if (!body->empty())
    body->back().erase();
  body->getOperations().splice(body->end(), loop.getBody()->getOperations());
  for (auto [from, to] : llvm::zip(loop.getBody()->getArguments(), body->getArguments()))
    from.replaceAllUsesWith(to);
  for (auto [from, to] : llvm::zip(loop.getResults(), newLoop.getResults()))
    if (from.getType() == to.getType())
      from.replaceAllUsesWith(to);
  for (const Carried &carried : found) {
    tile::ReduceOp reduce = carried.reduce;
    reduce.emitRemark("kept a lane in the loop, combined once after it");
    Value total = tile::ReduceOp::create(b, reduce.getLoc(), reduce.getType(), reduce.getKind(),
                                         newLoop.getResult(carried.position), reduce.getDim());
    loop.getResult(carried.position).replaceAllUsesWith(total);
    rewrite(newLoop, carried);
  }
  loop.erase();
}
