//===- AsyncCopy.cpp - What bulk copies have in common --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ranges, channels and reductions; see the header.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/AsyncCopy.h"

#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/Half.h"

#include <algorithm>
#include <cstring>

namespace imbrex::simulator {

uint64_t addressAt(Warp &warp, const uint32_t *op, unsigned lane) {
  return laneAddress(warp, op[0], static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(op[1]))), lane);
}

uint64_t inBlock(uint64_t address, int rank) {
  uint64_t offset = address & ((uint64_t(1) << kRankShift) - 1);
  return rank < 0 ? address : offset | static_cast<uint64_t>(rank + 1) << kRankShift;
}

bool takeTrailing(Decoder &d, size_t first) {
  bool multicast = d.take("multicast::cluster"), policy = d.take("L2::cache_hint");
  if (!d.operands(first + multicast + policy))
    return false;
  d.out.flags |= multicast ? kMulticast : 0;
  if (multicast && !d.read(first, Type::B16))
    return false;
  if (!multicast)
    d.extra(0);
  return !policy || d.read(first + multicast, Type::B64);
}

bool takeReduction(Decoder &d, Reduction &operation) {
  int number = d.takeOneOf({"add", "min", "max", "inc", "dec", "and", "or", "xor"});
  operation = static_cast<Reduction>(number);
  return number >= 0 || d.fail("needs a reduction");
}

namespace {

/// The first byte of the range that was never written; `count` if there is none.
uint64_t firstUnwritten(const Allocation &a, uint64_t offset, uint64_t count) {
  uint64_t at = 0;
  while (at < count) {
    if ((offset + at) % 8 == 0 && count - at >= 8 && writtenBits(a, (offset + at) / 8) == 0xFF)
      at += 8;
    else if (isWritten(a, offset + at, 1))
      ++at;
    else
      return at;
  }
  return count;
}

} // namespace

const uint8_t *readGlobalRange(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, uint64_t bytes) {
  unsigned told = static_cast<unsigned>(bytes);
  if (!findGlobal(warp, address, told))
    return failBounds(warp, i, lane, Space::Global, address, told);
  uint64_t offset = address - warp.recent.base, first = firstUnwritten(warp.recent, offset, bytes);
  if (first != bytes)
    return failUnwritten(warp, i, lane, Space::Global, address + first, told - static_cast<unsigned>(first));
  return warp.recent.bytes + offset;
}

uint8_t *writeGlobalRange(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, uint64_t bytes) {
  unsigned told = static_cast<unsigned>(bytes);
  if (!findGlobal(warp, address, told) || warp.recent.readOnly)
    return failBounds(warp, i, lane, Space::Global, address, told);
  uint64_t offset = address - warp.recent.base;
  ++warp.cta->watch.changes;
  for (uint64_t at = 0; at < bytes;) {
    unsigned step = (offset + at) % 16 == 0 && bytes - at >= 16 ? 16 : 1;
    markWritten(warp.recent, offset + at, step);
    at += step;
  }
  const Cta &cta = *warp.cta;
  uint8_t *pointer = warp.recent.bytes + offset;
  if (cta.copiesInFlight != 0 && address < cta.sourceHigh && address + bytes > cta.sourceLow)
    return checkCopySources(warp, i, lane, address, told, pointer);
  return pointer;
}

bool beginSharedWrite(Warp &warp, const Instruction &i, unsigned lane, uint64_t destination, uint64_t mbarrier,
                      uint64_t bytes, unsigned align, SharedTarget &target, AsyncWrite kind) {
  if (!resolveShared(warp, i, lane, destination, bytes, align, target.place) ||
      !findMbarrier(warp, i, lane, mbarrier, target.mbarrier))
    return false;
  Cta &home = *target.place.home;
  if (target.mbarrier.home != &home) {
    warp.fail(FaultKind::MbarrierMisuse, i, lane, "destination and mbarrier lie in different blocks");
    return false;
  }
  target.channel = channelOf(warp, i, lane, target.mbarrier);
  if (target.channel == 0)
    return false;
  View known = home.shared.clocks.issueView(actorIn(warp, home));
  if (kind != AsyncWrite::Copy) // Of the generic proxy: what it is ordered after, it sees.
    std::copy_n(known.whole().begin(), kActors, known.row.begin() + kFirstFenced);
  Accessor who = Accessor::make(target.channel, lane, i.index, false);
  who.bits |= kind == AsyncWrite::Reduction ? Accessor::kReduction : 0;
  if (!home.shared.writeAsync(target.place.offset, static_cast<uint32_t>(bytes), who, known)) {
    failShared(warp, i, lane, home, destination, static_cast<unsigned>(bytes), true);
    return false;
  }
  if (home.shared.hasNotice())
    noteShared(warp, i, lane, home, destination, static_cast<unsigned>(bytes));
  return true;
}

bool endSharedWrite(Warp &warp, const Instruction &i, unsigned lane, const SharedTarget &target, uint64_t bytes) {
  return addTransactions(warp, i, lane, target.mbarrier, -static_cast<int64_t>(bytes));
}

const uint8_t *readSharedForGroup(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, uint64_t bytes,
                                  unsigned align) {
  SharedPlace place;
  if (!resolveShared(warp, i, lane, address, bytes, align, place))
    return nullptr;
  Cta &cta = *warp.cta;
  if (place.home != &cta)
    return failBounds(warp, i, lane, Space::Shared, address, static_cast<unsigned>(bytes));
  if (warp.bulk.channel == 0)
    warp.bulk.channel = cta.shared.clocks.addChannel();
  if (warp.bulk.channel == 0) {
    warp.fail(FaultKind::NotModelled, i, lane, "more asynchronous channels in one block than the clocks have room for");
    return nullptr;
  }
  View known = cta.shared.clocks.issueView(warp.index);
  Accessor who = Accessor::make(warp.bulk.channel, lane, i.index, false);
  if (!cta.shared.readAsync(place.offset, static_cast<uint32_t>(bytes), who, known))
    return failShared(warp, i, lane, cta, address, static_cast<unsigned>(bytes), false);
  if (cta.shared.hasNotice())
    noteShared(warp, i, lane, address, static_cast<unsigned>(bytes));
  return cta.shared.data() + place.offset;
}

namespace {

/// Replaces *to by f of it, atomically.
template <class T, class F> void update(uint8_t *to, F f) {
  using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;
  Bits *place = reinterpret_cast<Bits *>(to);
  Bits old = __atomic_load_n(place, __ATOMIC_RELAXED);
  Bits next;
  do {
    T value;
    std::memcpy(&value, &old, sizeof(T));
    value = f(value);
    std::memcpy(&next, &value, sizeof(T));
  } while (!__atomic_compare_exchange_n(place, &old, next, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

template <class T> T combineIntegers(Reduction operation, T old, T value) {
  switch (operation) {
  case Reduction::Add:
    return static_cast<T>(static_cast<uint64_t>(old) + static_cast<uint64_t>(value));
  case Reduction::Min:
    return std::min(old, value);
  case Reduction::Max:
    return std::max(old, value);
  case Reduction::Increment:
    return old >= value ? 0 : old + 1;
  case Reduction::Decrement:
    return old == 0 || old > value ? value : old - 1;
  case Reduction::And:
    return old & value;
  case Reduction::Or:
    return old | value;
  case Reduction::Xor:
    return old ^ value;
  }
  return old;
}

template <class T> void reduceIntegers(uint8_t *to, const uint8_t *from, uint64_t bytes, Reduction operation) {
  for (uint64_t at = 0; at < bytes; at += sizeof(T)) {
    T value;
    std::memcpy(&value, from + at, sizeof(T));
    update<T>(to + at, [&](T old) { return combineIntegers(operation, old, value); });
  }
}

template <class T> void addFloats(uint8_t *to, const uint8_t *from, uint64_t bytes) {
  for (uint64_t at = 0; at < bytes; at += sizeof(T)) {
    T value;
    std::memcpy(&value, from + at, sizeof(T));
    update<T>(to + at, [&](T old) { return canonical(old + value); });
  }
}

/// f16 and bf16: rounded once.
void reduceHalves(uint8_t *to, const uint8_t *from, uint64_t bytes, Reduction operation, bool isBFloat) {
  auto widen = [&](uint16_t bits) { return isBFloat ? bfloatToFloat(bits) : halfToFloat(bits); };
  for (uint64_t at = 0; at < bytes; at += 2) {
    uint16_t bits;
    std::memcpy(&bits, from + at, 2);
    float value = widen(bits);
    update<uint16_t>(to + at, [&](uint16_t old) {
      double result = operation == Reduction::Add   ? double(widen(old)) + value
                      : operation == Reduction::Min ? minimum(widen(old), value, false)
                                                    : maximum(widen(old), value, false);
      return static_cast<uint16_t>(encodeFloat(result, isBFloat ? kBFloat : kHalf, Rounding::NearestEven));
    });
  }
}

} // namespace

bool reduces(Reduction operation, Type type) {
  switch (type) {
  case Type::U32:
    return operation <= Reduction::Decrement;
  case Type::S32:
  case Type::S64:
    return operation <= Reduction::Max;
  case Type::U64:
    return operation <= Reduction::Max;
  case Type::B32:
  case Type::B64:
    return operation >= Reduction::And;
  case Type::F32:
  case Type::F64:
    return operation == Reduction::Add;
  case Type::F16:
  case Type::BF16:
    return operation <= Reduction::Max;
  default:
    return false;
  }
}

void reduceInto(uint8_t *to, const uint8_t *from, uint64_t bytes, Reduction operation, Type type) {
  switch (type) {
  case Type::S32:
    return reduceIntegers<int32_t>(to, from, bytes, operation);
  case Type::U64:
  case Type::B64:
    return reduceIntegers<uint64_t>(to, from, bytes, operation);
  case Type::S64:
    return reduceIntegers<int64_t>(to, from, bytes, operation);
  case Type::F32:
    return addFloats<float>(to, from, bytes);
  case Type::F64:
    return addFloats<double>(to, from, bytes);
  case Type::F16:
  case Type::BF16:
    return reduceHalves(to, from, bytes, operation, type == Type::BF16);
  default:
    return reduceIntegers<uint32_t>(to, from, bytes, operation);
  }
}

} // namespace imbrex::simulator
