//===- BombsTest.cpp - Small texts that could compile for long ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kinds of texts on which some pass takes more than linear time, or that expand to much code. Each is compiled
// within the limits, or refused with the number that was too large.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/limits/Limits.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

namespace {

std::string number(size_t i) { return std::to_string(i); }

/// `piece(i)` for every i below `count`, one after another.
template <typename Piece> std::string repeat(size_t count, Piece piece) {
  std::string text;
  for (size_t i = 0; i < count; ++i)
    text += piece(i);
  return text;
}

std::string kernel(const std::string &type, const std::string &body, unsigned warps = 1) {
  return "kernel k(X: view<" + type + ">[N, M], Y: out view<" + type + ">[N, M]) tune { warps: {" + number(warps) +
         "} = " + number(warps) + "; } grid (N) |i| { " + body + " }";
}

/// a0 = first, a(i+1) = step with a for a(i), `count` times, stored.
std::string chain(const std::string &type, size_t count, const std::string &first, const std::string &step,
                  const std::string &slice) {
  std::string body = "let a0 = " + first + "; " + repeat(count, [&](size_t i) {
                       std::string text = step;
                       for (size_t at = 0; (at = text.find('$', at)) != std::string::npos;)
                         text.replace(at, 1, "a" + number(i));
                       return "let a" + number(i + 1) + " = " + text + "; ";
                     });
  return kernel(type, body + "store Y[" + slice + "] = a" + number(count) + ";");
}

void check(const std::string &what, const std::string &text) { expectWithinLimits(what, compileInChild(text)); }

TEST(Bombs, ChainsOfIntegers) {
  check("60 doubled scalars", chain("i32", 60, "i", "$ + $", "i, i"));
  check("60 doubled scalars where a store ends",
        kernel("i32", "let a0 = i; " + repeat(60, [](size_t i) {
                        return "let a" + number(i + 1) + " = a" + number(i) + " + a" + number(i) + "; ";
                      }) + "let P = Y[0 .. a60, :]; store P[i, 0 :+ 8] = load X[i, 0 :+ 8];"));
  check("30 squared scalars", chain("i32", 30, "i", "$ * $", "i, i"));
  check("59 divisions of 64 bits, 128 a thread",
        chain("i64", 59, "load X[i, 0 :+ 4096]", "$ / ($ % 7 + cast<i64>(i))", "i, 0 :+ 4096"));
  check("30 divisions of 8 bits, 256 a thread",
        chain("i8", 30, "load X[i, 0 :+ 8192]", "$ * $ / ($ + 3)", "i, 0 :+ 8192"));
}

TEST(Bombs, Functions) {
  check("500 exp of f64", chain("f64", 500, "load X[i, 0 :+ 32]", "exp($ * 0.5)", "i, 0 :+ 32"));
  check("40 exp of f64, 32 a thread", chain("f64", 40, "load X[i, 0 :+ 1024]", "exp($ * 0.5)", "i, 0 :+ 1024"));
  check("200 tanh of f32", chain("f32", 200, "load X[i, 0 :+ 64]", "tanh($)", "i, 0 :+ 64"));
}

/// Refused for `what` before any pass goes over them again and again.
void expectRefusedFor(const std::string &name, const std::string &what, const std::string &text) {
  Outcome outcome = compileInChild(text);
  expectWithinLimits(name, outcome);
  EXPECT_NE(outcome.errors.find(what), std::string::npos) << name << ": " << outcome.errors;
}

TEST(Bombs, ManyOperations) {
  check("5000 steps of one element a thread", chain("f32", 5000, "load X[i, 0 :+ 32]", "$ * 1.5 + a0", "i, 0 :+ 32"));
  expectRefusedFor("20000 steps of one element a thread", "20001 operations, more than 20000",
                   chain("f32", 20000, "load X[i, 0 :+ 32]", "$ * 1.5 + a0", "i, 0 :+ 32"));
  expectRefusedFor("2000 exp of f64, written out", "20001 operations, more than 20000",
                   chain("f64", 2000, "load X[i, 0 :+ 32]", "exp($ * 0.5)", "i, 0 :+ 32"));
  expectRefusedFor("3000 products of f32", "1025 tiles in shared memory, more than 1024",
                   chain("f32", 3000, "load X[0 :+ 16, 0 :+ 16]", "dot($, $)", "0 :+ 16, 0 :+ 16"));
}

TEST(Bombs, Loops) {
  auto loop = [](size_t i) { return "for j" + number(i) + " in 0..N { s += load X[j" + number(i) + ", 0 :+ 32]; } "; };
  for (size_t count : {300, 3000})
    check(number(count) + " loops after one another",
          kernel("f32", "var s = fill<f32>[32](0); " + repeat(count, loop) + "store Y[i, 0 :+ 32] = s;"));
  auto branch = [](size_t i) { return "if s > " + number(i) + ".5 { store Y[" + number(i) + ", 1] = s; s *= 2.0; } "; };
  for (size_t count : {100, 3000}) {
    std::string text = kernel("f32", "var s = load X[0, 0]; " + repeat(count, branch) + "store Y[i, 0] = s;");
    Outcome outcome = compileInChild(text);
    expectWithinLimits(number(count) + " ifs after one another", outcome);
    EXPECT_EQ(outcome.isCompiled, count == 100) << "what an if costs beside its body is counted";
  }
  auto open = [](size_t i) { return "for j" + number(i) + " in 0..N { "; };
  check("16 loops in one another",
        kernel("f32", "var s = fill<f32>[32](0); " + repeat(16, open) + "s += load X[j0 + j15, 0 :+ 32]; " +
                          std::string(16, '}') + " store Y[i, 0 :+ 32] = s;"));
  check("a product in 16 loops",
        kernel("f16", "var s = fill<f32>[16, 64](0); " + repeat(16, open) +
                          "s = dot(load X[0 :+ 16, 0 :+ 64], load X[0 :+ 64, 0 :+ 64], s); " + std::string(16, '}') +
                          " store Y[0 :+ 16, 0 :+ 64] = cast<f16>(s);"));
}

TEST(Bombs, Tiles) {
  check("products of f32 in one warp", kernel("f32", "store Y[0 :+ 128, 0 :+ 128] = dot(load X[0 :+ 128, 0 :+ 128], "
                                                     "load X[0 :+ 128, 0 :+ 128]);"));
  check("64 x 64 x 64 of f64 in one warp",
        kernel("f64", "store Y[0 :+ 64, 0 :+ 64] = dot(load X[0 :+ 64, 0 :+ 64], load X[0 :+ 64, 0 :+ 64]);"));
  check("250 transposes", chain("f32", 250, "load X[0 :+ 64, 0 :+ 64]", "$.T + $", "0 :+ 64, 0 :+ 64"));
  check("400 steps, 64 a thread", chain("f32", 400, "load X[i, 0 :+ 2048]", "$ * $ + a0", "i, 0 :+ 2048"));
}

std::string manyViews(size_t count) {
  auto view = [](size_t i) {
    std::string n = number(i);
    return "X" + n + ": view<f32>[A" + n + ", B" + n + ", C" + n + ", D" + n + "], ";
  };
  auto use = [](size_t i) { return "s += load X" + number(i) + "[i, i, i, 0 :+ 128]; "; };
  return "kernel k(" + repeat(count, view) + "Y: out view<f32>[N]) grid (1) |i| { var s = fill<f32>[128](0); " +
         repeat(count, use) + "store Y[0 :+ 128] = s; }";
}

TEST(Bombs, Views) {
  for (size_t count : {100, 400, 700})
    check(number(count) + " views of rank 4", manyViews(count));
  auto codeOf = [](size_t count) {
    CompileResult result = compile({"limits.tile", manyViews(count)}, {});
    return result.kernel ? result.kernel->code : result.errors();
  };
  EXPECT_NE(codeOf(100).find(".version 8.1"), std::string::npos); // parameters beyond 4,096 bytes
  EXPECT_NE(codeOf(3).find(".version 8.0"), std::string::npos);
  EXPECT_NE(codeOf(700).find("take 33612 bytes, more than the 32764"), std::string::npos);
}

TEST(Bombs, Literals) {
  for (size_t count : {5000, 500000})
    for (const char *first : {"0.", "1e", "1"})
      check(number(count) + " digits after " + first,
            kernel("f32", std::string("store Y[0, 0] = ") + first + std::string(count, '1') + ";"));
  check("200 digits after 0.", kernel("f32", "store Y[0, 0] = 0." + std::string(200, '1') + ";"));
}

} // namespace
