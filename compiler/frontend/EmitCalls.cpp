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
#include "compiler/frontend/ForeignWords.h"
#include "compiler/MlirTypes.h"
#include "llvm/ADT/StringSwitch.h"
#include <cmath>

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

/// Every built-in with the numbers of arguments it takes.
static constexpr struct {
  StringRef name;
  unsigned least, most;
} kBuiltins[] = {
    {"dot", 2, 3},    {"where", 3, 3},  {"iota", 1, 1},   {"exp2", 1, 1},   {"log2", 1, 1},   {"exp", 1, 1},
    {"log", 1, 1},    {"sqrt", 1, 1},   {"rsqrt", 1, 1},  {"tanh", 1, 1},   {"abs", 1, 1},    {"min", 2, 2},
    {"max", 2, 2},    {"cdiv", 2, 2},   {"rowmax", 1, 1}, {"rowmin", 1, 1}, {"rowsum", 1, 1}, {"colmax", 1, 1},
    {"colmin", 1, 1}, {"colsum", 1, 1}, {"pow2", 1, 1},   {"coord", 6, 6},
};

Val Emitter::emitCall(const ast::Expr &expr) {
  SmallVector<Val> arguments;
  bool poison = false;
  for (const ast::ExprPtr &operand : expr.operands) {
    arguments.push_back(emit(*operand));
    poison |= arguments.back().isPoison();
  }
  // With a mode it is the built-in, whatever the file calls 'dot'.
  if (const ast::Function *function = expr.type.name.empty() ? program.file->findFunction(expr.text) : nullptr) {
    if (poison || !checkExtras(expr, *function))
      return {};
    SmallVector<Placed> placed;
    for (auto [argument, operand] : llvm::zip(arguments, expr.operands))
      placed.push_back({argument, operand->offset});
    if (function->isHook)
      return emitHook(expr.offset, *function, placed);
    ArrayRef<Placed> all(placed);
    return emitFunction(expr.offset, *function, all.take_front(expr.integer), all.drop_front(expr.integer));
  }
  for (const auto &builtin : kBuiltins) {
    if (builtin.name != expr.text)
      continue;
    if (expr.integer || arguments.size() < builtin.least || arguments.size() > builtin.most)
      return error(expr.offset, Message::ArgumentCount, expr.text,
                   (builtin.least < builtin.most ? std::to_string(builtin.least) + " or " : "") +
                       std::to_string(builtin.most),
                   arguments.size());
    return poison ? Val() : emitBuiltin(expr, arguments);
  }
  return unknownFunction(expr);
}

/// f(a)(b): as many extra arguments as f declares, in brackets of their own.
bool Emitter::checkExtras(const ast::Expr &expr, const ast::Function &function) {
  if (size_t(expr.integer) == function.extras.size())
    return true;
  std::string form = function.name;
  for (const auto *list : {&function.extras, &function.parameters}) {
    if (list->empty() && list == &function.extras)
      continue;
    std::string names;
    for (const ast::FnParameter &parameter : *list)
      names += (names.empty() ? "" : ", ") + parameter.name;
    form += "(" + names + ")";
  }
  error(expr.offset, Message::ExtraCount, function.name, function.extras.size(), expr.integer, form);
  return false;
}

Val Emitter::unknownFunction(const ast::Expr &expr) {
  if (std::optional<StringRef> instead = insteadOf(expr.text))
    return error(expr.offset, Message::NoSuchWord, expr.text, *instead);
  std::vector<std::string> known;
  for (const auto &builtin : kBuiltins)
    known.push_back(builtin.name.str());
  for (const ast::Function &function : program.file->functions)
    known.push_back(function.name);
  return error(expr.offset, Message::UnknownFunction, expr.text, suggestion(expr.text, known));
}

Val Emitter::emitBuiltin(const ast::Expr &expr, ArrayRef<Val> arguments) {
  StringRef name = expr.text;
  if (name == "dot")
    return emitDot(expr, arguments);
  if (name == "where")
    return emitWhere(expr, arguments);
  if (name == "coord")
    return emitCoord(expr, arguments);
  if (name == "iota" || name == "pow2") {
    if (arguments[0].kind != Val::Integer)
      return error(expr.operands[0]->offset, Message::NotConstant, "'" + ast::toText(*expr.operands[0]) + "'");
    return name == "iota" ? emitIota(expr, arguments[0])
                          : binaryLiterals(expr.offset, name, arguments[0], arguments[0]);
  }
  if (name == "min" || name == "max" || name == "cdiv")
    return binary(expr.offset, name, arguments[0], arguments[1]);
  if (name.starts_with("row") || name.starts_with("col"))
    return emitReduce(expr, settleChoice(expr.offset, arguments[0]));
  return emitMath(expr, arguments[0]);
}

Val Emitter::emitMath(const ast::Expr &expr, Val x) {
  StringRef name = expr.text;
  if (x.kind == Val::Choice)
    return mapChoice(expr.offset, x, [&](const Val &number) { return emitMath(expr, number); });
  if (x.kind == Val::Integer && name == "abs")
    return x.integer < 0 ? binaryLiterals(expr.offset, "-", Val::ofInteger(0), x) : x;
  if (x.kind == Val::Integer)
    x = Val::ofFloat(double(x.integer));
  x = settle(expr.offset, x);
  if (x.kind != Val::Ssa)
    return error(expr.offset, Message::NotAValue, describe(x));
  Location loc = at(expr.offset);
  if (name == "abs" && isa<IntegerType>(x.element()) && !x.element().isInteger(1))
    return noted(math::AbsIOp::create(b, loc, x.ssa));
  if (!isa<FloatType>(x.element()))
    return error(expr.offset, Message::NeedsFloat, name, describe(x));
  Value result = llvm::StringSwitch<llvm::function_ref<Value()>>(name)
                     .Case("exp", [&]() -> Value { return math::ExpOp::create(b, loc, x.ssa); })
                     .Case("exp2", [&]() -> Value { return math::Exp2Op::create(b, loc, x.ssa); })
                     .Case("log", [&]() -> Value { return math::LogOp::create(b, loc, x.ssa); })
                     .Case("log2", [&]() -> Value { return math::Log2Op::create(b, loc, x.ssa); })
                     .Case("sqrt", [&]() -> Value { return math::SqrtOp::create(b, loc, x.ssa); })
                     .Case("rsqrt", [&]() -> Value { return math::RsqrtOp::create(b, loc, x.ssa); })
                     .Case("tanh", [&]() -> Value { return math::TanhOp::create(b, loc, x.ssa); })
                     .Default([&]() -> Value { return math::AbsFOp::create(b, loc, x.ssa); })();
  return Val::of(result);
}

Val Emitter::emitIota(const ast::Expr &expr, const Val &count) {
  if (!checkTile(expr.offset, {count.integer}))
    return {};
  Value iota = tile::IotaOp::create(b, at(expr.offset), RankedTensorType::get({count.integer}, b.getI32Type()));
  exact.definePosition(iota, {0, count.integer - 1});
  return Val::of(iota);
}

Val Emitter::emitReduce(const ast::Expr &expr, const Val &source) {
  StringRef name = expr.text;
  RankedTensorType type = source.tile();
  if (!type || type.getRank() != 2)
    return error(expr.operands[0]->offset, Message::NeedsTile, name, 2, describe(source));
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
  StringRef word = expr.type.name.empty() ? StringRef("ieee") : StringRef(expr.type.name);
  if (!tile::symbolizeDotMode(word))
    return error(expr.type.offset, Message::DotMode, word);
  const Val &x = arguments[0], &y = arguments[1];
  RankedTensorType xt = x.tile(), yt = y.tile();
  bool tiles = xt && yt && xt.getRank() == 2 && yt.getRank() == 2 && xt.getElementType() == yt.getElementType() &&
               (isa<FloatType>(xt.getElementType()) || xt.getElementType().isInteger(8));
  std::optional<DataType> factor = tiles ? dataTypeOf(xt.getElementType()) : std::nullopt;
  Type sum = toType(wideType(factor.value_or(DataType::F32)));
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
  auto mode = xt.getElementType().isF32() ? *tile::symbolizeDotMode(word) : tile::DotMode::Ieee;
  return Val::of(tile::DotOp::create(b, at(expr.offset), type, x.ssa, y.ssa, accumulator, mode));
}

Val Emitter::emitCoord(const ast::Expr &expr, ArrayRef<Val> arguments) {
  Val result;
  result.kind = Val::Coord;
  result.fields = std::make_shared<std::vector<Val>>();
  for (auto [i, argument] : llvm::enumerate(arguments)) {
    Val field = settle(expr.operands[i]->offset, argument);
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

bool Emitter::bindArgument(const ast::Function &function, const ast::FnParameter &parameter, Placed placed,
                           Scope &scope) {
  auto [argument, offset] = placed;
  bool isCoord = parameter.type.name == "coord";
  if (isCoord && argument.kind != Val::Coord) {
    error(offset, Message::ArgumentType, function.name, parameter.name, "a coord", describe(argument));
    return false;
  }
  if (!parameter.type.name.empty() && !isCoord) {
    std::optional<DataType> type = resolveType(parameter.type);
    if (!type)
      return false;
    // What an i32 or a bool is by itself stays known at compile time.
    bool stays = (*type == DataType::Bool && argument.kind == Val::Bool) ||
                 (*type == DataType::I32 && argument.kind == Val::Integer && llvm::isInt<32>(argument.integer));
    if (argument.isLiteral() && !stays)
      argument = adapt(offset, argument, toType(*type));
    if (argument.isPoison())
      return false;
    if (!stays && (argument.kind != Val::Ssa || argument.element() != toType(*type))) {
      error(offset, Message::ArgumentType, function.name, parameter.name, describe(toType(*type)), describe(argument));
      return false;
    }
  }
  if (!scope.try_emplace(parameter.name, Binding{argument, false}).second) {
    error(parameter.offset, Message::Duplicate, parameter.name);
    return false;
  }
  return true;
}

/// True, reported, if a function's body uses a name that only its kernel sees.
bool Emitter::isKernelsAlone(uint32_t offset, StringRef name) {
  if (!kernelScopes)
    return false;
  for (const Scope &scope : llvm::reverse(*kernelScopes))
    if (auto it = scope.find(name); it != scope.end()) {
      bool isView = it->second.value.kind == Val::View || it->second.value.kind == Val::Absent;
      error(offset, isView ? Message::FunctionReadsView : Message::NotInFunction, name);
      return true;
    }
  return false;
}

/// The value of `function`'s body, which sees its parameters in `scope` and the kernel's constants.
Val Emitter::emitBody(const ast::Function &function, Scope scope) {
  std::vector<Scope> caller = std::exchange(scopes, {});
  const std::vector<Scope> *outer = kernelScopes;
  kernelScopes = outer ? outer : &caller;
  scopes.push_back(std::move(scope));
  inlining.push_back(&function);
  Val result = emit(*function.body);
  inlining.pop_back();
  scopes = std::move(caller);
  kernelScopes = outer;
  return result;
}

Val Emitter::checkResult(uint32_t offset, Val value, const ast::TypeName &declared, Message message, StringRef name) {
  if (declared.name.empty() || value.isPoison())
    return value;
  std::optional<DataType> type = resolveType(declared);
  if (!type)
    return {};
  bool isBool = value.kind == Val::Bool || (value.kind == Val::Ssa && value.element().isInteger(1));
  if (isBool != (*type == DataType::Bool))
    return error(offset, message, name, describe(toType(*type)), describe(value));
  if (value.kind == Val::Bool)
    return value;
  if (value.isLiteral())
    return adapt(offset, value, toType(*type));
  if (value.kind != Val::Ssa || value.element() != toType(*type))
    return error(offset, message, name, describe(toType(*type)), describe(value));
  return value;
}

Val Emitter::emitFunction(uint32_t offset, const ast::Function &function, ArrayRef<Placed> extras,
                          ArrayRef<Placed> arguments) {
  if (llvm::is_contained(inlining, &function))
    return error(offset, Message::Recursion, function.name);
  if (inlining.size() >= kMaxInlining)
    return error(offset, Message::InliningTooDeep, kMaxInlining);
  if (arguments.size() != function.parameters.size())
    return error(offset, Message::ArgumentCount, function.name, function.parameters.size(), arguments.size());
  Scope scope;
  for (auto [parameter, argument] : llvm::zip(function.extras, extras))
    if (!bindArgument(function, parameter, argument, scope))
      return {};
  for (auto [parameter, argument] : llvm::zip(function.parameters, arguments))
    if (!bindArgument(function, parameter, argument, scope))
      return {};
  Val result = emitBody(function, std::move(scope));
  return checkResult(function.body->offset, result, function.result, Message::ResultType, function.name);
}

Val Emitter::emitHook(uint32_t offset, const ast::Function &hook, ArrayRef<Placed> arguments) {
  auto bound = program.hooks.find(hook.name);
  Val result;
  if (bound == program.hooks.end()) {
    result = emitFunction(offset, hook, {}, arguments);
  } else {
    SmallVector<Placed> extras;
    for (const ast::ExprPtr &extra : bound->second.extras)
      extras.push_back({emit(*extra), extra->offset});
    result = emitFunction(offset, *bound->second.function, extras, arguments);
    result = checkResult(offset, result, hook.result, Message::HookResult, hook.name);
  }
  bool isFirst = hook.name == visible.hook && !visible.found && b.getInsertionBlock() == visible.body;
  if (isFirst && !result.isPoison() && arguments[0].value.kind == Val::Coord)
    promiseVisible(offset, result, arguments[0].value);
  return result;
}

/// Emits tile.visible for the loop's hook: what it lets through, inside the sequences.
void Emitter::promiseVisible(uint32_t offset, const Val &mask, const Val &coord) {
  visible.found = true;
  const std::vector<Val> &at = *coord.fields;
  const Val &q = at[2], &k = at[3];
  if (!q.tile() || !k.tile() || q.tile().getRank() != 2 || k.tile().getRank() != 2)
    return; // nothing a loop over tiles could be bounded by
  Val inside = binary(offset, "&&", binary(offset, "<", q, at[4]), binary(offset, "<", k, at[5]));
  if (mask.kind == Val::Bool && !mask.integer)
    inside = binary(offset, "&&", inside, adapt(offset, mask, b.getI1Type()));
  else
    inside = binary(offset, "&&", mask, inside);
  if (RankedTensorType type = inside.tile(); type && type.getRank() == 2)
    tile::VisibleOp::create(b, inside.ssa.getLoc(), inside.ssa);
}
