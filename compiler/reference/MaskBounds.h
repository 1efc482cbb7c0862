//===- MaskBounds.h - What the bounds of a mask hide ------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Beside leaving iterations out, the promise of tile.visible says that a column which no row of the tile sees
// by the bounds of the mask is read as zero, whatever it holds: the rows of views that a loop loads at the
// mask's columns. Bounds are what the mask's conjuncts say, each by itself, that compare sums of rows, columns,
// scalars (of 32 bits), the loop's index and one position of rows divided by up to 2^12, which is not multiplied; of a
// disjunction, what lies below the bounds of all its parts or above them. min(a, b) >= k says that a >= k and
// b >= k, and so on; |a| is max(a, -a); a choice between truths, or between numbers of which one decides a
// comparison, is a truth as well (MaskBoundsReader.h). A conjunct on rows alone takes rows away, one on scalars alone
// all or none, as does any truth that all elements share. The loop counts by one from a constant that is not negative,
// and all conjuncts on columns move with it by the same number of columns an iteration; otherwise nothing is hidden by
// bounds.
//
// This is read from the values of one iteration, and shares nothing with the pass that uses the promise.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_MASKBOUNDS_H
#define IMBREX_COMPILER_REFERENCE_MASKBOUNDS_H

#include "compiler/reference/TileValue.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/DenseMap.h"

namespace imbrex::reference {

/// By how much a bound may move from row to row, and how many rows of a quotient may share one.
inline constexpr int64_t kLargestStep = 1 << 12;

using Environment = llvm::DenseMap<mlir::Value, ValueRef>;

class MaskBounds {
public:
  /// `promise` stands directly in an scf.for.
  explicit MaskBounds(tile::VisibleOp promise);

  tile::VisibleOp promise() const { return op; }

  /// A load of the loop, and an axis of its result that has as many elements as the mask has columns, and moves by
  /// `step` an iteration.
  struct Load {
    tile::LoadOp op;
    unsigned axis;
    int64_t step;
  };
  llvm::ArrayRef<Load> loads() const { return columnLoads; }

  /// For each column whether the bounds hide it from every row, in the iteration whose values are given: those of all
  /// operations before the promise. `step` becomes the columns that the mask moves an iteration: loads that move by it
  /// lie at the mask's columns; 0 if nothing is bounded.
  std::vector<bool> hiddenColumns(const Environment &values, int64_t &step) const;

private:
  /// A number of each element. Of rank 1, its elements are rows (axis 0) or columns.
  struct Side {
    mlir::Value value;
    unsigned axis;
    int sign = 1;
  };
  /// sign * (left - right) + offset <= 0.
  struct Bound {
    Side left, right;
    int sign, offset;
    int64_t growth;      ///< of the difference, where the loop's index grows by one
    int64_t divisor = 1; ///< of the position that is divided, if one is
  };
  struct Part {
    llvm::SmallVector<Bound> bounds;
    std::vector<std::vector<Part>> disjunctions;
  };
  /// Columns that lie below, or above, all that a row sees.
  struct Hidden {
    std::vector<bool> below, above;
  };
  struct Rows {
    int64_t first, last;
  };
  /// What is read of a mask: how its values change with the loop's index.
  friend class MaskBoundsReader;

  /// Whether all that is said of columns moves with the loop, by `step`, and nothing else does.
  bool movesWithLoop(const Part &part, const Environment &values, int64_t &step) const;
  Hidden hide(const Part &part, Rows rows, const Environment &values) const;
  void hideByBound(Hidden &hidden, const Bound &bound, Rows rows, const Environment &values) const;
  void hideByDisjunction(Hidden &hidden, const std::vector<Part> &parts, Rows rows, const Environment &values) const;
  Rows narrowRows(const Part &part, Rows rows, const Environment &values) const;

  tile::VisibleOp op;
  int64_t rowCount, columnCount;
  Part mask;
  bool isNever = false; ///< the mask is false everywhere
  llvm::SmallVector<Load> columnLoads;
};

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_MASKBOUNDS_H
