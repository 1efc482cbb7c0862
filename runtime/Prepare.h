//===- Prepare.h - From arguments to a launch -------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What launch(), prepare(), bind() and tuning share: arguments are bound, the specialisation is found or made, the
// grid evaluated, the values packed. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_PREPARE_H
#define IMBREX_RUNTIME_PREPARE_H

#include "runtime/GraphState.h"
#include "runtime/RuntimeState.h"

namespace imbrex {

/// A specialisation and all that its launch needs. Filled in place, not moved. Until it is launched, kept or destroyed
/// its thread prepares nothing else: it may hold the lock under which `ready` was found.
struct Prepared {
  const ReadyKernel *ready = nullptr; ///< loaded as long as `reading` or `kept` is held
  std::shared_lock<StripedMutex> reading;
  Ready kept;
  llvm::SmallString<128> key; ///< the launch key of `ready`
  size_t tunings = 0;         ///< the version of the tunings that it was made from
  LaunchPlan::Grid grid;
  PackedArguments packed;

  /// Keeps the specialisation loaded without a lock.
  Ready keep() {
    if (!kept)
      kept = ready->shared_from_this();
    reading = {};
    return kept;
  }
};

/// A kernel and the arguments that it takes: as they are given, or, where these are stored by sequences, the kernel of
/// that storage and the parts that it takes.
struct Call {
  const KernelState *kernel; ///< lives as long as the one that was asked
  Arguments given;
  llvm::SmallVector<Argument, 16> flat; ///< empty: as they are given

  Arguments arguments() const { return flat.empty() ? given : Arguments(std::span<const Argument>(flat)); }
};
/// An Error also for what set() or hook() were given wrongly.
Result<Call> resolveSequences(const KernelState &kernel, Arguments arguments);

/// The arguments against the kernel's signature; an Error also for what set() or hook() were given wrongly.
Result<void> bindKernel(const KernelState &kernel, Arguments arguments, Binding &binding);
/// What follows for arguments that bindKernel has bound. An Error if something would be compiled or loaded while this
/// thread captures a graph, or while `stream`, on which the launch will be, is captured by anybody.
Result<void> prepareBound(const KernelState &kernel, const Binding &binding, Prepared &prepared,
                          const Stream *stream = nullptr);
/// Finds prepared.ready again, which was let go of since: true if a launch of the same types and shapes would take it.
bool findAgain(const KernelState &kernel, Prepared &prepared);
/// Everything before the launch itself: both.
Result<void> prepareLaunch(const KernelState &kernel, Arguments arguments, Prepared &prepared,
                           const Stream *stream = nullptr);
/// See Kernel::readiness. Of a grid that must be folded it tells of the plain form.
Result<Readiness> readinessOf(const KernelState &kernel, const Binding &binding);
/// The launch itself; an empty grid is success without one.
Result<void> launchPrepared(const KernelState &kernel, const Stream &stream, Prepared &prepared);
/// The launch in place of one in a graph, which was checked (checkGraphPlace).
Result<void> placePrepared(const KernelState &kernel, Graph::State &graph, size_t place, Prepared &prepared);
/// The tunings of this kernel, read from disk at the first call.
TunedTable &tunedTable(const KernelState &kernel);

} // namespace imbrex

#endif // IMBREX_RUNTIME_PREPARE_H
