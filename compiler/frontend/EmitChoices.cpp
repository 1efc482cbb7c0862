//===- EmitChoices.cpp - where, also of two literals ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// where(c, 1, -1) is a literal as 1 and -1 are: a choice, whose numbers take the type of what they meet. Until
// then operators with a literal, and functions, are applied to each number.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"

using namespace mlir;
using namespace imbrex;

/// Choices of choices may double at every name that holds one; beyond this they get a type of their own.
static constexpr unsigned kMaxNumbers = 16;

static unsigned countNumbers(const Val &value) {
  return value.kind == Val::Choice ? countNumbers((*value.fields)[1]) + countNumbers((*value.fields)[2]) : 1;
}

static bool hasFloat(const Val &value) {
  if (value.kind == Val::Choice)
    return hasFloat((*value.fields)[1]) || hasFloat((*value.fields)[2]);
  return value.kind == Val::Float;
}

Type Emitter::ownType(const Val &literal) {
  if (literal.kind == Val::Bool)
    return b.getI1Type();
  return hasFloat(literal) ? Type(b.getF32Type()) : b.getI32Type();
}

Val Emitter::settleChoice(uint32_t offset, Val value) {
  return value.kind == Val::Choice ? adapt(offset, value, ownType(value)) : value;
}

Val Emitter::binaryChoices(uint32_t offset, llvm::StringRef op, Val x, Val y) {
  if (countNumbers(x) * countNumbers(y) > kMaxNumbers)
    return unify(offset, op, x, y) ? binaryValues(offset, op, x, y) : Val();
  if (x.kind == Val::Choice)
    return mapChoice(offset, x, [&](const Val &number) { return binary(offset, op, number, y); });
  return mapChoice(offset, y, [&](const Val &number) { return binary(offset, op, x, number); });
}

Val Emitter::mapChoice(uint32_t offset, const Val &choice, llvm::function_ref<Val(const Val &)> leaf) {
  if (!spend(offset, countNumbers(choice)))
    return {};
  auto side = [&](const Val &value) {
    return value.kind == Val::Choice ? mapChoice(offset, value, leaf) : leaf(value);
  };
  Val x = side((*choice.fields)[1]), y = side((*choice.fields)[2]);
  return x.isPoison() || y.isPoison() ? Val() : choose(offset, (*choice.fields)[0], x, y);
}

Val Emitter::choose(uint32_t offset, Val condition, Val x, Val y) {
  if (x.isNumber() && y.isNumber() && countNumbers(x) + countNumbers(y) <= kMaxNumbers) {
    Val choice;
    choice.kind = Val::Choice;
    choice.fields = std::make_shared<std::vector<Val>>(std::vector<Val>{condition, x, y});
    return choice;
  }
  if (!unify(offset, "where", x, y) || !unifyShapes(offset, "where", condition, x))
    return {};
  if (x.tile() != y.tile() && !unifyShapes(offset, "where", x, y))
    return {};
  return noted(arith::SelectOp::create(b, at(offset), condition.ssa, x.ssa, y.ssa), x.isUnsigned);
}

Val Emitter::emitWhere(const ast::Expr &expr, ArrayRef<Val> arguments) {
  Val condition = arguments[0], x = arguments[1], y = arguments[2];
  bool isTruth = condition.kind == Val::Ssa && condition.element().isInteger(1);
  if (condition.kind != Val::Bool && !isTruth)
    return error(expr.operands[0]->offset, Message::NeedsBool, "where", describe(condition));
  if (isTruth)
    return choose(expr.offset, condition, x, y);
  if ((!x.isLiteral() || !y.isLiteral()) && !unify(expr.offset, "where", x, y))
    return {};
  return condition.integer ? x : y;
}
