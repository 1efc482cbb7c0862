//===- Cluster.cpp - Blocks that run together -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Distributed shared memory and what ends a block's life; see the header.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Cluster.h"

#include "runtime/simulator/exec/Mbarrier.h"

#include <utility>

namespace imbrex::simulator {

unsigned actorIn(const Warp &warp, const Cta &home) {
  return warp.cta == &home ? warp.index : kFirstForeign + warp.cta->rank;
}

void publish(const Warp &warp, ClusterRows &knowledge) {
  const Cluster &cluster = *warp.cta->cluster;
  if (knowledge.rows.empty())
    knowledge.rows.resize(cluster.blocks.size());
  for (Cta *block : cluster.blocks)
    block->shared.clocks.publish(actorIn(warp, *block), knowledge.rows[block->rank]);
  if (cluster.blocks.size() > 1)
    knowledge.global = Knowledge::merge(knowledge.global, warp.cta->order.publish(warp.index));
}

void publishLanes(const Warp &warp, uint32_t lanes, ClusterRows &knowledge) {
  Cta &cta = *warp.cta;
  View ours;
  if (!knowledge.rows.empty())
    ours = {knowledge.rows[cta.rank], std::move(knowledge.claims)};
  ours.add(cta.shared.clocks.publishLanes(warp.index, lanes, warp.started));
  publish(warp, knowledge);
  knowledge.rows[cta.rank] = ours.row;
  knowledge.claims = std::move(ours.claims);
}

void learn(const Warp &warp, uint32_t lanes, const ClusterRows &knowledge) {
  if (knowledge.rows.empty())
    return;
  for (Cta *block : warp.cta->cluster->blocks)
    block->shared.clocks.learn(actorIn(warp, *block), knowledge.rows[block->rank]);
  warp.cta->shared.clocks.learnClaims(warp.index, knowledge.claims);
  warp.cta->order.learn(warp.index, lanes, knowledge.global);
}

bool resolveShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, uint64_t bytes, unsigned align,
                   SharedPlace &place) {
  const Cluster &cluster = *warp.cta->cluster;
  uint64_t rank = address >> kRankShift;
  if (rank > cluster.blocks.size()) {
    failBounds(warp, i, lane, Space::Shared, address, static_cast<unsigned>(bytes));
    warp.cta->fault.detail += "; the cluster has " + std::to_string(cluster.blocks.size()) + " blocks";
    return false;
  }
  place.home = rank == 0 ? warp.cta : cluster.blocks[rank - 1];
  place.offset = static_cast<uint32_t>(address & ((uint64_t(1) << kRankShift) - 1));
  if (place.home->doneWarps == place.home->warpCount) {
    warp.fail(FaultKind::BlockEnded, i, lane,
              "the block of rank " + std::to_string(place.home->rank) +
                  " has ended, and its shared memory with it; missing: a barrier.cluster before its end");
    return false;
  }
  uint32_t size = place.home->shared.size();
  if (place.offset >= size || bytes > size - place.offset) {
    failBounds(warp, i, lane, Space::Shared, address, static_cast<unsigned>(bytes));
    return false;
  }
  if (place.offset & (align - 1)) {
    failMisaligned(warp, i, lane, Space::Shared, address, static_cast<unsigned>(bytes));
    return false;
  }
  if (place.home != warp.cta)
    place.home->lastForeign[warp.cta->rank] = place.home->shared.clocks.now;
  return true;
}

namespace {

Accessor accessorIn(const Warp &warp, const Instruction &i, unsigned lane, const Cta &home) {
  return Accessor::make(actorIn(warp, home), lane, i.index, i.flags & kStrongAccess);
}

} // namespace

uint8_t *readRemote(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  SharedPlace place;
  if (!resolveShared(warp, i, lane, address, bytes, bytes, place))
    return nullptr;
  SharedMemory &shared = place.home->shared;
  if (!shared.read(place.offset, bytes, accessorIn(warp, i, lane, *place.home)))
    return failShared(warp, i, lane, *place.home, address, bytes, false);
  return shared.data() + place.offset;
}

uint8_t *writeRemote(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes,
                     const uint8_t *value) {
  SharedPlace place;
  if (!resolveShared(warp, i, lane, address, bytes, bytes, place))
    return nullptr;
  SharedMemory &shared = place.home->shared;
  if (!shared.write(place.offset, bytes, accessorIn(warp, i, lane, *place.home), value))
    return failShared(warp, i, lane, *place.home, address, bytes, true);
  ++warp.cta->watch.changes;
  ++place.home->watch.changes;
  if (i.flags & kStrongAccess)
    warp.cta->order.beforeStrongWrite(warp.index, lane, i.flags, &place.home->order, place.offset);
  return shared.data() + place.offset;
}

uint8_t *updateRemote(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  SharedPlace place;
  if (!resolveShared(warp, i, lane, address, bytes, bytes, place))
    return nullptr;
  SharedMemory &shared = place.home->shared;
  if (!shared.update(place.offset, bytes, updater(accessorIn(warp, i, lane, *place.home), i)))
    return failShared(warp, i, lane, *place.home, address, bytes,
                      shared.conflict().kind != FaultKind::Uninitialised);
  ++place.home->watch.changes;
  warp.cta->order.beforeStrongWrite(warp.index, lane, i.flags, &place.home->order, place.offset);
  return shared.data() + place.offset;
}

void Cluster::begin(std::span<Cta *const> members) {
  blocks.assign(members.begin(), members.end());
  barrier = ClusterBarrier();
  barrier.blocks.resize(blocks.size());
  for (unsigned rank = 0; rank < blocks.size(); ++rank) {
    Cta &block = *blocks[rank];
    block.cluster = this;
    block.rank = rank;
    barrier.blocks[rank].arrived.assign(block.warpCount, 0);
    barrier.blocks[rank].complete.assign(block.warpCount, 0);
    if (blocks.size() > 1)
      block.shared.clocks.addForeign(static_cast<unsigned>(blocks.size()));
  }
}

void Cluster::tryComplete() {
  bool any = false;
  for (const Cta *block : blocks)
    for (unsigned w = 0; w < block->warpCount; ++w) {
      uint32_t arrived = barrier.blocks[block->rank].arrived[w];
      any |= arrived != 0;
      if (block->warps[w]->live & ~arrived)
        return;
    }
  if (!any)
    return;
  barrier.visible = barrier.gathered;
  ++barrier.completed;
  for (Cta *block : blocks) {
    ClusterBarrier::State &state = barrier.blocks[block->rank];
    for (unsigned w = 0; w < block->warpCount; ++w)
      state.complete[w] |= std::exchange(state.arrived[w], 0);
    block->wakeEvent(kClusterBarrierEvent);
    block->noteEvent();
  }
}

bool Cluster::checkEnd(Cta &block) {
  const Clocks &clocks = block.shared.clocks;
  if (clocks.columns != kColumns)
    return true;
  Clocks::Row known{};
  for (unsigned w = 0; w < block.warpCount; ++w)
    for (unsigned other = 0; other < kAgents; ++other)
      known[other] = std::max(known[other], clocks.seen[w][other]);
  for (unsigned other = 0; other < clocks.foreign; ++other)
    if (other != block.rank && block.lastForeign[other] > known[kFirstForeign + other]) {
      block.fault = Fault{FaultKind::BlockEnded,
                          "the block of rank " + std::to_string(block.rank) + " ends while the block of rank " +
                              std::to_string(other) +
                              " may still touch its shared memory; missing: a barrier.cluster before the end",
                          ~0u,
                          ~0u,
                          0,
                          0};
      return false;
    }
  for (unsigned channel = 0; channel < clocks.channels; ++channel)
    if (clocks.lastUse[channel].time > known[kFirstChannel + channel]) {
      block.fault = Fault{FaultKind::BlockEnded,
                          "the block ends while an asynchronous operation on its shared memory is in flight; missing: "
                          "a wait (mbarrier.try_wait, cp.async.bulk.wait_group or wgmma.wait_group) before the end",
                          clocks.lastUse[channel].instruction,
                          ~0u,
                          0,
                          0};
      return false;
    }
  return true;
}

namespace {

constexpr uint32_t kAligned = 1, kRelaxed = 2;

/// A relaxed arrival hands on the mbarrier.init of its lanes that a fence.mbarrier_init follows, and nothing else.
void publishInits(Warp &warp, uint32_t lanes) {
  for (auto &[address, object] : warp.cta->mbarriers)
    if (object.isInitFenced && object.knownFrom == 0 && object.isCreator(warp.index, lanes))
      object.knownFrom = warp.cta->cluster->barrier.completed + 1;
}

Step arrive(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step = Step::Next;
  if (i.flags & kAligned && !warp.requireWhole(i, lanes, step))
    return step;
  Cluster &cluster = *warp.cta->cluster;
  ClusterBarrier::State &state = cluster.barrier.blocks[warp.cta->rank];
  if (uint32_t twice = lanes & (state.arrived[warp.index] | state.complete[warp.index]))
    return warp.fail(FaultKind::DivergentBarrier, i, static_cast<unsigned>(__builtin_ctz(twice)),
                     "barrier.cluster.arrive without a barrier.cluster.wait for the one before");
  state.arrived[warp.index] |= lanes;
  warp.cta->order.arrive(warp.index, lanes);
  if (!(i.flags & kRelaxed))
    publish(warp, cluster.barrier.gathered);
  else
    publishInits(warp, lanes);
  cluster.tryComplete();
  return Step::Next;
}

Step wait(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step = Step::Next;
  if (i.flags & kAligned && !warp.requireWhole(i, lanes, step))
    return step;
  Cluster &cluster = *warp.cta->cluster;
  ClusterBarrier::State &state = cluster.barrier.blocks[warp.cta->rank];
  if (uint32_t never = lanes & ~(state.arrived[warp.index] | state.complete[warp.index]))
    return warp.fail(FaultKind::DivergentBarrier, i, static_cast<unsigned>(__builtin_ctz(never)),
                     "barrier.cluster.wait without barrier.cluster.arrive");
  if (lanes & state.arrived[warp.index])
    return warp.park(lanes, i.index, Fragment::AtEvent, kClusterBarrierEvent);
  state.complete[warp.index] &= ~lanes;
  warp.clusterBarriers = cluster.barrier.completed;
  learn(warp, lanes, cluster.barrier.visible);
  if ((warp.live & ~lanes) == 0)
    warp.cta->shared.clocks.joinLanes(warp.index, lanes, warp.started);
  return Step::Next;
}

} // namespace

bool decodeClusterBarrier(Decoder &d) {
  bool isArrive = d.take("arrive");
  if (!isArrive && !d.take("wait"))
    return d.fail("needs .arrive or .wait");
  if (isArrive && d.take("relaxed"))
    d.out.flags |= kRelaxed;
  d.take(isArrive ? "release" : "acquire");
  if (d.take("aligned"))
    d.out.flags |= kAligned;
  return d.operands(0) && d.finish(isArrive ? arrive : wait);
}

namespace {

/// op: d, a, rank. imm: where generic addresses of shared memory begin, or 0.
template <class T> Step mapAddress(Warp &warp, const Instruction &i, uint32_t lanes) {
  size_t blocks = warp.cta->cluster->blocks.size();
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t rank = warp.reg<uint32_t>(i.op[2])[lane];
    uint64_t address = warp.reg<T>(i.op[1])[lane] - i.imm;
    if (rank >= blocks)
      return warp.fail(FaultKind::OutOfBounds, i, lane,
                       "mapa names rank " + std::to_string(rank) + ", the cluster has " + std::to_string(blocks));
    if (address >= kWindowBytes)
      return warp.fail(FaultKind::OutOfBounds, i, lane, "mapa of an address outside shared memory");
    address = (address & ((1u << kRankShift) - 1)) | uint64_t(rank + 1) << kRankShift;
    warp.reg<T>(i.op[0])[lane] = static_cast<T>(address + i.imm);
  }
  return Step::Next;
}

/// op: d, a. Rank of the block whose shared memory a lies in.
template <class T> Step getRank(Warp &warp, const Instruction &i, uint32_t lanes) {
  forLanes(lanes, [&](unsigned lane) {
    uint64_t address = warp.reg<T>(i.op[1])[lane] - i.imm;
    uint32_t rank = static_cast<uint32_t>(address >> kRankShift & 0xFF);
    warp.reg<uint32_t>(i.op[0])[lane] = rank == 0 ? warp.cta->rank : rank - 1;
  });
  return Step::Next;
}

/// PTX ISA, 9.7.9.23: mapa{.shared::cluster}.type d, a, b.
bool decodeMapa(Decoder &d) {
  Space space = d.takeSpace();
  Type type = d.takeType();
  if ((type != Type::U32 && type != Type::U64) || (space != Space::Generic && space != Space::SharedCluster))
    return d.fail("needs .u32 or .u64, generic or .shared::cluster");
  d.out.imm = space == Space::Generic ? kSharedWindow : 0;
  return d.operands(3) && d.write(0, type) && d.read(1, type) && d.read(2, Type::U32) &&
         d.finish(type == Type::U64 ? mapAddress<uint64_t> : mapAddress<uint32_t>);
}

/// PTX ISA, 9.7.9.24: getctarank{.shared::cluster}.type d, a.
bool decodeGetRank(Decoder &d) {
  Space space = d.takeSpace();
  Type type = d.takeType();
  if ((type != Type::U32 && type != Type::U64) || (space != Space::Generic && space != Space::SharedCluster))
    return d.fail("needs .u32 or .u64, generic or .shared::cluster");
  d.out.imm = space == Space::Generic ? kSharedWindow : 0;
  return d.operands(2) && d.write(0, Type::U32) && d.read(1, type) &&
         d.finish(type == Type::U64 ? getRank<uint64_t> : getRank<uint32_t>);
}

Step nothing(Warp &, const Instruction &, uint32_t) { return Step::Next; }

/// PTX ISA, 9.7.13.13: griddepcontrol. Launches follow one another, so there is nothing to wait for.
bool decodeGridDependency(Decoder &d) {
  return d.takeOneOf({"launch_dependents", "wait"}) >= 0 ? d.operands(0) && d.finish(nothing)
                                                         : d.fail("needs .launch_dependents or .wait");
}

constexpr Opcode kOpcodes[] = {
    {"mapa", decodeMapa}, {"getctarank", decodeGetRank}, {"griddepcontrol", decodeGridDependency}};

} // namespace

std::span<const Opcode> clusterOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
