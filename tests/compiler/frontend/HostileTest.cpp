//===- HostileTest.cpp - No text crashes or hangs the frontend ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Truncated and damaged kernels, and texts made to be large where a walk is recursive or quadratic. What
// comes out does not matter; that it comes out soon, with a module or an error, does (emit() checks it).
// tests/fuzz searches further.
//
//===----------------------------------------------------------------------===//

#include "Emit.h"
#include "tests/support/TreeSource.h"
#include "gtest/gtest.h"
#include <ctime>
#include <random>

using namespace imbrex;
using namespace imbrex::test;

static CompileOptions options() {
  CompileOptions options;
  options.set = {{"T", "bf16"}, {"DQK", "64"}, {"DV", "64"}, {"G", "2"}};
  options.hooks = {{"mask", "causal_window(64)"}, {"score", "softcap(15)"}};
  return options;
}

static const std::string kAttention = std::string(IMBREX_SOURCE_DIR) + "/kernels/attention_forward.tile";

/// `text` where attention_forward.tile stands, whose imports it may have.
static Source standIn(const std::string &text) {
  return withImports({kAttention, text}, imbrex::testing::besideInTree);
}

static std::vector<std::string> samples() {
  return {readFile("kernels/attention_forward.tile"), readFile("kernels/lessons/matmul.tile"),
          readFile("kernels/lessons/softmax.tile"), readFile("kernels/lessons/vector_add.tile")};
}

TEST(Hostile, Truncations) {
  for (const std::string &sample : samples())
    for (size_t length = 0; length < sample.size(); length += 3)
      emit(standIn(sample.substr(0, length)), options());
}

TEST(Hostile, DamagedBytes) {
  std::mt19937 random(1);
  const std::string alphabet = "(){}[]<>=!&|+-*/%.,:;?_ 0123456789aTx\n\x01\xff";
  for (const std::string &sample : samples())
    for (int i = 0; i < 600; ++i) {
      std::string text = sample;
      for (unsigned changes = 1 + random() % 3; changes > 0; --changes)
        text[random() % text.size()] = alphabet[random() % alphabet.size()];
      emit(standIn(text), options());
    }
}

TEST(Hostile, MovedPieces) {
  std::mt19937 random(2);
  for (const std::string &sample : samples())
    for (int i = 0; i < 300; ++i) {
      std::string text = sample;
      size_t from = random() % text.size(), length = random() % 40;
      std::string piece = text.substr(from, length);
      if (random() % 2)
        text.erase(from, length);
      text.insert(random() % (text.size() + 1), piece);
      emit(standIn(text), options());
    }
}

TEST(Hostile, DamagedHooks) {
  std::mt19937 random(3);
  const std::string kernel = readFile("kernels/attention_forward.tile");
  const std::string alphabet = "(),-1e9.nif;&\"\n\xff wx";
  for (int i = 0; i < 300; ++i) {
    CompileOptions damaged = options();
    std::string &text = damaged.hooks[random() % 2 ? "mask" : "score"];
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes)
      text.insert(random() % (text.size() + 1), 1, alphabet[random() % alphabet.size()]);
    if (random() % 4 == 0)
      text.erase(random() % text.size());
    emit(standIn(kernel), damaged);
  }
}

static std::string repeat(const std::string &text, size_t bytes) {
  std::string result;
  while (result.size() < bytes)
    result += text;
  return result;
}

/// A name of its own for each of `count` copies of `text`, where # stands.
static std::string numbered(const std::string &text, unsigned count) {
  std::string result;
  for (unsigned i = 0; i < count; ++i)
    for (char c : text)
      result += c == '#' ? std::to_string(i) : std::string(1, c);
  return result;
}

TEST(Hostile, LargeTextsEndSoon) {
  const size_t kAlmost = 1000000;
  std::string carried = numbered("var a# = 1;\n", 8000) + repeat("for j in 0..n {", 2250) + numbered("a# = 2;\n", 8000);
  const std::string texts[] = {
      repeat("(", kAlmost),
      repeat("fn f() = 1;\n", kAlmost),
      numbered("fn f#() = 1;\n", 60000),
      kernelOf("let x = " + repeat("1 + ", kAlmost) + "1;"),
      kernelOf("let x = " + repeat("(1 + ", kAlmost)),
      kernelOf("let x = " + repeat("f(", kAlmost)),
      kernelOf("let x = " + repeat("load X[", kAlmost)),
      kernelOf(repeat("if n < 1 {", kAlmost)),
      kernelOf(repeat("if n < 1 {} else ", kAlmost)),
      kernelOf(numbered("let a# = n + n;\n", 50000)),
      kernelOf(numbered("let a# = b#;\n", 50000)),
      kernelOf(repeat("store Y[0, 0] = f;\n", kAlmost)),
      kernelOf(carried + repeat("}", 150)),
      "kernel k(X: view<f32>[N]) tune {" + numbered("B#: {1, 2} = 1;", 60000) + "} grid (1) |i| {}",
      "kernel k(X: view<f32>[N]) tune { B: {1} = 1;" + repeat("when true { B = 1; }", kAlmost) + "} grid (1) |i| {}",
      "kernel k(" + numbered("X#: view<f32>[N#],", 50000) + "Y: f32) grid (1) |i| {}",
      "kernel k(X: view<f32>[" + repeat("N + ", kAlmost) + "N]) grid (1) |i| {}",
      std::string(kAlmost, 'a'),
      std::string(kAlmost, '\n') + "$",
      std::string(kAlmost, '9'),
  };
  for (const std::string &text : texts) {
    std::clock_t begin = std::clock(); // of the processor: others may use the machine
    emit(text);
    EXPECT_LT(double(std::clock() - begin) / CLOCKS_PER_SEC, 10.0) << text.substr(0, 200);
  }
}
