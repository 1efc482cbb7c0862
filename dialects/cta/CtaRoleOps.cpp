//===- CtaRoleOps.cpp - Warps with different parts -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The verifiers of cta.roles and of turns, and questions to a kernel that has one.
//
//===----------------------------------------------------------------------===//

#include "dialects/cta/CtaDialect.h"
#include "dialects/layout/WgmmaOperand.h"

using namespace mlir;
using namespace imbrex;
using namespace imbrex::cta;

/// What setmaxnreg can ask for (PTX ISA, "setmaxnreg").
static constexpr unsigned kLeastRegisters = 24, kMostRegisters = 256, kRegisterUnit = 8;

LogicalResult RolesOp::verify() {
  for (unsigned warps : {getComputeWarps(), getCopyWarps()})
    if (warps == 0 || warps % layout::kWarpgroupWarps != 0)
      return emitOpError("(1) expected warpgroups of ") << layout::kWarpgroupWarps << " warps, found " << warps;
  for (unsigned registers : {getComputeRegisters(), getCopyRegisters()})
    if (registers < kLeastRegisters || registers > kMostRegisters || registers % kRegisterUnit != 0)
      return emitOpError("(2) expected ") << kLeastRegisters << " to " << kMostRegisters << " registers in steps of "
                                          << kRegisterUnit << ", found " << registers;
  WalkResult result = walk([&](Operation *inner) {
    for (Value operand : inner->getOperands())
      if (isa<RankedTensorType>(operand.getType()) && !(*this)->isAncestor(operand.getParentRegion()->getParentOp())) {
        emitOpError("(3) a part uses a tile that is made around it");
        return WalkResult::interrupt();
      }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

static LogicalResult verifyTurn(Operation *op) {
  auto roles = op->getParentOfType<RolesOp>();
  if (roles && roles.getCompute().isAncestor(op->getParentRegion()) &&
      roles.getComputeWarps() >= 2 * layout::kWarpgroupWarps)
    return success();
  return op->emitOpError("(1) expected to stand in the compute part of a cta.roles with two warpgroups or more");
}

LogicalResult TakeTurnOp::verify() { return verifyTurn(*this); }
LogicalResult PassTurnOp::verify() { return verifyTurn(*this); }
LogicalResult OpenTurnsOp::verify() { return verifyTurn(*this); }
LogicalResult CloseTurnsOp::verify() { return verifyTurn(*this); }

RolesOp imbrex::cta::rolesOf(Operation *kernel) {
  for (Region &region : kernel->getRegions())
    for (Block &block : region)
      for (Operation &op : block)
        if (auto roles = dyn_cast<RolesOp>(op))
          return roles;
  return {};
}

bool imbrex::cta::copies(Operation *op) {
  auto roles = op->getParentOfType<RolesOp>();
  return roles && roles.getCopy().isAncestor(op->getParentRegion());
}

unsigned imbrex::cta::computingWarpsOf(Operation *kernel) {
  RolesOp roles = rolesOf(kernel);
  return roles ? roles.getComputeWarps() : launchOf(kernel).getWarps();
}
