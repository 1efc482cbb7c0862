//===- Schedule.h - Blocks take turns ---------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs blocks that must run together - a cluster, or all blocks of a cooperative launch - on one thread, a
// turn of each after the other, until all are done.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_SCHEDULE_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_SCHEDULE_H

#include "runtime/simulator/exec/Cta.h"

#include <span>

namespace imbrex::simulator {

/// Runs the blocks, which have begun. Null if all ended well, else the one whose `fault` tells why not.
/// Waits for mbarriers time out when nothing else can go on; if that changes nothing for many times, no warp
/// can go on.
Cta *runTogether(std::span<Cta *const> blocks);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_SCHEDULE_H
