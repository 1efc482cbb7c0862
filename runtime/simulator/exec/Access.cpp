//===- Access.cpp - One lane's access to memory, checked ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words of each memory fault, and the spaces that are not hot.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Cluster.h"

#include <cstdio>

namespace imbrex::simulator {
namespace {

const char *spaceName(Space space) {
  switch (space) {
  case Space::Generic:
    return "generic";
  case Space::Global:
    return "global";
  case Space::Shared:
  case Space::SharedCluster:
    return "shared";
  case Space::Local:
    return "local";
  case Space::Param:
    return "param";
  case Space::Const:
    return "const";
  }
  return "unknown";
}

std::string place(Space space, uint64_t address, unsigned bytes) {
  char text[96];
  std::snprintf(text, sizeof(text), "%u bytes at %s address 0x%llx", bytes, spaceName(space),
                static_cast<unsigned long long>(address));
  return text;
}

uint8_t *failAs(FaultKind kind, Warp &warp, const Instruction &i, unsigned lane, std::string detail) {
  warp.fail(kind, i, lane, std::move(detail));
  return nullptr;
}

} // namespace

uint8_t *failMisaligned(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address,
                        unsigned bytes) {
  return failAs(FaultKind::Misaligned, warp, i, lane, place(space, address, bytes));
}

uint8_t *failBounds(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes) {
  std::string detail = place(space, address, bytes);
  if (space == Space::Global && warp.recent.readOnly && warp.recent.contains(address, bytes))
    detail += " (constant memory cannot be written)";
  else if (space == Space::Global)
    detail += " (" + warp.cta->launch->global->describe(address) + ")";
  else if (space == Space::Shared)
    detail += " (the block has " + std::to_string(warp.cta->shared.size()) + " bytes)";
  else if (space == Space::Local)
    detail += " (the thread has " + std::to_string(warp.local.bytesPerLane) + " bytes)";
  return failAs(FaultKind::OutOfBounds, warp, i, lane, std::move(detail));
}

uint8_t *failUnwritten(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes) {
  return failAs(FaultKind::Uninitialised, warp, i, lane,
                place(space, address, bytes) + ", of which some were never written" +
                    (space == Space::Shared ? " (or only later: then a bar.sync is missing before this read)" : ""));
}

uint8_t *failShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes, bool write) {
  return failShared(warp, i, lane, *warp.cta, address, bytes, write);
}

namespace {

/// Who made the other access of a conflict.
std::string describeAgent(Accessor who) {
  if (who.isChannel())
    return "an asynchronous operation";
  if (who.warp() >= kFirstForeign)
    return "the block of rank " + std::to_string(who.warp() - kFirstForeign);
  return "warp " + std::to_string(who.warp()) + " lane " + std::to_string(who.lane());
}

/// What lies between the two accesses of a conflict, and what is missing.
std::string describeConflict(const Warp &warp, const Conflict &conflict) {
  std::string who = describeAgent(conflict.other);
  switch (conflict.kind) {
  case FaultKind::MbarrierMisuse:
    return ": the bytes hold an mbarrier object, which is no data; missing: mbarrier.inval";
  case FaultKind::AsyncUnwaited:
    return " is not ordered after " + who +
           " that writes it; missing: a wait for its mbarrier, or a barrier after another warp's wait";
  case FaultKind::AsyncOverwrite:
    return " is not ordered after " + who +
           " that reads it; missing: a wait for it (wgmma.wait_group, cp.async.bulk.wait_group.read), and an arrival "
           "or barrier between that wait and this write";
  case FaultKind::MissingProxyFence:
    return " by the async proxy follows an ordinary store of " + who +
           "; missing: fence.proxy.async between the store and the barrier that orders the two";
  default:
    break;
  }
  if (conflict.otherWrote && conflict.other.async())
    return " while a cp.async of " + who +
           " into it is in flight; missing: cp.async.wait_group by the thread that issued it, then bar.sync";
  bool sameWarp = conflict.other.warp() == warp.index;
  return std::string(" is not ordered after a ") + (conflict.otherWrote ? "write" : "read") + " by " + who +
         "; missing: " +
         (sameWarp                                 ? "bar.warp.sync or bar.sync"
          : conflict.other.warp() >= kFirstForeign ? "barrier.cluster"
                                                   : "bar.sync") +
         " between the two";
}

} // namespace

uint8_t *failShared(Warp &warp, const Instruction &i, unsigned lane, const Cta &home, uint64_t address, unsigned bytes,
                    bool write) {
  const Conflict &conflict = home.shared.conflict();
  if (conflict.kind == FaultKind::Uninitialised)
    return failUnwritten(warp, i, lane, Space::Shared, address, bytes);
  if (conflict.kind == FaultKind::OutOfBounds)
    return failAs(conflict.kind, warp, i, lane,
                  place(Space::Shared, address, bytes) + " (past the end of a shared variable)");
  failAs(conflict.kind, warp, i, lane,
         std::string(write ? "write of " : "read of ") + place(Space::Shared, address, bytes) +
             describeConflict(warp, conflict));
  warp.cta->fault.other = conflict.other.instruction();
  return nullptr;
}

void noteShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  noteShared(warp, i, lane, *warp.cta, address, bytes);
}

void noteShared(Warp &warp, const Instruction &i, unsigned lane, Cta &home, uint64_t address, unsigned bytes) {
  const Program &program = *warp.cta->program;
  Notice notice = home.shared.takeNotice();
  uint32_t other = notice.other.instruction();
  std::string who = "warp " + std::to_string(notice.other.warp()) + " lane " + std::to_string(notice.other.lane());
  std::string where = place(Space::Shared, address, bytes);
  auto note = [&](NoteKind kind, const std::string &text) {
    warp.cta->launch->note(program, kind, i.index, other, text);
  };
  switch (notice.kind) {
  case Notice::EqualWrites:
    return note(NoteKind::EqualWrites,
                "write of " + where + " stores the value that is there, not ordered after the same write by " + who);
  case Notice::LaneToLane:
    if (other < program.code.size() && program.code[other].flags & i.flags & kVolatileAccess)
      note(NoteKind::WarpSynchronous, "lane " + std::to_string(lane) + " reads " + where + " written by " + who +
                                          " without bar.warp.sync between the two");
    return;
  case Notice::UnfencedCopy:
    return note(NoteKind::UnfencedCopy, "an access of " + where + " by the async proxy follows a cp.async of " + who +
                                            "; missing: fence.proxy.async between its wait and the barrier that "
                                            "orders the two");
  case Notice::None:
    return;
  }
}

uint8_t *checkCopySources(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes,
                          uint8_t *pointer) {
  for (unsigned number = 0; number < warp.cta->warpCount; ++number)
    for (const std::unique_ptr<PendingCopy> &pending : warp.cta->warps[number]->copies)
      for (uint32_t lanes = pending->lanes; lanes != 0; lanes &= lanes - 1) {
        const PendingCopy &copy = *pending;
        unsigned other = static_cast<unsigned>(__builtin_ctz(lanes));
        if (address >= copy.source[other] + copy.sourceBytes[other] || address + bytes <= copy.source[other])
          continue;
        failAs(FaultKind::SharedRace, warp, i, lane,
               "write of " + place(Space::Global, address, bytes) + " while a cp.async of warp " +
                   std::to_string(number) + " lane " + std::to_string(other) +
                   " that reads it is in flight; missing: cp.async.wait_group");
        warp.cta->fault.other = copy.instruction;
        return nullptr;
      }
  return pointer;
}

namespace {

uint8_t *failLocalGap(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  return failAs(FaultKind::OutOfBounds, warp, i, lane,
                place(Space::Local, address, bytes) + " (past the end of a local variable)");
}

uint8_t *accessLocal(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes, bool write) {
  if (!warp.local.contains(address, bytes))
    return failBounds(warp, i, lane, Space::Local, address, bytes);
  if (address & (bytes - 1))
    return failMisaligned(warp, i, lane, Space::Local, address, bytes);
  if (warp.local.touchesGap(lane, address, bytes))
    return failLocalGap(warp, i, lane, address, bytes);
  if (write) {
    warp.local.mark(lane, address, bytes);
    ++warp.cta->watch.changes; // Seen by nobody else, but a loop that counts here ends.
  } else if (!warp.local.isWritten(lane, address, bytes)) {
    return failUnwritten(warp, i, lane, Space::Local, address, bytes);
  }
  return warp.local.bytes.data() + warp.local.at(lane, address);
}

uint8_t *readParam(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  std::vector<uint8_t> &params = warp.cta->launch->params;
  if (address >= params.size() || bytes > params.size() - address)
    return failBounds(warp, i, lane, Space::Param, address, bytes);
  if (address & (bytes - 1))
    return failMisaligned(warp, i, lane, Space::Param, address, bytes);
  return params.data() + address;
}

/// The space behind a generic address; `address` becomes an address of that space.
Space resolveGeneric(uint64_t &address) {
  for (auto [base, space] : {std::pair{kSharedWindow, Space::Shared}, std::pair{kLocalWindow, Space::Local},
                             std::pair{kParamWindow, Space::Param}})
    if (address - base < kWindowBytes) {
      address -= base;
      return space == Space::Shared && address >> kRankShift != 0 ? Space::SharedCluster : space;
    }
  return Space::Global;
}

} // namespace

uint8_t *readAny(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes) {
  if (space == Space::Generic)
    space = resolveGeneric(address);
  switch (space) {
  case Space::Shared:
    return readShared(warp, i, lane, address, bytes);
  case Space::SharedCluster:
    return readRemote(warp, i, lane, address, bytes);
  case Space::Local:
    return accessLocal(warp, i, lane, address, bytes, false);
  case Space::Param:
    return readParam(warp, i, lane, address, bytes);
  default:
    return readGlobal(warp, i, lane, address, bytes);
  }
}

uint8_t *writeAny(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes,
                  const uint8_t *value) {
  if (space == Space::Generic)
    space = resolveGeneric(address);
  switch (space) {
  case Space::Shared:
    return writeShared(warp, i, lane, address, bytes, value);
  case Space::SharedCluster:
    return writeRemote(warp, i, lane, address, bytes, value);
  case Space::Local:
    return accessLocal(warp, i, lane, address, bytes, true);
  case Space::Param:
    return failBounds(warp, i, lane, Space::Param, address, bytes);
  default:
    return writeGlobal(warp, i, lane, address, bytes, value);
  }
}

uint8_t *updateAny(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes) {
  if (space == Space::Generic)
    space = resolveGeneric(address);
  if (space == Space::SharedCluster)
    return updateRemote(warp, i, lane, address, bytes);
  if (space != Space::Shared)
    return readAny(warp, i, lane, space, address, bytes) ? writeAny(warp, i, lane, space, address, bytes, nullptr)
                                                         : nullptr;
  SharedMemory &shared = warp.cta->shared;
  if (address >= shared.size() || bytes > shared.size() - address)
    return failBounds(warp, i, lane, space, address, bytes);
  if (address & (bytes - 1))
    return failMisaligned(warp, i, lane, space, address, bytes);
  if (!shared.update(static_cast<uint32_t>(address), bytes, updater(accessor(warp, i, lane), i)))
    return failShared(warp, i, lane, address, bytes, shared.conflict().kind != FaultKind::Uninitialised);
  warp.cta->order.beforeStrongWrite(warp.index, lane, i.flags, &warp.cta->order, address);
  return shared.data() + address;
}

bool isDefinedAfterAll(Warp &warp, uint64_t address, unsigned bytes) {
  SharedMemory &shared = warp.cta->shared;
  bool isComputed = false;
  return shared.conflict().kind == FaultKind::Uninitialised &&
         shared.unwrittenMask(static_cast<uint32_t>(address), bytes, isComputed) == 0;
}

bool noteUnwrittenShared(Warp &warp, unsigned lane, uint64_t address, unsigned bytes) {
  SharedMemory &shared = warp.cta->shared;
  if (shared.conflict().kind != FaultKind::Uninitialised)
    return false;
  bool isComputed = false;
  if (uint32_t mask = shared.unwrittenMask(static_cast<uint32_t>(address), bytes, isComputed))
    warp.unwritten.push_back({lane, mask, isComputed});
  return true;
}

const uint8_t *findGlobalRow(Warp &warp, const Instruction &i, uint32_t base, uint32_t lanes, unsigned bytes) {
  if (lanes != ~0u || i.flags & kStrongAccess || base & 1 || bytes > 16)
    return nullptr;
  const uint64_t *bases = warp.reg<uint64_t>(base);
  uint64_t address = bases[0] + i.imm, apart = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    apart |= bases[lane] - bases[0] - uint64_t(lane) * bytes;
  if (apart != 0 || address & (std::max(bytes, 8u) - 1) || !findGlobal(warp, address, 32 * bytes))
    return nullptr;
  const Allocation &a = warp.recent;
  uint64_t offset = address - a.base;
  return allWritten(a, offset / 8, 4 * bytes) ? a.bytes + offset : nullptr;
}

static const uint8_t *loadLocal(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  if (!warp.local.contains(address, bytes))
    return failBounds(warp, i, lane, Space::Local, address, bytes);
  if (address & (bytes - 1))
    return failMisaligned(warp, i, lane, Space::Local, address, bytes);
  bool isComputed = false;
  if (uint32_t mask = warp.local.unwrittenMask(lane, address, bytes, isComputed)) {
    if (warp.local.touchesGap(lane, address, bytes))
      return failLocalGap(warp, i, lane, address, bytes);
    warp.unwritten.push_back({lane, mask, isComputed});
  }
  return warp.local.bytes.data() + warp.local.at(lane, address);
}

const uint8_t *loadAny(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes) {
  if (space == Space::Generic)
    space = resolveGeneric(address);
  switch (space) {
  case Space::Shared:
    return loadShared(warp, i, lane, address, bytes);
  case Space::SharedCluster:
    return readRemote(warp, i, lane, address, bytes);
  case Space::Local:
    return loadLocal(warp, i, lane, address, bytes);
  case Space::Param:
    return readParam(warp, i, lane, address, bytes);
  default:
    return loadGlobal(warp, i, lane, address, bytes);
  }
}

void settleLoad(Warp &warp, const Instruction &i) {
  for (const UnwrittenLoad &load : warp.unwritten)
    for (unsigned u = 0, e = 0; u < i.useCount; ++u) {
      const RegisterUse &use = i.uses[u];
      if (!use.isResult)
        continue;
      while (i.op[e] != use.slot) // Sinks are elements without a register.
        ++e;
      uint64_t bits = 0;
      for (unsigned byte = 0; byte < i.bytes; ++byte)
        if (load.mask >> (e * i.bytes + byte) & 1)
          bits |= uint64_t(255) << (8 * (byte & 7));
      if (i.flags & kSignedLoad && i.bytes < 8 && bits >> (8 * i.bytes - 1) & 1)
        bits |= ~allBits(i.bytes);
      if (bits != 0)
        warp.undefined.set(use.slot, use.bytes, load.lane, bits & allBits(use.bytes), load.isComputed, i.index);
      ++e;
    }
  warp.unwritten.clear();
}

bool forgetBytes(Warp &warp, const Instruction &i, unsigned lane, uint32_t mask, bool isComputed, uint32_t slot) {
  if (mask == 0)
    return true;
  uint64_t address = laneAddress(warp, i, i.op[i.count], lane);
  Space space = spaceOf(i);
  if (space == Space::Generic)
    space = resolveGeneric(address);
  if (space == Space::Shared) {
    warp.cta->shared.forget(static_cast<uint32_t>(address), mask, isComputed);
  } else if (space == Space::Local) {
    for (; mask != 0; mask &= mask - 1)
      warp.local.written[warp.local.at(lane, address + static_cast<uint64_t>(__builtin_ctz(mask)))] =
          isComputed ? 2 : 0;
  } else if (isComputed || space == Space::SharedCluster) {
    warp.failUndefined(i, slot, 1u << lane,
                       space == Space::SharedCluster ? "what this stores to another block"
                                                     : "what this stores to global memory");
    return false;
  } else {
    findGlobal(warp, address, 1);
    forgetWritten(warp.recent, address - warp.recent.base, mask);
  }
  return true;
}

void afterStrongRead(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address) {
  if (space == Space::Generic)
    space = resolveGeneric(address);
  const Cta *home = warp.cta;
  if (space == Space::SharedCluster) {
    if (uint64_t rank = address >> kRankShift; rank != 0)
      home = warp.cta->cluster->blocks[rank - 1];
    address &= (uint64_t(1) << kRankShift) - 1;
  }
  if (space == Space::Global)
    warp.cta->order.afterStrongRead(warp.index, lane, i.flags, nullptr, address);
  else if (space == Space::Shared || space == Space::SharedCluster)
    warp.cta->order.afterStrongRead(warp.index, lane, i.flags, &home->order, address);
}

} // namespace imbrex::simulator
