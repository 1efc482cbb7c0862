//===- Quarter.cpp - The quarter of an SM, cycle by cycle -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Issues round robin, an instruction a cycle.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Quarter.h"
#include "compiler/score/Kinds.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace imbrex::score;
using llvm::StringRef;

Quarter::Quarter(const std::vector<Step> &computing, const std::vector<Step> &copying, const ModelOptions &options)
    : options(options), arrivals(options.rings.size()) {
  warps.resize(options.warps + !copying.empty());
  for (auto [number, warp] : llvm::enumerate(warps)) {
    warp.computes = number < options.warps;
    warp.program = warp.computes ? &computing : &copying;
    warp.blockedUntil = 7 * int64_t(number); // warps do not start in step
    warp.waited = warp.released = warp.taken = std::vector<unsigned>(options.rings.size());
  }
  for (auto [number, ring] : llvm::enumerate(options.rings)) {
    restaged.push_back(llvm::any_of(copying, [&ring = ring](const Step &step) {
      return step.async == Step::Async::Arrive && isRelease(ring, step.number);
    }));
    // A tile is written anew in the pass behind the one that copies it, so that it has come by then: the first has.
    if (restaged[number] && ring.slots > 1) {
      arrivals[number].push_back(0);
      warps.back().taken[number] = 1;
    }
  }
}

bool Quarter::run() {
  constexpr int64_t kMostCycles = 4'000'000;
  while (llvm::any_of(warps, [&](const Warp &warp) { return warp.computes && !isDone(warp); })) {
    issueOne();
    if (++now > kMostCycles)
      return false;
  }
  return true;
}

LoopModel Quarter::result() const {
  unsigned first = options.passes / 3;
  int64_t begin = 0, end = 0;
  double instructions = 0;
  for (const Warp &warp : warps) {
    if (!warp.computes)
      continue;
    begin = std::max(begin, warp.passEnds[first]);
    end = std::max(end, warp.passEnds.back());
    instructions += double(warp.program->size());
  }
  LoopModel result;
  result.warps = options.warps;
  result.cycles = double(end - begin) / (options.passes - 1 - first);
  for (unsigned pipe = 0; pipe < std::size(kPipeNames); ++pipe)
    result.busy[kPipeNames[pipe].str()] = busy[pipe] / double(now);
  result.tensorShare = std::min(1.0, busy[unsigned(Pipe::Tensor)] / options.passes / result.cycles);
  result.issueShare = instructions / result.cycles;
  for (const Warp &warp : warps)
    result.roles.push_back(warp.computes ? "computes " + std::to_string(result.roles.size()) : "copies");
  if (options.timeline)
    cutTimeline(result, double(warps.front().passEnds[first]),
                double(warps.front().passEnds[std::min(first + 2, options.passes - 1)]));
  return result;
}

/// What lies between two cycles.
void Quarter::cutTimeline(LoopModel &result, double begin, double end) const {
  result.timelineBegin = begin, result.timelineEnd = end;
  for (const LoopModel::Event &event : events)
    if (event.end > begin && event.begin < end)
      result.timeline.push_back(event);
}

/// `warp` issues now, behind what it waited for.
void Quarter::note(Warp &warp, const Step &step, double begin, double end) {
  if (!options.timeline)
    return;
  unsigned number = unsigned(&warp - warps.data());
  constexpr int64_t kLeastWait = 4; // shorter ones are how issue alternates
  if (now - warp.idleFrom >= kLeastWait)
    events.push_back({number, step.instruction, "wait: " + warp.why.str(), double(warp.idleFrom), double(now)});
  if (unsigned(step.pipe) < std::size(kPipeNames))
    events.push_back({number, step.instruction, kPipeNames[unsigned(step.pipe)].str(), begin, end});
  warp.idleFrom = now + 1;
}

void Quarter::issueOne() {
  for (unsigned k = 1; k <= warps.size(); ++k) {
    unsigned index = (last + k) % warps.size();
    if (tryIssue(warps[index])) {
      last = index;
      return;
    }
  }
}

/// False, as the answer of whoever asked: `warp` cannot issue before `cycle`.
bool Quarter::blockUntil(Warp &warp, double cycle, StringRef why) {
  warp.blockedUntil = std::max(now + 1, int64_t(std::ceil(cycle)));
  warp.why = why;
  return false;
}

bool Quarter::isReady(Warp &warp, const Step &step) {
  int64_t ready = 0;
  for (const std::vector<std::string> *registers : {&step.reads, &step.writes})
    for (const std::string &name : *registers)
      ready = std::max(ready, warp.readyAt.lookup(name));
  return ready <= now || blockUntil(warp, double(ready), "register");
}

/// Whether what the step waits for, products or a tile or a slot, is there.
bool Quarter::mayGoOn(Warp &warp, const Step &step) {
  if (step.async == Step::Async::AwaitBarrier)
    return awaitRing(warp, step.number);
  if (step.async == Step::Async::TakeTurn) // the warps that compute are each of a warpgroup of their own
    return turns % options.warps == size_t(&warp - warps.data()) || blockUntil(warp, double(now), "turn");
  if (step.async != Step::Async::AwaitProducts || warp.groups.size() <= size_t(step.number))
    return true;
  double done = warp.groups[warp.groups.size() - 1 - size_t(step.number)];
  return done <= double(now) || blockUntil(warp, done, "products");
}

bool Quarter::awaitRing(Warp &warp, int64_t barrier) {
  for (auto [number, ring] : llvm::enumerate(options.rings)) {
    if (isArrival(ring, barrier)) {
      unsigned tile = warp.waited[number];
      if (arrivals[number].size() <= tile)
        return blockUntil(warp, double(now), "copy");
      if (arrivals[number][tile] > double(now))
        return blockUntil(warp, arrivals[number][tile], "copy");
      ++warp.waited[number];
      return true;
    }
    if (!isRelease(ring, barrier))
      continue;
    unsigned tile = warp.taken[number];
    for (const Warp &other : warps)
      if (reads(other, number) && !isDone(other) && tile >= other.released[number] + ring.slots)
        return blockUntil(warp, double(now), "slot");
    ++warp.taken[number];
    return true;
  }
  return true;
}

/// A tile of the ring is let go, or its copy begins.
void Quarter::arrive(Warp &warp, const Step &step) {
  for (auto [number, ring] : llvm::enumerate(options.rings)) {
    if (isRelease(ring, step.number)) {
      ++warp.released[number];
    } else if (isArrival(ring, step.number) && !step.expects) {
      arrivals[number].push_back(double(now));
    } else if (isArrival(ring, step.number)) {
      double begin = std::max(copyFree, double(now));
      copyFree = begin + double(ring.bytes) / options.copyBytes;
      busy[unsigned(Pipe::Shared)] += double(ring.bytes) / kSharedBytes;
      arrivals[number].push_back(copyFree + options.copyLatency);
      if (options.timeline)
        events.push_back({unsigned(&warp - warps.data()), step.instruction, "copy", begin, arrivals[number].back()});
    }
  }
}

/// How long a step that begins at `start` keeps its pipe: a product, until it has its factors.
double Quarter::lengthOf(const Step &step, double start) const {
  const double left = start < copyFree ? std::max(0.1, 1 - options.copyBytes / kSharedBytes) : 1;
  return std::max(step.duration, step.shared / left);
}

/// Whether the step's pipe takes it now; `start` and `end`: of its work there.
bool Quarter::hasPipe(Warp &warp, const Step &step, double &start, double &end) {
  start = double(now), end = start + step.duration;
  if (unsigned(step.pipe) >= std::size(kPipeNames))
    return true;
  /// What a pipe's queue holds before issue stalls.
  constexpr double kQueue = 8;
  double &free = freeAt[unsigned(step.pipe)];
  bool queued = step.pipe == Pipe::Function || step.pipe == Pipe::Shared || step.pipe == Pipe::Tensor;
  if (step.async != Step::Async::Product && free > double(now) + (queued ? kQueue : 0))
    return blockUntil(warp, free - (queued ? kQueue : 0), "pipe");
  start = std::max(free, start);
  free = end = start + lengthOf(step, start);
  busy[unsigned(step.pipe)] += step.duration;
  busy[unsigned(Pipe::Shared)] += step.shared;
  return true;
}

bool Quarter::tryIssue(Warp &warp) {
  if (isDone(warp) || warp.blockedUntil > now || warp.atBarrier)
    return false;
  const Step &step = (*warp.program)[warp.next];
  double start, end;
  if (!isReady(warp, step))
    return false;
  if (step.pipe == Pipe::Barrier) {
    meet(warp);
    return true;
  }
  if (!mayGoOn(warp, step) || !hasPipe(warp, step, start, end))
    return false;
  for (const std::string &name : step.writes)
    warp.readyAt[name] = int64_t(start + (step.pipe == Pipe::Fma ? 0 : step.duration - 1) + step.latency);
  note(warp, step, start, end);
  if (step.async == Step::Async::Product)
    warp.lastProduct = end;
  if (step.commits)
    warp.groups.push_back(warp.lastProduct);
  if (step.async == Step::Async::Arrive)
    arrive(warp, step);
  if (step.async == Step::Async::PassTurn)
    ++turns;
  if (step.pipe == Pipe::Branch)
    warp.blockedUntil = now + 2;
  advance(warp);
  return true;
}

/// Those that compute meet among themselves.
void Quarter::meet(Warp &warp) {
  constexpr int64_t kBarrierCycles = 20;
  warp.atBarrier = true;
  bool all = llvm::all_of(
      warps, [&](const Warp &other) { return other.computes != warp.computes || other.atBarrier || isDone(other); });
  if (!all)
    return;
  for (Warp &other : warps)
    if (other.computes == warp.computes && std::exchange(other.atBarrier, false)) {
      other.blockedUntil = now + kBarrierCycles;
      other.why = "barrier";
      advance(other);
    }
}

void Quarter::advance(Warp &warp) {
  if (++warp.next < warp.program->size())
    return;
  warp.next = 0;
  ++warp.passes;
  warp.passEnds.push_back(now);
}
