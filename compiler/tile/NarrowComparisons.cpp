//===- NarrowComparisons.cpp - Compare positions in 32 bits again ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-narrow-comparisons. Most masks compare columns that fit into 32 bits, k, with a bound y
// that rows share and that may not: k <= y is k <= y clamped to 32 bits, made once for each row. What is
// left, with x - y = a row + b col + u, is b col + u <= -a row, and of the scalar u only its place relative
// to rows and columns matters, which lies between two constants. Where a row's bound y is no sum, such as the
// row / 8 + u of heads that share a tile, b col + u <= y is b col <= y - u, clamped to where columns are.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/IndexArithmetic.h"
#include "compiler/tile/LinearForms.h"
#include "compiler/tile/Passes.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_NARROWCOMPARISONS
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

namespace {

/// Rewrites one comparison, whose operands are i64 tiles.
class Narrower {
public:
  explicit Narrower(arith::CmpIOp cmp)
      : cmp(cmp), type(cast<RankedTensorType>(cmp.getLhs().getType())), b(cmp), loc(cmp.getLoc()) {}

  /// False, with nothing changed, if it is not linear or does not fit into 32 bits.
  bool run(LinearForms &forms);

private:
  int64_t rows() const { return type.getDimSize(0); }
  int64_t columns() const { return type.getRank() == 2 ? type.getDimSize(1) : 1; }
  Value i64(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); }
  Value clamp(Value x, Value low, Value high) {
    return arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, x, low), high);
  }

  /// `kept` predicate `bound`, where `kept` is an i32 tile as it is and `bound` has no columns.
  Value compareWithBound(Value kept, const LinearForm &keptForm, arith::CmpIPredicate predicate,
                         const LinearForm &bound);
  Value emitBound(const LinearForm &bound);
  /// A sum of columns and scalars against `bounds`, an i64 tile that is the same along columns, of whatever kind.
  Value compareWithRows(const LinearForm &form, arith::CmpIPredicate predicate, Value bounds);
  /// `form` predicate 0.
  Value compareWithZero(LinearForm form, arith::CmpIPredicate predicate);
  /// What all elements share of `form`, as i32, clamped.
  Value emitShared(const LinearForm &form);
  /// 0, 1, ... along `axis` times `factor`, of extent 1 along the other.
  Value positions(unsigned axis, int64_t factor);

  arith::CmpIOp cmp;
  RankedTensorType type;
  OpBuilder b;
  Location loc;
};

struct NarrowComparisons : imbrex::impl::NarrowComparisonsBase<NarrowComparisons> {
  void runOnOperation() override {
    SmallVector<arith::CmpIOp> comparisons;
    getOperation().walk([&](arith::CmpIOp cmp) {
      auto type = dyn_cast<RankedTensorType>(cmp.getLhs().getType());
      if (type && type.getRank() <= 2 && type.getElementType().isInteger(64))
        comparisons.push_back(cmp);
    });
    LinearForms forms;
    for (arith::CmpIOp cmp : comparisons)
      Narrower(cmp).run(forms);
  }
};

} // namespace

/// `value` (i64) as an i32 tile, if it is one extended; null if not.
static Value withoutExtension(OpBuilder &b, Value value) {
  SmallVector<Operation *> reshapes;
  Operation *op = value.getDefiningOp();
  for (; isa_and_nonnull<tile::BroadcastOp, tile::ExpandDimsOp, tile::SplatOp>(op); op = value.getDefiningOp()) {
    reshapes.push_back(op);
    value = op->getOperand(0);
  }
  auto extension = dyn_cast_or_null<arith::ExtSIOp>(op);
  if (!extension || !getElementTypeOrSelf(extension.getIn()).isInteger(32))
    return {};
  value = extension.getIn();
  for (Operation *reshape : llvm::reverse(reshapes)) {
    Operation *copy = b.clone(*reshape);
    copy->setOperand(0, value);
    value = copy->getResult(0);
    value.setType(cast<RankedTensorType>(value.getType()).clone(b.getI32Type()));
  }
  return value;
}

/// Sure not to be negative, seen from at most `depth` operations.
static bool isNotNegative(Value scalar, unsigned depth = 4) {
  APInt constant;
  if (matchPattern(scalar, m_ConstantInt(&constant)))
    return !constant.isNegative();
  if (depth == 0)
    return false;
  if (auto argument = dyn_cast<BlockArgument>(scalar)) {
    auto loop = dyn_cast<scf::ForOp>(argument.getOwner()->getParentOp());
    return loop && argument == loop.getInductionVar() && isNotNegative(loop.getLowerBound(), depth - 1);
  }
  Operation *op = scalar.getDefiningOp();
  return isa<tile::ProgramIdOp, tile::ExtentOp>(op) ||
         (isa<arith::MaxSIOp>(op) &&
          (isNotNegative(op->getOperand(0), depth - 1) || isNotNegative(op->getOperand(1), depth - 1)));
}

/// Sure to be more than the least i32.
static bool isAboveLeast(const LinearForm &form) {
  return form.row >= 0 && form.col >= 0 && form.constant > INT32_MIN &&
         llvm::all_of(form.scalars, [](const auto &entry) { return entry.second > 0 && isNotNegative(entry.first); });
}

Value Narrower::positions(unsigned axis, int64_t factor) {
  int64_t extent = type.getDimSize(axis);
  Value tile = tile::IotaOp::create(b, loc, RankedTensorType::get({extent}, b.getI32Type()));
  if (type.getRank() == 2) {
    SmallVector<int64_t> shape{1, 1};
    shape[axis] = extent;
    tile = tile::ExpandDimsOp::create(b, loc, RankedTensorType::get(shape, b.getI32Type()), tile, 1 - axis);
  }
  if (factor == 1)
    return tile;
  auto factors = SplatElementsAttr::get(cast<RankedTensorType>(tile.getType()), b.getI32IntegerAttr(factor));
  return arith::MulIOp::create(b, loc, tile, arith::ConstantOp::create(b, loc, factors));
}

/// The bound of each row, clamped to 32 bits.
Value Narrower::emitBound(const LinearForm &bound) {
  Value shared = bound.emit(b, loc);
  if (bound.row == 0) {
    shared = clamp(shared, i64(INT32_MIN), i64(INT32_MAX));
    return tile::SplatOp::create(b, loc, type.clone(b.getI32Type()),
                                 arith::TruncIOp::create(b, loc, b.getI32Type(), shared));
  }
  Value row = positions(0, bound.row);
  auto narrow = cast<RankedTensorType>(row.getType()), wide = narrow.clone(b.getI64Type());
  auto splat = [&](Value scalar) -> Value { return tile::SplatOp::create(b, loc, wide, scalar); };
  Value all = arith::AddIOp::create(b, loc, arith::ExtSIOp::create(b, loc, wide, row), splat(shared));
  all = clamp(all, splat(i64(INT32_MIN)), splat(i64(INT32_MAX)));
  all = arith::TruncIOp::create(b, loc, narrow, all);
  return tile::BroadcastOp::create(b, loc, type.clone(b.getI32Type()), all);
}

Value Narrower::compareWithBound(Value kept, const LinearForm &keptForm, arith::CmpIPredicate predicate,
                                 const LinearForm &bound) {
  using P = arith::CmpIPredicate;
  // With <= and > a bound that is clamped decides the same, if what is compared is not the least i32.
  bool isLess = predicate == P::slt || predicate == P::sle, isGreater = predicate == P::sgt || predicate == P::sge;
  LinearForm one;
  one.constant = predicate == P::slt || predicate == P::sge ? 1 : 0;
  std::optional<LinearForm> shifted = bound.plus(one, -1);
  if ((!isLess && !isGreater) || bound.col != 0 || !shifted || !isAboveLeast(keptForm))
    return {};
  auto [least, most] = shifted->reach(rows(), columns());
  Value narrow = least > INT32_MIN && most < INT32_MAX ? withoutExtension(b, kept) : Value();
  return narrow ? arith::CmpIOp::create(b, loc, isLess ? P::sle : P::sgt, narrow, emitBound(*shifted)) : Value();
}

Value Narrower::emitShared(const LinearForm &form) {
  auto [least, most] = form.reach(rows(), columns());
  Value all = clamp(form.emit(b, loc), i64(-most - 1), i64(-least + 1));
  return arith::TruncIOp::create(b, loc, b.getI32Type(), all);
}

Value Narrower::compareWithZero(LinearForm form, arith::CmpIPredicate predicate) {
  auto [least, most] = form.reach(rows(), columns());
  if (least <= INT32_MIN || most >= INT32_MAX)
    return {};
  if (form.col < 0 || (form.col == 0 && form.row < 0)) {
    form = *LinearForm().plus(form, -1);
    predicate = swapSides(predicate);
  }
  bool hasColumns = form.col != 0;
  Value left = positions(hasColumns ? 1 : 0, hasColumns ? form.col : form.row);
  left = arith::AddIOp::create(b, loc, left, tile::SplatOp::create(b, loc, left.getType(), emitShared(form)));
  auto zeros = SplatElementsAttr::get(cast<RankedTensorType>(left.getType()), b.getI32IntegerAttr(0));
  Value right = arith::ConstantOp::create(b, loc, zeros);
  if (hasColumns && form.row != 0) {
    right = tile::BroadcastOp::create(b, loc, type.clone(b.getI32Type()), positions(0, -form.row));
    left = tile::BroadcastOp::create(b, loc, type.clone(b.getI32Type()), left);
  }
  return arith::CmpIOp::create(b, loc, predicate, left, right);
}

Value Narrower::compareWithRows(const LinearForm &form, arith::CmpIPredicate predicate, Value bounds) {
  auto broadcast = bounds.getDefiningOp<tile::BroadcastOp>();
  auto narrow = broadcast ? dyn_cast<RankedTensorType>(broadcast.getSource().getType()) : RankedTensorType();
  auto [least, most] = form.reach(rows(), columns());
  const bool isOfRows = narrow && narrow.getRank() == 2 && narrow.getDimSize(1) == 1 && columns() > 1;
  if (!isOfRows || form.row != 0 || form.col <= 0 || least <= INT32_MIN || most >= INT32_MAX)
    return {};
  auto splat = [&](Value scalar) -> Value { return tile::SplatOp::create(b, loc, narrow, scalar); };
  LinearForm shared = form;
  shared.col = 0;
  // Forms stay within 62 bits: what is beyond them decides as the nearest within does, and no difference wraps.
  const int64_t far = int64_t(1) << 62;
  Value bound = clamp(broadcast.getSource(), splat(i64(-far)), splat(i64(far)));
  bound = arith::SubIOp::create(b, loc, bound, splat(shared.emit(b, loc)));
  bound = clamp(bound, splat(i64(-1)), splat(i64(most + 1)));
  bound = arith::TruncIOp::create(b, loc, narrow.clone(b.getI32Type()), bound);
  const auto whole = type.clone(b.getI32Type());
  return arith::CmpIOp::create(b, loc, predicate, tile::BroadcastOp::create(b, loc, whole, positions(1, form.col)),
                               tile::BroadcastOp::create(b, loc, whole, bound));
}

bool Narrower::run(LinearForms &forms) {
  using P = arith::CmpIPredicate;
  P predicate = cmp.getPredicate();
  if (!llvm::is_contained({P::sle, P::slt, P::sge, P::sgt, P::eq, P::ne}, predicate))
    return false;
  std::optional<LinearForm> x = forms.ofTile(cmp.getLhs()), y = forms.ofTile(cmp.getRhs());
  std::optional<LinearForm> difference = x && y ? x->plus(*y, -1) : std::nullopt;
  Value narrow;
  if (difference) {
    narrow = compareWithBound(cmp.getLhs(), *x, predicate, *y);
    if (!narrow)
      narrow = compareWithBound(cmp.getRhs(), *y, swapSides(predicate), *x);
    if (!narrow)
      narrow = compareWithZero(*difference, predicate);
  } else if (x && !y) {
    narrow = compareWithRows(*x, predicate, cmp.getRhs());
  } else if (y && !x) {
    narrow = compareWithRows(*y, swapSides(predicate), cmp.getLhs());
  }
  if (!narrow)
    return false;
  if (narrow.getType() != cmp.getType())
    narrow = tile::BroadcastOp::create(b, loc, cmp.getType(), narrow);
  cmp.replaceAllUsesWith(narrow);
  cmp.erase();
  return true;
}
