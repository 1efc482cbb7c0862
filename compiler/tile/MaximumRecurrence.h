//===- MaximumRecurrence.h - Sums of powers below a running maximum -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds, by data flow alone, a loop that carries a maximum m and accumulators X with
//
//     m' = max(m, rowmax(s));   p = 2^(k (s - m'));   a = 2^(k (m - m'));   X' = X a + (linear in p)
//
// where nothing else uses m' in the loop, so that any other base in its place gives the same X up to one factor.
// e^x may stand for 2^x, m' may be guarded (a finite number where it is -inf), k is a positive number that does not
// change in the loop, or 1, and p may be written 2^(k s - k m').
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_MAXIMUMRECURRENCE_H
#define IMBREX_COMPILER_TILE_MAXIMUMRECURRENCE_H

#include "compiler/tile/KnownSigns.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace imbrex {

struct MaximumRecurrence {
  /// p: an exponential. `value` is s, `base` the tile that spreads m' or k m' over it.
  struct Power {
    mlir::Operation *op;
    mlir::Value value, base;
  };
  /// X: number of the value that the loop carries, and the tile that spreads a over it.
  struct Accumulator {
    unsigned index;
    mlir::Value factorLike;
  };
  mlir::scf::ForOp loop;
  unsigned index = 0;         ///< m's number among the values that the loop carries
  mlir::Value maximum;        ///< m'
  mlir::Value factor;         ///< k: uniform, not of the loop; null: 1
  bool isNatural = false;     ///< e^x instead of 2^x
  bool isProductForm = false; ///< 2^(k s - k m')
  llvm::SmallVector<Power> powers;
  llvm::SmallVector<mlir::Operation *> factors; ///< a: exponentials
  llvm::SmallVector<Accumulator> accumulators;  ///< each from 0 on; one at least has rank 2
};

/// The recurrence of `loop`, if it has one. Where only a part of it is there, a remark says what is missing.
std::optional<MaximumRecurrence> findMaximumRecurrence(mlir::scf::ForOp loop, const KnownSigns &signs);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_MAXIMUMRECURRENCE_H
