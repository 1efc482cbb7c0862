//===- BulkCopy.cpp - cp.async.bulk, cp.reduce.async.bulk, groups ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.9.25.4: copies of contiguous bytes, and bulk groups. Sizes and addresses are multiples of 16.
// A bulk group's reads are complete for the thread that waits for it, with or without .read; writes to global
// memory take place at once.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/AsyncCopy.h"

#include <cstring>

namespace imbrex::simulator {
namespace {

constexpr unsigned kReductionShift = 12, kTypeShift = 16;

bool checkSize(Warp &warp, const Instruction &i, unsigned lane, uint32_t bytes, uint64_t global) {
  if (bytes % 16 == 0 && bytes != 0 && global % 16 == 0)
    return true;
  warp.fail(FaultKind::Misaligned, i, lane,
            "a bulk copy of " + std::to_string(bytes) + " bytes; size and addresses must be multiples of 16, not 0");
  return false;
}

/// op: destination, source, mbarrier (base and offset each), size, mask. Global to shared memory.
Step loadBulk(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t to = addressAt(warp, i.op, lane), from = addressAt(warp, i.op + 2, lane),
             mbarrier = addressAt(warp, i.op + 4, lane);
    uint32_t bytes = warp.reg<uint32_t>(i.op[6])[lane];
    if (!checkSize(warp, i, lane, bytes, from))
      return Step::Fault;
    const uint8_t *source = readGlobalRange(warp, i, lane, from, bytes);
    if (!source)
      return Step::Fault;
    bool good = eachTarget(warp, i, lane, i.op[7], [&](int rank) {
      SharedTarget target;
      if (!beginSharedWrite(warp, i, lane, inBlock(to, rank), inBlock(mbarrier, rank), bytes, 16, target))
        return false;
      std::memcpy(target.place.home->shared.data() + target.place.offset, source, bytes);
      return endSharedWrite(warp, i, lane, target, bytes);
    });
    if (!good)
      return Step::Fault;
  }
  return Step::Next;
}

/// The same operands; shared memory of the block to that of another. The reads are complete when the mbarrier
/// there is.
Step sendBulk(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t to = addressAt(warp, i.op, lane), from = addressAt(warp, i.op + 2, lane);
    uint32_t bytes = warp.reg<uint32_t>(i.op[6])[lane];
    if (!checkSize(warp, i, lane, bytes, 0))
      return Step::Fault;
    std::swap(warp.bulk.channel, warp.bulk.remoteChannel);
    const uint8_t *source = readSharedForGroup(warp, i, lane, from, bytes, 16);
    std::swap(warp.bulk.channel, warp.bulk.remoteChannel);
    SharedTarget target;
    if (!source || !beginSharedWrite(warp, i, lane, to, addressAt(warp, i.op + 4, lane), bytes, 16, target))
      return Step::Fault;
    std::memmove(target.place.home->shared.data() + target.place.offset, source, bytes);
    std::vector<Clocks::Row> &rows = target.mbarrier.object->gathered.rows;
    rows.resize(warp.cta->cluster->blocks.size());
    rows[warp.cta->rank][warp.bulk.remoteChannel] = warp.cta->shared.clocks.release();
    if (!endSharedWrite(warp, i, lane, target, bytes))
      return Step::Fault;
  }
  return Step::Next;
}

/// op: destination, source (base and offset each), size, byte mask. Shared to global memory.
Step storeBulk(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t to = addressAt(warp, i.op, lane), from = addressAt(warp, i.op + 2, lane);
    uint32_t bytes = warp.reg<uint32_t>(i.op[4])[lane];
    if (!checkSize(warp, i, lane, bytes, to))
      return Step::Fault;
    const uint8_t *source = readSharedForGroup(warp, i, lane, from, bytes, 16);
    uint8_t *target = source ? writeGlobalRange(warp, i, lane, to, bytes) : nullptr;
    if (!target)
      return Step::Fault;
    std::memcpy(target, source, bytes);
  }
  return Step::Next;
}

/// The same operands; adds (or as the flags say) to what is there.
Step reduceBulk(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t to = addressAt(warp, i.op, lane), from = addressAt(warp, i.op + 2, lane);
    uint32_t bytes = warp.reg<uint32_t>(i.op[4])[lane];
    if (!checkSize(warp, i, lane, bytes, to))
      return Step::Fault;
    const uint8_t *source = readSharedForGroup(warp, i, lane, from, bytes, 16);
    if (!source || !readGlobalRange(warp, i, lane, to, bytes))
      return Step::Fault;
    uint8_t *target = writeGlobalRange(warp, i, lane, to, bytes);
    if (!target)
      return Step::Fault;
    reduceInto(target, source, bytes, static_cast<Reduction>(i.flags >> kReductionShift & 15),
               static_cast<Type>(i.flags >> kTypeShift));
  }
  return Step::Next;
}

Step commitGroup(Warp &warp, const Instruction &, uint32_t lanes) {
  uint32_t time = warp.cta->shared.clocks.release();
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1)
    warp.bulk.ends[__builtin_ctz(rest)].push_back(time);
  return Step::Next;
}

/// imm: groups of the thread that may stay in flight.
Step waitGroup(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t time = 0;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    const std::vector<uint32_t> &ends = warp.bulk.ends[__builtin_ctz(rest)];
    if (ends.size() > i.imm)
      time = std::max(time, ends[ends.size() - 1 - i.imm]);
  }
  if (time != 0 && warp.bulk.channel != 0)
    warp.cta->shared.clocks.learnChannel(warp.index, warp.bulk.channel, time);
  return Step::Next;
}

/// op: source (base and offset), size. The range must exist.
Step prefetchBulk(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t from = addressAt(warp, i.op, lane);
    uint32_t bytes = warp.reg<uint32_t>(i.op[2])[lane];
    if (!checkSize(warp, i, lane, bytes, from))
      return Step::Fault;
    if (!findGlobal(warp, from, bytes)) {
      failBounds(warp, i, lane, Space::Global, from, bytes);
      return Step::Fault;
    }
  }
  return Step::Next;
}

bool decodeToShared(Decoder &d) {
  bool fromGlobal = d.take("global");
  if (!fromGlobal && !d.take("shared::cta"))
    return d.fail("the source must be global memory or the block's shared memory");
  if (!d.take("mbarrier::complete_tx::bytes"))
    return d.fail("needs .mbarrier::complete_tx::bytes");
  d.noteSharedAccess(16);
  return d.operands(4, 6) && d.addressWithOffset(0) && d.addressWithOffset(1) && d.addressWithOffset(3) &&
         d.read(2, Type::U32) && takeTrailing(d, 4) && d.finish(fromGlobal ? loadBulk : sendBulk);
}

bool decodeToGlobal(Decoder &d, Handler handler) {
  if (!d.take("shared::cta") || !d.take("bulk_group"))
    return d.fail("needs .shared::cta and .bulk_group");
  if (d.take("cp_mask"))
    return d.fail("a byte mask is not modelled");
  d.noteSharedAccess(16);
  return d.operands(3, 4) && d.addressWithOffset(0) && d.addressWithOffset(1) && d.read(2, Type::U32) &&
         takeTrailing(d, 3) && d.finish(handler);
}

bool decodeReduction(Decoder &d) {
  if (!d.take("global"))
    return d.fail("reductions into shared memory are not modelled");
  Reduction operation;
  d.take("noftz");
  if (!takeReduction(d, operation))
    return false;
  Type type = d.takeType();
  if (!reduces(operation, type))
    return d.fail("this type is not reduced so");
  d.out.flags |= static_cast<uint32_t>(operation) << kReductionShift | static_cast<uint32_t>(type) << kTypeShift;
  return decodeToGlobal(d, reduceBulk);
}

bool decodePrefetch(Decoder &d) {
  if (!d.take("L2") || !d.take("global"))
    return d.fail("only .prefetch.L2.global is modelled");
  bool policy = d.take("L2::cache_hint");
  return d.operands(2 + policy) && d.addressWithOffset(0) && d.read(1, Type::U32) &&
         (!policy || d.read(2, Type::B64)) && d.finish(prefetchBulk);
}

} // namespace

bool decodeBulkCopy(Decoder &d) {
  bool isReduction = d.take("reduce");
  d.rule(Rule::Use);
  if (!d.take("async") || !d.take("bulk"))
    return d.fail("only cp.async and cp.reduce.async.bulk are modelled");
  if (d.take("commit_group"))
    return d.operands(0) && d.finish(commitGroup);
  if (d.take("wait_group")) {
    d.take("read");
    return d.operands(1) && d.immediate(0, d.out.imm) && d.finish(waitGroup);
  }
  bool isPrefetch = d.take("prefetch");
  if (d.take("tensor"))
    return decodeTensorCopy(d, isReduction, isPrefetch);
  if (isPrefetch)
    return decodePrefetch(d);
  if (isReduction)
    return decodeReduction(d);
  const std::vector<std::string> &words = d.source.modifiers;
  if (words.size() > 2 && words[2] == "global") // The destination comes first.
    return d.take("global") && decodeToGlobal(d, storeBulk);
  return d.takeOneOf({"shared::cluster", "shared::cta"}) >= 0 ? decodeToShared(d)
                                                              : d.fail("this form of bulk copy is not modelled");
}

} // namespace imbrex::simulator
