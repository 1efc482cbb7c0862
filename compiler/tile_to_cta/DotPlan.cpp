//===- DotPlan.cpp - How each matrix product is done ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instruction family first, then warps over rows before columns (row reductions stay in a quad of
// lanes), then operands: a load that feeds products only is copied to shared memory, everything else
// comes from registers.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile_to_cta/DotPlan.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace imbrex;

/// Registers of a thread, in 32-bit units, that accumulators and fragments in one loop may take before a
/// left operand is read from shared memory at every step instead of staying in registers.
static constexpr int64_t kFragmentBudget = 150;

bool imbrex::feedsOnlyDots(tile::LoadOp load) {
  if (!isa<RankedTensorType>(load.getResult().getType()) || load.getDims().size() != 2)
    return false;
  SmallVector<Value> work{load.getResult()};
  bool any = false;
  while (!work.empty()) {
    for (OpOperand &use : work.pop_back_val().getUses()) {
      if (auto transpose = dyn_cast<tile::TransposeOp>(use.getOwner())) {
        work.push_back(transpose.getResult());
        continue;
      }
      if (!isa<tile::DotOp>(use.getOwner()) || use.getOperandNumber() == 2)
        return false;
      any = true;
    }
  }
  return any;
}

static OperandPlan planOperand(Value operand) {
  OperandPlan plan;
  plan.tile = operand;
  while (auto transpose = plan.tile.getDefiningOp<tile::TransposeOp>()) {
    plan.tile = transpose.getSource();
    plan.transposed = !plan.transposed;
  }
  if (auto load = plan.tile.getDefiningOp<tile::LoadOp>(); load && feedsOnlyDots(load))
    plan.load = load;
  return plan;
}

/// True if mma.sync can do this product: 16-bit operands, extents that its tiles divide, K too unless
/// both operands are loaded with K along their rows, where padding with zeros is free. A 16-bit product
/// that it cannot do gets a remark that says why.
static bool fitsMma(tile::DotOp dot, const DotPlan &plan) {
  RankedTensorType a = cast<RankedTensorType>(dot.getA().getType());
  RankedTensorType b = cast<RankedTensorType>(dot.getB().getType());
  if (a.getElementTypeBitWidth() != 16)
    return false;
  int64_t m = a.getDimSize(0), n = b.getDimSize(1), k = a.getDimSize(1);
  bool padded = plan.a.load && plan.b.load && !plan.a.transposed && plan.b.transposed;
  if (m % 16 == 0 && n % 8 == 0 && (k % 16 == 0 || padded))
    return true;
  dot.emitRemark() << "product without tensor cores: " << m << "x" << k << " times " << k << "x" << n
                   << " is not made of 16x16 and 16x8 tiles";
  return false;
}

static int64_t registers32(RankedTensorType type, unsigned warps) {
  return llvm::divideCeil(type.getNumElements() * type.getElementTypeBitWidth(), int64_t(warps) * 32 * 32);
}

/// Decides whether the left fragments of products in a loop stay in registers: all that is live at once
/// must fit the budget.
static void placeLeftFragments(DotPlans &plans, unsigned warps) {
  llvm::MapVector<Operation *, int64_t> live;
  for (auto &[op, plan] : plans) {
    auto dot = cast<tile::DotOp>(op);
    int64_t &sum = live[op->getParentOp()];
    sum += registers32(dot.getType(), warps);
    if (!plan.a.load)
      sum += registers32(cast<RankedTensorType>(dot.getA().getType()), warps);
  }
  for (auto &[op, plan] : plans) {
    if (plan.kind != cta::DotKind::Mma || !plan.a.load)
      continue;
    bool invariant = plan.a.load->getBlock() != op->getBlock();
    int64_t &sum = live[op->getParentOp()];
    int64_t fragment = registers32(cast<RankedTensorType>(cast<tile::DotOp>(op).getA().getType()), warps);
    plan.aInRegisters = invariant && sum + fragment <= kFragmentBudget;
    if (invariant && !plan.aInRegisters)
      op->emitRemark("left operand read from shared memory at every step: it does not fit beside the accumulators");
    if (plan.aInRegisters)
      sum += fragment;
  }
}

DotPlans imbrex::planDots(func::FuncOp kernel, unsigned warps) {
  DotPlans plans;
  kernel.walk([&](tile::DotOp dot) {
    DotPlan plan;
    plan.a = planOperand(dot.getA());
    plan.b = planOperand(dot.getB());
    RankedTensorType result = dot.getType();
    int64_t m = result.getDimSize(0), n = result.getDimSize(1);
    if (fitsMma(dot, plan)) {
      plan.kind = cta::DotKind::Mma;
      plan.warpsM = std::gcd<int64_t>(m / 16, warps);
      plan.warpsN = std::gcd<int64_t>(n / 8, warps / plan.warpsM);
      plan.accumulator = layout::TileLayout::mmaAccumulator(result.getShape(), plan.warpsM, plan.warpsN);
      plan.paddedK = llvm::alignTo(cast<RankedTensorType>(dot.getA().getType()).getDimSize(1), 16);
    } else {
      plan.kind = cta::DotKind::Fma;
      unsigned vector = std::max<unsigned>(1, 16 / (result.getElementTypeBitWidth() / 8));
      plan.accumulator = layout::TileLayout::fmaAccumulator(result.getShape(), warps, vector);
    }
    plans.insert({dot.getOperation(), plan});
  });
  placeLeftFragments(plans, warps);
  return plans;
}
