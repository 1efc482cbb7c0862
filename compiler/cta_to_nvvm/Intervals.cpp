//===- Intervals.cpp - A row's interval of columns as a word of bits ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread holds some columns of a row, in order c0, c1, ...: bit i of a word says whether ci lies in the interval.
// With n(x) = how many ci lie below x, the bits are those from n(low) to n(high) - 1: two masks of ones (bmsk.clamp,
// PTX ISA 9.7.1), and a test of a bit for each element, of which ptxas makes one instruction for eight predicates.
//
// n(x) is arithmetic where the columns come in runs: with a thread's columns t + {0, 1, 8, 9, 16, 17, ...}
// (runs of 2, 8 apart), n(x) = 2 (y >> 3) + min(y & 7, 2) for y = x - t. Other columns are compared one by one.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Lowering.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;
using layout::TileLayout;

static constexpr unsigned kWordBits = 32;

namespace {

/// The columns of one row in a thread, as offsets from the thread's own: the i-th is (i / run) * period + i % run.
struct Runs {
  unsigned run, period;
};

/// Lowers one tile.interval.
class IntervalLowering {
public:
  IntervalLowering(Lowering &l, tile::IntervalOp op)
      : l(l), op(op), layout(cta::layoutOf(op.getResult().getType())), column(l.threadCoordinate(layout, 1)) {}
  LogicalResult run();

private:
  using Row = std::map<unsigned, unsigned>; ///< column -> register

  static std::optional<Runs> runsOf(const Row &row);
  Value compare(Value low, Value high, unsigned offset);
  /// n(x).
  Value countBelow(Value x, const Runs &runs);
  void lowerRow(const Row &row, Value low, Value high);
  /// `count` ones from bit 0 on, less what the words before hold.
  Value ones(Value count, unsigned word);

  Lowering &l;
  tile::IntervalOp op;
  const TileLayout &layout;
  Value column;
  Values registers;
};

} // namespace

std::optional<Runs> IntervalLowering::runsOf(const Row &row) {
  std::vector<unsigned> columns;
  for (auto [column, reg] : row)
    columns.push_back(column);
  Runs runs{1, 1};
  while (runs.run < columns.size() && columns[runs.run] == columns[0] + runs.run)
    ++runs.run;
  runs.period = runs.run < columns.size() ? columns[runs.run] - columns[0] : llvm::PowerOf2Ceil(runs.run);
  if (columns[0] != 0 || !llvm::isPowerOf2_32(runs.period) || runs.period < runs.run)
    return std::nullopt;
  for (unsigned i = 0; i < columns.size(); ++i)
    if (columns[i] != (i / runs.run) * runs.period + i % runs.run)
      return std::nullopt;
  return runs;
}

Value IntervalLowering::compare(Value low, Value high, unsigned offset) {
  Value at = l.addConstant(column, offset);
  Value above = LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::sge, at, low);
  return l.both(above, l.less(at, high));
}

Value IntervalLowering::countBelow(Value x, const Runs &runs) {
  Value y = l.sub(x, column);
  if (runs.run == runs.period)
    return y;
  unsigned shift = llvm::Log2_32(runs.period);
  Value whole = l.mulConstant(LLVM::AShrOp::create(l.b, l.loc, y, l.i32(shift)), runs.run);
  Value part = LLVM::UMinOp::create(l.b, l.loc, l.bitAnd(y, runs.period - 1), l.i32(runs.run));
  return l.add(whole, part);
}

Value IntervalLowering::ones(Value count, unsigned word) {
  Value left = l.addConstant(count, -int64_t(kWordBits) * word);
  left = LLVM::SMaxOp::create(l.b, l.loc, left, l.i32(0));
  return l.callIntrinsic(l.b.getI32Type(), "llvm.nvvm.bmsk.clamp", {l.i32(0), left});
}

/// True of an end that is a number at most 0: no column lies below it.
static bool isBelowAll(Value low) {
  auto constant = low.getDefiningOp<LLVM::ConstantOp>();
  auto number = constant ? dyn_cast<IntegerAttr>(constant.getValue()) : IntegerAttr();
  return number && number.getInt() <= 0;
}

void IntervalLowering::lowerRow(const Row &row, Value low, Value high) {
  std::optional<Runs> runs = runsOf(row);
  if (!runs || row.size() < 4) {
    for (auto [offset, reg] : row)
      registers[reg] = compare(low, high, offset);
    return;
  }
  Value end = countBelow(high, *runs), begin = isBelowAll(low) ? Value() : countBelow(low, *runs), bits;
  unsigned index = 0;
  for (auto [offset, reg] : row) {
    if (index % kWordBits == 0) {
      bits = ones(end, index / kWordBits);
      if (begin) {
        Value hidden = l.bitXor(ones(begin, index / kWordBits), l.i32(-1));
        bits = LLVM::AndOp::create(l.b, l.loc, bits, hidden);
      }
    }
    Value bit = l.bitAnd(bits, int32_t(uint32_t(1) << index % kWordBits));
    registers[reg] = LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::ne, bit, l.i32(0));
    ++index;
  }
}

LogicalResult IntervalLowering::run() {
  const TileLayout &ends = cta::layoutOf(op.getLow().getType());
  auto numbers = registerNumbers(ends);
  std::map<unsigned, Row> rows;
  for (unsigned reg = 0, e = layout.registersPerThread(); reg < e; ++reg)
    rows[layout.registerCoord(reg)[0]].emplace(layout.registerCoord(reg)[1], reg);
  registers.resize(layout.registersPerThread());
  for (const auto &[row, columns] : rows) {
    auto found = numbers.find({uint32_t(row)});
    if (found == numbers.end() || ends != layout.slice(1))
      return op.emitError("the ends' layout is not that of the mask's rows");
    lowerRow(columns, l.registersOf(op.getLow())[found->second], l.registersOf(op.getHigh())[found->second]);
  }
  for (Value reg : registers)
    if (!reg)
      return op.emitError("an element of the mask lies in two registers of a thread");
  l.define(op.getResult(), registers);
  return success();
}

Lowered imbrex::lowerIntervals(Lowering &l, Operation *op) {
  auto interval = dyn_cast<tile::IntervalOp>(op);
  return interval ? Lowered(IntervalLowering(l, interval).run()) : std::nullopt;
}
