//===- ErrorBounds.cpp - How far a device's result may be off -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An empty list of errors stands for exact, so that integer programs cost nothing.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/ErrorBounds.h"
#include "compiler/reference/ViewPlaces.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

namespace arith = mlir::arith;
namespace math = mlir::math;

namespace imbrex::reference {
namespace {

/// Roundings to the nearest that the functions of 32 bits and less may be off by (`ex2`, `lg2`, `tanh` of PTX,
/// and what is made of them), and those of 64 bits.
constexpr double kFunctionRoundings = 8;

double valueOf(const TileValue &tile, size_t i) {
  return tile.element.isFloat() ? tile.floats[i] : double(tile.ints[i]);
}

void addError(TileValue &result, size_t i, double error) {
  if (result.errors.empty())
    result.errors.resize(result.size());
  result.errors[i] += error;
}

/// How far apart two results are; what is no number on both sides is the same.
double distance(double x, double y) {
  if (x == y || std::isnan(x) || (!std::isfinite(x) && std::isnan(y)))
    return 0;
  return std::isfinite(x) && std::isfinite(y) ? std::fabs(x - y) : INFINITY;
}

/// What an operand is moved by to see what its error makes of the result. The functions that end at zero are tried half
/// way to it at most, and what comes of that is taken in proportion: a sum that is worse known than it is large is not
/// therefore negative.
double triedError(mlir::Operation *op, double value, double error) {
  bool endsAtZero = mlir::isa<math::LogOp, math::Log2Op, math::SqrtOp, math::RsqrtOp>(op);
  return endsAtZero && value > 0 ? std::min(error, value / 2) : error;
}

/// `tile`, an operand of `op`, with each element moved by its tried error times `sign`; a bool that has an error is
/// turned over.
TileValue moved(const TileValue &tile, int sign, mlir::Operation *op) {
  TileValue result = tile;
  for (size_t i = 0; i < tile.size(); ++i) {
    double error = tile.errors[i];
    if (tile.element.isFloat())
      result.floats[i] += error == 0 ? 0 : sign * triedError(op, tile.floats[i], error);
    else if (error != 0)
      result.ints[i] = tile.element.width == 1 ? ~tile.ints[i] : tile.ints[i] + int64_t(std::min(error, 0x1p53)) * sign;
  }
  return result;
}

/// The error of element `i` of operand `which`, in what it was moved by; 1 but for functions that end at zero, whose
/// results have their operand's elements.
double triedShare(OpRun &run, unsigned which, size_t i) {
  const TileValue &in = run.in(which);
  if (!in.element.isFloat() || i >= in.size() || in.errors[i] == 0)
    return 1;
  double tried = triedError(run.op, in.floats[i], in.errors[i]);
  return tried == in.errors[i] ? 1 : in.errors[i] / tried;
}

/// Runs the operation on operand `which` moved, and adds the larger of the distances.
void addOperandError(OpRun &run, Handler handler, unsigned which) {
  llvm::SmallVector<std::vector<double>, 1> largest;
  for (TileValue &result : run.results)
    largest.emplace_back(result.size(), 0.0);
  for (int sign : {-1, 1}) {
    TileValue operand = moved(run.in(which), sign, run.op);
    llvm::SmallVector<const TileValue *, 8> operands(run.operands);
    operands[which] = &operand;
    llvm::SmallVector<TileValue, 1> results;
    for (const TileValue &result : run.results) {
      results.push_back(result);
      std::fill(results.back().floats.begin(), results.back().floats.end(), 0.0);
      std::fill(results.back().ints.begin(), results.back().ints.end(), 0);
    }
    OpRun again{run.op, operands, results, run.programId, run.memory, {}};
    handler(again);
    for (size_t r = 0; r < results.size(); ++r)
      for (size_t i = 0; again.error.empty() && i < results[r].size(); ++i)
        largest[r][i] = std::max(largest[r][i], distance(valueOf(run.results[r], i), valueOf(results[r], i)));
  }
  for (size_t r = 0; r < largest.size(); ++r)
    for (size_t i = 0; i < largest[r].size(); ++i)
      if (largest[r][i] != 0)
        addError(run.results[r], i, largest[r][i] * triedShare(run, which, i));
}

/// result = sum of |a| |b|, with the errors of either in its place where that is asked for. What may be anything is
/// not less where the other factor is zero.
std::vector<double> absoluteProduct(const TileValue &a, const TileValue &b, bool errorsOfA, bool errorsOfB) {
  int64_t rows = a.shape[0], depth = a.shape[1], columns = b.shape[1];
  const std::vector<double> &x = errorsOfA ? a.errors : a.floats, &y = errorsOfB ? b.errors : b.floats;
  std::vector<double> sums(size_t(rows * columns), 0.0);
  bool isFinite = llvm::all_of(y, [](double value) { return std::isfinite(value); });
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t k = 0; k < depth; ++k)
      if (double factor = std::fabs(x[row * depth + k]); factor != 0 || !isFinite)
        for (int64_t column = 0; column < columns; ++column)
          sums[row * columns + column] += factor * std::fabs(y[k * columns + column]);
  for (double &sum : sums)
    sum = std::isnan(sum) ? INFINITY : sum;
  return sums;
}

/// A factor of a product as `mode` multiplies it, its errors those of the rounded values. For tf32x3 a factor that has
/// an error may be split another way, which moves what is left out of the product.
TileValue multiplied(const TileValue &factor, tile::DotMode mode) {
  TileValue result = factor;
  result.floats.insert(result.floats.end(), factor.ints.begin(), factor.ints.end());
  auto part = [&](double x) {
    double rounded = roundToTf32(x);
    return mode == tile::DotMode::Tf32 ? rounded : rounded + roundToTf32(x - rounded);
  };
  for (size_t i = 0; mode != tile::DotMode::Ieee && i < factor.size(); ++i) {
    double x = factor.floats[i], error = factor.errors.empty() ? 0 : factor.errors[i];
    result.floats[i] = part(x);
    if (error == 0)
      continue;
    result.errors[i] = std::max(distance(part(x), part(x - error)), distance(part(x), part(x + error)));
    result.errors[i] += mode == tile::DotMode::Tf32x3 ? std::ldexp(std::fabs(x), -21) : 0;
  }
  return result;
}

/// What the errors of the factors make of a product of tiles, and the error of what it is added to.
void addOperandErrorsOfDot(OpRun &run) {
  tile::DotMode mode = mlir::cast<tile::DotOp>(run.op).getMode();
  const TileValue a = multiplied(run.in(0), mode), b = multiplied(run.in(1), mode), &c = run.in(2);
  TileValue &out = run.out();
  for (size_t i = 0; i < c.errors.size(); ++i)
    addError(out, i, c.errors[i]);
  for (bool ofA : {true, false})
    if (!(ofA ? a : b).errors.empty()) {
      std::vector<double> part = absoluteProduct(a, b, ofA, !ofA);
      for (size_t i = 0; i < out.size(); ++i)
        addError(out, i, part[i]);
    }
}

/// The rounding of one operation: relative to the value at worst, half the distance of neighbours as a rule.
double oneRounding(ElementType type, double value, Roundings kind) {
  if (kind == Roundings::Likely && value != 0 && std::isfinite(value))
    value = std::ldexp(1.0, std::ilogb(value));
  return roundingOf(type, value);
}

/// True of a factor that every implementation has alike: loaded or constant, and not computed.
bool isGiven(mlir::Value factor) {
  mlir::Operation *op = factor.getDefiningOp();
  while (mlir::isa_and_nonnull<tile::TransposeOp, tile::ExpandDimsOp, tile::BroadcastOp>(op))
    op = op->getOperand(0).getDefiningOp();
  return mlir::isa_and_nonnull<tile::LoadOp, tile::GatherOp, arith::ConstantOp>(op);
}

/// What it makes of a product that a factor which is computed is rounded to tf32: an implementation may have it times
/// what it divides by later, and round that. Worst: all roundings go one way.
void addFactorRoundings(OpRun &run, const TileValue &a, const TileValue &b, Roundings kind,
                        std::vector<double> &errors) {
  auto dot = mlir::cast<tile::DotOp>(run.op);
  int computed = !isGiven(dot.getA()) + !isGiven(dot.getB());
  if (dot.getMode() == tile::DotMode::Ieee || computed == 0)
    return;
  const double rounding = computed * (dot.getMode() == tile::DotMode::Tf32 ? 0x1p-11 : 0x1p-22);
  auto squared = [](TileValue tile) {
    for (double &value : tile.floats)
      value *= value;
    return tile;
  };
  bool isWorst = kind == Roundings::Worst;
  std::vector<double> terms =
      isWorst ? absoluteProduct(a, b, false, false) : absoluteProduct(squared(a), squared(b), false, false);
  for (size_t i = 0; i < errors.size(); ++i)
    errors[i] += rounding * (isWorst ? terms[i] : std::sqrt(terms[i]));
}

/// Tensor cores, which multiply factors of 8 and 16 bits and tf32, cut what is too small instead of rounding it: twice
/// the error, at each addition. Those of sm_89 and sm_90 keep 14 binary digits of a sum of 8-bit factors (measured by
/// others: Zhang et al., SageAttention2, 2024; DeepSeek-V3, 2024): 2^-13 of each addition of 32 products.
std::vector<double> ownErrorsOfDot(OpRun &run, Roundings kind) {
  tile::DotMode mode = mlir::cast<tile::DotOp>(run.op).getMode();
  const TileValue a = multiplied(run.in(0), mode), b = multiplied(run.in(1), mode), &c = run.in(2);
  double additions = double(a.shape[1] * (mode == tile::DotMode::Tf32x3 ? 3 : 1) + 1);
  double roundings = kind == Roundings::Worst ? additions : std::sqrt(additions);
  roundings *= a.element.width <= 16 || mode != tile::DotMode::Ieee ? 2 : 1;
  double steps = a.element.width == 8 ? double(a.shape[1] / 32 + 1) : 0;
  double ofSteps = 0x1p-13 * (kind == Roundings::Worst ? steps : std::sqrt(steps));
  std::vector<double> terms = absoluteProduct(a, b, false, false);
  for (size_t i = 0; i < terms.size(); ++i)
    if (double size = terms[i] + std::fabs(c.floats[i]); size == 0)
      terms[i] = 0; // zeros alone
    else
      terms[i] = roundings * oneRounding(run.out().element, size, kind) + ofSteps * size;
  addFactorRoundings(run, a, b, kind, terms);
  return terms;
}

/// Each of the partial sums may be rounded, in f32 where the type is narrower, and then the result.
std::vector<double> ownErrorsOfSum(OpRun &run, Roundings kind) {
  auto op = mlir::cast<tile::ReduceOp>(run.op);
  const TileValue &in = run.in(0);
  const TileValue &out = run.out();
  ElementType wide = in.element.kind == ElementType::F64 ? in.element : ElementType{ElementType::F32, 32};
  int64_t length = in.shape[op.getDim()], inner = strideOf(in.shape, op.getDim());
  double additions = double(length - 1), roundings = kind == Roundings::Worst ? additions : std::sqrt(additions);
  std::vector<double> errors;
  for (int64_t i = 0; i < int64_t(out.size()); ++i) {
    double terms = 0;
    for (int64_t x = 0; x < length; ++x)
      terms += std::fabs(in.floats[(i / inner * length + x) * inner + i % inner]);
    double ofResult = kind == Roundings::Worst ? roundingOf(out.element, out.floats[i]) : 0;
    errors.push_back(terms == 0 ? 0 : roundings * oneRounding(wide, terms, kind) + ofResult);
  }
  return errors;
}

/// What the operation itself adds, in roundings of the result; 0: it is exact. In a kernel of 16-bit type a division
/// of f32 is off by 2 units, and by a rounding more where it is made of a reciprocal.
double roundingsOf(mlir::Operation *op, bool approximates) {
  if (mlir::isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::TruncFOp, arith::SIToFPOp, arith::UIToFPOp>(op))
    return 1;
  if (mlir::isa<arith::DivFOp>(op))
    return approximates ? 6 : 3;
  if (mlir::isa<math::SqrtOp, math::FmaOp>(op))
    return 2;
  if (mlir::isa<math::AbsFOp>(op) || op->getDialect()->getNamespace() != math::MathDialect::getDialectNamespace())
    return 0;
  return kFunctionRoundings;
}

/// Whether element `i`, which is 0, is so on every implementation whose operands are alike: a sum of opposites, a
/// product with 0, what 0 is made into, and exp of minus infinity. A row that sees nothing is made of these alone.
bool isExactZero(OpRun &run, size_t i) {
  if (mlir::isa<arith::AddFOp, arith::SubFOp>(run.op))
    return true;
  double x = valueOf(run.in(0), i);
  if (mlir::isa<arith::MulFOp>(run.op))
    return x == 0 || valueOf(run.in(1), i) == 0;
  if (mlir::isa<math::ExpOp, math::Exp2Op>(run.op))
    return x == -INFINITY;
  return x == 0 && mlir::isa<arith::DivFOp, arith::TruncFOp, arith::SIToFPOp, arith::UIToFPOp, math::SqrtOp>(run.op);
}

/// A divisor that elements share may be used as its reciprocal: where that is no normal number, as 0 or infinity.
void boundSharedDivisor(OpRun &run, std::vector<double> &errors) {
  bool isShared =
      mlir::isa_and_nonnull<tile::BroadcastOp, tile::SplatOp, arith::ConstantOp>(run.op->getOperand(1).getDefiningOp());
  double least = run.out().element.kind == ElementType::F64 ? 0x1p-1022 : 0x1p-126;
  for (size_t i = 0; isShared && i < errors.size(); ++i)
    if (double size = std::fabs(run.in(1).floats[i]); size != 0 && std::isfinite(size))
      if (size < least || size > 1 / least)
        errors[i] = INFINITY;
}

/// What a function of f32 adds in a kernel of 16-bit type, where instructions approximate it.
void boundApproximation(OpRun &run, std::vector<double> &errors) {
  const TileValue &out = run.out();
  for (size_t i = 0; i < errors.size(); ++i) {
    if (mlir::isa<math::TanhOp>(run.op))
      errors[i] += 0x1p-21;
    if (mlir::isa<math::ExpOp>(run.op) && std::isfinite(out.floats[i])) // its argument is rounded once more
      errors[i] += 2 * std::fabs(run.in(0).floats[i]) * roundingOf(out.element, out.floats[i]);
  }
}

std::vector<double> ownErrorsOfElements(OpRun &run, Roundings kind, bool approximates) {
  const TileValue &out = run.out();
  approximates = approximates && out.element.kind == ElementType::F32;
  double roundings = roundingsOf(run.op, approximates);
  if (roundings == 0 || !out.element.isFloat())
    return {};
  ElementType type = out.element;
  bool isCast = mlir::isa<arith::TruncFOp>(run.op); // rounds to its type, wherever it is computed
  if (type.width == 16 && kind == Roundings::Likely && !isCast)
    type = {ElementType::F32, 32};
  else if (type.width == 16)
    roundings = 2 + (roundings == kFunctionRoundings ? 1 : 0);     // computed in f32; the interpreter rounds as well
  bool isLogarithm = mlir::isa<math::LogOp, math::Log2Op>(run.op); // near 1 off by a share of 1
  std::vector<double> errors;
  for (double value : out.floats) {
    double error = roundings * oneRounding(type, isLogarithm ? std::max(std::fabs(value), 1.0) : value, kind);
    errors.push_back(std::isfinite(value) ? error : 0);
  }
  if (approximates)
    boundApproximation(run, errors);
  for (size_t i = 0; i < errors.size(); ++i)
    if (out.floats[i] == 0 && isExactZero(run, i))
      errors[i] = 0;
  if (mlir::isa<arith::DivFOp>(run.op) && kind == Roundings::Worst)
    boundSharedDivisor(run, errors);
  return errors;
}

} // namespace

double roundingOf(ElementType type, double value) {
  if (type.width == 8)
    return 0;
  int bits = significandBits(type.kind);
  double smallest = type.kind == ElementType::F16 ? 0x1p-24 : type.kind == ElementType::F64 ? 0x1p-1022 : 0x1p-126;
  return std::ldexp(std::fabs(value), -bits) + smallest;
}

std::vector<double> ownErrors(OpRun &run, Roundings kind, bool approximates) {
  if (mlir::isa<tile::DotOp>(run.op))
    return run.out().element.isFloat() ? ownErrorsOfDot(run, kind) : std::vector<double>();
  auto reduce = mlir::dyn_cast<tile::ReduceOp>(run.op);
  if (reduce && reduce.getKind() == tile::ReduceKind::Sum && run.out().element.isFloat())
    return ownErrorsOfSum(run, kind);
  return ownErrorsOfElements(run, kind, approximates);
}

void boundErrors(OpRun &run, Handler handler, bool approximates) {
  if (run.results.empty() || mlir::isa<tile::SubviewOp>(run.op))
    return;
  if (mlir::isa<tile::LoadOp, tile::GatherOp>(run.op)) {
    for (size_t i = 0; isScaled(run.in(0)) && i < run.out().size(); ++i) // a scale may move behind a product
      addError(run.out(), i, roundingOf(run.out().element, run.out().floats[i]));
    return;
  }
  if (mlir::isa<tile::DotOp>(run.op))
    addOperandErrorsOfDot(run);
  else
    for (unsigned i = 0; i < run.operands.size(); ++i)
      if (!run.in(i).errors.empty())
        addOperandError(run, handler, i);
  std::vector<double> own = ownErrors(run, Roundings::Worst, approximates);
  for (size_t i = 0; i < own.size(); ++i)
    addError(run.out(), i, own[i]);
}

double storedError(const TileValue &value, size_t index) {
  double error = value.errors.empty() ? 0 : value.errors[index];
  bool isNumber = value.element.isFloat() && std::isfinite(value.floats[index]);
  return isNumber ? error + roundingOf(value.element, value.floats[index]) : error;
}

} // namespace imbrex::reference
