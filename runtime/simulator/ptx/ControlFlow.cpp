//===- ControlFlow.cpp - Where diverged lanes meet again ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The iterative dominator algorithm of Cooper, Harvey and Kennedy on the reversed graph of basic
// blocks. A guarded exit's edge to the end is left out: the lanes that end do not come back, and the
// others meet where they would have met without them.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/ptx/ControlFlow.h"

#include <cstddef>
#include <utility>

namespace imbrex::simulator::ptx {
namespace {

struct BlockGraph {
  std::vector<uint32_t> blockOf; ///< Of an instruction.
  std::vector<uint32_t> first;   ///< First instruction of a block; first[count] is the code's size.
  std::vector<std::vector<uint32_t>> successors, predecessors; ///< Node `count` is the end.
  uint32_t count = 0;

  explicit BlockGraph(const std::vector<Flow> &flow);
  void connect(uint32_t from, uint32_t to) {
    successors[from].push_back(to);
    predecessors[to].push_back(from);
  }
};

BlockGraph::BlockGraph(const std::vector<Flow> &flow) {
  uint32_t size = static_cast<uint32_t>(flow.size());
  std::vector<bool> leads(size + 1, false);
  leads[0] = true;
  for (uint32_t i = 0; i < size; ++i) {
    for (uint32_t target : flow[i].targets)
      leads[target] = true;
    if (!flow[i].targets.empty() || !flow[i].fallsThrough)
      leads[i + 1] = true;
  }
  blockOf.resize(size + 1);
  for (uint32_t i = 0; i < size; ++i) {
    if (leads[i])
      first.push_back(i);
    blockOf[i] = static_cast<uint32_t>(first.size()) - 1;
  }
  count = static_cast<uint32_t>(first.size());
  blockOf[size] = count;
  first.push_back(size);
  successors.resize(count + 1);
  predecessors.resize(count + 1);
  for (uint32_t block = 0; block < count; ++block) {
    const Flow &last = flow[first[block + 1] - 1];
    for (uint32_t target : last.targets)
      connect(block, blockOf[target]);
    if (last.fallsThrough)
      connect(block, blockOf[first[block + 1]]);
    else if (last.targets.empty())
      connect(block, count);
  }
}

/// Post-order numbers of the reversed graph, from the end; ~0 for blocks that cannot reach it.
std::vector<uint32_t> postOrder(const BlockGraph &graph, std::vector<uint32_t> &order) {
  std::vector<uint32_t> number(graph.count + 1, ~0u);
  std::vector<bool> visited(graph.count + 1, false);
  std::vector<std::pair<uint32_t, std::size_t>> stack{{graph.count, 0}};
  visited[graph.count] = true;
  while (!stack.empty()) {
    auto &[node, next] = stack.back();
    if (next < graph.predecessors[node].size()) {
      uint32_t child = graph.predecessors[node][next++];
      if (!visited[child]) {
        visited[child] = true;
        stack.emplace_back(child, 0);
      }
      continue;
    }
    number[node] = static_cast<uint32_t>(order.size());
    order.push_back(node);
    stack.pop_back();
  }
  return number;
}

uint32_t intersect(uint32_t a, uint32_t b, const std::vector<uint32_t> &parent, const std::vector<uint32_t> &number) {
  while (a != b) {
    while (number[a] < number[b])
      a = parent[a];
    while (number[b] < number[a])
      b = parent[b];
  }
  return a;
}

std::vector<uint32_t> postDominators(const BlockGraph &graph) {
  std::vector<uint32_t> order;
  std::vector<uint32_t> number = postOrder(graph, order);
  std::vector<uint32_t> parent(graph.count + 1, ~0u);
  parent[graph.count] = graph.count;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = order.size() - 1; i-- > 0;) {
      uint32_t node = order[i], candidate = ~0u;
      for (uint32_t successor : graph.successors[node])
        if (number[successor] != ~0u && parent[successor] != ~0u)
          candidate = candidate == ~0u ? successor : intersect(candidate, successor, parent, number);
      changed |= parent[node] != candidate;
      parent[node] = candidate;
    }
  }
  return parent;
}

} // namespace

std::vector<uint32_t> findReconvergence(const std::vector<Flow> &flow) {
  std::vector<uint32_t> result(flow.size(), ~0u);
  if (flow.empty())
    return result;
  BlockGraph graph(flow);
  std::vector<uint32_t> parent = postDominators(graph);
  for (std::size_t i = 0; i < flow.size(); ++i) {
    if (flow[i].targets.empty())
      continue;
    uint32_t meet = parent[graph.blockOf[i]];
    if (meet != ~0u && meet != graph.count)
      result[i] = graph.first[meet];
  }
  return result;
}

} // namespace imbrex::simulator::ptx
