//===- SizeRefusal.h - Errors about a kernel's size ------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An MLIR error that says, beside its words, which bound the kernel exceeds: so that a host knows without reading them.
// Internal: public headers show no MLIR.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SIZEREFUSAL_H
#define IMBREX_COMPILER_SIZEREFUSAL_H

#include "compiler/Diagnostics.h"
#include "mlir/IR/Operation.h"

namespace imbrex {

/// An error at `op`, whose words are to say the number and the bound.
inline mlir::InFlightDiagnostic refuseSize(mlir::Operation *op, SizeLimit limit) {
  mlir::InFlightDiagnostic error = op->emitError();
  error.getUnderlyingDiagnostic()->getMetadata().push_back(mlir::DiagnosticArgument(unsigned(limit)));
  return error;
}

/// The bound that `diagnostic` is about.
inline SizeLimit sizeLimitOf(const mlir::Diagnostic &diagnostic) {
  for (const mlir::DiagnosticArgument &argument : const_cast<mlir::Diagnostic &>(diagnostic).getMetadata())
    if (argument.getKind() == mlir::DiagnosticArgument::DiagnosticArgumentKind::Unsigned)
      return SizeLimit(argument.getAsUnsigned());
  return SizeLimit::None;
}

} // namespace imbrex

#endif // IMBREX_COMPILER_SIZEREFUSAL_H
