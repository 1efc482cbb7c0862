//===- Access.h - One lane's access to memory, checked ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Turns an address of a state space into a host pointer, after every check: alignment, bounds, written
// bytes, races, copies in flight. Null means that Cta::fault is filled. The caller copies the bytes.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_ACCESS_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_ACCESS_H

#include "runtime/simulator/exec/Cta.h"
#include "runtime/simulator/exec/Decoder.h"

#include <cstring>

namespace imbrex::simulator {

/// Instruction::flags of a memory access; what a strong one orders: exec/MemoryOrder.h.
constexpr uint32_t kStrongAccess = 1, kVolatileAccess = 2, kAtomicAccess = 4, kSpaceShift = 4, kSignedLoad = 1u << 7;
/// Of an atomic operation: its result is looked at.
constexpr uint32_t kReturnsValue = 8;

/// The lane's address: base register (32 or 64 bits, see Decoder::address) plus offset, in its width.
inline uint64_t laneAddress(Warp &warp, uint32_t base, uint64_t offset, unsigned lane) {
  return base & 1 ? warp.reg<uint32_t>(base & ~1u)[lane] + static_cast<uint32_t>(offset)
                  : warp.reg<uint64_t>(base)[lane] + offset;
}
inline uint64_t laneAddress(Warp &warp, const Instruction &instruction, uint32_t base, unsigned lane) {
  return laneAddress(warp, base, instruction.imm, lane);
}

inline Accessor accessor(const Warp &warp, const Instruction &instruction, unsigned lane) {
  return Accessor::make(warp.index, lane, instruction.index, instruction.flags & kStrongAccess);
}

/// The same of an atomic operation in shared memory.
inline Accessor updater(Accessor who, const Instruction &instruction) {
  return {who.bits | (instruction.flags & kReturnsValue ? Accessor::kReturns : 0)};
}

/// The lanes' addresses in shared memory. False if one is misaligned or beyond 32 bits: then each is looked at alone.
inline bool sharedAddresses(Warp &warp, const Instruction &i, uint32_t base, uint32_t lanes, unsigned bytes,
                            uint32_t (&addresses)[32]) {
  if (lanes == ~0u && base & 1) { // The usual case, as vectors.
    const uint32_t *bases = warp.reg<uint32_t>(base & ~1u), offset = static_cast<uint32_t>(i.imm);
    uint32_t all = 0;
    for (unsigned lane = 0; lane < 32; ++lane) {
      addresses[lane] = bases[lane] + offset;
      all |= addresses[lane];
    }
    return (all & (bytes - 1)) == 0;
  }
  uint64_t all = 0;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t address = laneAddress(warp, i, base, lane);
    all |= address;
    addresses[lane] = static_cast<uint32_t>(address);
  }
  return (all & (bytes - 1)) == 0 && all >> 32 == 0;
}

/// A plain load by a whole warp from written bytes that follow each other: the first lane's. Null for any other load;
/// noteGlobalRow has yet to be asked.
const uint8_t *findGlobalRow(Warp &warp, const Instruction &i, uint32_t base, uint32_t lanes, unsigned bytes);

// Failures, out of line.
uint8_t *failMisaligned(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes);
uint8_t *failBounds(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes);
uint8_t *failUnwritten(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes);
uint8_t *failShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes, bool write);
/// The same for the shared memory of block `home`, whose conflict it tells.
uint8_t *failShared(Warp &warp, const Instruction &i, unsigned lane, const Cta &home, uint64_t address, unsigned bytes,
                    bool write);
/// Tells what the access made SharedMemory notice.
void noteShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes);
/// The same for the shared memory of block `home`.
void noteShared(Warp &warp, const Instruction &i, unsigned lane, Cta &home, uint64_t address, unsigned bytes);
/// Null, with the fault, if a copy in flight reads these global bytes; else `pointer`.
uint8_t *checkCopySources(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes,
                          uint8_t *pointer);

/// After a failed SharedMemory::read: whether only bytes beside these were undefined.
bool isDefinedAfterAll(Warp &warp, uint64_t address, unsigned bytes);
/// The same, and notes these where they are not; false if the read failed for another reason.
bool noteUnwrittenShared(Warp &warp, unsigned lane, uint64_t address, unsigned bytes);

/// Whether at most 16 bytes are the same; the usual number without a call.
inline bool isEqual(const uint8_t *a, const uint8_t *b, unsigned bytes) {
  return bytes == 4 ? std::memcmp(a, b, 4) == 0 : std::memcmp(a, b, bytes) == 0;
}

/// For the race check: false with the fault. `value`: what is about to be written, null for a read or an atomic.
inline bool noteGlobal(Warp &warp, const Instruction &i, unsigned lane, uint64_t offset, unsigned bytes, bool write,
                       const uint8_t *value) {
  const Allocation &a = warp.recent;
  if (!a.shadow)
    return true;
  unsigned step = std::min(bytes, 16u); // As much as the shadow takes at once.
  for (unsigned at = 0; at < bytes; at += step)
    if (!warp.cta->order.noteGlobal(warp, i, lane, a.shadow, a.base, offset + at, step, write,
                                    value && isEqual(a.bytes + offset + at, value + at, step))) [[unlikely]]
      return false;
  return true;
}

/// The same for what findGlobalRow found.
inline bool noteGlobalRow(Warp &warp, const Instruction &i, const uint8_t *first, unsigned bytes) {
  const Allocation &a = warp.recent;
  return !a.shadow ||
         warp.cta->order.noteGlobalRow(warp, i, a.shadow, a.base, static_cast<uint64_t>(first - a.bytes), bytes);
}

/// Finds the allocation of a global address in Warp::recent or the table.
inline bool findGlobal(Warp &warp, uint64_t address, unsigned bytes) {
  if (warp.recent.contains(address, bytes)) [[likely]]
    return true;
  const Allocation *found = warp.cta->launch->global->find(address);
  if (!found || !found->contains(address, bytes))
    return false;
  warp.recent = *found;
  if (warp.cta->launch->races == RaceLevel::Shared)
    warp.recent.shadow = nullptr;
  return true;
}

inline uint8_t *readGlobal(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  if (!findGlobal(warp, address, bytes)) [[unlikely]]
    return failBounds(warp, i, lane, Space::Global, address, bytes);
  if (address & (bytes - 1)) [[unlikely]]
    return failMisaligned(warp, i, lane, Space::Global, address, bytes);
  uint64_t offset = address - warp.recent.base;
  if (!isWritten(warp.recent, offset, bytes)) [[unlikely]]
    return failUnwritten(warp, i, lane, Space::Global, address, bytes);
  if (!noteGlobal(warp, i, lane, offset, bytes, false, nullptr)) [[unlikely]]
    return nullptr;
  return warp.recent.bytes + offset;
}

/// `value`: what the caller will write, or null.
inline uint8_t *writeGlobal(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes,
                            const uint8_t *value = nullptr) {
  if (!findGlobal(warp, address, bytes) || warp.recent.readOnly) [[unlikely]]
    return failBounds(warp, i, lane, Space::Global, address, bytes);
  if (address & (bytes - 1)) [[unlikely]]
    return failMisaligned(warp, i, lane, Space::Global, address, bytes);
  uint64_t offset = address - warp.recent.base;
  if (!noteGlobal(warp, i, lane, offset, bytes, true, value)) [[unlikely]]
    return nullptr;
  warp.cta->watch.changes += value != nullptr; // Whoever passes none counts what changes.
  if (i.flags & kStrongAccess) [[unlikely]]
    warp.cta->order.beforeStrongWrite(warp.index, lane, i.flags, nullptr, address);
  markWritten(warp.recent, offset, bytes);
  const Cta &cta = *warp.cta;
  if (cta.copiesInFlight != 0 && address < cta.sourceHigh && address + bytes > cta.sourceLow) [[unlikely]]
    return checkCopySources(warp, i, lane, address, bytes, warp.recent.bytes + offset);
  return warp.recent.bytes + offset;
}

inline uint8_t *readShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  SharedMemory &shared = warp.cta->shared;
  if (address >= shared.size() || bytes > shared.size() - address) [[unlikely]]
    return failBounds(warp, i, lane, Space::Shared, address, bytes);
  if (address & (bytes - 1)) [[unlikely]]
    return failMisaligned(warp, i, lane, Space::Shared, address, bytes);
  if (!shared.read(static_cast<uint32_t>(address), bytes, accessor(warp, i, lane)) &&
      !isDefinedAfterAll(warp, address, bytes)) [[unlikely]]
    return failShared(warp, i, lane, address, bytes, false);
  if (shared.hasNotice()) [[unlikely]]
    noteShared(warp, i, lane, address, bytes);
  return shared.data() + address;
}

/// For loads, which may bring undefined bits into registers (exec/Definedness.h): as the functions above, but bytes
/// that nothing wrote are no fault; they are noted in Warp::unwritten.
inline const uint8_t *loadGlobal(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  if (!findGlobal(warp, address, bytes)) [[unlikely]]
    return failBounds(warp, i, lane, Space::Global, address, bytes);
  if (address & (bytes - 1)) [[unlikely]]
    return failMisaligned(warp, i, lane, Space::Global, address, bytes);
  uint64_t offset = address - warp.recent.base;
  if (!isWritten(warp.recent, offset, bytes)) [[unlikely]]
    warp.unwritten.push_back({lane, unwrittenMask(warp.recent, offset, bytes), false});
  if (!noteGlobal(warp, i, lane, offset, bytes, false, nullptr)) [[unlikely]]
    return nullptr;
  return warp.recent.bytes + offset;
}

inline const uint8_t *loadShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes) {
  SharedMemory &shared = warp.cta->shared;
  if (address >= shared.size() || bytes > shared.size() - address) [[unlikely]]
    return failBounds(warp, i, lane, Space::Shared, address, bytes);
  if (address & (bytes - 1)) [[unlikely]]
    return failMisaligned(warp, i, lane, Space::Shared, address, bytes);
  if (!shared.read(static_cast<uint32_t>(address), bytes, accessor(warp, i, lane)) &&
      !noteUnwrittenShared(warp, lane, address, bytes)) [[unlikely]]
    return failShared(warp, i, lane, address, bytes, false);
  if (shared.hasNotice()) [[unlikely]]
    noteShared(warp, i, lane, address, bytes);
  return shared.data() + address;
}

const uint8_t *loadAny(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes);
/// After all lanes have loaded: Warp::unwritten becomes undefined bits of the instruction's results, and is empty.
void settleLoad(Warp &warp, const Instruction &i);
/// The bytes of `mask` that the instruction has just stored hold undefined bits. False, with the fault, if they were
/// computed (of what `slot` holds) and the memory is global.
bool forgetBytes(Warp &warp, const Instruction &i, unsigned lane, uint32_t mask, bool isComputed, uint32_t slot);

/// `value` as in SharedMemory::write.
inline uint8_t *writeShared(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, unsigned bytes,
                            const uint8_t *value) {
  SharedMemory &shared = warp.cta->shared;
  if (address >= shared.size() || bytes > shared.size() - address) [[unlikely]]
    return failBounds(warp, i, lane, Space::Shared, address, bytes);
  if (address & (bytes - 1)) [[unlikely]]
    return failMisaligned(warp, i, lane, Space::Shared, address, bytes);
  if (!shared.write(static_cast<uint32_t>(address), bytes, accessor(warp, i, lane), value)) [[unlikely]]
    return failShared(warp, i, lane, address, bytes, true);
  if (shared.hasNotice()) [[unlikely]]
    noteShared(warp, i, lane, address, bytes);
  warp.cta->watch.changes += value != nullptr;
  if (i.flags & kStrongAccess) [[unlikely]]
    warp.cta->order.beforeStrongWrite(warp.index, lane, i.flags, &warp.cta->order, address);
  return shared.data() + address;
}

/// Any space; Generic looks at the window.
uint8_t *readAny(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes);
uint8_t *writeAny(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes,
                  const uint8_t *value);
/// A read and a write at once, by an atomic operation.
uint8_t *updateAny(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, unsigned bytes);

/// What a strong read of `space` learns, once it has been made.
void afterStrongRead(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address);

inline Space spaceOf(const Instruction &instruction) {
  return static_cast<Space>(instruction.flags >> kSpaceShift & 7);
}

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_ACCESS_H
