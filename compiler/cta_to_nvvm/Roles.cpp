//===- Roles.cpp - cta.roles ------------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One thread makes the barriers of the rings, all meet, and go their ways by the number of their warp: a value that is
// the same in all lanes for the assembler too.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/SlotBarrier.h"

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
      if (ring.getType().getCompletion() == cta::Completion::Mbarrier)
        initialiseBarriers(l, ring, roles.getCopyWarps() * layout::kWarpThreads, roles.getComputeWarps());
    LLVM::CallIntrinsicOp::create(l.b, l.loc, l.b.getStringAttr("llvm.nvvm.fence.mbarrier_init.release.cluster"),
                                  ValueRange()); // the copy engine sees them too
  });
  LLVM::CallIntrinsicOp::create(l.b, l.loc, l.b.getStringAttr("llvm.nvvm.barrier.cta.sync.aligned.all"), {l.i32(0)});
}

static LogicalResult lowerRolesOp(Lowering &l, cta::RolesOp roles) {
  makeBarriers(l, roles);
  Value warp = l.callIntrinsic(l.b.getI32Type(), "llvm.nvvm.shfl.sync.idx.i32",
                               {l.i32(-1), l.warp, l.i32(0), l.i32(layout::kWarpThreads - 1)});
  Block *compute = l.newBlock(), *copy = l.newBlock(), *exit = l.newBlock();
  LLVM::CondBrOp::create(l.b, l.loc, l.less(warp, l.i32(roles.getComputeWarps())), compute, ValueRange(), copy,
                         ValueRange());
  l.b.setInsertionPointToEnd(compute);
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

Lowered imbrex::lowerRoles(Lowering &l, Operation *op) {
  auto roles = dyn_cast<cta::RolesOp>(op);
  return roles ? Lowered(lowerRolesOp(l, roles)) : std::nullopt;
}
