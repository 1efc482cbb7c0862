//===- Loops.cpp - Loops of a kernel's instructions -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Blocks, dominators (Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm"), natural loops, and the
// usual pass by a search over the loop's blocks without its back edge.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Loops.h"
#include "compiler/score/Blocks.h"
#include "compiler/score/Kinds.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"
#include <map>
#include <set>
#include <tuple>

using namespace imbrex::score;

namespace {

/// Blocks and which of them every way to another goes through.
class Graph {
public:
  explicit Graph(const MachineKernel &kernel) : blocks(blocksOf(kernel)) { findDominators(); }

  const std::vector<Block> &all() const { return blocks; }
  bool isReached(unsigned block) const { return order[block] != kNever; }
  bool dominates(unsigned a, unsigned b) const {
    while (order[b] > order[a])
      b = dominator[b];
    return a == b;
  }

private:
  static constexpr unsigned kNever = ~0u;

  /// Blocks in reverse postorder.
  std::vector<unsigned> reversePostorder() const {
    std::vector<unsigned> postorder;
    llvm::BitVector seen(blocks.size());
    std::vector<std::pair<unsigned, size_t>> path{{0, 0}}; // block, successor to go to next
    seen.set(0);
    while (!path.empty()) {
      auto &[block, next] = path.back();
      if (next == blocks[block].successors.size()) {
        postorder.push_back(block);
        path.pop_back();
        continue;
      }
      unsigned successor = blocks[block].successors[next++];
      if (!seen.test(successor)) {
        seen.set(successor);
        path.emplace_back(successor, 0);
      }
    }
    return {postorder.rbegin(), postorder.rend()};
  }

  void findDominators() {
    order.assign(blocks.size(), kNever);
    dominator.assign(blocks.size(), kNever);
    std::vector<unsigned> sequence = reversePostorder();
    for (auto [position, block] : llvm::enumerate(sequence))
      order[block] = position;
    dominator[0] = 0;
    for (bool changed = true; std::exchange(changed, false);)
      for (unsigned block : llvm::drop_begin(sequence)) {
        unsigned common = kNever;
        for (unsigned predecessor : blocks[block].predecessors)
          if (dominator[predecessor] != kNever)
            common = common == kNever ? predecessor : meet(common, predecessor);
        changed |= dominator[block] != common;
        dominator[block] = common;
      }
  }

  unsigned meet(unsigned a, unsigned b) const {
    while (a != b) {
      unsigned &later = order[a] > order[b] ? a : b;
      later = dominator[later];
    }
    return a;
  }

  const std::vector<Block> blocks;
  std::vector<unsigned> order, dominator; ///< position in reverse postorder; immediate dominator
};

struct NaturalLoop {
  unsigned header;
  std::set<unsigned> body;
};

} // namespace

static std::vector<NaturalLoop> naturalLoops(const Graph &graph) {
  std::map<unsigned, std::set<unsigned>> bodies;
  for (unsigned block = 0; block < graph.all().size(); ++block)
    for (unsigned header : graph.all()[block].successors) {
      if (!graph.isReached(block) || !graph.dominates(header, block))
        continue;
      std::set<unsigned> &body = bodies[header];
      body.insert(header);
      std::vector<unsigned> work{block};
      while (!work.empty()) {
        unsigned next = work.back();
        work.pop_back();
        if (graph.isReached(next) && body.insert(next).second)
          llvm::append_range(work, graph.all()[next].predecessors);
      }
    }
  std::vector<NaturalLoop> loops;
  loops.reserve(bodies.size());
  for (auto &[header, body] : bodies)
    loops.push_back({header, std::move(body)});
  return loops;
}

/// True of an addition to global memory whose result nobody reads.
static bool isSumInMemory(const Instruction &instruction) {
  const llvm::StringRef base = instruction.base();
  return base == "red" || base == "RED" || base == "REDG";
}

/// Matrix products, copies, barriers, memory: what every full pass does. In a loop that multiplies by warpgroups
/// nothing but products, copies and sums in memory: there what threads store, and meet behind, may be for partial tiles
/// alone.
static bool isMilestone(const MachineKernel &kernel, const Instruction &instruction, bool byWarpgroups) {
  switch (kindOf(kernel.language, instruction)) {
  case Kind::Tensor:
  case Kind::Copy:
    return true;
  case Kind::Global:
    return !byWarpgroups || isSumInMemory(instruction);
  case Kind::Shared:
    return !byWarpgroups;
  case Kind::Sync:
    return !byWarpgroups &&
           (instruction.base() == "BAR" || instruction.base() == "bar" || instruction.base() == "barrier");
  default:
    return false;
  }
}

namespace {

/// The best way from a block back to the loop's header.
struct Way {
  int64_t milestones = 0, instructions = 0;
  std::vector<unsigned> blocks; ///< last first
  bool betterThan(const Way &other) const {
    return std::tuple(milestones, -instructions) > std::tuple(other.milestones, -other.instructions);
  }
};

class UsualPass {
public:
  UsualPass(const MachineKernel &kernel, const Graph &graph, const NaturalLoop &loop)
      : kernel(kernel), graph(graph), loop(loop) {
    for (unsigned block : loop.body)
      for (size_t i = graph.all()[block].begin; i < graph.all()[block].end; ++i)
        byWarpgroups |= isWarpgroupProduct(kernel.instructions[i]);
  }

  std::vector<unsigned> find() {
    std::optional<Way> way = from(loop.header);
    if (!way)
      return {loop.body.begin(), loop.body.end()};
    return {way->blocks.rbegin(), way->blocks.rend()};
  }

private:
  bool byWarpgroups = false;
  /// Loops inside are entered once: an edge back into the path is not taken.
  std::optional<Way> from(unsigned block) {
    if (auto it = known.find(block); it != known.end())
      return it->second;
    onPath.insert(block);
    std::optional<Way> best;
    for (unsigned next : graph.all()[block].successors) {
      std::optional<Way> way;
      if (next == loop.header)
        way = Way{};
      else if (loop.body.count(next) && !onPath.count(next))
        way = from(next);
      if (way && (!best || way->betterThan(*best)))
        best = std::move(way);
    }
    onPath.erase(block);
    if (best) {
      const Block &own = graph.all()[block];
      for (size_t i = own.begin; i < own.end; ++i)
        best->milestones += isMilestone(kernel, kernel.instructions[i], byWarpgroups);
      best->instructions += own.end - own.begin;
      best->blocks.push_back(block);
      known[block] = best;
    }
    return best;
  }

  const MachineKernel &kernel;
  const Graph &graph;
  const NaturalLoop &loop;
  std::map<unsigned, std::optional<Way>> known;
  std::set<unsigned> onPath;
};

} // namespace

template <typename Range> static std::vector<size_t> instructionsOf(const Graph &graph, const Range &blocks) {
  std::vector<size_t> numbers;
  for (unsigned block : blocks)
    for (size_t i = graph.all()[block].begin; i < graph.all()[block].end; ++i)
      numbers.push_back(i);
  return numbers;
}

static size_t count(const MachineKernel &kernel, const std::vector<size_t> &numbers, Kind kind) {
  return llvm::count_if(numbers, [&](size_t i) { return kindOf(kernel.language, kernel.instructions[i]) == kind; });
}

/// Keeps the loops with the most of `kind`, if any has some.
static bool keepThoseWith(std::vector<NaturalLoop> &loops, const MachineKernel &kernel, const Graph &graph, Kind kind,
                          bool onlyMost) {
  size_t most = 0;
  for (const NaturalLoop &loop : loops)
    most = std::max(most, count(kernel, instructionsOf(graph, loop.body), kind));
  if (most == 0)
    return false;
  llvm::erase_if(loops, [&](const NaturalLoop &loop) {
    return count(kernel, instructionsOf(graph, loop.body), kind) < (onlyMost ? most : 1);
  });
  return true;
}

/// The innermost of `working` as loops with their usual pass; `all` are those of the kernel.
static std::vector<Loop> innermostOf(const std::vector<NaturalLoop> &working, const std::vector<NaturalLoop> &all,
                                     const MachineKernel &kernel, const Graph &graph) {
  std::vector<Loop> loops;
  auto isInside = [](const NaturalLoop &inner, const NaturalLoop &outer) {
    return llvm::all_of(inner.body, [&](unsigned block) { return outer.body.count(block) != 0; });
  };
  for (const NaturalLoop &loop : working) {
    bool innermost = llvm::none_of(
        working, [&](const NaturalLoop &other) { return other.header != loop.header && isInside(other, loop); });
    if (!innermost)
      continue;
    Loop found;
    found.whole = instructionsOf(graph, loop.body);
    found.hot = instructionsOf(graph, UsualPass(kernel, graph, loop).find());
    found.depth = llvm::count_if(all, [&](const NaturalLoop &outer) { return isInside(loop, outer); });
    loops.push_back(std::move(found));
  }
  return loops;
}

std::vector<Loop> imbrex::score::hotLoops(const MachineKernel &kernel) {
  if (kernel.instructions.empty())
    return {};
  Graph graph(kernel);
  const std::vector<NaturalLoop> all = naturalLoops(graph);
  std::vector<NaturalLoop> working = all;
  if (!keepThoseWith(working, kernel, graph, Kind::Tensor, /*onlyMost=*/false))
    keepThoseWith(working, kernel, graph, Kind::Fma, /*onlyMost=*/true);
  std::vector<Loop> loops = innermostOf(working, all, kernel, graph);
  llvm::sort(loops, [](const Loop &a, const Loop &b) {
    auto key = [](const Loop &loop) { return std::tuple(-int(loop.depth), loop.hot.size(), loop.hot.front()); };
    return key(a) < key(b);
  });
  return loops;
}

std::vector<Loop> imbrex::score::copyLoops(const MachineKernel &kernel) {
  if (kernel.instructions.empty())
    return {};
  Graph graph(kernel);
  const std::vector<NaturalLoop> all = naturalLoops(graph);
  std::vector<NaturalLoop> working = all;
  llvm::erase_if(working, [&](const NaturalLoop &loop) {
    std::vector<size_t> numbers = instructionsOf(graph, loop.body);
    // Without a wait it is the assembler's own, over the lanes of a warp that ask for different boxes.
    bool waits = llvm::any_of(numbers, [&](size_t i) { return isBarrierWait(kernel.instructions[i]); });
    return !waits || count(kernel, numbers, Kind::Copy) == 0 || count(kernel, numbers, Kind::Tensor) != 0;
  });
  return innermostOf(working, all, kernel, graph);
}
