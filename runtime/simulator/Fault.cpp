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
  case FaultKind::AsyncReadBeforeWait:
    return "cp.async destination read before its wait";
  case FaultKind::DivergentBarrier:
    return "divergent barrier";
  case FaultKind::Deadlock:
    return "deadlock";
  case FaultKind::BudgetExceeded:
    return "instruction budget exceeded";
  case FaultKind::Trap:
    return "trap";
  case FaultKind::AsyncUnwaited:
    return "asynchronous result used before its wait";
  case FaultKind::AsyncOverwrite:
    return "overwritten while an asynchronous operation reads it";
  case FaultKind::MissingProxyFence:
    return "missing proxy fence";
  case FaultKind::MatrixRegister:
    return "wgmma register touched in flight";
  case FaultKind::MbarrierMisuse:
    return "mbarrier misuse";
  case FaultKind::TransactionCount:
    return "mbarrier transaction count";
  case FaultKind::WaiterOvertaken:
    return "mbarrier waiter overtaken";
  case FaultKind::BadDescriptor:
    return "bad matrix descriptor";
  case FaultKind::BadTensorMap:
    return "bad tensor map";
  case FaultKind::BlockEnded:
    return "block ended too early";
  case FaultKind::NotModelled:
    return "not modelled";
  }
  return "unknown fault";
}

} // namespace imbrex::simulator
