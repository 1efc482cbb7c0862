//===- PipelineCopies.cpp - Start copies of later iterations while this one computes -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-pipeline-copies. With S > 1 slots a ring, D = S - 1 steps ahead:
//
//     put steps 0 .. D-1                      one get of the last step behind the loop: nothing is on its way
//     loop j: get step j                      when what comes next takes the bytes
//             put step j + D  <- the slot that iteration j - 1 read: one barrier between serves get and put
//             compute
//
// Where tables say what is copied, they are read first and the puts stand behind the loop's first product, so that what
// was read is there when they need it.
//
// With one slot, a tile follows as soon as the one before it has been read, while the others are worked on:
//
//     put K 0
//     loop j: get K j;  put V j;  dot with K j;  get V j;  put K j + 1;  ...;  dot with V j
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include "compiler/cta/LoopInstances.h"
#include "compiler/cta/Movable.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/SharedLives.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_PIPELINECOPIES
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

/// One copy of a loop's body: the put, its get, and the operations that compute where it copies from.
struct Copy {
  cta::PutOp put;
  cta::GetOp get;
  SmallVector<Operation *> slice;      ///< in program order
  Operation *firstReader, *lastReader; ///< of the body
};

/// One loop with its copies, to be rewritten. Remarks are made only if `isFinal`.
class LoopPipeliner {
public:
  LoopPipeliner(scf::ForOp loop, bool isFinal) : loop(loop), isFinal(isFinal), b(loop) { findCopies(); }

  void run(unsigned slots) {
    if (copies.empty())
      return;
    if (slots > 1)
      return startAhead(slots);
    startBehindReaders();
  }

private:
  void findCopies();
  void startAhead(unsigned slots);
  void startBehindReaders();

  Value constant(int64_t value) { return arith::ConstantOp::create(b, loop.getLoc(), b.getI32IntegerAttr(value)); }
  /// `value` (of the slice of `copy`, or from outside) as it is in iteration `iteration`, computed where `b` stands.
  Value inIteration(Copy &copy, Value value, Value iteration);
  /// The put of `copy` for the iteration `distance` behind `from`, zero if the loop has none. `behind`, if not null:
  /// where the put stands; what it reads of tables is read where `b` stands.
  void emitPut(Copy &copy, Value from, unsigned distance, Operation *behind = nullptr);
  /// The first product of the loop's body, if a table says what one of the copies reads.
  Operation *placeBehindTables();
  /// The copy's get, moved to where `b` stands.
  void moveGet(Copy &copy);
  /// A get behind the loop of the last step that was put.
  void drain(Copy &copy, unsigned ahead);
  void remark(Copy &copy, StringRef how);

  scf::ForOp loop;
  bool isFinal;
  OpBuilder b;
  SmallVector<Copy> copies;
};

} // namespace

/// Adds to `slice` the operations of the loop's body that `value` needs. False if it needs more than the induction
/// variable, and what may be computed earlier: a page's number, too, from a table that the kernel does not store to.
static bool collectSlice(Value value, scf::ForOp loop, llvm::SetVector<Operation *> &slice) {
  if (value == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != loop.getBody() || !isMovable(op))
    return false;
  if (slice.contains(op))
    return true;
  for (Value operand : op->getOperands())
    if (!collectSlice(operand, loop, slice))
      return false;
  slice.insert(op);
  return true;
}

void LoopPipeliner::findCopies() {
  if (!matchPattern(loop.getStep(), m_One()) || goesThroughInstances(loop))
    return;
  for (cta::PutOp put : loop.getBody()->getOps<cta::PutOp>()) {
    auto ring = put.getRing().getDefiningOp<cta::RingOp>();
    auto get = dyn_cast<cta::GetOp>(put->getNextNode());
    if (!ring || loop->isAncestor(ring) || !get || get.getRing() != put.getRing() || get.use_empty() ||
        ring.getType().getSlots() != 1 ||
        ring.getType().getCompletion() == cta::Completion::Mbarrier) // of a part that copies, which has its own order
      continue;
    llvm::SetVector<Operation *> slice;
    if (!llvm::all_of(put->getOperands(), [&](Value operand) { return collectSlice(operand, loop, slice); })) {
      if (isFinal)
        put.emitRemark("this copy is not started ahead: where it reads depends on more than the loop's index and on "
                       "views that are not stored to");
      continue;
    }
    Copy copy{put, get, SmallVector<Operation *>(slice.begin(), slice.end()), nullptr, nullptr};
    for (Operation *user : get->getUsers()) {
      Operation *reader = loop.getBody()->findAncestorOpInBlock(*user);
      if (!copy.firstReader || reader->isBeforeInBlock(copy.firstReader))
        copy.firstReader = reader;
      if (!copy.lastReader || copy.lastReader->isBeforeInBlock(reader))
        copy.lastReader = reader;
    }
    copies.push_back(copy);
  }
}

Value LoopPipeliner::inIteration(Copy &copy, Value value, Value iteration) {
  IRMapping map;
  map.map(loop.getInductionVar(), iteration);
  for (Operation *op : copy.slice)
    b.clone(*op, map);
  return map.lookupOrDefault(value);
}

/// What the loads of a copy's slice need, and they.
static llvm::SmallPtrSet<Operation *, 16> tablesOf(ArrayRef<Operation *> slice) {
  llvm::SmallPtrSet<Operation *, 16> tables;
  for (Operation *op : llvm::reverse(slice))
    if (isa<tile::LoadOp, tile::GatherOp>(op) ||
        llvm::any_of(op->getUsers(), [&](Operation *user) { return tables.contains(user); }))
      tables.insert(op);
  return tables;
}

Operation *LoopPipeliner::placeBehindTables() {
  if (llvm::all_of(copies, [](const Copy &copy) { return tablesOf(copy.slice).empty(); }))
    return nullptr;
  auto dots = loop.getBody()->getOps<cta::DotOp>();
  return dots.empty() ? nullptr : (*dots.begin()).getOperation();
}

void LoopPipeliner::emitPut(Copy &copy, Value from, unsigned distance, Operation *behind) {
  Location loc = loop.getLoc();
  Value iteration = from, isInLoop;
  if (distance != 0) // where it wraps, the put is none of the loop's
    iteration = arith::AddIOp::create(b, loc, from, constant(distance), arith::IntegerOverflowFlags::nsw);
  if (from != loop.getInductionVar() || distance != 0) {
    Value end = arith::SubIOp::create(b, loc, loop.getUpperBound(), constant(distance));
    isInLoop = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, from, end);
  }
  IRMapping map;
  map.map(loop.getInductionVar(), iteration);
  OpBuilder::InsertionGuard guard(b);
  if (behind) {
    const llvm::SmallPtrSet<Operation *, 16> tables = tablesOf(copy.slice);
    for (Operation *op : copy.slice)
      if (tables.contains(op))
        b.clone(*op, map);
    b.setInsertionPoint(behind);
  }
  for (Operation *op : copy.slice)
    if (!map.contains(op->getResult(0)))
      b.clone(*op, map);
  auto put = cast<cta::PutOp>(b.clone(*copy.put, map));
  if (isInLoop)
    put.getConditionMutable().assign(isInLoop);
}

void LoopPipeliner::moveGet(Copy &copy) {
  Value step = inIteration(copy, copy.put.getStep(), loop.getInductionVar());
  copy.get.getStepMutable().assign(step);
  copy.get->moveBefore(b.getInsertionBlock(), b.getInsertionPoint());
}

void LoopPipeliner::drain(Copy &copy, unsigned ahead) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(loop);
  Value last = arith::AddIOp::create(b, loop.getLoc(), loop.getUpperBound(), constant(int64_t(ahead) - 1));
  Value step = inIteration(copy, copy.put.getStep(), last);
  cta::RingType ring = copy.put.getRing().getType();
  cta::GetOp::create(b, copy.get.getLoc(), ring.getSlot(), copy.put.getRing(), step, nullptr, nullptr);
}

void LoopPipeliner::remark(Copy &copy, StringRef how) {
  cta::RingType ring = copy.get.getRing().getType();
  if (isFinal)
    copy.get.emitRemark() << "ring of " << ring.getSlots() << (ring.getSlots() == 1 ? " slot, " : " slots, ")
                          << ring.getStrideBytes() << " bytes each, " << ring.getSpan() << "-byte swizzle" << how;
}

void LoopPipeliner::startAhead(unsigned slots) {
  unsigned ahead = slots - 1;
  for (Copy &copy : copies) {
    auto ring = copy.put.getRing().getDefiningOp<cta::RingOp>();
    ring.getResult().setType(ring.getType().withSlots(slots));
  }
  for (unsigned distance = 0; distance < ahead; ++distance)
    for (Copy &copy : copies)
      emitPut(copy, loop.getLowerBound(), distance);
  b.setInsertionPointToStart(loop.getBody());
  for (Copy &copy : copies)
    moveGet(copy);
  Operation *product = placeBehindTables(), *behind = product ? product->getNextNode() : nullptr;
  for (Copy &copy : copies)
    emitPut(copy, loop.getInductionVar(), ahead, behind);
  for (Copy &copy : copies) {
    drain(copy, ahead);
    remark(copy, "");
    copy.put.erase();
  }
}

void LoopPipeliner::startBehindReaders() {
  auto isEarlier = [](Operation *x, Operation *y) { return x->isBeforeInBlock(y); };
  Operation *first = copies.front().firstReader, *last = copies.front().lastReader;
  for (const Copy &copy : copies) {
    first = isEarlier(copy.firstReader, first) ? copy.firstReader : first;
    last = isEarlier(last, copy.lastReader) ? copy.lastReader : last;
  }
  SmallVector<Copy *> following, early; // put behind their last reader; put early in their own iteration
  for (Copy &copy : copies)
    if (copy.lastReader != last)
      following.push_back(&copy);
    else if (copy.firstReader != first)
      early.push_back(&copy);
  if (following.empty())
    return; // nothing else is read while a copy could run
  llvm::stable_sort(following, [&](Copy *x, Copy *y) { return isEarlier(y->lastReader, x->lastReader); });
  for (Copy *copy : following)
    emitPut(*copy, loop.getLowerBound(), 0);
  llvm::SmallPtrSet<Copy *, 4> moved;
  // The last slots to be free come first, so that a get stands before the last put that precedes its readers.
  for (Copy *copy : following) {
    b.setInsertionPointAfter(copy->lastReader);
    for (Copy &other : copies)
      if (isEarlier(copy->lastReader, other.firstReader) && moved.insert(&other).second)
        moveGet(other);
    emitPut(*copy, loop.getInductionVar(), 1);
  }
  b.setInsertionPointToStart(loop.getBody());
  for (Copy *copy : following)
    if (moved.insert(copy).second)
      moveGet(*copy);
  for (Copy *copy : early)
    emitPut(*copy, loop.getInductionVar(), 0);
  for (Copy *copy : following)
    drain(*copy, 1);
  for (ArrayRef<Copy *> group : {ArrayRef(following), ArrayRef(early)})
    for (Copy *copy : group) {
      remark(*copy, ", filled again behind its last reader");
      copy->put.erase();
    }
}

static void pipelineLoops(func::FuncOp kernel, unsigned slots, bool isFinal) {
  SmallVector<scf::ForOp> loops;
  kernel.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  for (scf::ForOp loop : loops)
    LoopPipeliner(loop, isFinal).run(slots);
}

/// True if the kernel's shared memory fits the target with rings of `slots` slots.
static bool fits(func::FuncOp kernel, const Target &target, unsigned slots) {
  OwningOpRef<func::FuncOp> trial = kernel.clone();
  pipelineLoops(*trial, slots, /*isFinal=*/false);
  return planShared(*trial).bytes <= target.sharedBytes;
}

namespace {

struct PipelineCopies : imbrex::impl::PipelineCopiesBase<PipelineCopies> {
  void runOnOperation() override {
    func::FuncOp kernel = getOperation();
    tile::RequestAttr request = tile::requestOf(kernel);
    std::optional<Target> target = request ? Target::parse(request.getTarget().str()) : std::nullopt;
    if (!target)
      return; // no kernel, or one that cta-allocate-shared refuses
    for (unsigned slots = request.getStages(); slots >= 1; --slots)
      if (fits(kernel, *target, slots)) {
        pipelineLoops(kernel, slots, /*isFinal=*/true);
        if (slots != request.getStages())
          kernel.emitRemark() << "rings of " << slots << " slots in place of " << request.getStages()
                              << ": shared memory is short";
        return;
      }
    kernel.emitRemark("no copy is started ahead: shared memory is short");
  }
};

} // namespace
