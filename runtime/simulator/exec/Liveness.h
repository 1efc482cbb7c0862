//===- Liveness.h - Registers read before they are written ------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which registers of a body may be read, on some path from its beginning, before anything has written them.
// A write under a guard does not count as one. Only these begin undefined (exec/Definedness.h).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_LIVENESS_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_LIVENESS_H

#include "runtime/simulator/exec/Instruction.h"
#include "runtime/simulator/ptx/ControlFlow.h"

#include <span>

namespace imbrex::simulator {

/// Numbers of the registers, ascending. `code` and `flow` are the body's; `guards` holds the number of each
/// instruction's guard register or -1. Instruction::firstUse indexes `uses`.
std::vector<int> readBeforeWritten(std::span<const Instruction> code, const std::vector<ptx::Flow> &flow,
                                   std::span<const int> guards, std::span<const RegisterUse> uses, size_t registers);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_LIVENESS_H
