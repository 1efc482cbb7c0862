//===- MatrixPlan.h - The registers that wgmma works on ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A wgmma reads and writes registers after the instruction has been executed. This is what a kernel's
// decoding finds out for that: which registers are operands of any wgmma, or are moved from or to such one
// ("matrix registers"), and which
// other instructions touch them. Those instructions get a handler that looks first whether they may.
//
//===----------------------------------------------------------------------===//

//|
//| Rules (PTX ISA, 9.7.15: wgmma.mma_async, wgmma.fence, wgmma.wait_group):
//|   1. From a wgmma until its group has been waited for, its accumulators are not touched, and registers
//|      that hold its A are not written.
//|   2. Between any other instruction that touches a matrix register and a wgmma that uses it lies a
//|      wgmma.fence; none is needed between two wgmmas of one shape on the same accumulators.
//|   3. A warp executes wgmma.fence before its first wgmma.
//|   4. A plain mov from register to register is no touch: what is known of the source holds for the
//|      destination; nor is a mov of a constant. (Compilers put such copies between a fence and a wgmma;
//|      assemblers make one register of the two.)

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXPLAN_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXPLAN_H

#include "runtime/simulator/exec/Program.h"

namespace imbrex::simulator {

struct MatrixPlan {
  /// The operands of one wgmma, as numbers of matrix registers.
  struct Operands {
    std::vector<uint32_t> accumulators, a;
  };
  /// Another instruction that touches matrix registers.
  struct Guard {
    Handler run = nullptr; ///< Its own handler.
    std::vector<uint32_t> read, written;
    bool isMove = false; ///< mov written[0], read[0]; or a constant, then `read` is empty.
  };
  uint32_t registers = 0;
  std::vector<uint32_t> numberOf; ///< [instruction]: index into operands or guards.
  std::vector<Operands> operands;
  std::vector<Guard> guards;
};

/// Fills Program::matrix and puts the guarding handler in place; nothing to do in a kernel without wgmma.
void guardMatrixRegisters(const ptx::Kernel &kernel, Program &program);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXPLAN_H
