//===- Score.h - Static figures of a kernel's hot loops ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counting of compiler/KernelScore.h, and how it is printed.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_SCORE_H
#define IMBREX_COMPILER_SCORE_SCORE_H

#include "compiler/score/LoopModel.h"
#include "llvm/Support/JSON.h"

namespace imbrex::score {

/// Whether and how loops are put through the model of LoopModel.h.
using Modelled = std::optional<ModelOptions>;

LoopScore scoreOf(const MachineKernel &kernel, const Loop &loop, const Modelled &model = {});
KernelScore scoreOf(const MachineKernel &kernel, const Modelled &model = {});

/// A table for a terminal, and the same facts as JSON.
void print(llvm::raw_ostream &os, const KernelScore &score);
llvm::json::Object toJson(const KernelScore &score);
/// What a model's warps do in two passes, where some copy for the others; nothing else is printed.
void printTimeline(llvm::raw_ostream &os, const LoopModel &model);

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_SCORE_H
