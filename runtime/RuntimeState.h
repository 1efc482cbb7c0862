//===- RuntimeState.h - What a Runtime's objects share ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state behind Runtime, Module and Kernel, and the in-memory cache of compiled specialisations. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_RUNTIMESTATE_H
#define IMBREX_RUNTIME_RUNTIMESTATE_H

#include "runtime/Assemble.h"
#include "runtime/CacheKey.h"
#include "runtime/DiskCache.h"
#include "runtime/Handles.h"
#include "runtime/Kernel.h"
#include "runtime/LaunchPlan.h"
#include "runtime/LoadedKernel.h"
#include "runtime/Runtime.h"
#include "runtime/TunedTable.h"
#include "llvm/ADT/StringMap.h"
#include <condition_variable>
#include <shared_mutex>

namespace imbrex {

/// One specialisation, compiled and loaded. Immutable.
struct ReadyKernel {
  KernelInfo info;
  LaunchPlan plan;
  std::shared_ptr<const LoadedKernel> loaded;
};
using Ready = std::shared_ptr<const ReadyKernel>;

/// Compiled specialisations by a key of their bytes. Concurrent requests of one key are served by one compilation;
/// different keys compile in parallel. A failure is told to all who waited and then forgotten. Of those that nobody
/// holds, the ones asked for longest ago are let go beyond a bound. Thread-safe.
class Specialisations {
public:
  static constexpr size_t kMost = 256;
  Result<Ready> get(const std::string &key, const std::function<Result<Ready>()> &make);

private:
  struct Slot {
    std::mutex mutex;
    std::condition_variable done;
    std::optional<Result<Ready>> result;
    uint64_t used = 0; ///< under the table's mutex: when it was last asked for
  };
  void letGo();

  std::mutex mutex;
  uint64_t clock = 0;
  std::map<std::string, std::shared_ptr<Slot>> slots;
};

/// The tuned tables of a runtime, each found by its identity. Thread-safe.
class TunedTables {
public:
  /// `isNew`: it was made by this call, and is empty.
  std::shared_ptr<TunedTable> find(const std::string &identity, bool &isNew) {
    std::lock_guard lock(mutex);
    std::shared_ptr<TunedTable> &table = tables[identity];
    isNew = !table;
    if (isNew)
      table = std::make_shared<TunedTable>();
    return table;
  }

private:
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<TunedTable>> tables;
};

struct RuntimeState {
  std::shared_ptr<DeviceContext> device;
  std::string target;
  CompilerFunctions compiler;
  ImportResolver imports; ///< may be empty
  Assembler assembler = Assembler::none();
  std::optional<DiskCache> disk;
  std::optional<Stream> stream;
  Specialisations specialisations;
  TunedTables tuned;
};

struct ModuleState {
  std::shared_ptr<RuntimeState> runtime;
  Source source;
  std::vector<std::shared_ptr<const SignaturePlan>> kernels;
};

/// Specialisations one Kernel has launched, by the few bytes that tell them apart: found without building
/// options or keys. Thread-safe.
struct FastTable {
  static constexpr size_t kMost = 1024; ///< then all are forgotten here
  std::shared_mutex mutex;
  llvm::StringMap<Ready> entries;
  std::once_flag tunedOnce;
  std::shared_ptr<TunedTable> tuned; ///< set under tunedOnce
};

struct KernelState;

/// The kernels of other storages that launches of one Kernel asked for, by those storages. Thread-safe.
struct StorageTable {
  std::shared_mutex mutex;
  std::map<std::string, std::shared_ptr<const KernelState>> kernels;
};

struct KernelState {
  std::shared_ptr<const ModuleState> module;
  std::shared_ptr<const SignaturePlan> plan;
  CompileOptions options; ///< kernel, set, hooks and target as far as the user fixed them
  FixedValues fixed;
  std::optional<Error> mistake; ///< of set() or hook()
  bool isCandidate = false;     ///< of a tuning: looks up no tuning itself
  std::shared_ptr<FastTable> ready = std::make_shared<FastTable>();
  std::shared_ptr<StorageTable> ofStorage = std::make_shared<StorageTable>();
};

/// From disk, or compiled, assembled and stored; loaded. In Specialise.cpp.
Result<Ready> makeReady(const ModuleState &module, const SignaturePlan &plan, const CompileOptions &options,
                        const CacheKey &key);

/// What the compiler says of a kernel that it did not compile, of kind Argument where only the caller's choices are
/// wrong; nullopt if no diagnostic is an error. In Specialise.cpp.
std::optional<Error> compileError(const std::string &source, const CompileOptions &options,
                                  std::vector<Diagnostic> diagnostics);

/// The options of the specialisation that these arguments need.
CompileOptions completeOptions(const KernelState &kernel, const Binding &binding);

} // namespace imbrex

#endif // IMBREX_RUNTIME_RUNTIMESTATE_H
