//===- RuntimeState.h - What a Runtime's objects share ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state behind Runtime, Module and Kernel. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_RUNTIMESTATE_H
#define IMBREX_RUNTIME_RUNTIMESTATE_H

#include "runtime/Assemble.h"
#include "runtime/CacheKey.h"
#include "runtime/DiskCache.h"
#include "runtime/Handles.h"
#include "runtime/Kernel.h"
#include "runtime/KernelPack.h"
#include "runtime/LastCalls.h"
#include "runtime/Runtime.h"
#include "runtime/Specialisations.h"
#include "runtime/TunedTable.h"

namespace imbrex {

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
  explicit RuntimeState(size_t loadedKernels) : specialisations(loadedKernels) {}
  std::shared_ptr<DeviceContext> device;
  std::string target;
  CompilerFunctions compiler;
  ImportResolver imports; ///< may be empty
  Assembler assembler = Assembler::none();
  std::vector<KernelPack> packs; ///< read before the disk cache
  std::optional<DiskCache> disk;
  bool compiles = true;
  std::optional<Stream> stream;
  Specialisations specialisations;
  TunedTables tuned;
};

struct ModuleState {
  std::shared_ptr<RuntimeState> runtime;
  Source source;
  std::vector<std::shared_ptr<const SignaturePlan>> kernels;
};

/// What launches of one Kernel share: the number that their launch keys begin with, the tunings, and the last launches.
struct LaunchMemo {
  explicit LaunchMemo(RuntimeState &runtime) : number(runtime.specialisations.newNumber()) {}
  const uint64_t number;
  std::once_flag tunedOnce;
  std::shared_ptr<TunedTable> tuned; ///< set under tunedOnce
  LastCalls last;
};

struct KernelState;

/// The kernels of other storages that launches of one Kernel asked for, by those storages. Thread-safe.
struct StorageTable {
  std::shared_mutex mutex;
  std::map<std::string, std::shared_ptr<const KernelState>> kernels;
};

struct KernelState : std::enable_shared_from_this<KernelState> {
  std::shared_ptr<const ModuleState> module;
  std::shared_ptr<const SignaturePlan> plan;
  CompileOptions options; ///< kernel, set, hooks and target as far as the user fixed them
  FixedValues fixed;
  std::optional<Error> mistake; ///< of set() or hook()
  bool isCandidate = false;     ///< of a tuning: looks up no tuning itself
  bool programmatic = false;    ///< see Kernel::programmatic
  std::shared_ptr<LaunchMemo> memo;
  std::shared_ptr<StorageTable> ofStorage = std::make_shared<StorageTable>();

  /// As new, after a change.
  void forget() {
    memo = std::make_shared<LaunchMemo>(*module->runtime);
    ofStorage = std::make_shared<StorageTable>();
  }
};

/// From a pack or from disk, or compiled, assembled and stored; loaded. In Specialise.cpp.
Result<Ready> makeReady(const KernelState &kernel, const CompileOptions &options, const CacheKey &key);
/// Whether makeReady would find it without a compilation.
bool isStored(const ModuleState &module, const CacheKey &key);

/// What the compiler says of a kernel that it did not compile, of kind Argument where only the caller's choices are
/// wrong; nullopt if no diagnostic is an error. In Specialise.cpp.
std::optional<Error> compileError(const std::string &source, const CompileOptions &options,
                                  std::vector<Diagnostic> diagnostics);

/// An Error of kind OutOfMemory, which begins with `otherwise`, where the host lacks memory for a step of the compiler.
/// In Specialise.cpp.
Result<void> checkHostMemory(const std::string &otherwise);

/// The options of the specialisation that these arguments need.
CompileOptions completeOptions(const KernelState &kernel, const Binding &binding);

} // namespace imbrex

#endif // IMBREX_RUNTIME_RUNTIMESTATE_H
