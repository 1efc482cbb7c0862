//===- ThreadStack.h - A thread's stack that no destructor ends ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A program may call the libraries from its static destructors, after the thread's own values have been destroyed.
// What the libraries keep for a thread therefore has no destructor.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_STANDIN_THREADSTACK_H
#define IMBREX_RUNTIME_STANDIN_THREADSTACK_H

#include <array>
#include <type_traits>

namespace imbrex::standin {

/// To be declared thread_local; all zero at first.
template <typename T> class ThreadStack {
public:
  static constexpr unsigned kDepth = 64; ///< Programs nest contexts and launches two or three deep.

  bool empty() const { return depth == 0; }
  bool full() const { return depth == kDepth; }
  const T &top() const { return values[depth - 1]; }
  void push(const T &value) { values[depth++] = value; } ///< Not on a full one.
  void pop() { --depth; }                                ///< Not on an empty one.

private:
  static_assert(std::is_trivially_destructible_v<T>);
  std::array<T, kDepth> values;
  unsigned depth;
};

} // namespace imbrex::standin

#endif // IMBREX_RUNTIME_STANDIN_THREADSTACK_H
