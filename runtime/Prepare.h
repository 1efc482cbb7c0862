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

#include "runtime/RuntimeState.h"

namespace imbrex {

/// A specialisation and all that its launch needs. Filled in place, not moved.
struct Prepared {
  Ready ready;
  LaunchPlan::Grid grid;
  PackedArguments packed;
};

/// A kernel and the arguments that it takes: as they are given, or, where these are stored by sequences, the kernel of
/// that storage and the parts that it takes.
struct Call {
  std::shared_ptr<const KernelState> kernel;
  Arguments given;
  llvm::SmallVector<Argument, 16> flat; ///< empty: as they are given

  Arguments arguments() const { return flat.empty() ? given : Arguments(std::span<const Argument>(flat)); }
};
/// An Error also for what set() or hook() were given wrongly.
Result<Call> resolveSequences(const std::shared_ptr<const KernelState> &kernel, Arguments arguments);

/// The arguments against the kernel's signature; an Error also for what set() or hook() were given wrongly.
Result<void> bindKernel(const KernelState &kernel, Arguments arguments, Binding &binding);
/// What follows for arguments that bindKernel has bound.
Result<void> prepareBound(const KernelState &kernel, const Binding &binding, Prepared &prepared);
/// Everything before the launch itself: both.
Result<void> prepareLaunch(const KernelState &kernel, Arguments arguments, Prepared &prepared);
/// The launch itself; an empty grid is success without one.
Result<void> launchPrepared(const KernelState &kernel, const Stream &stream, Prepared &prepared);
/// The tunings of this kernel, read from disk at the first call.
TunedTable &tunedTable(const KernelState &kernel);

} // namespace imbrex

#endif // IMBREX_RUNTIME_PREPARE_H
