//===- DeviceContext.h - One opened device, and calls to its driver --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The device behind every handle of the runtime: its driver table, its primary context, its facts. Internal.
//
// Driver calls go through call<&cuda::DriverTable::member>(arguments...): the Error of a failure carries
// the call's exported name, its arguments and the driver's words. Calls that need a context stand in
// inContext(), which makes the primary context current for their time only. Thread-safe.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_DEVICECONTEXT_H
#define IMBREX_RUNTIME_DEVICECONTEXT_H

#include "runtime/Captures.h"
#include "runtime/CudaDriver.h"
#include "runtime/Device.h"
#include "runtime/DeviceAllocator.h"
#include "runtime/Result.h"
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string_view>
#include <type_traits>
#include <vector>

namespace imbrex {

/// The exported name of a table's member: symbolOf<&cuda::DriverTable::memAlloc> is "cuMemAlloc_v2".
template <auto Member> inline constexpr std::string_view symbolOf = "";
#define IMBREX_CUDA(field, symbol, parameters)                                                                         \
  template <> inline constexpr std::string_view symbolOf<&cuda::DriverTable::field> = symbol;
#include "runtime/CudaSymbols.def"

/// Failed calls that no return value could tell of, and what went differently than asked. Thread-safe.
class MessageLog {
public:
  /// Keeps a message once.
  void add(std::string message);
  std::vector<std::string> all() const;

private:
  mutable std::mutex mutex;
  std::vector<std::string> messages;
};

/// Which kernels may have gone wrong: those launched on each stream and not yet waited for. Thread-safe; what is noted
/// already is not written again, so that threads that launch the same again and again do not contend. A launch at the
/// very time of a wait for its stream by another thread may stay unnoted.
class Suspects {
public:
  /// Before each launch. `stream` is the driver's handle.
  void launched(cuda::CUstream stream, std::string_view kernel);
  /// All that was launched on `stream` is done.
  void finished(cuda::CUstream stream);
  /// All that was launched is done.
  void allFinished();
  /// "kernel 'a'" or "one of the kernels 'a', 'b'"; "a kernel" if none is known.
  std::string name() const;

private:
  static constexpr size_t kMost = 8; ///< names kept; the oldest is forgotten
  struct Note {
    cuda::CUstream stream;
    std::string name;
    uint64_t hash; ///< of both; not 0
  };
  std::atomic<uint64_t> &seenAt(uint64_t hash) { return seen[hash % seen.size()]; }
  void forget(const Note &note);

  mutable std::mutex mutex;
  std::vector<Note> notes; ///< oldest first, each once a stream
  /// Hashes of notes: what stands here is among the notes.
  std::array<std::atomic<uint64_t>, 4 * kMost> seen = {};
};

/// A device's primary context. A fault of a kernel is for ever: the call that finds it gives an Error of kind Fault
/// that names the kernel; from then on no call reaches the driver but those that give handles back, and every Error
/// says since when the device is lost, and how to go on: a GPU in another process, a simulated one by another runtime.
class DeviceContext {
public:
  using Table = cuda::DriverTable;

  /// Initialises the driver, reads the device's facts and retains its primary context.
  static Result<std::shared_ptr<DeviceContext>> open(std::shared_ptr<const Table> table, int ordinal, std::string id);
  /// Facts alone: no context is made.
  static Result<DeviceInfo> query(const Table &table, int ordinal, std::string id);
  static Result<int> count(const Table &table);
  DeviceContext(const DeviceContext &) = delete;
  ~DeviceContext();

  const DeviceInfo &info() const { return facts; }
  const Table &driver() const { return *table; }
  MessageLog &log() { return messages; }
  bool isContext(cuda::CUcontext other) const { return other == context; }
  Suspects &suspects() const { return launched; }
  Captures &captures() const { return capturing; }
  /// Where the memory of buffers comes from; without functions: the driver. Set before the first buffer is made.
  DeviceAllocator allocator;

  template <auto Member, typename... Arguments> static Result<void> callOn(const Table &table, Arguments... arguments) {
    cuda::CUresult result = (table.*Member)(arguments...);
    if (result == cuda::CUDA_SUCCESS) [[likely]]
      return {};
    std::string text;
    ((text += (text.empty() ? "" : ", ") + show(arguments)), ...);
    return driverError(table, result, symbolOf<Member>, std::move(text));
  }
  template <auto Member, typename... Arguments> Result<void> call(Arguments... arguments) const {
    Result<void> done = callOn<Member>(*table, arguments...);
    if (!done && done.error().kind == ErrorKind::Fault) [[unlikely]]
      return lose(done.takeError());
    return done;
  }
  /// As call, of a question: the answer `No` makes `yes` false, and is none of failure.
  template <auto Member, cuda::CUresult No = cuda::CUDA_ERROR_NOT_READY, typename... Arguments>
  Result<void> ask(bool &yes, Arguments... arguments) const {
    cuda::CUresult result = (*table.*Member)(arguments...);
    yes = result == cuda::CUDA_SUCCESS;
    if (yes || result == No)
      return {};
    std::string text;
    ((text += (text.empty() ? "" : ", ") + show(arguments)), ...);
    Error error = driverError(*table, result, symbolOf<Member>, std::move(text));
    return error.kind == ErrorKind::Fault ? lose(std::move(error)) : error;
  }
  /// Runs `body` (returning Result<void>) with the primary context current.
  template <typename Body> Result<void> inContext(const Body &body) const {
    if (isLost) [[unlikely]]
      return lostError();
    return withContext(body);
  }
  /// A call in a destructor: a failure goes to the log, unless the device is lost and it had to fail.
  template <auto Member, typename Argument> void dispose(Argument argument) {
    bool wasLost = isLost;
    if (Result<void> done = withContext([&] { return call<Member>(argument); }); !done && !wasLost)
      messages.add(done.error().render());
  }

  /// What `table` says of a `call` of it that gave `result`.
  static Error driverError(const Table &table, cuda::CUresult result, std::string_view call, std::string arguments);

private:
  DeviceContext(std::shared_ptr<const Table> table, DeviceInfo info)
      : table(std::move(table)), facts(std::move(info)) {}

  template <typename Body> Result<void> withContext(const Body &body) const {
    if (Result<void> pushed = call<&Table::contextPushCurrent>(context); !pushed)
      return pushed;
    Result<void> done = body();
    cuda::CUcontext popped = nullptr;
    Result<void> left = call<&Table::contextPopCurrent>(&popped);
    return done ? std::move(left) : std::move(done);
  }

  /// `fault` if it is the first, with the kernel's name where no report has it; else what is said of a lost device.
  Error lose(Error fault) const;
  Error lostError() const;
  static std::string hex(unsigned long long value);
  template <typename T> static std::string show(T value) {
    if constexpr (std::is_pointer_v<T>)
      return hex(reinterpret_cast<unsigned long long>(value));
    else if constexpr (std::is_same_v<T, cuda::CUdeviceptr>)
      return hex(value);
    else
      return std::to_string(value);
  }

  std::shared_ptr<const Table> table;
  DeviceInfo facts;
  int device = 0;
  cuda::CUcontext context = nullptr;
  MessageLog messages;
  mutable Suspects launched;
  mutable Captures capturing;
  mutable std::atomic<bool> isLost = false;
  mutable std::mutex lossMutex;
  /// "kernel 'a' failed with CUDA_ERROR_ILLEGAL_ADDRESS", "its fault, endless loop in kernel 'a'"; set before isLost.
  mutable std::string loss;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_DEVICECONTEXT_H
