//===- Streams.cpp - Streams and events of the stand-in driver ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the simulated driver has no entry for: queries, flags, priorities, functions on the host, values in memory.
// Work is done when a call returns, so a host function runs at once; in a capture it is refused.
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/StandIn.h"

#include <map>
#include <mutex>

using namespace imbrex::standin;
using imbrex::cuda::CUcontext;
using imbrex::cuda::CUdevice;
using imbrex::cuda::CUdeviceptr;
using imbrex::cuda::CUevent;
using imbrex::cuda::CUgraph;
using imbrex::cuda::CUgraphNode;
using imbrex::cuda::CUstream;

namespace {

struct StreamFacts {
  unsigned flags = 0;
  int priority = 0;
};
struct Facts {
  std::mutex mutex;
  std::map<CUstream, StreamFacts> streams;
};
Facts &facts() {
  static Facts &all = *new Facts;
  return all;
}

} // namespace

bool imbrex::standin::isCapturing(CUstream stream) {
  int state = 0;
  return table().streamIsCapturing(stream, &state) == CUDA_SUCCESS && state != 0;
}

STANDIN_API cuStreamCreateWithPriority(CUstream *stream, unsigned flags, int priority) {
  CUresult status = table().streamCreate(stream, flags);
  if (status == CUDA_SUCCESS) {
    std::lock_guard lock(facts().mutex);
    facts().streams[*stream] = {flags, priority < -5 ? -5 : priority > 0 ? 0 : priority};
  }
  return status;
}
STANDIN_API cuStreamCreate(CUstream *stream, unsigned flags) { return cuStreamCreateWithPriority(stream, flags, 0); }
STANDIN_API cuStreamGetPriority(CUstream stream, int *priority) {
  std::lock_guard lock(facts().mutex);
  return *priority = facts().streams[stream].priority, CUDA_SUCCESS;
}
STANDIN_API cuStreamGetFlags(CUstream stream, unsigned *flags) {
  std::lock_guard lock(facts().mutex);
  return *flags = facts().streams[stream].flags, CUDA_SUCCESS;
}
STANDIN_API cuStreamGetId(CUstream stream, unsigned long long *id) {
  return *id = reinterpret_cast<unsigned long long>(stream), CUDA_SUCCESS;
}
STANDIN_API cuStreamGetDevice(CUstream, CUdevice *device) { return *device = 0, CUDA_SUCCESS; }
STANDIN_API cuStreamGetCtx_v2(CUstream stream, CUcontext *context, void **green) {
  if (green)
    *green = nullptr;
  return table().streamGetContext(stream, context);
}
/// A query that answers "done" is a wait that took no time.
STANDIN_API cuStreamQuery(CUstream stream) { return told(table().streamSynchronize(stream)); }
STANDIN_API cuEventQuery(CUevent event) { return told(table().eventQuery(event)); }
STANDIN_API cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned) {
  return table().eventRecord(event, stream);
}
STANDIN_API cuEventElapsedTime_v2(float *milliseconds, CUevent start, CUevent end) {
  return table().eventElapsedTime(milliseconds, start, end);
}
STANDIN_API cuStreamAttachMemAsync(CUstream, CUdeviceptr, size_t, unsigned) { return CUDA_SUCCESS; }
STANDIN_API cuStreamCopyAttributes(CUstream, CUstream) { return CUDA_SUCCESS; }
STANDIN_API cuStreamSetAttribute(CUstream, int, const void *) { return CUDA_SUCCESS; }

STANDIN_API cuLaunchHostFunc(CUstream stream, void (*function)(void *), void *data) {
  if (isCapturing(stream))
    return refuse("cuLaunchHostFunc in a stream capture");
  CUresult status = table().streamSynchronize(stream);
  if (status == CUDA_SUCCESS)
    function(data);
  return told(status);
}
STANDIN_API cuStreamAddCallback(CUstream stream, void (*callback)(CUstream, CUresult, void *), void *data, unsigned) {
  if (isCapturing(stream))
    return refuse("cuStreamAddCallback in a stream capture");
  callback(stream, table().streamSynchronize(stream), data);
  return CUDA_SUCCESS;
}

/// A stream waits for a value that only later work could write: here it would wait for ever.
template <class T> static CUresult waitForValue(CUstream stream, CUdeviceptr address, T value, unsigned flags) {
  if (isCapturing(stream))
    return refuse("cuStreamWaitValue in a stream capture");
  T found{};
  CUresult status = table().memcpyDtoHAsync(&found, address, sizeof(T), stream);
  if (status != CUDA_SUCCESS)
    return told(status);
  bool holds[] = {static_cast<std::make_signed_t<T>>(found - value) >= 0, found == value, (found & value) != 0,
                  static_cast<T>(~(found | value)) != 0};
  return holds[flags & 3] ? CUDA_SUCCESS : refuse("cuStreamWaitValue on a value that is not there yet");
}
STANDIN_API cuStreamWaitValue32_v2(CUstream stream, CUdeviceptr address, unsigned value, unsigned flags) {
  return waitForValue<uint32_t>(stream, address, value, flags);
}
STANDIN_API cuStreamWaitValue64_v2(CUstream stream, CUdeviceptr address, unsigned long value, unsigned flags) {
  return waitForValue<uint64_t>(stream, address, value, flags);
}
STANDIN_API cuStreamWriteValue32_v2(CUstream stream, CUdeviceptr address, unsigned value, unsigned) {
  return isCapturing(stream) ? refuse("cuStreamWriteValue in a stream capture")
                             : told(table().memcpyHtoDAsync(address, &value, 4, stream));
}
STANDIN_API cuStreamWriteValue64_v2(CUstream stream, CUdeviceptr address, unsigned long value, unsigned) {
  return isCapturing(stream) ? refuse("cuStreamWriteValue in a stream capture")
                             : told(table().memcpyHtoDAsync(address, &value, 8, stream));
}

STANDIN_API cuStreamGetCaptureInfo_v2(CUstream stream, int *state, unsigned long long *id, CUgraph *graph,
                                      const CUgraphNode **nodes, size_t *count) {
  if (state && !isCapturing(stream)) // Who asks for the graph too learns that there is none.
    return *state = 0, CUDA_SUCCESS;
  return table().streamGetCaptureInfo(stream, state, id, graph, nodes, count);
}
STANDIN_API cuStreamGetCaptureInfo_v3(CUstream stream, int *state, unsigned long long *id, CUgraph *graph,
                                      const CUgraphNode **nodes, const void **edges, size_t *count) {
  if (edges)
    *edges = nullptr;
  return cuStreamGetCaptureInfo_v2(stream, state, id, graph, nodes, count);
}
STANDIN_API cuThreadExchangeStreamCaptureMode(int *mode) { return *mode = 0, CUDA_SUCCESS; }
