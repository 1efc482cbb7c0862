//===- Derivatives.cpp - The derivative of operations ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// First what changes with x is found, through branches and around loops; then each operation that makes such a value is
// given its derivative, right behind it.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Derivatives.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"
#include <numbers>

using namespace mlir;
using namespace imbrex;

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

Derivatives::Derivatives(OpBuilder &builder, Value by)
    : b(builder), loc(by.getLoc()), isScalar(!isa<RankedTensorType>(by.getType())) {
  findChanging(by);
  all[by] = constant(by.getType(), 1);
}

Value Derivatives::constant(Type type, double value) {
  TypedAttr attribute = b.getFloatAttr(getElementTypeOrSelf(type), value);
  if (auto tile = dyn_cast<RankedTensorType>(type))
    attribute = SplatElementsAttr::get(tile, Attribute(attribute));
  return arith::ConstantOp::create(b, loc, attribute);
}

//===----------------------------------------------------------------------===//
// What changes
//===----------------------------------------------------------------------===//

/// The floats that `use` carries a change into. Truth values and integers are steps, and so are floor and ceil.
static SmallVector<Value> carriedBy(OpOperand &use) {
  Operation *op = use.getOwner(), *parent = op->getParentOp();
  unsigned i = use.getOperandNumber();
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return i < 3 ? SmallVector<Value>() : SmallVector<Value>{loop.getRegionIterArg(i - 3), loop.getResult(i - 3)};
  if (isa<scf::YieldOp>(op)) {
    auto loop = dyn_cast<scf::ForOp>(parent);
    return loop ? SmallVector<Value>{loop.getRegionIterArg(i), loop.getResult(i)}
                : SmallVector<Value>{parent->getResult(i)};
  }
  return isa<math::FloorOp, math::CeilOp>(op) ? SmallVector<Value>() : SmallVector<Value>(op->getResults());
}

void Derivatives::findChanging(Value by) {
  SmallVector<Value> next{by};
  changing.insert(by);
  while (!next.empty())
    for (OpOperand &use : next.pop_back_val().getUses())
      for (Value value : carriedBy(use))
        if (isFloat(value) && changing.insert(value).second)
          next.push_back(value);
}

//===----------------------------------------------------------------------===//
// The program
//===----------------------------------------------------------------------===//

bool Derivatives::refuse(Operation *op, std::string why) {
  refused = op;
  reason = std::move(why);
  return false;
}

bool Derivatives::derive(Operation *first, Operation *last) {
  SmallVector<Operation *> operations;
  for (Operation *op = first->getNextNode(); op != last; op = op->getNextNode())
    operations.push_back(op);
  return derive(operations);
}

bool Derivatives::deriveBlock(Block &block) {
  SmallVector<Operation *> operations;
  for (Operation &op : block.without_terminator())
    operations.push_back(&op);
  return derive(operations);
}

bool Derivatives::derive(ArrayRef<Operation *> operations) {
  for (Operation *op : operations) {
    bool ok = true;
    if (auto branch = dyn_cast<scf::IfOp>(op))
      ok = visitIf(branch);
    else if (auto loop = dyn_cast<scf::ForOp>(op))
      ok = visitFor(loop);
    else if (llvm::any_of(op->getResults(), [&](Value result) { return changing.contains(result); }))
      ok = visit(op);
    if (!ok)
      return false;
  }
  return true;
}

/// Places of values that change.
static SmallVector<unsigned> placesIn(ValueRange values, const llvm::DenseSet<Value> &changing) {
  SmallVector<unsigned> places;
  for (auto [i, value] : llvm::enumerate(values))
    if (changing.contains(value))
      places.push_back(i);
  return places;
}

/// Adds the derivatives of what the block gives at those places.
void Derivatives::yieldMore(Block &block, ArrayRef<unsigned> places) {
  Operation *yield = block.getTerminator();
  b.setInsertionPoint(yield);
  SmallVector<Value> values(yield->getOperands());
  for (unsigned i : places)
    values.push_back(orZero(yield->getOperand(i)));
  yield->setOperands(values);
}

/// `by` has the results of `op` first, and then the derivatives of those that change.
void Derivatives::replace(Operation *op, Operation *by, ArrayRef<unsigned> places) {
  unsigned count = op->getNumResults();
  for (auto [i, place] : llvm::enumerate(places)) {
    changing.insert(by->getResult(place));
    all[by->getResult(place)] = by->getResult(count + i);
  }
  op->replaceAllUsesWith(by->getResults().take_front(count));
  op->remove();
  op->dropAllReferences();
  replaced.emplace_back(op);
}

bool Derivatives::visitIf(scf::IfOp branch) {
  SmallVector<unsigned> places = placesIn(branch.getResults(), changing);
  if (!deriveBlock(*branch.thenBlock()) || !deriveBlock(*branch.elseBlock()))
    return false;
  if (places.empty())
    return true;
  SmallVector<Type> types(branch.getResultTypes());
  for (unsigned i : places)
    types.push_back(types[i]);
  for (Block *block : {branch.thenBlock(), branch.elseBlock()})
    yieldMore(*block, places);
  b.setInsertionPointAfter(branch);
  auto more = scf::IfOp::create(b, branch.getLoc(), types, branch.getCondition(), /*withElseRegion=*/true);
  more.getThenRegion().takeBody(branch.getThenRegion());
  more.getElseRegion().takeBody(branch.getElseRegion());
  replace(branch, more, places);
  return true;
}

bool Derivatives::visitFor(scf::ForOp loop) {
  SmallVector<unsigned> places = placesIn(loop.getResults(), changing);
  b.setInsertionPoint(loop);
  SmallVector<Value> starts(loop.getInitArgs());
  for (unsigned i : places)
    starts.push_back(orZero(starts[i]));
  for (unsigned i : places)
    all[loop.getRegionIterArg(i)] = loop.getBody()->addArgument(starts[i].getType(), loop.getLoc());
  if (!deriveBlock(*loop.getBody()))
    return false;
  if (places.empty())
    return true;
  yieldMore(*loop.getBody(), places);
  b.setInsertionPointAfter(loop);
  auto more = scf::ForOp::create(b, loop.getLoc(), loop.getLowerBound(), loop.getUpperBound(), loop.getStep(), starts);
  more.getRegion().takeBody(loop.getRegion());
  replace(loop, more, places);
  return true;
}

//===----------------------------------------------------------------------===//
// One operation
//===----------------------------------------------------------------------===//

/// What a person calls an operation that has no rule.
static std::string wordOf(Operation *op) {
  auto along = [](unsigned dim, llvm::StringRef what) { return (dim ? "row" : "col") + what.str(); };
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    return along(reduce.getDim(), tile::stringifyReduceKind(reduce.getKind()));
  if (auto combine = dyn_cast<tile::CombineOp>(op))
    return along(combine.getDim(), "reduce");
  if (auto scan = dyn_cast<tile::ScanOp>(op))
    return along(scan.getDim(), "scan");
  return op->getName().stripDialect().str();
}

/// True if each element of the result is made of one element of x, and all results of x's elements in one order.
bool Derivatives::canMove(Operation *op) {
  auto expand = dyn_cast<tile::ExpandDimsOp>(op);
  if (isScalar || !expand)
    return isScalar || !isa<tile::TransposeOp>(op);
  bool isFirst = expandedAt < 0;
  if (isFirst)
    expandedAt = int(expand.getDim());
  return isFirst || expandedAt == int(expand.getDim());
}

bool Derivatives::visit(Operation *op) {
  if (!canMove(op))
    return refuse(op, isa<tile::TransposeOp>(op) ? "takes .T of what is made of it"
                                                 : "makes both a row and a column of what is made of it");
  b.setInsertionPointAfter(op);
  Value derivative = op->getNumResults() == 1 && op->getNumRegions() == 0 ? derivativeOf(op) : Value();
  if (!derivative)
    return refuse(op, "takes " + wordOf(op) + " of what is made of it");
  all[op->getResult(0)] = derivative;
  return true;
}

Value Derivatives::derivativeOf(Operation *op) {
  Value dx = of(op->getOperand(0)), dy = op->getNumOperands() > 1 ? of(op->getOperand(1)) : Value();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](arith::AddFOp) { return !dx   ? dy
                                        : !dy ? dx
                                              : Value(arith::AddFOp::create(b, loc, dx, dy)); })
      .Case([&](arith::SubFOp) {
        return !dy ? dx : !dx ? arith::NegFOp::create(b, loc, dy) : Value(arith::SubFOp::create(b, loc, dx, dy));
      })
      .Case([&](arith::NegFOp) { return Value(arith::NegFOp::create(b, loc, dx)); })
      .Case([&](arith::MulFOp product) { return ofProduct(product); })
      .Case([&](arith::DivFOp quotient) { return ofQuotient(quotient); })
      .Case<arith::MaxNumFOp, arith::MinNumFOp>([&](Operation *extremum) { return ofExtremum(extremum); })
      .Case([&](arith::SelectOp select) {
        Value yes = orZero(select.getTrueValue()), no = orZero(select.getFalseValue());
        return Value(arith::SelectOp::create(b, loc, select.getCondition(), yes, no));
      })
      .Case<arith::ExtFOp, arith::TruncFOp, tile::SplatOp, tile::ExpandDimsOp, tile::BroadcastOp, tile::TransposeOp>(
          [&](Operation *moved) { return again(moved); })
      .Case([&](math::SqrtOp root) { return ofRoot(root); })
      .Default([&](Operation *other) {
        Value slope = other->getNumOperands() == 1 ? slopeOf(other) : Value();
        return slope ? multiply(slope, dx) : Value();
      });
}

/// Of a function of one number; null if there is no rule.
Value Derivatives::slopeOf(Operation *op) {
  Value x = op->getOperand(0), y = op->getResult(0);
  Type type = y.getType();
  auto number = [&](double value) { return constant(type, value); };
  auto over = [&](Value numerator) { return Value(arith::DivFOp::create(b, loc, numerator, x)); };
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](math::ExpOp) { return y; })
      .Case([&](math::Exp2Op) { return multiply(y, number(std::numbers::ln2)); })
      .Case([&](math::LogOp) { return over(number(1)); })
      .Case([&](math::Log2Op) { return over(number(std::numbers::log2e)); })
      .Case([&](math::RsqrtOp) { return over(multiply(y, number(-0.5))); })
      .Case([&](math::TanhOp) { return Value(arith::SubFOp::create(b, loc, number(1), multiply(y, y))); })
      .Case([&](math::SinOp) { return Value(math::CosOp::create(b, loc, x)); })
      .Case([&](math::CosOp) { return Value(arith::NegFOp::create(b, loc, math::SinOp::create(b, loc, x))); })
      .Case([&](math::ErfOp) {
        Value bell = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, multiply(x, x)));
        return multiply(bell, number(2 * std::numbers::inv_sqrtpi));
      })
      .Case([&](math::AbsFOp) {
        Value isNegative = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, number(0));
        return Value(arith::SelectOp::create(b, loc, isNegative, number(-1), number(1)));
      })
      .Default([](Operation *) { return Value(); });
}

/// dx y + x dy
Value Derivatives::ofProduct(arith::MulFOp op) {
  Value dx = of(op.getLhs()), dy = of(op.getRhs());
  Value left = dx ? multiply(dx, op.getRhs()) : Value(), right = dy ? multiply(op.getLhs(), dy) : Value();
  return !left ? right : !right ? left : Value(arith::AddFOp::create(b, loc, left, right));
}

/// (dx - (x / y) dy) / y
Value Derivatives::ofQuotient(arith::DivFOp op) {
  Value dx = of(op.getLhs()), dy = of(op.getRhs());
  Value numerator = dx;
  if (dy)
    numerator = arith::SubFOp::create(b, loc, orZero(op.getLhs()), multiply(op.getResult(), dy));
  return arith::DivFOp::create(b, loc, numerator, op.getRhs());
}

/// dx / 2 sqrt(x), and 0 where dx is: sqrt(max(x, 0)) does not change below 0.
Value Derivatives::ofRoot(Operation *op) {
  Value dx = of(op->getOperand(0));
  Value slope = arith::DivFOp::create(b, loc, constant(dx.getType(), 0.5), op->getResult(0));
  Value product = multiply(slope, dx), zero = constant(dx.getType(), 0);
  if (matchPattern(dx, m_Constant()))
    return product;
  Value stays = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, dx, zero);
  return arith::SelectOp::create(b, loc, stays, zero, product);
}

/// Of the operand that the result is; of a NaN and a number that is the number.
Value Derivatives::ofExtremum(Operation *op) {
  Value x = op->getOperand(0), y = op->getOperand(1);
  Value isFirst = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, op->getResult(0), x);
  return arith::SelectOp::create(b, loc, isFirst, orZero(x), orZero(y));
}

/// The same operation on the operand's derivative: of conversions, and of what moves elements.
Value Derivatives::again(Operation *op) {
  IRMapping map;
  map.map(op->getOperand(0), of(op->getOperand(0)));
  return b.clone(*op, map)->getResult(0);
}

Value Derivatives::multiply(Value x, Value y) {
  if (matchPattern(x, m_OneFloat()))
    return y;
  return matchPattern(y, m_OneFloat()) ? x : Value(arith::MulFOp::create(b, loc, x, y));
}

Value Derivatives::orZero(Value value) {
  Value derivative = of(value);
  return derivative ? derivative : constant(value.getType(), 0);
}
