//===- Access.cpp - One lane's access to memory, checked ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The words of each memory fault, and the spaces that are not hot.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Access.h"

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
  const Conflict &conflict = warp.cta->shared.conflict();
  if (conflict.kind == FaultKind::Uninitialised)
    return failUnwritten(warp, i, lane, Space::Shared, address, bytes);
  if (conflict.kind == FaultKind::OutOfBounds)
    return failAs(conflict.kind, warp, i, lane,
                  place(Space::Shared, address, bytes) + " (past the end of a shared variable)");
  std::string detail = std::string(write ? "write of " : "read of ") + place(Space::Shared, address, bytes);
  unsigned otherWarp = conflict.other.warp();
  std::string who = "warp " + std::to_string(otherWarp) + " lane " + std::to_string(conflict.other.lane());
  if (conflict.otherWrote && conflict.other.async()) {
    detail += " while a cp.async of " + who +
              " into it is in flight; missing: cp.async.wait_group by the thread that issued it, then bar.sync";
  } else {
    detail += std::string(" is not ordered after a ") + (conflict.otherWrote ? "write" : "read") + " by " + who +
              "; missing: " + (otherWarp == warp.index ? "bar.warp.sync or bar.sync" : "bar.sync") + " between the two";
  }
  failAs(conflict.kind, warp, i, lane, std::move(detail));
  warp.cta->fault.other = conflict.other.instruction();
  return nullptr;
}

void noteShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  const Program &program = *warp.cta->program;
  Notice notice = warp.cta->shared.takeNotice();
  uint32_t other = notice.other.instruction();
  std::string who = "warp " + std::to_string(notice.other.warp()) + " lane " + std::to_string(notice.other.lane());
  if (notice.kind == Notice::EqualWrites)
    return warp.cta->launch->note(program, NoteKind::EqualWrites, i.index, other,
                                  "write of " + place(Space::Shared, address, bytes) +
                                      " stores the value that is there, not ordered after the same write by " + who);
  if (other < program.code.size() && program.code[other].flags & i.flags & kVolatileAccess)
    warp.cta->launch->note(program, NoteKind::WarpSynchronous, i.index, other,
                           "lane " + std::to_string(lane) + " reads " + place(Space::Shared, address, bytes) +
                               " written by " + who + " without bar.warp.sync between the two");
}

uint8_t *checkCopySources(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes,
                          uint8_t *pointer) {
  for (unsigned number = 0; number < warp.cta->warpCount; ++number)
    for (const PendingCopy &copy : warp.cta->warps[number]->copies)
      for (uint32_t lanes = copy.lanes; lanes != 0; lanes &= lanes - 1) {
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

uint8_t *accessLocal(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes, bool write) {
  if (!warp.local.contains(address, bytes))
    return failBounds(warp, i, lane, Space::Local, address, bytes);
  if (address & (bytes - 1))
    return failMisaligned(warp, i, lane, Space::Local, address, bytes);
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
      return space;
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
  case Space::Local:
    return accessLocal(warp, i, lane, address, bytes, true);
  case Space::Param:
    return failBounds(warp, i, lane, Space::Param, address, bytes);
  default:
    return writeGlobal(warp, i, lane, address, bytes, value);
  }
}

void afterStrongRead(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address) {
  if (space == Space::Generic)
    space = resolveGeneric(address);
  if (space == Space::Shared || space == Space::Global)
    warp.cta->order.afterStrongRead(warp.index, lane, i.flags, space == Space::Shared, address);
}

} // namespace imbrex::simulator
