//===- RuntimeGraph.cpp - Stream capture and graphs of the runtime library --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Graphs that are captured; those that are built node by node are refused by name (RuntimeRefused.def). What a capture
// takes is the simulated driver's business (../simulator/DriverGraph.h).
//
//===----------------------------------------------------------------------===//

#include "runtime/standin/Runtime.h"

using namespace imbrex::standin;

STANDIN_API cuStreamGetCaptureInfo_v2(CUstream, int *, unsigned long long *, CUgraph *, const CUgraphNode **, size_t *);

CUDART_API cudaStreamBeginCapture(CUstream stream, int mode) {
  useDevice();
  loadPrograms();
  return remember(told(table().streamBeginCapture(stream, mode)));
}
CUDART_API cudaStreamEndCapture(CUstream stream, CUgraph *graph) {
  return remember(told(table().streamEndCapture(stream, graph)));
}
CUDART_API cudaStreamIsCapturing(CUstream stream, int *state) {
  useDevice();
  return remember(table().streamIsCapturing(stream, state));
}
CUDART_API cudaStreamGetCaptureInfo_v2(CUstream stream, int *state, unsigned long long *id, CUgraph *graph,
                                       const CUgraphNode **nodes, size_t *count) {
  useDevice();
  return remember(cuStreamGetCaptureInfo_v2(stream, state, id, graph, nodes, count));
}
#if STANDIN_CUDART >= 13
CUDART_API cudaStreamGetCaptureInfo(CUstream stream, int *state, unsigned long long *id, CUgraph *graph,
                                    const CUgraphNode **nodes, const void **edges, size_t *count) {
  if (edges)
    *edges = nullptr;
  return cudaStreamGetCaptureInfo_v2(stream, state, id, graph, nodes, count);
}
#else
CUDART_API cudaStreamGetCaptureInfo(CUstream stream, int *state, unsigned long long *id) {
  return cudaStreamGetCaptureInfo_v2(stream, state, id, nullptr, nullptr, nullptr);
}
#endif
CUDART_API cudaThreadExchangeStreamCaptureMode(int *mode) { return *mode = 0, kSuccess; }

CUDART_API cudaGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph, unsigned long long flags) {
  return remember(told(table().graphInstantiate(executable, graph, flags)));
}
CUDART_API cudaGraphInstantiate(CUgraphExec *executable, CUgraph graph, unsigned long long flags) {
  return cudaGraphInstantiateWithFlags(executable, graph, flags);
}
CUDART_API cudaGraphUpload(CUgraphExec, CUstream) { return kSuccess; }
CUDART_API cudaGraphLaunch(CUgraphExec executable, CUstream stream) {
  return remember(told(table().graphLaunch(executable, stream)));
}
CUDART_API cudaGraphExecDestroy(CUgraphExec executable) { return remember(table().graphExecDestroy(executable)); }
CUDART_API cudaGraphDestroy(CUgraph graph) { return remember(table().graphDestroy(graph)); }
