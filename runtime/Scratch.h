//===- Scratch.h - Copies of a launch's arguments ---------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Several copies of all views of one argument list, so that a kernel can be launched again and again without touching
// the caller's memory, and without finding in L2 what the launch before left there. A copy has the extents, strides
// and alignment of what it copies. Inputs hold the caller's bytes; outputs hold a pattern (0xff: NaN). Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SCRATCH_H
#define IMBREX_RUNTIME_SCRATCH_H

#include "runtime/Binding.h"
#include "runtime/Handles.h"

namespace imbrex {

class Scratch {
public:
  /// Copies until all together are larger than twice the L2, or there is no more memory: at least one, at most
  /// kMostCopies; reads the caller's views in the order of `stream`.
  static Result<std::unique_ptr<Scratch>> make(const std::shared_ptr<DeviceContext> &device, const Stream &stream,
                                               const SignaturePlan &plan, const Binding &binding);
  static constexpr unsigned kMostCopies = 16;

  unsigned copies() const { return unsigned(lists.size()); }
  const std::vector<Argument> &arguments(unsigned copy) const { return lists[copy]; }
  /// Puts the pattern into the outputs of the first copy.
  Result<void> clearOutputs(const Stream &stream) const;
  /// The bytes of the outputs of the first copy, one after another; waits for the stream.
  Result<std::vector<char>> outputs(const Stream &stream) const;
  /// What the outputs are made of, as outputs() gives them: element type and count.
  const std::vector<std::pair<DataType, size_t>> &outputTypes() const { return types; }

private:
  struct Output {
    const Buffer *buffer;
    size_t offset, bytes;
  };
  Result<void> addCopy(const std::shared_ptr<DeviceContext> &device, const Stream &stream, const SignaturePlan &plan,
                       const Binding &binding);

  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<std::vector<Argument>> lists; ///< names point into the signature
  std::vector<Output> results;
  std::vector<std::pair<DataType, size_t>> types;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_SCRATCH_H
