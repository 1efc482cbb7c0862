//===- FloatHandlers.cpp - Float arithmetic of the interpreter ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element-wise arith and math operations on floats, in double precision. One loop an operation.
//
//===----------------------------------------------------------------------===//

#include "compiler/LargestAngle.h"
#include "compiler/reference/Handlers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

namespace arith = mlir::arith;
namespace math = mlir::math;

namespace imbrex::reference {
namespace {

template <auto fn> void unary(OpRun &run) {
  const std::vector<double> &a = run.in(0).floats;
  std::vector<double> &out = run.out().floats;
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = fn(a[i]);
}

/// sin and cos.
template <auto fn> void ofAngle(OpRun &run) {
  double largest = largestAngle(run.in(0).element.kind == ElementType::F64);
  for (size_t i = 0; i < run.out().floats.size(); ++i)
    run.out().floats[i] = std::fabs(run.in(0).floats[i]) > largest ? NAN : fn(run.in(0).floats[i]);
}

template <auto fn> void binary(OpRun &run) {
  const std::vector<double> &a = run.in(0).floats, &b = run.in(1).floats;
  std::vector<double> &out = run.out().floats;
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = fn(a[i], b[i]);
}

void fusedMultiplyAdd(OpRun &run) {
  const std::vector<double> &a = run.in(0).floats, &b = run.in(1).floats, &c = run.in(2).floats;
  std::vector<double> &out = run.out().floats;
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = std::fma(a[i], b[i], c[i]);
}

/// maximumf and minimumf: a NaN wins, unlike in maxnumf and minnumf.
double maximum(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmax(a, b); }
double minimum(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::fmin(a, b); }

bool unordered(double a, double b) { return std::isnan(a) || std::isnan(b); }

template <auto fn> void compareWith(OpRun &run) {
  const std::vector<double> &a = run.in(0).floats, &b = run.in(1).floats;
  std::vector<int64_t> &out = run.out().ints;
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = fn(a[i], b[i]);
}

/// The predicates in which a NaN gives true are the negations of the opposite ordered ones.
void compare(OpRun &run) {
  using enum arith::CmpFPredicate;
  switch (mlir::cast<arith::CmpFOp>(run.op).getPredicate()) {
  case AlwaysFalse:
    return compareWith<[](double, double) { return false; }>(run);
  case OEQ:
    return compareWith<[](double a, double b) { return a == b; }>(run);
  case OGT:
    return compareWith<[](double a, double b) { return a > b; }>(run);
  case OGE:
    return compareWith<[](double a, double b) { return a >= b; }>(run);
  case OLT:
    return compareWith<[](double a, double b) { return a < b; }>(run);
  case OLE:
    return compareWith<[](double a, double b) { return a <= b; }>(run);
  case ONE:
    return compareWith<[](double a, double b) { return a < b || a > b; }>(run);
  case ORD:
    return compareWith<[](double a, double b) { return !unordered(a, b); }>(run);
  case UEQ:
    return compareWith<[](double a, double b) { return a == b || unordered(a, b); }>(run);
  case UGT:
    return compareWith<[](double a, double b) { return !(a <= b); }>(run);
  case UGE:
    return compareWith<[](double a, double b) { return !(a < b); }>(run);
  case ULT:
    return compareWith<[](double a, double b) { return !(a >= b); }>(run);
  case ULE:
    return compareWith<[](double a, double b) { return !(a > b); }>(run);
  case UNE:
    return compareWith<[](double a, double b) { return a != b; }>(run);
  case UNO:
    return compareWith<unordered>(run);
  case AlwaysTrue:
    return compareWith<[](double, double) { return true; }>(run);
  }
}

void addMath(HandlerTable &table) {
  table.add<math::AbsFOp>(unary<[](double a) { return std::fabs(a); }>);
  table.add<math::CeilOp>(unary<[](double a) { return std::ceil(a); }>);
  table.add<math::CosOp>(ofAngle<[](double a) { return std::cos(a); }>);
  table.add<math::ErfOp>(unary<[](double a) { return std::erf(a); }>);
  table.add<math::ExpOp>(unary<[](double a) { return std::exp(a); }>);
  table.add<math::Exp2Op>(unary<[](double a) { return std::exp2(a); }>);
  table.add<math::FloorOp>(unary<[](double a) { return std::floor(a); }>);
  table.add<math::LogOp>(unary<[](double a) { return std::log(a); }>);
  table.add<math::Log2Op>(unary<[](double a) { return std::log2(a); }>);
  table.add<math::RoundEvenOp>(unary<[](double a) { return std::nearbyint(a); }>);
  table.add<math::RsqrtOp>(unary<[](double a) { return 1 / std::sqrt(a); }>);
  table.add<math::SinOp>(ofAngle<[](double a) { return std::sin(a); }>);
  table.add<math::SqrtOp>(unary<[](double a) { return std::sqrt(a); }>);
  table.add<math::TanhOp>(unary<[](double a) { return std::tanh(a); }>);
  table.add<math::TruncOp>(unary<[](double a) { return std::trunc(a); }>);
  table.add<math::CopySignOp>(binary<[](double a, double b) { return std::copysign(a, b); }>);
  table.add<math::PowFOp>(binary<[](double a, double b) { return std::pow(a, b); }>);
  table.add<math::FmaOp>(fusedMultiplyAdd);
}

} // namespace

void addFloatHandlers(HandlerTable &table) {
  table.add<arith::AddFOp>(binary<[](double a, double b) { return a + b; }>);
  table.add<arith::SubFOp>(binary<[](double a, double b) { return a - b; }>);
  table.add<arith::MulFOp>(binary<[](double a, double b) { return a * b; }>);
  table.add<arith::DivFOp>(binary<[](double a, double b) { return a / b; }>);
  table.add<arith::RemFOp>(binary<[](double a, double b) { return std::fmod(a, b); }>);
  table.add<arith::MaxNumFOp>(binary<[](double a, double b) { return std::fmax(a, b); }>);
  table.add<arith::MinNumFOp>(binary<[](double a, double b) { return std::fmin(a, b); }>);
  table.add<arith::MaximumFOp>(binary<maximum>);
  table.add<arith::MinimumFOp>(binary<minimum>);
  table.add<arith::NegFOp>(unary<[](double a) { return -a; }>);
  table.add<arith::CmpFOp>(compare);
  addMath(table);
}

} // namespace imbrex::reference
