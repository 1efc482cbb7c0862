//===- SplitComparisons.cpp - Masks as comparisons of sums ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-split-comparisons. A mask's comparisons of least, largest and absolute values and of choices are told
// by comparisons of what those are made of, and its opposites by the opposite comparisons:
//
//     min(a, b) >= k     a >= k && b >= k             |a| = max(a, -a)
//     min(a, b) <= k     a <= k || b <= k             (c ? 1 : 0) == 1     c
//     max(a, b) ...      the other way round          (c ? a : 0) >= 1     c && a >= 1
//
// First all is decided, on a tree (Test); then it is written. What is split is never more than a mask is made of.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/IndexArithmetic.h"
#include "compiler/tile/Passes.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include <vector>

using namespace mlir;
using namespace imbrex;
using P = arith::CmpIPredicate;

namespace imbrex {
#define GEN_PASS_DEF_SPLITCOMPARISONS
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

namespace {

/// A tile that is made of a smaller or narrower one by `reshapes`, the last of which takes `value`; or 0 minus it.
struct Shaped {
  Value value;
  SmallVector<Operation *, 2> reshapes;
  bool isNegative = false;
};

/// What is true where.
struct Test {
  enum Kind { Always, Never, Compare, Truth, Both, Either } kind;
  P predicate = P::eq;
  Shaped x, y;             ///< of Compare; x of Truth, a tile of i1 before the reshapes
  bool isOpposite = false; ///< of Truth
  std::vector<Test> parts; ///< of Both and Either
};

/// Decides how the masks of a kernel are told.
class Splitter {
public:
  /// nullopt: as it is.
  std::optional<Test> split(Operation *op);

private:
  Test compare(P predicate, const Shaped &x, const Shaped &y);
  std::optional<Test> splitSide(P predicate, const Shaped &x, const Shaped &y);
  std::optional<Test> chosen(const Shaped &condition, const Test &yes, const Test &no);
  Test testOf(Value truths);

  static constexpr unsigned kMost = 64; ///< tests looked at for one comparison or choice
  unsigned looked = 0;
};

/// Writes tests.
class Writer {
public:
  explicit Writer(Operation *op) : b(op), loc(op->getLoc()), type(cast<RankedTensorType>(op->getResult(0).getType())) {}
  Value write(const Test &test);

private:
  Value shaped(const Shaped &tile);
  Value opposite(Value truth);

  OpBuilder b;
  Location loc;
  RankedTensorType type;
  llvm::DenseMap<Value, Value> opposites;
};

struct SplitComparisons : imbrex::impl::SplitComparisonsBase<SplitComparisons> {
  void runOnOperation() override;
};

} // namespace

/// Of what gives elements another place or width, and leaves them in their order.
static bool isReshape(Operation *op) {
  return isa_and_nonnull<tile::SplatOp, tile::BroadcastOp, tile::ExpandDimsOp, arith::ExtSIOp>(op);
}

/// The integer that all elements of a tile are.
static std::optional<APInt> constantOf(Value value) {
  const unsigned width = getElementTypeOrSelf(value).getIntOrFloatBitWidth();
  while (isReshape(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  APInt number;
  return matchPattern(value, m_ConstantInt(&number)) ? std::optional(number.sext(width)) : std::nullopt;
}

static std::optional<APInt> constantOf(const Shaped &tile) {
  std::optional<APInt> number = constantOf(tile.value);
  if (number && !tile.reshapes.empty())
    number = number->sext(getElementTypeOrSelf(tile.reshapes.front()->getResult(0)).getIntOrFloatBitWidth());
  return number && tile.isNegative ? std::optional(-*number) : number;
}

/// Past broadcasts, dimensions of extent 1 and extensions, which change no order.
static Shaped peeled(Shaped tile) {
  if (tile.isNegative)
    return tile;
  while (Operation *op = tile.value.getDefiningOp()) {
    if (!isReshape(op) || isa<tile::SplatOp>(op) || getElementTypeOrSelf(op->getOperand(0)).isInteger(1))
      break;
    tile.reshapes.push_back(op);
    tile.value = op->getOperand(0);
  }
  return tile;
}

static bool isGreater(P predicate) { return predicate == P::sge || predicate == P::sgt; }
static bool isOrder(P predicate) { return isGreater(predicate) || predicate == P::sle || predicate == P::slt; }

static Test opposite(Test test) {
  switch (test.kind) {
  case Test::Always:
  case Test::Never:
    test.kind = test.kind == Test::Always ? Test::Never : Test::Always;
    break;
  case Test::Compare:
    test.predicate = arith::invertPredicate(test.predicate);
    break;
  case Test::Truth:
    test.isOpposite = !test.isOpposite;
    break;
  case Test::Both:
  case Test::Either:
    test.kind = test.kind == Test::Both ? Test::Either : Test::Both;
    for (Test &part : test.parts)
      part = opposite(part);
  }
  return test;
}

static bool isCertain(const Test &test) { return test.kind == Test::Always || test.kind == Test::Never; }

static Test truth(const Shaped &tile) {
  Test test{Test::Truth};
  test.x = tile;
  return test;
}

/// Of two that both hold, or either: without one that is certain.
static Test joined(Test::Kind kind, const Test &x, const Test &y) {
  const Test::Kind decides = kind == Test::Both ? Test::Never : Test::Always;
  for (auto [one, other] : {std::pair(&x, &y), std::pair(&y, &x)})
    if (isCertain(*one))
      return one->kind == decides ? *one : *other;
  Test test{kind};
  test.parts = {x, y};
  return test;
}

/// What of two tests is true where a condition chooses between them: of the three one at least must be certain.
std::optional<Test> Splitter::chosen(const Shaped &condition, const Test &yes, const Test &no) {
  Test which = testOf(condition.value);
  if (isCertain(which))
    return which.kind == Test::Always ? yes : no;
  which = truth(condition);
  if (isCertain(yes) && isCertain(no))
    return yes.kind == no.kind ? yes : yes.kind == Test::Always ? which : opposite(which);
  if (isCertain(yes))
    return yes.kind == Test::Always ? joined(Test::Either, which, no) : joined(Test::Both, opposite(which), no);
  if (isCertain(no))
    return no.kind == Test::Always ? joined(Test::Either, opposite(which), yes) : joined(Test::Both, which, yes);
  return std::nullopt;
}

/// `x` predicate `y` by what x is made of; nullopt if it is made of nothing of the kind.
std::optional<Test> Splitter::splitSide(P predicate, const Shaped &whole, const Shaped &y) {
  Shaped x = peeled(whole);
  Operation *op = x.isNegative ? nullptr : x.value.getDefiningOp();
  if (!op || !isa<RankedTensorType>(x.value.getType()))
    return std::nullopt;
  auto part = [&](Value value, bool isNegative = false) { return Shaped{value, x.reshapes, isNegative}; };
  if (isa<arith::MinSIOp, arith::MaxSIOp>(op) && isOrder(predicate))
    return joined(isa<arith::MinSIOp>(op) == isGreater(predicate) ? Test::Both : Test::Either,
                  compare(predicate, part(op->getOperand(0)), y), compare(predicate, part(op->getOperand(1)), y));
  if (isa<math::AbsIOp>(op) && op->hasAttr(tile::kExactAttr) && isOrder(predicate))
    return joined(isGreater(predicate) ? Test::Either : Test::Both, compare(predicate, part(op->getOperand(0)), y),
                  compare(predicate, part(op->getOperand(0), /*isNegative=*/true), y));
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    Test yes = compare(predicate, part(select.getTrueValue()), y);
    return chosen(part(select.getCondition()), yes, compare(predicate, part(select.getFalseValue()), y));
  }
  std::optional<APInt> right = constantOf(y);
  if (!right || !isa<arith::ExtUIOp>(op) || !getElementTypeOrSelf(op->getOperand(0)).isInteger(1))
    return std::nullopt;
  auto against = [&](uint64_t number) { // the integer of a truth is 1 or 0
    bool holds = arith::applyCmpPredicate(predicate, APInt(right->getBitWidth(), number), *right);
    return Test{holds ? Test::Always : Test::Never};
  };
  return chosen(part(op->getOperand(0)), against(1), against(0));
}

Test Splitter::compare(P predicate, const Shaped &x, const Shaped &y) {
  std::optional<APInt> left = constantOf(x), right = constantOf(y);
  if (left && right)
    return Test{arith::applyCmpPredicate(predicate, *left, *right) ? Test::Always : Test::Never};
  if (looked++ < kMost) {
    std::optional<Test> split = splitSide(predicate, x, y);
    if (!split)
      split = splitSide(swapSides(predicate), y, x);
    if (split)
      return *split;
  }
  Test test{Test::Compare, predicate};
  test.x = x, test.y = y;
  return test;
}

/// What truths are; of ands and ors it is seen where they are certain.
Test Splitter::testOf(Value truths) {
  if (std::optional<APInt> number = constantOf(truths))
    return Test{number->isZero() ? Test::Never : Test::Always};
  Operation *op = truths.getDefiningOp();
  if (isa_and_nonnull<arith::AndIOp, arith::OrIOp>(op) && looked++ < kMost) {
    Test x = testOf(op->getOperand(0));
    Test whole = joined(isa<arith::AndIOp>(op) ? Test::Both : Test::Either, x, testOf(op->getOperand(1)));
    if (isCertain(whole))
      return whole;
  }
  return truth({truths, {}});
}

/// Of a choice of truths, a truth compared with a constant, or a comparison of numbers; nullopt: as it is.
std::optional<Test> Splitter::split(Operation *op) {
  looked = 0;
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    Test yes = testOf(select.getTrueValue()); // first: the order in which arguments are evaluated is not said
    return chosen({select.getCondition(), {}}, yes, testOf(select.getFalseValue()));
  }
  auto compared = cast<arith::CmpIOp>(op);
  if (getElementTypeOrSelf(compared.getLhs()).isInteger(1)) {
    std::optional<APInt> right = constantOf(compared.getRhs());
    bool isEqual = compared.getPredicate() == P::eq;
    if (!right || (!isEqual && compared.getPredicate() != P::ne))
      return std::nullopt;
    Test which = testOf(compared.getLhs());
    return right->isZero() == isEqual ? opposite(which) : which;
  }
  Test test = compare(compared.getPredicate(), {compared.getLhs(), {}}, {compared.getRhs(), {}});
  const bool isWhole =
      test.kind == Test::Compare && test.x.value == compared.getLhs() && test.y.value == compared.getRhs();
  return isWhole ? std::nullopt : std::optional(test);
}

Value Writer::shaped(const Shaped &tile) {
  Value value = tile.value;
  if (tile.isNegative) {
    auto own = cast<RankedTensorType>(value.getType());
    Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(own));
    value = arith::SubIOp::create(b, loc, zero, value, arith::IntegerOverflowFlags::nsw);
  }
  if (!isa<RankedTensorType>(value.getType()))
    return tile::SplatOp::create(b, loc, type, value);
  for (Operation *reshape : llvm::reverse(tile.reshapes)) {
    Type element = getElementTypeOrSelf(value);
    if (isa<arith::ExtSIOp>(reshape) && element.isInteger(1)) // the truth that chose what was extended
      continue;
    IRMapping map;
    map.map(reshape->getOperand(0), value);
    value = b.clone(*reshape, map)->getResult(0);
    if (element.isInteger(1))
      value.setType(cast<RankedTensorType>(value.getType()).clone(element));
  }
  return value;
}

/// Where `truth` does not hold: by the opposite comparisons, if it is made of comparisons.
Value Writer::opposite(Value truth) {
  Value &made = opposites[truth];
  if (made)
    return made;
  Operation *op = truth.getDefiningOp();
  Value result;
  if (std::optional<APInt> number = constantOf(truth))
    result = arith::ConstantOp::create(
        b, loc, number->isZero() ? b.getOneAttr(truth.getType()) : b.getZeroAttr(truth.getType()));
  else if (auto compared = dyn_cast_or_null<arith::CmpIOp>(op))
    result = arith::CmpIOp::create(b, loc, arith::invertPredicate(compared.getPredicate()), compared.getLhs(),
                                   compared.getRhs());
  else if (isa_and_nonnull<arith::AndIOp>(op))
    result = arith::OrIOp::create(b, loc, opposite(op->getOperand(0)), opposite(op->getOperand(1)));
  else if (isa_and_nonnull<arith::OrIOp>(op))
    result = arith::AndIOp::create(b, loc, opposite(op->getOperand(0)), opposite(op->getOperand(1)));
  else if (isa_and_nonnull<tile::BroadcastOp, tile::ExpandDimsOp, tile::SplatOp>(op)) {
    Value inner = opposite(op->getOperand(0));
    IRMapping map;
    map.map(op->getOperand(0), inner);
    result = b.clone(*op, map)->getResult(0);
  } else {
    Value all = arith::ConstantOp::create(b, loc, b.getOneAttr(truth.getType()));
    result = arith::XOrIOp::create(b, loc, truth, all);
  }
  return opposites[truth] = result;
}

Value Writer::write(const Test &test) {
  switch (test.kind) {
  case Test::Always:
  case Test::Never:
    return arith::ConstantOp::create(b, loc, SplatElementsAttr::get(type, test.kind == Test::Always));
  case Test::Compare: {
    Value x = shaped(test.x); // one after the other: the order in which arguments are evaluated is not said
    return arith::CmpIOp::create(b, loc, test.predicate, x, shaped(test.y));
  }
  case Test::Truth: {
    Shaped which = test.x;
    which.value = test.isOpposite ? opposite(which.value) : which.value;
    return shaped(which);
  }
  case Test::Both:
  case Test::Either:
    break;
  }
  Value x = write(test.parts[0]), y = write(test.parts[1]);
  return test.kind == Test::Both ? Value(arith::AndIOp::create(b, loc, x, y))
                                 : Value(arith::OrIOp::create(b, loc, x, y));
}

/// The comparisons and choices of truths that the masks of promises and of choices between tiles are made of.
static llvm::SetVector<Operation *> partsOfMasks(func::FuncOp kernel) {
  SmallVector<Value> masks;
  kernel.walk([&](Operation *op) {
    if (auto visible = dyn_cast<tile::VisibleOp>(op))
      masks.push_back(visible.getMask());
    else if (auto select = dyn_cast<arith::SelectOp>(op); select && isa<RankedTensorType>(select.getType()))
      masks.push_back(select.getCondition());
    else if (isa<arith::ExtUIOp>(op) && getElementTypeOrSelf(op->getOperand(0)).isInteger(1))
      masks.push_back(op->getOperand(0)); // the integer of a truth
  });
  llvm::SetVector<Operation *> parts;
  for (llvm::DenseSet<Value> seen; !masks.empty();) {
    Value mask = masks.pop_back_val();
    Operation *op = mask.getDefiningOp();
    if (!op || !isa<RankedTensorType>(mask.getType()) || !seen.insert(mask).second)
      continue;
    auto compared = dyn_cast<arith::CmpIOp>(op);
    if (isa<arith::CmpIOp, arith::SelectOp>(op))
      parts.insert(op);
    if (isa<arith::AndIOp, arith::OrIOp, arith::XOrIOp, arith::SelectOp, tile::BroadcastOp, tile::ExpandDimsOp>(op) ||
        (compared && getElementTypeOrSelf(compared.getLhs()).isInteger(1)))
      llvm::append_range(masks, op->getOperands());
  }
  return parts;
}

void SplitComparisons::runOnOperation() {
  llvm::SetVector<Operation *> parts = partsOfMasks(getOperation());
  SmallVector<Operation *> inOrder; // what a part is made of comes first
  getOperation().walk([&](Operation *op) {
    if (parts.contains(op))
      inOrder.push_back(op);
  });
  Splitter splitter;
  for (Operation *op : inOrder)
    if (std::optional<Test> test = splitter.split(op)) {
      op->getResult(0).replaceAllUsesWith(Writer(op).write(*test));
      op->erase();
    }
  getOperation().walk([](math::AbsIOp op) { op->removeAttr(tile::kExactAttr); });
}
