//===- Call.h - What calls of functions share -------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call's values as the caller holds them: in its frame (`.param` variables of the body) or in registers.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_CALL_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_CALL_H

#include "runtime/simulator/exec/Access.h"

namespace imbrex::simulator {

/// Where the caller's frame begins in a lane's local memory.
inline uint32_t callerFrame(Warp &warp, const Program::CallSite &site, unsigned lane) {
  return site.frameSlot ? static_cast<uint32_t>(warp.reg<uint64_t>(site.frameSlot)[lane]) : 0;
}
/// A value of at most 8 bytes, zero-extended.
uint64_t readCallValue(Warp &warp, const Program::CallSite &site, const Program::CallSite::Value &value, unsigned lane);
void writeCallValue(Warp &warp, const Program::CallSite &site, const Program::CallSite::Value &value, unsigned lane,
                    uint64_t bits);
/// Reads or writes one lane of a register; `bytes` 0: a predicate.
uint64_t readRegister(Warp &warp, uint32_t slot, unsigned bytes, unsigned lane);
void writeRegister(Warp &warp, uint32_t slot, unsigned bytes, unsigned lane, uint64_t bits);

/// The handler of a function that every device offers (vprintf, __assertfail, malloc, free); null for other names.
Handler systemCall(std::string_view name);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_CALL_H
