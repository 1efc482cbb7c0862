//===- StaticModel.h - How long a kernel may take, by its code --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An estimate of a launch's cycles from PTX alone: what one pass round the hottest loop needs of the pipes of an SM
// (compiler/KernelScore.h), times the passes, times the rounds of CTAs that the device takes. It ranks candidates of a
// tuning where nothing can be measured, and chooses which to measure first where it can. A model, not a measurement.
//
// With W warps of resident CTAs to a quarter of an SM, a pass of all of them takes as long as the busiest pipe is
// kept busy by W passes, and at least as long as one warp takes alone: all its pipes one after another, and the way
// to memory. Example: 8 warps of 128 x 64 attention on sm_80: 2 warps a quarter, tensor 512 cycles each, alone about
// 1,900: the pass takes 1,900 cycles, and with two CTAs an SM nearly the same for twice the work.
// No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_STATICMODEL_H
#define IMBREX_COMPILER_STATICMODEL_H

#include "compiler/Compiler.h"

namespace imbrex {

/// What a model asks of a device.
struct ModelDevice {
  unsigned multiprocessors = 1;
  unsigned sharedBytesPerMultiprocessor = 0; ///< 0: of no concern
};

/// What is launched.
struct ModelLaunch {
  int64_t ctas = 1;
  int64_t passes = 1; ///< round the hottest loop, by one CTA; TunePoint::passes
};

/// What the model says of one launch.
struct StaticEstimate {
  double cycles = 0;
  unsigned registers = 0;        ///< of a thread: the most that are live at once in the PTX, but what it can have
  bool spills = false;           ///< the sums of its matrix products alone need more than a thread can have
  unsigned residentCtas = 0;     ///< on one SM
  unsigned loopInstructions = 0; ///< of one warp's pass round the hottest loop
  unsigned instructions = 0;     ///< of the whole kernel
};

/// CTAs that one SM takes at once, and what holds back more.
struct Occupancy {
  unsigned ctas = 0;                                               ///< at least 1
  unsigned warps = 0, most = 0;                                    ///< of these CTAs; that an SM takes
  unsigned byWarps = 0, byRegisters = 0, byShared = 0, byCtas = 0; ///< CTAs that each of these alone would allow
};

/// Of a kernel whose threads take `registers`.
Occupancy occupancy(const KernelInterface &interface, const ModelDevice &device, unsigned registers);

/// Of a kernel compiled to PTX; its interface tells target, warps and shared bytes.
StaticEstimate estimate(const CompiledKernel &kernel, const ModelDevice &device, const ModelLaunch &launch);

} // namespace imbrex

#endif // IMBREX_COMPILER_STATICMODEL_H
