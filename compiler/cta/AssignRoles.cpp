//===- AssignRoles.cpp - Some warps copy, the others compute ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-assign-roles. The kernel is cut along its rings: puts, and of the rest what says when and where they
// copy (CopySlice.h), go to warps of their own; all but the puts stays with the others.
//
//     loop j: put j; get j; compute       ->     compute: loop j: get j; compute; release j     copy: loop j: put j
//
// Rings become queues with barriers of their own, so that a copy starts as soon as its slot is empty, and each part
// waits for nothing else. A ring counts its steps, so each must be put once, in order: a put stands in one loop at
// most, and there on every way.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include "compiler/cta/BufferAccess.h"
#include "compiler/cta/CopySlice.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/ProductWaits.h"
#include "compiler/cta/SharedLives.h"
#include "dialects/layout/WgmmaOperand.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_ASSIGNROLES
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

/// Warps that copy: one warpgroup, as registers are dealt to warpgroups.
static constexpr unsigned kCopyWarps = layout::kWarpgroupWarps;
/// Registers of a thread that copies: addresses of its rows, bounds, and slots. (PTX ISA, "setmaxnreg": steps of 8.)
static constexpr unsigned kCopyRegisters = 40, kRegisterUnit = 8;
/// The most a thread may have by setmaxnreg, less what ptxas keeps for itself.
static constexpr unsigned kMostRegisters = 240;

/// True if a loop multiplies by wgmma: its products run while nothing else would.
static bool hasProductLoop(func::FuncOp kernel) {
  return kernel
      .walk([](cta::DotOp dot) {
        bool found = dot.getKind() == cta::DotKind::Wgmma && dot->getParentOfType<scf::ForOp>();
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// Why the steps of `put` cannot be counted; empty if they can.
static StringRef whyNotCounted(cta::PutOp put) {
  auto loop = put->getParentOfType<scf::ForOp>();
  if (!loop)
    return "";
  if (put->getParentOp() != loop)
    return "it stands in a branch";
  if (loop->getParentOfType<scf::ForOp>())
    return "its loop stands in another one";
  return matchPattern(loop.getStep(), m_One()) ? "" : "its loop does not count by one";
}

namespace {

struct AssignRoles : imbrex::impl::AssignRolesBase<AssignRoles> {
  void runOnOperation() override;

private:
  bool canPart();
  void makeRings(unsigned slots);
  bool fits(unsigned slots);
  void part();

  Target target;
  unsigned warps = 0;
  SmallVector<cta::PutOp> puts;
};

} // namespace

bool AssignRoles::canPart() {
  CopySlice slice(getOperation());
  llvm::SmallPtrSet<Value, 4> rings;
  for (cta::PutOp put : puts) {
    StringRef reason = put.getRows() ? "its rows come from a table" : whyNotCounted(put);
    if (reason.empty() && !rings.insert(put.getRing()).second)
      reason = "its ring has another copy";
    if (reason.empty() && !slice.add(put))
      reason = "where it reads depends on what the kernel computes";
    if (reason.empty())
      continue;
    put.emitRemark("no warps of their own for copies: of this one ") << reason;
    return false;
  }
  return true;
}

/// Rings by mbarrier; those that a loop fills have `slots` slots.
void AssignRoles::makeRings(unsigned slots) {
  for (cta::PutOp put : puts) {
    cta::RingType type = put.getRing().getType();
    unsigned count = put->getParentOfType<scf::ForOp>() ? slots : 1;
    put.getRing().setType(cta::RingType::getFor(type.getSlot(), count, cta::Completion::Mbarrier));
  }
}

bool AssignRoles::fits(unsigned slots) {
  makeRings(slots);
  return planShared(getOperation()).bytes <= target.sharedBytes;
}

/// Moves the kernel into the parts of one cta.roles.
void AssignRoles::part() {
  func::FuncOp kernel = getOperation();
  Block &body = kernel.getBody().front();
  const unsigned groups = warps / layout::kWarpgroupWarps, copyGroups = kCopyWarps / layout::kWarpgroupWarps;
  const unsigned groupThreads = layout::kWarpgroupWarps * layout::kWarpThreads;
  unsigned left = target.registersPerSm / groupThreads - copyGroups * kCopyRegisters;
  unsigned registers = std::min(left / groups / kRegisterUnit * kRegisterUnit, kMostRegisters);
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  CopySlice slice(kernel);
  for (cta::PutOp put : puts)
    slice.add(put);
  auto roles = cta::RolesOp::create(b, kernel.getLoc(), warps, registers, kCopyWarps, kCopyRegisters);
  Block &compute = roles.getCompute().emplaceBlock(), &copy = roles.getCopy().emplaceBlock();
  b.setInsertionPointToStart(&copy);
  slice.clone(b);
  for (cta::PutOp put : puts)
    put.erase();
  for (Operation &op : llvm::make_early_inc_range(body)) {
    if (isa<cta::RingOp, cta::AllocOp>(op))
      op.moveBefore(roles);
    else if (&op != roles && !op.hasTrait<OpTrait::IsTerminator>())
      op.moveBefore(&compute, compute.end());
  }
}

void AssignRoles::runOnOperation() {
  func::FuncOp kernel = getOperation();
  tile::RequestAttr request = tile::requestOf(kernel);
  std::optional<Target> asked = request ? Target::parse(request.getTarget().str()) : std::nullopt;
  if (!asked || !asked->hasWgmma || !hasProductLoop(kernel))
    return;
  target = *asked;
  warps = request.getWarps();
  kernel.walk([&](cta::PutOp put) { puts.push_back(put); });
  if (warps % layout::kWarpgroupWarps != 0 || warps + kCopyWarps > target.warpsPerCta || !canPart())
    return;
  unsigned slots = request.getStages();
  while (slots > 1 && !fits(slots))
    --slots;
  makeRings(slots);
  if (slots != request.getStages())
    kernel.emitRemark() << "rings of " << slots << " slots in place of " << request.getStages()
                        << ": shared memory is short";
  kernel.emitRemark() << kCopyWarps << " warps copy, " << warps << " compute";
  part();
}
