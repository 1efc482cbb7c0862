//===- SimulatorTest.h - Running PTX in a test ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A small host for tests of the simulated device: loads PTX, moves arrays, launches, and keeps the
// fault report. `kernelText` wraps a body in a module with the usual registers.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RUNTIME_SIMULATOR_SIMULATORTEST_H
#define IMBREX_TESTS_RUNTIME_SIMULATOR_SIMULATORTEST_H

#include "runtime/simulator/SimulatedDriver.h"

#include <gtest/gtest.h>

namespace imbrex::simulator::testing {

using namespace cuda;

class Host {
public:
  explicit Host(const SimulatorOptions &options = {}, const char *device = "h200")
      : driver(*makeSimulatedDriver(device, options)) {
    driver.init(0);
    CUcontext context;
    driver.primaryContextRetain(&context, 0);
    driver.contextPushCurrent(context);
  }
  ~Host() { driver.contextPopCurrent(nullptr); }

  /// The kernel `k` of the text; null with `log` set if it does not load.
  CUfunction load(const std::string &text) {
    char buffer[2048] = "";
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {buffer, reinterpret_cast<void *>(sizeof(buffer))};
    CUmodule module = nullptr;
    status = driver.moduleLoadDataEx(&module, text.c_str(), 2, options, values);
    log = buffer;
    CUfunction function = nullptr;
    if (status == CUDA_SUCCESS) {
      status = driver.moduleGetFunction(&function, module, "k");
      if (status != CUDA_SUCCESS)
        log = driver.faultReport();
    }
    return function;
  }

  template <class T> CUdeviceptr upload(const std::vector<T> &values) {
    CUdeviceptr address = allocate(values.size() * sizeof(T));
    driver.memcpyHtoDAsync(address, values.data(), values.size() * sizeof(T), nullptr);
    return address;
  }
  CUdeviceptr allocate(size_t bytes) {
    CUdeviceptr address = 0;
    driver.memAlloc(&address, bytes);
    return address;
  }
  template <class T> std::vector<T> download(CUdeviceptr address, size_t count) {
    std::vector<T> values(count);
    driver.memcpyDtoHAsync(values.data(), address, count * sizeof(T), nullptr);
    return values;
  }

  template <class... Arguments>
  CUresult launch(CUfunction function, unsigned blocks, unsigned threads, unsigned sharedBytes,
                  Arguments... arguments) {
    void *pointers[] = {static_cast<void *>(&arguments)..., nullptr};
    status = driver.launchKernel(function, blocks, 1, 1, threads, 1, 1, sharedBytes, nullptr, pointers, nullptr);
    report = status == CUDA_SUCCESS ? "" : driver.faultReport();
    return status;
  }

  /// The same with blocks in clusters of `cluster`, or all together.
  template <class... Arguments>
  CUresult launchEx(CUfunction function, unsigned blocks, unsigned threads, unsigned cluster, bool cooperative,
                    Arguments... arguments) {
    void *pointers[] = {static_cast<void *>(&arguments)..., nullptr};
    CUlaunchAttribute attributes[2] = {};
    attributes[0].id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    attributes[0].value.cluster[0] = cluster;
    attributes[0].value.cluster[1] = attributes[0].value.cluster[2] = 1;
    attributes[1].id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
    attributes[1].value.number = cooperative;
    CUlaunchConfig config{blocks, 1, 1, threads, 1, 1, 0, nullptr, attributes, 2};
    status = driver.launchKernelEx(&config, function, pointers, nullptr);
    report = status == CUDA_SUCCESS ? "" : driver.faultReport();
    return status;
  }

  DriverTable driver;
  CUresult status = CUDA_SUCCESS;
  std::string log, report;
};

/// A module for sm_90 whose kernel `k` takes a pointer `out` and one `in`, loaded in %rd1 and %rd2.
/// %r0 holds %tid.x; %rd3 and %rd4 point at this thread's 8-byte element of out and in.
inline std::string kernelText(const std::string &body, const std::string &declarations = "",
                              const std::string &target = "sm_90") {
  return ".version 8.0\n.target " + target + "\n.address_size 64\n" + declarations +
         ".visible .entry k(.param .u64 out, .param .u64 in)\n{\n"
         ".reg .pred %p<8>;\n.reg .b16 %h<16>;\n.reg .b32 %r<64>;\n.reg .f32 %f<64>;\n.reg .b64 %rd<32>;\n"
         ".reg .f64 %d<16>;\n"
         "ld.param.u64 %rd1, [out];\nld.param.u64 %rd2, [in];\nmov.u32 %r0, %tid.x;\n"
         "mul.wide.u32 %rd5, %r0, 8;\nadd.s64 %rd3, %rd1, %rd5;\nadd.s64 %rd4, %rd2, %rd5;\n" +
         body + "\nret;\n}\n";
}

/// Runs `body` for 32 threads; each reads its 8-byte element of `input` and writes one of the result.
inline std::vector<uint64_t> runBody(const std::string &body, std::vector<uint64_t> input,
                                     const std::string &declarations = "") {
  Host host;
  CUfunction function = host.load(kernelText(body, declarations));
  EXPECT_EQ(host.status, CUDA_SUCCESS) << host.log;
  if (!function)
    return std::vector<uint64_t>(32);
  input.resize(64);
  CUdeviceptr in = host.upload(input), out = host.allocate(256);
  host.driver.memsetD8Async(out, 0, 256, nullptr);
  EXPECT_EQ(host.launch(function, 1, 32, 0, out, in), CUDA_SUCCESS) << host.report;
  return host.download<uint64_t>(out, 32);
}

} // namespace imbrex::simulator::testing

#endif // IMBREX_TESTS_RUNTIME_SIMULATOR_SIMULATORTEST_H
