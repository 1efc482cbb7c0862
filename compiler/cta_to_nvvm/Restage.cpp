//===- Restage.cpp - The transpose of bytes in shared memory ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.restage, six instructions for 32 x 16 bytes of a warp: ldmatrix with transposition moves pairs of bytes, prmt the
// bytes of two pairs, stmatrix writes 16 rows of 32 bytes. Of a block (k: rows of the source, n: its columns),
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

#include "compiler/cta_to_nvvm/Ldmatrix.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;
using layout::KOrder;
using layout::SharedLayout;

namespace {

constexpr int64_t kDepth = layout::mmaDepth(/*elementBytes=*/1), kAcross = cta::RestageOp::kBlockRows;

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
  void move(const Block32x16 &block);

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
      alongs(llvm::divideCeil(source.rows(), kDepth)), acrosses(llvm::divideCeil(target.rows(), kAcross)) {
  auto bit = [&](unsigned number) { return l.bitAnd(l.shiftRight(l.lane, number), 1); };
  const bool isPairs = op.getOrder() == KOrder::Pairs;
  half = l.shiftRight(l.lane, 4);
  // Bit 3 of the lane is s; of the lane's row in a matrix, bit 2 is t > 1.
  Value rest = l.bitAnd(l.lane, 7);
  row = isPairs ? l.lane
                : l.add(l.mulConstant(half, 16),
                        l.add(l.add(l.mulConstant(l.shiftRight(rest, 1), 4), l.bitAnd(rest, 1)),
                              l.mulConstant(l.bitXor(bit(3), bit(2)), 2)));
  line = l.add(l.mulConstant(rest, 2), l.bitXor(bit(3), bit(2)));
  // Of the lane that gets words, bit 4 is g > 3, bit 1 t > 1.
  Value swapped = isPairs ? l.i32(0x6420) : l.select(LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::ne, bit(1), l.i32(0)), l.i32(0x2064), l.i32(0x6420));
  selectors[0] = l.add(swapped, l.mulConstant(half, 0x1111));
  selectors[1] = l.bitXor(selectors[0], l.i32(0x1111));
}

/// Deals the blocks to the warps: one along K after another where they divide the blocks across.
SmallVector<Block32x16> Restage::deal() {
  const int64_t warps = l.warps, total = alongs * acrosses;
  SmallVector<Block32x16> blocks;
  if (acrosses % warps == 0) {
    for (int64_t across = 0; across < acrosses; across += warps)
      for (int64_t along = 0; along < alongs; ++along)
        blocks.push_back({l.i32(0), l.warp, along, across, {}});
    return blocks;
  }
  const int64_t perRound = warps / acrosses; // along K, where the blocks across divide the warps
  for (int64_t first = 0; first < total; first += warps) {
    Value exists = first + warps <= total ? Value() : l.less(l.warp, l.i32(total - first));
    if (warps % acrosses == 0) {
      blocks.push_back({LLVM::UDivOp::create(l.b, l.loc, l.warp, l.i32(acrosses)),
                        LLVM::URemOp::create(l.b, l.loc, l.warp, l.i32(acrosses)), first / warps * perRound, 0, exists});
      continue;
    }
    Value number = l.addConstant(l.warp, first);
    blocks.push_back({LLVM::UDivOp::create(l.b, l.loc, number, l.i32(acrosses)),
                      LLVM::URemOp::create(l.b, l.loc, number, l.i32(acrosses)), 0, 0, exists});
  }
  return blocks;
}

void Restage::move(const Block32x16 &block) {
  Value along = l.mulConstant(block.along, kDepth), across = l.mulConstant(block.across, kAcross);
  const int64_t alongStep = block.alongStep * kDepth, acrossStep = block.acrossStep * kAcross;
  Value read = l.sharedPointer(from, source, {l.add(along, row), across, alongStep, acrossStep});
  Values pairs = loadMatrices(l, read, 4, /*transposed=*/true), words;
  for (unsigned h = 0; h < 2; ++h)
    for (Value selector : selectors)
      words.push_back(
          l.callIntrinsic(l.b.getI32Type(), "llvm.nvvm.prmt", {pairs[2 * h], pairs[2 * h + 1], selector}));
  Value write = l.sharedPointer(to, target, {l.add(across, line), l.add(along, l.mulConstant(half, 16)), acrossStep, alongStep});
  storeMatrices(l, write, words);
}

void Restage::run() {
  for (const Block32x16 &block : deal())
    l.when(block.exists, [&] { move(block); });
}

void imbrex::lowerRestage(Lowering &l, cta::RestageOp op) { Restage(l, op).run(); }
