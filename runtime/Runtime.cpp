//===- Runtime.cpp - The door for programs that launch kernels ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Putting a device, a compiler, an assembler and a cache together. Open.cpp chooses the device.
//
//===----------------------------------------------------------------------===//

#include "runtime/Runtime.h"
#include "compiler/Target.h"
#include "runtime/ImportFiles.h"
#include "runtime/RuntimeState.h"
#include <charconv>
#include <cstring>

using namespace imbrex;

Runtime::Runtime(std::shared_ptr<RuntimeState> state) : state(std::move(state)) {}
Runtime::Runtime(Runtime &&) noexcept = default;
Runtime &Runtime::operator=(Runtime &&) noexcept = default;
Runtime::~Runtime() = default;

static Result<Assembler> chooseAssembler(const RuntimeOptions &options, const DeviceInfo &device) {
  bool isText = device.simulated && !options.assembles;
  if (isText && options.ptxasPath.empty())
    return Assembler::none();
  std::optional<std::string> path =
      options.ptxasPath.empty() ? Assembler::findPtxas(options.ptxasDirectories) : std::optional(options.ptxasPath);
  if (!path)
    return Assembler::driver(device.driverVersion);
  Result<Assembler> program = Assembler::ptxas(std::move(*path), options.temporaryDirectory, options.ptxasLevel);
  if (program && isText) // a program that was named must exist, also where nothing is assembled
    return Assembler::none();
  return program;
}

static Result<std::string> chooseTarget(const RuntimeOptions &options, const DeviceInfo &device) {
  if (options.target.empty() && device.target.empty())
    return Error{ErrorKind::NoDevice, "device " + device.id + " (" + device.name + ") is too old: compute capability " +
                                          std::to_string(device.major) + "." + std::to_string(device.minor) +
                                          ", and 8.0 is needed"};
  std::string target = options.target.empty() ? device.target : options.target;
  if (!Target::parse(target)) {
    std::vector<std::string> names;
    for (std::string_view name : Target::names())
      names.emplace_back(name);
    return Error{ErrorKind::Argument, "there is no target '" + target + "': there are " + joinNames(names)};
  }
  // Code for an architecture runs on it and on later ones; without a known compute capability nothing is refused.
  if (Target::parse(target)->sm > 10 * device.major + device.minor)
    return Error{ErrorKind::Argument, "code for " + target + " does not run on " + device.id + ", which is an sm_" +
                                          std::to_string(10 * device.major + device.minor)};
  return target;
}

/// N of "cuda:N"; 0 of any other name, whose driver has one device.
static Result<int> deviceOrdinal(std::string_view device) {
  constexpr std::string_view prefix = "cuda:";
  if (!device.starts_with(prefix))
    return 0;
  int ordinal = 0;
  auto [end, error] = std::from_chars(device.data() + prefix.size(), device.data() + device.size(), ordinal);
  if (error != std::errc() || end != device.data() + device.size() || ordinal < 0)
    return Error{ErrorKind::NoDevice, "there is no device '" + std::string(device) + "': write cuda:0, cuda:1, ..."};
  return ordinal;
}

static void openCache(const RuntimeOptions &options, RuntimeState &state) {
  if (options.cacheDirectory.empty())
    return;
  Result<DiskCache> disk = DiskCache::open(options.cacheDirectory, options.cacheBytes);
  if (disk)
    state.disk = std::move(*disk);
  else
    state.device->log().add("kernels are not cached on disk: " + disk.error().render());
}

Result<Runtime> Runtime::openWith(RuntimeOptions options) {
  if (!options.driver || !options.compiler)
    return Error{ErrorKind::Argument, "openWith needs a driver and a compiler"};
  if (Result<void> good = Assembler::checkLevel(options.ptxasLevel); !good) // Though no ptxas may be used.
    return good.takeError();
  if (!options.allocator.allocate != !options.allocator.free)
    return Error{ErrorKind::Argument, "an allocator of device memory has both functions, allocate and free, or none"};
  Result<int> ordinal = deviceOrdinal(options.device);
  if (!ordinal)
    return ordinal.takeError();
  Result<std::shared_ptr<DeviceContext>> device = DeviceContext::open(options.driver, *ordinal, options.device);
  if (!device)
    return device.takeError();
  auto state = std::make_shared<RuntimeState>(std::max(1u, options.loadedKernels));
  state->device = std::move(*device);
  state->device->allocator = std::move(options.allocator);
  state->compiles = options.compiles;
  Result<std::string> target = chooseTarget(options, state->device->info());
  if (!target)
    return target.takeError();
  state->target = std::move(*target);
  Result<Assembler> assembler = chooseAssembler(options, state->device->info());
  if (!assembler)
    return assembler.takeError();
  state->assembler = std::move(*assembler);
  state->compiler = std::move(*options.compiler);
  state->imports = std::move(options.imports);
  openCache(options, *state);
  for (const std::string &path : options.packs) {
    Result<KernelPack> pack = KernelPack::open(path);
    if (!pack)
      return pack.takeError();
    state->packs.push_back(std::move(*pack));
  }
  Result<Stream> stream = imbrex::createStream(state->device);
  if (!stream)
    return stream.takeError();
  state->stream = std::move(*stream);
  return Runtime(std::move(state));
}

void Runtime::note(std::string message) { state->device->log().add(std::move(message)); }
const DeviceInfo &Runtime::device() const {
  static const DeviceInfo none;
  return state ? state->device->info() : none;
}
const Stream &Runtime::stream() const {
  static const Stream none(nullptr);
  return state ? *state->stream : none;
}
Result<Stream> Runtime::createStream(const StreamOptions &options) const {
  if (!state)
    return movedFromError("runtime");
  return imbrex::createStream(state->device, options);
}
Result<Stream> Runtime::wrapStream(void *cudaStream) const {
  if (!state)
    return movedFromError("runtime");
  return imbrex::wrapStream(state->device, static_cast<cuda::CUstream>(cudaStream));
}
Result<Event> Runtime::createEvent() const {
  if (!state)
    return movedFromError("runtime");
  return imbrex::createEvent(state->device);
}
Result<Event> Runtime::wrapEvent(void *cudaEvent) const {
  if (!state)
    return movedFromError("runtime");
  return imbrex::wrapEvent(state->device, static_cast<cuda::CUevent>(cudaEvent));
}
Result<Buffer> Runtime::allocate(size_t bytes) const {
  if (!state)
    return movedFromError("runtime");
  return allocateBuffer(state->device, bytes);
}
const void *Runtime::owner() const { return state ? state->device.get() : nullptr; }
std::vector<std::string> Runtime::messages() const {
  return state ? state->device->log().all() : std::vector<std::string>();
}

Result<void> Runtime::synchronize() const {
  if (!state)
    return movedFromError("runtime");
  const DeviceContext &device = *state->device;
  Result<void> done = device.inContext([&] { return device.call<&cuda::DriverTable::contextSynchronize>(); });
  if (done)
    device.suspects().allFinished();
  return done;
}

Result<Module> Runtime::load(const std::string &path) const {
  if (!state)
    return movedFromError("runtime");
  Result<std::string> text = readKernelFile(path);
  if (!text)
    return text.takeError();
  return loadSource(withImports({path, std::move(*text)}, importsBeside(state->imports)));
}

Result<Module> Runtime::loadSource(Source source) const {
  if (!state)
    return movedFromError("runtime");
  if (source.imports.empty() && state->imports)
    source = withImports(std::move(source), state->imports);
  if (Result<void> enough = checkHostMemory(source.name + " was not read"); !enough)
    return enough.takeError();
  Description description = state->compiler.describe(source, {});
  for (const Diagnostic &diagnostic : description.diagnostics)
    if (diagnostic.severity == Severity::Error) {
      Error error{ErrorKind::Compile, source.name + " does not compile"};
      error.diagnostics = std::move(description.diagnostics);
      return error;
    }
  auto module = std::make_shared<ModuleState>();
  module->runtime = state;
  module->source = std::move(source);
  for (KernelSignature &signature : description.kernels) {
    Result<std::shared_ptr<const SignaturePlan>> plan = SignaturePlan::make(std::move(signature));
    if (!plan)
      return plan.takeError();
    module->kernels.push_back(std::move(*plan));
  }
  return Module(std::move(module));
}
