//===- BufferAccess.h - Who touches which shared memory ------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which operations read, write and copy into which bytes of shared memory: one answer for allocation and
// barriers. An *allocation* is what has bytes to itself: a cta.alloc or a cta.ring.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_BUFFERACCESS_H
#define IMBREX_COMPILER_CTA_BUFFERACCESS_H

#include "dialects/cta/CtaDialect.h"

namespace imbrex {

/// The allocation behind a buffer or a ring; null where it is an argument: of a function that is no kernel.
mlir::Operation *allocationOf(mlir::Value memory);

/// What an allocation takes: its first byte (0 while it has none), its size, and what must divide the first byte.
int64_t offsetOf(mlir::Operation *allocation);
int64_t sizeOf(mlir::Operation *allocation);
int64_t alignmentOf(mlir::Operation *allocation);
void setOffset(mlir::Operation *allocation, int64_t offset);

/// Every operation that touches `allocation`, through its slots too, in the order of the use lists.
llvm::SmallVector<mlir::Operation *> accessesOf(mlir::Operation *allocation);

/// What one operation does to shared memory, by allocations of this function.
struct Touched {
  llvm::SmallVector<mlir::Operation *, 2> reads,
      writes; ///< by its threads, there and then; of products and sends till their wait
  llvm::SmallVector<mlir::Operation *, 1> starts;  ///< rings into which a copy is started
  llvm::SmallVector<mlir::Operation *, 1> arrives; ///< rings in which this thread's part of a copy is now there
};
Touched touchedBy(mlir::Operation *op);

/// The asynchronous product that gives `value`, or null.
cta::DotOp productOf(mlir::Value value);

/// The asynchronous product that gives the columns which `dot` leaves out, or null.
cta::DotOp productOfOtherColumns(cta::DotOp dot);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_BUFFERACCESS_H
