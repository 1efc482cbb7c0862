//===- Emit.h - Text in, tile dialect or messages out -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the frontend's tests share: one call that parses and emits, and kernels small enough to write
// only the lines a test is about.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_COMPILER_FRONTEND_EMIT_H
#define IMBREX_TESTS_COMPILER_FRONTEND_EMIT_H

#include "compiler/CompileOptions.h"
#include "compiler/Diagnostics.h"
#include "compiler/KernelInterface.h"
#include <string>

namespace imbrex::test {

struct Emitted {
  std::string ir;     ///< of the tile stage, as emitted and verified; empty if there is an error
  std::string errors; ///< "line:col: message", one a line
  unsigned errorCount = 0;
  KernelInterface interface;

  bool has(const std::string &text) const { return ir.find(text) != std::string::npos; }
  /// How often `text` stands in the IR.
  unsigned count(const std::string &text) const;
};

/// Parses and emits; with `locations`, the IR carries them.
Emitted emit(const Source &source, const CompileOptions &options = {}, bool locations = false);
/// The text may import some of the tests' (Emit.cpp).
Emitted emit(const std::string &text, const CompileOptions &options = {}, bool locations = false);

/// A kernel `k` over X: view<f32>[N, 64], H: view<f16>[N, 64], I: view<i32>[N], Y: out view<f32>[N, 64], a scalar
/// f: f32 and n: i32, position i, with `body`; `declarations` come before it.
std::string kernelOf(const std::string &body, const std::string &declarations = "");

/// A file of the source tree; records a test failure if it cannot be read.
std::string readFile(const std::string &path);

} // namespace imbrex::test

#endif // IMBREX_TESTS_COMPILER_FRONTEND_EMIT_H
