//===- Compiler.h - From tile text to PTX ---------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The compiler's door: a pure function of (source, options). It opens no file, reads no environment,
// holds no device; equal inputs give equal bytes. Safe to call from several threads at once, and in a
// forked child. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_COMPILER_H
#define IMBREX_COMPILER_COMPILER_H

#include "compiler/CompileOptions.h"
#include "compiler/Diagnostics.h"
#include "compiler/KernelInterface.h"
#include "compiler/KernelReport.h"
#include "compiler/Stage.h"
#include <functional>

namespace imbrex {

/// Wall time of one stage or of one pass inside it.
struct StageTime {
  std::string name; ///< "tile", "cta", ...
  double milliseconds;
};

/// What came of one kernel of a text.
struct CompiledKernel {
  std::string code; ///< text of the stage asked for: MLIR, or PTX
  Stage stage = Stage::Ptx;
  KernelInterface interface;
  KernelReport report;           ///< of the stages that were run, from cta on
  std::vector<StageTime> times;  ///< of the stages
  std::vector<StageTime> passes; ///< of the passes on MLIR, in the order in which they ran
};

/// What came of a compilation: its text at the stage that was asked for, and what is said of it.
struct CompileResult {
  std::optional<CompiledKernel> kernel; ///< absent if any diagnostic is an error
  std::vector<Diagnostic> diagnostics;  ///< errors with their notes; remarks on success
  /// It was stopped because the host's memory was short: that says nothing of the text.
  bool isOutOfMemory = false;
  /// All errors and notes, rendered.
  std::string errors() const;
  /// Of the first error.
  SizeLimit limit() const;
};

/// Called with the text of every stage passed, if given. Does not change the code.
using DumpStage = std::function<void(Stage, std::string_view text)>;

/// Called after each pass on MLIR with its name and the whole module's text, if given. Does not change the code.
using DumpPass = std::function<void(Stage, std::string_view pass, std::string_view text)>;

/// What is told beside the code. Does not change the code.
struct Detail {
  bool locations = true; ///< texts of MLIR say where each operation came from: needed to go on from them with `.loc`
  bool explain = false;  ///< KernelReport's listings, uses of buffers and ranges of loops
};

/// Compiles `source` from its text to `until` (at most Stage::Ptx).
CompileResult compile(const Source &source, const CompileOptions &options, Stage until = Stage::Ptx,
                      const DumpStage &dump = {}, const DumpPass &dumpPass = {}, const Detail &detail = {});

/// Compiles from the text of a later stage (`source.text` is the MLIR of `from`, or PTX). Whatever the text, it is
/// checked before the stage's passes see it: what they could not take is a diagnostic (compiler/entry). Only code
/// and diagnostics are given: the interface of such a kernel holds its entry, target, warps, shared bytes and, from
/// tile or cta, launch values (of PTX: entry and target).
CompileResult compileFrom(Stage from, const Source &source, const CompileOptions &options, Stage until = Stage::Ptx,
                          const DumpStage &dump = {}, const DumpPass &dumpPass = {}, const Detail &detail = {});

/// The kernels of a file (options.kernel alone, if it is not empty), unspecialised, with what options.hooks capture.
/// Errors as in compile.
struct Description {
  std::vector<KernelSignature> kernels;
  std::vector<Diagnostic> diagnostics;
};
/// Looks at the text alone: nothing is specialised, no stage is run.
Description describe(const Source &source, const CompileOptions &options = {});

/// Identifies this build of the compiler in cache keys: version, LLVM's version and a hash of the sources.
std::string_view compilerBuildId();

} // namespace imbrex

#endif // IMBREX_COMPILER_COMPILER_H
