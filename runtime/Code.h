//===- Code.h - PTX and machine code of others ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels that were not compiled here, on the devices, streams and graphs of a runtime (CUDA Driver API, "Module
// Management", "Execution Control"):
//
//   Code code = Code::load(runtime, ptx).value();
//   code.launch(stream, "scale", {.grid = {blocks}, .block = {128}}, out.address(), in.address(), 0.5f, n).value();
//
// Nothing is known of a kernel's parameters: they must be given in order, in C++ types of the same size, and memory
// that a kernel writes outside of its arrays is written. On a simulated device PTX text alone. Copying shares what is
// loaded. Immutable; thread-safe. No LLVM type, no driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_CODE_H
#define IMBREX_RUNTIME_CODE_H

#include "runtime/Runtime.h"
#include <array>
#include <type_traits>

namespace imbrex {

namespace cuda {
struct CUDA_KERNEL_NODE_PARAMS;
} // namespace cuda

/// How a kernel is launched.
struct CodeShape {
  std::array<unsigned, 3> grid = {1, 1, 1}, block = {1, 1, 1}; ///< in blocks, in threads; a missing one is 1
  unsigned sharedBytes = 0;                                    ///< dynamic, of a block
};

/// A loaded module of PTX or machine code. Copying shares it, and so does moving.
class Code {
public:
  Code(const Code &) = default;
  Code &operator=(const Code &) = default;
  /// PTX text, a cubin or a fat binary. ErrorKind::Assemble if the driver refuses it, with its log as report.
  static Result<Code> load(const Runtime &runtime, std::string image);

  /// Puts the kernel `entry` on the stream; each value is passed as it is. An Error if there is no such kernel, or one
  /// would have to be found while a graph is captured: prepare() it before.
  template <typename... Values>
    requires(std::is_trivially_copyable_v<Values> && ...)
  Result<void> launch(const Stream &stream, std::string_view entry, const CodeShape &shape,
                      const Values &...values) const {
    const void *pointers[] = {static_cast<const void *>(&values)..., nullptr};
    return launchWith(stream, entry, shape, pointers);
  }
  /// The same with pointers to the values, as cuLaunchKernel takes them.
  Result<void> launchWith(const Stream &stream, std::string_view entry, const CodeShape &shape,
                          const void *const *values) const;
  /// Finds the kernel, and lets it use that much dynamic shared memory from now on.
  Result<void> prepare(std::string_view entry, unsigned sharedBytes = 0) const;

private:
  friend class Graph;
  struct State;
  Result<cuda::CUDA_KERNEL_NODE_PARAMS> parametersOf(std::string_view entry, const CodeShape &shape,
                                                     const void *const *values) const;
  explicit Code(std::shared_ptr<State> state) : state(std::move(state)) {}
  std::shared_ptr<State> state;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_CODE_H
