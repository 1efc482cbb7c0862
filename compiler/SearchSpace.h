//===- SearchSpace.h - What a kernel's tuning may choose among --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All assignments of a kernel's tuning parameters, each allowed or refused with what it breaks: a constraint (`where`),
// the warps or stages that there may be. Only the text is looked at, a few microseconds an assignment. What the
// compiler's own numbers refuse (registers, shared bytes, size: Diagnostic::limit), compile() says of each, before it
// makes machine code. A pure function; thread-safe. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SEARCHSPACE_H
#define IMBREX_COMPILER_SEARCHSPACE_H

#include "compiler/CompileOptions.h"
#include "compiler/Diagnostics.h"

namespace imbrex {

/// One assignment.
struct TunePoint {
  std::map<std::string, int64_t, std::less<>> tuning; ///< every tuning parameter of the kernel's text
  std::string refusal;                                ///< "": allowed; else what it breaks, one sentence
  /// Passes round the innermost loops of one instance, each loop in full (no mask cuts it): for a model of its time.
  int64_t passes = 1;
};

/// Whose tunings are asked for.
struct SearchRequest {
  CompileOptions options; ///< one specialisation; what its `set` says of tuning parameters is kept
  bool rounding = false;  ///< also varies the parameters that may change the last bits of results
  /// For `passes`; a loop whose length they do not tell counts one.
  std::map<std::string, int64_t, std::less<>> extents = {};
};

/// All tunings of a kernel, the refused ones with their reasons.
struct SearchSpace {
  std::vector<TunePoint> points;       ///< the first is what an untuned kernel takes; empty on an error
  std::vector<Diagnostic> diagnostics; ///< errors of the text or of `options`; a space of more than kMostTunePoints
};

/// More assignments than these are an error of the text.
inline constexpr size_t kMostTunePoints = size_t(1) << 16;

/// Compiles nothing. Any thread may call it; mistakes of the text are its diagnostics.
SearchSpace searchSpace(const Source &source, const SearchRequest &request);

} // namespace imbrex

#endif // IMBREX_COMPILER_SEARCHSPACE_H
