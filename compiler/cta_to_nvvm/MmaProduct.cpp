//===- MmaProduct.cpp - Matrix products by mma.sync -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.dot of kind mma. Each k-step of 32 bytes reads the right operand's fragments from shared memory just before they
// are used, so that few registers are live:
//
//     for k: A(k) for all rows of the warp;  for n by 16 columns: B(k, n), two mma a row block
//
// Fragments and their order of K: dialects/layout/MmaOrder.h. f32 is rounded to tf32 where a fragment is read; for
// tf32x3 into two words, the rounded value and what that leaves, also rounded:
//
//     c += small(a) big(b);  c += big(a) small(b);  c += big(a) big(b)
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/MmaProduct.h"
#include "compiler/cta_to_nvvm/Ldmatrix.h"

using namespace mlir;
using namespace imbrex;
using layout::KOrder;
using layout::SharedLayout;
using layout::TileLayout;

namespace {

/// Words of a fragment, four of A or two of B, as the instruction takes them; `small`: for tf32x3 only.
struct Fragment {
  Values words, small;
};

class MmaProduct {
public:
  MmaProduct(Lowering &l, cta::DotOp dot);
  void run();

private:
  void prepareAddresses();
  Value kOf(unsigned half);
  /// A bit of the lane, 0 or 8, as columns of 16 bytes or none.
  Value chunk(Value bit) { return bytes == 2 ? bit : l.mulConstant(l.shiftRight(bit, 3), 16 / bytes); }
  Fragment loadA(unsigned block, unsigned step);
  SmallVector<Fragment> loadB(unsigned block, unsigned step, bool two);
  Values wordsFromTile(unsigned block, unsigned step);
  Values matricesOfA(unsigned block, unsigned step);
  Values matricesOfB(unsigned block, unsigned step, bool two);
  Value pack(ArrayRef<Value> elements);
  Value wordAt(bool ofA, Value line, int64_t lineStep, unsigned half, unsigned step);
  Fragment toFragment(Values words);
  void multiply(unsigned row, unsigned column, const Fragment &a, const Fragment &bFragment);
  Values instructionOfF8(ArrayRef<Value> a, ArrayRef<Value> bWords, ArrayRef<Value> c);
  void instruction(unsigned first, ArrayRef<Value> a, ArrayRef<Value> bWords);

  Lowering &l;
  OpBuilder &b;
  cta::DotOp dot;
  const TileLayout &accumulator;
  Type element;
  Values sums;
  unsigned bytes, depth; ///< of an element; elements of K that an instruction takes
  KOrder order;
  unsigned warpsM, warpsN, blocksM, blocksN, steps;
  std::map<SmallVector<uint32_t, 4>, unsigned> numbers, numbersOfA;
  MatrixLanes lanes;
  Value slotOfA, slotOfB;    ///< pointers to the operands' buffers; that of A null where it is a tile
  Value warpRow, warpColumn; ///< first row and column of the warp
  Value group, kOfHalf[2];   ///< lane / 4; the k of this lane's word of each half, in step 0
};

} // namespace

MmaProduct::MmaProduct(Lowering &l, cta::DotOp dot)
    : l(l), b(l.b), dot(dot), accumulator(cta::layoutOf(dot.getAccumulator().getType())),
      element(dot.getBBuffer().getType().getElementType()), sums(l.registersOf(dot.getAccumulator())),
      bytes(dot.getBBuffer().getType().getElementBytes()), depth(layout::mmaDepth(bytes)), order(cta::kOrderOf(dot)) {
  warpsM = accumulator.warps()[0], warpsN = accumulator.warps()[1];
  blocksM = accumulator.extent(0) / (16 * warpsM), blocksN = accumulator.extent(1) / (8 * warpsN);
  cta::BufferType bType = dot.getBBuffer().getType();
  steps = llvm::divideCeil(dot.getTransposedB() ? bType.getColumns() : bType.getRows(), depth);
  numbers = registerNumbers(accumulator);
  slotOfB = l.slotPointer(dot.getBBuffer());
  if (dot.getABuffer())
    slotOfA = l.slotPointer(dot.getABuffer());
  if (dot.getA())
    numbersOfA = registerNumbers(cta::layoutOf(dot.getA().getType()));
}

void MmaProduct::run() {
  prepareAddresses();
  for (unsigned step = 0; step < steps; ++step) {
    SmallVector<Fragment> a;
    for (unsigned block = 0; block < blocksM; ++block)
      a.push_back(loadA(block, step));
    for (unsigned block = 0; block < blocksN; block += 2) {
      SmallVector<Fragment> fragments = loadB(block, step, /*two=*/block + 1 < blocksN);
      for (auto [i, fragment] : llvm::enumerate(fragments))
        for (unsigned row = 0; row < blocksM; ++row)
          multiply(row, block + i, a[row], fragment);
    }
  }
  l.define(dot.getResult(), sums);
}

void MmaProduct::prepareAddresses() {
  lanes = matrixLanes(l);
  lanes.bit3 = l.mulConstant(lanes.bit3, 8), lanes.bit4 = l.mulConstant(lanes.bit4, 8);
  warpRow = l.mulConstant(l.shiftRight(l.threadCoordinate(accumulator, 0), 4), 16);
  warpColumn = l.mulConstant(l.shiftRight(l.threadCoordinate(accumulator, 1), 3), 8);
  group = l.shiftRight(l.lane, 2);
  for (unsigned half = 0; half < 2; ++half)
    kOfHalf[half] = kOf(half);
}

/// layout::mmaK of this lane, for the first element of a word.
Value MmaProduct::kOf(unsigned half) {
  Value t = l.bitAnd(l.lane, 3), ofHalf = l.i32(layout::mmaK(order, bytes, half, 0, 0));
  if (order == KOrder::Crossed)
    return l.add(t, l.bitXor(l.mulConstant(l.bitAnd(l.lane, 1), 4), ofHalf));
  return l.add(l.mulConstant(t, layout::mmaK(order, bytes, 0, 1, 0)), ofHalf);
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

/// The four words of A at row block `block`, k-step `step`, packed from the tile's registers.
Values MmaProduct::wordsFromTile(unsigned block, unsigned step) {
  const Values &registers = l.registersOf(dot.getA());
  auto registerOf = [&](unsigned word, unsigned i) {
    uint32_t row = 16 * warpsM * block + 8 * (word % 2), k = layout::mmaK(order, bytes, word / 2, 0, i);
    return registers[numbersOfA.find({row, step * depth + k})->second];
  };
  Values words;
  for (unsigned word = 0; word < 4; ++word) {
    Values elements;
    for (unsigned i = 0; i < layout::mmaPacked(bytes); ++i)
      elements.push_back(registerOf(word, i));
    words.push_back(pack(elements));
  }
  return words;
}

/// The same by ldmatrix.
Values MmaProduct::matricesOfA(unsigned block, unsigned step) {
  bool transposed = dot.getTransposedA();
  SharedLayout layout = dot.getABuffer().getType().getLayout();
  int64_t row = int64_t(block) * 16 * warpsM, k = int64_t(step) * depth;
  // Matrices (0,0) (8,0) (0,half) (8,half): bit 3 of the lane moves along M, bit 4 along K.
  Value along = l.add(l.add(lanes.row, transposed ? lanes.bit4 : lanes.bit3), transposed ? l.i32(0) : warpRow);
  Value across = transposed ? l.add(lanes.bit3, warpRow) : chunk(lanes.bit4);
  SharedPlace place{along, across, transposed ? k : row, transposed ? row : k};
  return loadMatrices(l, l.sharedPointer(slotOfA, layout, place), 4, transposed);
}

/// B at 8-column block `block` (and the next one), k-step `step`, by ldmatrix: two words a block.
Values MmaProduct::matricesOfB(unsigned block, unsigned step, bool two) {
  bool keyMajor = dot.getTransposedB(); // the buffer's rows are columns of B
  int64_t column = int64_t(block) * 8 * warpsN, k = int64_t(step) * depth;
  // Matrices (k 0, n 0) (k half, n 0) (k 0, n N) (k half, n N): bit 3 moves along K, bit 4 along N, by N = 8 * warpsN.
  Value alongN = l.add(warpColumn, two ? l.mulConstant(lanes.bit4, warpsN) : l.i32(0));
  SharedPlace place;
  if (keyMajor)
    place = {l.add(lanes.row, alongN), chunk(lanes.bit3), column, k};
  else
    place = {l.add(lanes.row, lanes.bit3), alongN, k, column};
  SharedLayout shared = dot.getBBuffer().getType().getLayout();
  return loadMatrices(l, l.sharedPointer(slotOfB, shared, place), two ? 4 : 2, !keyMajor);
}

/// Elements as a word: two f16, an i32, or the f32 itself.
Value MmaProduct::pack(ArrayRef<Value> elements) {
  if (elements.size() == 1)
    return elements.front();
  Value all = l.vectorOf(elements);
  return element.isF16() ? all : LLVM::BitcastOp::create(b, l.loc, b.getI32Type(), all);
}

/// This lane's word of row `line` + `lineStep` of A, or of such a column of B, from its buffer, element by element.
Value MmaProduct::wordAt(bool ofA, Value line, int64_t lineStep, unsigned half, unsigned step) {
  bool kIsRow = ofA ? dot.getTransposedA() : !dot.getTransposedB();
  SharedLayout shared = (ofA ? dot.getABuffer() : dot.getBBuffer()).getType().getLayout();
  Values elements;
  for (unsigned i = 0; i < layout::mmaPacked(bytes); ++i) {
    int64_t k = int64_t(step) * depth + layout::mmaK(order, bytes, 0, 0, i);
    SharedPlace place =
        kIsRow ? SharedPlace{kOfHalf[half], line, k, lineStep} : SharedPlace{line, kOfHalf[half], lineStep, k};
    elements.push_back(l.loadVector(l.sharedPointer(ofA ? slotOfA : slotOfB, shared, place), element, 1).front());
  }
  return pack(elements);
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

Fragment MmaProduct::loadA(unsigned block, unsigned step) {
  if (dot.getA())
    return toFragment(wordsFromTile(block, step));
  if (layout::isByLdmatrix(order, bytes, dot.getTransposedA()))
    return toFragment(matricesOfA(block, step));
  Values words;
  for (unsigned word = 0; word < 4; ++word)
    words.push_back(wordAt(/*ofA=*/true, l.threadCoordinate(accumulator, 0),
                           16 * int64_t(warpsM) * block + 8 * (word % 2), word / 2, step));
  return toFragment(words);
}

/// B at 8-column block `block`, and at the next one of this warp.
SmallVector<Fragment> MmaProduct::loadB(unsigned block, unsigned step, bool two) {
  Values words;
  if (layout::isByLdmatrix(order, bytes, !dot.getTransposedB()))
    words = matricesOfB(block, step, two);
  else
    for (unsigned word = 0; word < (two ? 4 : 2); ++word)
      words.push_back(
          wordAt(/*ofA=*/false, l.add(warpColumn, group), 8 * int64_t(warpsN) * (block + word / 2), word % 2, step));
  SmallVector<Fragment> fragments;
  for (ArrayRef<Value> rest = words; !rest.empty(); rest = rest.drop_front(2))
    fragments.push_back(toFragment(Values(rest.take_front(2))));
  return fragments;
}

/// Words in the types of the instruction: once a fragment, as many instructions take it. Rounds f32 to tf32.
Fragment MmaProduct::toFragment(Values words) {
  if (element.isF16())
    for (Value &word : words)
      if (word.getType().isInteger(32))
        word = LLVM::BitcastOp::create(b, l.loc, VectorType::get({2}, element), word);
  if (dot.getMode() == tile::DotMode::Ieee)
    return {words, {}};
  Fragment fragment;
  Type f32 = b.getF32Type(), i32 = b.getI32Type();
  auto round = [&](Value x) -> Value {
    return NVVM::ConvertFloatToTF32Op::create(b, l.loc, i32, x, NVVM::FPRoundingMode::RNA);
  };
  for (Value word : words) {
    Value x = word.getType().isF32() ? word : Value(LLVM::BitcastOp::create(b, l.loc, f32, word));
    fragment.words.push_back(round(x));
    if (dot.getMode() != tile::DotMode::Tf32x3)
      continue;
    Value big = LLVM::BitcastOp::create(b, l.loc, f32, fragment.words.back());
    fragment.small.push_back(round(LLVM::FSubOp::create(b, l.loc, x, big)));
  }
  return fragment;
}

void MmaProduct::multiply(unsigned row, unsigned column, const Fragment &a, const Fragment &bFragment) {
  unsigned first = numbers.find({uint32_t(row) * 16 * warpsM, uint32_t(column) * 8 * warpsN})->second;
  if (!a.small.empty()) {
    instruction(first, a.small, bFragment.words);
    instruction(first, a.words, bFragment.small);
  }
  instruction(first, a.words, bFragment.words);
}

/// Of floats of 8 bits; NVVM::MmaOp has these only in a form of sm_120a.
Values MmaProduct::instructionOfF8(ArrayRef<Value> a, ArrayRef<Value> bWords, ArrayRef<Value> c) {
  StringRef format = isa<Float8E4M3FNType>(element) ? "e4m3" : "e5m2";
  Values operands(a);
  llvm::append_range(operands, bWords);
  llvm::append_range(operands, c);
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, b.getF32Type()));
  Value d =
      l.callIntrinsic(type, ("llvm.nvvm.mma.m16n8k32.row.col.f32." + format + "." + format + ".f32").str(), operands);
  Values result;
  for (unsigned i = 0; i < 4; ++i)
    result.push_back(LLVM::ExtractValueOp::create(b, l.loc, d, i));
  return result;
}

/// Adds to the sums from `first` on.
void MmaProduct::instruction(unsigned first, ArrayRef<Value> a, ArrayRef<Value> bWords) {
  auto type = LLVM::LLVMStructType::getLiteral(b.getContext(), SmallVector<Type>(4, sums[first].getType()));
  // Registers of an atom: bit 0 is the column, bit 1 the row + 8, as the instruction has them.
  Values c(sums.begin() + first, sums.begin() + first + 4);
  if (tile::isF8(element)) {
    llvm::copy(instructionOfF8(a, bWords, c), sums.begin() + first);
    return;
  }
  std::optional<std::array<NVVM::MMATypes, 2>> types;
  std::optional<NVVM::MMAIntOverflow> overflow;
  if (!element.isF16()) {
    NVVM::MMATypes each = element.isBF16()       ? NVVM::MMATypes::bf16
                          : element.isInteger(8) ? NVVM::MMATypes::s8
                                                 : NVVM::MMATypes::tf32;
    types = {each, each};
  }
  if (element.isInteger(8))
    overflow = NVVM::MMAIntOverflow::wrapped;
  Value d = NVVM::MmaOp::create(b, l.loc, type, a, bWords, c, {16, 8, int64_t(depth)}, std::nullopt, overflow, types,
                                std::array<NVVM::MMALayout, 2>{NVVM::MMALayout::row, NVVM::MMALayout::col});
  for (unsigned i = 0; i < 4; ++i)
    sums[first + i] = LLVM::ExtractValueOp::create(b, l.loc, d, i);
}

void imbrex::lowerMma(Lowering &l, cta::DotOp dot) { MmaProduct(l, dot).run(); }
