//===- PassGate.h - Which of LLVM's passes run ---------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Leaves out passes that take more than linear time on kernels that are too large for them, and all that can be
// left out once the deadline is over.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_NVVM_TO_PTX_PASSGATE_H
#define IMBREX_COMPILER_NVVM_TO_PTX_PASSGATE_H

#include "compiler/Deadline.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/OptBisect.h"

namespace imbrex {

/// Asked by the optimiser and the code generator before each pass that may be left out. Depends on the module and the
/// deadline alone.
class PassGate : public llvm::OptPassGate {
public:
  PassGate(const llvm::Module &module, const Deadline &deadline);

  bool shouldRunPass(llvm::StringRef pass, llvm::StringRef unit) const override;
  bool isEnabled() const override { return true; }

private:
  const Deadline &deadline;
  size_t instructions = 0, blocks = 0;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_NVVM_TO_PTX_PASSGATE_H
