//===- Fault.h - What a simulated launch can die of -------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kinds of fault, with fixed names that programs may search for, and one fault as an execution
// found it. The launch turns it into the report that DriverTable::faultReport returns.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_FAULT_H
#define IMBREX_RUNTIME_SIMULATOR_FAULT_H

#include <cstdint>
#include <string>

namespace imbrex::simulator {

enum class FaultKind : uint8_t {
  OutOfBounds,
  Misaligned,
  Uninitialised,
  SharedRace,
  AsyncReadBeforeWait,
  DivergentBarrier,
  Deadlock,
  BudgetExceeded,
  Trap,
  AsyncUnwaited,
  AsyncOverwrite,
  MissingProxyFence,
  MatrixRegister,
  MbarrierMisuse,
  TransactionCount,
  WaiterOvertaken,
  BadDescriptor,
  BadTensorMap,
  BlockEnded,
  NotModelled,
};

/// "out of bounds", "shared-memory race" and so on: fixed words.
const char *faultName(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::Trap;
  std::string detail;          ///< What happened, with address, space and the barrier that is missing.
  uint32_t instruction = ~0u;  ///< Index into Program::code; ~0 where no single instruction is to blame.
  uint32_t other = ~0u;        ///< The second instruction of a race, or ~0.
  uint32_t warp = 0, lane = 0; ///< Who ran `instruction`.
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_FAULT_H
