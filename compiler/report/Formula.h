//===- Formula.h - Index arithmetic as a person would write it --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes a value that was computed from extents, positions in the grid and constants as a formula: "min(cdiv(Sk, 64),
// t0 + 1)". Sums are gathered: (x + 63) - y * -1 is "x + y + 63". What occurs more than once and is no sum gets a name
// of its own, t0, t1, and is told once. Widenings and narrowings of integers are not shown, nor bounds by the largest
// i32. A value that comes from elsewhere is named by the operation that made it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REPORT_FORMULA_H
#define IMBREX_COMPILER_REPORT_FORMULA_H

#include "compiler/KernelInterface.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

namespace imbrex {

class FormulaWriter {
public:
  explicit FormulaWriter(const KernelInterface &interface) : interface(interface) {}

  /// Finds what `values` share, so that it gets a name when it is first written.
  void share(llvm::ArrayRef<mlir::Value> values);
  std::string write(mlir::Value value) { return write(value, false); }
  /// "t0 = ...", in the order in which each can be computed; those written so far.
  std::vector<std::string> takeShared() { return std::move(definitions); }

private:
  /// A sum: what is added how often, in the order in which it is met, and a number.
  struct Sum {
    llvm::SmallVector<std::pair<std::string, int64_t>> terms;
    int64_t number = 0;
    void add(const std::string &term, int64_t times);
    std::string text() const;
  };

  /// In brackets if it is a sum or a comparison and `isTight`.
  std::string write(mlir::Value value, bool isTight);
  void gather(mlir::Value value, int64_t times, Sum &sum);
  /// What a condition is whatever the numbers are, if it is; nullopt of unsigned comparisons.
  std::optional<bool> decide(mlir::Value condition);
  /// `value` without casts, and without choices between values that are decided.
  mlir::Value settle(mlir::Value value);
  std::string atom(mlir::Value value);
  std::string atomAnew(mlir::Value value);
  std::string leaf(mlir::Value value);
  std::string call(llvm::StringRef name, mlir::Operation *op);
  std::string extremum(mlir::Operation *op);
  std::string infix(mlir::Operation *op, llvm::StringRef symbol);
  void count(mlir::Value value);

  const KernelInterface &interface;
  llvm::DenseMap<mlir::Value, unsigned> uses;
  llvm::DenseMap<mlir::Value, std::string> names;
  std::vector<std::string> definitions;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_REPORT_FORMULA_H
