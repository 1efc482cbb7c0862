//===- Deadline.h - When a compilation is to end ----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The budget of a compilation, watched. Asked before each pass. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_DEADLINE_H
#define IMBREX_COMPILER_DEADLINE_H

#include "compiler/Budget.h"
#include "compiler/HostMemory.h"

namespace imbrex {

/// Whether more than `limit` has passed. (In the clock's own count a long limit would not fit.)
inline bool isSpent(std::chrono::steady_clock::duration passed, std::chrono::milliseconds limit) {
  return std::chrono::duration<double>(passed) > std::chrono::duration<double>(limit);
}

/// The budget of a compilation that has begun; one below 0 is spent. It is over too once the host's memory is short.
class Deadline {
public:
  explicit Deadline(const Budget &budget) : budget(budget), begin(std::chrono::steady_clock::now()) {}

  /// True once the time is up, or the work was cancelled.
  bool isOver() const { return isShort() || isCancelled() || isLate(); }
  /// Whether there was too little memory for a step; stays so.
  bool isShort() const {
    if (!wasShort && !hostHas(kStepBytes))
      wasShort = true;
    return wasShort;
  }
  /// "it was cancelled", or "its budget of 500 ms is spent"; once isOver.
  std::string reason() const {
    if (wasShort)
      return hostIsShort(kStepBytes);
    return isCancelled() ? "it was cancelled" : "its budget of " + std::to_string(budget.time.count()) + " ms is spent";
  }

private:
  bool isCancelled() const { return budget.cancellation && budget.cancellation->isCancelled(); }
  bool isLate() const {
    return budget.time.count() != 0 && isSpent(std::chrono::steady_clock::now() - begin, budget.time);
  }

  Budget budget;
  std::chrono::steady_clock::time_point begin;
  mutable std::atomic<bool> wasShort = false;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_DEADLINE_H
