//===- AtomicUse.h - What a body makes of its atomic operations -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the race check is to know of an atomic operation and its surroundings, which no single instruction tells.
//
//===----------------------------------------------------------------------===//

//|
//|   ld.global.u64 %old, [%a]                        the CUDA programming guide's atomicAdd of doubles
//|   LOOP: atom.global.cas.b64 %was, [%a], %old, %new
//|
//| A plain load whose address an atom.cas of the body has too only guesses what the exchange then compares: it counts as
//| relaxed. An `atom` whose result nothing reads tells its thread nothing, as `red`.

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_ATOMICUSE_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_ATOMICUSE_H

#include "runtime/simulator/exec/Instruction.h"
#include "runtime/simulator/ptx/Module.h"

#include <span>

namespace imbrex::simulator {

/// `code` is decoded from `source`; Instruction::firstUse indexes `uses`.
void markAtomicUse(std::span<Instruction> code, const std::vector<ptx::Instruction> &source,
                   std::span<const RegisterUse> uses);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_ATOMICUSE_H
