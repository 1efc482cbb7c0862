//===- Cluster.h - Blocks that run together ---------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The blocks of one cluster: what one makes visible to another, addresses of each other's shared memory,
// and the cluster's barrier. Every block belongs to a cluster, mostly of itself alone.
//
//===----------------------------------------------------------------------===//

//|
//| A shared::cluster address holds the rank of a block plus one in bits 24 to 31, and the offset in that
//| block's shared memory below; 0 in the upper bits is the executing block, so shared::cta addresses are
//| shared::cluster addresses too (PTX ISA, 5.1.6). One thread runs all blocks of a cluster in turns.

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_CLUSTER_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_CLUSTER_H

#include "runtime/simulator/exec/Access.h"

#include <span>

namespace imbrex::simulator {

constexpr unsigned kRankShift = 24;

/// What a release makes visible to who acquires it: a row for the clocks of each block, by rank.
struct ClusterRows {
  std::vector<Clocks::Row> rows;
  std::vector<Claim> claims; ///< Of lanes of the block's own warps, beyond its row.
  KnowledgePtr global;       ///< For global memory, where the cluster has other blocks.
};

/// The number under which `warp` accesses the memory of `home`.
unsigned actorIn(const Warp &warp, const Cta &home);
/// Adds what `warp` has done and knows, in every block of its cluster.
void publish(const Warp &warp, ClusterRows &knowledge);
/// The same of `lanes`, told apart from the rest of the warp in its own block.
void publishLanes(const Warp &warp, uint32_t lanes, ClusterRows &knowledge);
/// `lanes` of `warp` learn it.
void learn(const Warp &warp, uint32_t lanes, const ClusterRows &knowledge);

/// A place in some block's shared memory.
struct SharedPlace {
  Cta *home = nullptr;
  uint32_t offset = 0;
};

/// Resolves a shared::cta or shared::cluster address of `bytes` bytes, aligned to `align`. False with the
/// fault: no such block, a block that has ended, out of bounds, misaligned.
bool resolveShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, uint64_t bytes, unsigned align,
                   SharedPlace &place);
/// An ordinary access to another block's shared memory; as readShared and writeShared in Access.h.
uint8_t *readRemote(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes);
uint8_t *writeRemote(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes,
                     const uint8_t *value);
/// The same for an atomic operation; also to the block's own memory by an address of the cluster's.
uint8_t *updateRemote(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes);

/// barrier.cluster (PTX ISA, 9.7.13.3): every thread that has not exited arrives, then waits.
struct ClusterBarrier {
  struct State {
    std::vector<uint32_t> arrived;  ///< Lanes of each warp that wait for the others.
    std::vector<uint32_t> complete; ///< Lanes whose barrier is complete and that have not waited for it.
  };
  std::vector<State> blocks; ///< By rank.
  ClusterRows gathered, visible;
  uint32_t completed = 0; ///< How often it has been.
};

class Cluster {
public:
  std::vector<Cta *> blocks; ///< By rank.
  uint32_t size[3] = {1, 1, 1};
  uint32_t id[3] = {0, 0, 0}; ///< Of the cluster in the grid.
  ClusterBarrier barrier;

  /// Makes the blocks one cluster; each has begun.
  void begin(std::span<Cta *const> members);
  /// Completes the barrier if every thread that has not exited has arrived.
  void tryComplete();
  /// All threads of `block` have exited: whether nothing may still touch its shared memory. False with
  /// Cta::fault of `block`.
  bool checkEnd(Cta &block);
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_CLUSTER_H
