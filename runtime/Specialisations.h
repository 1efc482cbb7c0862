//===- Specialisations.h - Compiled kernels, loaded on a device --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The loaded kernels of a runtime, each found in two ways: by the key of all that it was compiled from, and, at a
// launch, by a few bytes that tell the specialisations of one Kernel apart (its launch key).
//
//   std::shared_lock reading(table.mutex());
//   if (const ReadyKernel *ready = table.find(launchKey)) ...   // loaded while `reading` is held
//   Result<Ready> made = table.get(key, make);                   // without a lock: compiles, or waits for who does
//   table.remember(launchKey, *made);                            // found by the next launch
//
// At most `most` are kept, compiled ones and failures together: of what is more, those used longest ago are let go, and
// are unloaded when nobody holds them (a bound kernel, a graph). Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SPECIALISATIONS_H
#define IMBREX_RUNTIME_SPECIALISATIONS_H

#include "runtime/Kernel.h"
#include "runtime/LaunchPlan.h"
#include "runtime/LoadedKernel.h"
#include "runtime/StripedMutex.h"
#include "llvm/ADT/StringMap.h"
#include <atomic>
#include <condition_variable>
#include <map>

namespace imbrex {

/// One specialisation, compiled and loaded. Immutable but for the time of its last use.
struct ReadyKernel : std::enable_shared_from_this<ReadyKernel> {
  ReadyKernel(KernelInfo info, LaunchPlan plan, std::shared_ptr<const LoadedKernel> loaded)
      : info(std::move(info)), plan(std::move(plan)), loaded(std::move(loaded)) {}

  KernelInfo info;
  LaunchPlan plan;
  std::shared_ptr<const LoadedKernel> loaded;
  mutable std::atomic<uint64_t> used = 0; ///< by the clock of Specialisations
};
using Ready = std::shared_ptr<const ReadyKernel>;

class Specialisations {
public:
  static constexpr size_t kStandardMost = 256;
  explicit Specialisations(size_t most = kStandardMost) : most(most) {}

  /// The specialisation of this key, by `make` if it is not here. Concurrent requests of one key are served by one
  /// call of `make`; different keys are made in parallel. An Error of the caller's (of kind Argument or Compile, which
  /// the same key would give again) is remembered, another one is told to all who waited and then forgotten.
  Result<Ready> get(const std::string &key, const std::function<Result<Ready>()> &make);
  /// What get() would answer without making anything; nullopt if it would make, or wait.
  std::optional<Result<Ready>> peek(const std::string &key);

  /// To be held, shared, from find() to the end of the use of what it found; by no thread twice. A use may take long (a
  /// launch on a full queue): writers give up rather than wait for it.
  StripedMutex &mutex() { return indexMutex; }
  const ReadyKernel *find(llvm::StringRef launchKey) const {
    auto found = index.find(launchKey);
    if (found == index.end())
      return nullptr;
    // Written only when something was made since: launches of known kernels write nothing that they share.
    uint64_t now = clock.load(std::memory_order_relaxed);
    if (const auto &used = found->second->used; used.load(std::memory_order_relaxed) != now)
      found->second->used.store(now, std::memory_order_relaxed);
    return found->second;
  }
  /// From now on found by `launchKey`, unless it was let go meanwhile, or the index stays in use.
  void remember(llvm::StringRef launchKey, const Ready &ready);

  /// A number that no other launch keys of this runtime begin with.
  uint64_t newNumber() { return ++lastNumber; }
  /// How many are kept, failures included.
  size_t size();

private:
  static constexpr size_t kMostLaunchKeys = 4096; ///< then all are forgotten, and found again by their full keys

  struct Slot {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<Result<Ready>> result;
    uint64_t used = 0; ///< under the table's mutex: when it was last asked for by its full key
  };
  std::vector<std::shared_ptr<Slot>> letGo();
  std::unique_lock<StripedMutex> tryIndex();

  const size_t most;
  std::mutex slotsMutex;
  std::map<std::string, std::shared_ptr<Slot>> slots;
  StripedMutex indexMutex;
  llvm::StringMap<const ReadyKernel *> index; ///< of what `slots` holds
  std::atomic<uint64_t> clock = 0;
  std::atomic<uint64_t> lastNumber = 0;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_SPECIALISATIONS_H
