//===- Products.cpp - Matrix products -------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.dot: what both kinds take for granted, and the one by multiply-adds (MmaProduct.cpp has the other).
//
//===----------------------------------------------------------------------===//

#include "compiler/SizeRefusal.h"
#include "compiler/cta/SizeAdvice.h"
#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "compiler/cta_to_nvvm/MmaProduct.h"
#include "compiler/cta_to_nvvm/Wgmma.h"
#include "dialects/layout/Access.h"
#include "dialects/layout/WgmmaOperand.h"

using namespace mlir;
using namespace imbrex;
using layout::Coord;
using layout::TileLayout;

namespace {

/// Reads one operand of a multiply-add product: rows (or columns) of the accumulator against k. An access takes as many
/// elements as lie side by side in the buffer and belong to this thread: along k, or along the accumulator's dimension.
///
/// Where the thread's part of a coordinate and a register's have no bit in common, an address is the thread's own, some
/// of its bits turned as the register and k say, and a constant: there are no more of them to keep than a row has
/// chunks.
///
///     thread's row 5, register's row 8, k = 6 of f32, rows of 128 bytes:   (slot + 5 * 128 + (5 * 16)) ^ 16, + 1024 +
///     8
class FmaOperand {
public:
  /// `dim`: of the accumulator; its coordinates are the rows of the buffer, or with `kIsRow` its columns.
  FmaOperand(Lowering &l, Value buffer, bool kIsRow, int64_t k, RankedTensorType accumulator, unsigned dim)
      : l(l), type(cast<cta::BufferType>(buffer.getType())), slot(l.slotPointer(buffer)), kIsRow(kIsRow),
        base(l.threadCoordinate(cta::layoutOf(accumulator), dim)),
        threadBits(bitsOfThreads(cta::layoutOf(accumulator), dim)), accumulate(accumulator.getElementType()) {
    unsigned bytes = type.getLayout().elementBytes();
    width = kIsRow ? layout::accessWidth(cta::layoutOf(accumulator), dim, cta::layoutOf(accumulator).extent(dim), bytes)
                   : layout::accessWidth(bytes, k);
  }

  /// Steps of k whose elements one access gives.
  unsigned widthAlongK() const { return kIsRow ? 1 : width; }

  /// The element at coordinate base + step and k; reads what has not been read since `forget`.
  Value element(int64_t step, int64_t k) {
    int64_t row = kIsRow ? k : step, column = kIsRow ? step : k, first = column - column % width;
    Values &values = known[{row, first}];
    if (values.empty())
      values = widen(l.loadVector(pointerTo(row, first), type.getElementType(), width));
    return values[column - first];
  }
  void forget() { known.clear(); }

private:
  /// The bits that lanes and warps may set of a coordinate; all where warps are not a power of two.
  static int64_t bitsOfThreads(const TileLayout &layout, unsigned dim) {
    unsigned warps = layout.warps()[dim];
    int64_t bits = int64_t(layout.atomShape()[dim]) * (warps - 1);
    for (const layout::AtomBit &bit : layout.laneBits())
      bits |= bit.dim == dim ? bit.step : 0;
    return llvm::isPowerOf2_32(warps) ? bits : -1;
  }

  /// Of the element whose coordinate in the buffer is `row`, `column` and the thread's.
  Value pointerTo(int64_t row, int64_t column) {
    const layout::SharedLayout &shared = type.getLayout();
    auto place = [&](int64_t row, int64_t column) {
      return kIsRow ? SharedPlace{l.i32(0), base, row, column} : SharedPlace{base, l.i32(0), row, column};
    };
    if (threadBits & (kIsRow ? column : row))
      return l.sharedPointer(slot, shared, place(row, column));
    const int64_t byte = column * shared.elementBytes(), span = shared.span(), chunk = layout::kAccessBytes;
    const int64_t turn = (byte % span / chunk * chunk) ^ shared.swizzle(row);
    if (!turned.contains(0))
      turned[0] = l.sharedPointer(slot, shared, place(0, 0));
    Value &from = turned[turn];
    if (!from)
      from = l.turnedPointer(turned[0], turn);
    return l.offsetPointer(from, byte / span * shared.paddedRows() * span + row * span + byte % chunk);
  }

  Values widen(Values values) {
    for (Value &value : values)
      if (value.getType() != accumulate)
        value = LLVM::FPExtOp::create(l.b, l.loc, accumulate, value);
    return values;
  }

  Lowering &l;
  cta::BufferType type;
  Value slot;
  bool kIsRow;
  Value base;
  int64_t threadBits;
  Type accumulate;
  std::map<int64_t, Value> turned; ///< by the bits that are turned: the thread's address
  unsigned width;
  std::map<std::pair<int64_t, int64_t>, Values> known; ///< (row, first column) of the buffer -> what was read
};

} // namespace

/// Multiply-adds a thread may take for one product: the most that the whole kernel's instructions leave room for.
static constexpr int64_t kMostMultiplyAdds = kMostInstructions / 2;
/// In f32, products that are summed by themselves before they join the accumulator: a long sum in one chain loses
/// digits with its length, sums of sums with the length of the parts (Higham, Accuracy and Stability of
/// Numerical Algorithms, 4.2).
static constexpr int64_t kPartialSum = 16;
/// Bytes of depth after which the sums are pinned, so that what one part reads fits beside them: of 16 x 32 x 32
/// elements of f32 in one warp, 293 operands are alive at once without it, and 75 with it.
static constexpr int64_t kPartBytes = 32;

static void pinAll(Lowering &l, Values &values) {
  for (Value &value : values)
    if (value)
      value = pinned(l, value);
}

static LogicalResult lowerFma(Lowering &l, cta::DotOp dot) {
  const TileLayout &layout = cta::layoutOf(dot.getAccumulator().getType());
  cta::BufferType bType = dot.getBBuffer().getType();
  int64_t k = dot.getTransposedB() ? bType.getColumns() : bType.getRows();
  Values sums = l.registersOf(dot.getAccumulator());
  if (int64_t(sums.size()) * k > kMostMultiplyAdds)
    return refuseSize(dot, SizeLimit::Instructions)
           << "this product takes " << sums.size() * k << " multiply-adds of each thread, more than "
           << kMostMultiplyAdds << "; " << sizeAdvice(dot, l.warps);
  auto accumulator = cast<RankedTensorType>(dot.getAccumulator().getType());
  Type accumulate = accumulator.getElementType();
  FmaOperand a(l, dot.getABuffer(), dot.getTransposedA(), k, accumulator, 0);
  FmaOperand b(l, dot.getBBuffer(), !dot.getTransposedB(), k, accumulator, 1);
  int64_t step = std::max(a.widthAlongK(), b.widthAlongK());
  const bool inParts = accumulate.isF32(); // f64 has digits to spare, and no registers
  Values partial(sums.size());
  const int64_t part = kPartBytes / tile::elementBytes(accumulate);
  for (int64_t k0 = 0; k0 < k; k0 += step, a.forget(), b.forget()) {
    if (k0 != 0 && k0 % part == 0) {
      pinAll(l, sums);
      pinAll(l, partial);
    }
    for (int64_t i = k0; i < std::min(k, k0 + step); ++i) // all sums, before what the next i needs is read
      for (unsigned reg = 0; reg < sums.size(); ++reg) {
        Coord coord = layout.registerCoord(reg);
        Value left = a.element(coord[0], i), right = b.element(coord[1], i);
        Value &sum = inParts ? partial[reg] : sums[reg];
        sum = sum ? Value(LLVM::FMAOp::create(l.b, l.loc, accumulate, left, right, sum))
                  : Value(LLVM::FMulOp::create(l.b, l.loc, left, right));
      }
    for (unsigned reg = 0; inParts && reg < sums.size(); ++reg)
      if ((k0 + step) % kPartialSum == 0 || k0 + step >= k)
        sums[reg] = LLVM::FAddOp::create(l.b, l.loc, sums[reg], std::exchange(partial[reg], Value()));
  }
  l.define(dot.getResult(), sums);
  return success();
}

/// True if the sums are spread as the instructions of the product leave them.
static bool isAccumulator(const TileLayout &layout, ArrayRef<int64_t> shape, cta::DotKind kind) {
  unsigned warpsM = layout.warps()[0], warpsN = layout.warps()[1];
  if (kind != cta::DotKind::Wgmma || warpsN == 1)
    return layout == TileLayout::mmaAccumulator(shape, warpsM, warpsN);
  return layout == TileLayout::wgmmaAccumulator(shape, warpsM, warpsN);
}

/// What both kinds take for granted: element types that go together, and for mma the layouts of its fragments.
static LogicalResult checkOperands(const Lowering &l, cta::DotOp dot) {
  auto sums = cast<RankedTensorType>(dot.getAccumulator().getType());
  Type element = dot.getBBuffer().getType().getElementType(), sum = sums.getElementType();
  Type left = dot.getA() ? getElementTypeOrSelf(dot.getA().getType()) : dot.getABuffer().getType().getElementType();
  bool isMma = dot.getKind() != cta::DotKind::Fma;
  if (dot.getKind() == cta::DotKind::Wgmma && !l.target.hasWgmma)
    return dot.emitError("no wgmma on this target");
  bool isFloat =
      isa<FloatType>(element) && isa<FloatType>(sum) && element.getIntOrFloatBitWidth() <= sum.getIntOrFloatBitWidth();
  if (isMma && tile::isF8(element) && !l.target.hasF8())
    return dot.emitError("no product of ") << element << " on this target; multiply f16 (tile-widen-products)";
  if (left != element || !(isFloat || isMma) || (!isMma && !dot.getABuffer()))
    return dot.emitError("no product of ") << left << " and " << element << " into " << sum << " of this kind";
  if (!isMma)
    return success();
  const TileLayout &layout = cta::layoutOf(sums);
  unsigned warpsM = layout.warps()[0];
  bool isFragment = isAccumulator(layout, sums.getShape(), dot.getKind());
  if (auto a = dot.getA() ? cast<RankedTensorType>(dot.getA().getType()) : RankedTensorType(); a && isFragment)
    isFragment = cta::layoutOf(a) ==
                 TileLayout::mmaOperandA(a.getShape(), warpsM, tile::elementBytes(element), cta::kOrderOf(dot));
  return isFragment ? success() : dot.emitError("the operands of mma must have the layouts of its fragments");
}

Lowered imbrex::lowerProducts(Lowering &l, Operation *op) {
  if (auto wait = dyn_cast<cta::DotWaitOp>(op)) { // what is not in flight is done
    if (llvm::any_of(wait.getValues(), [&](Value value) { return l.inFlight.contains(value); })) {
      lowerDotWait(l, wait);
      return success();
    }
    for (auto [value, result] : llvm::zip(wait.getValues(), wait.getResults()))
      l.define(result, Values(l.registersOf(value)));
    return success();
  }
  auto dot = dyn_cast<cta::DotOp>(op);
  if (!dot)
    return std::nullopt;
  if (failed(checkOperands(l, dot)))
    return failure();
  if (dot.getKind() == cta::DotKind::Fma)
    return lowerFma(l, dot);
  if (dot.getKind() == cta::DotKind::Wgmma)
    return lowerWgmma(l, dot);
  lowerMma(l, dot);
  return success();
}
