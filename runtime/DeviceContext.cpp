//===- DeviceContext.cpp - One opened device, and calls to its driver -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opening a device, its facts as one table of attributes, and errors in the driver's own words.
//
//===----------------------------------------------------------------------===//

#include "runtime/DeviceContext.h"
#include "compiler/Target.h"
#include <algorithm>
#include <charconv>
#include <functional>

using namespace imbrex;
using namespace imbrex::cuda;

void MessageLog::add(std::string message) {
  std::lock_guard lock(mutex);
  if (std::find(messages.begin(), messages.end(), message) == messages.end())
    messages.push_back(std::move(message));
}

std::vector<std::string> MessageLog::all() const {
  std::lock_guard lock(mutex);
  return messages;
}

void Suspects::launched(CUstream stream, std::string_view kernel) {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u; // spreads neighbours over all bits
  uint64_t mixed = std::hash<std::string_view>()(kernel) ^ std::hash<CUstream>()(stream) * kGolden,
           hash = mixed ? mixed : 1;
  if (seenAt(hash).load(std::memory_order_relaxed) == hash) [[likely]]
    return;
  std::lock_guard lock(mutex);
  auto same = [&](const Note &note) { return note.stream == stream && note.name == kernel; };
  if (std::none_of(notes.begin(), notes.end(), same)) {
    if (notes.size() == kMost) {
      forget(notes.front());
      notes.erase(notes.begin());
    }
    notes.push_back({stream, std::string(kernel), hash});
  }
  seenAt(hash) = hash;
}

/// Under the mutex.
void Suspects::forget(const Note &note) {
  if (seenAt(note.hash) == note.hash)
    seenAt(note.hash) = 0;
}

void Suspects::finished(CUstream stream) {
  std::lock_guard lock(mutex);
  std::erase_if(notes, [&](const Note &note) { return note.stream == stream && (forget(note), true); });
}

void Suspects::allFinished() {
  std::lock_guard lock(mutex);
  for (const Note &note : notes)
    forget(note);
  notes.clear();
}

std::string Suspects::name() const {
  std::lock_guard lock(mutex);
  std::vector<std::string> distinct;
  for (const Note &note : notes)
    if (std::string quoted = "'" + note.name + "'";
        std::find(distinct.begin(), distinct.end(), quoted) == distinct.end())
      distinct.push_back(std::move(quoted));
  if (distinct.empty())
    return "a kernel";
  std::string text = distinct.size() == 1 ? "kernel " : "one of the kernels ";
  for (const std::string &name : distinct)
    text += (name == distinct.front() ? "" : ", ") + name;
  return text;
}

/// "out of bounds in kernel 'k'" of "simulated device: out of bounds in kernel 'k': 4 bytes at ...".
static std::string faultOf(std::string_view report, const std::string &name) {
  constexpr std::string_view whose = "simulated device: ";
  if (!report.starts_with(whose))
    return name;
  report.remove_prefix(whose.size());
  return std::string(report.substr(0, report.find(": ")));
}

Error DeviceContext::lose(Error fault) const {
  std::lock_guard lock(lossMutex);
  if (isLost)
    return lostError();
  if (!facts.simulated) {
    fault.message = launched.name() + " failed on the device";
    loss = launched.name() + " failed with " + fault.driverName;
  } else { // Its report names what went wrong.
    loss = "its fault, " + faultOf(fault.report, fault.driverName);
  }
  isLost = true;
  return fault;
}

Error DeviceContext::lostError() const {
  return Error{ErrorKind::Fault, "the device " + facts.id + " is lost since " + loss + ": no call on it can succeed" +
                                     (facts.simulated ? "; close its runtime and open a new one"
                                                      : " in this process; end it and start a new one")};
}

std::string DeviceContext::hex(unsigned long long value) {
  char digits[16];
  auto [end, error] = std::to_chars(digits, digits + sizeof digits, value, 16);
  return "0x" + std::string(digits, end);
}

static ErrorKind kindOf(CUresult result) {
  constexpr int deviceAssert = 710, hardwareStackError = 714; // the first of a run that ends at LAUNCH_FAILED
  if (result == CUDA_ERROR_OUT_OF_MEMORY)
    return ErrorKind::OutOfMemory;
  if (result == CUDA_ERROR_NO_DEVICE || result == CUDA_ERROR_INVALID_DEVICE)
    return ErrorKind::NoDevice;
  if (result == CUDA_ERROR_ILLEGAL_ADDRESS || result == CUDA_ERROR_LAUNCH_TIMEOUT || result == deviceAssert ||
      (result >= hardwareStackError && result <= CUDA_ERROR_LAUNCH_FAILED))
    return ErrorKind::Fault;
  return ErrorKind::Driver;
}

Error DeviceContext::driverError(const Table &table, CUresult result, std::string_view call, std::string arguments) {
  Error error{kindOf(result), ""};
  error.call = call;
  error.arguments = std::move(arguments);
  const char *text = nullptr;
  error.driverName = table.getErrorName(result, &text) == CUDA_SUCCESS && text ? text : std::to_string(int(result));
  text = nullptr;
  if (table.getErrorString(result, &text) == CUDA_SUCCESS && text)
    error.driverWords = text;
  // The table keeps its last report: an allocation that fails later has nothing to do with it.
  bool runsCode = error.kind == ErrorKind::Fault || call.starts_with("cuModule") || call.starts_with("cuLaunch");
  if (table.faultReport && runsCode)
    error.report = table.faultReport();
  return error;
}

/// A test's table may lack members; calling one would end the process.
static Result<void> checkComplete(const DriverTable &table) {
#define IMBREX_CUDA(field, symbol, parameters)                                                                         \
  if (!table.field)                                                                                                    \
    return Error{ErrorKind::NoDevice, "the driver table lacks " symbol};
#include "runtime/CudaSymbols.def"
  return {};
}

Result<int> DeviceContext::count(const Table &table) {
  if (Result<void> complete = checkComplete(table); !complete)
    return complete.takeError();
  int count = 0;
  if (Result<void> done = callOn<&Table::init>(table, 0u); !done)
    return done.takeError();
  if (Result<void> done = callOn<&Table::deviceGetCount>(table, &count); !done)
    return done.takeError();
  return count;
}

namespace {

struct Attribute {
  int number;
  unsigned *where;
};

} // namespace

static Result<void> readAttributes(const DriverTable &table, CUdevice device, DeviceInfo &info) {
  const Attribute attributes[] = {
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, &info.major},
      {CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, &info.minor},
      {CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, &info.multiprocessors},
      {CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK, &info.threadsPerBlock},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK, &info.sharedBytesPerBlock},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, &info.sharedBytesPerBlockOptIn},
      {CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, &info.sharedBytesPerMultiprocessor},
      {CU_DEVICE_ATTRIBUTE_MAX_REGISTERS_PER_BLOCK, &info.registersPerBlock},
      {CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE, &info.l2Bytes},
      {CU_DEVICE_ATTRIBUTE_CLOCK_RATE, &info.clockKiloHertz},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_X, &info.grid[0]},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Y, &info.grid[1]},
      {CU_DEVICE_ATTRIBUTE_MAX_GRID_DIM_Z, &info.grid[2]},
  };
  for (const Attribute &attribute : attributes) {
    int value = 0;
    if (Result<void> done =
            DeviceContext::callOn<&DriverTable::deviceGetAttribute>(table, &value, attribute.number, device);
        !done)
      return done;
    *attribute.where = unsigned(value);
  }
  return {};
}

Result<DeviceInfo> DeviceContext::query(const Table &table, int ordinal, std::string id) {
  DeviceInfo info;
  info.id = std::move(id);
  info.simulated = table.simulated;
  CUdevice device = 0;
  char name[256] = {};
  if (Result<void> done = callOn<&Table::deviceGet>(table, &device, ordinal); !done)
    return done.takeError();
  if (Result<void> done = callOn<&Table::deviceGetName>(table, name, int(sizeof name - 1), device); !done)
    return done.takeError();
  if (Result<void> done = callOn<&Table::deviceTotalMem>(table, &info.memoryBytes, device); !done)
    return done.takeError();
  if (Result<void> done = callOn<&Table::driverGetVersion>(table, &info.driverVersion); !done)
    return done.takeError();
  if (Result<void> done = readAttributes(table, device, info); !done)
    return done.takeError();
  info.name = name;
  if (std::optional<Target> target = Target::forDevice(info.major, info.minor))
    info.target = target->name;
  return info;
}

Result<std::shared_ptr<DeviceContext>> DeviceContext::open(std::shared_ptr<const Table> table, int ordinal,
                                                           std::string id) {
  Result<int> devices = count(*table);
  if (!devices)
    return devices.takeError();
  if (ordinal < 0 || ordinal >= *devices)
    return Error{ErrorKind::NoDevice,
                 "there is no device '" + id + "': the driver has " + std::to_string(*devices) + " of them"};
  Result<DeviceInfo> info = query(*table, ordinal, std::move(id));
  if (!info)
    return info.takeError();
  std::shared_ptr<DeviceContext> opened(new DeviceContext(std::move(table), std::move(*info)));
  if (Result<void> done = opened->call<&Table::deviceGet>(&opened->device, ordinal); !done)
    return done.takeError();
  CUcontext context = nullptr;
  if (Result<void> done = opened->call<&Table::primaryContextRetain>(&context, opened->device); !done)
    return done.takeError();
  opened->context = context;
  return opened;
}

DeviceContext::~DeviceContext() {
  // Nobody is left to tell of a failure: every handle of this device is gone.
  if (context)
    (void)table->primaryContextRelease(device);
}
