//===- Proxy.cpp - Proxy fences and st.async ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.13.4 (fence.proxy, fence.mbarrier_init) and 9.7.9.13 (st.async). A fence.proxy.async lets
// asynchronous operations see what ordinary stores to shared memory did; fences for global memory, tensor maps
// and constants change nothing, since those are always consistent here.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/AsyncCopy.h"

#include <cstring>

namespace imbrex::simulator {
namespace {

Step fenceShared(Warp &warp, const Instruction &, uint32_t) {
  for (Cta *block : warp.cta->cluster->blocks)
    block->shared.clocks.fenceProxy(actorIn(warp, *block));
  return Step::Next;
}

Step nothing(Warp &, const Instruction &, uint32_t) { return Step::Next; }

/// fence.proxy.tensormap::generic.{acquire,release}.scope {[address], size}.
bool decodeTensorMapFence(Decoder &d) {
  if (d.takeOneOf({"acquire", "release"}) < 0 || d.takeOneOf({"cta", "cluster", "gpu", "sys"}) < 0)
    return d.fail("needs .acquire or .release and a scope");
  if (d.operandCount() == 0)
    return d.finish(nothing);
  uint64_t size = 0;
  return d.operands(2) && d.address(0) && d.immediate(1, size) && (size == 128 || d.fail("the size must be 128")) &&
         d.finish(nothing);
}

/// op: base and offset of destination and mbarrier, then the values.
template <class T> Step storeAsync(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest)), bytes = sizeof(T) * i.count;
    SharedTarget target;
    if (!beginSharedWrite(warp, i, lane, addressAt(warp, i.op, lane), addressAt(warp, i.op + 2, lane), bytes, bytes,
                          target))
      return Step::Fault;
    for (unsigned e = 0; e < i.count; ++e)
      std::memcpy(target.place.home->shared.data() + target.place.offset + e * sizeof(T),
                  warp.reg<T>(i.op[4 + e]) + lane, sizeof(T));
    if (!endSharedWrite(warp, i, lane, target, bytes))
      return Step::Fault;
  }
  return Step::Next;
}

} // namespace

bool decodeProxyFence(Decoder &d) {
  if (d.take("mbarrier_init"))
    return d.take("release") && d.take("cluster") ? d.operands(0) && d.finish(nothing)
                                                  : d.fail("needs .release.cluster");
  int kind = d.takeOneOf({"proxy"});
  if (kind < 0)
    return d.fail("this fence is not modelled");
  if (d.take("tensormap::generic"))
    return decodeTensorMapFence(d);
  if (d.take("alias") || d.take("async::generic"))
    return d.takeOneOf({"acquire", "release"}), d.take("sync_restrict::shared::cta"),
           d.take("sync_restrict::shared::cluster"), d.take("cluster"), d.operands(0) && d.finish(nothing);
  if (!d.take("async"))
    return d.fail("this proxy is not modelled");
  return d.takeOneOf({"global"}) == 0
             ? d.operands(0) && d.finish(nothing)
             : (d.takeOneOf({"shared::cta", "shared::cluster"}), d.operands(0) && d.finish(fenceShared));
}

bool decodeStoreAsync(Decoder &d) {
  d.take("async");
  d.take("weak");
  if (!d.take("shared::cluster") || !d.take("mbarrier::complete_tx::bytes"))
    return d.fail("only st.async.shared::cluster.mbarrier::complete_tx::bytes is modelled");
  unsigned count = d.take("v2") ? 2 : d.take("v4") ? 4 : 1;
  Type type = d.takeType();
  unsigned bytes = bitsOf(type) / 8;
  if (bytes != 4 && bytes != 8)
    return d.fail("needs a type of 32 or 64 bits");
  d.out.count = static_cast<uint16_t>(count);
  d.rule(Rule::Use);
  d.noteSharedAccess(bytes);
  return d.operands(3) && d.addressWithOffset(0) && d.addressWithOffset(2) && d.readVector(1, type, count) &&
         d.finish(bytes == 4 ? storeAsync<uint32_t> : storeAsync<uint64_t>);
}

} // namespace imbrex::simulator
