//===- RawDevice.h - PTX of one's own on a device ------------ -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device below the compiler: memory, modules and launches by the driver's table, for programs that bring
// PTX or machine code of their own (recordings, micro-benchmarks). Its library, imbrex_raw_device, links
// neither compiler nor LLVM: such a program runs wherever a driver is. Not thread-safe. A child process made
// by fork() opens its own: a GPU's context does not outlive fork().
//
//   RawDevice device = RawDevice::open("cuda:0").value();          // or "sim:h200"
//   RawDevice::Memory in = device.allocate(bytes).value();
//   RawDevice::Kernel kernel = device.load(ptxOrCubin, "k").value();
//   device.launch(kernel, {{grid}, {block}, sharedBytes}, {in.address(), uint32_t(7)}).value();
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_RAWDEVICE_H
#define IMBREX_TESTS_SUPPORT_RAWDEVICE_H

#include "runtime/CudaDriver.h"
#include "runtime/Device.h"
#include "runtime/Result.h"
#include "runtime/simulator/SimulatedDriver.h"
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace imbrex::testing {

struct RawShape {
  std::array<unsigned, 3> grid = {1, 1, 1}, block = {32, 1, 1};
  unsigned sharedBytes = 0; ///< dynamic
};

/// One of a kernel's parameters, of the parameter's own size.
using RawArgument =
    std::variant<uint64_t, int64_t, uint32_t, int32_t, uint16_t, uint8_t, float, double, cuda::CUtensorMap>;

/// A copy is the same device. Memory and kernels keep it open.
class RawDevice {
public:
  /// An Error of kind NoDevice where there is none of that name.
  static Result<RawDevice> open(std::string_view id, const simulator::SimulatorOptions &simulation = {});

  const DeviceInfo &info() const;
  const cuda::DriverTable &driver() const;

  /// Freed with the last copy.
  class Memory {
  public:
    uint64_t address() const;
    size_t bytes() const;
    /// At most bytes(), from the beginning.
    Result<void> upload(std::span<const std::byte> host) const;
    /// Likewise; waits for the device.
    Result<void> download(std::span<std::byte> host) const;

  private:
    friend class RawDevice;
    struct State;
    std::shared_ptr<State> state;
  };
  /// Not empty; every byte is `fill`.
  Result<Memory> allocate(size_t bytes, uint8_t fill = 0xff) const;

  /// Unloaded with the last copy.
  class Kernel {
  public:
    unsigned registers() const; ///< a thread's
    unsigned localBytes() const;

  private:
    friend class RawDevice;
    struct State;
    std::shared_ptr<State> state;
  };
  /// PTX text, which every device takes, or a cubin, which a GPU takes. The Error holds the driver's log.
  Result<Kernel> load(std::string_view image, const std::string &entry) const;

  /// Launches and waits. After an Error of kind Fault the device is of no more use, nor on a GPU the process.
  Result<void> launch(const Kernel &kernel, const RawShape &shape, const std::vector<RawArgument> &arguments) const;

  /// Milliseconds between events around `repeats` launches. NaN on a simulated device, which measures nothing
  /// and launches once.
  Result<float> time(const Kernel &kernel, const RawShape &shape, const std::vector<RawArgument> &arguments,
                     unsigned repeats) const;

private:
  struct State;
  std::shared_ptr<State> state;
};

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_RAWDEVICE_H
