//===- ExactIntegers.h - Positions never wrap where they count --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Positions are grid names, extents, indices of loops, iota, and what arithmetic makes of them and of
// other integers. They are i32 in the program, but a comparison of them is one of the exact numbers:
// `at.k + 2147483640 >= at.q` is true of every key, whatever tile it lies in. To that end an interval is
// kept for each i32 value while the text is emitted:
//
//   * arithmetic whose interval fits into 32 bits is marked as not wrapping (nsw), which the passes on
//     masks rely on and the reference interpreter checks;
//   * a comparison of positions whose interval does not fit is made of the same arithmetic in 64 bits.
//
//     i * 128 + iota(128) < Sq     i lies below cdiv(Sq, 128): fits, stays in 32 bits
//     q + (Sk - Sq) >= k           up to 2^32: compared in 64 bits
//
// Integers that do not come from a position (loaded, given as scalars) wrap as i32 everywhere.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_EXACTINTEGERS_H
#define IMBREX_COMPILER_FRONTEND_EXACTINTEGERS_H

#include "compiler/KernelInterface.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace imbrex {

/// low .. high, both included; ends beyond +-2^62 are not told apart from it.
struct Interval {
  int64_t low, high;

  static Interval ofWidth(unsigned bits) { return {-(int64_t(1) << (bits - 1)), (int64_t(1) << (bits - 1)) - 1}; }
  bool fits(unsigned bits) const;
};

/// Of the exact result of + - * / % cdiv min max; whole i32 for any other.
Interval intervalOf(llvm::StringRef op, Interval x, Interval y);

/// Of an expression over constants and extents, which are 0 .. kLargestExtent.
Interval intervalOf(const Expression &expression, const std::map<std::string, int64_t, std::less<>> &constants);

class ExactIntegers {
public:
  explicit ExactIntegers(mlir::OpBuilder &builder) : b(builder) {}

  /// `value` (i32, scalar or tile) is a position in `interval`.
  void definePosition(mlir::Value value, Interval interval);
  /// What an i32 value lies in, after it has wrapped.
  Interval interval(mlir::Value value) {
    Known known = look(value);
    return known.isNarrow ? known.interval : Interval::ofWidth(32);
  }

  /// To be told of each i32 value made by arith or math from others: marks what cannot wrap.
  void note(mlir::Value result);

  /// The operands of a comparison: in 64 bits if either is a position and one of them may pass 32.
  void forComparison(mlir::Value &x, mlir::Value &y);
  /// A position in 64 bits, exactly; any other i32 value extended.
  mlir::Value widen(mlir::Value value);

private:
  struct Known {
    Interval interval = Interval::ofWidth(32); ///< of the exact number
    bool isPosition = false;
    bool isNarrow = true; ///< the i32 value is the exact number: nothing that it is made of wraps
  };
  Known look(mlir::Value value);
  mlir::Value makeWide(mlir::Value value);

  mlir::OpBuilder &b;
  llvm::DenseMap<mlir::Value, Known> known;
  llvm::DenseMap<mlir::Value, mlir::Value> wide; ///< i64 values, made right behind the i32 ones
};

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_EXACTINTEGERS_H
