//===- Limits.h - Measured compilations -------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a text in a child and says what that took. Judged is only what is the same on a slow machine: that the
// compilation ends, how much code each stage made, how much memory it took, and that what is refused is refused before
// LLVM sees it. Seconds are printed.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_COMPILER_LIMITS_LIMITS_H
#define IMBREX_TESTS_COMPILER_LIMITS_LIMITS_H

#include "compiler/Compiler.h"

namespace imbrex::test {

/// What one compilation took. `isCompiled`, or refused with `errors`.
struct Outcome {
  bool isCompiled = false;
  bool isRefusedForSize = false; ///< or a number of its text for its length
  bool isShared = false;         ///< its program is one before it in the list: all figures are that one's
  double seconds = 0;            ///< of the processor
  size_t nvvmLines = 0;          ///< of the text of stage nvvm, which LLVM gets; 0 if it was never made
  size_t ptxLines = 0;
  long kibibytes = 0; ///< the child's peak of memory, with the process around the compilation and what it did before
  std::string errors;
};

/// Compiles a text in a forked child, so that its memory is its own and a signal is an outcome ("signal 11").
Outcome compileInChild(const Source &source, const CompileOptions &options = {});
Outcome compileInChild(const std::string &text, const CompileOptions &options = {});

/// All of a list in as few children as signals allow. Points whose text at stage tile is the same are compiled once.
std::vector<Outcome> compileInChild(const Source &source, const std::vector<CompileOptions> &list);

/// Prints the outcome as a line, and expects it to lie within the limits.
void expectWithinLimits(const std::string &what, const Outcome &outcome);

/// The largest figures of many outcomes, each with the name of what took it.
class Worst {
public:
  void add(const std::string &what, const Outcome &outcome);
  void print() const;

private:
  struct Figure {
    double value = 0;
    std::string what;
  };
  Figure seconds, mebibytes, nvvmLines, ptxLines;
  unsigned count = 0, shared = 0, refused = 0;
};

} // namespace imbrex::test

#endif // IMBREX_TESTS_COMPILER_LIMITS_LIMITS_H
