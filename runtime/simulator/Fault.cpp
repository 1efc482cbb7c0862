//===- Fault.cpp - What a simulated launch can die of ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The fixed names.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/Fault.h"

namespace imbrex::simulator {

const char *faultName(FaultKind kind) {
  switch (kind) {
  case FaultKind::OutOfBounds:
    return "out of bounds";
  case FaultKind::Misaligned:
    return "misaligned access";
  case FaultKind::Uninitialised:
    return "uninitialised read";
  case FaultKind::SharedRace:
    return "shared-memory race";
  case FaultKind::GlobalRace:
    return "global-memory race";
  case FaultKind::AsyncReadBeforeWait:
    return "cp.async destination read before its wait";
  case FaultKind::DivergentBarrier:
    return "divergent barrier";
  case FaultKind::Deadlock:
    return "deadlock";
  case FaultKind::BudgetExceeded:
    return "instruction budget exceeded";
  case FaultKind::EndlessLoop:
    return "endless loop";
  case FaultKind::Trap:
    return "trap";
  }
  return "unknown fault";
}

} // namespace imbrex::simulator
