//===- CleanAssembly.h - Machine code as a runtime would have it - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `build` and `explain` assemble is what a runtime with the same assembler would load: where the assembler spills,
// that is a tuning near the asked one (runtime/NearTunings.h).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_CLEANASSEMBLY_H
#define IMBREX_TOOLS_IMBREX_CLEANASSEMBLY_H

#include "runtime/NearTunings.h"

namespace imbrex::tool {

/// Settings of tuning parameters, and what is wrong with the machine code then.
struct TuningFaults {
  Tuning settings;
  AssemblyFaults faults;
};

struct CleanAssembly {
  AssembledKernel code;
  Tuning tuning;         ///< every tuning parameter, where it is not what was asked for; else empty
  TuningFaults replaced; ///< what the asked tuning has in place of that
  /// Where faults are left though parameters that were set by hand may be others: those, which are worth it.
  std::optional<TuningFaults> advice;
  bool isDefault = false; ///< faults are left though no tuning parameter was set by hand
};

/// Machine code of `kernel`, compiled from `source` with `options`, or of a tuning near it. What `options` sets is only
/// advised upon. Takes the time of compiling and assembling what is tried.
Result<CleanAssembly> assembleClean(const Source &source, const CompileOptions &options, const CompiledKernel &kernel,
                                    const Assembler &assembler, bool lineTable = false);

/// "warps=4 BM=64"
std::string settingsText(const Tuning &settings);
/// "spills 24 bytes", "spills nothing", "spills nothing, but the assembler makes 2 repairs".
std::string faultsText(const AssemblyFaults &faults);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_CLEANASSEMBLY_H
