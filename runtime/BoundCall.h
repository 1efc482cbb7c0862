//===- BoundCall.h - Arguments made ready for a launch ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A list of arguments and all that was found for them: checked views, extents, specialisation, grid, packed values. The
// next list is compared with it, and what differs decides what is done again:
//
//   nothing              nothing
//   memory or scalars    their checks alone, and they are packed
//   a shape, or a name   everything
//
// A BoundKernel has one, and so has each thread of what it launched last of a kernel (LastCalls). Used by one thread at
// a time. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_BOUNDCALL_H
#define IMBREX_RUNTIME_BOUNDCALL_H

#include "runtime/Prepare.h"

namespace imbrex {

/// Not moved: it points into itself.
struct BoundCall {
  enum class Change { None, Values, Shapes };

  /// Takes the arguments in, and says where they differ from those before: by `change`.
  void take(const SignaturePlan &plan, Arguments given);
  /// One of them.
  void setView(unsigned place, const View &view);
  void setScalar(unsigned place, const Scalar &value);
  /// Checks and packs what changed, for a launch on `stream`, if it is on one. An Error leaves it to the next call to
  /// do everything.
  Result<void> makeReady(const KernelState &kernel, const Stream *stream) {
    return change == Change::None ? Result<void>() : makeChangeReady(kernel, stream);
  }
  /// All of Kernel::launch. The specialisation that was found before is looked up again, and not kept loaded.
  Result<void> launch(const KernelState &kernel, const Stream &stream, Arguments given);

  std::vector<Argument> arguments;  ///< names point into the signature, where it has them
  std::vector<unsigned> parameters; ///< of the signature, by argument
  Prepared prepared;

private:
  bool takeSame(Arguments given);
  Result<void> makeChangeReady(const KernelState &kernel, const Stream *stream);
  Result<void> bind(const KernelState &kernel, const Stream *stream);
  Result<void> repack(const KernelState &kernel, const Stream *stream);

  Binding binding;             ///< of `arguments`
  std::vector<unsigned> moved; ///< arguments whose memory changed
  bool hasNewScalar = false;
  Change change = Change::Shapes;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_BOUNDCALL_H
