//===- StandInTest.cpp - Programs find the simulated device as CUDA --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two stand-in libraries, opened as a program's loader would and called by name alone: what a driver client and
// what nvcc's own calls before main do.
//
//===----------------------------------------------------------------------===//

#include "runtime/CudaDriver.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>
#include <vector>

using namespace imbrex::cuda;

namespace {

const std::string kText = R"(.version 8.0
.target sm_80
.address_size 64
.visible .global .align 4 .u32 scale = 3;
.visible .entry triple(.param .u64 triple_param_0, .param .u32 triple_param_1)
{
.reg .pred %p; .reg .b32 %r<6>; .reg .b64 %rd<5>;
ld.param.u64 %rd1, [triple_param_0]; ld.param.u32 %r1, [triple_param_1];
mov.u32 %r2, %tid.x; setp.ge.u32 %p, %r2, %r1; @%p bra END;
mul.wide.u32 %rd2, %r2, 4; add.s64 %rd2, %rd1, %rd2;
ld.global.u32 %r3, [scale]; ld.global.u32 %r4, [%rd2]; mul.lo.u32 %r5, %r3, %r4; st.global.u32 [%rd2], %r5;
END: ret;
}
)";

class Library {
public:
  explicit Library(const char *name)
      : handle(dlopen((std::string(STANDIN_FOLDER "/") + name).c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    EXPECT_NE(handle, nullptr) << dlerror();
  }
  template <class... Parameters> CUresult call(const char *name, Parameters... parameters) {
    auto *entry = reinterpret_cast<CUresult (*)(Parameters...)>(dlsym(handle, name));
    EXPECT_NE(entry, nullptr) << name;
    return entry ? entry(parameters...) : CUDA_ERROR_NOT_FOUND;
  }

private:
  void *handle;
};

class Driver : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(cuda.call("cuInit", 0u), CUDA_SUCCESS);
    ASSERT_EQ(cuda.call("cuCtxCreate_v2", &context, 0u, 0), CUDA_SUCCESS);
    ASSERT_EQ(cuda.call("cuModuleLoadData", &module, kText.c_str()), CUDA_SUCCESS);
    ASSERT_EQ(cuda.call("cuModuleGetFunction", &function, module, "triple"), CUDA_SUCCESS);
  }
  void TearDown() override { EXPECT_EQ(cuda.call("cuCtxDestroy_v2", context), CUDA_SUCCESS); }

  /// Ends a link, which is gone then, and finds a kernel of what it made.
  void complete(void *linker, const char *kernel, CUfunction &entry) {
    void *image = nullptr;
    size_t bytes = 0;
    ASSERT_EQ(cuda.call("cuLinkComplete", linker, &image, &bytes), CUDA_SUCCESS);
    CUmodule linked = nullptr;
    ASSERT_EQ(cuda.call("cuModuleLoadData", &linked, image), CUDA_SUCCESS);
    EXPECT_EQ(cuda.call("cuLinkDestroy", linker), CUDA_SUCCESS);
    ASSERT_EQ(cuda.call("cuModuleGetFunction", &entry, linked, kernel), CUDA_SUCCESS);
  }
  CUresult launch(CUdeviceptr data, unsigned count, void **extra = nullptr) {
    void *arguments[] = {&data, &count};
    return cuda.call("cuLaunchKernel", function, 1u, 1u, 1u, 32u, 1u, 1u, 0u, static_cast<void *>(nullptr),
                     extra ? static_cast<void **>(nullptr) : arguments, extra);
  }

  Library cuda{"libcuda.so.1"};
  CUcontext context = nullptr;
  CUmodule module = nullptr;
  CUfunction function = nullptr;
};

/// Static destructors run when the main thread's own values are gone: the current context must still be there.
TEST_F(Driver, IsCalledAfterTheThreadsDestructors) {
  static Driver_IsCalledAfterTheThreadsDestructors_Test *driver;
  driver = this;
  auto late = [] {
    CUcontext now = nullptr;
    bool right = driver->cuda.call("cuCtxGetCurrent", &now) == CUDA_SUCCESS && now == driver->context &&
                 driver->cuda.call("cuCtxPushCurrent_v2", now) == CUDA_SUCCESS &&
                 driver->cuda.call("cuModuleUnload", driver->module) == CUDA_SUCCESS;
    std::_Exit(right ? 0 : 1);
  };
  EXPECT_EXIT((std::atexit(late), std::exit(2)), ::testing::ExitedWithCode(0), "");
}

TEST_F(Driver, RunsAKernel) {
  std::vector<unsigned> values = {1, 2, 3, 4};
  CUdeviceptr data = 0, scale = 0;
  size_t bytes = 0;
  unsigned five = 5;
  EXPECT_EQ(cuda.call("cuMemAlloc_v2", &data, size_t(16)), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuMemcpyHtoD_v2", data, values.data(), size_t(16)), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuModuleGetGlobal_v2", &scale, &bytes, module, "scale"), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 4u);
  EXPECT_EQ(cuda.call("cuMemcpyHtoD_v2", scale, &five, size_t(4)), CUDA_SUCCESS);
  EXPECT_EQ(launch(data, 4), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuMemcpyDtoH_v2", values.data(), data, size_t(16)), CUDA_SUCCESS);
  EXPECT_EQ(values, (std::vector<unsigned>{5, 10, 15, 20}));
}

TEST_F(Driver, HostMemoryIsTheDevicesToo) {
  unsigned *memory = nullptr;
  ASSERT_EQ(cuda.call("cuMemHostAlloc", &memory, size_t(64), 0u), CUDA_SUCCESS);
  memory[0] = 7;
  EXPECT_EQ(launch(reinterpret_cast<CUdeviceptr>(memory), 1), CUDA_SUCCESS);
  EXPECT_EQ(memory[0], 21u);
  unsigned type = 0;
  EXPECT_EQ(cuda.call("cuPointerGetAttribute", &type, 2, reinterpret_cast<CUdeviceptr>(memory)), CUDA_SUCCESS);
  EXPECT_EQ(type, 1u);
  EXPECT_EQ(cuda.call("cuMemFreeHost", memory), CUDA_SUCCESS);
  EXPECT_NE(cuda.call("cuMemFreeHost", memory), CUDA_SUCCESS);
}

/// Host memory that is handed over is the device's at its own address, where nothing else may lie: neither a part of
/// it, nor what it is a part of, nor what the device has already.
TEST_F(Driver, HostMemoryIsHandedOverOnce) {
  alignas(64) static unsigned memory[64];
  const size_t bytes = sizeof(memory);
  unsigned *middle = memory + 16;
  auto take = [&](unsigned *first, size_t size) { return cuda.call("cuMemHostRegister_v2", first, size, 0u); };
  ASSERT_EQ(take(middle, bytes / 2), CUDA_SUCCESS);
  EXPECT_NE(take(middle, bytes / 2), CUDA_SUCCESS) << "the same again";
  EXPECT_NE(take(middle + 4, 16), CUDA_SUCCESS) << "within it";
  EXPECT_NE(take(memory, bytes), CUDA_SUCCESS) << "round it";
  EXPECT_NE(take(memory, 65), CUDA_SUCCESS) << "into its beginning";
  EXPECT_NE(take(middle + 31, 8), CUDA_SUCCESS) << "out of its end";
  EXPECT_EQ(take(memory, 64), CUDA_SUCCESS) << "right before it";
  EXPECT_EQ(take(middle + 32, 64), CUDA_SUCCESS) << "right behind it";
  middle[31] = 2, middle[32] = 3;
  EXPECT_EQ(launch(reinterpret_cast<CUdeviceptr>(middle + 31), 1), CUDA_SUCCESS);
  EXPECT_EQ(launch(reinterpret_cast<CUdeviceptr>(middle + 32), 1), CUDA_SUCCESS);
  EXPECT_EQ(middle[31], 6u);
  EXPECT_EQ(middle[32], 9u);
  for (unsigned *first : {memory, middle, middle + 32})
    EXPECT_EQ(cuda.call("cuMemHostUnregister", first), CUDA_SUCCESS);
  EXPECT_EQ(take(memory, bytes), CUDA_SUCCESS) << "free again";
  EXPECT_EQ(cuda.call("cuMemHostUnregister", memory), CUDA_SUCCESS);
}

TEST_F(Driver, ParametersFromABuffer) {
  CUdeviceptr data = 0;
  cuda.call("cuMemAlloc_v2", &data, size_t(4));
  cuda.call("cuMemsetD32_v2", data, 2u, size_t(1));
  struct {
    CUdeviceptr data;
    unsigned count;
  } buffer{data, 1};
  size_t bytes = sizeof(buffer);
  void *extra[] = {reinterpret_cast<void *>(1), &buffer, reinterpret_cast<void *>(2), &bytes, nullptr};
  EXPECT_EQ(launch(0, 0, extra), CUDA_SUCCESS);
  unsigned result = 0;
  cuda.call("cuMemcpyDtoH_v2", &result, data, size_t(4));
  EXPECT_EQ(result, 6u);
  size_t offset = 0;
  EXPECT_EQ(cuda.call("cuFuncGetParamInfo", function, size_t(1), &offset, &bytes), CUDA_SUCCESS);
  EXPECT_EQ(offset, 8u);
  EXPECT_EQ(bytes, 4u);
  EXPECT_EQ(cuda.call("cuFuncGetParamInfo", function, size_t(2), &offset, &bytes), CUDA_ERROR_INVALID_VALUE);
}

/// As PyCUDA's prepared functions and programs of CUDA 3 launch.
TEST_F(Driver, LegacyLaunchInSteps) {
  CUdeviceptr data = 0;
  cuda.call("cuMemAlloc_v2", &data, size_t(8));
  cuda.call("cuMemsetD32_v2", data, 5u, size_t(2));
  EXPECT_EQ(cuda.call("cuFuncSetBlockShape", function, 2, 1, 1), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuFuncSetSharedSize", function, 16u), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuParamSetSize", function, 12u), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuParamSetv", function, 0, &data, 8u), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuParamSeti", function, 8, 2u), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuLaunchGrid", function, 1, 1), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuLaunch", function), CUDA_SUCCESS); // All settings stay.
  unsigned result[2] = {};
  cuda.call("cuMemcpyDtoH_v2", result, data, size_t(8));
  EXPECT_EQ(result[0], 45u);
  EXPECT_EQ(result[1], 45u);
  EXPECT_EQ(cuda.call("cuFuncSetBlockShape", function, 0, 1, 1), CUDA_ERROR_INVALID_VALUE);
  EXPECT_EQ(cuda.call("cuLaunchGrid", function, 0, 1), CUDA_ERROR_INVALID_VALUE);
}

TEST_F(Driver, EntriesAreFoundByName) {
  void *entry = nullptr;
  int state = 0;
  auto find = [&](const char *name, int version) {
    return cuda.call("cuGetProcAddress_v2", name, &entry, version, uint64_t(0), &state);
  };
  for (const char *name : {"cuInit", "cuMemAlloc", "cuCtxCreate", "cuLaunchKernel", "cuGetProcAddress"}) {
    EXPECT_EQ(find(name, 12000), CUDA_SUCCESS);
    EXPECT_NE(entry, nullptr) << name;
    EXPECT_EQ(state, 0);
  }
  EXPECT_EQ(find("cuNoSuchThing", 12000), CUDA_SUCCESS);
  EXPECT_EQ(entry, nullptr);
  EXPECT_EQ(state, 1);
  EXPECT_EQ(cuda.call("cuGetProcAddress", "cuInit", &entry, 11000, uint64_t(0)), CUDA_SUCCESS);
  EXPECT_NE(entry, nullptr);
}

TEST_F(Driver, WhatIsNotModelledSaysSo) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(cuda.call("cuGraphCreate", static_cast<void *>(nullptr), 0u), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("cuGraphCreate is not modelled"), std::string::npos);
  EXPECT_EQ(cuda.call("cuModuleLoadData", &module,
                      "\x7f"
                      "ELF"),
            CUDA_ERROR_NO_BINARY_FOR_GPU);
}

/// A program linked with the driver (PyCUDA's module) does not load where one of its symbols is missing.
TEST_F(Driver, AProfilerIsNeverAttached) {
  EXPECT_EQ(cuda.call("cuProfilerStart"), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuProfilerStop"), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuProfilerInitialize", "", "", 0), CUDA_ERROR_NOT_SUPPORTED);
}

TEST_F(Driver, AFaultIsPrinted) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(launch(64, 1), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("out of bounds in kernel 'triple'"), std::string::npos);
  cuda.call("cuCtxDestroy_v2", context); // The fault stays until the context is gone.
  ASSERT_EQ(cuda.call("cuCtxCreate_v2", &context, 0u, 0), CUDA_SUCCESS);
  EXPECT_EQ(cuda.call("cuCtxSynchronize"), CUDA_SUCCESS);
}

TEST_F(Driver, OccupancyFollowsFromThreads) {
  int blocks = 0;
  EXPECT_EQ(cuda.call("cuOccupancyMaxActiveBlocksPerMultiprocessor", &blocks, function, 1024, size_t(0)), CUDA_SUCCESS);
  EXPECT_EQ(blocks, 2);
  EXPECT_EQ(cuda.call("cuOccupancyMaxActiveBlocksPerMultiprocessor", &blocks, function, 1024, size_t(200 * 1024)),
            CUDA_SUCCESS);
  EXPECT_EQ(blocks, 1);

  CUlaunchAttribute cluster = {};
  cluster.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  cluster.value.cluster[0] = 2;
  cluster.value.cluster[1] = 3;
  cluster.value.cluster[2] = 1;
  CUlaunchConfig config{6, 6, 1, 1024, 1, 1, 200 * 1024, nullptr, &cluster, 1};
  int clusters = 0, processors = 0;
  cuda.call("cuDeviceGetAttribute", &processors, int(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT), 0);
  EXPECT_EQ(cuda.call("cuOccupancyMaxActiveClusters", &clusters, function, &config), CUDA_SUCCESS);
  EXPECT_EQ(clusters, processors / 6);
  EXPECT_EQ(cuda.call("cuOccupancyMaxPotentialClusterSize", &clusters, function, &config), CUDA_SUCCESS);
  EXPECT_EQ(clusters, 8);
}

/// A fat binary with one entry, as nvcc lays it out.
std::vector<uint8_t> fatBinary(const std::string &body, uint64_t flags, uint64_t plainBytes) {
  std::vector<uint8_t> bytes(16 + 80);
  auto put = [&](size_t at, auto value) { std::memcpy(bytes.data() + at, &value, sizeof(value)); };
  uint64_t padded = (body.size() + 8) / 8 * 8;
  put(0, uint32_t(0xBA55ED50));
  put(4, uint16_t(1));
  put(6, uint16_t(16));
  put(8, uint64_t(80 + padded));
  put(16, uint16_t(1)); // PTX
  put(18, uint16_t(0x101));
  put(20, uint32_t(80));
  put(24, padded);
  put(32, static_cast<uint32_t>(body.size()));
  put(44, uint32_t(80)); // sm_80
  put(56, flags);
  put(72, plainBytes);
  bytes.insert(bytes.end(), body.begin(), body.end());
  bytes.resize(16 + 80 + padded);
  return bytes;
}

/// LZ4 that holds literals alone: a token, the rest of the length, the bytes.
std::string literals(const std::string &text) {
  std::string out = "\xF0";
  size_t rest = text.size() - 15;
  for (; rest >= 255; rest -= 255)
    out += '\xFF';
  out += static_cast<char>(rest);
  return out + text;
}

void runProgram(const std::vector<uint8_t> &image) {
  Library cudart("libcudart.so.13");
  struct {
    uint32_t magic, version;
    const uint8_t *data;
    void *nothing;
  } wrapper{0x466243B1, 1, image.data(), nullptr};
  static const char kHostFunction = 0, kHostVariable = 0;
  const void *host = new char; // An address that no other program has.
  auto *registerImage = reinterpret_cast<void **(*)(void *)>(dlsym(RTLD_DEFAULT, "__cudaRegisterFatBinary"));
  ASSERT_NE(registerImage, nullptr);
  void **program = registerImage(&wrapper);
  cudart.call("__cudaRegisterFunction", program, host, static_cast<void *>(nullptr), "triple", -1, nullptr, nullptr,
              nullptr, nullptr, nullptr);
  unsigned *data = nullptr, values[] = {1, 2, 3, 4}, count = 4;
  EXPECT_EQ(cudart.call("cudaMalloc", &data, size_t(16)), 0);
  EXPECT_EQ(cudart.call("cudaMemcpy", data, values, size_t(16), 1), 0);
  struct Dim3 {
    unsigned x, y, z;
  } one{1, 1, 1}, threads{32, 1, 1};
  void *arguments[] = {&data, &count};
  EXPECT_EQ(cudart.call("cudaLaunchKernel", host, one, threads, arguments, size_t(0), static_cast<void *>(nullptr)), 0);
  EXPECT_EQ(cudart.call("cudaMemcpy", values, data, size_t(16), 2), 0);
  EXPECT_EQ(values[3], 12u);
  EXPECT_EQ(
      cudart.call("cudaLaunchKernel", &kHostFunction, one, threads, arguments, size_t(0), static_cast<void *>(nullptr)),
      98);
  EXPECT_EQ(cudart.call("cudaGetLastError"), 98);
  EXPECT_EQ(cudart.call("cudaGetLastError"), 0);
  void *address = nullptr;
  EXPECT_EQ(cudart.call("cudaGetSymbolAddress", &address, &kHostVariable), 13);
}

/// The same addition twice, once in each block of a cluster, by a function of another input of the link.
TEST_F(Driver, LinksFiles) {
  std::string path = ::testing::TempDir() + "link" + std::to_string(getpid()) + ".ptx", missing = path + ".none";
  std::ofstream(path) << kText;
  void *linker = nullptr;
  ASSERT_EQ(cuda.call("cuLinkCreate_v2", 0u, nullptr, nullptr, &linker), CUDA_SUCCESS);
  constexpr CUresult kFileNotFound = static_cast<CUresult>(301);
  EXPECT_EQ(cuda.call("cuLinkAddFile_v2", linker, 1, missing.c_str(), 0u, nullptr, nullptr), kFileNotFound);
  ASSERT_EQ(cuda.call("cuLinkAddFile_v2", linker, 1, path.c_str(), 0u, nullptr, nullptr), CUDA_SUCCESS);
  std::remove(path.c_str());
  CUfunction entry = nullptr;
  ASSERT_NO_FATAL_FAILURE(complete(linker, "triple", entry));
}

/// Each of 4 blocks of 64 threads writes its number, meets the others, and reads what block 3 - its own wrote; out[4
/// ..] holds that, out[8 ..] the answer of the barrier, out[12 ..] the grid's size and the last thread's rank.
const char *const kGridText = R"(.version 8.0
.target sm_90
.address_size 64
.extern .func (.param .b64 r) cudaCGGetIntrinsicHandle(.param .b32 scope);
.extern .func (.param .b32 r) cudaCGSynchronizeGrid(.param .b64 handle, .param .b32 flags);
.extern .func (.param .b32 r) cudaCGGetSize(.param .b64 threads, .param .b64 grids, .param .b64 handle);
.extern .func (.param .b32 r) cudaCGGetRank(.param .b64 threads, .param .b64 grids, .param .b64 handle);
.visible .entry k(.param .u64 out)
{
.reg .pred %p; .reg .b32 %r<8>; .reg .b64 %rd<8>;
ld.param.u64 %rd1, [out];
mov.u32 %r1, %ctaid.x; mov.u32 %r2, %tid.x;
setp.ne.u32 %p, %r2, 63;
mul.wide.u32 %rd2, %r1, 4; add.u64 %rd2, %rd2, %rd1;
sub.u32 %r3, 3, %r1; mul.wide.u32 %rd3, %r3, 4; add.u64 %rd3, %rd3, %rd1;
@!%p st.global.u32 [%rd2], %r1;
{ .param .b32 scope; .param .b64 r; st.param.b32 [scope], 1;
  call (r), cudaCGGetIntrinsicHandle, (scope); ld.param.b64 %rd4, [r]; }
{ .param .b64 h; .param .b32 f; .param .b32 r; st.param.b64 [h], %rd4; st.param.b32 [f], 0;
  call (r), cudaCGSynchronizeGrid, (h, f); ld.param.b32 %r4, [r]; }
@%p bra END;
st.global.u32 [%rd2+32], %r4;
setp.ne.u32 %p, %r4, 0; @%p bra END;
ld.global.u32 %r5, [%rd3]; st.global.u32 [%rd2+16], %r5;
setp.ne.u32 %p, %r1, 3; @%p bra END;
{ .param .b64 a; .param .b64 b; .param .b64 h; .param .b32 r; add.u64 %rd5, %rd1, 48; add.u64 %rd6, %rd1, 52;
  st.param.b64 [a], %rd5; st.param.b64 [b], %rd6; st.param.b64 [h], %rd4; call (r), cudaCGGetSize, (a, b, h); }
{ .param .b64 a; .param .b64 b; .param .b64 h; .param .b32 r; add.u64 %rd5, %rd1, 56; add.u64 %rd6, %rd1, 60;
  st.param.b64 [a], %rd5; st.param.b64 [b], %rd6; st.param.b64 [h], %rd4; call (r), cudaCGGetRank, (a, b, h); }
END:
ret;
}
)";

/// As numba-cuda links grids that meet: libcudadevrt.a beside the kernel's PTX.
TEST_F(Driver, LinksTheDeviceRuntimeForGrids) {
  std::string library = "!<arch>\ncuda_device_runtime.o/ machine code", other = "!<arch>\nmine.o/ machine code";
  void *linker = nullptr;
  auto add = [&](int kind, const std::string &text) {
    return cuda.call("cuLinkAddData_v2", linker, kind, text.data(), text.size(), "input", 0u, nullptr, nullptr);
  };
  ASSERT_EQ(cuda.call("cuLinkCreate_v2", 0u, nullptr, nullptr, &linker), CUDA_SUCCESS);
  ASSERT_EQ(add(1, kGridText), CUDA_SUCCESS);
  EXPECT_EQ(add(4, other), CUDA_ERROR_NOT_SUPPORTED);
  ASSERT_EQ(add(4, library), CUDA_SUCCESS);
  CUfunction entry = nullptr;
  ASSERT_NO_FATAL_FAILURE(complete(linker, "k", entry));
  CUdeviceptr out = 0;
  cuda.call("cuMemAlloc_v2", &out, size_t(64));
  void *arguments[] = {&out};
  using Words = std::vector<unsigned>;
  auto run = [&](const char *how, auto... last) {
    Words words(16);
    cuda.call("cuMemsetD32_v2", out, 99u, size_t(16));
    EXPECT_EQ(cuda.call(how, entry, 4u, 1u, 1u, 64u, 1u, 1u, 0u, static_cast<void *>(nullptr),
                        static_cast<void **>(arguments), last...),
              CUDA_SUCCESS);
    cuda.call("cuMemcpyDtoH_v2", words.data(), out, size_t(64));
    return words;
  };
  EXPECT_EQ(run("cuLaunchCooperativeKernel"), (Words{0, 1, 2, 3, 3, 2, 1, 0, 0, 0, 0, 0, 256, 1, 255, 0}));
  EXPECT_EQ(run("cuLaunchKernel", static_cast<void **>(nullptr)),
            (Words{0, 1, 2, 3, 99, 99, 99, 99, 1, 1, 1, 1, 99, 99, 99, 99}));
}

TEST_F(Driver, LinksLaunchesWithClustersAndEncodesTensorMaps) {
  const std::string head = ".version 8.0\n.target sm_90\n.address_size 64\n";
  std::string kernel = head +
                       ".extern .func (.param .b32 r) rank();\n"
                       ".visible .entry k(.param .u64 out)\n{\n.reg .b32 %r<4>;\n.reg .b64 %rd<4>;\n"
                       "ld.param.u64 %rd1, [out];\nmov.u32 %r1, %ctaid.x;\nmul.wide.u32 %rd2, %r1, 4;\n"
                       "add.s64 %rd1, %rd1, %rd2;\n{\n.param .b32 r;\ncall (r), rank, ();\nld.param.b32 %r2, [r];\n}\n"
                       "st.global.u32 [%rd1], %r2;\nret;\n}\n";
  std::string function =
      head + ".visible .func (.param .b32 r) rank()\n{\n.reg .b32 %r<4>;\nmov.u32 %r1, %cluster_ctarank;\n"
             "mov.u32 %r2, %cluster_nctarank;\nmad.lo.u32 %r1, %r2, 10, %r1;\nst.param.b32 [r], %r1;\nret;\n}\n";
  void *linker = nullptr;
  ASSERT_EQ(cuda.call("cuLinkCreate_v2", 0u, nullptr, nullptr, &linker), CUDA_SUCCESS);
  for (const std::string &text : {kernel, function})
    ASSERT_EQ(cuda.call("cuLinkAddData_v2", linker, 1, text.c_str(), text.size() + 1, "input", 0u, nullptr, nullptr),
              CUDA_SUCCESS);
  CUfunction entry = nullptr;
  ASSERT_NO_FATAL_FAILURE(complete(linker, "k", entry));
  CUdeviceptr out = 0;
  cuda.call("cuMemAlloc_v2", &out, size_t(16));
  CUlaunchAttribute cluster = {};
  cluster.id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
  cluster.value.cluster[0] = 2;
  cluster.value.cluster[1] = cluster.value.cluster[2] = 1;
  CUlaunchConfig config{4, 1, 1, 1, 1, 1, 0, nullptr, &cluster, 1};
  void *arguments[] = {&out};
  ASSERT_EQ(cuda.call("cuLaunchKernelEx", &config, entry, arguments, static_cast<void **>(nullptr)), CUDA_SUCCESS);
  std::vector<unsigned> ranks(4);
  cuda.call("cuMemcpyDtoH_v2", ranks.data(), out, size_t(16));
  EXPECT_EQ(ranks, (std::vector<unsigned>{20, 21, 20, 21}));

  alignas(64) CUtensorMap map = {};
  CUdeviceptr tensor = 0;
  cuda.call("cuMemAlloc_v2", &tensor, size_t(4096));
  const unsigned long long extents[] = {32, 32}, strides[] = {128};
  const unsigned box[] = {32, 8}, steps[] = {1, 1};
  auto encode = [&](unsigned long long *pitch) { // 7: f32.
    return cuda.call("cuTensorMapEncodeTiled", &map, 7, 2u, reinterpret_cast<void *>(tensor), extents, pitch, box,
                     steps, 0, 0, 0, 0);
  };
  unsigned long long good = strides[0], odd = 100;
  EXPECT_EQ(encode(&good), CUDA_SUCCESS);
  EXPECT_EQ(encode(&odd), CUDA_ERROR_INVALID_VALUE);
}

/// A program that is linked with the runtime library finds all of its names.
TEST(RuntimeLibrary, WhatIsNotModelledSaysSo) {
  Library cudart("libcudart.so.13");
  testing::internal::CaptureStderr();
  EXPECT_EQ(cudart.call("cudaGraphCreate", static_cast<void *>(nullptr), 0u), CUDA_ERROR_NOT_SUPPORTED);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("cudaGraphCreate is not modelled"), std::string::npos);
  EXPECT_EQ(cudart.call("cudaGetLastError"), CUDA_ERROR_NOT_SUPPORTED);
}

TEST(RuntimeLibrary, PlainFatBinary) { runProgram(fatBinary(kText, 0x11, 0)); }
TEST(RuntimeLibrary, Lz4FatBinary) { runProgram(fatBinary(literals(kText), 0x2011, kText.size())); }

} // namespace
