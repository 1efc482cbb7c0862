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

#include "runtime/CudaDriver.h"
#include "runtime/Device.h"
#include "runtime/Result.h"
#include <memory>
#include <mutex>
#include <string_view>
#include <type_traits>

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
  MessageLog &log() { return messages; }
  bool isContext(cuda::CUcontext other) const { return other == context; }

  template <auto Member, typename... Arguments> static Result<void> callOn(const Table &table, Arguments... arguments) {
    cuda::CUresult result = (table.*Member)(arguments...);
    if (result == cuda::CUDA_SUCCESS) [[likely]]
      return {};
    std::string text;
    ((text += (text.empty() ? "" : ", ") + show(arguments)), ...);
    return driverError(table, result, symbolOf<Member>, std::move(text));
  }
  template <auto Member, typename... Arguments> Result<void> call(Arguments... arguments) const {
    return callOn<Member>(*table, arguments...);
  }
  /// Runs `body` (returning Result<void>) with the primary context current.
  template <typename Body> Result<void> inContext(const Body &body) const {
    if (Result<void> pushed = call<&Table::contextPushCurrent>(context); !pushed)
      return pushed;
    Result<void> done = body();
    cuda::CUcontext popped = nullptr;
    Result<void> left = call<&Table::contextPopCurrent>(&popped);
    return done ? std::move(left) : std::move(done);
  }
  /// A call in a destructor: a failure goes to the log.
  template <auto Member, typename Argument> void dispose(Argument argument) {
    if (Result<void> done = inContext([&] { return call<Member>(argument); }); !done)
      messages.add(done.error().render());
  }

private:
  DeviceContext(std::shared_ptr<const Table> table, DeviceInfo info)
      : table(std::move(table)), facts(std::move(info)) {}

  static Error driverError(const Table &table, cuda::CUresult result, std::string_view call, std::string arguments);
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
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_DEVICECONTEXT_H
