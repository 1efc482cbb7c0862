//===- Atomic.cpp - atom and red ------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, atom and red on global and shared memory. Atomic against blocks on other host threads; lanes
// go in ascending order. What they order: exec/MemoryOrder.h.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Access.h"
#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/Half.h"

#include <cstring>

namespace imbrex::simulator {
namespace {

enum class HalfOperation : uint8_t { Add, Min, Max };

struct AtomicAdd {
  template <class T> static T apply(T old, T b, T) { return old + b; }
};
/// f16 and bf16 as bits; the result is rounded once.
template <bool BFloat, HalfOperation Op> struct AtomicHalf {
  static uint16_t apply(uint16_t old, uint16_t b, uint16_t) {
    double x = BFloat ? bfloatToFloat(old) : halfToFloat(old), y = BFloat ? bfloatToFloat(b) : halfToFloat(b);
    double result = Op == HalfOperation::Add   ? x + y
                    : Op == HalfOperation::Min ? minimum(x, y, false)
                                               : maximum(x, y, false);
    return static_cast<uint16_t>(encodeFloat(result, BFloat ? kBFloat : kHalf, Rounding::NearestEven));
  }
};
/// f16x2 and bf16x2 as bits.
template <bool BFloat, HalfOperation Op> struct AtomicPair {
  static uint32_t apply(uint32_t old, uint32_t b, uint32_t) {
    auto half = [&](unsigned shift) {
      return uint32_t(AtomicHalf<BFloat, Op>::apply(static_cast<uint16_t>(old >> shift),
                                                    static_cast<uint16_t>(b >> shift), 0))
             << shift;
    };
    return half(0) | half(16);
  }
};
struct AtomicMin {
  template <class T> static T apply(T old, T b, T) { return b < old ? b : old; }
};
struct AtomicMax {
  template <class T> static T apply(T old, T b, T) { return b > old ? b : old; }
};
struct AtomicAnd {
  template <class T> static T apply(T old, T b, T) { return old & b; }
};
struct AtomicOr {
  template <class T> static T apply(T old, T b, T) { return old | b; }
};
struct AtomicXor {
  template <class T> static T apply(T old, T b, T) { return old ^ b; }
};
struct AtomicExchange {
  template <class T> static T apply(T, T b, T) { return b; }
};
struct AtomicCompare {
  template <class T> static T apply(T old, T b, T c) { return old == b ? c : old; }
};
struct AtomicIncrement {
  template <class T> static T apply(T old, T b, T) { return old >= b ? 0 : old + 1; }
};
struct AtomicDecrement {
  template <class T> static T apply(T old, T b, T) { return old == 0 || old > b ? b : old - 1; }
};

/// A value as it lies in memory: two are the same there if their bits are.
template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 8, uint64_t, std::conditional_t<sizeof(T) == 4, uint32_t, uint16_t>>;

/// Replaces *to by Operation of it, atomically; returns what was there. Counts a change of the value.
template <class T, class Operation> T update(uint8_t *to, T b, T c, uint64_t &changes) {
  using Bits = BitsOf<T>;
  Bits *place = reinterpret_cast<Bits *>(to);
  Bits old = __atomic_load_n(place, __ATOMIC_RELAXED);
  while (true) {
    T value;
    std::memcpy(&value, &old, sizeof(T));
    T next = Operation::apply(value, b, c);
    Bits bits;
    std::memcpy(&bits, &next, sizeof(T));
    if (__atomic_compare_exchange_n(place, &old, bits, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
      changes += bits != old;
      return value;
    }
  }
}

/// The same where nobody else is: all blocks that see a block's shared memory run on one thread.
template <class T, class Operation> T updateAlone(uint8_t *to, T b, T c, uint64_t &changes) {
  T value;
  BitsOf<T> old, bits;
  std::memcpy(&value, to, sizeof(T));
  T next = Operation::apply(value, b, c);
  std::memcpy(&old, to, sizeof(T));
  std::memcpy(&bits, &next, sizeof(T));
  std::memcpy(to, &bits, sizeof(T));
  changes += bits != old;
  return value;
}

/// Relaxed operations in shared memory that need no closer look; returns the lanes that have made them.
template <class T, class Operation> uint32_t atomicShared(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t addresses[32];
  if (spaceOf(i) != Space::Shared || i.flags & (kAcquire | kRelease) || !warp.cta->order.isIdle(warp.index) ||
      !sharedAddresses(warp, i, i.op[1], lanes, sizeof(T), addresses))
    return 0;
  SharedMemory &shared = warp.cta->shared;
  uint32_t done = shared.updateLanes(addresses, lanes, sizeof(T), updater(accessor(warp, i, 0), i));
  T *d = warp.reg<T>(i.op[0]);
  const T *b = warp.reg<T>(i.op[2]), *c = warp.reg<T>(i.op[3]);
  for (uint32_t rest = done; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    d[lane] = updateAlone<T, Operation>(shared.data() + addresses[lane], b[lane], c[lane], warp.cta->watch.changes);
  }
  return done;
}

/// op: d, base, b, c.
template <class T, class Operation> Step atomic(Warp &warp, const Instruction &i, uint32_t lanes) {
  lanes &= ~atomicShared<T, Operation>(warp, i, lanes);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t address = laneAddress(warp, i, i.op[1], lane);
    std::lock_guard turn(warp.cta->launch->sync->turnAt(address));
    uint8_t *to = updateAny(warp, i, lane, spaceOf(i), address, sizeof(T));
    if (!to)
      return Step::Fault;
    warp.reg<T>(i.op[0])[lane] =
        update<T, Operation>(to, warp.reg<T>(i.op[2])[lane], warp.reg<T>(i.op[3])[lane], warp.cta->watch.changes);
    afterStrongRead(warp, i, lane, spaceOf(i), address);
  }
  warp.notePoll();
  return Step::Next;
}

/// op: d..., base, b...: count elements side by side, each atomic.
template <class T, class Operation> Step atomicVector(Warp &warp, const Instruction &i, uint32_t lanes) {
  unsigned count = i.count, bytes = count * sizeof(T);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t address = laneAddress(warp, i, i.op[count], lane);
    std::lock_guard turn(warp.cta->launch->sync->turnAt(address));
    uint8_t *to = updateAny(warp, i, lane, spaceOf(i), address, bytes);
    if (!to)
      return Step::Fault;
    for (unsigned e = 0; e < count; ++e) {
      T b = warp.reg<T>(i.op[count + 1 + e])[lane];
      warp.reg<T>(i.op[e])[lane] = update<T, Operation>(to + e * sizeof(T), b, b, warp.cta->watch.changes);
    }
    afterStrongRead(warp, i, lane, spaceOf(i), address);
  }
  warp.notePoll();
  return Step::Next;
}

template <class Operation> Handler pickInteger(Type type) {
  switch (type) {
  case Type::U32:
  case Type::B32:
    return atomic<uint32_t, Operation>;
  case Type::S32:
    return atomic<int32_t, Operation>;
  case Type::U64:
  case Type::B64:
    return atomic<uint64_t, Operation>;
  case Type::S64:
    return atomic<int64_t, Operation>;
  default:
    return nullptr;
  }
}

Handler pickAdd(Type type) {
  switch (type) {
  case Type::U32:
  case Type::S32:
    return atomic<uint32_t, AtomicAdd>;
  case Type::U64:
  case Type::S64:
    return atomic<uint64_t, AtomicAdd>;
  case Type::F32:
    return atomic<float, AtomicAdd>;
  case Type::F64:
    return atomic<double, AtomicAdd>;
  case Type::F16:
    return atomic<uint16_t, AtomicHalf<false, HalfOperation::Add>>;
  case Type::BF16:
    return atomic<uint16_t, AtomicHalf<true, HalfOperation::Add>>;
  case Type::F16x2:
    return atomic<uint32_t, AtomicPair<false, HalfOperation::Add>>;
  case Type::BF16x2:
    return atomic<uint32_t, AtomicPair<true, HalfOperation::Add>>;
  default:
    return nullptr;
  }
}

enum Operation { Add, Min, Max, And, Or, Xor, Exchange, Compare, Increment, Decrement };

Handler pickAtomic(int operation, Type type) {
  switch (operation) {
  case Add:
    return pickAdd(type);
  case Min:
    return pickInteger<AtomicMin>(type);
  case Max:
    return pickInteger<AtomicMax>(type);
  case And:
    return pickInteger<AtomicAnd>(type);
  case Or:
    return pickInteger<AtomicOr>(type);
  case Xor:
    return pickInteger<AtomicXor>(type);
  case Exchange:
    return pickInteger<AtomicExchange>(type);
  case Compare:
    return type == Type::B16 ? atomic<uint16_t, AtomicCompare> : pickInteger<AtomicCompare>(type);
  case Increment:
    return type == Type::U32 ? atomic<uint32_t, AtomicIncrement> : nullptr;
  case Decrement:
    return type == Type::U32 ? atomic<uint32_t, AtomicDecrement> : nullptr;
  default:
    return nullptr;
  }
}

template <HalfOperation Op> Handler pickHalfVector(Type type) {
  switch (type) {
  case Type::F16:
    return atomicVector<uint16_t, AtomicHalf<false, Op>>;
  case Type::BF16:
    return atomicVector<uint16_t, AtomicHalf<true, Op>>;
  case Type::F16x2:
    return atomicVector<uint32_t, AtomicPair<false, Op>>;
  case Type::BF16x2:
    return atomicVector<uint32_t, AtomicPair<true, Op>>;
  default:
    return nullptr;
  }
}

Handler pickVector(int operation, Type type) {
  if (operation == Add)
    return type == Type::F32 ? atomicVector<float, AtomicAdd> : pickHalfVector<HalfOperation::Add>(type);
  return operation == Min ? pickHalfVector<HalfOperation::Min>(type) : pickHalfVector<HalfOperation::Max>(type);
}

/// {atom,red}.global.{add,min,max}.vec: two to eight elements, 16 bytes at most (PTX ISA, 9.7.13.5 and 9.7.13.6,
/// vector operations); min and max of 16-bit floats alone, f32 in twos and fours.
bool decodeVectorAtomic(Decoder &d, Space space, int operation, Type type, unsigned count, uint32_t order) {
  bool returns = d.source.opcode == "atom";
  size_t first = returns ? 1 : 0;
  bool isKnown = operation == Add || operation == Min || operation == Max;
  if ((space != Space::Global && space != Space::Generic) || !isKnown || count * bitsOf(type) > 128)
    return d.fail("only .add, .min and .max of at most 16 bytes in global memory are vector operations");
  d.out.count = static_cast<uint16_t>(count);
  d.out.flags = kStrongAccess | kAtomicAccess | order | static_cast<uint32_t>(space) << kSpaceShift;
  if (!d.operands(first + 2))
    return false;
  for (unsigned e = 0; !returns && e < count; ++e)
    if (!d.write(ptx::Operand(), type))
      return false;
  return (!returns || d.writeVector(0, type, count)) && d.address(first) && d.readVector(first + 1, type, count) &&
         d.finish(pickVector(operation, type));
}

bool decodeAtomic(Decoder &d) {
  bool returns = d.source.opcode == "atom";
  if (!returns && d.has("async"))
    return decodeReduceAsync(d);
  d.rule(Rule::Use);
  constexpr uint32_t kOrders[] = {0, 0, kAcquire, kRelease, kAcquire | kRelease};
  uint32_t order = kOrders[d.takeOneOf({"relaxed", "acquire", "release", "acq_rel"}) + 1];
  if (d.takeOneOf({"cta", "cluster", "gpu", "sys"}) == 0)
    order |= kBlockScope;
  Space space = d.takeSpace();
  int operation = d.takeOneOf({"add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"});
  d.take("noftz");
  int vector = d.takeOneOf({"v2", "v4", "v8"});
  Type type = d.takeType();
  if (vector >= 0)
    return decodeVectorAtomic(d, space, operation, type, 2u << vector, order);
  size_t first = returns ? 1 : 0, count = first + (operation == Compare ? 3 : 2);
  if (operation < 0 || !d.operands(count))
    return d.fail("this operation is not modelled");
  d.out.flags = kStrongAccess | kAtomicAccess | order | static_cast<uint32_t>(space) << kSpaceShift;
  if (space == Space::Generic || space == Space::Shared || space == Space::SharedCluster)
    d.noteSharedAccess(bitsOf(type) / 8);
  d.out.flags |= returns ? kReturnsValue : 0;
  return d.write(returns ? d.operand(0) : ptx::Operand(), type) && d.address(first) && d.read(first + 1, type) &&
         d.read(first + (operation == Compare ? 2 : 1), type) && d.finish(pickAtomic(operation, type));
}

constexpr Opcode kOpcodes[] = {{"atom", decodeAtomic}, {"red", decodeAtomic}};

} // namespace

std::span<const Opcode> atomicOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
