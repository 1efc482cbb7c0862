//===- DriverGraph.cpp - Captured streams and graphs ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Who knows of which nodes, as clocks: an event carries what its stream knows, the origin must know all at the end.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/DriverGraph.h"

#include "runtime/simulator/Driver.h"

#include <algorithm>

namespace imbrex::simulator {

using namespace cuda;

namespace {
constexpr uint64_t kLastLegacyStream = 1; // 0 is the legacy stream where nobody says otherwise, 1 is by name.
} // namespace

CUresult Graphs::begin(uint64_t stream, int mode, uint64_t thread) {
  if (mode < CU_STREAM_CAPTURE_MODE_GLOBAL || mode > CU_STREAM_CAPTURE_MODE_RELAXED)
    return CUDA_ERROR_INVALID_VALUE;
  if (stream <= kLastLegacyStream)
    return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
  if (isCapturing(stream))
    return CUDA_ERROR_ILLEGAL_STATE;
  captures[stream] = std::make_shared<Capture>(Capture{stream, thread, ++begun, mode, false, {}, {}, {}, {}});
  return CUDA_SUCCESS;
}

CUresult Graphs::end(uint64_t stream, uint64_t thread, GraphNodes &nodes) {
  auto found = captures.find(stream);
  if (found == captures.end())
    return CUDA_ERROR_ILLEGAL_STATE;
  std::shared_ptr<Capture> capture = found->second;
  if (capture->origin != stream)
    return CUDA_ERROR_STREAM_CAPTURE_UNMATCHED;
  if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && capture->thread != thread)
    return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
  std::erase_if(captures, [&](const auto &each) { return each.second == capture; });
  std::erase_if(events, [&](const auto &each) { return each.second.capture == capture; });
  if (capture->invalid)
    return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
  Clock &known = capture->known[stream];
  if (std::any_of(capture->done.begin(), capture->done.end(),
                  [&](const auto &of) { return of.first != stream && known[of.first] < of.second; }))
    return CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
  nodes = std::move(capture->nodes);
  return CUDA_SUCCESS;
}

bool Graphs::isInvalid(uint64_t stream) const {
  auto found = captures.find(stream);
  return found != captures.end() && found->second->invalid;
}

uint64_t Graphs::info(uint64_t stream, const CUgraphNode *&nodes, size_t &count) const {
  auto found = captures.find(stream);
  if (found == captures.end())
    return 0;
  auto last = found->second->last.find(stream);
  bool any = last != found->second->last.end() && !last->second.empty();
  nodes = any ? last->second.data() : nullptr;
  count = any ? last->second.size() : 0;
  return found->second->number;
}

CUresult Graphs::take(uint64_t stream, GraphNode node, bool &isTaken) {
  auto found = captures.find(stream);
  isTaken = found != captures.end();
  if (isTaken) {
    Capture &capture = *found->second;
    if (capture.invalid)
      return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    node.handle = ++taken;
    capture.last[stream] = {toHandle<CUgraphNode>(node.handle)};
    capture.nodes.push_back(std::move(node));
    capture.known[stream][stream] = ++capture.done[stream];
    return CUDA_SUCCESS;
  }
  if (stream > kLastLegacyStream)
    return CUDA_SUCCESS;
  // The legacy stream waits for the others: for work that is only captured it cannot.
  for (const auto &[other, capture] : captures)
    if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED) {
      isTaken = capture->invalid = true;
      return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    }
  return CUDA_SUCCESS;
}

CUresult Graphs::record(uint64_t event, uint64_t stream) {
  events.erase(event);
  if (auto found = captures.find(stream); found != captures.end())
    events[event] = {found->second, found->second->known[stream], found->second->last[stream]};
  return CUDA_SUCCESS;
}

CUresult Graphs::wait(uint64_t stream, uint64_t event) {
  auto found = events.find(event);
  if (found == events.end())
    return isCapturing(stream) ? CUDA_ERROR_STREAM_CAPTURE_ISOLATION : CUDA_SUCCESS;
  const auto &[capture, clock, last] = found->second;
  auto mine = captures.try_emplace(stream, capture).first;
  if (mine->second != capture) {
    mine->second->invalid = capture->invalid = true;
    return CUDA_ERROR_STREAM_CAPTURE_MERGE;
  }
  capture->done.try_emplace(stream, 0);
  for (const auto &[of, count] : clock)
    capture->known[stream][of] = std::max(capture->known[stream][of], count);
  Last &mineLast = capture->last[stream];
  for (CUgraphNode node : last)
    if (std::find(mineLast.begin(), mineLast.end(), node) == mineLast.end())
      mineLast.push_back(node);
  return CUDA_SUCCESS;
}

CUresult Graphs::unsafe(uint64_t thread) {
  CUresult status = CUDA_SUCCESS;
  for (const auto &[stream, capture] : captures)
    if (capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL ||
        (capture->mode == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL && capture->thread == thread)) {
      capture->invalid = true;
      status = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
  return status;
}

CUresult Graphs::spoil(uint64_t stream) {
  auto found = captures.find(stream);
  if (found == captures.end())
    return CUDA_SUCCESS;
  found->second->invalid = true;
  return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
}

CUresult Driver::endCapture(CUstream stream, CUgraph *out) {
  if (!out)
    return CUDA_ERROR_INVALID_VALUE;
  *out = nullptr;
  auto nodes = std::make_shared<GraphNodes>();
  CUresult status = captured.end(toNumber(stream), threadNumber(), *nodes);
  if (status != CUDA_SUCCESS)
    return status;
  *out = toHandle<CUgraph>(nextHandle);
  captured.graphs[nextHandle++] = std::move(nodes);
  return CUDA_SUCCESS;
}

CUresult Driver::instantiate(CUgraphExec *out, CUgraph graph, unsigned long long flags) {
  auto found = captured.graphs.find(toNumber(graph));
  if (!out || flags != 0)
    return CUDA_ERROR_INVALID_VALUE;
  if (found == captured.graphs.end())
    return CUDA_ERROR_INVALID_HANDLE;
  *out = toHandle<CUgraphExec>(nextHandle);
  captured.executables[nextHandle++] = found->second;
  return CUDA_SUCCESS;
}

CUresult Driver::updateGraph(CUgraphExec executable, CUgraph graph, CUgraphExecUpdateResultInfo *why) {
  constexpr int kSuccess = 0, kTopologyChanged = 2;
  auto from = captured.graphs.find(toNumber(graph));
  auto to = captured.executables.find(toNumber(executable));
  if (!why)
    return CUDA_ERROR_INVALID_VALUE;
  if (from == captured.graphs.end() || to == captured.executables.end())
    return CUDA_ERROR_INVALID_HANDLE;
  bool same = std::equal(from->second->begin(), from->second->end(), to->second->begin(), to->second->end(),
                         [](const GraphNode &a, const GraphNode &b) { return a.kind == b.kind; });
  *why = {same ? kSuccess : kTopologyChanged, nullptr, nullptr};
  if (!same)
    return CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE;
  auto nodes = std::make_shared<GraphNodes>(*from->second);
  for (size_t i = 0; i < nodes->size(); ++i)
    (*nodes)[i].handle = (*to->second)[i].handle;
  to->second = std::move(nodes);
  return CUDA_SUCCESS;
}

CUresult Driver::launchGraph(CUgraphExec executable, CUstream stream) {
  auto found = captured.executables.find(toNumber(executable));
  if (found == captured.executables.end() || !isStream(stream))
    return CUDA_ERROR_INVALID_HANDLE;
  std::shared_ptr<const GraphNodes> nodes = found->second;
  for (const GraphNode &node : *nodes)
    if (CUresult status = node.run(*this, stream); status != CUDA_SUCCESS)
      return status;
  return CUDA_SUCCESS;
}

void fillGraphs(DriverTable &table, const std::shared_ptr<Driver> &driver) {
  table.streamBeginCapture = inContext(driver, [](Driver &d, CUstream stream, int mode) {
    return d.isStream(stream) ? d.captured.begin(toNumber(stream), mode, threadNumber()) : CUDA_ERROR_INVALID_HANDLE;
  });
  table.streamEndCapture =
      inContext(driver, [](Driver &d, CUstream stream, CUgraph *out) { return d.endCapture(stream, out); });
  table.streamIsCapturing = inContext(driver, [](Driver &d, CUstream stream, int *status) {
    if (!status || !d.isStream(stream))
      return status ? CUDA_ERROR_INVALID_HANDLE : CUDA_ERROR_INVALID_VALUE;
    uint64_t number = toNumber(stream);
    *status = d.captured.isInvalid(number)     ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
              : d.captured.isCapturing(number) ? CU_STREAM_CAPTURE_STATUS_ACTIVE
                                               : CU_STREAM_CAPTURE_STATUS_NONE;
    return CUDA_SUCCESS;
  });
  table.streamGetCaptureInfo = inContext(driver, [](Driver &d, CUstream stream, int *status, unsigned long long *id,
                                                    CUgraph *graph, const CUgraphNode **nodes, size_t *count) {
    if (!status || graph) // the graph that is being made has no handle here
      return status ? CUDA_ERROR_NOT_SUPPORTED : CUDA_ERROR_INVALID_VALUE;
    if (!d.isStream(stream))
      return CUDA_ERROR_INVALID_HANDLE;
    const CUgraphNode *last = nullptr;
    size_t many = 0;
    uint64_t number = d.captured.info(toNumber(stream), last, many);
    *status = d.captured.isInvalid(toNumber(stream)) ? CU_STREAM_CAPTURE_STATUS_INVALIDATED
              : number                               ? CU_STREAM_CAPTURE_STATUS_ACTIVE
                                                     : CU_STREAM_CAPTURE_STATUS_NONE;
    if (*status != CU_STREAM_CAPTURE_STATUS_ACTIVE)
      return CUDA_SUCCESS;
    if (id)
      *id = number;
    if (nodes)
      *nodes = last;
    if (count)
      *count = many;
    return CUDA_SUCCESS;
  });
  table.graphExecKernelNodeSetParams =
      inContext(driver, [](Driver &d, CUgraphExec executable, CUgraphNode node, const CUDA_KERNEL_NODE_PARAMS *params) {
        return d.setNode(executable, node, params);
      });
  table.graphInstantiate = inContext(driver, [](Driver &d, CUgraphExec *out, CUgraph graph, unsigned long long flags) {
    return d.instantiate(out, graph, flags);
  });
  table.graphExecUpdate =
      inContext(driver, [](Driver &d, CUgraphExec executable, CUgraph graph, CUgraphExecUpdateResultInfo *why) {
        return d.updateGraph(executable, graph, why);
      });
  table.graphLaunch = inContext(
      driver, [](Driver &d, CUgraphExec executable, CUstream stream) { return d.launchGraph(executable, stream); });
  table.graphExecDestroy = inContext(driver, [](Driver &d, CUgraphExec executable) {
    return d.captured.executables.erase(toNumber(executable)) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
  table.graphDestroy = inContext(driver, [](Driver &d, CUgraph graph) {
    return d.captured.graphs.erase(toNumber(graph)) ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
  });
}

} // namespace imbrex::simulator
