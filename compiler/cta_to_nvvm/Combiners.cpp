//===- Combiners.cpp - Reductions and scans by a function -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// tile.combine and tile.scan, whose dimension lies in one warp, and what cta.combine and cta.scan do of them where it
// lies in several. The function need not be commutative, so elements meet in the order of their coordinates: runs of
// 1, 2, 4, ... of them, whatever the layout. A bit of the coordinate that is a register's joins two runs of a thread;
// one that is a lane's, those of two lanes. That makes the runs of a warp, one a repeat, which join at last: or each
// has the parts of all runs, of this warp and of others, that come before it.
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
  bool laterWarps = false; ///< those of all warps along the dimension but the first, too
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
      : l(l), op(op), sources(op->getOperands().take_front(op->getNumResults())), dim(dim),
        isScan(isa<tile::ScanOp, cta::ScanOp>(op)), type(cast<RankedTensorType>(op->getOperand(0).getType())),
        layout(cta::layoutOf(type)) {}
  LogicalResult run();

private:
  std::optional<Place> apply(const Place &x, const Place &y);
  Place choose(Value condition, const Place &x, const Place &y);
  Value exists(int64_t start, int64_t span, int64_t after);
  /// True (i1) in lanes with one of these bits.
  Value laneHas(unsigned bits) {
    return LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::ne, l.bitAnd(l.lane, bits), l.i32(0));
  }
  /// True (i1) in warps that are not the first along the dimension.
  Value inLaterWarp() { return l.less(l.i32(0), l.threadCoordinate(layout.runParts(dim), dim)); }
  Value hasCarry(const Unit &unit);
  std::optional<unsigned> laneBitOf(int64_t step) const;
  int64_t leafSpan() const;
  LogicalResult makeLeaf(Run &leaf, ArrayRef<unsigned> registers);
  LogicalResult carryInto(Unit &unit, const Place &before, Value where = {});
  LogicalResult join(Run &low, Run &&high, int64_t span);
  LogicalResult meet(Run &run, unsigned bit, int64_t span);
  LogicalResult joinAll(SmallVectorImpl<Run> &runs);
  LogicalResult carryParts(MutableArrayRef<Run> runs, const Coord &line);
  LogicalResult finish(const Unit &unit);
  /// The runs of a warp in one line along `dim`, of whose registers `registers` are the numbers in order.
  FailureOr<SmallVector<Run, 1>> runsOf(ArrayRef<unsigned> registers);
  TileLayout resultLayout() const;
  LogicalResult checkLayouts();
  /// The coordinates `line` with one more along `dim`.
  Coord inLine(const Coord &line, int64_t along) const {
    Coord coord(line);
    coord.insert(coord.begin() + dim, along);
    return coord;
  }

  Lowering &l;
  Operation *op;
  OperandRange sources;
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

/// Where a unit has a carry; null: everywhere.
Value Combiner::hasCarry(const Unit &unit) {
  if (unit.certain)
    return {};
  Value inLane = unit.lanes ? laneHas(unit.lanes) : Value(), inWarp = unit.laterWarps ? inLaterWarp() : Value();
  return inLane && inWarp ? Value(LLVM::OrOp::create(l.b, l.loc, inLane, inWarp)) : inLane ? inLane : inWarp;
}

/// `before` comes before all that the unit's carry holds, in the threads `where` (i1; null: in all, which then have a
/// carry). The caller says of the unit which they are.
LogicalResult Combiner::carryInto(Unit &unit, const Place &before, Value where) {
  Place whole = before;
  if (!unit.carry.empty()) {
    std::optional<Place> both = apply(before, unit.carry);
    if (!both)
      return failure();
    whole = choose(hasCarry(unit), *both, before);
  }
  unit.carry = where && !unit.carry.empty() ? choose(where, whole, unit.carry) : whole;
  unit.certain |= !where;
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
    if (failed(carryInto(unit, other, isHigh)))
      return failure();
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

FailureOr<SmallVector<Run, 1>> Combiner::runsOf(ArrayRef<unsigned> registers) {
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
  return llvm::to_vector<1>(llvm::make_second_range(runs));
}

/// Gives each run of a line the parts of all runs before it, which every warp has (cta.scan).
LogicalResult Combiner::carryParts(MutableArrayRef<Run> runs, const Coord &line) {
  auto parts = cast<cta::ScanOp>(op).getParts();
  auto numbers = registerNumbers(cta::layoutOf(parts.front().getType()));
  SmallVector<Place> upTo; // the parts of all runs up to each; what comes behind the last one is not needed
  for (int64_t run = 0; run + 1 < cast<RankedTensorType>(parts.front().getType()).getDimSize(dim); ++run) {
    unsigned reg = numbers.find(inLine(line, run))->second;
    Place part = llvm::map_to_vector<1>(parts, [&](Value tile) { return l.registersOf(tile)[reg]; });
    std::optional<Place> both = run == 0 ? part : apply(upTo.back(), part);
    if (!both)
      return failure();
    upTo.push_back(*both);
  }
  Value warp = l.threadCoordinate(layout.runParts(dim), dim);
  for (Run &run : runs) {
    const size_t first = run.start / layout.atomShape()[dim]; // in the first warp
    Place before = first > 0 && first <= upTo.size() ? upTo[first - 1] : Place();
    for (size_t w = 1; w < layout.warps()[dim] && first + w <= upTo.size(); ++w)
      before = before.empty() ? upTo[first + w - 1] : choose(l.less(l.i32(w - 1), warp), upTo[first + w - 1], before);
    for (Unit &unit : before.empty() ? MutableArrayRef<Unit>() : MutableArrayRef<Unit>(run.units)) {
      if (failed(carryInto(unit, before, first > 0 ? Value() : inLaterWarp())))
        return failure();
      unit.laterWarps = first == 0;
    }
  }
  return success();
}

/// Joins the runs of one warp to one.
LogicalResult Combiner::joinAll(SmallVectorImpl<Run> &runs) {
  for (Run &run : llvm::drop_begin(runs))
    if (failed(join(runs.front(), std::move(run), layout.atomShape()[dim])))
      return failure();
  runs.resize(1);
  return success();
}

TileLayout Combiner::resultLayout() const {
  return isScan ? layout : isa<cta::CombineOp>(op) ? layout.runParts(dim) : layout.slice(dim);
}

LogicalResult Combiner::checkLayouts() {
  if (isa<tile::CombineOp, tile::ScanOp>(op) && layout.warps()[dim] != 1)
    return op->emitError("the dimension is spread over several warps");
  for (Value source : sources)
    if (cta::layoutOf(source.getType()) != layout)
      return op->emitError("the tiles have different layouts");
  for (Value result : op->getResults())
    if (cta::layoutOf(result.getType()) != resultLayout())
      return op->emitError("the layout of a result is not that of its tile");
  return success();
}

LogicalResult Combiner::run() {
  if (failed(checkLayouts()))
    return failure();
  values.resize(layout.registersPerThread());
  std::map<Coord, SmallVector<std::pair<uint32_t, unsigned>>> lines; // by the other coordinates
  for (unsigned reg = 0; reg < values.size(); ++reg) {
    for (Value source : sources)
      values[reg].push_back(l.registersOf(source)[reg]);
    Coord coord = layout.registerCoord(reg);
    uint32_t along = coord[dim];
    coord.erase(coord.begin() + dim);
    lines[coord].push_back({along, reg});
  }
  auto numbers = registerNumbers(resultLayout());
  SmallVector<Values> results(op->getNumResults(), Values(resultLayout().registersPerThread()));
  for (auto &[coord, line] : lines) {
    llvm::sort(line);
    FailureOr<SmallVector<Run, 1>> runs = runsOf(llvm::map_to_vector(line, [](auto &each) { return each.second; }));
    bool apart = isa<cta::CombineOp, cta::ScanOp>(op);
    if (failed(runs) || (!apart && failed(joinAll(*runs))) || (apart && isScan && failed(carryParts(*runs, coord))))
      return failure();
    for (Run &run : *runs) {
      for (const Unit &unit : run.units)
        if (isScan && failed(finish(unit)))
          return failure();
      for (unsigned i = 0; !isScan && i < results.size(); ++i)
        results[i][numbers.find(apart ? inLine(coord, run.start / layout.atomShape()[dim]) : coord)->second] =
            run.total[i];
    }
  }
  for (unsigned i = 0; i < results.size(); ++i) {
    for (unsigned reg = 0; isScan && reg < values.size(); ++reg)
      results[i][reg] = values[reg][i];
    l.define(op->getResult(i), results[i]);
  }
  return success();
}

Lowered imbrex::lowerCombiners(Lowering &l, Operation *op) {
  if (op->hasTrait<tile::CombinesByFunction>())
    return Combiner(l, op, tile::combinedDim(op)).run();
  if (isa<tile::YieldOp>(op)) // read where the function is applied
    return success();
  return std::nullopt;
}
