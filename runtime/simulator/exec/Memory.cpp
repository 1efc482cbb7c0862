//===- Memory.cpp - ld, st, cvta, isspacep, prefetch ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads and stores of 1 to 32 bytes a lane (PTX ISA, data movement). Cache operators and eviction
// hints change nothing here; volatile and ordered accesses are "strong" for the race check.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Cluster.h"

#include <cstring>
#include <type_traits>

namespace imbrex::simulator {
namespace {

/// A value of so many bytes in memory.
template <unsigned Bytes>
using Memory =
    std::conditional_t<Bytes == 1, uint8_t,
                       std::conditional_t<Bytes == 2, uint16_t, std::conditional_t<Bytes == 4, uint32_t, uint64_t>>>;

/// Strong accesses meet those of blocks on other host threads: element by element they are atomic there too.
template <unsigned Bytes, class Register, bool Signed, bool Strong = false> Register loaded(const uint8_t *from) {
  Memory<Bytes> value;
  if constexpr (Strong)
    value = __atomic_load_n(reinterpret_cast<const Memory<Bytes> *>(from), __ATOMIC_ACQUIRE);
  else
    std::memcpy(&value, from, Bytes);
  if constexpr (Signed)
    return static_cast<Register>(static_cast<std::make_signed_t<Memory<Bytes>>>(value));
  else
    return value;
}

template <unsigned Bytes, class Register, bool Signed, bool Strong>
void toRegisters(Warp &warp, const Instruction &i, unsigned lane, const uint8_t *from) {
  for (unsigned e = 0; e < i.count; ++e)
    warp.reg<Register>(i.op[e])[lane] = loaded<Bytes, Register, Signed, Strong>(from + e * Bytes);
}

/// The same for many lanes; lane l's bytes are at placeOf(l).
template <unsigned Bytes, class Register, bool Signed, class PlaceOf>
void toRegistersOf(Warp &warp, const Instruction &i, uint32_t lanes, PlaceOf placeOf) {
  for (unsigned e = 0; e < i.count; ++e) {
    Register *to = warp.reg<Register>(i.op[e]);
    forLanes(lanes,
             [&](unsigned lane) { to[lane] = loaded<Bytes, Register, Signed>(placeOf(lane) + size_t(e) * Bytes); });
  }
}

/// Plain loads from shared memory that need no closer look; returns the lanes that have them.
template <unsigned Bytes, class Register, bool Signed>
uint32_t loadSharedLanes(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t addresses[32], total = Bytes * i.count;
  if (i.flags & kStrongAccess || !sharedAddresses(warp, i, i.op[i.count], lanes, total, addresses))
    return 0;
  SharedMemory &shared = warp.cta->shared;
  uint32_t done = shared.readLanes(addresses, lanes, total, accessor(warp, i, 0));
  const uint8_t *bytes = shared.data();
  toRegistersOf<Bytes, Register, Signed>(warp, i, done, [&](unsigned lane) { return bytes + addresses[lane]; });
  return done;
}

/// Held while a strong access is recorded and made: a read has seen the write that the RaceShadow holds for the last.
std::unique_lock<std::mutex> takeTurn(Warp &warp, const Instruction &i, uint64_t address) {
  return i.flags & kStrongAccess ? std::unique_lock(warp.cta->launch->sync->turnAt(address))
                                 : std::unique_lock<std::mutex>();
}

/// op: destinations..., base last.
template <Space S, unsigned Bytes, class Register, bool Signed>
Step load(Warp &warp, const Instruction &i, uint32_t lanes) {
  unsigned count = i.count, total = Bytes * count;
  uint32_t base = i.op[count];
  if constexpr (S == Space::Shared)
    lanes &= ~loadSharedLanes<Bytes, Register, Signed>(warp, i, lanes);
  if constexpr (S == Space::Global)
    if (const uint8_t *from = findGlobalRow(warp, i, base, lanes, total)) {
      if (!noteGlobalRow(warp, i, from, total))
        return Step::Fault;
      toRegistersOf<Bytes, Register, Signed>(warp, i, lanes, [&](unsigned lane) { return from + lane * total; });
      return Step::Next;
    }
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t address = laneAddress(warp, i, base, lane);
    std::unique_lock<std::mutex> turn = takeTurn(warp, i, address);
    const uint8_t *from = S == Space::Global   ? loadGlobal(warp, i, lane, address, total)
                          : S == Space::Shared ? loadShared(warp, i, lane, address, total)
                                               : loadAny(warp, i, lane, spaceOf(i), address, total);
    if (!from) [[unlikely]]
      return Step::Fault;
    if (i.flags & kStrongAccess) [[unlikely]] {
      toRegisters<Bytes, Register, Signed, true>(warp, i, lane, from);
      afterStrongRead(warp, i, lane, S == Space::Generic ? spaceOf(i) : S, address);
    } else {
      toRegisters<Bytes, Register, Signed, false>(warp, i, lane, from);
    }
  }
  if (!warp.unwritten.empty()) [[unlikely]]
    settleLoad(warp, i);
  if (i.flags & kStrongAccess)
    warp.notePoll();
  return Step::Next;
}

template <unsigned Bytes, class Register>
void fromRegisters(Warp &warp, const Instruction &i, unsigned lane, uint8_t *to) {
  for (unsigned e = 0; e < i.count; ++e)
    std::memcpy(to + e * Bytes, warp.reg<Register>(i.op[e]) + lane, Bytes);
}

template <unsigned Bytes> void storeStrong(uint8_t *to, const uint8_t *value, unsigned count) {
  for (unsigned e = 0; e < count; ++e) {
    Memory<Bytes> bits;
    std::memcpy(&bits, value + e * Bytes, Bytes);
    __atomic_store_n(reinterpret_cast<Memory<Bytes> *>(to) + e, bits, __ATOMIC_RELEASE);
  }
}

/// Plain stores to shared memory that need no closer look; returns the lanes that have made them.
template <unsigned Bytes, class Register> uint32_t storeSharedLanes(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t addresses[32], total = Bytes * i.count;
  if (i.flags & kStrongAccess || !sharedAddresses(warp, i, i.op[i.count], lanes, total, addresses))
    return 0;
  SharedMemory &shared = warp.cta->shared;
  uint32_t done = shared.writeLanes(addresses, lanes, total, accessor(warp, i, 0));
  uint8_t *bytes = shared.data();
  for (unsigned e = 0; e < i.count; ++e) {
    const Register *from = warp.reg<Register>(i.op[e]);
    for (uint32_t rest = done; rest != 0; rest &= rest - 1) { // In ascending order: the last of one address stays.
      unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
      std::memcpy(bytes + addresses[lane] + e * Bytes, from + lane, Bytes);
    }
  }
  warp.cta->watch.changes += done != 0;
  return done;
}

/// op: sources..., base last.
template <Space S, unsigned Bytes, class Register> Step store(Warp &warp, const Instruction &i, uint32_t lanes) {
  unsigned count = i.count, total = Bytes * count;
  uint32_t base = i.op[count];
  if constexpr (S == Space::Shared)
    lanes &= ~storeSharedLanes<Bytes, Register>(warp, i, lanes);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t address = laneAddress(warp, i, base, lane);
    uint8_t value[32];
    fromRegisters<Bytes, Register>(warp, i, lane, value);
    std::unique_lock<std::mutex> turn = takeTurn(warp, i, address);
    uint8_t *to = S == Space::Global   ? writeGlobal(warp, i, lane, address, total, value)
                  : S == Space::Shared ? writeShared(warp, i, lane, address, total, value)
                                       : writeAny(warp, i, lane, spaceOf(i), address, total, value);
    if (!to) [[unlikely]]
      return Step::Fault;
    if (i.flags & kStrongAccess) [[unlikely]]
      storeStrong<Bytes>(to, value, count);
    else
      std::memcpy(to, value, total);
  }
  return Step::Next;
}

template <Space S, unsigned Bytes, class Register> Handler pickSigned(bool store_, bool isSignExtended) {
  if (store_)
    return store<S, Bytes, Register>;
  if constexpr (sizeof(Register) > Bytes)
    if (isSignExtended)
      return load<S, Bytes, Register, true>;
  return load<S, Bytes, Register, false>;
}

template <Space S> Handler pickWidth(unsigned bytes, unsigned registerBits, bool store_, bool extended) {
  switch (bytes * 1000 + registerBits) {
  case 1016:
    return pickSigned<S, 1, uint16_t>(store_, extended);
  case 1032:
    return pickSigned<S, 1, uint32_t>(store_, extended);
  case 1064:
    return pickSigned<S, 1, uint64_t>(store_, extended);
  case 2016:
    return pickSigned<S, 2, uint16_t>(store_, extended);
  case 2032:
    return pickSigned<S, 2, uint32_t>(store_, extended);
  case 2064:
    return pickSigned<S, 2, uint64_t>(store_, extended);
  case 4032:
    return pickSigned<S, 4, uint32_t>(store_, extended);
  case 4064:
    return pickSigned<S, 4, uint64_t>(store_, extended);
  case 8064:
    return pickSigned<S, 8, uint64_t>(store_, extended);
  default:
    return nullptr;
  }
}

/// Ordering, scope, cache and eviction words. Returns the flags of a strong access.
uint32_t takeMemoryHints(Decoder &d) {
  constexpr uint32_t kOrders[] = {0, kStrongAccess | kVolatileAccess, kStrongAccess, kStrongAccess | kAcquire,
                                  kStrongAccess | kRelease};
  uint32_t flags = kOrders[d.takeOneOf({"volatile", "relaxed", "acquire", "release"}) + 1];
  d.take("weak");
  if (d.takeOneOf({"cta", "cluster", "gpu", "sys"}) == 0 && flags != 0)
    flags |= kBlockScope;
  if (!d.take("nc"))
    d.takeOneOf({"ca", "cg", "cs", "lu", "cv", "wb", "wt"});
  d.takeOneOf({"L1::evict_normal", "L1::evict_unchanged", "L1::evict_first", "L1::evict_last", "L1::no_allocate"});
  d.takeOneOf({"L2::evict_first", "L2::evict_last", "L2::evict_normal"});
  d.takeOneOf({"L2::64B", "L2::128B", "L2::256B"});
  return flags;
}

/// A width that all registers of the operand share: 8, 16, 32 or 64; immediates adapt to it.
unsigned registerBits(const Decoder &d, const ptx::Operand &operand, unsigned bytes) {
  unsigned bits = d.width(operand);
  for (const ptx::Operand &element : operand.elements)
    bits = std::max(bits, d.width(element));
  return bits != 0 ? bits : std::max(16u, 8 * bytes);
}

Type bitsType(unsigned bits) {
  return bits == 8 ? Type::B8 : bits == 16 ? Type::B16 : bits == 32 ? Type::B32 : Type::B64;
}

bool decodeAccess(Decoder &d, bool isStore) {
  Space space = d.takeSpace();
  uint32_t order = takeMemoryHints(d);
  unsigned count = d.take("v2") ? 2 : d.take("v4") ? 4 : d.take("v8") ? 8 : 1;
  Type type = d.takeType();
  unsigned bytes = type == Type::Pred ? 0 : bitsOf(type) / 8;
  if (bytes == 0 || bytes * count > (space == Space::Global ? 32 : 16)) // 9.7.9.8: 256 bits in global memory only.
    return d.fail("this type and vector width is not modelled");
  bool hasPolicy = d.take("L2::cache_hint"); // One more operand, which changes nothing here.
  if (!d.operands(hasPolicy ? 3 : 2))
    return false;
  size_t value = isStore ? 1 : 0;
  unsigned width = registerBits(d, d.operand(value), bytes);
  Type registerType = bitsType(width);
  bool good = isStore ? d.readVector(value, registerType, count) : d.writeVector(value, registerType, count);
  if (!good || !d.address(1 - value))
    return false;
  if (space == Space::Param && d.isLocalOperand(1 - value))
    space = Space::Local; // Parameters of functions and calls lie in the frame.
  d.out.bytes = static_cast<uint16_t>(bytes);
  d.out.count = static_cast<uint16_t>(count);
  if (isStore)
    d.rule(Rule::Store);
  d.out.flags = order | static_cast<uint32_t>(space) << kSpaceShift;
  if (space == Space::Generic || space == Space::Shared || space == Space::SharedCluster)
    d.noteSharedAccess(bytes * count);
  bool extended = isSigned(type);
  d.out.flags |= extended ? kSignedLoad : 0;
  if (width == 8 && bytes == 1)
    width = 16; // As wide as its slot.
  if (space == Space::Global)
    return d.finish(pickWidth<Space::Global>(bytes, width, isStore, extended));
  if (space == Space::Shared)
    return d.finish(pickWidth<Space::Shared>(bytes, width, isStore, extended));
  return d.finish(pickWidth<Space::Generic>(bytes, width, isStore, extended));
}

bool decodeLoad(Decoder &d) { return decodeAccess(d, false); }
bool decodeStore(Decoder &d) { return d.has("async") ? decodeStoreAsync(d) : decodeAccess(d, true); }

uint64_t windowOf(Space space) {
  return space == Space::Shared || space == Space::SharedCluster ? kSharedWindow
         : space == Space::Local                                 ? kLocalWindow
         : space == Space::Param                                 ? kParamWindow
                                                                 : 0;
}

template <class T> Step convertAddress(Warp &warp, const Instruction &i, uint32_t lanes) {
  T *to = warp.reg<T>(i.op[0]);
  const T *from = warp.reg<T>(i.op[1]);
  forLanes(lanes, [&](unsigned lane) { to[lane] = from[lane] + static_cast<T>(i.imm); });
  return Step::Next;
}

bool decodeCvta(Decoder &d) {
  bool toSpace = d.take("to");
  Space space = d.takeSpace();
  Type type = d.takeType();
  if (type != Type::U64 && !(type == Type::U32 && toSpace))
    return d.fail("only 64-bit generic addresses are modelled");
  d.out.imm = toSpace ? 0 - windowOf(space) : windowOf(space);
  return d.operands(2) && d.write(0, type) && d.read(1, type) &&
         d.finish(type == Type::U64 ? convertAddress<uint64_t> : convertAddress<uint32_t>);
}

/// op: predicate, address. imm: the window's base, count: the window's size as a power of two; bytes: 1 if the
/// answer is inverted (global).
Step isSpace(Warp &warp, const Instruction &i, uint32_t lanes) {
  const uint64_t *address = warp.reg<uint64_t>(i.op[1]);
  uint32_t result = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    bool inside = i.bytes ? address[lane] - kSharedWindow >= 3 * (uint64_t(1) << 40)
                          : address[lane] - i.imm < uint64_t(1) << i.count;
    result |= uint32_t(inside) << lane;
  }
  uint32_t &to = warp.pred(i.op[0]);
  to = (to & ~lanes) | (result & lanes);
  return Step::Next;
}

bool decodeIsspacep(Decoder &d) {
  Space space = d.takeSpace();
  d.out.imm = windowOf(space);
  d.out.bytes = space == Space::Global || space == Space::Const;
  d.out.count = space == Space::Shared ? kRankShift : 32; // .shared is the own block's.
  return d.operands(2) && d.write(0, Type::Pred) && d.read(1, Type::B64) && d.finish(isSpace);
}

Step nothing(Warp &, const Instruction &, uint32_t) { return Step::Next; }

bool decodePrefetch(Decoder &d) {
  if (d.take("tensormap"))
    return (d.takeOneOf({"param", "const"}), d.operands(1)) && d.address(0) && d.finish(nothing);
  d.takeSpace();
  d.takeOneOf({"L1", "L2"});
  d.takeOneOf({"L2::evict_last", "L2::evict_normal", "L2"});
  d.take("b64");
  return d.finish(nothing);
}

template <class T> Step zero(Warp &warp, const Instruction &i, uint32_t lanes) {
  forLanes(lanes, [&](unsigned lane) { warp.reg<T>(i.op[0])[lane] = 0; });
  return Step::Next;
}

/// 9.7.9.18: a policy is a number for the cache_hint operands, which change nothing here.
bool decodeCreatePolicy(Decoder &d) {
  for (const std::string &word : d.source.modifiers)
    d.take(word);
  if (!d.operands(1, 5) || !d.write(0, Type::B64))
    return false;
  for (size_t i = 1; i < d.operandCount(); ++i)
    if (d.operand(i).kind == ptx::Operand::Register && !d.read(i, d.width(d.operand(i)) == 64 ? Type::B64 : Type::B32))
      return false;
  return d.finish(zero<uint64_t>);
}

constexpr Opcode kOpcodes[] = {{"ld", decodeLoad},
                               {"ldu", decodeLoad},
                               {"st", decodeStore},
                               {"cvta", decodeCvta},
                               {"isspacep", decodeIsspacep},
                               {"prefetch", decodePrefetch},
                               {"prefetchu", decodePrefetch},
                               {"discard", decodePrefetch},
                               {"applypriority", decodePrefetch},
                               {"createpolicy", decodeCreatePolicy}};

} // namespace

std::span<const Opcode> memoryOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
