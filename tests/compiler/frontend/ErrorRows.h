//===- ErrorRows.h - Rows of the table of mistakes -------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the parts of ErrorsTest.cpp's table share: a row, the texts of kernels with a mistake, and options.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_COMPILER_FRONTEND_ERRORROWS_H
#define IMBREX_TESTS_COMPILER_FRONTEND_ERRORROWS_H

#include "Emit.h"
#include "compiler/frontend/Messages.h"

namespace imbrex::test {

struct Row {
  Message id;
  std::string text;
  std::string expected;
  CompileOptions options = {};
};

inline CompileOptions hook(const std::string &name, const std::string &function) {
  CompileOptions options;
  options.hooks[name] = function;
  return options;
}

inline CompileOptions stored(const std::string &view, const char *storage) {
  CompileOptions options;
  options.storage[view] = *Storage::parse(storage);
  return options;
}

/// `body` stands from line 3 on.
inline std::string body(const std::string &text) { return kernelOf(text); }

inline const std::string kHooks = "hook mask(at: coord) -> bool = true;\nfn causal(at) = at.k <= at.q;\n"
                                  "fn window(left: i32)(at) = at.k >= at.q - left;\nfn two(a, b) = a;\n"
                                  "fn bias(at) = load I[0] < 1; fn number(at) = 1.5;\n";

inline std::string varying(const std::string &body) {
  return "kernel k(X: view<f32>[B, S[B]], Y: out view<f32>[B, S[B]]) grid (B) |i| {\n" + body + "}";
}

inline std::string useHook() {
  return kernelOf("for j in tiles(N, 16) visible(mask) {\n"
                  "let at = coord(0, 0, iota(16)[:, _], iota(16)[_, :], N, N);\n"
                  "store Y[j, 0] = where(mask(at), 1.0, 0.0);\n}",
                  kHooks);
}

/// Bindings of hooks; extents that vary; what other languages would have.
std::vector<Row> hookRows();
std::vector<Row> varyingRows();
std::vector<Row> foreignRows();

inline CompileOptions set(CompileOptions::Settings settings) {
  CompileOptions options;
  options.set = std::move(settings);
  return options;
}

inline CompileOptions named(const std::string &kernel) {
  CompileOptions options;
  options.kernel = kernel;
  return options;
}

} // namespace imbrex::test

#endif // IMBREX_TESTS_COMPILER_FRONTEND_ERRORROWS_H
