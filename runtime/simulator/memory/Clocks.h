//===- Clocks.h - Who has seen whose work -----------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Happens-before between the warps of one block, and between the lanes of one warp.
//
//===----------------------------------------------------------------------===//

//|
//| One counter `now` counts the release events of the block. An access is stamped with `now`; a
//| release by agent w at time t covers all of w's accesses stamped <= t. seen[a][w] = t says that a
//| release of w at time t has reached actor a, so a may touch what w accessed at stamps <= t.
//|
//|   warp 0: store (stamp 5); bar.sync releases at 5, now = 6      seen[1][0] = 5 after the barrier:
//|   warp 1: bar.sync; load (its stamp is 7)                       5 <= 5, the load is ordered
//|
//| Agents, by number (columns of a row):
//|
//|     0 ..  31  the block's warps
//|    32 ..  47  the other blocks of its cluster, by rank: all warps of one block are one agent (a race
//|               may then be missed, none is invented)
//|    48 .. 127  channels: sequences of asynchronous operations that complete in the order of their stamps
//|               (the copies of one mbarrier, the bulk groups of one warp, the wgmmas of one warpgroup).
//|               Whoever learns that one completed at time t may touch what the channel did up to t.
//|   128 .. 175  "fenced": column 128 + w is the part of column w with a proxy fence behind it on the way.
//|               An asynchronous operation that actor a issues may touch what w wrote by ordinary stores
//|               up to seen[a][128 + w]. (PTX ISA, 8.6: proxies; 9.7.13: fence.proxy.async.)
//|
//| Warps and other blocks are actors: they execute instructions and have a row. What synchronises copies
//| whole rows, so what was learnt of channels and fences travels with it. Columns beyond the warps are
//| only looked at once one of them is used (`columns`), so a block without them pays nothing.
//|
//| Lanes of one warp are ordered only by bar.warp.sync or a barrier they all took part in:
//| lanesJoined[w] is the stamp up to which every lane of w has seen every other.
//| Not a finer clock than a warp across warps: a barrier that only part of a warp executes orders
//| the whole warp with the others (a race may then be missed, none is invented).

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_CLOCKS_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_CLOCKS_H

#include <array>
#include <cstdint>
#include <vector>

namespace imbrex::simulator {

constexpr unsigned kMaxWarps = 32, kMaxClusterBlocks = 16;
constexpr unsigned kFirstForeign = kMaxWarps, kActors = kFirstForeign + kMaxClusterBlocks;
constexpr unsigned kFirstChannel = kActors, kAgents = 128;
constexpr unsigned kFirstFenced = kAgents, kColumns = kFirstFenced + kActors;

struct Clocks {
  using Row = std::array<uint32_t, kColumns>;
  using WarpRow = std::array<uint32_t, kMaxWarps>;
  using ActorRow = std::array<uint32_t, kActors>;

  uint32_t now = 1;
  uint32_t start = 0; ///< Stamps <= start belong to earlier blocks.
  unsigned warps = 0;
  unsigned columns = 0; ///< Columns that are in use: `warps`, or all.
  unsigned foreign = 0; ///< Blocks of the cluster; 0 while no other block was met.
  unsigned channels = 0;
  std::array<Row, kActors> seen{};
  ActorRow lanesJoined{}; ///< A foreign block's accesses are all ordered among themselves.
  ActorRow oldest{}; ///< min over w of seen[a][w] and lanesJoined[a]: stamps <= oldest[a] need no closer look.
  std::array<uint32_t, kAgents - kFirstChannel> lastUse{}; ///< Stamp of each channel's latest operation.
  std::vector<WarpRow> laneSeen; ///< [warp * 32 + lane][lane], only after a partial bar.warp.sync.

  /// A new block of `count` warps: nothing of an earlier block is visible as a conflict.
  void begin(unsigned count);
  /// The other blocks of a cluster of `count` may touch this block's memory from now on.
  void addForeign(unsigned count);
  /// The number of a new channel; 0 if none is left.
  unsigned addChannel();
  /// The stamp that a release of all earlier accesses carries.
  uint32_t release() { return now++; }
  /// bar.warp.sync of `lanes` of `warp`, whose live lanes are `live`.
  void joinLanes(unsigned warp, uint32_t lanes, uint32_t live);
  /// Adds to `row` all that `actor` has done and knows.
  void publish(unsigned actor, Row &row);
  /// Actor `actor` learns what `row` says.
  void learn(unsigned actor, const Row &row);
  /// Actor `actor` learns that `channel` has completed what it did up to stamp `time`.
  void learnChannel(unsigned actor, unsigned channel, uint32_t time);
  /// fence.proxy.async of `actor`.
  void fenceProxy(unsigned actor);
  /// What an asynchronous operation that `actor` issues now is ordered after.
  Row issueRow(unsigned actor) const;
  /// Whether lane `lane` of `warp` is ordered after stamp `time` of (otherWarp, otherLane).
  bool ordered(unsigned warp, unsigned lane, unsigned otherWarp, unsigned otherLane, uint32_t time) const;

private:
  void widen();
  void refresh(unsigned actor);
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_CLOCKS_H
