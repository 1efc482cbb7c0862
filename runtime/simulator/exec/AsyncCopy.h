//===- AsyncCopy.h - What bulk copies have in common ------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies by the async proxy (PTX ISA, 9.7.9.25): checked ranges of global memory, writes into the shared
// memory of a block that complete at an mbarrier there, reads of the own block's shared memory that belong
// to a bulk group, and element-wise reductions. Every copy takes place when it is issued; when it counts as
// done is the clocks' business (memory/Clocks.h).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_ASYNCCOPY_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_ASYNCCOPY_H

#include "runtime/simulator/exec/Mbarrier.h"

namespace imbrex::simulator {

/// The lane's address from two operands, base and offset (Decoder::addressWithOffset).
uint64_t addressAt(Warp &warp, const uint32_t *op, unsigned lane);
/// The same place in the block of that rank; as it is for -1.
uint64_t inBlock(uint64_t address, int rank);

/// Flag: the 16-bit operand `maskSlot` names the blocks of the cluster that a load goes to.
constexpr uint32_t kMulticast = 1u << 8;
/// Calls f(rank) for each block that the copy goes to; f(-1) without multicast. False with a fault, or if f does.
template <class F> bool eachTarget(Warp &warp, const Instruction &i, unsigned lane, uint32_t maskSlot, F f) {
  if (!(i.flags & kMulticast))
    return f(-1);
  uint32_t mask = warp.reg<uint16_t>(maskSlot)[lane];
  if (mask == 0 || mask >> warp.cta->cluster->blocks.size() != 0) {
    warp.fail(FaultKind::OutOfBounds, i, lane,
              "the multicast mask " + std::to_string(mask) + " names no block, or one outside the cluster");
    return false;
  }
  for (; mask != 0; mask &= mask - 1)
    if (!f(__builtin_ctz(mask)))
      return false;
  return true;
}
/// Decodes what may follow `first` fixed operands: the mask (or 0 as an operand), and a cache policy, which
/// changes nothing.
bool takeTrailing(Decoder &d, size_t first);

/// The host's bytes of a range that lies in one allocation and was written; null with the fault.
const uint8_t *readGlobalRange(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, uint64_t bytes);
/// The same for writing; marks it written.
uint8_t *writeGlobalRange(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, uint64_t bytes);

/// A copy into shared memory.
struct SharedTarget {
  SharedPlace place;
  MbarrierPlace mbarrier;
  unsigned channel = 0;
};
/// Who writes: a copy by the async proxy, st.async, or red.async, which reads too and is atomic among its like.
enum class AsyncWrite : uint8_t { Copy, Store, Reduction };
/// Resolves destination and mbarrier, which must be of one block, and claims the bytes for the copy. False with
/// the fault.
bool beginSharedWrite(Warp &warp, const Instruction &i, unsigned lane, uint64_t destination, uint64_t mbarrier,
                      uint64_t bytes, unsigned align, SharedTarget &target, AsyncWrite kind = AsyncWrite::Copy);
/// The bytes are there: counts them at the mbarrier. False with the fault.
bool endSharedWrite(Warp &warp, const Instruction &i, unsigned lane, const SharedTarget &target, uint64_t bytes);

/// The block's own shared bytes that a bulk group reads; null with the fault.
const uint8_t *readSharedForGroup(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, uint64_t bytes,
                                  unsigned align);

/// The lane's cp.async copies belong to `channel` from now on: done when it completes (CopyAsync.cpp).
void completeCopies(Warp &warp, unsigned lane, unsigned channel);

enum class Reduction : uint8_t { Add, Min, Max, Increment, Decrement, And, Or, Xor };

/// Takes the modifier that names it.
bool takeReduction(Decoder &d, Reduction &operation);
/// Whether bulk copies reduce elements of that type so.
bool reduces(Reduction operation, Type type);
/// to[k] = operation(to[k], from[k]) for every element, each atomically; `bytes` is a multiple of their size.
void reduceInto(uint8_t *to, const uint8_t *from, uint64_t bytes, Reduction operation, Type type);

/// cp.async.bulk.tensor after the words up to "tensor" (TensorCopy.cpp).
bool decodeTensorCopy(Decoder &d, bool isReduction, bool isPrefetch);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_ASYNCCOPY_H
