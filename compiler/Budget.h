//===- Budget.h - How long a compilation may take --------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A limit of time and a way to stop. Neither can change the code that comes out, so neither is part of a cache
// key. A compilation looks at them before every stage and every pass; LLVM's part is bounded by the limit on
// instructions besides. When either stops it, the result is one error that says which, and in which stage.
// No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_BUDGET_H
#define IMBREX_COMPILER_BUDGET_H

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace imbrex {

/// Stops the compilations that were given a copy of it. Copies share one flag; safe to use from any thread.
class Cancellation {
public:
  Cancellation() : flag(std::make_shared<std::atomic<bool>>(false)) {}
  /// May be called from any thread, any number of times.
  void cancel() const { flag->store(true); }
  /// Whether anybody called cancel().
  bool isCancelled() const { return flag->load(); }

private:
  std::shared_ptr<std::atomic<bool>> flag;
};

/// When a compilation is to end though it is not done; by itself, never.
struct Budget {
  std::chrono::milliseconds time{0}; ///< wall time of one compilation; 0: as long as it takes
  std::optional<Cancellation> cancellation;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_BUDGET_H
