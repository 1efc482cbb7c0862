//===- SinkIntoOuterLoops.cpp - What goes by inner loops unread -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Some values have to be kept through the loop so that the others can be made in it. Which need the fewest registers is
// a smallest cut: from what cannot be made again (loads) to what the loop reads; what it has in registers anyway,
// parameters and constants cost nothing.
//
//       a = load            a is kept, one register, and b, c and d are made in the loop,
//       b = tid * 4         instead of c and d, three registers
//       c = a + b
//       d = zext(c) * arg
//
//===----------------------------------------------------------------------===//

#include "compiler/nvvm_to_ptx/SinkIntoOuterLoops.h"
#include "compiler/nvvm_to_ptx/SmallestCut.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;
using namespace imbrex;

/// Registers that an inner loop holds from pass to pass, of 255, from which on there may be too few.
static constexpr unsigned kManyRegisters = 96;

/// Of what a register holds parts of its own, as a struct's, each takes some. Pointers have no size of their own.
static unsigned registersOf(const Type *type) {
  if (const auto *aggregate = dyn_cast<StructType>(type)) {
    unsigned registers = 0;
    for (const Type *part : aggregate->elements())
      registers += registersOf(part);
    return registers;
  }
  if (const auto *array = dyn_cast<ArrayType>(type))
    return unsigned(array->getNumElements()) * registersOf(array->getElementType());
  return type->isPointerTy() ? 2 : divideCeil(type->getPrimitiveSizeInBits().getFixedValue(), 32);
}

static unsigned registersOf(const Value *value) { return registersOf(value->getType()); }

/// What `loop` carries and what it reads of what is made before it.
static unsigned registersHeld(const Loop &loop) {
  SmallPtrSet<const Value *, 32> held;
  for (const PHINode &phi : loop.getHeader()->phis())
    held.insert(&phi);
  for (const BasicBlock *block : loop.blocks())
    for (const Instruction &op : *block)
      if (!isa<PHINode>(op))
        for (const Value *operand : op.operand_values())
          if (const auto *from = dyn_cast<Instruction>(operand); from && !loop.contains(from))
            held.insert(from);
  unsigned registers = 0;
  for (const Value *value : held)
    registers += registersOf(value);
  return registers;
}

/// True where registers are short in some loop within.
static bool isShort(const Loop &loop) {
  return any_of(loop.getSubLoops(),
                [](const Loop *inner) { return registersHeld(*inner) >= kManyRegisters || isShort(*inner); });
}

/// True for what one or two instructions make from its operands, wherever it stands.
static bool isCheap(const Instruction *op) {
  if (op->mayReadOrWriteMemory() || op->isTerminator() || isa<PHINode>(op))
    return false;
  if (const auto *call = dyn_cast<CallBase>(op))
    return isa<IntrinsicInst>(call) && !call->isConvergent();
  switch (op->getOpcode()) {
  case Instruction::Alloca: // each is other memory, or another choice of what is undefined
  case Instruction::Freeze:
  case Instruction::SDiv:
  case Instruction::UDiv:
  case Instruction::SRem:
  case Instruction::URem:
  case Instruction::FDiv:
  case Instruction::FRem:
    return false;
  default:
    return true;
  }
}

/// Where an operand is read: of a phi at the end of the block it comes from.
static BasicBlock *blockOf(const Use &use) {
  auto *user = cast<Instruction>(use.getUser());
  auto *phi = dyn_cast<PHINode>(user);
  return phi ? phi->getIncomingBlock(use) : user->getParent();
}

namespace {

class OuterLoop {
public:
  OuterLoop(Loop &loop, LoopInfo &loops, DominatorTree &dominators)
      : loop(loop), loops(loops), dominators(dominators) {}

  bool sink() {
    collect();
    SmallVector<Instruction *> chosen = choose();
    for (Instruction *op : reverse(chosen)) // readers before what they read
      remake(op);
    return !chosen.empty();
  }

private:
  /// Where what `use` reads has to be there at the latest: in a block between inner loops, before the inner loop that
  /// has the use in it, or in a block behind the loop. Null before the loop, and for blocks of no loop or of others.
  BasicBlock *placeOf(const Use &use) const {
    BasicBlock *block = blockOf(use);
    if (!dominators.dominates(loop.getHeader(), block))
      return nullptr;
    Loop *inner = loops.getLoopFor(block);
    if (inner == &loop || inner == loop.getParentLoop())
      return block;
    if (!inner) // behind the loops that `loop` stands in
      return nullptr;
    while (inner->getParentLoop() && inner->getParentLoop() != &loop)
      inner = inner->getParentLoop();
    return loop.contains(inner) ? inner->getLoopPreheader() : nullptr;
  }

  /// All cheap things that are made before the loop and read late, and what those are made from.
  void collect() {
    SmallVector<Instruction *> open;
    auto visit = [&](Value *value) {
      auto *op = dyn_cast<Instruction>(value);
      if (op && !loop.contains(op) && !dominators.dominates(loop.getHeader(), op->getParent()) && isCheap(op) &&
          !isFree(op) && movable.insert(op))
        open.push_back(op);
    };
    for (BasicBlock &block : *loop.getHeader()->getParent())
      for (Instruction &op : block)
        for (Use &use : op.operands())
          if (placeOf(use))
            visit(use.get());
    while (!open.empty())
      for (Value *operand : open.pop_back_val()->operands())
        visit(operand);
  }

  /// True for what needs no register, or has one all through the loop: each inner loop reads it, or it is not cheap.
  bool isFree(const Value *value) const {
    const auto *op = dyn_cast<Instruction>(value);
    if (!op)
      return true;
    SmallPtrSet<const Loop *, 4> readers;
    for (const Use &use : op->uses())
      if (BasicBlock *block = blockOf(use); dominators.dominates(loop.getHeader(), block)) {
        if (!isCheap(op) || !placeOf(use))
          return true;
        for (const Loop *inner : loop.getSubLoops())
          if (inner->contains(block))
            readers.insert(inner);
      }
    return readers.size() == loop.getSubLoops().size();
  }

  /// Those that are made in the loop where the fewest registers are kept through it, in their order.
  SmallVector<Instruction *> choose() {
    SmallestCut graph;
    DenseMap<const Instruction *, unsigned> nodes; // and the next one: made, and kept
    auto enter = [&](const Instruction *op) {
      auto [place, isNew] = nodes.try_emplace(op, 0);
      if (isNew) {
        place->second = graph.node();
        graph.edge(place->second, graph.node(), registersOf(op));
      }
      return nodes.lookup(op);
    };
    for (const Instruction *op : movable) {
      unsigned node = enter(op);
      if (any_of(op->uses(), [&](const Use &use) { return placeOf(use); }))
        graph.edge(node + 1, SmallestCut::kSink, SmallestCut::kNever);
      for (const Value *operand : op->operands()) {
        const auto *from = dyn_cast<Instruction>(operand);
        if (!from || (!movable.contains(from) && isFree(from)))
          continue;
        unsigned source = enter(from);
        graph.edge(source + 1, node, SmallestCut::kNever);
        if (!movable.contains(from))
          graph.edge(SmallestCut::kSource, source, SmallestCut::kNever);
      }
    }
    BitVector inLoop = graph.sinkSide();
    SmallVector<Instruction *> chosen;
    for (BasicBlock *block : ReversePostOrderTraversal(loop.getHeader()->getParent()))
      for (Instruction &op : *block)
        if (movable.contains(&op) && inLoop[nodes.lookup(&op)])
          chosen.push_back(&op);
    return chosen;
  }

  /// Makes `op` again in each block that has to have it, and once for all that read it behind the loop.
  void remake(Instruction *op) {
    MapVector<BasicBlock *, SmallVector<Use *>> readers;
    BasicBlock *behind = nullptr;
    for (Use &use : op->uses())
      if (BasicBlock *block = placeOf(use); block && !loop.contains(block))
        behind = behind ? dominators.findNearestCommonDominator(behind, block) : block;
    if (behind && loop.contains(behind)) // several ways out
      behind = nullptr;
    for (Use &use : op->uses())
      if (BasicBlock *block = placeOf(use))
        readers[loop.contains(block) || !behind ? block : behind].push_back(&use);
    for (auto &[block, uses] : readers) {
      auto first = find_if(*block, [&](const Instruction &other) {
        return !isa<PHINode>(other) && is_contained(other.operand_values(), op);
      });
      Instruction *again = op->clone();
      again->insertBefore(first == block->end() ? block->getTerminator()->getIterator() : first);
      for (Use *use : uses)
        use->set(again);
    }
    if (op->use_empty())
      op->eraseFromParent();
  }

  Loop &loop;
  LoopInfo &loops;
  DominatorTree &dominators;
  SmallSetVector<Instruction *, 32> movable;
};

} // namespace

PreservedAnalyses imbrex::SinkIntoOuterLoopsPass::run(Function &function, FunctionAnalysisManager &analyses) {
  auto &dominators = analyses.getResult<DominatorTreeAnalysis>(function);
  bool changed = false;
  auto &loops = analyses.getResult<LoopAnalysis>(function);
  for (Loop *loop : loops.getLoopsInPreorder())
    if (isShort(*loop))
      changed |= OuterLoop(*loop, loops, dominators).sink();
  if (!changed)
    return PreservedAnalyses::all();
  gate.keepInLoops();
  PreservedAnalyses kept;
  kept.preserveSet<CFGAnalyses>();
  return kept;
}
