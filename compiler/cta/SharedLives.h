//===- SharedLives.h - Which allocations are alive at once ---- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An allocation is alive where it may have been written, or a copy into it started, and may still be read or
// waited for:
//
//     alive = written on some way to here  and  needed on some way from here
//
// A write needs nothing of what a buffer or a ring of one slot held, so one that is written and read in each
// iteration is dead between two iterations. A ring of several slots is alive from its first copy to its last get.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_SHAREDLIVES_H
#define IMBREX_COMPILER_CTA_SHAREDLIVES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/BitVector.h"

namespace imbrex {

class SharedLives {
public:
  /// Of a kernel of loops and branches (scf.for, scf.if).
  explicit SharedLives(mlir::func::FuncOp kernel);

  /// The allocations that some operation touches, in the order of the text.
  llvm::ArrayRef<mlir::Operation *> allocations() const { return all; }
  /// True if allocations number i and j may not share a byte.
  bool meet(unsigned i, unsigned j) const { return conflicts[i].test(j); }

private:
  using Set = llvm::BitVector;

  void forward(mlir::Block &block, Set &written);
  void backward(mlir::Block &block, Set &needed);
  void record(mlir::Operation *op, const Set &needed);
  Set numbers(llvm::ArrayRef<mlir::Operation *> allocations) const;

  llvm::SmallVector<mlir::Operation *> all;
  llvm::DenseMap<mlir::Operation *, unsigned> numberOf;
  llvm::DenseMap<mlir::Operation *, Set> writtenAfter; ///< an operation -> what may have been written behind it
  llvm::DenseMap<mlir::Operation *, Set> neededAtEnd;  ///< a loop -> what is needed behind its body
  std::vector<Set> conflicts;
};

/// Bytes that the kernel's allocations take together, and the first byte of each: first fit, the largest first. Behind
/// all of them, the barriers of rings.
struct SharedPlan {
  int64_t bytes = 0;
  llvm::MapVector<mlir::Operation *, int64_t> offsets, barriers;
};
SharedPlan planShared(mlir::func::FuncOp kernel);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_SHAREDLIVES_H
