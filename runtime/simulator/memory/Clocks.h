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
//|
//| A release through memory or by an arrival at an mbarrier is made by lanes, not by warps. A View is what it carries:
//| a row that says of its own warp only what all lanes have joined, and the claim "lane L up to now" beside it.
//| Asynchronous operations are ordered after what their issuers' Views have. A View that some lanes acquired through
//| memory is theirs alone (LaneView) until the warp joins; others see through it once they are ordered after it.
//| Everything else is not finer than a warp across warps: a wait at an mbarrier and a barrier that only part of a warp
//| executes order the whole warp, and what bar.sync and wgmma hand on turns claims into whole warps (a race may then be
//| missed, none is invented).
//|
//| No lane leaves a wgmma.mma_async before all have come to it: what they have read before is in registers by then.
//| An arrival behind it hands on those reads of all lanes, not their writes: DeepGEMM reads scales so, and CUTLASS in
//| clusters A for registers, and one lane releases the stage with no bar.warp.sync.
//|
//|   warp 0, lane 3: store (stamp 5); lane 0: st.release at 6     row[0] = lanesJoined[0] = 2, claim (0, lane 0, 6)
//|   warp 1, lane 0: ld.acquire; lane 3's store is not ordered before it: bar.warp.sync was missing

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_CLOCKS_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_CLOCKS_H

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace imbrex::simulator {

constexpr unsigned kMaxWarps = 32, kMaxClusterBlocks = 16;
constexpr unsigned kFirstForeign = kMaxWarps, kActors = kFirstForeign + kMaxClusterBlocks;
constexpr unsigned kFirstChannel = kActors, kAgents = 128;
constexpr unsigned kFirstFenced = kAgents, kColumns = kFirstFenced + kActors;

using ClockRow = std::array<uint32_t, kColumns>;

/// What `lanes` of a warp did up to stamp `time`, or only what they read.
struct Claim {
  unsigned warp;
  uint32_t lanes;
  uint32_t time;
  bool onlyReads = false;

  /// Whether what `lane` of warp `of` did, or read, at stamp `at` is in it.
  bool covers(unsigned of, unsigned lane, uint32_t at, bool isRead) const {
    return warp == of && lanes >> lane & 1 && at <= time && (isRead || !onlyReads);
  }
};

/// What a release through memory carries, of one block.
struct View {
  static constexpr size_t kMostClaims = 16; ///< Where there would be more, the row takes them up, for whole warps.
  ClockRow row{};
  std::vector<Claim> claims;

  void add(const Claim &claim);
  void add(const View &other);
  /// Whether the access of `lane` of `warp` at stamp `time` is in it.
  bool covers(unsigned warp, unsigned lane, uint32_t time, bool isRead = false) const;
  /// What is in `other` too.
  void keepCommon(const View &other);
  /// The row, with the claims as if they were of whole warps. One of reads adds nothing to that of who released it.
  ClockRow whole() const;
};

struct Clocks {
  using Row = ClockRow;
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
  WarpRow readsDone{};    ///< Up to when what a warp's lanes have read is in the registers of all.
  ActorRow oldest{};      ///< min over w of seen[a][w] and lanesJoined[a]: stamps <= oldest[a] need no closer look.
  /// Each channel's latest operation.
  struct Use {
    uint32_t time = 0, instruction = 0;
  };
  std::array<Use, kAgents - kFirstChannel> lastUse{};
  std::vector<WarpRow> laneSeen; ///< [warp * 32 + lane][lane], only after a partial bar.warp.sync.
  /// What `lanes` acquired at `stamp`, while their warp has not joined.
  struct LaneView {
    uint32_t lanes, stamp;
    std::shared_ptr<const View> view;
  };
  static constexpr size_t kMostLaneViews = 16;      ///< Of a warp; then the oldest is the whole warp's.
  bool anyViews = false;                            ///< Whether the two below are looked at.
  std::array<std::vector<Claim>, kMaxWarps> claims; ///< Known to all lanes of a warp.
  std::array<std::vector<LaneView>, kMaxWarps> laneViews;

  /// A new block of `count` warps: nothing of an earlier block is visible as a conflict.
  void begin(unsigned count);
  /// The other blocks of a cluster of `count` may touch this block's memory from now on.
  void addForeign(unsigned count);
  /// The number of a new channel; 0 if none is left.
  unsigned addChannel();
  /// The stamp that a release of all earlier accesses carries.
  uint32_t release() { return now++; }
  /// bar.warp.sync of `lanes` of `warp`, which began with the lanes `started`: one that has ended joined nobody.
  void joinLanes(unsigned warp, uint32_t lanes, uint32_t started);
  /// All lanes of `warp` have come to a wgmma.mma_async.
  void finishReads(unsigned warp) { readsDone[warp] = release(); }
  /// Adds to `row` all that `actor` has done and knows.
  void publish(unsigned actor, Row &row);
  /// Actor `actor` learns what `row` says.
  void learn(unsigned actor, const Row &row);
  /// Actor `actor` learns that `channel` has completed what it did up to stamp `time`.
  void learnChannel(unsigned actor, unsigned channel, uint32_t time);
  /// fence.proxy.async of `actor`.
  void fenceProxy(unsigned actor);
  /// All lanes of `warp` learn what lanes of others claim.
  void learnClaims(unsigned warp, std::span<const Claim> learnt);
  /// All that the lanes of `actor` know, as if all of them knew it.
  Row known(unsigned actor) const;
  /// What an asynchronous operation that `actor` issues now is ordered after.
  View issueView(unsigned actor) const;
  /// What a release by `lanes` of a warp that began with `started` carries through memory.
  View publishLanes(unsigned warp, uint32_t lanes, uint32_t started);
  /// `lanes` of `warp` acquire it; it is the whole warp's if they are all of `live`, the lanes that have not ended.
  void learnLanes(unsigned warp, uint32_t lanes, uint32_t live, const std::shared_ptr<const View> &view);
  /// Whether `lane` may know what `lanes` of its warp learnt at `stamp`.
  bool sharesWith(unsigned warp, unsigned lane, uint32_t lanes, uint32_t stamp) const;
  /// Whether lane `lane` of `warp` is ordered after what (otherWarp, otherLane) did, or read, at stamp `time`.
  bool ordered(unsigned warp, unsigned lane, unsigned otherWarp, unsigned otherLane, uint32_t time,
               bool isRead = false) const;

private:
  View knownView(unsigned actor) const;
  void absorb(unsigned warp, const View &view);
  bool isInView(unsigned warp, unsigned lane, unsigned otherWarp, unsigned otherLane, uint32_t time, bool isRead) const;
  void widen();
  void refresh(unsigned actor);
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_CLOCKS_H
