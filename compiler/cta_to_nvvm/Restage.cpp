//===- Restage.cpp - The transpose of bytes in shared memory ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.restage of 8 bits, six instructions for 32 x 16 bytes of a warp: ldmatrix with transposition moves pairs of
// bytes, prmt the bytes of two pairs, stmatrix writes 16 rows of 32 bytes. Of a block (k: rows of the source, n: its
// columns),
//
//     ldmatrix    matrix 2 h + s has 8 rows k of half h, 16 bytes each: lane (g, t) gets rows 2 t and 2 t + 1 of it, of
//                 columns n = 2 g and 2 g + 1
//     prmt        of the matrices (h, 0) and (h, 1): four k of one n
//     stmatrix    matrix 2 h + m has the rows n = 2 r + m, 16 bytes along K of half h each
//
// Which rows a matrix has is a lane's choice, so the order of K costs nothing: for lane t (MmaOrder.h)
//
//     Pairs       (h, s) begins at row 16 h + 8 s:  k = 2 t, 2 t + 1, 8 + 2 t, 8 + 2 t + 1
//     Chunks      k = 4 t .. 4 t + 3: rows 4 t + 2 s and the next, but for t > 1 the other two
//
// and the swaps keep the rows of a matrix apart by their remainders of 8, which the swizzle turns into other banks:
// 0 1 4 5 | 2 3 6 7 here, and n = 0 2 4 6 | 1 3 5 7 (that is, + 8) with m and 1 - m for r > 3. Who takes which byte is
// one prmt all the same: its selector is the lane's.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Restage.h"
#include "compiler/cta_to_nvvm/Ldmatrix.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;
using layout::KOrder;
using layout::SharedLayout;

namespace {

constexpr int64_t kDepth = layout::mmaDepth(/*elementBytes=*/1);
constexpr int64_t kAcross = cta::RestageOp::blockRows(/*elementBytes=*/1);

/// A block: the thread's part of its number along K and across, and what is added to it.
struct Block32x16 {
  Value along, across;
  int64_t alongStep, acrossStep;
  Value exists; ///< i1; null: certain
};

class Restage {
public:
  Restage(Lowering &l, cta::RestageOp op);
  void run();

private:
  SmallVector<Block32x16> deal();
  Value sourceOf(const Block32x16 &block);
  Value targetOf(const Block32x16 &block);
  void move(ArrayRef<Block32x16> blocks);

  Lowering &l;
  SharedLayout source, target;
  Value from, to;           ///< where they lie
  Value row, line, half;    ///< of the lane's address: row of the source in its block, of the target, half of K
  Value selectors[2];       ///< of prmt, for the rows 2 r + m
  int64_t alongs, acrosses; ///< blocks
};

} // namespace

Restage::Restage(Lowering &l, cta::RestageOp op)
    : l(l), source(op.getSource().getType().getLayout()), target(op.getTarget().getType().getLayout()),
      from(l.slotPointer(op.getSource())), to(l.slotPointer(op.getTarget())),
      alongs(llvm::divideCeil(source.rows(), kDepth)), acrosses(llvm::divideCeil(target.paddedRows(), kAcross)) {
  auto bit = [&](unsigned number) { return l.bitAnd(l.shiftRight(l.lane, number), 1); };
  const bool isPairs = op.getOrder() == KOrder::Pairs;
  half = l.shiftRight(l.lane, 4);
  // Bit 3 of the lane is s; of the lane's row in a matrix, bit 2 is t > 1.
  Value rest = l.bitAnd(l.lane, 7);
  row = isPairs
            ? l.lane
            : l.add(l.mulConstant(half, 16), l.add(l.add(l.mulConstant(l.shiftRight(rest, 1), 4), l.bitAnd(rest, 1)),
                                                   l.mulConstant(l.bitXor(bit(3), bit(2)), 2)));
  line = l.add(l.mulConstant(rest, 2), l.bitXor(bit(3), bit(2)));
  // Of the lane that gets words, bit 4 is g > 3, bit 1 t > 1.
  Value swapped = isPairs ? l.i32(0x6420)
                          : l.select(LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::ne, bit(1), l.i32(0)),
                                     l.i32(0x2064), l.i32(0x6420));
  selectors[0] = l.add(swapped, l.mulConstant(half, 0x1111));
  selectors[1] = l.bitXor(selectors[0], l.i32(0x1111));
}

/// Deals the blocks to the warps, or to a power of two of them: side by side, and those that are left over across in as
/// many lines as there is room for.
SmallVector<Block32x16> Restage::deal() {
  const int64_t warps = llvm::bit_floor(l.warps);
  Value isDealt = warps == int64_t(l.warps) ? Value() : l.less(l.warp, l.i32(warps));
  SmallVector<Block32x16> blocks;
  for (int64_t across = 0; across < acrosses; across += warps) {
    const int64_t width = std::min(acrosses - across, warps), side = llvm::PowerOf2Ceil(width), lines = warps / side;
    Value place = l.bitAnd(l.warp, side - 1), line = l.shiftRight(l.warp, llvm::Log2_64(side));
    Value isInside = width == side ? isDealt : l.both(isDealt, l.less(place, l.i32(width)));
    for (int64_t along = 0; along < alongs; along += lines) {
      Value exists = along + lines <= alongs ? isInside : l.both(isInside, l.less(line, l.i32(alongs - along)));
      blocks.push_back({lines == 1 ? l.i32(0) : line, place, along, across, exists});
    }
  }
  return blocks;
}

/// As Lowering::sharedPointer, for a columnStep that shares no bit with columnBase: both are XORed with the address,
/// which starts at a multiple of 8 spans, so that a loop in which the slot moves on holds no address of its own for
/// each step.
static Value pointerAt(Lowering &l, Value slot, const SharedLayout &layout, const SharedPlace &place) {
  const int64_t span = layout.span(), panel = layout.paddedRows() * span;
  Value first = l.sharedPointer(slot, layout, {place.rowBase, place.columnBase, 0, 0});
  return l.offsetPointer(l.turnedPointer(first, place.columnStep % span),
                         place.columnStep / span * panel + place.rowStep * span);
}

Value Restage::sourceOf(const Block32x16 &block) {
  return pointerAt(l, from, source,
                   {l.add(l.mulConstant(block.along, kDepth), row), l.mulConstant(block.across, kAcross),
                    block.alongStep * kDepth, block.acrossStep * kAcross});
}

Value Restage::targetOf(const Block32x16 &block) {
  return pointerAt(l, to, target,
                   {l.add(l.mulConstant(block.across, kAcross), line),
                    l.add(l.mulConstant(block.along, kDepth), l.mulConstant(half, 16)), block.acrossStep * kAcross,
                    block.alongStep * kDepth});
}

void Restage::move(ArrayRef<Block32x16> blocks) {
  SmallVector<Values> pairs;
  for (const Block32x16 &block : blocks)
    pairs.push_back(loadMatrices(l, sourceOf(block), 4, /*transposed=*/true));
  for (auto [block, read] : llvm::zip(blocks, pairs)) {
    Values words;
    for (unsigned h = 0; h < 2; ++h)
      for (Value selector : selectors)
        words.push_back(l.callIntrinsic(l.b.getI32Type(), "llvm.nvvm.prmt", {read[2 * h], read[2 * h + 1], selector}));
    storeMatrices(l, targetOf(block), words);
  }
}

/// Two blocks are read before the first is written: one's way through shared memory is long.
void Restage::run() {
  SmallVector<Block32x16> blocks = deal();
  for (ArrayRef<Block32x16> rest = blocks; !rest.empty();) {
    const unsigned count = rest.size() > 1 && rest[0].exists == rest[1].exists ? 2 : 1;
    l.when(rest.front().exists, [&] { move(rest.take_front(count)); });
    rest = rest.drop_front(count);
  }
}

void imbrex::lowerRestage(Lowering &l, cta::RestageOp op) {
  if (op.getSource().getType().getElementBytes() == 1)
    Restage(l, op).run();
  else
    restageWords(l, op);
}
