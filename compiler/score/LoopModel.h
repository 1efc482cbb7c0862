//===- LoopModel.h - A model of a hot loop's cycles --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In-order issue of the real machine code by the warps that share a quarter of an SM: one instruction a cycle,
// registers ready after a latency, pipes busy for a time, barriers at which all warps meet. Copies are taken to have
// arrived, and nothing else runs. A model, not a measurement: it shows what a change of the code does to overlap.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_LOOPMODEL_H
#define IMBREX_COMPILER_SCORE_LOOPMODEL_H

#include "compiler/score/Loops.h"

namespace imbrex::score {

struct ModelOptions {
  unsigned warps = 2;       ///< that share a quarter of an SM: the CTA's over four
  unsigned passes = 24;     ///< the first third is left out of the figures
  double productCycles = 8; ///< of a 16 x 8 x 16 product on the tensor pipe: 8 on sm_80, 4 on sm_90
  bool timeline = false;    ///< LoopModel::timeline
};

/// Runs the usual pass of `loop`, machine code, again and again. nullopt with the reason where the loop holds what
/// the model does not know: PTX, warpgroup products.
std::optional<LoopModel> modelLoop(const MachineKernel &kernel, const Loop &loop, const ModelOptions &options,
                                   std::string &whyNot);

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_LOOPMODEL_H
