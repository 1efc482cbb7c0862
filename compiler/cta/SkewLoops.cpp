//===- SkewLoops.cpp - Early products one iteration ahead -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-skew-loops: the products that open an iteration (LoopDots.h) are made beside the element-wise work of
// the iteration before:
//
//     loop j: s = q K[j]; softmax(s); o += p V[j]
//
//     if there is an iteration:   s = q K[first]
//       loop j, but the last:     t = q K[j + 1]; softmax(s); o += p V[j];  s = t
//       last:                     softmax(s); o += p V[last]
//
// Operations keep their order; those of the early part count one iteration further on. The early part is what the
// early products need of the body, and the puts into the rings that they read: a slot is filled
// behind the same reader as before. What both parts need of pure scalars each makes for itself.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include "compiler/cta/DelayLoops.h"
#include "compiler/cta/LoopInstances.h"
#include "compiler/cta/LoopSize.h"
#include "compiler/cta/Movable.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/QueueOrder.h"
#include "dialects/layout/Warp.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_SKEWLOOPS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

/// Registers that addresses, operands on their way, row-wise values and what ptxas holds back take: with 255 a thread,
/// attention's loops of 116 and 132 spill nothing, those of 140 and 164 do.
static constexpr int64_t kOtherRegisters = 120;

using Operations = llvm::SetVector<Operation *>;

namespace {

class LoopSkewer {
public:
  /// `registers`: what a thread can have at most.
  LoopSkewer(scf::ForOp loop, int64_t registers) : loop(loop), registers(registers), dots(findLoopDots(loop)) {}

  void run();

private:
  bool collectEarly();
  bool addSlice(Operation *op, Operations &part);
  void collectLate();
  int64_t liveRegisters();
  void rewrite();
  /// Clones `part`, in the order of the body, where `b` stands.
  void clonePart(OpBuilder &b, const Operations &part, IRMapping &map);
  bool isOfBody(Operation *op) { return op && op->getBlock() == loop.getBody(); }

  scf::ForOp loop;
  int64_t registers;
  LoopDots dots;
  Operations early, late;
  SmallVector<Value> handed; ///< results of the early part that the late one uses
};

} // namespace

/// Adds `op` and what it needs of the body: what may be made earlier, gets and products.
bool LoopSkewer::addSlice(Operation *op, Operations &part) {
  if (part.contains(op))
    return true;
  auto put = dyn_cast<cta::PutOp>(op);
  if (put && !isOfInput(put))
    return false; // its own iteration may store what it copies
  if (!put && !isa<cta::DotOp, cta::DotWaitOp, cta::GetOp, cta::ClearOp>(op) && !isMovable(op))
    return false;
  for (Value operand : op->getOperands()) {
    if (llvm::is_contained(loop.getRegionIterArgs(), operand))
      return false;
    if (isOfBody(operand.getDefiningOp()) && !addSlice(operand.getDefiningOp(), part))
      return false;
  }
  part.insert(op);
  return true;
}

bool LoopSkewer::collectEarly() {
  for (cta::DotOp dot : dots.early) {
    if (!addSlice(dot, early)) {
      dot.emitRemark("not made an iteration ahead: an operand is made in the loop");
      return false;
    }
    for (Operation *user : dot->getUsers())
      if (isa<cta::DotWaitOp>(user) && !addSlice(user, early))
        return false;
  }
  llvm::SmallPtrSet<Value, 4> rings;
  for (Operation *op : early)
    if (auto get = dyn_cast<cta::GetOp>(op))
      rings.insert(get.getRing());
  for (Operation &op : *loop.getBody())
    if (auto put = dyn_cast<cta::PutOp>(op); put && rings.contains(put.getRing()) && !addSlice(put, early))
      return false;
  return true;
}

void LoopSkewer::collectLate() {
  for (Operation &op : loop.getBody()->without_terminator())
    if (!early.contains(&op))
      late.insert(&op);
  // Pure scalars and constants that both need are made twice; tiles of products are handed over.
  SmallVector<Operation *> work(late.begin(), late.end());
  work.push_back(loop.getBody()->getTerminator());
  while (!work.empty())
    work.pop_back_val()->walk([&](Operation *inner) {
      for (Value operand : inner->getOperands()) {
        Operation *source = operand.getDefiningOp();
        if (!isOfBody(source) || late.contains(source))
          continue;
        if (isPure(source)) {
          late.insert(source);
          work.push_back(source);
        } else if (!llvm::is_contained(handed, operand)) {
          handed.push_back(operand);
        }
      }
    });
}

int64_t LoopSkewer::liveRegisters() {
  int64_t live = 0;
  for (Value argument : loop.getRegionIterArgs())
    live += registersOf(argument.getType());
  for (Value value : handed)
    live += 2 * registersOf(value.getType()); // this iteration's and the next one's
  llvm::SmallPtrSet<Value, 8> outside;
  loop.walk([&](Operation *op) {
    for (Value operand : op->getOperands()) {
      Operation *source = operand.getDefiningOp();
      bool isHeld = loop.isDefinedOutsideOfLoop(operand) &&
                    (!source || !(source->hasTrait<OpTrait::ConstantLike>() || isa<tile::SplatOp>(source)));
      if (isHeld && outside.insert(operand).second)
        live += registersOf(operand.getType());
    }
  });
  return live;
}

void LoopSkewer::clonePart(OpBuilder &b, const Operations &part, IRMapping &map) {
  for (Operation &op : loop.getBody()->without_terminator())
    if (part.contains(&op))
      b.clone(op, map);
}

void LoopSkewer::rewrite() {
  OpBuilder b(loop);
  Location loc = loop.getLoc();
  Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, loop.getLowerBound(), loop.getUpperBound());
  auto branch = scf::IfOp::create(b, loc, loop.getResultTypes(), some, /*withElseRegion=*/true);
  b.setInsertionPointToStart(branch.elseBlock());
  scf::YieldOp::create(b, loc, loop.getInitArgs());
  b.setInsertionPointToStart(branch.thenBlock());

  IRMapping first;
  first.map(loop.getInductionVar(), loop.getLowerBound());
  clonePart(b, early, first);
  SmallVector<Value> inits(loop.getInitArgs());
  for (Value value : handed)
    inits.push_back(first.lookup(value));
  Value last = arith::SubIOp::create(b, loc, loop.getUpperBound(), loop.getStep());
  auto skewed = scf::ForOp::create(b, loc, loop.getLowerBound(), last, loop.getStep(), inits);
  if (!skewed.getBody()->empty())
    skewed.getBody()->back().erase();

  OpBuilder inner = OpBuilder::atBlockEnd(skewed.getBody());
  unsigned own = loop.getNumRegionIterArgs();
  IRMapping now, ahead;
  now.map(loop.getInductionVar(), skewed.getInductionVar());
  now.map(loop.getRegionIterArgs(), skewed.getRegionIterArgs().take_front(own));
  now.map(handed, skewed.getRegionIterArgs().drop_front(own));
  ahead.map(loop.getInductionVar(), arith::AddIOp::create(inner, loc, skewed.getInductionVar(), loop.getStep(),
                                                          arith::IntegerOverflowFlags::nsw)
                                        .getResult());
  for (Operation &op : loop.getBody()->without_terminator()) {
    if (early.contains(&op))
      inner.clone(op, ahead);
    if (late.contains(&op))
      inner.clone(op, now);
  }
  SmallVector<Value> next;
  for (Value value : loop.getYieldedValues())
    next.push_back(now.lookupOrDefault(value));
  for (Value value : handed)
    next.push_back(ahead.lookup(value));
  scf::YieldOp::create(inner, loc, next);

  IRMapping peeled;
  peeled.map(loop.getInductionVar(), last);
  peeled.map(loop.getRegionIterArgs(), skewed.getResults().take_front(own));
  peeled.map(handed, skewed.getResults().drop_front(own));
  clonePart(b, late, peeled);
  SmallVector<Value> results;
  for (Value value : loop.getYieldedValues())
    results.push_back(peeled.lookupOrDefault(value));
  scf::YieldOp::create(b, loc, results);
  loop.replaceAllUsesWith(branch.getResults());
  loop.erase();
}

void LoopSkewer::run() {
  if (dots.early.empty() || dots.late.empty() || !matchPattern(loop.getStep(), m_One()))
    return;
  if (usesQueuesInside(loop)) {
    loop.emitRemark("no product made ahead or behind: a loop or branch in the loop has copies of its own");
    return;
  }
  auto areAll = [](ArrayRef<cta::DotOp> each, cta::DotKind kind) {
    return llvm::all_of(each, [&](cta::DotOp dot) { return dot.getKind() == kind; });
  };
  if (areAll(dots.early, cta::DotKind::Wgmma) && areAll(dots.late, cta::DotKind::Wgmma)) {
    if (instructionsOf(*loop.getBody()) <= kMostCopied)
      delayLateDots(loop, dots);
    return;
  }
  if (!areAll(dots.early, cta::DotKind::Mma))
    return; // multiply-adds keep the pipe busy that the element-wise work needs
  if (!collectEarly())
    return;
  if (instructionsOf(*loop.getBody()) > kMostCopied) {
    dots.early.front().emitRemark("not made an iteration ahead: the loop's body is large");
    return;
  }
  collectLate();
  for (Value value : handed)
    if (!isa<RankedTensorType>(value.getType())) {
      value.getDefiningOp()->emitRemark("not an iteration ahead: a late product reads it too");
      return;
    }
  if (int64_t live = liveRegisters(); live > registers - kOtherRegisters) {
    dots.early.front().emitRemark("not made an iteration ahead: ")
        << live << " registers would be alive, and " << kOtherRegisters << " more for the rest, of " << registers;
    return;
  }
  for (cta::DotOp dot : dots.early)
    dot.emitRemark("early product: made an iteration ahead");
  auto gets = loop.getBody()->getOps<cta::GetOp>();
  fillLast(llvm::filter_to_vector(gets, [&](cta::GetOp get) { return !early.contains(get); }));
  rewrite();
}

namespace {

struct SkewLoops : imbrex::impl::SkewLoopsBase<SkewLoops> {
  void runOnOperation() override {
    tile::RequestAttr request = tile::requestOf(getOperation());
    std::optional<Target> target = request ? Target::parse(request.getTarget().str()) : std::nullopt;
    if (!target)
      return; // no kernel, or one that cta-allocate-shared refuses
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (!goesThroughInstances(loop))
        loops.push_back(loop);
    });
    for (scf::ForOp loop : loops)
      LoopSkewer(loop, target->registersFor(layout::kWarpThreads * request.getWarps())).run();
  }
};

} // namespace
