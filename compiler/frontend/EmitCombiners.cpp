//===- EmitCombiners.cpp - Reductions and scans ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// rowreduce, rowscan, colreduce and colscan by a function of the file, whose body becomes the operation's region;
// rowmax and their like; and sum, max and min of a whole tile.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Emitter.h"
#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

bool imbrex::isCombiner(StringRef name) {
  return name == "rowreduce" || name == "rowscan" || name == "colreduce" || name == "colscan";
}

/// The tiles behind the function's name: of rank 2, and of one shape. False, reported, if they are none.
bool Emitter::emitSources(const ast::Expr &expr, SmallVectorImpl<Val> &sources) {
  bool ok = true;
  for (const ast::ExprPtr &operand : ArrayRef(expr.operands).drop_front()) {
    Val source = settleChoice(operand->offset, emit(*operand));
    RankedTensorType type = source.tile();
    if (source.isPoison())
      ok = false;
    else if (!type || type.getRank() != 2)
      error(operand->offset, Message::NeedsTile, expr.text, 2, describe(source)), ok = false;
    else if (auto first = sources.empty() ? type : sources[0].tile(); first.getShape() != type.getShape())
      error(operand->offset, Message::ShapeMismatch, expr.text, describe(first.getShape()), describe(type.getShape()),
            ""),
          ok = false;
    else if (!hasArithmetic(operand->offset, expr.text, source))
      ok = false;
    else
      sources.push_back(source);
  }
  return ok;
}

/// The function that is named first, fit for as many tiles as follow; null, reported, if there is none.
const ast::Function *Emitter::combinerOf(const ast::Expr &expr) {
  size_t tiles = expr.operands.size() - std::min<size_t>(expr.operands.size(), 1);
  const ast::Expr *named = tiles ? expr.operands[0].get() : nullptr;
  const ast::Function *function = named && named->kind == ast::Expr::Name ? findFunction(named->text) : nullptr;
  if (expr.integer || !function || function->isHook) {
    error(named ? named->offset : expr.offset, Message::CombinerName, expr.text,
          named ? "'" + ast::toText(*named) + "'" : "nothing");
    return nullptr;
  }
  if (!function->extras.empty() || function->parameters.size() != 2 * tiles || function->results.size() != tiles) {
    error(named->offset, Message::CombinerShape, expr.text, tiles, function->name, 2 * tiles,
          function->extras.size() + function->parameters.size(), function->results.size());
    return nullptr;
  }
  return function;
}

/// Fills the operation's region with the function's body. False, reported, if that cannot stand there.
bool Emitter::emitCombinerBody(const ast::Expr &expr, const ast::Function &function, ArrayRef<Val> sources,
                               Operation *op) {
  OpBuilder::InsertionGuard guard(b);
  Block *body = b.createBlock(&op->getRegion(0));
  SmallVector<Placed> arguments;
  for (unsigned i = 0; i < 2 * sources.size(); ++i) {
    const Val &source = sources[i % sources.size()];
    Value element = body->addArgument(source.element(), op->getLoc());
    arguments.push_back({Val::of(element, source.isUnsigned), expr.operands[0]->offset});
  }
  Val all = emitFunction(expr.operands[0]->offset, function, {}, arguments);
  if (all.isPoison())
    return false;
  SmallVector<Value> yielded;
  for (auto [i, value] : llvm::enumerate(all.kind == Val::Several ? ArrayRef<Val>(*all.fields) : ArrayRef<Val>(all))) {
    const Val &source = sources[i];
    uint32_t place = function.results[i]->offset;
    Val result = value.isLiteral() ? adapt(place, value, source.element(), source.isUnsigned) : value;
    if (result.isPoison())
      return false;
    if (result.kind != Val::Ssa || result.tile() || !result.isOfOneType(source)) {
      error(place, Message::CombinerResult, function.name, i + 1, describe(source.element(), source.isUnsigned),
            describe(result));
      return false;
    }
    yielded.push_back(result.ssa);
  }
  for (Operation &inner : *body) {
    bool isArithmetic = isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()) && inner.getNumRegions() == 0 &&
                        llvm::all_of(inner.getResultTypes(), [](Type type) { return type.isIntOrFloat(); });
    if (!isArithmetic) {
      error(expr.operands[0]->offset, Message::CombinerBody, function.name, expr.text);
      return false;
    }
  }
  tile::YieldOp::create(b, op->getLoc(), yielded);
  return true;
}

/// rowreduce(f, x, ..) and its like: f takes the elements of one place and those of a later one.
Val Emitter::emitCombiner(const ast::Expr &expr) {
  SmallVector<Val> sources;
  const ast::Function *function = combinerOf(expr);
  if (!function || !emitSources(expr, sources))
    return {};
  unsigned dim = StringRef(expr.text).starts_with("row") ? 1 : 0;
  bool isScan = StringRef(expr.text).ends_with("scan");
  SmallVector<Type> types;
  SmallVector<Value> tiles;
  for (const Val &source : sources) {
    RankedTensorType type = source.tile();
    tiles.push_back(source.ssa);
    types.push_back(isScan ? type : RankedTensorType::get({type.getDimSize(1 - dim)}, type.getElementType()));
  }
  Location loc = at(expr.offset);
  Operation *op = isScan ? tile::ScanOp::create(b, loc, types, tiles, dim).getOperation()
                         : tile::CombineOp::create(b, loc, types, tiles, dim).getOperation();
  if (!emitCombinerBody(expr, *function, sources, op)) {
    op->erase();
    return {};
  }
  SmallVector<Val> results;
  for (auto [source, result] : llvm::zip(sources, op->getResults()))
    results.push_back(Val::of(result, source.isUnsigned));
  return Val::gather(results);
}

static tile::ReduceKind kindOf(StringRef name) {
  return llvm::StringSwitch<tile::ReduceKind>(name)
      .Case("max", tile::ReduceKind::Max)
      .Case("min", tile::ReduceKind::Min)
      .Default(tile::ReduceKind::Sum);
}

/// The larger of numbers without sign is the larger with a sign once the upper bit is turned over.
Value Emitter::flipSign(Location loc, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  APInt bit = APInt::getSignMask(type.getElementTypeBitWidth());
  Value mask = arith::ConstantOp::create(b, loc, SplatElementsAttr::get(type, bit));
  return arith::XOrIOp::create(b, loc, value, mask);
}

Value Emitter::reduceAlong(Location loc, tile::ReduceKind kind, Value source, unsigned dim) {
  auto type = cast<RankedTensorType>(source.getType());
  auto result = RankedTensorType::get({type.getDimSize(1 - dim)}, type.getElementType());
  return tile::ReduceOp::create(b, loc, result, kind, source, dim);
}

/// rowmax(x) and its like.
Val Emitter::emitReduce(const ast::Expr &expr, const Val &source) {
  StringRef name = expr.text;
  RankedTensorType type = source.tile();
  if (!type || type.getRank() != 2)
    return error(expr.operands[0]->offset, Message::NeedsTile, name, 2, describe(source));
  if (!hasArithmetic(expr.offset, name, source))
    return {};
  if (type.getElementType().isInteger(1))
    return error(expr.offset, Message::NeedsNumber, name, describe(source));
  Location loc = at(expr.offset);
  tile::ReduceKind kind = kindOf(name.drop_front(3));
  bool flips = source.isUnsigned && kind != tile::ReduceKind::Sum;
  Value value = flips ? flipSign(loc, source.ssa) : source.ssa;
  value = reduceAlong(loc, kind, value, name.starts_with("row") ? 1 : 0);
  return Val::of(flips ? flipSign(loc, value) : value, source.isUnsigned);
}

/// sum(x), max(x) and min(x) of a tile of any rank: a scalar. 16-bit floats add in f32.
Val Emitter::emitWhole(const ast::Expr &expr, const Val &source) {
  RankedTensorType type = source.tile();
  if (!type)
    return error(expr.operands[0]->offset, Message::NeedsAnyTile, expr.text, describe(source));
  if (!hasArithmetic(expr.offset, expr.text, source))
    return {};
  if (type.getElementType().isInteger(1))
    return error(expr.offset, Message::NeedsNumber, expr.text, describe(source));
  Location loc = at(expr.offset);
  Value value = source.ssa;
  bool isWidened = expr.text == "sum" && isa<FloatType>(type.getElementType()) && type.getElementTypeBitWidth() == 16;
  bool flips = source.isUnsigned && expr.text != "sum";
  if (flips)
    value = flipSign(loc, value);
  if (isWidened)
    value = arith::ExtFOp::create(b, loc, type.clone(b.getF32Type()), value);
  if (type.getRank() == 2)
    value = reduceAlong(loc, kindOf(expr.text), value, 1);
  auto row = cast<RankedTensorType>(value.getType());
  row = RankedTensorType::get({1, row.getDimSize(0)}, row.getElementType());
  value = reduceAlong(loc, kindOf(expr.text), tile::ExpandDimsOp::create(b, loc, row, value, 0), 1);
  if (flips)
    value = flipSign(loc, value);
  value = tile::ScalarOp::create(b, loc, row.getElementType(), value);
  if (isWidened)
    value = arith::TruncFOp::create(b, loc, type.getElementType(), value);
  return Val::of(value, source.isUnsigned);
}
