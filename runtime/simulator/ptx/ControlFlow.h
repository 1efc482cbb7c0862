//===- ControlFlow.h - Where diverged lanes meet again ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Immediate post-dominators of a kernel's branches: the instruction that every path from a branch
// passes, whatever way the branch goes. Worked example:
//
//===----------------------------------------------------------------------===//

//|
//|   0: @%p bra 3   ->  both ways meet at 4; the answer for instruction 0 is 4
//|   1: add            a guarded ret or exit is a branch to the end: from it nothing is certain
//|   2: bra 4
//|   3: sub
//|   4: st

#ifndef IMBREX_RUNTIME_SIMULATOR_PTX_CONTROLFLOW_H
#define IMBREX_RUNTIME_SIMULATOR_PTX_CONTROLFLOW_H

#include <cstdint>
#include <vector>

namespace imbrex::simulator::ptx {

/// How control leaves one instruction.
struct Flow {
  bool fallsThrough = true;
  std::vector<uint32_t> targets; ///< Branch targets; an index equal to the code's size is the end.
};

/// For each instruction with a target: its immediate post-dominator, ~0 where that is the end.
/// Entries of other instructions are ~0.
std::vector<uint32_t> findReconvergence(const std::vector<Flow> &flow);

} // namespace imbrex::simulator::ptx

#endif // IMBREX_RUNTIME_SIMULATOR_PTX_CONTROLFLOW_H
