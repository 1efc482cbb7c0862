//===- InstructionCount.cpp - What a kernel costs to compile --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights of operations: what they are to LLVM, and what ptxas makes of them on sm_80, about.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/InstructionCount.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace imbrex;

/// Names of registers and constant parts of addresses, not instructions.
static bool isFree(Operation *op) {
  if (auto address = dyn_cast<LLVM::GEPOp>(op))
    return address.getDynamicIndices().empty();
  return isa<LLVM::ConstantOp, LLVM::PoisonOp, LLVM::ExtractElementOp, LLVM::InsertElementOp, LLVM::ExtractValueOp,
             LLVM::BitcastOp, LLVM::BrOp, LLVM::AddressOfOp>(op);
}

static int64_t machineCostOf(Operation *op) {
  unsigned bits = op->getNumResults() == 1 && op->getResult(0).getType().isIntOrFloat()
                      ? op->getResult(0).getType().getIntOrFloatBitWidth()
                      : 32;
  if (isa<LLVM::SDivOp, LLVM::UDivOp, LLVM::SRemOp, LLVM::URemOp>(op)) {
    if (op->getOperand(1).getDefiningOp<LLVM::ConstantOp>())
      return 4; // a multiplication and shifts
    return bits == 64 ? 48 : 16;
  }
  if (isa<LLVM::FDivOp, LLVM::SqrtOp>(op))
    return bits == 64 ? 24 : 8;
  return 1;
}

void InstructionCount::notifyOperationInserted(Operation *op, OpBuilder::InsertPoint previous) {
  if (!previous.isSet()) // else it has only moved
    add(op);
}

void InstructionCount::notifyBlockInserted(Block *block, Region *previous, Region::iterator) {
  if (!previous)
    ++operations;
}

void InstructionCount::add(Operation *op) {
  ++operations;
  if (isFree(op))
    return;
  ++instructions;
  machineInstructions += machineCostOf(op);
}

void InstructionCount::addLoop() {
  instructions += kLoopInstructions;
  machineInstructions += kLoopInstructions;
}

void InstructionCount::addBranch() {
  instructions += kBranchInstructions;
  machineInstructions += kBranchInstructions;
}
