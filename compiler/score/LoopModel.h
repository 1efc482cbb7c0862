//===- LoopModel.h - A model of a hot loop's cycles --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// In-order issue of the real machine code by the warps that share a quarter of an SM: one instruction a cycle,
// registers ready after a latency, pipes busy for a time, barriers at which all warps meet. Products of warpgroups go
// on by themselves, in the order of their issue, until they are waited for. Where warps have roles, one that copies
// runs its own loop beside those that compute: a copy, by TMA or by the threads of the role, takes its turn on the way
// from the L2 cache, arrives after a latency, and a slot is filled again once all that read it have let it go. A tile
// that is written anew on its way is read by the warp that copies and is there as soon as that says so. A product lasts
// as long as shared memory takes to give its factors, if that is longer; a copy that is on its way takes its share of
// the 128 bytes a cycle. (What threads read and write there takes none of the products', and a copy waits for nobody.)
// Copies without a queue are taken to have arrived, and nothing else runs. A model, not a measurement: it shows what a
// change of the code does to overlap.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_LOOPMODEL_H
#define IMBREX_COMPILER_SCORE_LOOPMODEL_H

#include "compiler/score/Loops.h"

namespace imbrex::score {

/// A queue of tiles in shared memory between the roles: barriers of arrival, a slot each, then as many of release.
struct ModelRing {
  std::string holds;    ///< the view that is copied into it
  int64_t barriers = 0; ///< byte of the first in shared memory
  unsigned slots = 1;
  int64_t bytes = 0; ///< of a slot
};

struct ModelOptions {
  unsigned warps = 2; ///< that share a quarter of an SM and compute: the CTA's over four
  /// The first third is left out of the figures. An even number counts: with two slots passes may alternate.
  unsigned passes = 25;
  double productCycles = 8; ///< of a 16 x 8 x 16 product of 16 bits on the tensor pipe: 8 on sm_80, 4 on sm_90
  bool timeline = false;    ///< LoopModel::timeline
  std::vector<ModelRing> rings = {};
  /// Of a copy by TMA: cycles until it has arrived, beside its turn; bytes a cycle that an SM gets of the L2 cache.
  /// (A100's gives 5,120 a cycle, "NVIDIA A100 Tensor Core GPU Architecture", 2020; an H100 shares as many among 132
  /// SMs.)
  double copyLatency = 700, copyBytes = 5120.0 / 132;
};

/// Runs the usual pass of `loop`, machine code, again and again. nullopt with the reason where the loop holds what
/// the model does not know: PTX, a barrier that is no ring's, tiles that are not copied once a pass.
std::optional<LoopModel> modelLoop(const MachineKernel &kernel, const Loop &loop, const ModelOptions &options,
                                   std::string &whyNot);

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_LOOPMODEL_H
