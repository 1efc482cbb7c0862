//===- EmitPtx.h - From the nvvm stage to PTX text ------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Translates a module of llvm and nvvm operations to LLVM IR and runs LLVM's optimiser and NVPTX back
// end in process. No files, no global state beyond the registration of the back end.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_NVVM_TO_PTX_EMITPTX_H
#define IMBREX_COMPILER_NVVM_TO_PTX_EMITPTX_H

#include "compiler/Deadline.h"
#include "compiler/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace imbrex {

/// The PTX of `module` for `target`; nullopt with an error emitted on the module's location if LLVM
/// refuses. With `debugLines`, `.loc` lines lead back to the tile text. Equal modules give equal text. After the
/// deadline passes are left out and the text is worth nothing.
std::optional<std::string> emitPtx(mlir::ModuleOp module, const Target &target, bool debugLines,
                                   const Deadline &deadline);

} // namespace imbrex

#endif // IMBREX_COMPILER_NVVM_TO_PTX_EMITPTX_H
