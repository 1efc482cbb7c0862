//===- MaskBoundsReader.h - Which comparisons a mask is made of -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads a mask for MaskBounds: the comparisons of sums that hold where it is true, or some of which do, and by how much
// their sides change with the loop's index.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_MASKBOUNDSREADER_H
#define IMBREX_COMPILER_REFERENCE_MASKBOUNDSREADER_H

#include "compiler/reference/MaskBounds.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace imbrex::reference {

class MaskBoundsReader {
public:
  using Part = MaskBounds::Part;
  using Side = MaskBounds::Side;
  using Predicate = mlir::arith::CmpIPredicate;

  explicit MaskBoundsReader(mlir::scf::ForOp loop) : loop(loop) {}

  /// What holds where a mask is true. `certain`: the mask is the same everywhere.
  struct Reading {
    Part part;
    std::optional<bool> certain = std::nullopt;
  };
  /// Where a truth holds, or with `isOpposite` where it does not.
  Reading read(mlir::Value value, unsigned axis, bool isOpposite = false);
  /// By how much an integer grows where the loop's index grows by one; nullopt if it is no sum of rows, columns, the
  /// index and what stays. `exact`: arithmetic that may wrap is no sum.
  std::optional<int64_t> growth(mlir::Value value, bool exact, unsigned depth = 0);

private:
  /// How many positions of a sum are divided, two for more than one, and by how much the last one is.
  struct Quotients {
    unsigned count = 0;
    int64_t divisor = 1;
  };
  static Reading both(Reading x, const Reading &y);
  static Reading either(const Reading &x, const Reading &y);
  std::optional<Reading> choose(mlir::Value condition, unsigned axis, const Reading &yes, const Reading &no);
  Reading compare(Predicate predicate, const Side &x, const Side &y);
  std::optional<Reading> compareMade(Predicate predicate, Side x, const Side &y);
  Part compareSums(Predicate predicate, const Side &x, const Side &y);
  Reading readComparison(mlir::arith::CmpIOp cmp, unsigned axis, bool isOpposite);
  Reading readScalar(mlir::Value truth, bool isOpposite);
  std::optional<int64_t> newGrowth(mlir::Value value, bool exact, unsigned depth);
  std::optional<int64_t> growthOfScalar(mlir::Operation *op, bool exact, unsigned depth);
  bool isDividedPosition(mlir::Operation *op, bool exact, unsigned depth);
  Quotients quotients(mlir::Value sum);

  static constexpr unsigned kMostParts = 256, kMaxDepth = 256;
  mlir::scf::ForOp loop;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, std::optional<int64_t>> known; ///< with whether it is exact
  llvm::DenseMap<mlir::Value, Quotients> knownQuotients;
  unsigned parts = 0;
};

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_MASKBOUNDSREADER_H
