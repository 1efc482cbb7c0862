//===- Runtime.h - The door for programs that launch kernels ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one header to include. A Runtime is one device, real or simulated, with a compiler and caches:
//
//   imbrex::Runtime runtime = imbrex::Runtime::open().value();
//   imbrex::Kernel kernel = runtime.load("vector_add.tile").value().kernel().value();
//   kernel.launch(runtime.stream(), {{"X", x}, {"Y", y}, {"Z", z}}).value();
//
// Safe to use from several threads. Uses the device's primary context, made current only during a call, so
// that it lives beside a host that uses CUDA itself. Reads no environment. No LLVM type; a driver handle only
// where a stream is shared with such a host.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_RUNTIME_H
#define IMBREX_RUNTIME_RUNTIME_H

#include "compiler/Compiler.h"
#include "compiler/SearchSpace.h"
#include "compiler/StaticModel.h"
#include "runtime/BoundKernel.h"
#include "runtime/Buffer.h"
#include "runtime/Device.h"
#include "runtime/DeviceAllocator.h"
#include "runtime/DiskCache.h"
#include "runtime/Graph.h"
#include "runtime/Kernel.h"
#include "runtime/Stream.h"

namespace imbrex {

namespace cuda {
struct DriverTable;
} // namespace cuda
struct RuntimeState;

/// The compiler a runtime uses: the real one, or a test's.
struct CompilerFunctions {
  /// As the functions of these names; called from any thread.
  std::function<CompileResult(const Source &, const CompileOptions &)> compile;
  std::function<Description(const Source &, const CompileOptions &)> describe;
  std::string buildId;
  /// What tuning asks; absent: kernels cannot be tuned.
  std::function<SearchSpace(const Source &, const SearchRequest &)> searchSpace = {};
  std::function<StaticEstimate(const CompiledKernel &, const ModelDevice &, const ModelLaunch &)> estimate = {};
};

/// How a runtime is opened: device, directories, programs, and what tests put in their places.
struct RuntimeOptions {
  std::string device = {};         ///< "cuda:0", "sim:h200"; "": the first GPU, else a simulated device
  std::string target = {};         ///< "sm_90a"; "": the best plain target of the device
  std::string cacheDirectory = {}; ///< "": no disk cache
  uint64_t cacheBytes = uint64_t(1) << 30;
  std::string ptxasPath = {};                     ///< must exist, on every device; "": look in ptxasDirectories
  std::vector<std::string> ptxasDirectories = {}; ///< none found: the driver assembles
  bool assembles = false;                         ///< on a simulated device too, which runs the text all the same
  unsigned ptxasLevel = 3;                        ///< see Assembler::ptxas
  std::string temporaryDirectory = "/tmp";
  unsigned loadedKernels = 256;   ///< specialisations that stay loaded, at least 1; those used longest ago go first
  DeviceAllocator allocator = {}; ///< of device memory; without functions: the driver
  /// Files that `imbrex pack` made, read before the cache; the first that has a kernel gives it. One that cannot be
  /// read is an Error at opening.
  std::vector<std::string> packs = {};
  bool compiles = true; ///< false: a kernel that is in no pack and no cache is an Error in place of a compilation
  /// True: each compilation runs in a child process, forked for it: whatever happens to it there (memory that is short,
  /// an abort of LLVM, a crash) is an Error here, and this process goes on. Costs the fork, some milliseconds, and an
  /// answer through a pipe. Absent: so it is where limits of the process, its cgroup or the machine leave less than 1
  /// GiB (runtime/MemoryRoom.h), so that memory which is short while a kernel is compiled never ends this process.
  /// False: no process is forked; a compilation ends with an Error of kind OutOfMemory where a step finds less than 64
  /// MiB more to be had, but what takes more than that in one step, or runs out at the first use of memory that was
  /// promised, ends the process.
  std::optional<bool> compilesInChild = {};
  /// Finds what a source imports: of a file, where there is none of that name beside it. shippedImport
  /// (kernels/ShippedKernels.h) finds the kernels that come with the library.
  ImportResolver imports = {};
  unsigned simulatorThreads = 0;                        ///< 0: all cores; at most so many, or 16
  uint64_t simulatorInstructions = 0;                   ///< warp instructions a launch may take; 0: a generous bound
  unsigned simulatorSeed = 0;                           ///< of its scheduling
  std::shared_ptr<const cuda::DriverTable> driver = {}; ///< given: used in place of the machine's (tests)
  std::optional<CompilerFunctions> compiler = {};       ///< given: used in place of the real one (tests)
};

/// One opened device with its compiler and caches. Move-only; what it made may outlive it.
/// What is asked of one that was moved from is an Error, and its device has no name.
///
/// A process may fork at any time, also while other threads launch and compile: the parent goes on as if nothing was.
/// The child leaves alone what the parent opened, which a GPU's driver does not know there, and opens a runtime of its
/// own, which compiles and launches (tests/runtime/ForkTest.cpp).
class Runtime {
public:
  /// An Error of kind NoDevice if the device that is asked for does not exist.
  static Result<Runtime> open(RuntimeOptions options = {});
  /// As open, but nothing is looked for: device, driver and compiler must be given.
  static Result<Runtime> openWith(RuntimeOptions options);
  Runtime(Runtime &&) noexcept;
  Runtime &operator=(Runtime &&) noexcept;
  ~Runtime();

  /// Facts of the opened device; lives as long as the runtime.
  const DeviceInfo &device() const;
  /// A stream made at opening, shared by all who ask.
  const Stream &stream() const;
  Result<Stream> createStream(const StreamOptions &options = {}) const;
  /// A CUstream (cudaStream_t) made by somebody else in the primary context of this device: used, never destroyed;
  /// it must outlive the Stream. Null is the default stream, 1 and 2 are CU_STREAM_LEGACY and CU_STREAM_PER_THREAD.
  /// A stream of another device or context is an Error of kind Argument. On a simulated device, only what came from
  /// Stream::raw of this runtime.
  Result<Stream> wrapStream(void *cudaStream) const;
  Result<Event> createEvent() const;
  /// A CUevent (cudaEvent_t) of somebody else in this device's primary context: used, never destroyed; it must outlive
  /// the Event. On a simulated device, only what came from Event::raw of this runtime.
  Result<Event> wrapEvent(void *cudaEvent) const;
  /// Uninitialised device memory; no bytes is an empty buffer.
  Result<Buffer> allocate(size_t bytes) const;
  /// What Buffer::owner() says of this runtime's buffers.
  const void *owner() const;

  /// Reads and checks a kernel source, and what it imports. The compiler's errors come as ErrorKind::Compile.
  Result<Module> load(const std::string &path) const;
  /// Of a text: what it imports is beside it (withImports), or found by RuntimeOptions::imports.
  Result<Module> loadSource(Source source) const;

  /// Waits for everything on the device.
  Result<void> synchronize() const;
  /// What went differently than asked without being an error, each once: no GPU found, cache not usable, a
  /// destructor's failed driver call.
  std::vector<std::string> messages() const;

private:
  void note(std::string message);
  explicit Runtime(std::shared_ptr<RuntimeState> state);
  std::shared_ptr<RuntimeState> state;
};

/// The devices of this machine, then the ones that can be simulated.
std::vector<DeviceInfo> listDevices();

} // namespace imbrex

#endif // IMBREX_RUNTIME_RUNTIME_H
