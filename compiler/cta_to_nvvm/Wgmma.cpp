//===- Wgmma.cpp - Matrix products by wgmma --------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// cta.dot of kind wgmma. Four warps that follow one another are a warpgroup; an accumulator of mma over all warps along
// M gives each warpgroup 64 rows, spread as wgmma has them:
//
//     fence;  for 64 rows of the warpgroup, columns by 256, steps of K: wgmma;  commit
//
// A product of some columns touches no register of the others, in which another product may be at work.
//
// Operands in shared memory are named by descriptors (dialects/layout/WgmmaOperand.h): an address, the same for a
// warpgroup, and constants.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Wgmma.h"
#include "compiler/cta/BufferAccess.h"
#include "compiler/cta/ProductWaits.h"
#include "compiler/cta_to_nvvm/InlinePtx.h"
#include "dialects/layout/MmaOrder.h"
#include "dialects/layout/WgmmaOperand.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;
using layout::TileLayout;
using layout::WgmmaOperand;

namespace {

/// An operand in shared memory: its descriptors.
struct Descriptors {
  WgmmaOperand operand;
  Value base;         ///< i64
  int64_t behind = 0; ///< what the start of the tile, or of this warpgroup's rows of it, is behind the base
};

/// Instructions along K.
static unsigned stepsOf(cta::DotOp dot) {
  cta::BufferType b = dot.getBBuffer().getType();
  return llvm::divideCeil(dot.getTransposedB() ? b.getColumns() : b.getRows(), layout::mmaDepth(b.getElementBytes()));
}

/// What `dot` adds to: the accumulator, of which products of other columns have not touched these.
static Value addedTo(cta::DotOp dot) {
  Value value = dot.getAccumulator();
  if (std::optional<ArrayRef<int64_t>> own = dot.getColumns())
    for (cta::DotOp other = productOf(value); other && other.getColumns(); other = productOf(value)) {
      if (other.getColumns()->front() < own->back() && own->front() < other.getColumns()->back())
        break;
      value = other.getAccumulator();
    }
  return value;
}

class WgmmaProduct {
public:
  WgmmaProduct(Lowering &l, cta::DotOp dot)
      : l(l), dot(dot), accumulator(cta::layoutOf(dot.getAccumulator().getType())),
        element(dot.getBBuffer().getType().getElementType()), sums(l.registersOf(dot.getAccumulator())),
        warpsM(accumulator.warps()[0]), loop(dot->getParentOfType<scf::ForOp>()) {
    steps = stepsOf(dot);
    along = int64_t(steps) * layout::mmaDepth(dot.getBBuffer().getType().getElementBytes());
    const Value start = addedTo(dot);
    startsAtZero = matchPattern(start, m_AnyZeroFloat()) || matchPattern(start, m_Zero());
    keepsWords = dot.getA() && loop && loop.isDefinedOutsideOfLoop(dot.getA());
  }

  LogicalResult run();

private:
  Values at(const Descriptors &descriptors, unsigned step, int64_t across);
  FailureOr<Descriptors> describe(Value buffer, bool kIsRow, int64_t across, bool isLeft);
  Value varyingInLoop();
  void packLeft();
  template <typename Visit> void forEachPart(Visit visit);
  void tieAll();
  void waitForAll();
  void multiply(int64_t row, int64_t column, MutableArrayRef<Value> part);

  Lowering &l;
  cta::DotOp dot;
  const TileLayout &accumulator;
  Type element;
  Values sums;
  unsigned warpsM, steps;
  int64_t along;
  scf::ForOp loop; ///< around the product, or null
  bool startsAtZero;
  std::optional<Descriptors> a, b;
  Values words;    ///< of a in registers: four a step, of all 64-row blocks one after another
  bool keepsWords; ///< the loop reads these registers again and again, and changes none
};

} // namespace

/// A number (i32) that the loop around the product changes.
Value WgmmaProduct::varyingInLoop() {
  for (Value buffer : {dot.getABuffer(), dot.getBBuffer()})
    if (Value start = buffer ? l.slotStart(buffer) : Value())
      return start;
  return l.scalarOf(loop.getInductionVar());
}

FailureOr<Descriptors> WgmmaProduct::describe(Value buffer, bool kIsRow, int64_t across, bool isLeft) {
  auto type = cast<cta::BufferType>(buffer.getType());
  auto operand = WgmmaOperand::of(type.getLayout(), kIsRow, across, along);
  if (auto *reason = std::get_if<std::string>(&operand))
    return dot.emitError("the ") << (isLeft ? "left" : "right") << " operand cannot be read by wgmma: " << *reason;
  const auto &found = std::get<WgmmaOperand>(operand);
  Operation *memory = allocationOf(buffer);
  const unsigned along = warpsM / layout::kWarpgroupWarps, beside = accumulator.warps()[1]; // warpgroups
  // From one warpgroup to the next with rows, or columns, of its own. `along` warpgroups follow one another along M.
  const int64_t stride = isLeft && along > 1     ? found.strideOf(layout::kWgmmaRows)
                         : !isLeft && beside > 1 ? found.strideOf(across / beside)
                                                 : 0;
  const uint32_t descriptor = uint32_t(found.descriptor()), high = found.descriptor() >> 32;
  const unsigned part = stride ? 2 * along + isLeft : 0;
  Value start = l.slotStart(buffer);
  // Tiles and slots of rings that go on together lie constants apart: one of them is told in registers.
  const int64_t place = offsetOf(memory) / 16 + descriptor;
  LoopDescriptor &known = l.loopDescriptors[{dot->getBlock(), start.getAsOpaquePointer(), high, stride, part}];
  if (loop && known.base)
    return Descriptors{found, known.base, place - known.place};
  Value low = l.uniformWord({memory, descriptor, stride, part}, [&] {
    Value address = LLVM::PtrToIntOp::create(l.b, l.loc, l.b.getI32Type(), l.memoryBase(memory));
    if (stride) {
      Value group = l.shiftRight(l.warp, llvm::Log2_32(layout::kWarpgroupWarps));
      Value part = isLeft ? LLVM::URemOp::create(l.b, l.loc, group, l.i32(along))->getResult(0)
                          : LLVM::UDivOp::create(l.b, l.loc, group, l.i32(along))->getResult(0);
      address = l.add(address, l.mulConstant(part, stride));
    }
    return l.addConstant(l.shiftRight(address, 4), int32_t(descriptor));
  });
  if (start)
    low = l.add(low, l.shiftRight(start, 4));
  else if (loop) { // or 0, as made in the loop: to what it holds across loops ptxas adds 64 bits by three instructions
    Value none = l.uniformWord({}, [&] { return l.i32(0); });
    low = LLVM::OrOp::create(l.b, l.loc, low, LLVM::AndOp::create(l.b, l.loc, varyingInLoop(), none));
  }
  Value base = LLVM::BitcastOp::create(l.b, l.loc, l.b.getI64Type(), l.vectorOf({low, l.i32(int32_t(high))}));
  known = {base, place};
  return Descriptors{found, base};
}

/// The descriptor of what starts at `across` (of M or N) and step `step` of K; in a loop, what it is made of there and
/// then: LLVM would make it before the loop, where registers hold it that cost more than the sum.
Values WgmmaProduct::at(const Descriptors &descriptors, unsigned step, int64_t across) {
  const int64_t further = descriptors.behind + descriptors.operand.start(step, across) / 16;
  if (loop)
    return {descriptors.base, l.i64(further)};
  return {l.addConstant(descriptors.base, further)};
}

/// The four words of each step of each 64 rows (MmaOrder.h).
void WgmmaProduct::packLeft() {
  constexpr unsigned kWords = 4;
  const Values &registers = l.registersOf(dot.getA());
  const std::map<SmallVector<uint32_t, 4>, unsigned> numbers = registerNumbers(cta::layoutOf(dot.getA().getType()));
  const unsigned bytes = tile::elementBytes(element), depth = layout::mmaDepth(bytes);
  const layout::KOrder order = cta::kOrderOf(dot);
  for (unsigned row = 0; row < accumulator.extent(0); row += 16 * warpsM)
    for (unsigned word = 0; word < kWords * steps; ++word) {
      const unsigned half = word % kWords / 2, first = word / kWords * depth;
      Values elements;
      for (unsigned element = 0; element < layout::mmaPacked(bytes); ++element) {
        const uint32_t k = first + layout::mmaK(order, bytes, half, /*t=*/0, element);
        elements.push_back(registers[numbers.find({row + 8 * (word % 2), k})->second]);
      }
      words.push_back(l.wordOf(elements));
    }
}

/// True if another product has been issued before this one, with nothing between them that is done to registers of this
/// one: its fence serves both.
static bool isFencedBefore(cta::DotOp dot, bool readsRegisters) {
  if (readsRegisters)
    return false;
  Operation *op = dot->getPrevNode();
  while (op && !isa<cta::DotOp>(op) && isMemoryEffectFree(op) && op->getNumRegions() == 0)
    op = op->getPrevNode();
  return runsOn(dyn_cast_or_null<cta::DotOp>(op));
}

/// The sums of each instruction, by its first row and column of the warpgroup.
template <typename Visit> void WgmmaProduct::forEachPart(Visit visit) {
  std::map<SmallVector<uint32_t, 4>, unsigned> numbers = registerNumbers(accumulator);
  const int64_t begin = dot.getColumns() ? dot.getColumns()->front() : 0,
                end = dot.getColumns() ? dot.getColumns()->back() : accumulator.extent(1) / accumulator.warps()[1];
  for (int64_t row = 0; row < accumulator.extent(0); row += 16 * warpsM)
    for (int64_t column = begin; column < end; column += layout::kWgmmaColumns) {
      const unsigned first = numbers.find({uint32_t(row), uint32_t(column)})->second;
      const int64_t columns = std::min<int64_t>(layout::kWgmmaColumns, end - column);
      visit(row, column, MutableArrayRef(sums).slice(first, columns / 2));
    }
}

/// The fence, through which all registers of the product go that are read.
void WgmmaProduct::tieAll() {
  Values all;
  if (isFencedBefore(dot, !startsAtZero || (!words.empty() && !keepsWords)))
    return;
  if (!startsAtZero)
    forEachPart([&](int64_t, int64_t, ArrayRef<Value> part) { llvm::append_range(all, part); });
  if (!keepsWords)
    llvm::append_range(all, words);
  all = wgmmaFence(l, all);
  ArrayRef<Value> rest = all;
  if (!startsAtZero)
    forEachPart([&](int64_t, int64_t, MutableArrayRef<Value> part) {
      llvm::copy(rest.take_front(part.size()), part.begin());
      rest = rest.drop_front(part.size());
    });
  if (!keepsWords)
    words.assign(rest.begin(), rest.end());
}

/// All of K for 64 rows a warpgroup, from `row` of its first one on.
void WgmmaProduct::multiply(int64_t row, int64_t column, MutableArrayRef<Value> part) {
  const unsigned block = row / (16 * warpsM), columns = 2 * part.size();
  for (unsigned step = 0; step < steps; ++step) {
    WgmmaForm form{element,
                   columns,
                   /*aInRegisters=*/!a,
                   /*kIsRowOfA=*/a && !a->operand.isKMajor(),
                   /*kIsRowOfB=*/!b->operand.isKMajor(),
                   /*adds=*/step > 0 || !startsAtZero,
                   /*makesDescriptors=*/bool(loop)};
    Values left = a ? at(*a, step, row) : Values(ArrayRef(words).slice(4 * (block * steps + step), 4));
    llvm::copy(wgmma(l, form, Values(part), left, at(*b, step, column)), part.begin());
  }
}

void WgmmaProduct::waitForAll() {
  Values all = sums;
  llvm::append_range(all, words);
  all = wgmmaWait(l, /*pending=*/0, all);
  sums.assign(all.begin(), all.begin() + sums.size());
}

LogicalResult WgmmaProduct::run() {
  const int64_t m = accumulator.extent(0), n = accumulator.extent(1);
  const unsigned warpsN = accumulator.warps()[1];
  if (m % (16 * warpsM) != 0 || warpsM % layout::kWarpgroupWarps != 0 || warpsM * warpsN != l.warps)
    return dot.emitError("a product by wgmma has 64 rows for each warpgroup, or for those that share its columns");
  if (dot.getColumns() && warpsN != 1)
    return dot.emitError("some columns of a product by wgmma, where warpgroups have columns of their own");
  if (dot.getABuffer()) {
    FailureOr<Descriptors> left = describe(dot.getABuffer(), dot.getTransposedA(), m, /*isLeft=*/true);
    if (failed(left))
      return failure();
    a = *left;
  } else {
    packLeft();
  }
  FailureOr<Descriptors> right = describe(dot.getBBuffer(), !dot.getTransposedB(), n, /*isLeft=*/false);
  if (failed(right))
    return failure();
  b = *right;
  if (dot.getColumns() && !b->operand.startsAt(dot.getColumns()->front()))
    return dot.emitError("some columns of a product by wgmma that start within a panel of the right operand");
  tieAll();
  forEachPart([&](int64_t row, int64_t column, MutableArrayRef<Value> part) { multiply(row, column, part); });
  wgmmaCommit(l);
  if (dot.getAsync()) {
    Values read = keepsWords ? Values() : words;
    if (dot.getColumns())
      llvm::append_range(read, l.inFlight.lookup(dot.getAccumulator()));
    l.inFlight[dot.getResult()] = read;
  } else {
    waitForAll();
  }
  l.define(dot.getResult(), sums);
  return success();
}

LogicalResult imbrex::lowerWgmma(Lowering &l, cta::DotOp dot) { return WgmmaProduct(l, dot).run(); }

void imbrex::lowerDotWait(Lowering &l, cta::DotWaitOp wait) {
  Values registers;
  for (Value value : wait.getValues())
    llvm::append_range(registers, l.registersOf(value));
  const unsigned results = registers.size();
  Value last; // all of `after`
  for (Value value : wait.getAfter())
    for (Value each : l.registersOf(value))
      if (each.getType().isF32())
        last = last ? Value(LLVM::FAddOp::create(l.b, l.loc, last, each)) : each;
  if (last)
    holdBehind(l, last);
  for (Value value : wait.getValues())
    llvm::append_range(registers, l.inFlight.lookup(value)); // left operands, which stay as they are till here
  registers = isDoneBefore(wait) ? wgmmaTie(l, registers) : wgmmaWait(l, wait.getPending(), registers);
  ArrayRef<Value> rest = ArrayRef(registers).take_front(results);
  for (auto [value, result] : llvm::zip(wait.getValues(), wait.getResults())) {
    size_t count = l.registersOf(value).size();
    l.define(result, Values(rest.take_front(count)));
    rest = rest.drop_front(count);
  }
}
