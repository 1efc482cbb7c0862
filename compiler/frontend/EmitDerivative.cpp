//===- EmitDerivative.cpp - derivative(f, x, ..) --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The function is emitted at x under a name of its own, and what it became is derived (Derivatives.h). Its value is
// then there too: where the text asks for both, the same operations serve.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Derivatives.h"
#include "compiler/frontend/Emitter.h"

using namespace mlir;
using namespace imbrex;

/// The function or hook that is named first, and its extra arguments. Null, reported, if there is none.
const ast::Function *Emitter::derivedFunction(const ast::Expr &expr, SmallVectorImpl<Placed> &extras) {
  const ast::Expr *named = expr.operands.size() > 1 ? expr.operands[0].get() : nullptr;
  bool isNamed = named && (named->kind == ast::Expr::Name || (named->kind == ast::Expr::Call && named->integer == 0));
  const ast::Function *function = isNamed ? findFunction(named->text) : nullptr;
  if (expr.integer || !function || function->results.size() != 1 || function->parameters.empty() ||
      named->operands.size() != function->extras.size()) {
    error(named ? named->offset : expr.offset, Message::DerivativeName,
          named ? "'" + ast::toText(*named) + "'" : "nothing");
    return nullptr;
  }
  for (const ast::ExprPtr &extra : named->operands) {
    extras.push_back({emit(*extra), extra->offset});
    if (extras.back().value.isPoison())
      return nullptr;
  }
  return function;
}

Val Emitter::emitDerivative(const ast::Expr &expr) {
  SmallVector<Placed> extras, arguments;
  const ast::Function *function = derivedFunction(expr, extras);
  if (!function)
    return {};
  for (const ast::ExprPtr &operand : ArrayRef(expr.operands).drop_front()) {
    arguments.push_back({emit(*operand), operand->offset});
    if (arguments.back().value.isPoison())
      return {};
  }
  Val x = settle(arguments[0].offset, arguments[0].value);
  if (x.isPoison())
    return {};
  if (x.kind != Val::Ssa || !isa<FloatType>(x.element()))
    return error(arguments[0].offset, Message::NeedsFloat, kDerivative, describe(x));
  Location loc = at(expr.offset);
  // Names that nothing else uses: x may be another argument too, and what gives the value may be replaced.
  auto begin = UnrealizedConversionCastOp::create(b, loc, x.ssa.getType(), x.ssa);
  arguments[0].value = Val::of(begin.getResult(0));
  Val value = function->isHook ? emitHook(expr.offset, *function, arguments)
                               : emitFunction(expr.offset, *function, extras, arguments);
  Val result;
  if (value.isNumber())
    result = adapt(expr.offset, Val::ofFloat(0), x.ssa.getType());
  else if (value.kind == Val::Ssa && isa<FloatType>(value.element()))
    result = derive(expr, *function, begin, value);
  else if (!value.isPoison())
    error(expr.operands[0]->offset, Message::DerivativeOf, function->name, "gives " + describe(value));
  begin.getResult(0).replaceAllUsesWith(x.ssa);
  begin.erase();
  return result;
}

/// The derivative of `value`, which `function` has just been emitted for, by the result of `begin`.
Val Emitter::derive(const ast::Expr &expr, const ast::Function &function, Operation *begin, const Val &value) {
  size_t count = 0;
  for (Operation *op = begin->getNextNode(); op; op = op->getNextNode())
    op->walk([&](Operation *) { ++count; });
  if (!spend(expr.offset, count))
    return {};
  Location loc = begin->getLoc();
  auto end = UnrealizedConversionCastOp::create(b, loc, value.ssa.getType(), value.ssa);
  Val result;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointAfter(begin);
    Derivatives derivatives(b, begin->getResult(0));
    if (derivatives.derive(begin, end)) {
      b.setInsertionPoint(end);
      result = Val::of(derivatives.orZero(end.getOperand(0)));
    } else {
      error(expr.operands[0]->offset, Message::DerivativeOf, function.name, derivatives.reason);
      auto place = cast<FileLineColLoc>(derivatives.refused->getLoc());
      diagnostics.addAt(Severity::Note, {place.getFilename().getValue(), place.getLine(), place.getColumn()}, "here",
                        isOfCaller(Message::DerivativeOf));
    }
    for (auto &op : derivatives.replaced)
      retired.push_back(std::move(op));
  }
  end.erase();
  return result;
}
