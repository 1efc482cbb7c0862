// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What most programs need of the runtime library: memory of every kind, symbols, streams, events, properties, errors.
#include <cstdio>
#include <cstdlib>
#include <vector>

#define CHECK(call)                                                                                                    \
  if (cudaError_t status = call; status != cudaSuccess)                                                                \
  return std::printf("%s: %s\n", #call, cudaGetErrorString(status)), 1

__constant__ int factor[2];
__device__ int counter = 0;

__global__ void scale(const int *in, int *out, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n)
    out[i] = in[i] * factor[0] + factor[1];
  if (threadIdx.x == 0)
    atomicAdd(&counter, 1);
}

const char *const kLoaded = R"(.version 8.0
.target sm_80
.address_size 64
.visible .global .u32 seen;
.visible .entry square(.param .u64 p)
{
.reg .u64 %rd<2>;
.reg .u32 %r<3>;
ld.param.u64 %rd1, [p];
mov.u32 %r1, %tid.x;
mad.wide.u32 %rd1, %r1, 4, %rd1;
mul.lo.u32 %r2, %r1, %r1;
st.global.u32 [%rd1], %r2;
ret;
}
)";

/// PTX that the program brings itself; its kernels are launched as the program's own are.
static int library(int *out) {
  cudaLibrary_t loaded, bad;
  cudaKernel_t kernel, listed;
  unsigned count = 0;
  void *seen;
  size_t bytes = 0;
  int got[32];
  CHECK(cudaLibraryLoadData(&loaded, kLoaded, nullptr, nullptr, 0, nullptr, nullptr, 0));
  CHECK(cudaLibraryGetKernel(&kernel, loaded, "square"));
  CHECK(cudaLibraryGetKernelCount(&count, loaded));
  CHECK(cudaLibraryEnumerateKernels(&listed, 1, loaded));
  CHECK(cudaLibraryGetGlobal(&seen, &bytes, loaded, "seen"));
  CHECK(cudaKernelSetAttributeForDevice(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 65536, 0));
  void *arguments[] = {&out};
  CHECK(cudaLaunchKernel(reinterpret_cast<const void *>(kernel), dim3(1), dim3(32), arguments, 60000, nullptr));
  CHECK(cudaMemcpy(got, out, sizeof(got), cudaMemcpyDeviceToHost));
  for (int i = 0; i < 32; ++i)
    if (got[i] != i * i)
      return std::printf("wrong at %d of the library: %d\n", i, got[i]), 1;
  if (count != 1 || listed != kernel || bytes != 4 || cudaLibraryGetKernel(&listed, loaded, "none") == cudaSuccess ||
      cudaLibraryLoadData(&bad, "no PTX", nullptr, nullptr, 0, nullptr, nullptr, 0) == cudaSuccess)
    return std::printf("wrong: %u kernels, %zu bytes\n", count, bytes), 1;
  CHECK(cudaLibraryUnload(loaded));
  if (cudaLaunchKernel(reinterpret_cast<const void *>(kernel), dim3(1), dim3(32), arguments, 0, nullptr) !=
      cudaErrorInvalidDeviceFunction)
    return std::puts("wrong: an unloaded kernel runs"), 1;
  return 0;
}

/// A captured graph of two kernels with an event between two streams, launched three times.
static int graph(cudaStream_t stream, int *in, int *out, int n) {
  cudaStream_t side;
  cudaEvent_t forked, joined;
  cudaGraph_t captured;
  cudaGraphExec_t runnable;
  cudaStreamCaptureStatus state;
  CHECK(cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking));
  CHECK(cudaEventCreate(&forked));
  CHECK(cudaEventCreate(&joined));
  CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
  scale<<<(n + 127) / 128, 128, 0, stream>>>(in, out, n);
  CHECK(cudaEventRecord(forked, stream));
  CHECK(cudaStreamWaitEvent(side, forked, 0));
  scale<<<(n + 127) / 128, 128, 0, side>>>(out, in, n);
  CHECK(cudaEventRecord(joined, side));
  CHECK(cudaStreamWaitEvent(stream, joined, 0));
  CHECK(cudaStreamIsCapturing(stream, &state));
  if (state != cudaStreamCaptureStatusActive || cudaLaunchHostFunc(stream, nullptr, nullptr) != cudaErrorNotSupported)
    return std::puts("wrong: no capture"), 1;
  CHECK(cudaStreamEndCapture(stream, &captured));
  CHECK(cudaGraphInstantiate(&runnable, captured, 0));
  for (int i = 0; i < 3; ++i)
    CHECK(cudaGraphLaunch(runnable, stream));
  CHECK(cudaStreamSynchronize(stream));
  CHECK(cudaGraphExecDestroy(runnable));
  CHECK(cudaGraphDestroy(captured));
  int last = 0;
  CHECK(cudaMemcpy(&last, in + 1, sizeof(int), cudaMemcpyDeviceToHost));
  return last == 1093 ? 0 : (std::printf("wrong: %d after three graphs\n", last), 1); // 1, 4, 13, 40, 121, 364, 1093.
}

int main() {
  const int n = 1000;
  std::vector<int> host(n);
  for (int i = 0; i < n; ++i)
    host[i] = i;
  int *in, *out, *managed, *pinned, factors[2] = {3, 1}, blocks = 0;
  cudaStream_t stream;
  cudaEvent_t begin, end;
  cudaDeviceProp properties;
  float milliseconds;
  CHECK(cudaGetDeviceProperties(&properties, 0));
  CHECK(cudaMalloc(&in, n * sizeof(int)));
  CHECK(cudaMalloc(&out, n * sizeof(int)));
  CHECK(cudaMallocManaged(&managed, n * sizeof(int)));
  CHECK(cudaMallocHost(&pinned, n * sizeof(int)));
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  CHECK(cudaEventCreate(&begin));
  CHECK(cudaEventCreate(&end));
  CHECK(cudaMemcpyToSymbol(factor, factors, sizeof(factors)));
  CHECK(cudaMemcpyAsync(in, host.data(), n * sizeof(int), cudaMemcpyHostToDevice, stream));
  CHECK(cudaEventRecord(begin, stream));
  scale<<<(n + 127) / 128, 128, 0, stream>>>(in, out, n);
  scale<<<(n + 127) / 128, 128, 0, stream>>>(out, managed, n);
  CHECK(cudaGetLastError());
  CHECK(cudaEventRecord(end, stream));
  CHECK(cudaMemcpyAsync(pinned, out, n * sizeof(int), cudaMemcpyDeviceToHost, stream));
  CHECK(cudaStreamSynchronize(stream));
  CHECK(cudaEventElapsedTime(&milliseconds, begin, end));
  CHECK(cudaMemcpyFromSymbol(&blocks, counter, sizeof(int)));
  CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&factors[0], scale, 128, 0));
  for (int i = 0; i < n; ++i)
    if (pinned[i] != 3 * i + 1 || managed[i] != 9 * i + 4)
      return std::printf("wrong at %d: %d %d\n", i, pinned[i], managed[i]), 1;
  scale<<<1, 2000>>>(in, out, n);
  if (cudaGetLastError() != cudaErrorInvalidConfiguration || blocks != 16 || factors[0] != 16 || properties.warpSize != 32 ||
      properties.major < 8 || properties.multiProcessorCount < 1 || properties.sharedMemPerBlockOptin < 49152)
    return std::printf("wrong: %d blocks, occupancy %d, warps of %d\n", blocks, factors[0], properties.warpSize), 1;
  if (library(out) || graph(stream, in, managed, n))
    return 1;
  CHECK(cudaFree(managed));
  CHECK(cudaFreeHost(pinned));
  std::puts("right");
  return 0;
}
