//===- TunedTable.h - What tuning found, as launches look it up -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The best tunings of one kernel on one device, by evaluated key. Launches look here before they look for their
// specialisation; while nothing was tuned that is one atomic load. A result that comes while others launch is taken
// from the next launch on. Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_TUNEDTABLE_H
#define IMBREX_RUNTIME_TUNEDTABLE_H

#include "runtime/Binding.h"
#include "runtime/StripedMutex.h"
#include "runtime/Tune.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringMap.h"
#include <atomic>

namespace imbrex {

/// A kernel's key with the values of one launch: as bytes, to compare, and as text, "T=bf16, DQK=128".
using KeyBytes = llvm::SmallString<96>;
KeyBytes keyBytes(const SignaturePlan &plan, const Binding &binding);
std::string keyText(const SignaturePlan &plan, const Binding &binding);

class TunedTable {
public:
  /// How often something was adopted: as long as it stays, so does what find() answers.
  size_t version() const { return count.load(std::memory_order_acquire); }
  /// The number of the tuning for this key; 0 if there is none.
  unsigned find(const KeyBytes &key) const;
  /// The tuning of a number that find() gave.
  Tuning tuning(unsigned number) const;
  /// Launches with this key take `tuning` from now on.
  void adopt(llvm::StringRef key, Tuning tuning);

private:
  mutable StripedMutex mutex;
  llvm::StringMap<unsigned> numbers;
  std::vector<Tuning> tunings; ///< number n at n - 1; none is ever removed
  std::atomic<size_t> count = 0;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_TUNEDTABLE_H
