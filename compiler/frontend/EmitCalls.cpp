//===- EmitCalls.cpp - Functions, hooks and built-ins ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A call is a function of the file, inlined with its arguments' types, a hook (or what the host put in
// its place), or a built-in.
//
//===----------------------------------------------------------------------===//

#include "compiler/MlirTypes.h"
#include "compiler/frontend/Emitter.h"
#include "compiler/frontend/ForeignWords.h"
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
    {"log", 1, 1},    {"sqrt", 1, 1},   {"rsqrt", 1, 1},  {"tanh", 1, 1},   {"abs", 1, 1},    {"min", 1, 2},
    {"max", 1, 2},    {"sum", 1, 1},    {"cdiv", 2, 2},   {"rowmax", 1, 1}, {"rowmin", 1, 1}, {"rowsum", 1, 1},
    {"colmax", 1, 1}, {"colmin", 1, 1}, {"colsum", 1, 1}, {"pow2", 1, 1},   {"coord", 6, 6},  {"sin", 1, 1},
    {"cos", 1, 1},    {"erf", 1, 1},    {"floor", 1, 1},  {"ceil", 1, 1},   {"philox", 5, 5}, {"philox16", 5, 5},
    {"extent", 2, 2},
};

bool imbrex::isBuiltin(StringRef name) {
  return isCombiner(name) || name == kDerivative ||
         llvm::any_of(kBuiltins, [&](const auto &builtin) { return builtin.name == name; });
}

std::vector<StringRef> imbrex::builtinNames() {
  std::vector<StringRef> names;
  for (const auto &builtin : kBuiltins)
    names.push_back(builtin.name);
  names.insert(names.end(), {"rowreduce", "rowscan", "colreduce", "colscan", kDerivative});
  return names;
}

Val Emitter::emitCall(const ast::Expr &expr) {
  if (isCombiner(expr.text) && !findFunction(expr.text))
    return emitCombiner(expr);
  if (expr.text == kDerivative && !findFunction(expr.text))
    return emitDerivative(expr);
  SmallVector<Val> arguments;
  bool poison = false;
  for (const ast::ExprPtr &operand : expr.operands) {
    arguments.push_back(emit(*operand));
    poison |= arguments.back().isPoison();
  }
  // With a mode it is the built-in, whatever the file calls 'dot'.
  if (const ast::Function *function = expr.type.name.empty() ? findFunction(expr.text) : nullptr) {
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

Val Emitter::unknownFunction(const ast::Expr &expr) {
  if (std::optional<StringRef> instead = insteadOf(expr.text))
    return error(expr.offset, Message::NoSuchWord, expr.text, *instead);
  std::vector<std::string> known;
  for (StringRef name : builtinNames())
    known.push_back(name.str());
  for (const ast::Function *function : (inlining.empty() ? program.file : inlining.back()->home)->visibleFunctions())
    known.push_back(function->name);
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
  if (name == "extent")
    return emitExtentOf(expr, arguments);
  if (name == "philox")
    return emitPhilox(expr, arguments);
  if (name == "philox16")
    return emitPhilox16(expr, arguments);
  if (name == "iota" || name == "pow2") {
    if (arguments[0].kind != Val::Integer)
      return error(expr.operands[0]->offset, Message::NotConstant, "'" + ast::toText(*expr.operands[0]) + "'");
    return name == "iota" ? emitIota(expr.offset, arguments[0].integer)
                          : binaryLiterals(expr.offset, name, arguments[0], arguments[0]);
  }
  if (arguments.size() == 1 && (name == "sum" || name == "min" || name == "max"))
    return emitWhole(expr, settleChoice(expr.offset, arguments[0]));
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
  if (name == "abs" && x.isUnsigned)
    return x;
  if (name == "abs" && isa<IntegerType>(x.element()) && !x.element().isInteger(1))
    return noted(math::AbsIOp::create(b, loc, x.ssa));
  if (!isa<FloatType>(x.element()))
    return error(expr.offset, Message::NeedsFloat, name, describe(x));
  if (!hasArithmetic(expr.offset, name, x))
    return {};
  Value result = llvm::StringSwitch<llvm::function_ref<Value()>>(name)
                     .Case("exp", [&]() -> Value { return math::ExpOp::create(b, loc, x.ssa); })
                     .Case("exp2", [&]() -> Value { return math::Exp2Op::create(b, loc, x.ssa); })
                     .Case("log", [&]() -> Value { return math::LogOp::create(b, loc, x.ssa); })
                     .Case("log2", [&]() -> Value { return math::Log2Op::create(b, loc, x.ssa); })
                     .Case("sqrt", [&]() -> Value { return math::SqrtOp::create(b, loc, x.ssa); })
                     .Case("rsqrt", [&]() -> Value { return math::RsqrtOp::create(b, loc, x.ssa); })
                     .Case("sin", [&]() -> Value { return math::SinOp::create(b, loc, x.ssa); })
                     .Case("cos", [&]() -> Value { return math::CosOp::create(b, loc, x.ssa); })
                     .Case("erf", [&]() -> Value { return math::ErfOp::create(b, loc, x.ssa); })
                     .Case("floor", [&]() -> Value { return math::FloorOp::create(b, loc, x.ssa); })
                     .Case("ceil", [&]() -> Value { return math::CeilOp::create(b, loc, x.ssa); })
                     .Case("tanh", [&]() -> Value { return math::TanhOp::create(b, loc, x.ssa); })
                     .Default([&]() -> Value { return math::AbsFOp::create(b, loc, x.ssa); })();
  return Val::of(result);
}

Val Emitter::emitIota(uint32_t offset, int64_t count) {
  if (!checkTile(offset, {count}))
    return {};
  Value iota = tile::IotaOp::create(b, at(offset), RankedTensorType::get({count}, b.getI32Type()));
  exact.definePosition(iota, {0, count - 1});
  return Val::of(iota);
}

/// The mode of products that state none, as the tuning parameter tf32 says.
static StringRef modeByTuning(const Specialisation &program) {
  const bool isTuned =
      llvm::any_of(program.kernel->tune.tunables, [](const ast::Tunable &tunable) { return tunable.name == "tf32"; });
  const int64_t products = isTuned ? program.integers.at("tf32") : 0;
  return products == 0 ? "ieee" : products == 1 ? "tf32" : "tf32x3";
}

Val Emitter::emitDot(const ast::Expr &expr, ArrayRef<Val> arguments) {
  StringRef word = expr.type.name.empty() ? modeByTuning(program) : StringRef(expr.type.name);
  if (!tile::symbolizeDotMode(word))
    return error(expr.type.offset, Message::DotMode, word);
  Val x = arguments[0], y = arguments[1];
  if (x.kind == Val::Choice && y.tile()) // a literal takes the other factor's type
    x = adapt(expr.operands[0]->offset, x, y.element(), y.isUnsigned);
  if (y.kind == Val::Choice && x.tile())
    y = adapt(expr.operands[1]->offset, y, x.element(), x.isUnsigned);
  if (x.isPoison() || y.isPoison())
    return {};
  RankedTensorType xt = x.tile(), yt = y.tile();
  bool tiles = xt && yt && xt.getRank() == 2 && yt.getRank() == 2 && xt.getElementType() == yt.getElementType() &&
               (isa<FloatType>(xt.getElementType()) || xt.getElementType().isInteger(8)) && !x.isUnsigned &&
               !y.isUnsigned;
  std::optional<DataType> factor = tiles ? dataTypeOf(xt.getElementType()) : std::nullopt;
  const DataType wide = wideType(factor.value_or(DataType::F32));
  Type sum = toType(wide);
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
  } else if (arguments[2].kind == Val::Ssa && isOf(arguments[2], wide) && arguments[2].ssa.getType() == type) {
    accumulator = arguments[2].ssa;
  } else if (arguments[2].kind == Val::Ssa && isOf(arguments[2], wide)) {
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
    if (!isOf(field, DataType::I32))
      return error(expr.operands[i]->offset, Message::ArgumentType, "coord", std::to_string(i + 1), "of type i32",
                   describe(argument));
    result.fields->push_back(field);
  }
  return result;
}
