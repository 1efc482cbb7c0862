//===- Frontend.h - From tile text to the tile dialect -------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The frontend's door: parse once, describe or specialise and emit. Never crashes and never hangs,
// whatever the text (limits in Messages.h).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_FRONTEND_H
#define IMBREX_COMPILER_FRONTEND_FRONTEND_H

#include "compiler/CompileOptions.h"
#include "compiler/Diagnostics.h"
#include "compiler/KernelInterface.h"
#include "compiler/Target.h"
#include "compiler/frontend/Ast.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace imbrex {

/// The tree of `source`; never null. What is wrong is in `diagnostics`; the tree then lacks it.
std::unique_ptr<ast::File> parseFile(const Source &source, Diagnostics &diagnostics);

/// What can be said of a file's kernels (of options.kernel alone, if it is not empty) before they are specialised,
/// with what options.hooks capture.
std::vector<KernelSignature> describeKernels(const ast::File &file, const CompileOptions &options,
                                             Diagnostics &diagnostics);

/// Specialises one kernel and emits it as a module with one func.func (see TileOps.td). Fills `interface` but
/// for its shared bytes. Null if an error was reported.
mlir::OwningOpRef<mlir::ModuleOp> emitTile(const ast::File &file, const CompileOptions &options, const Target &target,
                                           mlir::MLIRContext &context, KernelInterface &interface,
                                           Diagnostics &diagnostics);

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_FRONTEND_H
