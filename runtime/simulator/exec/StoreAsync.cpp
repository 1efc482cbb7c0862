//===- StoreAsync.cpp - st.async and red.async ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.9.13 (st.async) and 9.7.13.7 (red.async): a value goes to the shared memory of a block of the cluster,
// stored or combined with what is there, and its bytes count at an mbarrier of that block. Both are operations of the
// generic proxy: they need no proxy fence behind ordinary stores. Those of red.async, and atomic operations, may meet
// at one place; everybody else must have waited for the mbarrier.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/AsyncCopy.h"

#include <cstring>

namespace imbrex::simulator {
namespace {

// Instruction::flags of red.async.
constexpr unsigned kReductionShift = 12, kTypeShift = 16;

/// op: base and offset of destination and mbarrier, then the values.
template <class T> Step storeAsync(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest)), bytes = sizeof(T) * i.count;
    SharedTarget target;
    if (!beginSharedWrite(warp, i, lane, addressAt(warp, i.op, lane), addressAt(warp, i.op + 2, lane), bytes, bytes,
                          target, AsyncWrite::Store))
      return Step::Fault;
    for (unsigned e = 0; e < i.count; ++e)
      std::memcpy(target.place.home->shared.data() + target.place.offset + e * sizeof(T),
                  warp.reg<T>(i.op[4 + e]) + lane, sizeof(T));
    if (!endSharedWrite(warp, i, lane, target, bytes))
      return Step::Fault;
  }
  return Step::Next;
}

/// The same operands, with one value.
template <class T> Step reduceAsync(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    SharedTarget target;
    if (!beginSharedWrite(warp, i, lane, addressAt(warp, i.op, lane), addressAt(warp, i.op + 2, lane), sizeof(T),
                          sizeof(T), target, AsyncWrite::Reduction))
      return Step::Fault;
    reduceInto(target.place.home->shared.data() + target.place.offset,
               reinterpret_cast<const uint8_t *>(warp.reg<T>(i.op[4]) + lane), sizeof(T),
               static_cast<Reduction>(i.flags >> kReductionShift & 15), static_cast<Type>(i.flags >> kTypeShift));
    if (!endSharedWrite(warp, i, lane, target, sizeof(T)))
      return Step::Fault;
  }
  return Step::Next;
}

/// The operands that both have: [a], b, [mbarrier].
bool takeOperands(Decoder &d, Type type, size_t count) {
  d.rule(Rule::Use);
  d.noteSharedAccess(bitsOf(type) / 8);
  return d.operands(3) && d.addressWithOffset(0) && d.addressWithOffset(2) && d.readVector(1, type, count);
}

/// Bulk copies reduce more types than red.async does.
bool reducesAsync(Reduction operation, Type type) {
  bool wide = type == Type::U64 || type == Type::S64;
  return reduces(operation, type) && isInteger(type) && type != Type::B64 && (!wide || operation == Reduction::Add);
}

} // namespace

bool decodeStoreAsync(Decoder &d) {
  d.take("async");
  d.take("weak");
  d.take("shared::cluster");
  if (!d.take("mbarrier::complete_tx::bytes"))
    return d.fail("only st.async.shared::cluster.mbarrier::complete_tx::bytes is modelled");
  unsigned count = d.take("v2") ? 2 : d.take("v4") ? 4 : 1;
  Type type = d.takeType();
  unsigned bytes = bitsOf(type) / 8;
  if (bytes != 4 && bytes != 8)
    return d.fail("needs a type of 32 or 64 bits");
  d.out.count = static_cast<uint16_t>(count);
  return takeOperands(d, type, count) && d.finish(bytes == 4 ? storeAsync<uint32_t> : storeAsync<uint64_t>);
}

bool decodeReduceAsync(Decoder &d) {
  d.take("async");
  d.take("relaxed");
  d.take("cluster");
  d.take("shared::cluster");
  if (!d.take("mbarrier::complete_tx::bytes"))
    return d.fail("only red.async.shared::cluster.mbarrier::complete_tx::bytes is modelled");
  Reduction operation = Reduction::Add;
  bool hasOperation = takeReduction(d, operation);
  Type type = d.takeType();
  if (!hasOperation || !reducesAsync(operation, type))
    return d.fail("red.async has no such operation of this type");
  d.out.flags = static_cast<uint32_t>(operation) << kReductionShift | static_cast<uint32_t>(type) << kTypeShift;
  return takeOperands(d, type, 1) && d.finish(bitsOf(type) == 32 ? reduceAsync<uint32_t> : reduceAsync<uint64_t>);
}

} // namespace imbrex::simulator
