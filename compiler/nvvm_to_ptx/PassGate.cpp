//===- PassGate.cpp - Which of LLVM's passes run --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of passes and the sizes up to which they are worth their time.
//
//===----------------------------------------------------------------------===//

#include "compiler/nvvm_to_ptx/PassGate.h"

using namespace imbrex;

namespace {

/// A pass by LLVM's name for it, and the largest kernel it runs on.
struct Limit {
  llvm::StringLiteral pass;
  size_t instructions, blocks;
};

} // namespace

/// Each compares instructions or blocks with one another, in more than linear time: at these sizes it takes about a
/// tenth of a second.
static constexpr Limit kLimits[] = {
    // Find nothing that the layouts' addresses have not split already.
    {"slsr", 0, 0},
    {"nary-reassociate", 0, 0},
    {"load-store-vectorizer", 12000, SIZE_MAX},
    {"codegenprepare", SIZE_MAX, 128},
    {"machine-sink", 16000, 2000},
};

PassGate::PassGate(const llvm::Module &module, const Deadline &deadline) : deadline(deadline) {
  for (const llvm::Function &function : module)
    for (const llvm::BasicBlock &block : function) {
      ++blocks;
      instructions += block.size();
    }
}

bool PassGate::shouldRunPass(llvm::StringRef pass, llvm::StringRef) const {
  if (deadline.isOver())
    return false;
  for (const Limit &limit : kLimits)
    if (pass == limit.pass)
      return instructions <= limit.instructions && blocks <= limit.blocks;
  return true;
}
