//===- RawDevice.cpp - PTX of one's own on a device -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Everything runs on the default stream of the primary context.
//
//===----------------------------------------------------------------------===//

#include "tests/support/RawDevice.h"
#include "runtime/DeviceContext.h"
#include "runtime/LoadCudaDriver.h"
#include <charconv>
#include <limits>

using namespace imbrex;
using namespace imbrex::testing;
using namespace imbrex::cuda;

static constexpr size_t kLogBytes = 16384;
static constexpr CUstream kDefaultStream = nullptr;

using SharedContext = std::shared_ptr<DeviceContext>;

struct RawDevice::State {
  SharedContext device;
};

struct RawDevice::Memory::State {
  SharedContext device;
  CUdeviceptr address = 0;
  size_t bytes = 0;
  ~State() {
    if (address)
      device->dispose<&DriverTable::memFree>(address);
  }
};

struct RawDevice::Kernel::State {
  SharedContext device;
  CUmodule module = nullptr;
  CUfunction function = nullptr;
  unsigned registers = 0, localBytes = 0;
  ~State() {
    if (module)
      device->dispose<&DriverTable::moduleUnload>(module);
  }
};

static Error unknownDevice(std::string_view id) {
  return Error{ErrorKind::NoDevice, "there is no device '" + std::string(id) + "'"};
}

Result<RawDevice> RawDevice::open(std::string_view id, const simulator::SimulatorOptions &simulation) {
  size_t colon = id.find(':');
  if (colon == id.npos)
    return unknownDevice(id);
  std::string_view driver = id.substr(0, colon), name = id.substr(colon + 1);
  DriverTable table;
  int ordinal = 0;
  if (driver == "cuda") {
    auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), ordinal);
    if (status != std::errc() || end != name.data() + name.size())
      return unknownDevice(id);
    Result<DriverTable> real = loadCudaDriver();
    if (!real)
      return real.takeError();
    table = std::move(*real);
  } else {
    std::optional<DriverTable> simulated =
        driver == "sim" ? simulator::makeSimulatedDriver(name, simulation) : std::optional<DriverTable>();
    if (!simulated)
      return unknownDevice(id);
    table = std::move(*simulated);
  }
  Result<SharedContext> context =
      DeviceContext::open(std::make_shared<const DriverTable>(std::move(table)), ordinal, std::string(id));
  if (!context)
    return context.takeError();
  RawDevice device;
  device.state = std::make_shared<State>(State{std::move(*context)});
  return device;
}

const DeviceInfo &RawDevice::info() const { return state->device->info(); }
const cuda::DriverTable &RawDevice::driver() const { return state->device->driver(); }

Result<RawDevice::Memory> RawDevice::allocate(size_t bytes, uint8_t fill) const {
  assert(bytes > 0);
  Memory memory;
  memory.state = std::make_shared<Memory::State>();
  memory.state->device = state->device;
  memory.state->bytes = bytes;
  const DeviceContext &device = *state->device;
  Result<void> done = device.inContext([&]() -> Result<void> {
    if (Result<void> made = device.call<&DriverTable::memAlloc>(&memory.state->address, bytes); !made)
      return made;
    return device.call<&DriverTable::memsetD8Async>(memory.state->address, fill, bytes, kDefaultStream);
  });
  if (!done)
    return done.takeError();
  return memory;
}

uint64_t RawDevice::Memory::address() const { return state->address; }
size_t RawDevice::Memory::bytes() const { return state->bytes; }

Result<void> RawDevice::Memory::upload(std::span<const std::byte> host) const {
  assert(host.size() <= state->bytes);
  const DeviceContext &device = *state->device;
  return device.inContext([&]() -> Result<void> {
    Result<void> sent = device.call<&DriverTable::memcpyHtoDAsync>(
        state->address, static_cast<const void *>(host.data()), host.size(), kDefaultStream);
    return sent ? device.call<&DriverTable::streamSynchronize>(kDefaultStream) : std::move(sent);
  });
}

Result<void> RawDevice::Memory::download(std::span<std::byte> host) const {
  assert(host.size() <= state->bytes);
  const DeviceContext &device = *state->device;
  return device.inContext([&]() -> Result<void> {
    Result<void> fetched = device.call<&DriverTable::memcpyDtoHAsync>(static_cast<void *>(host.data()), state->address,
                                                                      host.size(), kDefaultStream);
    return fetched ? device.call<&DriverTable::streamSynchronize>(kDefaultStream) : std::move(fetched);
  });
}

static Result<void> loadModule(const DeviceContext &device, CUmodule &module, const std::string &image) {
  std::vector<char> log(kLogBytes, '\0');
  CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
  void *values[] = {log.data(), reinterpret_cast<void *>(log.size() - 1)};
  Result<void> loaded = device.call<&DriverTable::moduleLoadDataEx>(&module, static_cast<const void *>(image.c_str()),
                                                                    2u, &options[0], &values[0]);
  if (loaded)
    return {};
  Error error = loaded.takeError();
  if (error.kind == ErrorKind::Driver)
    error.kind = ErrorKind::Assemble;
  if (log[0])
    error.report = log.data();
  return error;
}

Result<RawDevice::Kernel> RawDevice::load(std::string_view image, const std::string &entry) const {
  Kernel kernel;
  kernel.state = std::make_shared<Kernel::State>();
  kernel.state->device = state->device;
  Kernel::State &made = *kernel.state;
  const DeviceContext &device = *state->device;
  auto attribute = [&](int number, unsigned &where) {
    int value = 0;
    Result<void> done = device.call<&DriverTable::funcGetAttribute>(&value, number, made.function);
    where = unsigned(value);
    return done;
  };
  Result<void> done = device.inContext([&]() -> Result<void> {
    if (Result<void> loaded = loadModule(device, made.module, std::string(image)); !loaded)
      return loaded;
    if (Result<void> found = device.call<&DriverTable::moduleGetFunction>(&made.function, made.module, entry.c_str());
        !found)
      return found;
    if (Result<void> read = attribute(CU_FUNC_ATTRIBUTE_NUM_REGS, made.registers); !read)
      return read;
    return attribute(CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES, made.localBytes);
  });
  if (done)
    return kernel;
  Error error = done.takeError();
  error.message = "kernel '" + entry + "' could not be loaded";
  return error;
}

unsigned RawDevice::Kernel::registers() const { return state->registers; }
unsigned RawDevice::Kernel::localBytes() const { return state->localBytes; }

/// Enqueues `repeats` launches.
static Result<void> enqueue(const DeviceContext &device, CUfunction function, const RawShape &shape,
                            const std::vector<RawArgument> &arguments, unsigned repeats) {
  std::vector<void *> pointers;
  for (const RawArgument &argument : arguments)
    pointers.push_back(std::visit([](const auto &value) { return (void *)&value; }, argument));
  for (unsigned i = 0; i < repeats; ++i) {
    Result<void> done = device.call<&DriverTable::launchKernel>(
        function, shape.grid[0], shape.grid[1], shape.grid[2], shape.block[0], shape.block[1], shape.block[2],
        shape.sharedBytes, kDefaultStream, pointers.data(), static_cast<void **>(nullptr));
    if (!done)
      return done;
  }
  return {};
}

static Result<void> allowShared(const DeviceContext &device, CUfunction function, const RawShape &shape) {
  if (shape.sharedBytes <= device.info().sharedBytesPerBlock)
    return {};
  return device.call<&DriverTable::funcSetAttribute>(function, int(CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES),
                                                     int(shape.sharedBytes));
}

Result<void> RawDevice::launch(const Kernel &kernel, const RawShape &shape,
                               const std::vector<RawArgument> &arguments) const {
  const DeviceContext &device = *state->device;
  return device.inContext([&]() -> Result<void> {
    if (Result<void> allowed = allowShared(device, kernel.state->function, shape); !allowed)
      return allowed;
    Result<void> done = enqueue(device, kernel.state->function, shape, arguments, 1);
    return done ? device.call<&DriverTable::streamSynchronize>(kDefaultStream) : std::move(done);
  });
}

namespace {
/// Two events, destroyed with the object. Lives inside a current context.
struct Events {
  const DeviceContext &device;
  CUevent begin = nullptr, end = nullptr;
  Result<void> make() {
    Result<void> done = device.call<&DriverTable::eventCreate>(&begin, 0u);
    return done ? device.call<&DriverTable::eventCreate>(&end, 0u) : std::move(done);
  }
  ~Events() { // A failure here follows one that was told.
    for (CUevent event : {begin, end})
      if (event)
        (void)device.call<&DriverTable::eventDestroy>(event);
  }
};
} // namespace

Result<float> RawDevice::time(const Kernel &kernel, const RawShape &shape, const std::vector<RawArgument> &arguments,
                              unsigned repeats) const {
  const DeviceContext &device = *state->device;
  bool simulated = info().simulated;
  float milliseconds = 0;
  Result<void> done = device.inContext([&]() -> Result<void> {
    Events events{device};
    if (Result<void> made = events.make(); !made)
      return made;
    if (Result<void> allowed = allowShared(device, kernel.state->function, shape); !allowed)
      return allowed;
    if (Result<void> begun = device.call<&DriverTable::eventRecord>(events.begin, kDefaultStream); !begun)
      return begun;
    if (Result<void> ran = enqueue(device, kernel.state->function, shape, arguments, simulated ? 1 : repeats); !ran)
      return ran;
    if (Result<void> ended = device.call<&DriverTable::eventRecord>(events.end, kDefaultStream); !ended)
      return ended;
    if (Result<void> waited = device.call<&DriverTable::eventSynchronize>(events.end); !waited)
      return waited;
    return device.call<&DriverTable::eventElapsedTime>(&milliseconds, events.begin, events.end);
  });
  if (!done)
    return done.takeError();
  return simulated ? std::numeric_limits<float>::quiet_NaN() : milliseconds;
}
