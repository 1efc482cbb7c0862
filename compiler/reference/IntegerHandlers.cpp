//===- IntegerHandlers.cpp - Integer arithmetic of the interpreter --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element-wise arith operations on integers. Operands arrive sign extended; results are wrapped by the
// caller. Where arith leaves it undefined the tile language does not: x / 0 and x % 0 are 0, and the
// quotient by -1 wraps. Too large a shift is an error.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Handlers.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace arith = mlir::arith;

namespace imbrex::reference {
namespace {

/// fn on sign-extended operands, in unsigned arithmetic so that wrapping is defined.
template <auto fn> void binary(OpRun &run) {
  const std::vector<int64_t> &a = run.in(0).ints, &b = run.in(1).ints;
  std::vector<int64_t> &out = run.out().ints;
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = int64_t(fn(a[i], b[i]));
}

/// As binary; an operation that is marked as not wrapping (nsw) must not. `exact` is fn in 128 bits.
template <typename Op, auto fn, auto exact> void binaryChecked(OpRun &run) {
  binary<fn>(run);
  if (!bitEnumContainsAny(mlir::cast<Op>(run.op).getOverflowFlags(), arith::IntegerOverflowFlags::nsw))
    return;
  for (auto [a, b] : llvm::zip(run.in(0).ints, run.in(1).ints))
    if (__int128 result = exact(a, b); result != signExtend(int64_t(result), run.out().element.width))
      run.error = "the result wraps, but the operation is marked nsw";
}

/// fn on zero-extended operands.
template <auto fn> void binaryUnsigned(OpRun &run) {
  const std::vector<int64_t> &a = run.in(0).ints, &b = run.in(1).ints;
  unsigned width = run.in(0).element.width;
  std::vector<int64_t> &out = run.out().ints;
  for (size_t i = 0; i < out.size(); ++i)
    out[i] = int64_t(fn(zeroExtend(a[i], width), zeroExtend(b[i], width)));
}

/// As binary or binaryUnsigned, once every shift is less than the width.
template <Handler shift> void checkShift(OpRun &run) {
  unsigned width = run.in(1).element.width;
  for (int64_t amount : run.in(1).ints)
    if (zeroExtend(amount, width) >= width) {
      run.error = "shift by " + std::to_string(zeroExtend(amount, width)) + " of " + std::to_string(width) + " bits";
      return;
    }
  shift(run);
}

uint64_t quotient(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? 0 - uint64_t(a) : uint64_t(a / b); }
int64_t remainder(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
/// True if a / b is not a whole number; b = 0 counts as one if a is not 0.
bool isInexact(int64_t a, int64_t b) { return quotient(a, b) * uint64_t(b) != uint64_t(a); }
uint64_t floorQuotient(int64_t a, int64_t b) {
  return quotient(a, b) - (isInexact(a, b) && (a < 0) != (b < 0) ? 1 : 0);
}
uint64_t ceilQuotient(int64_t a, int64_t b) { return quotient(a, b) + (isInexact(a, b) && (a < 0) == (b < 0) ? 1 : 0); }

/// Both halves of a double-width product: results low, high.
template <typename Wide> void extendedProduct(OpRun &run) {
  const std::vector<int64_t> &a = run.in(0).ints, &b = run.in(1).ints;
  unsigned width = run.in(0).element.width;
  constexpr bool isSigned = Wide(-1) < Wide(0);
  for (size_t i = 0; i < a.size(); ++i) {
    Wide x = isSigned ? Wide(a[i]) : Wide(zeroExtend(a[i], width));
    Wide y = isSigned ? Wide(b[i]) : Wide(zeroExtend(b[i], width));
    run.results[0].ints[i] = int64_t(x * y);
    run.results[1].ints[i] = int64_t((x * y) >> width);
  }
}

void extendedSum(OpRun &run) {
  const std::vector<int64_t> &a = run.in(0).ints, &b = run.in(1).ints;
  unsigned width = run.in(0).element.width;
  for (size_t i = 0; i < a.size(); ++i) {
    uint64_t sum = zeroExtend(int64_t(uint64_t(a[i]) + uint64_t(b[i])), width);
    run.results[0].ints[i] = int64_t(sum);
    run.results[1].ints[i] = sum < zeroExtend(a[i], width);
  }
}

void absolute(OpRun &run) {
  for (auto [a, out] : llvm::zip(run.in(0).ints, run.out().ints))
    out = a < 0 ? int64_t(0 - uint64_t(a)) : a;
}

void compare(OpRun &run) {
  using enum arith::CmpIPredicate;
  switch (mlir::cast<arith::CmpIOp>(run.op).getPredicate()) {
  case eq:
    return binary<[](int64_t a, int64_t b) { return a == b; }>(run);
  case ne:
    return binary<[](int64_t a, int64_t b) { return a != b; }>(run);
  case slt:
    return binary<[](int64_t a, int64_t b) { return a < b; }>(run);
  case sle:
    return binary<[](int64_t a, int64_t b) { return a <= b; }>(run);
  case sgt:
    return binary<[](int64_t a, int64_t b) { return a > b; }>(run);
  case sge:
    return binary<[](int64_t a, int64_t b) { return a >= b; }>(run);
  case ult:
    return binaryUnsigned<[](uint64_t a, uint64_t b) { return a < b; }>(run);
  case ule:
    return binaryUnsigned<[](uint64_t a, uint64_t b) { return a <= b; }>(run);
  case ugt:
    return binaryUnsigned<[](uint64_t a, uint64_t b) { return a > b; }>(run);
  case uge:
    return binaryUnsigned<[](uint64_t a, uint64_t b) { return a >= b; }>(run);
  }
}

void addDivisions(HandlerTable &table) {
  table.add<arith::DivSIOp>(binary<quotient>);
  table.add<arith::FloorDivSIOp>(binary<floorQuotient>);
  table.add<arith::CeilDivSIOp>(binary<ceilQuotient>);
  table.add<arith::RemSIOp>(binary<remainder>);
  table.add<arith::DivUIOp>(binaryUnsigned<[](uint64_t a, uint64_t b) { return b == 0 ? 0 : a / b; }>);
  table.add<arith::CeilDivUIOp>(
      binaryUnsigned<[](uint64_t a, uint64_t b) { return b == 0 ? 0 : a / b + (a % b != 0 ? 1 : 0); }>);
  table.add<arith::RemUIOp>(binaryUnsigned<[](uint64_t a, uint64_t b) { return b == 0 ? 0 : a % b; }>);
}

} // namespace

void addIntegerHandlers(HandlerTable &table) {
  using Wide = __int128;
  table.add<arith::AddIOp>(
      binaryChecked<arith::AddIOp, [](uint64_t a, uint64_t b) { return a + b; }, [](Wide a, Wide b) { return a + b; }>);
  table.add<arith::SubIOp>(
      binaryChecked<arith::SubIOp, [](uint64_t a, uint64_t b) { return a - b; }, [](Wide a, Wide b) { return a - b; }>);
  table.add<arith::MulIOp>(
      binaryChecked<arith::MulIOp, [](uint64_t a, uint64_t b) { return a * b; }, [](Wide a, Wide b) { return a * b; }>);
  table.add<arith::AndIOp>(binary<[](uint64_t a, uint64_t b) { return a & b; }>);
  table.add<arith::OrIOp>(binary<[](uint64_t a, uint64_t b) { return a | b; }>);
  table.add<arith::XOrIOp>(binary<[](uint64_t a, uint64_t b) { return a ^ b; }>);
  table.add<arith::MaxSIOp>(binary<[](int64_t a, int64_t b) { return std::max(a, b); }>);
  table.add<arith::MinSIOp>(binary<[](int64_t a, int64_t b) { return std::min(a, b); }>);
  table.add<arith::MaxUIOp>(binaryUnsigned<[](uint64_t a, uint64_t b) { return std::max(a, b); }>);
  table.add<arith::MinUIOp>(binaryUnsigned<[](uint64_t a, uint64_t b) { return std::min(a, b); }>);
  table.add<arith::ShLIOp>(checkShift<binary<[](uint64_t a, uint64_t b) { return a << b; }>>);
  table.add<arith::ShRSIOp>(checkShift<binary<[](int64_t a, int64_t b) { return a >> b; }>>);
  table.add<arith::ShRUIOp>(checkShift<binaryUnsigned<[](uint64_t a, uint64_t b) { return a >> b; }>>);
  table.add<arith::MulUIExtendedOp>(extendedProduct<unsigned __int128>);
  table.add<arith::MulSIExtendedOp>(extendedProduct<__int128>);
  table.add<arith::AddUIExtendedOp>(extendedSum);
  table.add<arith::CmpIOp>(compare);
  table.add<mlir::math::AbsIOp>(absolute);
  addDivisions(table);
}

} // namespace imbrex::reference
