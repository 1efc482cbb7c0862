//===- SplitLoops.cpp - Ranges of a loop in which a test is known ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-split-loops: a branch of a loop's body whose condition is a conjunction of comparisons a j + r <= 0,
// j the induction variable, is taken in one range of j. With j = low + t, t counted from 0:
//
//     a > 0:  t < (a - r') / a            r' = r + a low
//     a < 0:  t >= ceil(r' / -a)          a = 0: everywhere or nowhere
//
// The loop becomes up to three, one behind the other: before the range, the range without the test, behind it. So too
// a cta.clear, which has nothing to do where all rows lie inside: low <= 0, rows <= high. Loads whose tiles lie inside
// their views there say so (InsideAccesses.h).
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/InsideAccesses.h"
#include "compiler/cta/LoopSize.h"
#include "compiler/cta/Passes.h"
#include "compiler/tile/LinearForms.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/SmallSet.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_SPLITLOOPS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

/// form <= 0
using Comparisons = SmallVector<LinearForm>;

/// Where a branch is taken, in iterations from the loop's first: i64 values, null where there is no bound.
struct Span {
  Value begin, end;
};

} // namespace

/// Adds x <= y to `comparisons`, of linear forms in scalars that `loop` does not change. False if it is not one.
static bool addComparison(std::optional<LinearForm> x, std::optional<LinearForm> y, scf::ForOp loop,
                          Comparisons &comparisons) {
  std::optional<LinearForm> form = x && y ? x->plus(*y, -1) : std::nullopt;
  if (!form || !llvm::all_of(form->scalars, [&](const auto &entry) {
        return entry.first == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(entry.first);
      }))
    return false;
  comparisons.push_back(*form);
  return true;
}

/// Adds what `condition` says to `comparisons`. False if it is anything but a conjunction of comparisons of linear
/// forms in scalars that `loop` does not change.
static bool readCondition(Value condition, scf::ForOp loop, LinearForms &forms, Comparisons &comparisons) {
  Operation *op = condition.getDefiningOp();
  if (auto both = dyn_cast_or_null<arith::AndIOp>(op))
    return readCondition(both.getLhs(), loop, forms, comparisons) &&
           readCondition(both.getRhs(), loop, forms, comparisons);
  auto compare = dyn_cast_or_null<arith::CmpIOp>(op);
  if (!compare)
    return false;
  std::optional<LinearForm> x = forms.ofScalar(compare.getLhs()), y = forms.ofScalar(compare.getRhs());
  using Predicate = arith::CmpIPredicate;
  Predicate predicate = compare.getPredicate();
  if (predicate == Predicate::sge || predicate == Predicate::sgt)
    std::swap(x, y);
  bool isStrict = predicate == Predicate::slt || predicate == Predicate::sgt;
  if (!x || !y || (!isStrict && predicate != Predicate::sle && predicate != Predicate::sge))
    return false;
  LinearForm one;
  one.constant = isStrict;
  return addComparison(x->plus(one, 1), y, loop, comparisons);
}

/// A carried product whose successor is made beside it: two bodies in turn spare the moves between them.
static bool makesBesideOld(scf::ForOp loop) {
  for (auto [argument, next] : llvm::zip(loop.getRegionIterArgs(), loop.getYieldedValues())) {
    Operation *op = next.getDefiningOp();
    auto dot = dyn_cast_or_null<cta::DotOp>(op);
    if (dot && dot->getBlock() == loop.getBody() && matchPattern(dot.getAccumulator(), m_Constant()))
      return true;
  }
  return false;
}

namespace {

class LoopSplitter {
public:
  explicit LoopSplitter(scf::ForOp loop) : loop(loop), b(loop) {}

  void run();

private:
  scf::IfOp findBranch(Comparisons &comparisons);
  /// Adds to `comparisons` where no row is cleared; gives the clears of which that is said.
  SmallVector<cta::ClearOp> findClears(Comparisons &comparisons);
  Span rangeOf(const Comparisons &comparisons);
  Value count(int64_t value) { return arith::ConstantOp::create(b, loop.getLoc(), b.getI64IntegerAttr(value)); }
  /// The first iteration of the loop that is not before number `iterations` (i64).
  Value iteration(Value iterations);
  /// A copy of the loop from `low` to `high` behind the last one. Returns it.
  scf::ForOp copy(Value low, Value high);
  void takeBranch(scf::ForOp range, unsigned branchNumber);
  void unroll(scf::ForOp range);

  template <typename Op> Value make(Value x, Value y) { return Op::create(b, loop.getLoc(), x, y); }

  scf::ForOp loop;
  OpBuilder b;
  SmallVector<Value> carried; ///< of the last copy
};

} // namespace

scf::IfOp LoopSplitter::findBranch(Comparisons &comparisons) {
  LinearForms forms;
  for (scf::IfOp branch : loop.getBody()->getOps<scf::IfOp>()) {
    comparisons.clear();
    if (readCondition(branch.getCondition(), loop, forms, comparisons) &&
        llvm::any_of(comparisons, [&](const LinearForm &form) { return form.coefficient(loop.getInductionVar()); }))
      return branch;
  }
  return {};
}

SmallVector<cta::ClearOp> LoopSplitter::findClears(Comparisons &comparisons) {
  LinearForms forms;
  SmallVector<cta::ClearOp> clears;
  for (cta::ClearOp clear : loop.getBody()->getOps<cta::ClearOp>()) {
    LinearForm none, rows;
    rows.constant = clear.getExtent();
    Comparisons inside;
    if (!addComparison(forms.ofScalar(clear.getLow()), none, loop, inside) ||
        !addComparison(rows, forms.ofScalar(clear.getHigh()), loop, inside))
      continue;
    llvm::append_range(comparisons, inside);
    clears.push_back(clear);
  }
  return clears;
}

Span LoopSplitter::rangeOf(const Comparisons &comparisons) {
  Location loc = loop.getLoc();
  Value zero = count(0), low = arith::ExtSIOp::create(b, loc, b.getI64Type(), loop.getLowerBound());
  Span range;
  for (LinearForm form : comparisons) {
    int64_t a = form.coefficient(loop.getInductionVar());
    form.scalars.erase(loop.getInductionVar());
    Value rest = make<arith::AddIOp>(form.emit(b, loc), make<arith::MulIOp>(low, count(a)));
    if (a < 0) {
      Value most = make<arith::AddIOp>(make<arith::MaxSIOp>(rest, zero), count(-a - 1));
      Value begin = make<arith::DivSIOp>(most, count(-a));
      range.begin = range.begin ? make<arith::MaxSIOp>(range.begin, begin) : begin;
      continue;
    }
    Value end;
    if (a > 0) {
      Value most = make<arith::MaxSIOp>(make<arith::SubIOp>(count(a), rest), zero);
      end = make<arith::DivSIOp>(most, count(a));
    } else {
      Value holds = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, rest, zero);
      end = arith::SelectOp::create(b, loc, holds, count(std::numeric_limits<int32_t>::max()), zero);
    }
    range.end = range.end ? make<arith::MinSIOp>(range.end, end) : end;
  }
  return range;
}

Value LoopSplitter::iteration(Value iterations) {
  Value first = arith::ExtSIOp::create(b, loop.getLoc(), b.getI64Type(), loop.getLowerBound());
  Value at = make<arith::AddIOp>(first, iterations);
  Value narrow = arith::TruncIOp::create(b, loop.getLoc(), b.getI32Type(), at);
  return make<arith::MaxSIOp>(narrow, loop.getLowerBound()); // it is; said so that it shows
}

scf::ForOp LoopSplitter::copy(Value low, Value high) {
  auto range = cast<scf::ForOp>(b.clone(*loop));
  range.setLowerBound(low);
  range.setUpperBound(high);
  range.getInitArgsMutable().assign(carried);
  if (low != loop.getLowerBound())
    range->setAttr(cta::kContinuesAttr, b.getUnitAttr());
  carried.assign(range.result_begin(), range.result_end());
  return range;
}

/// Branch number `branchNumber` of the body is taken always.
void LoopSplitter::takeBranch(scf::ForOp range, unsigned branchNumber) {
  auto branches = range.getBody()->getOps<scf::IfOp>();
  scf::IfOp branch = *std::next(branches.begin(), branchNumber);
  Block *then = branch.thenBlock();
  Operation *yield = then->getTerminator();
  branch->replaceAllUsesWith(yield->getOperands());
  yield->erase();
  branch->getBlock()->getOperations().splice(branch->getIterator(), then->getOperations());
  branch.erase();
}

/// The clears of the body with these numbers have nothing to do.
static void dropClears(scf::ForOp range, const llvm::SmallSet<unsigned, 4> &idle) {
  SmallVector<cta::ClearOp> all(range.getBody()->getOps<cta::ClearOp>());
  for (auto [number, clear] : llvm::enumerate(all))
    if (idle.contains(number)) {
      clear.replaceAllUsesWith(clear.getBuffer());
      clear.erase();
    }
}

/// Two bodies in place of one; the range has an even number of iterations.
void LoopSplitter::unroll(scf::ForOp range) {
  Block *body = range.getBody();
  OpBuilder inner(body->getTerminator());
  Location loc = range.getLoc();
  SmallVector<Operation *> operations;
  for (Operation &op : body->without_terminator())
    operations.push_back(&op);
  IRMapping map;
  map.map(range.getInductionVar(),
          arith::AddIOp::create(inner, loc, range.getInductionVar(), range.getStep(), arith::IntegerOverflowFlags::nsw)
              .getResult());
  SmallVector<Value> yielded(body->getTerminator()->getOperands());
  for (auto [argument, value] : llvm::zip(range.getRegionIterArgs(), yielded))
    map.map(argument, value);
  for (Operation *op : operations)
    inner.clone(*op, map);
  for (auto [index, value] : llvm::enumerate(yielded))
    body->getTerminator()->setOperand(index, map.lookupOrDefault(value));
  range.setStep(arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(2)));
  range.getStep().getDefiningOp()->moveBefore(range);
}

void LoopSplitter::run() {
  Comparisons comparisons;
  bool isCounted = matchPattern(loop.getStep(), m_One()) && loop.getInductionVar().getType().isInteger(32);
  scf::IfOp branch = isCounted ? findBranch(comparisons) : scf::IfOp();
  bool inTurn = isCounted && makesBesideOld(loop);
  if (!branch)
    comparisons.clear();
  SmallVector<cta::ClearOp> clears;
  if (isCounted)
    clears = findClears(comparisons);
  if (!branch && !inTurn && clears.empty())
    return;
  if (instructionsOf(*loop.getBody()) > kMostCopied) {
    loop.emitRemark("not split: its body is large");
    return;
  }
  llvm::SmallSet<unsigned, 4> idle; // numbers of the clears of the body that the range does without
  for (auto [number, clear] : llvm::enumerate(loop.getBody()->getOps<cta::ClearOp>()))
    if (llvm::is_contained(clears, clear))
      idle.insert(number);
  unsigned branchNumber = 0;
  for (scf::IfOp other : loop.getBody()->getOps<scf::IfOp>()) {
    if (other == branch)
      break;
    ++branchNumber;
  }
  const SmallVector<InsideAccess> inside = findInsideAccesses(loop, comparisons);
  Span range = rangeOf(comparisons);
  Location loc = loop.getLoc();
  Value trips = arith::ExtSIOp::create(b, loc, b.getI64Type(), loop.getUpperBound());
  trips = make<arith::SubIOp>(trips, arith::ExtSIOp::create(b, loc, b.getI64Type(), loop.getLowerBound()));
  trips = make<arith::MaxSIOp>(trips, count(0));
  Value begin = range.begin ? make<arith::MinSIOp>(range.begin, trips) : count(0);
  Value end = range.end ? make<arith::MinSIOp>(make<arith::MaxSIOp>(range.end, begin), trips) : trips;
  if (inTurn) {
    Value pairs = make<arith::ShRSIOp>(make<arith::SubIOp>(end, begin), count(1));
    end = make<arith::AddIOp>(begin, make<arith::MulIOp>(pairs, count(2)));
  }
  Value low = range.begin ? iteration(begin) : loop.getLowerBound();
  bool hasRest = range.end || inTurn;
  Value high = hasRest ? iteration(end) : loop.getUpperBound();
  carried.assign(loop.getInitArgs().begin(), loop.getInitArgs().end());
  if (range.begin)
    copy(loop.getLowerBound(), low);
  scf::ForOp middle = copy(low, high);
  markInside(middle, inside);
  if (branch)
    takeBranch(middle, branchNumber);
  dropClears(middle, idle);
  if (inTurn)
    unroll(middle);
  if (hasRest)
    copy(high, loop.getUpperBound());
  if (branch)
    branch.emitRemark("split: one range of the loop does without this test");
  loop.replaceAllUsesWith(carried);
  loop.erase();
}

namespace {

struct SplitLoops : imbrex::impl::SplitLoopsBase<SplitLoops> {
  void runOnOperation() override {
    SmallVector<scf::ForOp> loops;
    getOperation().walk([&](scf::ForOp loop) {
      if (llvm::none_of(loop.getBody()->getOps<scf::ForOp>(), [](scf::ForOp) { return true; }))
        loops.push_back(loop); // innermost
    });
    for (scf::ForOp loop : loops)
      LoopSplitter(loop).run();
  }
};

} // namespace
