//===- EntryCheck.h - What the checks of a stage's text share - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A checker holds the parsed module and the text, so that an error stands at the operation's own line of the text
// rather than at the line of the kernel's source that its location names. Internal to this folder.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_ENTRY_ENTRYCHECK_H
#define IMBREX_COMPILER_ENTRY_ENTRYCHECK_H

#include "compiler/Target.h"
#include "mlir/AsmParser/AsmParserState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/SourceMgr.h"

namespace imbrex {

/// Brackets in one another, and bytes of a text: MLIR's parser recurses.
inline constexpr unsigned kMaxEntryNesting = 64;
inline constexpr size_t kMaxEntryBytes = size_t(64) << 20;

/// Refuses, with an error at its place, what must not reach MLIR's parser: texts and numbers that are too long,
/// brackets too deep, resources, affine maps.
mlir::LogicalResult checkEntryText(llvm::StringRef text, llvm::StringRef file, mlir::MLIRContext &context);

class EntryCheck {
public:
  EntryCheck(mlir::ModuleOp module, const Target &target, const mlir::AsmParserState &state,
             const llvm::SourceMgr &manager, llvm::StringRef file)
      : module(module), target(target), state(state), manager(manager), file(file) {}

  /// An error at the operation's place in the text.
  mlir::InFlightDiagnostic error(mlir::Operation *op) const;

  /// What is asked of the kernel is what this compilation is asked for, and what no device of the target lacks.
  mlir::LogicalResult checkRequest(mlir::Operation *kernel) const;
  /// The same of its launch; it has one if `expected`, else none.
  mlir::LogicalResult checkLaunch(mlir::Operation *kernel, bool expected) const;
  /// A name that PTX can have.
  mlir::LogicalResult checkName(mlir::Operation *kernel, llvm::StringRef name) const;
  /// No attribute that is neither inherent to the operation nor in `known`.
  mlir::LogicalResult checkAttributes(mlir::Operation *op, llvm::ArrayRef<llvm::StringRef> known) const;

  /// Calls `check` for each operation in `body` until one fails, or there are more than `most`.
  mlir::LogicalResult checkEach(mlir::Region &body, unsigned most,
                                llvm::function_ref<mlir::LogicalResult(mlir::Operation *)> check) const;

  mutable mlir::ModuleOp module; ///< a handle, whose accessors are not const
  const Target &target;

private:
  mlir::LogicalResult checkTarget(mlir::Operation *kernel, llvm::StringRef name) const;
  mlir::LogicalResult checkWarps(mlir::Operation *kernel, unsigned warps) const;

  const mlir::AsmParserState &state;
  const llvm::SourceMgr &manager;
  llvm::StringRef file;
};

/// Of stage tile, or with `isCta` of stage cta.
mlir::LogicalResult checkKernelEntry(const EntryCheck &check, bool isCta);
mlir::LogicalResult checkNvvmEntry(const EntryCheck &check);

} // namespace imbrex

#endif // IMBREX_COMPILER_ENTRY_ENTRYCHECK_H
