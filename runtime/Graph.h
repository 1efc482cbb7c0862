//===- Graph.h - Work that is recorded once and replayed --------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A CUDA graph (CUDA Driver API, "Graph Management"): what a function puts on a stream is captured, not done, and then
// launched as a whole as often as one likes, for the host time of one launch:
//
//   kernel.prepare(arguments).value();              // everything is compiled and loaded before the capture
//   Graph step = Graph::capture(stream, [&] { return kernel.launch(stream, arguments); }).value();
//   step.launch(stream).value();
//
// Addresses, lengths and scalars are those of the capture; update() captures others, and set() gives one launch others
// without a capture. While a thread captures, nothing
// is compiled, loaded or allocated by it: what would be is an Error of kind Argument that says so, and the capture ends
// with it. Other streams take part by events, as in CUDA (wait() for an event recorded in the capture, and back).
//
// A capture that somebody else began on a wrapped stream is served too: launches go into it. The kernels in it must
// then stay loaded by other means as long as that graph lives: a BoundKernel of each keeps it so.
//
// Move-only; keeps its device and its kernels alive. launch() may be called from several threads, update() may not at
// the same time. No LLVM type, no driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_GRAPH_H
#define IMBREX_RUNTIME_GRAPH_H

#include "runtime/Argument.h"
#include "runtime/Stream.h"
#include <functional>

namespace imbrex {

class BoundKernel;
class Code;
class Kernel;
struct CodeShape;

class Graph {
public:
  struct State;
  explicit Graph(std::unique_ptr<State> state);
  Graph(Graph &&) noexcept;
  Graph &operator=(Graph &&) noexcept;
  ~Graph();

  /// Runs `work` with `stream` capturing, in this thread alone, and makes a graph that can be launched. An Error of
  /// `work` is passed on; an Error too if `stream` is the default stream, or is being captured already.
  static Result<Graph> capture(const Stream &stream, const std::function<Result<void>()> &work);
  /// Captures anew. True if the graph was changed in place; false if it had to be made anew, because `work` did other
  /// things in another order than before. Launches from now on do the new work; on an Error they do the old.
  Result<bool> update(const Stream &stream, const std::function<Result<void>()> &work);
  /// The names of the kernels that `work` launched by Kernel, BoundKernel or Code, in that order: the places of set().
  std::vector<std::string> launches() const;
  /// Gives the launch at a place, from 0, other arguments, or another kernel, for the launches of the graph from now on
  /// (cuGraphExecKernelNodeSetParams). All that the launch itself would do is done, compilation included; what is in
  /// flight stays as it was. An Error, and the graph is as before, also if the grid is empty, and if one of the two
  /// kernels is programmatic() and the other is not. The next update() captures over it.
  Result<void> set(size_t place, const Kernel &kernel, Arguments arguments);
  Result<void> set(size_t place, BoundKernel &kernel);
  /// `values` as of Code::launchWith.
  Result<void> set(size_t place, const Code &code, std::string_view entry, const CodeShape &shape,
                   const void *const *values);
  /// Puts the whole on a stream.
  Result<void> launch(const Stream &stream) const;

private:
  std::unique_ptr<State> state; ///< null once moved from: every call is then an Error
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_GRAPH_H
