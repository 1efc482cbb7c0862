//===- AlgebraTest.cpp - Random programs before and after the passes on tiles -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interpreter runs what a text was emitted as, and what the passes on tiles made of it; both results must be
// one, to rounding. Two kinds of programs: softmax in one pass over columns, in the forms that people write, on rows
// that hold everything from nothing to NaN; expressions of tiles, rows, columns and scalars; and chains of factors of
// any size.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "compiler/tile/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "tests/compiler/reference/Interpret.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;
using imbrex::testing::Random;

namespace {

/// A text after the passes on tiles, and what they had to say.
struct Passed {
  std::string text, remarks;
};

/// All of them but tile-expand-math, whose arithmetic on bits is of f32 that is held in 32 bits.
Passed runPasses(const std::string &text) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.registerActionHandler([](llvm::function_ref<void()> run, const mlir::tracing::Action &action) {
    const auto *pass = mlir::dyn_cast<mlir::PassExecutionAction>(&action);
    if (!pass || pass->getPass().getArgument() != "tile-expand-math")
      run();
  });
  context.loadDialect<tile::TileDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                      mlir::func::FuncDialect>();
  Passed result;
  mlir::ScopedDiagnosticHandler keep(&context, [&](mlir::Diagnostic &said) { result.remarks += said.str() + "\n"; });
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  mlir::PassManager passes(&context);
  buildTilePipeline(passes);
  if (mlir::succeeded(passes.run(*module)))
    llvm::raw_string_ostream(result.text) << *module;
  return result;
}

std::string emitted(const std::string &text) {
  CompileResult result = compile({"random.tile", text}, {}, Stage::Tile);
  EXPECT_TRUE(result.kernel) << result.errors() << text;
  return result.kernel ? result.kernel->code : "";
}

//===----------------------------------------------------------------------===//
// Softmax in one pass
//===----------------------------------------------------------------------===//

struct Softmax {
  std::string text;
  bool isHalf = false; ///< weights of f16
};

/// A way to write it: whether a scale is known to be positive, how weights and factors are made, what guards rows that
/// see nothing, what is summed.
Softmax randomSoftmax(Random &random) {
  Softmax made;
  made.isHalf = random.below(3) == 0;
  std::string T = made.isHalf ? "f16" : "f32";
  const char *exponentials[] = {"exp2((s - b[:, _]) * K)", "exp2(s * K - (b * K)[:, _])", "exp2(s - b[:, _])",
                                "exp(s - b[:, _])"};
  const char *factors[] = {"exp2((m - b) * K)", "exp2((m - b) * K)", "exp2(m - b)", "exp(m - b)"};
  unsigned form = random.below(4);
  std::string constant = random.below(2) ? "LOG2E" : "0.75";
  auto withConstant = [&](std::string expression) {
    for (size_t at; (at = expression.find('K')) != std::string::npos;)
      expression.replace(at, 1, constant);
    return expression;
  };
  std::string p = withConstant(exponentials[form]), a = withConstant(factors[form]);
  const char *scores[] = {"x * scale", "x", "15.0 * tanh(x * scale / 15.0)", "x / scale", "scale * x * 0.5"};
  const char *masks[] = {"true", "at.k <= at.q", "at.k > at.q + 3", "at.k >= at.q - 5 && at.k <= at.q + 2"};
  const char *guards[] = {"where(mn == -inf, 0, mn)", "where(mn > -inf, mn, 0)", "where(mn == -inf, 1, mn)"};
  bool isRequired = random.below(4) != 0, keepsMaximum = random.below(2);
  made.text = "kernel softmax(X: view<f32>[M, N], V: view<" + T +
              ">[N, 8], O: out view<f32>[M, 8], L: out view<f32>[M], " + "scale: f32)\n" +
              (isRequired ? "require scale > 0 && N > 0\n" : "") + "grid (cdiv(M, 16)) |i| {\n" +
              "  var m = fill<f32>[16](-inf);  var l = fill<f32>[16](0);  var acc = fill<f32>[16, 8](0);\n"
              "  for j in tiles(N, 8) {\n"
              "    let at = coord(0, 0, i * 16 + iota(16)[:, _], j * 8 + iota(8)[_, :], M, N);\n"
              "    let x = load X[i * 16 :+ 16, j * 8 :+ 8];\n"
              "    let s = where(" +
              masks[random.below(4)] + " && at.k < N, " + scores[random.below(5)] +
              ", -inf);\n"
              "    let mn = max(m, rowmax(s));\n    let b = " +
              guards[random.below(3)] +
              ";\n"
              "    let p = " +
              p + ";  let a = " + a + ";\n    l = l * a + rowsum(p);\n";
  made.text += random.below(4)
                   ? "    acc = dot(cast<" + T + ">(p), load V[j * 8 :+ 8, :], acc * a[:, _]);\n"
                   : "    acc = acc * a[:, _] + p * 0.5 - dot(cast<" + T + ">(p), load V[j * 8 :+ 8, :]);\n";
  made.text += "    m = mn;\n  }\n  let inv = 1 / where(l == 0, 1, l);\n"
               "  store O[i * 16 :+ 16, :] = acc * inv[:, _];\n  store L[i * 16 :+ 16] = ";
  made.text += keepsMaximum ? "where(l == 0, -inf, m + log(l));\n}\n" : "l;\n}\n";
  return made;
}

/// Rows of logits: usual ones, growing ones, rows of nothing, of infinities, of NaN, far below and above 0.
Array randomLogits(Random &random, int64_t rows, int64_t columns) {
  Array x(DataType::F32, {rows, columns});
  for (int64_t row = 0; row < rows; ++row) {
    unsigned kind = random.below(9);
    for (int64_t column = 0; column < columns; ++column) {
      double value = 8 * (random.uniform() - 0.5);
      value = kind == 1   ? column * 3.0
              : kind == 2 ? -INFINITY
              : kind == 3 ? value - 6e4
              : kind == 4 ? value * 100
              : kind == 5 ? (column < columns / 2 ? -INFINITY : value)
                          : value;
      if (kind == 6 && random.below(8) == 0)
        value = INFINITY;
      if (kind == 7 && random.below(8) == 0)
        value = NAN;
      x.set(size_t(row * columns + column), float(value));
    }
  }
  return x;
}

void expectSame(const std::vector<double> &before, const std::vector<double> &after, double tolerance,
                const std::string &text) {
  for (size_t i = 0; i < before.size() && !::testing::Test::HasFailure(); ++i) {
    bool same = before[i] == after[i] || (std::isnan(before[i]) && std::isnan(after[i])) ||
                std::fabs(before[i] - after[i]) <= tolerance * std::max(1.0, std::fabs(before[i]));
    EXPECT_TRUE(same) << "element " << i << ": " << before[i] << " as emitted, " << after[i] << " after the passes\n"
                      << text;
  }
}

TEST(Algebra, SoftmaxInOnePass) {
  int count = imbrex::testing::isLongRun() ? 3000 : 120, lagged = 0, folded = 0;
  for (int seed = 0; seed < count && !HasFailure(); ++seed) {
    Random random(uint64_t(seed) + 1);
    Softmax program = randomSoftmax(random);
    std::string before = emitted(program.text);
    Passed after = runPasses(before);
    lagged += after.remarks.find("are rescaled only where") != std::string::npos;
    folded += after.remarks.find("factor is taken") != std::string::npos;
    int64_t rows = 1 + random.below(40), columns = 1 + random.below(40);
    Array x = randomLogits(random, rows, columns), v(program.isHalf ? DataType::F16 : DataType::F32, {columns, 8});
    for (size_t i = 0; i < v.size(); ++i)
      v.set(i, double(random.below(9)) - 4);
    std::vector<double> results[2][2];
    for (bool isAfter : {false, true}) {
      Array o(DataType::F32, {rows, 8}), l(DataType::F32, {rows});
      EXPECT_EQ(runKernel(isAfter ? after.text : before, {(rows + 15) / 16, 1, 1},
                          {x.view(), v.view(), o.view(), l.view(), reference::Argument(0.125)}),
                "")
          << program.text;
      results[isAfter][0] = o.all(), results[isAfter][1] = l.all();
    }
    // The interpreter rounds f16 alone: 2^-11 of each weight; tanh and l itself as Grammar.md has it.
    double tolerance = program.isHalf ? 0x1p-7 : 1e-5;
    expectSame(results[0][0], results[1][0], tolerance, program.text + after.text);
    expectSame(results[0][1], results[1][1], tolerance, program.text + after.text);
  }
  EXPECT_GT(lagged, count / 4);
  EXPECT_GT(folded, count / 4);
}

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

/// An expression of the tile x, the column r, the row c and the scalar s, none of which is near 0.
std::string randomExpression(Random &random, int depth) {
  static constexpr const char *kLeaves[] = {"x", "x",   "x",   "r[:, _]", "c[_, :]",
                                            "s", "4.0", "3.0", "0.3",     "(r * 0.7)[:, _]"};
  if (depth == 0)
    return kLeaves[random.below(std::size(kLeaves))];
  std::string a = randomExpression(random, depth - 1);
  switch (random.below(8)) {
  case 0:
    return "(" + a + " + " + randomExpression(random, depth - 1) + ")";
  case 1:
    return "max(" + a + ", " + randomExpression(random, depth - 1) + ")";
  case 2:
    return "(" + a + " / " + kLeaves[random.below(std::size(kLeaves))] + ")";
  case 3:
    return "(" + a + " / (1.5 + abs(" + randomExpression(random, depth - 1) + ")))";
  case 4:
    return random.below(2) ? "tanh(" + a + ")" : "exp(min(" + a + ", 5.0))";
  default:
    return "(" + a + " * " + kLeaves[random.below(std::size(kLeaves))] + ")";
  }
}

TEST(Algebra, Expressions) {
  int count = imbrex::testing::isLongRun() ? 5000 : 200, divided = 0;
  for (int seed = 0; seed < count && !HasFailure(); ++seed) {
    Random random(uint64_t(seed) + 77);
    std::string type = random.below(2) ? "f32" : "bf16", e = randomExpression(random, 3);
    std::string text = "kernel e(X: view<" + type + ">[16, 8], R: view<" + type + ">[16], C: view<" + type +
                       ">[8], O: out view<f32>[16, 8], s: f32)\ngrid (1) |i| {\n"
                       "  let x = cast<f32>(load X[0 :+ 16, 0 :+ 8]);  let r = cast<f32>(load R[0 :+ 16]);\n"
                       "  let c = cast<f32>(load C[0 :+ 8]);\n  store O[0 :+ 16, 0 :+ 8] = x * 0 + " +
                       e + ";\n}\n";
    DataType data = *parseDataType(type);
    auto fill = [&](Array array) {
      for (size_t i = 0; i < array.size(); ++i)
        array.set(i, (random.below(2) ? 1 : -1) * (0.5 + double(random.below(56)) / 16));
      return array;
    };
    std::string before = emitted(text);
    Passed after = runPasses(before);
    divided += after.remarks.find("one reciprocal") != std::string::npos;
    Array x = fill(Array(data, {16, 8})), r = fill(Array(data, {16})), c = fill(Array(data, {8}));
    std::vector<double> results[2], errors;
    for (bool isAfter : {false, true}) {
      Array o(DataType::F32, {16, 8});
      reference::ViewData view = o.view();
      view.errors = isAfter ? nullptr : &errors;
      EXPECT_EQ(runKernel(isAfter ? after.text : before, {1, 1, 1},
                          {x.view(), r.view(), c.view(), view, reference::Argument(1.75)}),
                "")
          << text;
      results[isAfter] = o.all();
    }
    for (size_t i = 0; i < results[0].size() && !HasFailure(); ++i)
      EXPECT_LE(std::fabs(results[0][i] - results[1][i]), errors[i])
          << results[0][i] << " as emitted, " << results[1][i] << " after the passes\n"
          << text << after.text;
  }
  EXPECT_GT(divided, count / 8);
}

//===----------------------------------------------------------------------===//
// Chains of factors
//===----------------------------------------------------------------------===//

/// Statements that make y of x by factors from 1e-36 to 1e36, between which no value leaves 1e-30 .. 1e30.
std::string randomChain(Random &random) {
  std::string text = "  var y = x;\n";
  int exponent = 0; // of y
  for (int left = 2 + int(random.below(6)); left > 0; --left) {
    int change = std::clamp(int(random.below(73)) - 36, -30 - exponent, 30 - exponent);
    std::string digits = std::to_string(1 + random.below(9)) + ".0e";
    unsigned kind = random.below(6);
    if (kind == 0)
      text += "  y = y + rowmax(y)[:, _];\n";
    else if (kind == 1)
      text += random.below(2) ? "  y = y * r[:, _];\n" : "  y = s * y;\n";
    else
      text += kind == 2 ? "  y = y / " + digits + std::to_string(-change) + ";\n"
                        : "  y = y * " + digits + std::to_string(change) + ";\n";
    exponent += kind > 1 ? change : 0;
  }
  return text;
}

TEST(Algebra, ChainsOfFactorsOfAnySize) {
  int count = imbrex::testing::isLongRun() ? 5000 : 200, shorter = 0;
  auto products = [](const std::string &text) {
    int found = 0;
    for (size_t at = 0; (at = text.find("arith.mulf", at)) != std::string::npos; ++at)
      ++found;
    return found;
  };
  for (int seed = 0; seed < count && !HasFailure(); ++seed) {
    Random random(uint64_t(seed) + 1400); // the first 200 have a positive scalar beside constants beyond 2^-126
    std::string text = "kernel e(X: view<f32>[16, 8], R: view<f32>[16], O: out view<f32>[16, 8], s: f32)\n"
                       "require s > 0\ngrid (1) |i| {\n  let x = load X[0 :+ 16, 0 :+ 8];  let r = load R[0 :+ 16];\n" +
                       randomChain(random) + "  store O[0 :+ 16, 0 :+ 8] = y;\n}\n";
    std::string before = emitted(text);
    Passed after = runPasses(before);
    shorter += products(after.text) < products(before);
    Array x(DataType::F32, {16, 8}), r(DataType::F32, {16});
    for (size_t i = 0; i < x.size(); ++i)
      x.set(i, 1 + double(random.below(16)) / 16);
    for (size_t i = 0; i < r.size(); ++i)
      r.set(i, 1 + double(random.below(16)) / 16);
    std::vector<double> results[2];
    for (bool isAfter : {false, true}) {
      Array o(DataType::F32, {16, 8});
      EXPECT_EQ(runKernel(isAfter ? after.text : before, {1, 1, 1},
                          {x.view(), r.view(), o.view(), reference::Argument(1.75)}),
                "")
          << text;
      results[isAfter] = o.all();
    }
    for (size_t i = 0; i < results[0].size() && !HasFailure(); ++i)
      EXPECT_LE(std::fabs(results[0][i] - results[1][i]), 1e-6 * std::fabs(results[0][i]))
          << results[0][i] << " as emitted, " << results[1][i] << " after the passes\n"
          << text << after.text;
  }
  EXPECT_GT(shorter, count / 4);
}

} // namespace
