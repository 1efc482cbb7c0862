//===- FragmentLines.cpp - Lines stored as fragments read them -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order moves bits of an element's number, so a layout stays one: what moved the element by 8 moves it by 2.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/FragmentLines.h"
#include "compiler/cta/BufferAccess.h"
#include "dialects/layout/Access.h"

using namespace mlir;
using namespace imbrex;
using layout::AtomBit;
using layout::TileLayout;

/// Elements that change places among themselves.
static constexpr unsigned kBlock = 16;

/// Of one block, a read less is not worth the four registers that must follow one another.
static constexpr unsigned kShortest = 2 * kBlock;

/// The layout of places for that of the elements of a line; nullopt where it is not spread by whole blocks.
static std::optional<TileLayout> inFragmentOrder(const TileLayout &layout, int64_t elements) {
  if (layout.rank() != 1 || elements % kBlock != 0 || layout.atomShape()[0] % kBlock != 0)
    return std::nullopt;
  auto moved = [](AtomBit bit) {
    bit.step = bit.step == 8 ? 2 : bit.step == 2 || bit.step == 4 ? 2 * bit.step : bit.step;
    return bit;
  };
  return TileLayout(llvm::map_to_vector(layout.registerBits(), moved), llvm::map_to_vector(layout.laneBits(), moved),
                    layout.warps(), layout.warpStrides(), layout.repeat());
}

/// True if all that uses `slot` are reads of the line by wider accesses in that order, or, of threads that fill it,
/// writes.
template <typename Access> static bool isAccessedByFragments(Value slot) {
  return llvm::all_of(slot.getUsers(), [&](Operation *user) {
    auto access = dyn_cast<Access>(user);
    if (!access)
      return false;
    RankedTensorType type;
    if constexpr (std::is_same_v<Access, cta::ReadOp>)
      type = cast<RankedTensorType>(access.getResult().getType());
    else
      type = cast<RankedTensorType>(access.getValue().getType());
    const TileLayout &own = cta::layoutOf(type);
    std::optional<TileLayout> stored = inFragmentOrder(own, cast<cta::BufferType>(slot.getType()).getColumns());
    auto width = [&](const TileLayout &each) {
      return layout::accessWidth(each, 0, type.getDimSize(0), tile::elementBytes(type.getElementType()));
    };
    return stored && (std::is_same_v<Access, cta::WriteOp> || width(*stored) > width(own));
  });
}

static bool isInFragmentOrder(cta::RingOp ring) {
  if (ring.getType().getRows() != 1 || ring.getType().getColumns() < kShortest)
    return false;
  bool isWritten = false;
  for (Operation *user : ring->getUsers()) {
    auto acquire = dyn_cast<cta::AcquireOp>(user);
    auto get = dyn_cast<cta::GetOp>(user);
    if ((acquire && !isAccessedByFragments<cta::WriteOp>(acquire.getResult())) ||
        (get && !isAccessedByFragments<cta::ReadOp>(get.getResult())) ||
        (!acquire && !get && !isa<cta::PublishOp, cta::ReleaseOp>(user)))
      return false;
    isWritten |= bool(acquire);
  }
  return isWritten;
}

TileLayout imbrex::storedLayout(Value buffer, const TileLayout &layout) {
  auto ring = dyn_cast<cta::RingOp>(allocationOf(buffer));
  if (!ring || !isInFragmentOrder(ring))
    return layout;
  return *inFragmentOrder(layout, ring.getType().getSlot().getColumns());
}
