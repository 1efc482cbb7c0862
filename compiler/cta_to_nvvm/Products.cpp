//===- Products.cpp - Matrix products -------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.dot by mma.sync or by multiply-adds. For mma, each k-step of 16 reads the right operand's
// fragments from shared memory by ldmatrix just before they are used, so that few registers are live:
//
//     for k: A(k) for all rows of the warp;  for n by 16 columns: B(k, n) by ldmatrix.x4, two mma a row block
//
// Fragments: PTX ISA, "Matrix Fragments for mma.m16n8k16 with floating point type".
//
//===----------------------------------------------------------------------===//

#include "compiler/SizeRefusal.h"
#include "compiler/cta/SizeAdvice.h"
#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "compiler/cta_to_nvvm/Ldmatrix.h"
#include "dialects/layout/Access.h"

using namespace mlir;
using namespace imbrex;
using layout::Coord;
using layout::SharedLayout;
using layout::TileLayout;

namespace {

class MmaProduct {
public:
  MmaProduct(Lowering &l, cta::DotOp dot)
      : l(l), b(l.b), dot(dot), accumulator(cta::layoutOf(dot.getAccumulator().getType())),
        element(dot.getBBuffer().getType().getElementType()), sums(l.registersOf(dot.getAccumulator())),
        shared(dot.getBBuffer().getType().getLayout()), slot(l.slotPointer(dot.getBBuffer())) {
    m = accumulator.extent(0), n = accumulator.extent(1);
    warpsM = accumulator.warps()[0], warpsN = accumulator.warps()[1];
    blocksM = m / (16 * warpsM), blocksN = n / (8 * warpsN);
    cta::BufferType bType = dot.getBBuffer().getType();
    int64_t k = dot.getTransposedB() ? bType.getColumns() : bType.getRows();
    steps = (k + 15) / 16;
    numbers = registerNumbers(accumulator);
  }

  void run() {
    prepareAddresses();
    for (unsigned step = 0; step < steps; ++step) {
      SmallVector<Values> a;
      for (unsigned block = 0; block < blocksM; ++block)
        a.push_back(dot.getA() ? fragmentFromTile(block, step) : fragmentFromBuffer(block, step));
      // Two blocks of 8 columns that are next to each other in this warp come with one ldmatrix.x4.
      for (unsigned block = 0; block < blocksN;) {
        bool two = block + 1 < blocksN;
        Values fragments = loadB(block, step, two);
        for (unsigned half = 0; half < (two ? 2u : 1u); ++half)
          for (unsigned row = 0; row < blocksM; ++row)
            multiply(row, block + half, a[row], ArrayRef(fragments).slice(2 * half, 2));
        block += two ? 2 : 1;
      }
    }
    l.define(dot.getResult(), sums);
  }

private:
  void prepareAddresses();
  Values fragmentFromTile(unsigned block, unsigned step);
  Values fragmentFromBuffer(unsigned block, unsigned step);
  Values loadB(unsigned block, unsigned step, bool two);
  void multiply(unsigned row, unsigned column, ArrayRef<Value> a, ArrayRef<Value> bFragment);

  Lowering &l;
  OpBuilder &b;
  cta::DotOp dot;
  const TileLayout &accumulator;
  Type element;
  Values sums;
  SharedLayout shared;
  Value slot;
  int64_t m, n;
  unsigned warpsM, warpsN, blocksM, blocksN, steps;
  std::map<SmallVector<uint32_t, 4>, unsigned> numbers;
  Value lowLane, thirdBit, fourthBit; ///< of Ldmatrix.h's lanes; the bits as rows or columns: 0 or 8
  Value warpRow, warpColumn;          ///< first row and column of the warp
};

} // namespace

void MmaProduct::prepareAddresses() {
  MatrixLanes lanes = matrixLanes(l);
  lowLane = lanes.row, thirdBit = l.mulConstant(lanes.bit3, 8), fourthBit = l.mulConstant(lanes.bit4, 8);
  warpRow = l.mulConstant(l.shiftRight(l.threadCoordinate(accumulator, 0), 4), 16);
  warpColumn = l.mulConstant(l.shiftRight(l.threadCoordinate(accumulator, 1), 3), 8);
}

/// The four words of A at row block `block`, k-step `step`, packed from the tile's registers.
Values MmaProduct::fragmentFromTile(unsigned block, unsigned step) {
  const Values &registers = l.registersOf(dot.getA());
  unsigned first = 8 * (block * steps + step);
  Type pair = VectorType::get({2}, element);
  Values words;
  for (unsigned i = 0; i < 4; ++i) {
    Value halves = LLVM::PoisonOp::create(b, l.loc, pair);
    for (unsigned half = 0; half < 2; ++half)
      halves = LLVM::InsertElementOp::create(b, l.loc, halves, registers[first + 2 * i + half], l.i32(half));
    words.push_back(LLVM::BitcastOp::create(b, l.loc, b.getI32Type(), halves));
  }
  return words;
}

Values MmaProduct::fragmentFromBuffer(unsigned block, unsigned step) {
  bool transposed = dot.getTransposedA();
  SharedLayout layout = dot.getABuffer().getType().getLayout();
  int64_t row = int64_t(block) * 16 * warpsM, k = int64_t(step) * 16;
  // Matrices (0,0) (8,0) (0,8) (8,8): bit 3 of the lane moves along M, bit 4 along K.
  Value along = l.add(l.add(lowLane, transposed ? fourthBit : thirdBit), transposed ? l.i32(0) : warpRow);
  Value across = transposed ? l.add(thirdBit, warpRow) : fourthBit;
  SharedPlace place{along, across, transposed ? k : row, transposed ? row : k};
  return loadMatrices(l, l.sharedPointer(l.slotPointer(dot.getABuffer()), layout, place), 4, transposed);
}

/// B at 8-column block `block` (and the next one), k-step `step`: two words a block.
Values MmaProduct::loadB(unsigned block, unsigned step, bool two) {
  bool keyMajor = dot.getTransposedB(); // the buffer's rows are columns of B
  int64_t column = int64_t(block) * 8 * warpsN, k = int64_t(step) * 16;
  // Matrices (k 0, n 0) (k 8, n 0) (k 0, n N) (k 8, n N): bit 3 moves along K, bit 4 along N, by N = 8 * warpsN.
  Value alongN = l.add(warpColumn, two ? l.mulConstant(fourthBit, warpsN) : l.i32(0));
  SharedPlace place;
  if (keyMajor)
    place = {l.add(lowLane, alongN), thirdBit, column, k};
  else
    place = {l.add(lowLane, thirdBit), alongN, k, column};
  return loadMatrices(l, l.sharedPointer(slot, shared, place), two ? 4 : 2, !keyMajor);
}

void MmaProduct::multiply(unsigned row, unsigned column, ArrayRef<Value> a, ArrayRef<Value> bFragment) {
  unsigned first = numbers.find({uint32_t(row) * 16 * warpsM, uint32_t(column) * 8 * warpsN})->second;
  Type f32 = b.getF32Type();
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), {f32, f32, f32, f32});
  auto operand = [&](ArrayRef<Value> words) {
    Values result(words);
    if (element.isF16())
      for (Value &word : result)
        word = LLVM::BitcastOp::create(b, l.loc, VectorType::get({2}, element), word);
    return result;
  };
  // Registers of an atom: bit 0 is the column, bit 1 the row + 8, as the instruction has them.
  Values c(sums.begin() + first, sums.begin() + first + 4);
  std::optional<std::array<NVVM::MMATypes, 2>> types;
  if (element.isBF16())
    types = {NVVM::MMATypes::bf16, NVVM::MMATypes::bf16};
  Value d =
      NVVM::MmaOp::create(b, l.loc, type, operand(a), operand(bFragment), c, {16, 8, 16}, std::nullopt, std::nullopt,
                          types, std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  for (unsigned i = 0; i < 4; ++i)
    sums[first + i] = LLVM::ExtractValueOp::create(b, l.loc, d, i);
}

//===----------------------------------------------------------------------===//
// Multiply-adds
//===----------------------------------------------------------------------===//

namespace {

/// Reads one operand of a multiply-add product: rows (or columns) of the accumulator against k. An access takes as many
/// elements as lie side by side in the buffer and belong to this thread: along k, or along the accumulator's dimension.
class FmaOperand {
public:
  /// `dim`: of the accumulator; its coordinates are the rows of the buffer, or with `kIsRow` its columns.
  FmaOperand(Lowering &l, Value buffer, bool kIsRow, int64_t k, RankedTensorType accumulator, unsigned dim)
      : l(l), type(cast<cta::BufferType>(buffer.getType())), slot(l.slotPointer(buffer)), kIsRow(kIsRow),
        base(l.threadCoordinate(cta::layoutOf(accumulator), dim)), accumulate(accumulator.getElementType()) {
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
    if (values.empty()) {
      SharedPlace place = kIsRow ? SharedPlace{l.i32(0), base, row, first} : SharedPlace{base, l.i32(0), row, first};
      values = widen(l.loadVector(l.sharedPointer(slot, type.getLayout(), place), type.getElementType(), width));
    }
    return values[column - first];
  }
  void forget() { known.clear(); }

private:
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
  Type accumulate;
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
    for (unsigned reg = 0; reg < sums.size(); ++reg) {
      Coord coord = layout.registerCoord(reg);
      for (int64_t i = k0; i < std::min(k, k0 + step); ++i) {
        Value left = a.element(coord[0], i), right = b.element(coord[1], i);
        Value &sum = inParts ? partial[reg] : sums[reg];
        sum = sum ? Value(LLVM::FMAOp::create(l.b, l.loc, accumulate, left, right, sum))
                  : Value(LLVM::FMulOp::create(l.b, l.loc, left, right));
      }
      if (inParts && ((k0 + step) % kPartialSum == 0 || k0 + step >= k))
        sums[reg] = LLVM::FAddOp::create(l.b, l.loc, sums[reg], std::exchange(partial[reg], Value()));
    }
  }
  l.define(dot.getResult(), sums);
  return success();
}

/// What both kinds take for granted: element types that go together, and for mma the layouts of its fragments.
static LogicalResult checkOperands(cta::DotOp dot) {
  auto sums = cast<RankedTensorType>(dot.getAccumulator().getType());
  Type element = dot.getBBuffer().getType().getElementType(), sum = sums.getElementType();
  Type left = dot.getA() ? getElementTypeOrSelf(dot.getA().getType()) : dot.getABuffer().getType().getElementType();
  bool isMma = dot.getKind() == cta::DotKind::Mma;
  if (left != element || !isa<FloatType>(element) || !isa<FloatType>(sum) ||
      element.getIntOrFloatBitWidth() > sum.getIntOrFloatBitWidth() || (!isMma && !dot.getABuffer()))
    return dot.emitError("no product of ") << left << " and " << element << " into " << sum << " of this kind";
  if (!isMma)
    return success();
  const TileLayout &layout = cta::layoutOf(sums);
  unsigned warpsM = layout.warps()[0], warpsN = layout.warps()[1];
  bool isFragment = layout == TileLayout::mmaAccumulator(sums.getShape(), warpsM, warpsN);
  if (auto a = dot.getA() ? cast<RankedTensorType>(dot.getA().getType()) : RankedTensorType(); a && isFragment)
    isFragment = cta::layoutOf(a) == TileLayout::mmaOperandA(a.getShape(), warpsM);
  return isFragment ? success() : dot.emitError("the operands of mma must have the layouts of its fragments");
}

Lowered imbrex::lowerProducts(Lowering &l, Operation *op) {
  if (auto wait = dyn_cast<cta::DotWaitOp>(op)) { // both kinds are done when they are issued
    for (auto [value, result] : llvm::zip(wait.getValues(), wait.getResults()))
      l.define(result, Values(l.registersOf(value)));
    return success();
  }
  auto dot = dyn_cast<cta::DotOp>(op);
  if (!dot)
    return std::nullopt;
  if (failed(checkOperands(dot)))
    return failure();
  if (dot.getKind() == cta::DotKind::Fma)
    return lowerFma(l, dot);
  MmaProduct(l, dot).run();
  return success();
}
