//===- Combiners.cpp - Reductions and scans by a function -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.combine and tile.scan, whose dimension lies in one warp. The function need not be commutative, so elements
// meet in the order of their coordinates: runs of 1, 2, 4, ... of them, whatever the layout. A bit of the coordinate
// that is a register's joins two runs of a thread; one that is a lane's, those of two lanes. Repeats follow at last.
//
//     coordinate bits  0: register   1: lane   2: register          run of 2, then of 4, then of 8 elements
//
// There is no neutral element: what comes before a run (its carry) may not be there, in lanes that have nothing to
// their left; and a run that lies in the layout's margin is left out of a tile.combine. In a scan the margin, which
// comes last, changes nothing that is kept.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Lowering.h"

using namespace mlir;
using namespace imbrex;
using layout::Coord;
using layout::TileLayout;

namespace {

/// The elements of one place, one a tile.
using Place = Values;

/// Registers of neighbours, combined among themselves, and what is known to come before them in the run.
struct Unit {
  SmallVector<unsigned> registers;
  Place carry;          ///< empty: nothing
  bool certain = false; ///< every lane has a carry; else those with one of the bits `lanes`
  unsigned lanes = 0;
};

/// Elements in a row: of this thread, or of all lanes whose bits have met.
struct Run {
  int64_t start; ///< coordinate of its first register
  Place total;
  SmallVector<Unit, 1> units; ///< of a scan
};

class Combiner {
public:
  Combiner(Lowering &l, Operation *op, unsigned dim)
      : l(l), op(op), dim(dim), isScan(isa<tile::ScanOp>(op)),
        type(cast<RankedTensorType>(op->getOperand(0).getType())), layout(cta::layoutOf(type)) {}
  LogicalResult run();

private:
  std::optional<Place> apply(const Place &x, const Place &y);
  Place choose(Value condition, const Place &x, const Place &y);
  Value exists(int64_t start, int64_t span, int64_t after);
  /// True (i1) in lanes with one of these bits.
  Value laneHas(unsigned bits) {
    return LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::ne, l.bitAnd(l.lane, bits), l.i32(0));
  }
  /// Where a unit that has one in some lanes has a carry; null: everywhere.
  Value hasCarry(const Unit &unit) { return unit.certain ? Value() : laneHas(unit.lanes); }
  std::optional<unsigned> laneBitOf(int64_t step) const;
  int64_t leafSpan() const;
  LogicalResult makeLeaf(Run &leaf, ArrayRef<unsigned> registers);
  LogicalResult carryInto(Unit &unit, const Place &before);
  LogicalResult join(Run &low, Run &&high, int64_t span);
  LogicalResult meet(Run &run, unsigned bit, int64_t span);
  LogicalResult finish(const Unit &unit);
  /// Combines the registers of one line along `dim`, in the order of their coordinates.
  FailureOr<Place> combineLine(ArrayRef<unsigned> registers);

  Lowering &l;
  Operation *op;
  unsigned dim;
  bool isScan;
  RankedTensorType type;
  const TileLayout layout;
  SmallVector<Place> values; ///< one a register
};

} // namespace

/// The function of x and of y, which comes later; nullopt, reported, if the kernel grows too large.
std::optional<Place> Combiner::apply(const Place &x, const Place &y) {
  Block &body = op->getRegion(0).front();
  for (auto [i, value] : llvm::enumerate(llvm::concat<const Value>(x, y)))
    l.define(body.getArgument(i), {value});
  if (failed(l.lowerBlock(body)))
    return std::nullopt;
  Place result;
  for (Value value : body.getTerminator()->getOperands())
    result.push_back(l.scalarOf(value));
  return result;
}

Place Combiner::choose(Value condition, const Place &x, const Place &y) {
  Place result;
  for (auto [a, b] : llvm::zip(x, y))
    result.push_back(l.select(condition, a, b));
  return result;
}

/// True (i1) where a run of `span` elements has one inside the tile: the one that starts at register coordinate `start`
/// of this thread, or of that whose coordinate is the next multiple of `span` plus `after`. Null if that is certain.
Value Combiner::exists(int64_t start, int64_t span, int64_t after) {
  int64_t extent = type.getDimSize(dim);
  if (isScan || layout.extent(dim) == extent || start + after + layout.threadReach(dim) < extent)
    return {};
  Value thread = l.bitAnd(l.threadCoordinate(layout, dim), ~((after ? 2 : 1) * span - 1));
  return l.less(thread, l.i32(extent - start - after));
}

/// The bit of the lane that moves the coordinate by `step`.
std::optional<unsigned> Combiner::laneBitOf(int64_t step) const {
  for (auto [bit, moves] : llvm::enumerate(layout.laneBits()))
    if (moves.dim == dim && moves.step == step)
      return bit;
  return std::nullopt;
}

/// Elements in a row that one thread has in any case.
int64_t Combiner::leafSpan() const {
  int64_t span = 1;
  while (span < layout.atomShape()[dim] && !laneBitOf(span))
    span *= 2;
  return span;
}

LogicalResult Combiner::makeLeaf(Run &leaf, ArrayRef<unsigned> registers) {
  leaf.start = layout.registerCoord(registers[0])[dim];
  leaf.total = values[registers[0]];
  for (auto [i, reg] : llvm::enumerate(registers.drop_front())) {
    std::optional<Place> both = apply(leaf.total, values[reg]);
    if (!both)
      return failure();
    leaf.total = choose(exists(leaf.start + int64_t(i) + 1, 1, 0), *both, leaf.total);
    if (isScan)
      values[reg] = leaf.total;
  }
  leaf.units.push_back({SmallVector<unsigned>(registers), {}, false, 0});
  return success();
}

/// `before` comes before all that the unit's carry holds, in every lane.
LogicalResult Combiner::carryInto(Unit &unit, const Place &before) {
  if (unit.carry.empty()) {
    unit.carry = before;
  } else {
    std::optional<Place> both = apply(before, unit.carry);
    if (!both)
      return failure();
    unit.carry = choose(hasCarry(unit), *both, before);
  }
  unit.certain = true;
  return success();
}

/// Puts `high`, whose elements follow, behind `low`.
LogicalResult Combiner::join(Run &low, Run &&high, int64_t span) {
  for (Unit &unit : high.units) {
    if (failed(carryInto(unit, low.total)))
      return failure();
    low.units.push_back(std::move(unit));
  }
  std::optional<Place> both = apply(low.total, high.total);
  if (!both)
    return failure();
  low.total = choose(exists(high.start, span, 0), *both, low.total);
  return success();
}

/// Joins the runs of two lanes that differ in `bit`: each has the whole afterwards.
LogicalResult Combiner::meet(Run &run, unsigned bit, int64_t span) {
  Place other;
  for (Value value : run.total)
    other.push_back(shuffle(l, value, 1u << bit));
  Value isHigh = laneHas(1u << bit);
  for (Unit &unit : run.units) {
    Unit before = unit;
    if (failed(carryInto(unit, other)))
      return failure();
    unit.carry = before.carry.empty() ? unit.carry : choose(isHigh, unit.carry, before.carry);
    unit.certain = before.certain;
    unit.lanes |= 1u << bit;
  }
  Place first = choose(isHigh, other, run.total), second = choose(isHigh, run.total, other);
  std::optional<Place> both = apply(first, second);
  if (!both)
    return failure();
  run.total = choose(exists(run.start, span, span), *both, first);
  return success();
}

/// Puts a unit's carry before its elements.
LogicalResult Combiner::finish(const Unit &unit) {
  for (unsigned reg : unit.carry.empty() ? ArrayRef<unsigned>() : ArrayRef<unsigned>(unit.registers)) {
    Unit element{{}, values[reg], true, 0};
    if (failed(carryInto(element, unit.carry)))
      return failure();
    values[reg] = choose(hasCarry(unit), element.carry, values[reg]);
  }
  return success();
}

FailureOr<Place> Combiner::combineLine(ArrayRef<unsigned> registers) {
  const int64_t leaf = leafSpan(), atom = layout.atomShape()[dim];
  std::map<int64_t, Run> runs; // by start
  for (size_t i = 0; i < registers.size(); i += leaf) {
    Run made;
    if (failed(makeLeaf(made, registers.slice(i, leaf))))
      return failure();
    runs.emplace(made.start, std::move(made));
  }
  for (int64_t span = leaf; span < atom; span *= 2) {
    std::optional<unsigned> bit = laneBitOf(span);
    for (auto at = runs.begin(); at != runs.end(); ++at) {
      if (bit ? failed(meet(at->second, *bit, span)) : failed(join(at->second, std::move(std::next(at)->second), span)))
        return failure();
      if (!bit)
        runs.erase(std::next(at));
    }
  }
  Run &all = runs.begin()->second;
  for (auto at = std::next(runs.begin()); at != runs.end(); ++at)
    if (failed(join(all, std::move(at->second), atom)))
      return failure();
  for (const Unit &unit : all.units)
    if (isScan && failed(finish(unit)))
      return failure();
  return all.total;
}

LogicalResult Combiner::run() {
  if (layout.warps()[dim] != 1)
    return op->emitError("the dimension is spread over several warps");
  for (Value source : op->getOperands())
    if (cta::layoutOf(source.getType()) != layout)
      return op->emitError("the tiles have different layouts");
  const TileLayout expected = isScan ? layout : layout.slice(dim);
  for (Value result : op->getResults())
    if (cta::layoutOf(result.getType()) != expected)
      return op->emitError("the layout of a result is not that of its tile");
  values.resize(layout.registersPerThread());
  std::map<Coord, SmallVector<std::pair<uint32_t, unsigned>>> lines; // by the other coordinates
  for (unsigned reg = 0; reg < values.size(); ++reg) {
    for (Value source : op->getOperands())
      values[reg].push_back(l.registersOf(source)[reg]);
    Coord coord = layout.registerCoord(reg);
    uint32_t along = coord[dim];
    coord.erase(coord.begin() + dim);
    lines[coord].push_back({along, reg});
  }
  auto numbers = registerNumbers(expected);
  SmallVector<Values> results(op->getNumResults(), Values(expected.registersPerThread()));
  for (auto &[coord, line] : lines) {
    llvm::sort(line);
    FailureOr<Place> total = combineLine(llvm::map_to_vector(line, [](auto &each) { return each.second; }));
    if (failed(total))
      return failure();
    for (unsigned i = 0; !isScan && i < results.size(); ++i)
      results[i][numbers.find(coord)->second] = (*total)[i];
  }
  for (unsigned i = 0; i < results.size(); ++i) {
    for (unsigned reg = 0; isScan && reg < values.size(); ++reg)
      results[i][reg] = values[reg][i];
    l.define(op->getResult(i), results[i]);
  }
  return success();
}

Lowered imbrex::lowerCombiners(Lowering &l, Operation *op) {
  if (auto combine = dyn_cast<tile::CombineOp>(op))
    return Combiner(l, op, combine.getDim()).run();
  if (auto scan = dyn_cast<tile::ScanOp>(op))
    return Combiner(l, op, scan.getDim()).run();
  if (isa<tile::YieldOp>(op)) // read where the function is applied
    return success();
  return std::nullopt;
}
