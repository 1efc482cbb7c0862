//===- SpillAdvice.h - What to set so that nothing is spilled --- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel whose threads need more registers than they can have works, slowly: the assembler spills to local memory.
// Only the assembler knows how much, so other points of the kernel's `tune` are compiled and assembled.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_SPILLADVICE_H
#define IMBREX_TOOLS_IMBREX_SPILLADVICE_H

#include "compiler/Compiler.h"
#include "runtime/Assemble.h"

namespace imbrex::tool {

/// A tuning parameter to set, all else as it was, and what is spilled then: less than before.
struct SpillAdvice {
  std::string parameter;
  int64_t value = 0;
  unsigned bytes = 0;
};

/// What to change in `kernel`, compiled from `source` with `options`, of whose code `bytes` are spilled: first more
/// warps, the fewest first, then smaller values of its other parameters, the largest first, at most eight tries. The
/// first change without spills, else the best; nullopt if none is better. Takes the time of compiling what it tries.
std::optional<SpillAdvice> adviseOnSpills(const Source &source, const CompileOptions &options,
                                          const CompiledKernel &kernel, const Assembler &assembler, unsigned bytes);

/// "warps=4 spills nothing", "warps=4 spills 24 bytes, the fewest of what was tried; ..."
std::string toString(const std::optional<SpillAdvice> &advice);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_SPILLADVICE_H
