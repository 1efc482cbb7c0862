//===- Pressure.h - Registers that are live at once -------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What PTX tells of the registers that the assembler will need of a thread. It renames, orders anew and recomputes, so
// what is live at once in PTX is an upper bound, and often far above; the sums of products are a lower one.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_PRESSURE_H
#define IMBREX_COMPILER_SCORE_PRESSURE_H

#include "compiler/score/Loops.h"

namespace imbrex::score {

/// The most 32-bit registers that are live at one place of a PTX kernel; a 64-bit one counts as two, a predicate as
/// none. Of registers named as LLVM's back end and CUDA's compiler name them (%r1, %rd1, %rs1, %f1, %fd1, %p1).
unsigned registerPressure(const MachineKernel &kernel);

/// Those that are live behind each instruction of a PTX kernel.
std::vector<unsigned> liveRegisters(const MachineKernel &kernel);

/// Registers that the sums of a loop's matrix products (mma.sync) take: one set for each chain of products that add to
/// one another. No order of instructions needs fewer, so more than a thread has are spilled.
unsigned accumulatorRegisters(const MachineKernel &kernel, const Loop &loop);

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_PRESSURE_H
