//===- TakeTurns.cpp - The pass cta-take-turns -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two warpgroups that do the same at the same time want the tensor core together, and then both leave it idle. In
// turns, one has its products run while the other does the rest of its iteration (FlashAttention-3, Shah et al. 2024,
// section 3.1, "ping-pong scheduling").
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Movable.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/ProductWaits.h"
#include "dialects/cta/CtaDialect.h"
#include "dialects/layout/WgmmaOperand.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_TAKETURNS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

/// The products of the loop's own body that run on behind their issue.
static SmallVector<cta::DotOp> issuedIn(scf::ForOp loop) {
  return llvm::filter_to_vector(loop.getBody()->getOps<cta::DotOp>(), runsOn);
}

/// Moves what stands among the products before the first of them. False, and nothing is moved, if something has to
/// stay: a wait, a barrier, or what needs a product.
static bool gather(ArrayRef<cta::DotOp> dots) {
  SmallVector<Operation *> among;
  for (Operation *op = dots.front(); op != dots.back(); op = op->getNextNode()) {
    if (llvm::is_contained(dots, dyn_cast<cta::DotOp>(op)))
      continue;
    if (!isMovable(op) && !isa<cta::GetOp, cta::ClearOp>(op))
      return false;
    if (llvm::any_of(op->getOperands(), [&](Value operand) { return operand.getDefiningOp<cta::DotOp>(); }))
      return false;
    among.push_back(op);
  }
  for (Operation *op : among)
    op->moveBefore(dots.front());
  return true;
}

namespace {

struct TakeTurns : imbrex::impl::TakeTurnsBase<TakeTurns> {
  void runOnOperation() override {
    tile::RequestAttr request = tile::requestOf(getOperation());
    cta::RolesOp roles = cta::rolesOf(getOperation());
    if (!request || !request.getTurns())
      return;
    if (!roles || roles.getComputeWarps() < 2 * layout::kWarpgroupWarps) {
      getOperation().emitRemark("no turns: they take two warpgroups that multiply, and warps that copy for them");
      return;
    }
    bool any = false;
    roles.getCompute().walk([&](scf::ForOp loop) { any |= takeTurns(loop); });
    if (!any)
      return;
    // Once a kernel: between loops the last warpgroup's turn is passed, and not taken.
    OpBuilder b = OpBuilder::atBlockBegin(&roles.getCompute().front());
    cta::OpenTurnsOp::create(b, roles.getLoc());
    b.setInsertionPointToEnd(&roles.getCompute().front());
    cta::CloseTurnsOp::create(b, roles.getLoc());
  }

private:
  static bool takeTurns(scf::ForOp loop) {
    SmallVector<cta::DotOp> dots = issuedIn(loop);
    if (dots.empty())
      return false;
    if (!gather(dots)) {
      loop.emitRemark("no turns: the loop waits between its products");
      return false;
    }
    OpBuilder b(dots.front());
    cta::TakeTurnOp::create(b, loop.getLoc());
    b.setInsertionPointAfter(dots.back());
    cta::PassTurnOp::create(b, loop.getLoc());
    loop.emitRemark("warpgroups issue products in turns");
    return true;
  }
};

} // namespace
