//===- Kernel.h - A kernel that can be launched -----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Modules (the kernels of one text) and kernels. A Kernel is a small value: copying shares what was
// compiled; set() and hook() change only the copy they are called on. Compilation happens at the first
// launch of each specialisation, once however many threads ask, and is cached in memory and on disk.
// launch(), prepare() and infer() are const and may be called from several threads at once. No LLVM
// type, no driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_KERNEL_H
#define IMBREX_RUNTIME_KERNEL_H

#include "compiler/KernelInterface.h"
#include "compiler/Setting.h"
#include "runtime/Argument.h"
#include "runtime/Stream.h"
#include "runtime/Tune.h"
#include <functional>
#include <map>

namespace imbrex {

struct KernelState;
struct ModuleState;
class BoundKernel;
class Module;

/// What is known of one compiled specialisation.
struct KernelInfo {
  KernelInterface interface; ///< `constants`: also the tuning, be it the text's or, where that spills, one near it
  std::string ptx;
  size_t machineCodeBytes = 0; ///< 0 where PTX is loaded
  std::string assemblerLog;
  std::vector<std::string> repairs;                              ///< see AssembledKernel::repairs
  unsigned registers = 0, localBytes = 0, staticSharedBytes = 0; ///< by the driver's account
  bool fromDisk = false;
};

/// What a launch would have to do first.
enum class Readiness {
  Loaded,  ///< nothing: a launch is the driver's call
  Stored,  ///< to load it: it is in a pack or in the disk cache
  Missing, ///< to compile it
};

/// What argument shapes say about a kernel's parameters.
struct InferredShapes {
  std::map<std::string, int64_t, std::less<>> extents; ///< symbols and integer parameters
  std::map<std::string, DataType, std::less<>> types;  ///< type parameters
  /// Type and extents of every view parameter they determine, given or not: what to allocate an output with.
  struct Shape {
    DataType type;
    std::vector<int64_t> extents;
  };
  std::map<std::string, Shape, std::less<>> views;
};

/// A kernel of a text, with what was set of it. A value: copying is cheap, and moving copies, so that none is empty.
class Kernel {
public:
  Kernel(const Kernel &) = default;
  Kernel &operator=(const Kernel &) = default;
  /// Fixes a type, integer or tuning parameter. A parameter that shapes determine need not be set. A
  /// wrong name or value is reported by the next launch, prepare or infer.
  Kernel &set(std::string_view name, const Setting &setting) &;
  Kernel &set(std::string_view name, std::floating_point auto value) & = delete; ///< no parameter is a float
  /// Replaces a hook by a function of the same file, hook("mask", "window(4096, 0)"), by an expression over the hook's
  /// parameters, hook("mask", "causal(at) && docs(ids)(at)"), or by a text with functions of its own before that
  /// expression. Names that the kernel does not know become parameters of this kernel, behind its own: signature()
  /// has them, and a launch takes them as arguments. A mistake in it is reported as one of set() is.
  Kernel &hook(std::string_view name, std::string_view function) &;
  /// How a view with an extent that varies is stored, where its parts are arguments of their own: of a ragged K they
  /// are "K", "K.offsets" and "K.longest" (Storage). A launch with `ragged(...)` needs none of this.
  Kernel &storage(std::string_view view, const Storage &storage) &;
  /// Whether a kernel is refused that may give other bits from run to run: one that adds floats to a view.
  Kernel &deterministic(bool isAsked = true) &;
  /// Programmatic dependent launch (CUDA Programming Guide, "Programmatic Dependent Launch and Synchronization"): a
  /// launch of this kernel may occupy the device before the kernel before it on the stream has ended, and waits there
  /// for its end before it reads or writes anything; it lets the kernel behind it do the same. Results are as without.
  /// Another compilation; needs sm_90 or later.
  Kernel &programmatic(bool isAsked = true) &;
  template <typename T> Kernel set(std::string_view name, T value) && { return set(name, value); }
  Kernel programmatic(bool isAsked = true) && { return programmatic(isAsked); }
  Kernel deterministic(bool isAsked = true) && { return deterministic(isAsked); }
  Kernel hook(std::string_view name, std::string_view function) && { return hook(name, function); }

  /// Its parameters, those of its hooks included; lives as long as this value, and until it is changed.
  const KernelSignature &signature() const;

  /// Checks the arguments, compiles if need be, and puts the kernel on the stream. An optional view that is
  /// not named is left out. An empty grid is success without a launch. On an error nothing was launched. The memory
  /// of the views must live until the stream has come past the launch.
  Result<void> launch(const Stream &stream, Arguments arguments) const;
  /// Everything launch does but the launch.
  Result<KernelInfo> prepare(Arguments arguments) const;
  /// What a launch with these arguments would have to do first, as far as it can be told without doing it. An Error if
  /// the arguments are wrong, or their compilation failed before.
  Result<Readiness> readiness(Arguments arguments) const;
  /// Everything launch does but the launch, kept: for launches with few or no changes (runtime/BoundKernel.h).
  Result<BoundKernel> bind(Arguments arguments) const;
  /// What these arguments, perhaps not all of them, determine. Compiles nothing.
  Result<InferredShapes> infer(Arguments arguments) const;
  /// Finds the best tuning for the key of these arguments on this device, within a budget (runtime/Tune.h). Reads the
  /// arguments' memory until it has copied it, writes none of it. Later launches with that key take what was found:
  /// of this kernel and its copies, and where the runtime has a cache directory, of the same kernel in other processes.
  Result<TuneReport> tune(Arguments arguments, const TuneOptions &options = {}) const;
  /// The same on a thread of its own, when the arguments are copied; launches go on as before until it is done.
  Result<TuneJob> tuneInBackground(Arguments arguments, TuneOptions options = {}) const;

private:
  friend class Graph;
  friend class Module;
  explicit Kernel(std::shared_ptr<KernelState> state) : state(std::move(state)) {}
  Kernel &change(const std::function<void(KernelState &)> &edit);

  std::shared_ptr<KernelState> state; ///< never changed once shared
};

/// One kernel source, loaded. Copying shares it, and so does moving.
class Module {
public:
  Module(const Module &) = default;
  Module &operator=(const Module &) = default;
  /// The kernel of that name; "" if the text has only one.
  Result<Kernel> kernel(std::string_view name = "") const;
  std::vector<std::string> kernels() const;

private:
  friend class Runtime;
  explicit Module(std::shared_ptr<const ModuleState> state) : state(std::move(state)) {}

  std::shared_ptr<const ModuleState> state;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_KERNEL_H
