//===- ParserTest.cpp - From tokens to a tree -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Trees of good text, and recovery after mistakes.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Parser.h"
#include "gtest/gtest.h"

using namespace imbrex;
using namespace imbrex::ast;

static std::unique_ptr<File> parse(const std::string &text, unsigned errors = 0) {
  Source source{"t", text};
  Diagnostics diagnostics(source);
  std::unique_ptr<File> file = Parser(source.text, diagnostics).parseFile();
  EXPECT_EQ(diagnostics.errorCount(), errors) << text;
  return file;
}

/// `expression` as it was understood, with parentheses where operators nest.
static std::string shapeOf(const std::string &expression) {
  std::unique_ptr<File> file = parse("fn f() = " + expression + ";");
  return file->functions.size() == 1 ? toText(*file->functions[0].results[0]) : "nothing";
}

TEST(Parser, Precedence) {
  EXPECT_EQ(shapeOf("a + b * c - d"), "(a + (b * c)) - d");
  EXPECT_EQ(shapeOf("a < b && c == d || e"), "((a < b) && (c == d)) || e");
  EXPECT_EQ(shapeOf("-a * b"), "-a * b");
  EXPECT_EQ(shapeOf("!a.T[:, _]"), "!a.T[:, _]");
  EXPECT_EQ(shapeOf("(a + b) * c"), "(a + b) * c");
  EXPECT_EQ(shapeOf("a & b == c | d ^ e & f << g + h"), "(a & b) == (c | (d ^ (e & (f << (g + h)))))");
  EXPECT_EQ(shapeOf("cast<wide<T>>(x) >> 2 > y"), "(cast<T>(x) >> 2) > y");
  EXPECT_EQ(shapeOf("load A[0].T"), "load A[...].T");
  EXPECT_EQ(shapeOf("a / b / c"), "(a / b) / c");
}

TEST(Parser, Calls) {
  EXPECT_EQ(shapeOf("dot(a, b.T, fill<f32>[2, 4](0))"), "dot(a, b.T, fill[2, 4](0))");
  EXPECT_EQ(shapeOf("dot<tf32>(a, b) < 1"), "dot<tf32>(a, b) < 1");
  EXPECT_EQ(shapeOf("cast<wide<T>>(x) < 1"), "cast<T>(x) < 1");
  EXPECT_EQ(shapeOf("window(64, 0)(at) && f(x)"), "window(64, 0)(at) && f(x)");
}

TEST(Parser, HooksAndFunctions) {
  auto file = parse("hook score(s: f32, at: coord) -> f32 = s; fn w(left: i32)(at) = left; fn g(a) -> bool = a;");
  ASSERT_EQ(file->functions.size(), 3u);
  EXPECT_TRUE(file->functions[0].isHook);
  EXPECT_EQ(file->functions[0].types[0].name, "f32");
  EXPECT_EQ(file->functions[1].extras.size(), 1u);
  EXPECT_EQ(file->functions[1].parameters.size(), 1u);
  EXPECT_EQ(file->functions[2].extras.size(), 0u);
}

TEST(Parser, BodiesOfFunctions) {
  auto file =
      parse("fn f(x) -> f32, i32 { let a, b = g(x); var s = a; if b { s += 1; } return s, b; } fn g(x) { return x; }");
  ASSERT_EQ(file->functions.size(), 2u);
  const ast::Function &f = file->functions[0];
  EXPECT_EQ(f.types.size(), 2u);
  EXPECT_EQ(f.body.size(), 3u);
  EXPECT_EQ(f.body[0]->moreNames, std::vector<std::string>{"b"});
  EXPECT_EQ(f.results.size(), 2u);
  EXPECT_EQ(file->functions[1].body.size(), 0u);
}

TEST(Parser, Kernel) {
  auto file = parse("kernel k<T: f16 | f32, D: int>(X: view<T>[N, D * 2], L: out? view<wide<T>>[N], s: f32)\n"
                    "require D > 0\n"
                    "tune { B: {1, 2} = 2; W: 2..4 = 3; where B < W; on sm_80, sm_90a { B = 1; } when D > 1 { B = 2; } "
                    "on sm_90 when D > 2 { B = 1; }\n"
                    "       key T, pow2(N); rounding B, W; }\n"
                    "grid (cdiv(N, B), D) |i, j| { if L { store L[i] = 1; } else if D > 1 { } }");
  ASSERT_EQ(file->kernels.size(), 1u);
  const Kernel &kernel = file->kernels[0];
  EXPECT_EQ(kernel.generics[0].allowed, (std::vector{DataType::F16, DataType::F32}));
  EXPECT_TRUE(kernel.generics[1].isInteger);
  EXPECT_TRUE(kernel.parameters[1].optional && kernel.parameters[1].output && kernel.parameters[1].type.wide);
  EXPECT_FALSE(kernel.parameters[2].isView || kernel.parameters[1].inPlace);
  EXPECT_EQ(kernel.tune.tunables[1].choices, (std::vector<int64_t>{2, 3, 4}));
  EXPECT_EQ(kernel.tune.cases[0].targets.size(), 2u);
  EXPECT_TRUE(kernel.tune.cases[2].condition && kernel.tune.cases[2].targets.size() == 1);
  EXPECT_EQ(kernel.tune.key.size(), 2u);
  EXPECT_EQ(kernel.tune.rounding.size(), 2u);
  EXPECT_EQ(kernel.gridNames.size(), 2u);
  EXPECT_EQ(kernel.body[0]->otherwise[0]->kind, Stmt::If);
}

TEST(Parser, InPlace) {
  auto file = parse("kernel k(C: var view<f32>[N]) grid (1) |i| { store C[i] = 1; store C[i] += 2; }");
  const Kernel &kernel = file->kernels.at(0);
  EXPECT_TRUE(kernel.parameters[0].output && kernel.parameters[0].inPlace && !kernel.parameters[0].optional);
  EXPECT_EQ(kernel.body[0]->op + "," + kernel.body[1]->op, ",+");
}

TEST(Parser, GoesOnAfterAnError) {
  auto file =
      parse("fn a( = 1;\nfn b() = 2;\nkernel k(n: i32) grid (1) |i| { let x = ; let y = 1; for }\nfn c() = 3;", 3);
  EXPECT_EQ(file->functions.size(), 2u);
  EXPECT_EQ(file->kernels.size(), 1u);
}

TEST(Parser, Bindings) {
  for (auto [text, ok] : {std::pair("causal", true),
                          {"window(1, -1)", true},
                          {"a(at) && b(ids)(at)", true},
                          {"fn a(x: view<f32>[N])(s, at) = s; fn b(s) = s; b(a(x)(s, at))", true},
                          {"a b", false},
                          {"a(", false},
                          {"fn a(s) = s;", false},
                          {"hook a(s) = s; a(s)", false}}) {
    Source source{"t", text};
    Diagnostics diagnostics(source);
    ast::File own;
    EXPECT_EQ(bool(Parser(source.text, diagnostics).parseBinding(own)), ok) << text;
    EXPECT_EQ(diagnostics.hasErrors(), !ok) << text;
  }
}
