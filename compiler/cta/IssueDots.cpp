//===- IssueDots.cpp - Issue products, and wait for them ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-issue-dots: every product becomes an asynchronous one with its wait right behind. The passes after
// it move the two apart. Products that open an iteration and run on behind their issue are issued together:
//
//     loop: s = q k; p = exp(s); u = p v; t = w v; ..       loop: s = q k; t = w v; p = exp(s); u = p v; ..
//
// Where the registers hold a part of t beside s only, its last columns are issued there, the others where t was:
//
//     loop: s = q k; t' = w v[last]; p = exp(s); u = p v; t = t', w v[first]; ..
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include "compiler/cta/LoopDots.h"
#include "compiler/cta/LoopSize.h"
#include "compiler/cta/Movable.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/ProductWaits.h"
#include "compiler/cta/QueueOrder.h"
#include "dialects/layout/Warp.h"
#include "dialects/layout/WgmmaOperand.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_ISSUEDOTS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

using Operations = llvm::SetVector<Operation *>;

/// Adds to `part`, in an order in which they can be made, `op` and what it needs of what stands between `from` and it.
/// False if something of it has to stay where it is.
static bool addNeeds(Operation *op, Operation *from, Operations &part) {
  if (op->getBlock() != from->getBlock() || op == from || op->isBeforeInBlock(from) || part.contains(op))
    return true;
  if (auto get = dyn_cast<cta::GetOp>(op)) {
    for (Operation *user : get.getRing().getUsers())
      if (isa<cta::PutOp>(user) && user->getBlock() == op->getBlock() && from->isBeforeInBlock(user) &&
          user->isBeforeInBlock(op))
        return false;
  } else if (!isa<cta::DotOp, cta::ClearOp>(op) && !isRepeatable(op)) {
    return false;
  }
  for (Value operand : op->getOperands())
    if (Operation *source = operand.getDefiningOp(); source && !addNeeds(source, from, part))
      return false;
  return part.insert(op);
}

/// Registers that addresses, values of a line and ptxas take, besides the sums and an operand in registers: with 232 a
/// thread the backward products of attention spill nothing at 208, and are serialised at 212.
static constexpr int64_t kOtherRegisters = 24;

/// The part of the columns that is issued early where the whole is too much. (Attention's backward in one pass, 64
/// features, tiles of 128 x 128, by ptxas 13.0: of a half 24 bytes are spilled, with a causal mask 52, of the first
/// quarter 0 and 16, of the last one none.)
static constexpr int64_t kParts = 4;

/// Registers of a thread that hold sums and an operand made of them while all early products are in flight, of those
/// behind the first one part in `parts`.
static int64_t registersTogether(scf::ForOp loop, ArrayRef<cta::DotOp> early, int64_t parts) {
  int64_t sums = 0, largest = 0;
  for (Value argument : loop.getRegionIterArgs())
    sums += registersOf(argument.getType());
  for (cta::DotOp dot : early) {
    const int64_t own = registersOf(dot.getType());
    sums += dot == early.front() ? own : own / parts;
    largest = std::max(largest, own);
  }
  return sums + largest / 2;
}

/// Registers beside these that a left operand leaves free, for what the rest of an iteration holds.
static constexpr int64_t kRegistersOfRest = 32;

/// Reads the left operand of `dot` before the loop, which does not change it: shared memory, the bound of a loop of
/// several products, is read once for it.
static void holdLeft(cta::DotOp dot, scf::ForOp loop, int64_t &registers) {
  auto buffer = dot.getABuffer();
  if (!buffer || !loop.isDefinedOutsideOfLoop(buffer) || dot.getTransposedA())
    return;
  cta::BufferType held = buffer.getType();
  const layout::TileLayout &sums = cta::layoutOf(dot.getType());
  const int64_t shape[] = {held.getRows(), held.getColumns()};
  auto layout = layout::TileLayout::mmaOperandA(shape, sums.warps()[0], held.getElementBytes());
  if (held.getElementBytes() != 2 || sums.warps()[1] != 1 || layout.extent(0) != shape[0] ||
      layout.extent(1) != shape[1])
    return;
  auto type = cta::withLayout(RankedTensorType::get(shape, held.getElementType()), layout);
  const int64_t own = registersOf(type);
  if (own > registers)
    return;
  registers -= own;
  OpBuilder b(loop);
  auto read = cta::ReadOp::create(b, dot.getLoc(), type, buffer, /*transposed=*/false);
  dot.getAMutable().assign(read.getResult());
  dot.getABufferMutable().clear();
  dot.emitRemark("left operand read into registers before the loop");
}

/// Where the last part of the product's columns starts; none if it cannot be made by itself.
static std::optional<int64_t> lastPart(cta::DotOp dot) {
  const layout::TileLayout &sums = cta::layoutOf(dot.getType());
  const int64_t columns = dot.getType().getDimSize(1);
  const int64_t start = columns - columns / kParts;
  const bool ownColumns =
      sums.warps()[1] == 1 && sums.extent(1) == columns && columns % (kParts * layout::kWgmmaColumnStep) == 0;
  auto right = layout::WgmmaOperand::of(dot.getBBuffer().getType().getLayout(), !dot.getTransposedB(), columns,
                                        /*along=*/1);
  const auto *operand = std::get_if<layout::WgmmaOperand>(&right);
  if (!ownColumns || !operand || !operand->startsAt(start))
    return std::nullopt;
  return start;
}

/// Moves what `dot` needs, and `dot`, behind `last`, which becomes the last of them. False if that cannot be.
static bool moveBehind(cta::DotOp dot, Operation *&last) {
  Operations part;
  if (!addNeeds(dot, last, part)) {
    dot.emitRemark("not issued behind the iteration's first product: an operand is made behind it");
    return false;
  }
  for (Operation *op : part) {
    op->moveAfter(last);
    last = op;
  }
  return true;
}

/// Issues the last columns of the products behind the first one right behind it, the others where they are.
static void issueLastParts(ArrayRef<cta::DotOp> early) {
  Operation *last = early.front();
  for (cta::DotOp dot : llvm::drop_begin(early)) {
    OpBuilder b(dot);
    const int64_t columns = dot.getType().getDimSize(1), start = *lastPart(dot);
    auto part = cast<cta::DotOp>(b.clone(*dot));
    part.setColumns(ArrayRef<int64_t>{start, columns});
    if (!moveBehind(part, last)) {
      part.erase();
      continue;
    }
    dot.getAccumulatorMutable().assign(part.getResult());
    dot.setColumns(ArrayRef<int64_t>{0, start});
    dot.emitRemark() << columns - start << " of " << columns
                     << " columns issued behind the iteration's first product: the registers do not hold all";
  }
}

/// Issues the early products of the loop one behind the other: what waits for the first is done beside the others.
static void issueTogether(scf::ForOp loop, int64_t registers) {
  const LoopDots dots = findLoopDots(loop);
  if (dots.early.size() < 2 || !llvm::all_of(dots.early, runsOn))
    return;
  if (usesQueuesInside(loop)) {
    loop.emitRemark("its first products are not issued together: a loop or branch in the loop has copies of its own");
    return;
  }
  if (auto roles = loop->getParentOfType<cta::RolesOp>())
    registers = roles.getComputeRegisters();
  const int64_t together = registersTogether(loop, dots.early, /*parts=*/1);
  if (together > registers - kOtherRegisters) {
    if (registersTogether(loop, dots.early, kParts) <= registers - kOtherRegisters &&
        llvm::all_of(llvm::drop_begin(dots.early), [](cta::DotOp dot) { return lastPart(dot).has_value(); }))
      return issueLastParts(dots.early);
    cta::DotOp second = dots.early[1];
    second.emitRemark("not issued behind the iteration's first product: ")
        << together << " registers would hold sums, and " << kOtherRegisters << " more are for the rest, of "
        << registers;
    return;
  }
  Operation *last = dots.early.front();
  for (cta::DotOp dot : llvm::drop_begin(dots.early)) {
    if (moveBehind(dot, last))
      dot.emitRemark("issued behind the iteration's first product");
  }
  registers -= together + kOtherRegisters + kRegistersOfRest;
  for (cta::DotOp dot : dots.early)
    holdLeft(dot, loop, registers);
}

namespace {

struct IssueDots : imbrex::impl::IssueDotsBase<IssueDots> {
  void runOnOperation() override {
    SmallVector<cta::DotOp> dots;
    getOperation().walk([&](cta::DotOp dot) {
      if (!dot.getAsync())
        dots.push_back(dot);
    });
    for (cta::DotOp dot : dots) {
      OpBuilder b(dot.getContext());
      b.setInsertionPointAfter(dot);
      auto wait = cta::DotWaitOp::create(b, dot.getLoc(), dot->getResultTypes(), dot.getResult(), ValueRange(), 0);
      dot.getResult().replaceAllUsesExcept(wait.getResult(0), wait);
      dot.setAsync(true);
    }
    tile::RequestAttr request = tile::requestOf(getOperation());
    std::optional<Target> target = request ? Target::parse(request.getTarget().str()) : std::nullopt;
    if (!target)
      return; // no kernel, or one that cta-allocate-shared refuses
    const int64_t registers = target->registersFor(layout::kWarpThreads * request.getWarps());
    getOperation().walk([&](scf::ForOp loop) { issueTogether(loop, registers); });
  }
};

} // namespace
