//===- SizeAdvice.h - What helps a kernel that is too large ---- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The end of the messages that refuse a kernel for what it takes of each thread.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_SIZEADVICE_H
#define IMBREX_COMPILER_CTA_SIZEADVICE_H

#include "dialects/cta/CtaDialect.h"

namespace imbrex {

/// What makes `op`, of a kernel of `warps` warps, take less of each thread: smaller tiles if it has any that take
/// several registers; more warps only if these tiles can be spread over them; else less of everything.
llvm::StringRef sizeAdvice(mlir::Operation *op, unsigned warps);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_SIZEADVICE_H
