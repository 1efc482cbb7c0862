//===- CountLoop.h - The main loop's instructions by pipe ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts the main loop's instructions as LLVM's code generator gets them. Products, accesses, exponentials and barriers
// are PTX's one for one; of the arithmetic the code generator fuses and packs some.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_NVVM_TO_PTX_COUNTLOOP_H
#define IMBREX_COMPILER_NVVM_TO_PTX_COUNTLOOP_H

#include "compiler/KernelReport.h"

namespace llvm {
class Module;
} // namespace llvm

namespace imbrex {

/// The count of KernelReport::mainLoop for the one kernel of `module`.
std::array<unsigned, KernelReport::kPipes> countMainLoop(llvm::Module &module);

} // namespace imbrex

#endif // IMBREX_COMPILER_NVVM_TO_PTX_COUNTLOOP_H
