//===- Proxy.cpp - Proxy fences -------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.13.4 (fence.proxy, fence.mbarrier_init). A fence.proxy.async lets asynchronous operations see what
// ordinary stores to shared memory did; fences for global memory, tensor maps and constants change nothing, since
// those are always consistent here. fence.mbarrier_init is no proxy fence: with it a relaxed arrival
// at the cluster's barrier hands on that the objects are there.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/AsyncCopy.h"

namespace imbrex::simulator {
namespace {

Step fenceShared(Warp &warp, const Instruction &, uint32_t) {
  for (Cta *block : warp.cta->cluster->blocks)
    block->shared.clocks.fenceProxy(actorIn(warp, *block));
  return Step::Next;
}

/// A release at cluster scope of the mbarrier.init of these threads alone.
Step fenceInit(Warp &warp, const Instruction &, uint32_t lanes) {
  for (auto &[address, object] : warp.cta->mbarriers)
    object.isInitFenced |= object.isCreator(warp.index, lanes);
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

} // namespace

bool decodeProxyFence(Decoder &d) {
  if (d.take("mbarrier_init"))
    return d.take("release") && d.take("cluster") ? d.operands(0) && d.finish(fenceInit)
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

} // namespace imbrex::simulator
