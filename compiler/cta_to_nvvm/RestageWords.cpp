//===- RestageWords.cpp - f32 in shared memory, rounded and turned ----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.restage of f32, which rounds it to tf32. Straight, a thread takes 16 bytes wherever they lie, and writes them to
// the same place: six instructions for four elements. Turned, of a source with rows k and columns n, a warp takes 32 n
// of four k:
//
//     ld.shared.b32      four of them, row k of columns n .. n + 31 each: as many words side by side
//     cvt.rna.tf32       four
//     st.shared.v4.b32   row n of the target, where the four k are 16 bytes; the swizzle keeps 8 rows apart
//
// so no bank is taken twice (of spans of 128 bytes). Which four k are side by side (MmaOrder.h), of 8:
//
//     Chunks     0 1 2 3 | 4 5 6 7             Pairs      0 2 4 6 | 1 3 5 7
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Restage.h"
#include "dialects/layout/Access.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;
using layout::KOrder;
using layout::SharedLayout;

/// Elements of 16 bytes, which a thread moves at a time; rows of an instruction's K.
static constexpr int64_t kChunk = 4, kDepth = layout::mmaDepth(/*elementBytes=*/4);

Value imbrex::roundToTf32(Lowering &l, Value x) {
  Value word = NVVM::ConvertFloatToTF32Op::create(l.b, l.loc, l.b.getI32Type(), x, NVVM::FPRoundingMode::RNA);
  return LLVM::BitcastOp::create(l.b, l.loc, l.b.getF32Type(), word);
}

/// Four chunks are read before the first is written: one's way through shared memory is long.
static constexpr int64_t kAtOnce = 4;

static void restageStraight(Lowering &l, cta::RestageOp op) {
  const SharedLayout shared = op.getSource().getType().getLayout();
  const int64_t chunks = shared.sizeBytes() / layout::kAccessBytes, threads = int64_t(l.warps) * layout::kWarpThreads;
  Value place = l.mulConstant(l.thread, layout::kAccessBytes);
  Value from = l.offsetPointer(l.slotPointer(op.getSource()), place),
        to = l.offsetPointer(l.slotPointer(op.getTarget()), place);
  auto move = [&](int64_t first, int64_t count) {
    SmallVector<Values> all;
    for (int64_t i = first; i < first + count; ++i)
      all.push_back(l.loadVector(l.offsetPointer(from, i * threads * layout::kAccessBytes), l.b.getF32Type(), kChunk));
    for (auto [i, elements] : llvm::enumerate(all)) {
      for (Value &element : elements)
        element = roundToTf32(l, element);
      l.storeVector(l.offsetPointer(to, (first + int64_t(i)) * threads * layout::kAccessBytes), elements);
    }
  };
  const int64_t whole = chunks / threads;
  for (int64_t i = 0; i < whole; i += kAtOnce)
    move(i, std::min(kAtOnce, whole - i));
  if (int64_t rest = chunks % threads)
    l.when(l.less(l.thread, l.i32(rest)), [&] { move(whole, 1); });
}

namespace {

/// 32 columns of four rows of the source: steps behind the thread's own; `exists`: i1, or null: certain.
struct Block4x32 {
  int64_t chunk, across;
  Value exists;
};

class Turn {
public:
  Turn(Lowering &l, cta::RestageOp op);
  void run();

private:
  /// The first k of the four that are chunk number `chunk` of a row of the target.
  int64_t firstOf(int64_t chunk) const { return isPairs ? chunk / 2 * kDepth + chunk % 2 : chunk * kChunk; }
  SmallVector<Block4x32> deal();
  void move(ArrayRef<Block4x32> blocks);

  Lowering &l;
  SharedLayout source, target;
  bool isPairs;
  int64_t chunks, across; ///< chunks of a row of the target; its rows
  int64_t beside, lines;  ///< warps beside one another along K, and such lines of them
  Value place, line;      ///< of the warp
  Value from, to;         ///< of the thread: its first element of the source, its first chunk of the target
};

} // namespace

Turn::Turn(Lowering &l, cta::RestageOp op)
    : l(l), source(op.getSource().getType().getLayout()), target(op.getTarget().getType().getLayout()),
      isPairs(op.getOrder() == KOrder::Pairs), chunks(llvm::alignTo(source.rows(), kDepth) / kChunk),
      across(target.paddedRows()) {
  const int64_t warps = llvm::bit_floor(l.warps);
  beside = std::min<int64_t>(warps, llvm::bit_floor(uint64_t(chunks)));
  lines = warps / beside;
  place = l.bitAnd(l.warp, beside - 1), line = l.shiftRight(l.warp, llvm::Log2_64(beside));
  Value k =
      isPairs ? l.add(l.mulConstant(l.shiftRight(place, 1), kDepth), l.bitAnd(place, 1)) : l.mulConstant(place, kChunk);
  Value n = l.add(l.mulConstant(line, layout::kWarpThreads), l.lane);
  from = l.sharedPointer(l.slotPointer(op.getSource()), source, {k, n});
  to = l.sharedPointer(l.slotPointer(op.getTarget()), target, {n, l.mulConstant(place, kChunk)});
}

/// Deals the blocks to the warps, or to a power of two of them, side by side along K first.
SmallVector<Block4x32> Turn::deal() {
  Value isDealt = beside * lines == int64_t(l.warps) ? Value() : l.less(l.warp, l.i32(beside * lines));
  Value n = l.add(l.mulConstant(line, layout::kWarpThreads), l.lane);
  SmallVector<Block4x32> blocks;
  for (int64_t further = 0, wide = lines * layout::kWarpThreads; further < across; further += wide) {
    Value isInside = further + wide <= across ? isDealt : l.both(isDealt, l.less(n, l.i32(across - further)));
    for (int64_t chunk = 0; chunk < chunks; chunk += beside) {
      Value exists = chunk + beside <= chunks ? isInside : l.both(isInside, l.less(place, l.i32(chunks - chunk)));
      blocks.push_back({chunk, further, exists});
    }
  }
  return blocks;
}

/// Where what lies `rows` rows and `columns` columns behind `first` does, both of which share no bit with what `first`
/// stands for, but for whole panels and whole blocks of 8 rows.
static Value pointerBehind(Lowering &l, Value first, const SharedLayout &layout, int64_t rows, int64_t columns) {
  const int64_t span = layout.span(), byte = columns * layout.elementBytes();
  Value turned = l.turnedPointer(first, (byte % span) ^ layout.swizzle(rows));
  return l.offsetPointer(turned, (byte / span * layout.paddedRows() + rows) * span);
}

void Turn::move(ArrayRef<Block4x32> blocks) {
  SmallVector<Values> all(blocks.size());
  for (auto [block, elements] : llvm::zip(blocks, all))
    for (int64_t i = 0; i < kChunk; ++i) {
      const int64_t row = firstOf(block.chunk) + (isPairs ? 2 * i : i);
      llvm::append_range(elements,
                         l.loadVector(pointerBehind(l, from, source, row, block.across), l.b.getF32Type(), 1));
    }
  for (auto [block, elements] : llvm::zip(blocks, all)) {
    for (Value &element : elements)
      element = roundToTf32(l, element);
    l.storeVector(pointerBehind(l, to, target, block.across, block.chunk * kChunk), elements);
  }
}

void Turn::run() {
  SmallVector<Block4x32> blocks = deal();
  for (ArrayRef<Block4x32> rest = blocks; !rest.empty();) {
    int64_t count = 1;
    while (count < std::min<int64_t>(kAtOnce, rest.size()) && rest[count].exists == rest[0].exists)
      ++count;
    l.when(rest.front().exists, [&] { move(rest.take_front(count)); });
    rest = rest.drop_front(count);
  }
}

void imbrex::restageWords(Lowering &l, cta::RestageOp op) {
  if (op.getStraight())
    restageStraight(l, op);
  else
    Turn(l, op).run();
}
