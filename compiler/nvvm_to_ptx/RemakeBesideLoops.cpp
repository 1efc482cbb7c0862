//===- RemakeBesideLoops.cpp - What full loops hold unread ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Some values have to be kept through the loop so that the others can be made beside it. Which cost least is a smallest
// cut: from what cannot be made again (loads) to who reads late; what the loop reads in every pass, and so has in
// registers anyway, parameters and constants cost nothing.
//
//       a = load            a is kept, one register, and b, c and d are made behind the loop,
//       b = tid * 4         instead of c and d, three registers
//       c = a + b
//       d = zext(c) * arg
//
//===----------------------------------------------------------------------===//

#include "compiler/nvvm_to_ptx/RemakeBesideLoops.h"
#include "compiler/nvvm_to_ptx/SmallestCut.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/IntrinsicsNVPTX.h"

using namespace llvm;
using namespace imbrex;

/// Registers of a thread that is not dealt others.
static constexpr unsigned kRegisters = 255;

/// Instructions of a branch that is one for the machine too: shorter ones become predicated, and all passes run them.
static constexpr unsigned kLongBranch = 12;

/// Instructions that may be spent for one register less.
static constexpr unsigned kWorth = 16;

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

/// What `loop` carries, and what it reads of what is made before it: each pass of it where there are `dominators`, else
/// some pass.
static unsigned registersHeld(const Loop &loop, const DominatorTree *dominators = nullptr) {
  SmallPtrSet<const Value *, 32> held;
  for (const PHINode &phi : loop.getHeader()->phis())
    held.insert(&phi);
  for (const BasicBlock *block : loop.blocks()) {
    if (dominators && !dominators->dominates(block, loop.getLoopLatch()))
      continue;
    for (const Instruction &op : *block)
      if (!isa<PHINode>(op))
        for (const Value *operand : op.operand_values())
          if (const auto *from = dyn_cast<Instruction>(operand); from && !loop.contains(from))
            held.insert(from);
  }
  unsigned registers = 0;
  for (const Value *value : held)
    registers += registersOf(value);
  return registers;
}

namespace {

/// What a role is dealt on the way to a loop; 0 registers where none are dealt.
struct Dealt {
  unsigned registers = 0;
  bool isMore = false; ///< than it started with
};

/// An innermost loop that holds many registers.
struct Full {
  Loop *loop;
  bool isTight; ///< others have to go, also those that some passes read, or what follows where the loop runs once
};

} // namespace

static Dealt dealtTo(const Loop &loop, const DominatorTree &dominators) {
  for (const auto *node = dominators.getNode(loop.getHeader()); node; node = node->getIDom())
    for (const Instruction &op : *node->getBlock())
      if (const auto *call = dyn_cast<IntrinsicInst>(&op)) {
        const bool isMore = call->getIntrinsicID() == Intrinsic::nvvm_setmaxnreg_inc_sync_aligned_u32;
        if (isMore || call->getIntrinsicID() == Intrinsic::nvvm_setmaxnreg_dec_sync_aligned_u32)
          return {unsigned(cast<ConstantInt>(call->getArgOperand(0))->getZExtValue()), isMore};
      }
  return {};
}

/// Within outer loops, those from three eighths of the registers on. Of who computes for a role, whom no ceiling of
/// registers can help, also all that hold two thirds for each pass. Who copies holds what warps share.
static void findFull(Loop &loop, const DominatorTree &dominators, SmallVectorImpl<Full> &found) {
  const size_t before = found.size();
  for (Loop *inner : loop.getSubLoops())
    findFull(*inner, dominators, found);
  if (found.size() > before || !loop.getLoopLatch())
    return;
  const Dealt dealt = dealtTo(loop, dominators);
  const bool isTight = dealt.isMore && 3 * registersHeld(loop, &dominators) >= 2 * dealt.registers;
  if (isTight ||
      (loop.getParentLoop() && 8 * registersHeld(loop) >= 3 * (dealt.registers ? dealt.registers : kRegisters)))
    found.push_back({&loop, isTight});
}

/// True for what one or two instructions make from its operands, wherever it stands.
static bool isCheap(const Instruction *op) {
  if (op->mayReadOrWriteMemory() || op->isTerminator() || isa<PHINode>(op))
    return false;
  if (const auto *call = dyn_cast<CallBase>(op))
    return isa<IntrinsicInst>(call) && !call->isConvergent() && !call->getType()->isStructTy(); // no product of a warp
  switch (op->getOpcode()) {
  case Instruction::Alloca: // each is other memory, or another choice of what is undefined
  case Instruction::Freeze:
  case Instruction::FDiv:
  case Instruction::FRem:
    return false;
  case Instruction::SDiv:
  case Instruction::UDiv:
  case Instruction::SRem:
  case Instruction::URem: // by a constant, a product
    return isa<ConstantInt>(op->getOperand(1));
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

/// True for what one register holds, or two.
static bool fitsRegister(const Type *type) {
  return type->isPointerTy() || type->isIntegerTy(32) || type->isIntegerTy(64);
}

/// The same value, which nobody sees through.
static CallInst *hidden(Value *value) {
  Type *type = value->getType();
  const bool isWide = !type->isIntegerTy(32);
  return CallInst::Create(InlineAsm::get(FunctionType::get(type, {type}, /*isVarArg=*/false),
                                         isWide ? "mov.b64 $0, $1;" : "mov.b32 $0, $1;", isWide ? "=l,l" : "=r,r",
                                         /*hasSideEffects=*/true),
                          {value});
}

namespace {

class FullLoop {
public:
  FullLoop(Full full, LoopInfo &loops, DominatorTree &dominators)
      : loop(*full.loop), isTight(full.isTight), loops(loops), dominators(dominators) {
    loop.getExitBlocks(exits);
  }

  bool relieve() {
    collect();
    SmallVector<Instruction *> chosen = choose();
    for (Instruction *op : reverse(chosen)) // readers before what they read
      remake(op);
    hide();
    return !chosen.empty();
  }

private:
  /// True for a block of the loop that some passes leave out.
  bool isBranch(const BasicBlock *block) const {
    return loop.contains(block) && !dominators.dominates(block, loop.getLoopLatch());
  }

  bool isBefore(const Instruction *op) const {
    return !loop.contains(op) && dominators.dominates(op->getParent(), loop.getHeader());
  }

  /// Blocks that the loop leads to without what is made in `from` being made anew.
  const SmallPtrSet<const BasicBlock *, 16> &behind(const BasicBlock *from) {
    auto [place, isNew] = reached.try_emplace(from);
    SmallVector<const BasicBlock *> open;
    if (isNew)
      open.assign(exits.begin(), exits.end());
    while (!open.empty()) {
      const BasicBlock *block = open.pop_back_val();
      if (block != from && !loop.contains(block) && place->second.insert(block).second)
        append_range(open, successors(block));
    }
    return place->second;
  }

  /// Instructions of the loop from the branch's first block on that only it leads to.
  size_t lengthOf(const BasicBlock *branch) {
    auto [place, isNew] = lengths.try_emplace(branch, 0);
    if (isNew)
      for (const BasicBlock *block : loop.blocks())
        if (dominators.dominates(branch, block))
          place->second += block->size();
    return place->second;
  }

  /// The first block of the branch that `block` lies in; null where it is not worth it, or is a loop of its own.
  BasicBlock *startOfBranch(BasicBlock *block) {
    for (BasicBlock *above = block; isBranch(above); above = dominators.getNode(above)->getIDom()->getBlock())
      block = above;
    return isTight && loops.getLoopFor(block) == &loop && lengthOf(block) >= kLongBranch ? block : nullptr;
  }

  /// Where what `use` reads of `op` can be made again: in a branch of the loop, or in a block behind it, which is
  /// before other loops. Null where it is read in every pass, or before the loop.
  BasicBlock *placeOf(const Instruction *op, const Use &use) {
    BasicBlock *block = blockOf(use);
    if (loop.contains(block))
      return isBranch(block) ? startOfBranch(block) : nullptr;
    if (loop.contains(op) || (!isTight && !loop.getParentLoop()) || !behind(op->getParent()).contains(block))
      return nullptr;
    Loop *other = loops.getLoopFor(block);
    if (!other || other->contains(&loop))
      return block;
    while (other->getParentLoop() && !other->getParentLoop()->contains(&loop))
      other = other->getParentLoop();
    BasicBlock *place = other->getLoopPreheader();
    return place && behind(op->getParent()).contains(place) ? place : nullptr;
  }

  /// True if a pass that takes no branch reads it itself, not only to make what is movable.
  bool isReadInEveryPass(const Instruction *op) {
    return any_of(op->uses(), [&](const Use &use) {
      return loop.contains(blockOf(use)) && !placeOf(op, use) && !isMovable(cast<Instruction>(use.getUser()));
    });
  }

  /// True for what is made before the loop or in every pass of it, and cheap, and may be read late alone.
  bool isMovable(const Instruction *op) {
    auto [place, isNew] = movables.try_emplace(op, false);
    if (!isNew)
      return place->second;
    const bool isInside = loop.contains(op);
    const bool leaves = isInside && any_of(op->uses(), [&](const Use &use) { return !loop.contains(blockOf(use)); });
    const bool stands = isInside ? !leaves && !isBranch(op->getParent()) : isBefore(op);
    const bool isLate = stands && isCheap(op) && !isReadInEveryPass(op);
    return movables[op] = isLate;
  }

  /// True for what needs no register, or has one all through the loop.
  bool isFree(const Value *value) {
    const auto *op = dyn_cast<Instruction>(value);
    return !op || isReadInEveryPass(op);
  }

  /// All movable things that are read late, and what those are made from.
  void collect() {
    SmallVector<Instruction *> open;
    auto visit = [&](Instruction *op) {
      if (isMovable(op) && movable.insert(op))
        open.push_back(op);
    };
    for (BasicBlock *block : post_order(loop.getHeader()->getParent()))
      for (Instruction &op : reverse(*block)) // readers first, which isMovable() asks about
        if (any_of(op.uses(), [&](const Use &use) { return placeOf(&op, use); }))
          visit(&op);
    while (!open.empty())
      for (Value *operand : open.pop_back_val()->operands())
        if (auto *op = dyn_cast<Instruction>(operand))
          visit(op);
  }

  /// Those that are made late where that costs least, in their order.
  SmallVector<Instruction *> choose() {
    SmallestCut graph;
    DenseMap<const Instruction *, unsigned> nodes; // and the next one: made, and kept
    auto enter = [&](const Instruction *op) {
      auto [place, isNew] = nodes.try_emplace(op, 0);
      if (isNew) {
        place->second = graph.node();
        graph.edge(place->second, graph.node(), kWorth * registersOf(op));
        graph.edge(SmallestCut::kSource, place->second, movable.contains(op) ? 1 : SmallestCut::kNever);
      }
      return nodes.lookup(op);
    };
    for (Instruction *op : movable) {
      const unsigned node = enter(op);
      if (any_of(op->uses(), [&](const Use &use) { return placeOf(op, use); }))
        graph.edge(node + 1, SmallestCut::kSink, SmallestCut::kNever);
      for (const Value *operand : op->operands()) {
        const auto *from = dyn_cast<Instruction>(operand);
        if (!from || (!movable.contains(from) && isFree(from)))
          continue;
        const unsigned source = enter(from);
        graph.edge(source + 1, node, SmallestCut::kNever);
        if (loop.contains(op)) // where each pass goes on to make it, what it is made from is kept for that
          graph.edge(node, source, kWorth * registersOf(from));
      }
    }
    BitVector isLate = graph.sinkSide();
    SmallVector<Instruction *> chosen;
    for (BasicBlock *block : ReversePostOrderTraversal(loop.getHeader()->getParent()))
      for (Instruction &op : *block)
        if (movable.contains(&op) && isLate[nodes.lookup(&op)])
          chosen.push_back(&op);
    return chosen;
  }

  /// Makes `op` again in each block that has to have it.
  void remake(Instruction *op) {
    MapVector<BasicBlock *, SmallVector<Use *>> readers;
    for (Use &use : op->uses())
      if (BasicBlock *block = placeOf(op, use))
        readers[block].push_back(&use);
    for (auto &[block, uses] : readers) {
      auto first = find_if(*block, [&](const Instruction &other) {
        return !isa<PHINode>(other) && is_contained(other.operand_values(), op);
      });
      Instruction *again = op->clone();
      again->insertBefore(first == block->end() ? block->getTerminator()->getIterator() : first);
      remade.insert(again);
      for (Use *use : uses)
        use->set(again);
    }
    if (op->use_empty())
      op->eraseFromParent();
  }

  /// Keeps later passes from finding what is made again made before, or out of branches: what it begins with, a kept
  /// register or else what the first operation gives, is hidden from them.
  void hide() {
    DenseMap<Value *, Value *> known; // of one block
    for (BasicBlock &block : *loop.getHeader()->getParent()) {
      known.clear();
      for (Instruction &op : make_early_inc_range(block)) {
        auto isHidden = [&](const Value *operand) { return remade.contains(operand); };
        if (!isHidden(&op) || any_of(op.operand_values(), isHidden))
          continue;
        auto kept = find_if(op.operands(),
                            [](const Use &use) { return isa<Instruction>(use) && fitsRegister(use->getType()); });
        if (kept != op.op_end()) {
          Value *&again = known[*kept];
          if (!again)
            again = IRBuilder<>(&op).Insert(hidden(*kept));
          kept->set(again);
        } else if (fitsRegister(op.getType())) {
          CallInst *again = IRBuilder<>(op.getNextNode()).Insert(hidden(&op));
          remade.insert(again);
          op.replaceUsesWithIf(again, [&](const Use &use) { return use.getUser() != again; });
        }
      }
    }
  }

  Loop &loop;
  const bool isTight;
  LoopInfo &loops;
  DominatorTree &dominators;
  SmallVector<BasicBlock *> exits;
  DenseMap<const BasicBlock *, SmallPtrSet<const BasicBlock *, 16>> reached; ///< behind() of each block
  DenseMap<const BasicBlock *, size_t> lengths;                              ///< lengthOf() each
  DenseMap<const Instruction *, bool> movables;                              ///< isMovable() of each
  SmallSetVector<Instruction *, 32> movable;                                 ///< and read late
  SmallPtrSet<const Value *, 32> remade;
};

} // namespace

PreservedAnalyses imbrex::RemakeBesideLoopsPass::run(Function &function, FunctionAnalysisManager &analyses) {
  auto &dominators = analyses.getResult<DominatorTreeAnalysis>(function);
  auto &loops = analyses.getResult<LoopAnalysis>(function);
  SmallVector<Full> found;
  for (Loop *loop : loops)
    findFull(*loop, dominators, found);
  bool changed = false;
  for (Full full : found)
    changed |= FullLoop(full, loops, dominators).relieve();
  if (!changed)
    return PreservedAnalyses::all();
  PreservedAnalyses kept;
  kept.preserveSet<CFGAnalyses>();
  return kept;
}
