//===- Devices.cpp - Devices and runtimes of the C interface --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Options in, facts out. The structs mirror RuntimeOptions and DeviceInfo member by member.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Answer.h"
#include "runtime/c/Objects.h"
#include "runtime/c/Structs.h"

using namespace imbrex;
using namespace imbrex::c;

/// Copies as much of `text` as fits before a zero byte.
template <size_t N> static void copyInto(char (&to)[N], const std::string &text) { text.copy(to, N - 1); }

static imbrex_device_info infoOf(const DeviceInfo &device) {
  imbrex_device_info info = {};
  info.simulated = device.simulated;
  copyInto(info.id, device.id);
  copyInto(info.name, device.name);
  copyInto(info.target, device.target);
  info.major = device.major;
  info.minor = device.minor;
  info.driver_version = uint32_t(device.driverVersion);
  info.multiprocessors = device.multiprocessors;
  info.threads_per_block = device.threadsPerBlock;
  info.registers_per_block = device.registersPerBlock;
  info.shared_bytes_per_block = device.sharedBytesPerBlock;
  info.shared_bytes_per_block_opt_in = device.sharedBytesPerBlockOptIn;
  info.shared_bytes_per_multiprocessor = device.sharedBytesPerMultiprocessor;
  info.l2_bytes = device.l2Bytes;
  info.clock_kilohertz = device.clockKiloHertz;
  for (unsigned i = 0; i < device.grid.size(); ++i)
    info.grid[i] = device.grid[i];
  info.memory_bytes = device.memoryBytes;
  return info;
}

static std::vector<std::string> splitDirectories(std::string_view text) {
  std::vector<std::string> directories;
  while (!text.empty()) {
    size_t end = std::min(text.find(':'), text.size());
    if (end > 0)
      directories.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return directories;
}

/// A caller's function as a resolver of ours.
static ImportResolver resolverOf(imbrex_import import, void *data) {
  if (!import)
    return {};
  return [import, data](const Source &importer, std::string_view word) {
    FoundText found;
    const std::string wanted(word);
    import(
        data, importer.name.c_str(), wanted.c_str(),
        [](void *sink, const char *name, const char *text, size_t bytes) {
          if (text || bytes == 0)
            static_cast<FoundText *>(sink)->source = Source{orEmpty(name), std::string(text ? text : "", bytes)};
        },
        &found);
    if (!found.source)
      found.why = "the program's function finds none";
    return found;
  };
}

static RuntimeOptions optionsOf(const imbrex_runtime_options &given) {
  RuntimeOptions options;
  options.device = orEmpty(given.device);
  options.target = orEmpty(given.target);
  options.cacheDirectory = orEmpty(given.cache_directory);
  if (given.cache_bytes)
    options.cacheBytes = given.cache_bytes;
  options.ptxasPath = orEmpty(given.ptxas);
  options.ptxasDirectories = splitDirectories(orEmpty(given.ptxas_directories));
  if (given.temporary_directory)
    options.temporaryDirectory = given.temporary_directory;
  options.simulatorThreads = given.simulator_threads;
  options.simulatorInstructions = given.simulator_instructions;
  options.simulatorSeed = given.simulator_seed;
  options.packs = splitDirectories(orEmpty(given.packs));
  options.compiles = given.no_compile == 0;
  if (given.loaded_kernels)
    options.loadedKernels = given.loaded_kernels;
  options.imports = resolverOf(given.import, given.import_data);
  if (imbrex_allocate allocate = given.allocate) {
    void *data = given.allocator_data;
    options.allocator.allocate = [allocate, data](size_t bytes) { return allocate(data, bytes); };
    options.allocator.free = [release = given.release, data](uint64_t address, size_t bytes) {
      release(data, address, bytes);
    };
  }
  options.assembles = given.assembles != 0;
  if (given.compiles_in_child)
    options.compilesInChild = given.compiles_in_child != 2;
  if (given.ptxas_level)
    options.ptxasLevel = given.ptxas_level;
  return options;
}

imbrex_status imbrex_list_devices(imbrex_device_info *infos, size_t capacity, size_t *count, imbrex_error **error) {
  return answer(error, {{count, "count"}}, [&]() -> Result<void> {
    if (!infos && capacity > 0)
      return argumentError("'infos' is null, but 'capacity' is " + std::to_string(capacity));
    uint32_t size = capacity > 0 ? sizeOf(infos) : kSmallestStruct;
    if (Result<void> fits = checkSize(size, alignof(imbrex_device_info), "infos[0]"); !fits)
      return fits;
    std::vector<DeviceInfo> devices = listDevices();
    for (size_t i = 0; i < std::min(capacity, devices.size()); ++i) {
      auto *to = reinterpret_cast<imbrex_device_info *>(reinterpret_cast<char *>(infos) + i * size);
      memcpy(static_cast<void *>(to), &size, sizeof size);
      if (Result<void> written = writeStruct(to, infoOf(devices[i]), "infos"); !written)
        return written;
    }
    *count = devices.size();
    return {};
  });
}

imbrex_status imbrex_runtime_open(const imbrex_runtime_options *options, imbrex_runtime **runtime,
                                  imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}}, [&]() -> Result<void> {
    imbrex_runtime_options read = {};
    if (options)
      if (Result<void> done = readStruct(options, read, "options"); !done)
        return done;
    if (read.reserved)
      return argumentError("'options.reserved' is " + std::to_string(read.reserved) + ", and must be 0");
    if (read.reserved2)
      return argumentError("'options.reserved2' is " + std::to_string(read.reserved2) + ", and must be 0");
    if (!read.allocate != !read.release)
      return argumentError(std::string("'options.") + (read.allocate ? "release" : "allocate") +
                           "' is null, and the other way is not: an allocator has both");
    if (read.compiles_in_child > 2)
      return argumentError("'options.compiles_in_child' is " + std::to_string(read.compiles_in_child) + ": 0, 1 or 2");
    if (read.ptxas_level > 3)
      return argumentError("'options.ptxas_level' is " + std::to_string(read.ptxas_level) + ": 1, 2 or 3");
    return give(runtime, Runtime::open(optionsOf(read)),
                [](Runtime opened) { return new imbrex_runtime{std::make_shared<const Runtime>(std::move(opened))}; });
  });
}

void imbrex_runtime_free(imbrex_runtime *runtime) { delete runtime; }

imbrex_status imbrex_runtime_device(const imbrex_runtime *runtime, imbrex_device_info *info, imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {info, "info"}},
                [&] { return writeStruct(info, infoOf(runtime->runtime->device()), "info"); });
}

imbrex_status imbrex_runtime_messages(const imbrex_runtime *runtime, char **text, imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}, {text, "text"}}, [&]() -> Result<void> {
    std::string lines;
    for (const std::string &message : runtime->runtime->messages())
      lines += message + (message.ends_with('\n') ? "" : "\n");
    *text = copyText(validText(std::move(lines)));
    return {};
  });
}

imbrex_status imbrex_runtime_synchronize(const imbrex_runtime *runtime, imbrex_error **error) {
  return answer(error, {{runtime, "runtime"}}, [&] { return runtime->runtime->synchronize(); });
}
