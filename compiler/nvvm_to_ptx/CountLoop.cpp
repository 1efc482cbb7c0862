//===- CountLoop.cpp - The main loop's instructions by pipe ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's natural loops, and a table from instructions to pipes.
//
//===----------------------------------------------------------------------===//

#include "compiler/nvvm_to_ptx/CountLoop.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Module.h"
#include <numeric>

using namespace imbrex;
using llvm::StringRef;
using Pipe = KernelReport::Pipe;
using Counts = std::array<unsigned, KernelReport::kPipes>;

static constexpr unsigned kSharedSpace = 3;

/// Which pipe runs an intrinsic: the first prefix that fits. All else is arithmetic.
static constexpr std::pair<StringRef, Pipe> kIntrinsics[] = {
    {"llvm.nvvm.mma.", Pipe::Tensor},
    {"llvm.nvvm.ldmatrix.", Pipe::SharedMemory},
    {"llvm.nvvm.shfl.", Pipe::SharedMemory},
    {"llvm.nvvm.cp.async.wait", Pipe::Control},
    {"llvm.nvvm.cp.async.commit", Pipe::Control},
    {"llvm.nvvm.cp.async.", Pipe::GlobalMemory},
    {"llvm.nvvm.barrier", Pipe::Control},
    {"llvm.nvvm.ex2.", Pipe::Functions},
    {"llvm.nvvm.lg2.", Pipe::Functions},
    {"llvm.nvvm.rsqrt.", Pipe::Functions},
    {"llvm.sqrt", Pipe::Functions},
};

/// nullopt where no instruction comes of it: values are only named anew, or taken apart.
static std::optional<Pipe> pipeOf(const llvm::Instruction &instruction) {
  if (const auto *intrinsic = llvm::dyn_cast<llvm::IntrinsicInst>(&instruction)) {
    StringRef name = intrinsic->getCalledFunction()->getName();
    const auto *found = llvm::find_if(kIntrinsics, [&](const auto &row) { return name.starts_with(row.first); });
    return found == std::end(kIntrinsics) ? Pipe::Arithmetic : found->second;
  }
  if (const llvm::Value *pointer = llvm::getLoadStorePointerOperand(&instruction))
    return pointer->getType()->getPointerAddressSpace() == kSharedSpace ? Pipe::SharedMemory : Pipe::GlobalMemory;
  switch (instruction.getOpcode()) {
  case llvm::Instruction::PHI:
  case llvm::Instruction::BitCast:
  case llvm::Instruction::ExtractValue:
  case llvm::Instruction::ExtractElement:
  case llvm::Instruction::InsertElement:
  case llvm::Instruction::Freeze:
    return std::nullopt;
  case llvm::Instruction::FDiv: // a reciprocal, and its repair
    return Pipe::Functions;
  default:
    return instruction.isTerminator() ? Pipe::Control : Pipe::Arithmetic;
  }
}

static Counts countOf(const llvm::Loop &loop) {
  Counts counts = {};
  for (const llvm::BasicBlock *block : loop.blocks())
    for (const llvm::Instruction &instruction : *block)
      if (std::optional<Pipe> pipe = pipeOf(instruction))
        ++counts[unsigned(*pipe)];
  return counts;
}

Counts imbrex::countMainLoop(llvm::Module &module) {
  Counts best = {};
  std::pair<unsigned, unsigned> most = {0, 0}; // products, all instructions
  for (llvm::Function &function : module) {
    if (function.isDeclaration())
      continue;
    llvm::DominatorTree dominators(function);
    llvm::LoopInfo loops(dominators);
    for (const llvm::Loop *loop : loops.getLoopsInPreorder()) {
      Counts counts = countOf(*loop);
      unsigned all = std::accumulate(counts.begin(), counts.end(), 0u);
      if (std::pair weight(counts[unsigned(Pipe::Tensor)], all); weight > most)
        most = weight, best = counts;
    }
  }
  return best;
}
