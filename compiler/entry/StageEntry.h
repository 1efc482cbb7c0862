//===- StageEntry.h - Texts of later stages, taken up --------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compilation may begin with the text of a later stage, which anybody may have written or damaged. The passes
// trust their input; so here is checked what they trust in. Whatever the text, the answer is a module that the
// stage's passes can take, or errors at places of the text: nothing crashes, nothing hangs.
//
//     EntryText     what is refused before it is parsed        KernelEntry   the kernel of stages tile and cta
//     StageEntry    parsing; what every stage needs            NvvmEntry     the kernel of stage nvvm
//     PtxEntry      PTX that goes on to machine code
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_ENTRY_STAGEENTRY_H
#define IMBREX_COMPILER_ENTRY_STAGEENTRY_H

#include "compiler/Diagnostics.h"
#include "compiler/Stage.h"
#include "compiler/Target.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace imbrex {

/// The module that `source`, the MLIR text of stage `from` (tile, cta or nvvm), holds; null, with errors emitted
/// in `context`, if the stage's passes could not take it. Its operations keep no locations but lines of files.
mlir::OwningOpRef<mlir::ModuleOp> readStage(Stage from, const Source &source, const Target &target,
                                            mlir::MLIRContext &context);

/// The name of the one kernel in the PTX text `source` for `target`; nullopt, reported, if it has not exactly one.
std::optional<std::string> readPtxEntry(const Source &source, const Target &target, Diagnostics &diagnostics);

} // namespace imbrex

#endif // IMBREX_COMPILER_ENTRY_STAGEENTRY_H
