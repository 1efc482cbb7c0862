//===- Roles.cpp - cta.roles and turns --------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One thread makes the barriers of the rings, all meet, and go their ways by the number of their warp: a value that is
// the same in all lanes for the assembler too.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/RingCompanions.h"
#include "compiler/cta_to_nvvm/SlotBarrier.h"
#include "dialects/layout/WgmmaOperand.h"

using namespace mlir;
using namespace imbrex;

/// setmaxnreg up or down to `registers`.
static void setRegisters(Lowering &l, StringRef way, unsigned registers) {
  std::string name = ("llvm.nvvm.setmaxnreg." + way + ".sync.aligned.u32").str();
  LLVM::CallIntrinsicOp::create(l.b, l.loc, l.b.getStringAttr(name), {l.i32(registers)});
}

static void makeBarriers(Lowering &l, cta::RolesOp roles) {
  l.when(l.isFirstThread(), [&] {
    for (auto ring : roles->getBlock()->getOps<cta::RingOp>())
      if (ring.getType().getCompletion() == cta::Completion::Mbarrier && !l.companions.first.contains(ring))
        initialiseBarriers(l, ring, roles.getCopyWarps(), roles.getComputeWarps());
    LLVM::CallIntrinsicOp::create(l.b, l.loc, l.b.getStringAttr("llvm.nvvm.fence.mbarrier_init.release.cluster"),
                                  ValueRange()); // the copy engine sees them too
  });
  LLVM::CallIntrinsicOp::create(l.b, l.loc, l.b.getStringAttr("llvm.nvvm.barrier.cta.sync.aligned.all"),
                                {l.i32(kBarrierOfCta)});
}

static LogicalResult lowerRolesOp(Lowering &l, cta::RolesOp roles) {
  l.companions = findCompanions(roles->getParentOfType<func::FuncOp>());
  makeBarriers(l, roles);
  Value warp = l.callIntrinsic(l.b.getI32Type(), "llvm.nvvm.shfl.sync.idx.i32",
                               {l.i32(-1), l.warp, l.i32(0), l.i32(layout::kWarpThreads - 1)});
  Block *compute = l.newBlock(), *copy = l.newBlock(), *exit = l.newBlock();
  LLVM::CondBrOp::create(l.b, l.loc, l.less(warp, l.i32(roles.getComputeWarps())), compute, ValueRange(), copy,
                         ValueRange());
  l.b.setInsertionPointToEnd(compute);
  l.warpgroup = l.shiftRight(warp, llvm::Log2_32(layout::kWarpgroupWarps));
  setRegisters(l, "inc", roles.getComputeRegisters());
  if (failed(l.lowerBlock(roles.getCompute().front())))
    return failure();
  LLVM::BrOp::create(l.b, l.loc, ValueRange(), exit);
  l.b.setInsertionPointToEnd(copy);
  setRegisters(l, "dec", roles.getCopyRegisters());
  l.enterPart(roles.getComputeWarps(), roles.getCopyWarps());
  if (failed(l.lowerBlock(roles.getCopy().front())))
    return failure();
  LLVM::BrOp::create(l.b, l.loc, ValueRange(), exit);
  l.b.setInsertionPointToEnd(exit);
  return success();
}

/// Arrives at the barrier of the turn of `group`, or waits at it: two warpgroups meet there.
static void meetAtTurn(Lowering &l, StringRef how, Value group) {
  std::string name = ("llvm.nvvm.barrier.cta." + how + ".aligned.count").str();
  LLVM::CallIntrinsicOp::create(
      l.b, l.loc, l.b.getStringAttr(name),
      {l.addConstant(group, kBarrierOfTurns), l.i32(2 * layout::kWarpgroupWarps * layout::kWarpThreads)});
}

static void lowerTurn(Lowering &l, Operation *op) {
  const unsigned last = l.warps / layout::kWarpgroupWarps - 1;
  auto isGroup = [&](unsigned group) {
    return LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::eq, l.warpgroup, l.i32(group));
  };
  if (isa<cta::TakeTurnOp>(op))
    meetAtTurn(l, "sync", l.warpgroup);
  else if (isa<cta::PassTurnOp>(op))
    meetAtTurn(l, "arrive", l.select(isGroup(last), l.i32(0), l.addConstant(l.warpgroup, 1)));
  else if (isa<cta::OpenTurnsOp>(op))
    l.when(isGroup(last), [&] { meetAtTurn(l, "arrive", l.i32(0)); });
  else
    l.when(isGroup(0), [&] { meetAtTurn(l, "sync", l.i32(0)); });
}

Lowered imbrex::lowerRoles(Lowering &l, Operation *op) {
  if (auto roles = dyn_cast<cta::RolesOp>(op))
    return lowerRolesOp(l, roles);
  if (!isa<cta::TakeTurnOp, cta::PassTurnOp, cta::OpenTurnsOp, cta::CloseTurnsOp>(op))
    return std::nullopt;
  lowerTurn(l, op);
  return success();
}
