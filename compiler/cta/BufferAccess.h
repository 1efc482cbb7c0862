//===- BufferAccess.h - Who touches a buffer ------------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which operations read and write which buffer of shared memory: one answer for allocation and barriers.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_BUFFERACCESS_H
#define IMBREX_COMPILER_CTA_BUFFERACCESS_H

#include "dialects/cta/CtaDialect.h"

namespace imbrex {

/// The allocation behind a buffer value: itself, or the one a cta.get takes a slot of.
cta::AllocOp allocationOf(mlir::Value buffer);

/// Every operation that touches `alloc`, through its slots too, in the order of the use lists.
llvm::SmallVector<mlir::Operation *> accessesOf(cta::AllocOp alloc);

/// Buffers that `op` itself reads from, and writes to, with its threads.
void buffersTouched(mlir::Operation *op, llvm::SmallVectorImpl<cta::AllocOp> &reads,
                    llvm::SmallVectorImpl<cta::AllocOp> &writes);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_BUFFERACCESS_H
