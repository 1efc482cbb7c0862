//===- DriverTest.cpp - The simulated driver's calls ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arguments that a real driver refuses are refused with the same code, and nothing crashes.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace imbrex::simulator::testing;

namespace {

const std::string kCopy = kernelText("ld.global.u64 %rd6, [%rd4];\nst.global.u64 [%rd3], %rd6;");

TEST(Driver, KnowsItsDevices) {
  EXPECT_EQ(imbrex::simulator::simulatedDeviceNames().size(), 7u);
  EXPECT_FALSE(imbrex::simulator::makeSimulatedDriver("voodoo2"));
  Host host({}, "a100");
  int major = 0, shared = 0;
  host.driver.deviceGetAttribute(&major, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, 0);
  host.driver.deviceGetAttribute(&shared, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, 0);
  EXPECT_EQ(major, 8);
  EXPECT_EQ(shared, 163 * 1024);
  EXPECT_EQ(host.driver.deviceGetAttribute(&major, 12345, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_TRUE(host.driver.simulated);
}

/// A thread that ends leaves its current context to nobody, whichever id the next one gets.
TEST(Driver, AThreadBeginsWithoutAContext) {
  Host host;
  CUcontext context = nullptr;
  host.driver.primaryContextRetain(&context, 0);
  for (int i = 0; i < 4; ++i)
    std::thread([&] {
      CUdeviceptr address = 0;
      EXPECT_EQ(host.driver.memAlloc(&address, 16), CUDA_ERROR_INVALID_CONTEXT);
      EXPECT_EQ(host.driver.contextPushCurrent(context), CUDA_SUCCESS);
      EXPECT_EQ(host.driver.memAlloc(&address, 16), CUDA_SUCCESS);
    }).join();
}

TEST(Driver, NeedsInitAndContext) {
  DriverTable driver = *imbrex::simulator::makeSimulatedDriver("h100");
  int count = 0;
  CUdeviceptr address = 0;
  EXPECT_EQ(driver.deviceGetCount(&count), CUDA_ERROR_NOT_INITIALIZED);
  EXPECT_EQ(driver.init(0), CUDA_SUCCESS);
  EXPECT_EQ(driver.deviceGetCount(&count), CUDA_SUCCESS);
  EXPECT_EQ(driver.memAlloc(&address, 16), CUDA_ERROR_INVALID_CONTEXT);
}

/// What this process holds in memory, in bytes.
uint64_t residentBytes() {
  std::ifstream status("/proc/self/statm");
  uint64_t all = 0, resident = 0;
  status >> all >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

/// A fill is remembered, not stored. 1 GiB first, so that a device that stores it fails before it takes 100 of them.
TEST(Driver, ALargeFillStaysSparse) {
  Host host;
  CUfunction copy = host.load(kCopy);
  CUdeviceptr out = host.allocate(256);
  for (uint64_t gib : {1, 100}) {
    uint64_t bytes = gib << 30, before = residentBytes();
    CUdeviceptr memory = host.allocate(bytes);
    ASSERT_NE(memory, 0u);
    ASSERT_EQ(host.driver.memsetD8Async(memory, 0x5A, bytes, nullptr), CUDA_SUCCESS);
    EXPECT_EQ(host.download<uint64_t>(memory, 4), std::vector<uint64_t>(4, 0x5A5A5A5A5A5A5A5A));
    ASSERT_EQ(host.launch(copy, 1, 32, 0, out, memory + bytes - 256), CUDA_SUCCESS) << host.report;
    EXPECT_EQ(host.download<uint64_t>(out, 32), std::vector<uint64_t>(32, 0x5A5A5A5A5A5A5A5A));
    ASSERT_LT(residentBytes(), before + (uint64_t(128) << 20)) << gib << " GiB";
    EXPECT_EQ(host.driver.memFree(memory), CUDA_SUCCESS);
  }
}

/// Fills from and to the middle of pages, over one another, of words and of zeros; only what they name changes.
TEST(Driver, ALargeFillIsExact) {
  Host host;
  constexpr uint64_t kBytes = uint64_t(64) << 20, kFrom = 4097 * 4, kWords = (kBytes - 65536) / 4;
  CUdeviceptr memory = host.allocate(kBytes);
  ASSERT_EQ(host.driver.memsetD32Async(memory + kFrom, 0x44332211, kWords, nullptr), CUDA_SUCCESS);
  std::vector<uint32_t> values = host.download<uint32_t>(memory, kBytes / 4);
  auto differing = [&](uint64_t from, uint64_t to, uint32_t value) {
    return std::count_if(values.begin() + long(from), values.begin() + long(to),
                         [&](uint32_t v) { return v != value; });
  };
  EXPECT_EQ(differing(0, 4097, 0xFFFFFFFF), 0) << "never written";
  EXPECT_EQ(differing(4097, 4097 + kWords, 0x44332211), 0);
  EXPECT_EQ(differing(4097 + kWords, kBytes / 4, 0xFFFFFFFF), 0) << "never written";

  constexpr uint64_t kZeros = uint64_t(32) << 20;
  uint32_t one = 1;
  ASSERT_EQ(host.driver.memcpyHtoDAsync(memory + kZeros + 400, &one, 4, nullptr), CUDA_SUCCESS);
  ASSERT_EQ(host.driver.memsetD8Async(memory + kFrom + 2, 0, kZeros, nullptr), CUDA_SUCCESS);
  values = host.download<uint32_t>(memory, kBytes / 4);
  EXPECT_EQ(values[4097], 0x00002211u);
  EXPECT_EQ(differing(4098, 4097 + kZeros / 4, 0), 0);
  EXPECT_EQ(values[4097 + kZeros / 4], 0x44330000u);
  EXPECT_EQ(differing(4098 + kZeros / 4, 4097 + kWords, 0x44332211), 0);
}

TEST(Driver, CopiesThroughAKernel) {
  std::vector<uint64_t> input(32);
  for (uint64_t i = 0; i < 32; ++i)
    input[i] = i * 1000003;
  EXPECT_EQ(runBody("ld.global.u64 %rd6, [%rd4];\nst.global.u64 [%rd3], %rd6;", input), input);
}

TEST(Driver, RefusesBadLaunches) {
  Host host;
  CUfunction function = host.load(kCopy);
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr memory = host.upload(std::vector<uint64_t>(2048));
  EXPECT_EQ(host.launch(function, 0, 32, 0, memory, memory), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.launch(function, 1, 0, 0, memory, memory), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.launch(function, 1, 1025, 0, memory, memory), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.launch(function, 1, 32, 49153, memory, memory), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.launch(nullptr, 1, 32, 0, memory, memory), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(host.driver.launchKernel(function, 1, 1, 1, 32, 1, 1, 0, nullptr, nullptr, nullptr),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.launch(function, 1, 1024, 49152, memory, memory), CUDA_SUCCESS);
}

TEST(Driver, RaisesDynamicSharedMemory) {
  Host host({}, "rtx3090");
  CUfunction function = host.load(kernelText("st.global.u64 [%rd3], %rd5;", "", "sm_86"));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr out = host.allocate(256);
  constexpr int kAttribute = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
  EXPECT_EQ(host.driver.funcSetAttribute(function, kAttribute, 99 * 1024 + 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.driver.funcSetAttribute(function, kAttribute, 99 * 1024), CUDA_SUCCESS);
  EXPECT_EQ(host.launch(function, 1, 32, 99 * 1024, out, out), CUDA_SUCCESS);
}

TEST(Driver, RefusesBadMemoryCalls) {
  Host host;
  CUdeviceptr address = host.allocate(64);
  char bytes[128] = {};
  EXPECT_EQ(host.driver.memAlloc(&address, 0), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.driver.memAlloc(nullptr, 8), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.driver.memcpyHtoDAsync(address, bytes, 65, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.driver.memcpyHtoDAsync(address, nullptr, 8, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.driver.memcpyDtoHAsync(bytes, reinterpret_cast<CUdeviceptr>(bytes), 8, nullptr),
            CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.driver.memcpyDtoHAsync(bytes, address, 64, reinterpret_cast<CUstream>(0x99)),
            CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(host.driver.memsetD32Async(address + 2, 0, 1, nullptr), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.driver.memFree(address + 8), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.driver.memFree(address), CUDA_SUCCESS);
  EXPECT_EQ(host.driver.memFree(address), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(host.driver.memcpyHtoDAsync(address, bytes, 8, nullptr), CUDA_ERROR_INVALID_VALUE);
}

TEST(Driver, UnwrittenBytesComeBackAsNaN) {
  Host host;
  CUdeviceptr address = host.allocate(16);
  uint32_t value = 7;
  host.driver.memcpyHtoDAsync(address + 4, &value, 4, nullptr);
  auto words = host.download<uint32_t>(address, 3);
  EXPECT_EQ(words, (std::vector<uint32_t>{~0u, 7, ~0u}));
}

TEST(Driver, HugeSparseAllocationIsCheap) {
  Host host;
  CUfunction function = host.load(kernelText("mov.u64 %rd6, 0x200000000;\nadd.s64 %rd7, %rd3, %rd6;\n"
                                             "st.global.u64 [%rd7], %rd5;"));
  CUdeviceptr memory = host.allocate((uint64_t(8) << 30) + 4096);
  ASSERT_NE(memory, 0u);
  EXPECT_EQ(host.launch(function, 1, 32, 0, memory, memory), CUDA_SUCCESS) << host.report;
  EXPECT_EQ(host.download<uint64_t>(memory + (uint64_t(8) << 30), 32)[31], 31u * 8);
}

TEST(Driver, EventsAndStreams) {
  Host host;
  CUstream stream;
  CUevent first, last;
  float milliseconds = -1;
  EXPECT_EQ(host.driver.streamCreate(&stream, 1), CUDA_SUCCESS);
  EXPECT_EQ(host.driver.eventCreate(&first, 0), CUDA_SUCCESS);
  EXPECT_EQ(host.driver.eventCreate(&last, 0), CUDA_SUCCESS);
  EXPECT_EQ(host.driver.eventElapsedTime(&milliseconds, first, last), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(host.driver.eventRecord(first, stream), CUDA_SUCCESS);
  EXPECT_EQ(host.driver.eventRecord(last, stream), CUDA_SUCCESS);
  EXPECT_EQ(host.driver.eventElapsedTime(&milliseconds, first, last), CUDA_SUCCESS);
  EXPECT_GE(milliseconds, 0);
  EXPECT_EQ(host.driver.streamDestroy(stream), CUDA_SUCCESS);
  EXPECT_EQ(host.driver.streamSynchronize(stream), CUDA_ERROR_INVALID_HANDLE);
  EXPECT_EQ(host.driver.eventDestroy(first), CUDA_SUCCESS);
  EXPECT_EQ(host.driver.eventSynchronize(first), CUDA_ERROR_INVALID_HANDLE);
}

TEST(Driver, AFaultIsStickyUntilTheContextGoes) {
  Host host;
  CUfunction function = host.load(kernelText("trap;"));
  CUdeviceptr memory = host.allocate(8);
  EXPECT_EQ(host.launch(function, 1, 32, 0, memory, memory), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(host.driver.contextSynchronize(), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(host.driver.memAlloc(&memory, 8), CUDA_ERROR_LAUNCH_FAILED);
  EXPECT_EQ(host.driver.primaryContextRelease(0), CUDA_SUCCESS);
  CUcontext context;
  EXPECT_EQ(host.driver.primaryContextRetain(&context, 0), CUDA_SUCCESS);
  EXPECT_EQ(host.driver.contextSynchronize(), CUDA_SUCCESS);
}

TEST(Driver, TargetsAboveTheDeviceAreRefused) {
  Host host({}, "a100");
  host.load(kernelText("", "", "sm_90"));
  EXPECT_EQ(host.status, CUDA_ERROR_INVALID_PTX);
  EXPECT_NE(host.log.find("sm_90"), std::string::npos) << host.log;
  EXPECT_NE(host.driver.faultReport().find("sm_90"), std::string::npos);
  Host hopper;
  hopper.load(kernelText("", "", "sm_90a"));
  EXPECT_EQ(hopper.status, CUDA_SUCCESS) << hopper.log;
  Host blackwell({}, "b200");
  blackwell.load(kernelText("", "", "sm_90a"));
  EXPECT_EQ(blackwell.status, CUDA_ERROR_INVALID_PTX);
}

TEST(Driver, ParametersHaveTheLimitOfThePtxVersion) {
  // 600 parameters of 8 bytes: too much before PTX ISA 8.1.
  std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p0";
  for (int i = 1; i < 600; ++i)
    text += ", .param .u64 p" + std::to_string(i);
  text += ")\n{\nret;\n}\n";
  Host host;
  host.load(text);
  EXPECT_EQ(host.status, CUDA_ERROR_INVALID_PTX);
  EXPECT_NE(host.log.find("4104 bytes, at most 4096"), std::string::npos) << host.log;
  host.load(text.replace(0, 12, ".version 8.1"));
  EXPECT_EQ(host.status, CUDA_SUCCESS) << host.log;
}

TEST(Driver, NamesItsErrors) {
  Host host;
  const char *name = nullptr;
  EXPECT_EQ(host.driver.getErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &name), CUDA_SUCCESS);
  EXPECT_STREQ(name, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(host.driver.getErrorString(static_cast<CUresult>(4242), &name), CUDA_ERROR_INVALID_VALUE);
}

TEST(Driver, ConstantsThatAKernelNamesAreCounted) {
  Host host;
  CUfunction function = host.load(kernelText("ld.const.u32 %r1, [a+4];\n", ".const .u32 a[6];\n.const .f64 b;\n"));
  ASSERT_NE(function, nullptr) << host.log;
  int bytes = 0;
  EXPECT_EQ(host.driver.funcGetAttribute(&bytes, CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES, function), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 24);
}

TEST(Driver, GlobalsAndConstantsHaveTheirValues) {
  auto out = runBody("mov.u64 %rd6, g;\nld.global.u32 %r1, [%rd6+4];\nld.const.s16 %r2, [c+2];\nld.u64 %rd7, [table];\n"
                     "ld.global.u32 %r3, [%rd7];\nadd.u32 %r4, %r1, %r2;\nadd.u32 %r4, %r4, %r3;\n"
                     "cvt.u64.u32 %rd8, %r4;\nst.global.u64 [%rd3], %rd8;",
                     {},
                     ".global .align 4 .u32 g[4] = {100, 200};\n.const .align 2 .b8 c[4] = {1, 0, 254, 255};\n"
                     ".visible .global .align 8 .u64 table = g;\n");
  EXPECT_EQ(out[5], 200u - 2 + 100);
}

TEST(Driver, OptionsWithoutMeasure) {
  Host host(imbrex::simulator::SimulatorOptions{4000000, UINT64_MAX, 0});
  CUfunction function = host.load(kernelText("mov.u32 %r1, 1;"));
  CUdeviceptr memory = host.allocate(256);
  EXPECT_EQ(host.launch(function, 100000, 32, 0, memory, memory), CUDA_SUCCESS) << host.report;
}

} // namespace
