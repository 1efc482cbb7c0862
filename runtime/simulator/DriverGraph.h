//===- DriverGraph.h - Captured streams and graphs --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Stream capture as the driver has it (CUDA Driver API, "Stream Management" and "Graph Management"): what is put on a
// captured stream is kept as nodes, other streams join by waiting for an event of the capture, and must have been
// waited for in turn when it ends. A graph's nodes run in the order of the capture, on the stream of its launch: what
// branches could do to each other at the same time is not looked for. Private to this folder's sources; not
// thread-safe.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_DRIVERGRAPH_H
#define IMBREX_RUNTIME_SIMULATOR_DRIVERGRAPH_H

#include "runtime/CudaDriver.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace imbrex::simulator {

struct Driver;

/// What a launch asks for.
struct LaunchShape {
  uint32_t grid[3] = {1, 1, 1}, block[3] = {1, 1, 1};
  uint32_t cluster[3] = {0, 0, 0}; ///< 0: as the kernel says, else one block.
  unsigned sharedBytes = 0;
  bool cooperative = false;
};

struct GraphNode {
  std::string kind; ///< Nodes of one kind may take each other's place in an update.
  std::function<cuda::CUresult(Driver &, cuda::CUstream)> run;
  std::optional<LaunchShape> shape = {}; ///< Of a kernel's launch.
  uint64_t handle = 0;                   ///< Given when it is taken; of an executable: of the graph it was made of.
};
using GraphNodes = std::vector<GraphNode>;

class Graphs {
public:
  cuda::CUresult begin(uint64_t stream, int mode, uint64_t thread);
  /// Gives the nodes; without them there was an error. The capture is over in any case but that of a stream that is not
  /// its origin.
  cuda::CUresult end(uint64_t stream, uint64_t thread, GraphNodes &nodes);
  bool isCapturing(uint64_t stream) const { return captures.count(stream) != 0; }
  bool isInvalid(uint64_t stream) const;
  /// The capture's number, from 1, and the nodes that the stream's next one will follow; 0 if it is not captured.
  uint64_t info(uint64_t stream, const cuda::CUgraphNode *&nodes, size_t &count) const;

  /// Work for the stream, if it is captured: a node, or the error of a capture that is spoilt. `isTaken` tells.
  cuda::CUresult take(uint64_t stream, GraphNode node, bool &isTaken);
  cuda::CUresult record(uint64_t event, uint64_t stream);
  cuda::CUresult wait(uint64_t stream, uint64_t event);
  bool isCaptured(uint64_t event) const { return events.count(event) != 0; }
  /// What a call returns that waits, allocates or loads; a capture that forbids it is spoilt.
  cuda::CUresult unsafe(uint64_t thread);
  /// The same of a wait for a captured stream or event.
  cuda::CUresult spoil(uint64_t stream);

  std::map<uint64_t, std::shared_ptr<const GraphNodes>> graphs, executables; ///< By handle.

private:
  using Clock = std::map<uint64_t, size_t>;    ///< By stream, how many of its nodes are known.
  using Last = std::vector<cuda::CUgraphNode>; ///< What the next node follows.
  struct Capture {
    uint64_t origin, thread, number;
    int mode;
    bool invalid = false;
    GraphNodes nodes;
    Clock done;                      ///< Nodes of each stream.
    std::map<uint64_t, Clock> known; ///< By stream.
    std::map<uint64_t, Last> last;   ///< By stream.
  };
  struct Mark {
    std::shared_ptr<Capture> capture;
    Clock clock;
    Last last;
  };
  std::map<uint64_t, std::shared_ptr<Capture>> captures; ///< By stream.
  std::map<uint64_t, Mark> events;
  uint64_t begun = 0, taken = 0; ///< How many captures and nodes there were.
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_DRIVERGRAPH_H
