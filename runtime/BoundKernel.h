//===- BoundKernel.h - A kernel with its arguments --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What Kernel::bind gives: a kernel whose arguments are matched, checked and packed, to be launched again and again. A
// launch of the same arguments is the driver's call and nothing else. Between launches arguments may be changed:
//
//   BoundKernel step = kernel.bind({{"X", x}, {"Y", y}, {"Z", z}}).value();
//   unsigned out = step.place("Z").value();
//   step.set(out, other).value();          // another address: looked at alone at the next launch
//   step.launch(runtime.stream()).value();
//
// A value of its own, move-only, used by one thread at a time; it keeps the kernel alive, not the arguments' memory.
// The specialisation stays until an extent, a stride or a class of alignment changes: a tuning that is found meanwhile
// is taken then. No LLVM type, no driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_BOUNDKERNEL_H
#define IMBREX_RUNTIME_BOUNDKERNEL_H

#include "runtime/Kernel.h"

namespace imbrex {

class BoundKernel {
public:
  struct State;
  explicit BoundKernel(std::unique_ptr<State> state);
  BoundKernel(BoundKernel &&) noexcept;
  BoundKernel &operator=(BoundKernel &&) noexcept;
  ~BoundKernel();

  /// Where set() finds an argument; an Error of kind Argument if none of that name was bound.
  Result<unsigned> place(std::string_view name) const;
  /// Changes an argument for the launches to come. What is wrong with it the next launch says. An Error if the place is
  /// of none, or of a scalar.
  Result<void> set(unsigned place, const View &view);
  template <typename T>
    requires std::integral<T> || std::floating_point<T>
  Result<void> set(unsigned place, T value) {
    return setScalar(place, Argument("", value).scalar);
  }
  /// As Kernel::launch.
  Result<void> launch(const Stream &stream);

private:
  friend class Graph;
  Result<void> setScalar(unsigned place, const Scalar &value);
  std::unique_ptr<State> state; ///< null once moved from: every call is then an Error
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_BOUNDKERNEL_H
