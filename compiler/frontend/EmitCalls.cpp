//===- EmitCalls.cpp - Functions, hooks and built-ins ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call is a function of the file, inlined with its arguments' types, a hook (or what the host put in
// its place), or a built-in.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>
#include <numbers>

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

/// Every built-in with the numbers of arguments it takes.
static constexpr struct {
  StringRef name;
  unsigned least, most;
} kBuiltins[] = {
    {"dot", 2, 3},    {"where", 3, 3},  {"iota", 1, 1},   {"exp2", 1, 1},   {"log2", 1, 1},
    {"exp", 1, 1},    {"log", 1, 1},    {"sqrt", 1, 1},   {"rsqrt", 1, 1},  {"tanh", 1, 1},
    {"abs", 1, 1},    {"min", 2, 2},    {"max", 2, 2},    {"cdiv", 2, 2},   {"rowmax", 1, 1},
    {"rowmin", 1, 1}, {"rowsum", 1, 1}, {"colmax", 1, 1}, {"colmin", 1, 1}, {"colsum", 1, 1},
    {"coord", 6, 6},
};

Val Emitter::emitCall(const ast::Expr &expr) {
  SmallVector<Val> arguments;
  bool poison = false;
  for (const ast::ExprPtr &operand : expr.operands) {
    arguments.push_back(emit(*operand));
    poison |= arguments.back().isPoison();
  }
  if (const ast::Function *function = program.file->findFunction(expr.text)) {
    if (poison)
      return {};
    if (function->isHook)
      return emitHook(expr.offset, *function, arguments);
    ArrayRef<Val> all(arguments);
    if (all.size() != function->extras.size() + function->parameters.size())
      return error(expr.offset, Message::ArgumentCount, expr.text,
                   function->extras.size() + function->parameters.size(), all.size());
    size_t extras = function->extras.size();
    return emitFunction(expr.offset, *function, all.take_front(extras), all.drop_front(extras));
  }
  for (const auto &builtin : kBuiltins) {
    if (builtin.name != expr.text)
      continue;
    if (arguments.size() < builtin.least || arguments.size() > builtin.most)
      return error(expr.offset, Message::ArgumentCount, expr.text, builtin.most, arguments.size());
    bool known = true;
    return poison ? Val() : emitBuiltin(expr, arguments, known);
  }
  std::vector<std::string> known;
  for (const auto &builtin : kBuiltins)
    known.push_back(builtin.name.str());
  for (const ast::Function &function : program.file->functions)
    known.push_back(function.name);
  return error(expr.offset, Message::UnknownFunction, expr.text, suggestion(expr.text, known));
}

Val Emitter::emitBuiltin(const ast::Expr &expr, ArrayRef<Val> arguments, bool &known) {
  StringRef name = expr.text;
  if (name == "dot")
    return emitDot(expr, arguments);
  if (name == "where")
    return emitWhere(expr, arguments);
  if (name == "coord")
    return emitCoord(expr, arguments);
  if (name == "iota")
    return emitIota(expr, arguments[0]);
  if (name == "min" || name == "max" || name == "cdiv")
    return binary(expr.offset, name, arguments[0], arguments[1]);
  if (name.starts_with("row") || name.starts_with("col"))
    return emitReduce(expr, arguments[0]);
  return emitMath(expr, arguments[0]);
}

Val Emitter::emitMath(const ast::Expr &expr, Val x) {
  StringRef name = expr.text;
  if (x.kind == Val::Integer && name == "abs")
    return Val::ofInteger(std::abs(x.integer));
  if (x.kind == Val::Integer)
    x = Val::ofFloat(double(x.integer));
  x = settle(x);
  if (x.kind != Val::Ssa)
    return error(expr.offset, Message::NotAValue, describe(x));
  Location loc = at(expr.offset);
  if (name == "abs" && isa<IntegerType>(x.element()) && !x.element().isInteger(1))
    return Val::of(math::AbsIOp::create(b, loc, x.ssa));
  if (!isa<FloatType>(x.element()))
    return error(expr.offset, Message::NeedsFloat, name, describe(x));
  if (name == "exp") // through exp2, as the hardware has it
    return Val::of(math::Exp2Op::create(b, loc, binary(expr.offset, "*", x, Val::ofFloat(std::numbers::log2e)).ssa));
  if (name == "log")
    return binary(expr.offset, "*", Val::of(math::Log2Op::create(b, loc, x.ssa)), Val::ofFloat(std::numbers::ln2));
  Value result = llvm::StringSwitch<llvm::function_ref<Value()>>(name)
                     .Case("exp2", [&]() -> Value { return math::Exp2Op::create(b, loc, x.ssa); })
                     .Case("log2", [&]() -> Value { return math::Log2Op::create(b, loc, x.ssa); })
                     .Case("sqrt", [&]() -> Value { return math::SqrtOp::create(b, loc, x.ssa); })
                     .Case("rsqrt", [&]() -> Value { return math::RsqrtOp::create(b, loc, x.ssa); })
                     .Case("tanh", [&]() -> Value { return math::TanhOp::create(b, loc, x.ssa); })
                     .Default([&]() -> Value { return math::AbsFOp::create(b, loc, x.ssa); })();
  return Val::of(result);
}

Val Emitter::emitWhere(const ast::Expr &expr, ArrayRef<Val> arguments) {
  Val condition = arguments[0], x = arguments[1], y = arguments[2];
  if (condition.kind == Val::Bool && x.isLiteral() && y.isLiteral())
    return condition.integer ? x : y;
  condition = settle(condition);
  if (condition.kind != Val::Ssa || !condition.element().isInteger(1))
    return error(expr.operands[0]->offset, Message::NeedsBool, "where", describe(condition));
  if (!unify(expr.offset, "where", x, y) || !unifyShapes(expr.offset, "where", condition, x))
    return {};
  if (x.tile() != y.tile() && !unifyShapes(expr.offset, "where", x, y))
    return {};
  return Val::of(arith::SelectOp::create(b, at(expr.offset), condition.ssa, x.ssa, y.ssa));
}

Val Emitter::emitIota(const ast::Expr &expr, const Val &count) {
  if (count.kind != Val::Integer)
    return error(expr.operands[0]->offset, Message::NotConstant, "'" + ast::toText(*expr.operands[0]) + "'");
  if (!checkTile(expr.offset, {count.integer}))
    return {};
  return Val::of(tile::IotaOp::create(b, at(expr.offset), RankedTensorType::get({count.integer}, b.getI32Type())));
}

Val Emitter::emitReduce(const ast::Expr &expr, const Val &source) {
  StringRef name = expr.text;
  RankedTensorType type = source.tile();
  if (!type || type.getRank() != 2)
    return error(expr.offset, Message::NeedsTile, name, 2, describe(source));
  if (type.getElementType().isInteger(1))
    return error(expr.offset, Message::NeedsNumber, name, describe(source));
  unsigned dim = name.starts_with("row") ? 1 : 0;
  auto kind = llvm::StringSwitch<tile::ReduceKind>(name.drop_front(3))
                  .Case("max", tile::ReduceKind::Max)
                  .Case("min", tile::ReduceKind::Min)
                  .Default(tile::ReduceKind::Sum);
  auto result = RankedTensorType::get({type.getDimSize(1 - dim)}, type.getElementType());
  return Val::of(tile::ReduceOp::create(b, at(expr.offset), result, kind, source.ssa, dim));
}

Val Emitter::emitDot(const ast::Expr &expr, ArrayRef<Val> arguments) {
  const Val &x = arguments[0], &y = arguments[1];
  RankedTensorType xt = x.tile(), yt = y.tile();
  bool tiles = xt && yt && xt.getRank() == 2 && yt.getRank() == 2 && xt.getElementType() == yt.getElementType() &&
               isa<FloatType>(xt.getElementType());
  Type sum = tiles && xt.getElementType().isF64() ? b.getF64Type() : b.getF32Type();
  if (!tiles)
    return error(expr.offset, Message::DotTypes, describe(x), describe(y), describe(sum));
  if (xt.getDimSize(1) != yt.getDimSize(0))
    return error(expr.offset, Message::DotShapes, describe(xt.getShape()), describe(yt.getShape()), "");
  auto type = RankedTensorType::get({xt.getDimSize(0), yt.getDimSize(1)}, sum);
  if (!checkTile(expr.offset, type.getShape()))
    return {};
  Value accumulator;
  if (arguments.size() == 2) {
    accumulator = arith::ConstantOp::create(b, at(expr.offset), SplatElementsAttr::get(type, b.getZeroAttr(sum)));
  } else if (arguments[2].kind == Val::Ssa && arguments[2].ssa.getType() == type) {
    accumulator = arguments[2].ssa;
  } else if (arguments[2].kind == Val::Ssa && arguments[2].element() == sum) {
    return error(expr.offset, Message::DotShapes, describe(xt.getShape()), describe(yt.getShape()),
                 " into " + describe(arguments[2]));
  } else {
    return error(expr.operands[2]->offset, Message::DotTypes, describe(x), describe(arguments[2]), describe(sum));
  }
  return Val::of(tile::DotOp::create(b, at(expr.offset), type, x.ssa, y.ssa, accumulator));
}

Val Emitter::emitCoord(const ast::Expr &expr, ArrayRef<Val> arguments) {
  Val result;
  result.kind = Val::Coord;
  result.fields = std::make_shared<std::vector<Val>>();
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    Val field = settle(argument);
    if (field.kind != Val::Ssa || !field.element().isInteger(32))
      return error(expr.operands[i]->offset, Message::ArgumentType, "coord", std::to_string(i + 1), "of type i32",
                   describe(argument));
    result.fields->push_back(field);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Functions and hooks
//===----------------------------------------------------------------------===//

bool Emitter::bindArgument(uint32_t offset, const ast::Function &function, const ast::FnParameter &parameter,
                           Val argument, Scope &scope) {
  if (parameter.type.name == "coord" && argument.kind != Val::Coord) {
    error(offset, Message::ArgumentType, function.name, parameter.name, "a coord", describe(argument));
    return false;
  }
  if (!parameter.type.name.empty() && parameter.type.name != "coord") {
    std::optional<DataType> type = resolveType(parameter.type);
    if (!type)
      return false;
    if (argument.isLiteral())
      argument = adapt(offset, argument, toType(*type));
    if (argument.isPoison())
      return false;
    if (argument.kind != Val::Ssa || argument.element() != toType(*type)) {
      error(offset, Message::ArgumentType, function.name, parameter.name, describe(toType(*type)), describe(argument));
      return false;
    }
  }
  if (scope.contains(parameter.name)) {
    error(parameter.offset, Message::Duplicate, parameter.name);
    return false;
  }
  scope[parameter.name] = {argument, false};
  return true;
}

Val Emitter::emitFunction(uint32_t offset, const ast::Function &function, ArrayRef<Val> extras,
                          ArrayRef<Val> arguments) {
  if (llvm::is_contained(inlining, &function) || inlining.size() >= kMaxInlining)
    return error(offset, Message::Recursion, function.name);
  if (arguments.size() != function.parameters.size())
    return error(offset, Message::ArgumentCount, function.name, function.parameters.size(), arguments.size());
  // The body sees its parameters and the kernel's compile-time parameters, nothing of the caller.
  Scope scope;
  for (auto [parameter, argument] : llvm::zip(function.extras, extras))
    if (!bindArgument(offset, function, parameter, argument, scope))
      return {};
  for (auto [parameter, argument] : llvm::zip(function.parameters, arguments))
    if (!bindArgument(offset, function, parameter, argument, scope))
      return {};
  Scope globals;
  for (const auto &[name, value] : program.integers)
    globals[name] = {Val::ofInteger(value), false};
  std::vector<Scope> caller = std::exchange(scopes, {});
  scopes.push_back(std::move(globals));
  scopes.push_back(std::move(scope));
  inlining.push_back(&function);
  llvm::scope_exit leave([&] {
    inlining.pop_back();
    scopes = std::move(caller);
  });
  Val result = emit(*function.body);
  if (function.result.name.empty() || result.isPoison())
    return result;
  std::optional<DataType> declared = resolveType(function.result);
  if (!declared)
    return {};
  if (result.isLiteral() && !(result.kind == Val::Bool && *declared == DataType::Bool))
    result = adapt(function.body->offset, result, toType(*declared));
  if (result.kind == Val::Ssa && result.element() != toType(*declared))
    return error(function.offset, Message::ResultType, function.name, describe(toType(*declared)), describe(result));
  return result;
}

Val Emitter::emitHook(uint32_t offset, const ast::Function &hook, ArrayRef<Val> arguments) {
  auto bound = program.hooks.find(hook.name);
  Val result;
  if (bound == program.hooks.end()) {
    result = emitFunction(offset, hook, {}, arguments);
  } else {
    SmallVector<Val> extras;
    for (const ast::ExprPtr &extra : bound->second.extras)
      extras.push_back(emit(*extra));
    result = emitFunction(offset, *bound->second.function, extras, arguments);
    if (result.isPoison())
      return {};
    std::optional<DataType> declared;
    if (!hook.result.name.empty())
      declared = resolveType(hook.result);
    bool isBool = result.kind == Val::Bool || (result.kind == Val::Ssa && result.element().isInteger(1));
    bool fits = !declared || (*declared == DataType::Bool ? isBool
                                                         : result.kind != Val::Ssa || result.element() == toType(*declared));
    if (!fits)
      return error(offset, Message::HookResult, hook.name, describe(toType(*declared)), describe(result));
  }
  if (hook.name == visible.hook && !result.isPoison())
    promiseVisible(hook, result, arguments);
  return result;
}

/// Emits tile.visible for the first call of the loop's hook that stands directly in its body.
void Emitter::promiseVisible(const ast::Function &hook, const Val &mask, ArrayRef<Val> arguments) {
  if (visible.found || b.getInsertionBlock() != visible.body || arguments.size() != 1 ||
      arguments[0].kind != Val::Coord)
    return;
  visible.found = true;
  const std::vector<Val> &at = *arguments[0].fields;
  const Val &q = at[2], &k = at[3];
  if (!q.tile() || !k.tile() || q.tile().getRank() != 2 || k.tile().getRank() != 2)
    return; // nothing a loop over tiles could be bounded by
  uint32_t offset = hook.offset;
  Val inside = binary(offset, "&&", binary(offset, "<", q, at[4]), binary(offset, "<", k, at[5]));
  if (mask.kind == Val::Ssa)
    inside = binary(offset, "&&", mask, inside);
  else if (mask.kind == Val::Bool && !mask.integer)
    inside = binary(offset, "&&", settle(mask), inside);
  if (RankedTensorType type = inside.tile(); type && type.getRank() == 2)
    tile::VisibleOp::create(b, inside.ssa.getLoc(), inside.ssa);
}
