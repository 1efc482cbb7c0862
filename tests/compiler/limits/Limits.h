//===- Limits.h - Measured compilations -------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles a text and says how long that took, in seconds of this thread: what else the machine does adds nothing.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_COMPILER_LIMITS_LIMITS_H
#define IMBREX_TESTS_COMPILER_LIMITS_LIMITS_H

#include "compiler/Compiler.h"
#include <ctime>

namespace imbrex::test {

/// What every text must be compiled or refused in.
inline constexpr double kMostSeconds = 2;

struct Measured {
  CompileResult result;
  double seconds;
};

inline double threadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9;
}

inline Measured measure(const std::string &text, const CompileOptions &options = {}) {
  double begin = threadSeconds();
  CompileResult result = compile({"limits.tile", text}, options);
  return {std::move(result), threadSeconds() - begin};
}

/// True if the compiler refused the kernel for its size, or a number of its text for its length.
inline bool isRefusedForSize(const CompileResult &result) {
  return result.limit() != SizeLimit::None || result.errors().find("a number may have") != std::string::npos;
}

} // namespace imbrex::test

#endif // IMBREX_TESTS_COMPILER_LIMITS_LIMITS_H
