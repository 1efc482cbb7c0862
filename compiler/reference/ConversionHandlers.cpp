//===- ConversionHandlers.cpp - Casts, constants and select of the interpreter ===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations whose operands and results differ in type, and those that only move values.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Handlers.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include <cmath>

namespace arith = mlir::arith;

namespace imbrex::reference {
namespace {

/// Widening and sign extension: values stay as they are (the caller wraps what got narrower).
void copy(OpRun &run) {
  run.out().floats = run.in(0).floats;
  run.out().ints = run.in(0).ints;
}

void zeroExtendAll(OpRun &run) {
  unsigned width = run.in(0).element.width;
  for (auto [in, out] : llvm::zip(run.in(0).ints, run.out().ints))
    out = int64_t(zeroExtend(in, width));
}

void truncateFloat(OpRun &run) {
  auto mode = mlir::cast<arith::TruncFOp>(run.op).getRoundingmode();
  if (mode && *mode != arith::RoundingMode::to_nearest_even) {
    run.error = "only rounding to nearest even is known";
    return;
  }
  for (auto [in, out] : llvm::zip(run.in(0).floats, run.out().floats))
    out = roundTo(in, run.out().element.kind);
}

/// `in` rounded once. A double would be rounded already: the digits that it has not become one bit at the place above
/// them (2^11 where there are 64), which tells that there was more.
template <typename Int> double toFloat(Int in, ElementType::Kind kind) {
  if (kind == ElementType::F64 || std::abs(double(in)) < 0x1p53)
    return roundTo(double(in), kind);
  constexpr Int kPlace = 1 << 11;
  Int dropped = in & (kPlace - 1);
  return roundTo(double((in - dropped) | (dropped ? kPlace : 0)), kind);
}

void narrow(OpRun &run) {
  for (auto [in, out] : llvm::zip(run.in(0).floats, run.out().floats))
    out = roundTo(in, run.out().element.kind);
}

void signedToFloat(OpRun &run) {
  for (auto [in, out] : llvm::zip(run.in(0).ints, run.out().floats))
    out = toFloat(in, run.out().element.kind);
}

void unsignedToFloat(OpRun &run) {
  unsigned width = run.in(0).element.width;
  for (auto [in, out] : llvm::zip(run.in(0).ints, run.out().floats))
    out = toFloat(zeroExtend(in, width), run.out().element.kind);
}

/// Truncates towards zero, to `lowest` and `highest` what lies outside; `end` is the first power of two beyond.
/// NaN gives 0.
template <typename Int> void floatToInteger(OpRun &run, Int lowest, Int highest, double end) {
  for (auto [in, out] : llvm::zip(run.in(0).floats, run.out().ints)) {
    double truncated = std::trunc(in);
    if (std::isnan(in))
      out = 0;
    else if (truncated >= end)
      out = int64_t(highest);
    else
      out = truncated <= double(lowest) ? int64_t(lowest) : int64_t(Int(truncated));
  }
}

void floatToSigned(OpRun &run) {
  unsigned width = run.out().element.width;
  floatToInteger<int64_t>(run, llvm::minIntN(width), llvm::maxIntN(width), std::ldexp(1.0, int(width) - 1));
}

void floatToUnsigned(OpRun &run) {
  unsigned width = run.out().element.width;
  floatToInteger<uint64_t>(run, 0, llvm::maxUIntN(width), std::ldexp(1.0, int(width)));
}

void bitcast(OpRun &run) {
  const TileValue &in = run.in(0);
  TileValue &out = run.out();
  for (size_t i = 0; i < in.size(); ++i) {
    uint64_t bits =
        in.element.isFloat() ? encodeFloat(in.floats[i], in.element.kind) : zeroExtend(in.ints[i], in.element.width);
    if (out.element.isFloat())
      out.floats[i] = decodeFloat(bits, out.element.kind);
    else
      out.ints[i] = int64_t(bits);
  }
}

template <typename T>
void selectInto(std::vector<T> &out, const std::vector<int64_t> &condition, const std::vector<T> &yes,
                const std::vector<T> &no) {
  if (condition.size() == 1) {
    out = condition[0] ? yes : no;
    return;
  }
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = condition[i] ? yes[i] : no[i];
}

void select(OpRun &run) {
  selectInto(run.out().floats, run.in(0).ints, run.in(1).floats, run.in(2).floats);
  selectInto(run.out().ints, run.in(0).ints, run.in(1).ints, run.in(2).ints);
}

void constant(OpRun &run) {
  mlir::Attribute value = mlir::cast<arith::ConstantOp>(run.op).getValue();
  TileValue &out = run.out();
  auto toDouble = [](llvm::APFloat number) {
    bool losesInfo;
    number.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    return number.convertToDouble();
  };
  if (auto number = mlir::dyn_cast<mlir::FloatAttr>(value))
    out.floats[0] = toDouble(number.getValue());
  else if (auto number = mlir::dyn_cast<mlir::IntegerAttr>(value))
    out.ints[0] = number.getValue().getSExtValue();
  else if (auto dense = mlir::dyn_cast<mlir::DenseFPElementsAttr>(value))
    llvm::transform(dense, out.floats.begin(), toDouble);
  else if (auto dense = mlir::dyn_cast<mlir::DenseIntElementsAttr>(value))
    llvm::transform(dense, out.ints.begin(), [](const llvm::APInt &number) { return number.getSExtValue(); });
  else
    run.error = "neither a number nor dense elements";
}

} // namespace

void addConversionHandlers(HandlerTable &table) {
  table.add<arith::ExtFOp>(copy);
  table.add<arith::ExtSIOp>(copy);
  table.add<arith::TruncIOp>(copy);
  table.add<arith::IndexCastOp>(copy);
  table.add<arith::ExtUIOp>(zeroExtendAll);
  table.add<arith::IndexCastUIOp>(zeroExtendAll);
  table.add<arith::TruncFOp>(truncateFloat);
  table.add<tile::NarrowOp>(narrow);
  table.add<arith::SIToFPOp>(signedToFloat);
  table.add<arith::UIToFPOp>(unsignedToFloat);
  table.add<arith::FPToSIOp>(floatToSigned);
  table.add<arith::FPToUIOp>(floatToUnsigned);
  table.add<arith::BitcastOp>(bitcast);
  table.add<arith::SelectOp>(select);
  table.add<arith::ConstantOp>(constant);
}

} // namespace imbrex::reference
