//===- MasksTest.cpp - Random masks against brute force -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A mask's value depends on positions only, never on the size of a tile. Random masks, with constants up
// to the edges of i32, are put into a kernel whose result says for each query which keys it saw (a sum of
// 2^k, exact in f64). The numbers are compared with the mask evaluated here in 128 bits: the text as
// emitted, and after the passes on tiles, for three tile sizes each.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "compiler/tile/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "tests/compiler/reference/Interpret.h"
#include "tests/support/RunMode.h"
#include <gtest/gtest.h>
#include <random>

using namespace imbrex;
using namespace imbrex::test;

namespace {

struct Place {
  int64_t q, k, Sq, Sk;
};

/// An expression as text, and its value.
template <typename T> struct Term {
  std::string text;
  std::function<T(const Place &)> value;
};
using Number = Term<__int128>;
using Truth = Term<bool>;

/// Writes random masks.
class MaskGenerator {
public:
  explicit MaskGenerator(uint64_t seed) : random(seed) {}

  Truth mask() {
    Truth all = chance(15) ? either(comparison(), comparison()) : comparison();
    for (int64_t more = pick(0, 2); more > 0; --more)
      all = both(all, chance(20) ? either(comparison(), comparison()) : comparison());
    return all;
  }
  int64_t pick(int64_t low, int64_t high) { return low + int64_t(random() % uint64_t(high - low + 1)); }

private:
  bool chance(int percent) { return pick(1, 100) <= percent; }

  int64_t constant() {
    switch (pick(0, 4)) {
    case 0:
      return INT32_MAX - pick(0, 100);
    case 1:
      return INT32_MIN + pick(0, 100);
    case 2:
      return pick(INT32_MIN, INT32_MAX);
    default:
      return pick(-60, 60);
    }
  }
  Number field() {
    switch (pick(0, 5)) {
    case 0:
      return {"at.Sq", [](const Place &at) { return at.Sq; }};
    case 1:
      return {"(at.Sk - at.Sq)", [](const Place &at) { return at.Sk - at.Sq; }};
    case 2:
    case 3:
      return {"at.q", [](const Place &at) { return at.q; }};
    default:
      return {"at.k", [](const Place &at) { return at.k; }};
    }
  }
  Number change(const Number &x) {
    int64_t c = constant(), small = pick(-3, 5);
    Number y = field();
    switch (pick(0, 9)) {
    case 0:
      return {"(" + x.text + " + " + y.text + ")", [=](const Place &at) { return x.value(at) + y.value(at); }};
    case 1:
      return {"(" + x.text + " - " + y.text + ")", [=](const Place &at) { return x.value(at) - y.value(at); }};
    case 2:
      return {"(" + x.text + " * " + std::to_string(small) + ")", [=](const Place &at) { return x.value(at) * small; }};
    case 3:
      return {"(" + x.text + " / 7)", [=](const Place &at) { return x.value(at) / 7; }};
    case 4:
      return {"(" + x.text + " % 16)", [=](const Place &at) { return x.value(at) % 16; }};
    case 5:
      return {"min(" + x.text + ", " + std::to_string(c) + ")",
              [=](const Place &at) { return std::min<__int128>(x.value(at), c); }};
    case 6:
      return {"(" + std::to_string(c) + " - " + x.text + ")", [=](const Place &at) { return c - x.value(at); }};
    default:
      return {"(" + x.text + " + " + std::to_string(c) + ")", [=](const Place &at) { return x.value(at) + c; }};
    }
  }
  Number number() {
    Number x = field();
    for (int64_t more = pick(0, 3); more > 0; --more)
      x = change(x);
    return x;
  }
  Truth comparison() {
    Number x = number(), y = number();
    switch (pick(0, 11)) {
    case 0:
      return {"(" + x.text + " == " + y.text + ")", [=](const Place &at) { return x.value(at) == y.value(at); }};
    case 1:
      return {"(" + x.text + " != " + y.text + ")", [=](const Place &at) { return x.value(at) != y.value(at); }};
    case 2:
    case 3:
      return {"(" + x.text + " < " + y.text + ")", [=](const Place &at) { return x.value(at) < y.value(at); }};
    case 4:
    case 5:
      return {"(" + x.text + " > " + y.text + ")", [=](const Place &at) { return x.value(at) > y.value(at); }};
    case 6:
    case 7:
    case 8:
      return {"(" + x.text + " <= " + y.text + ")", [=](const Place &at) { return x.value(at) <= y.value(at); }};
    default:
      return {"(" + x.text + " >= " + y.text + ")", [=](const Place &at) { return x.value(at) >= y.value(at); }};
    }
  }
  static Truth both(const Truth &x, const Truth &y) {
    return {x.text + " && " + y.text, [=](const Place &at) { return x.value(at) && y.value(at); }};
  }
  static Truth either(const Truth &x, const Truth &y) {
    return {"(" + x.text + " || " + y.text + ")", [=](const Place &at) { return x.value(at) || y.value(at); }};
  }

  std::mt19937_64 random;
};

std::string kernelText(const std::string &mask) {
  return "hook mask(at: coord) -> bool = " + mask + R"(;
kernel seen(W: view<f64>[Sk], O: out view<f64>[Sq])
tune { BM: {4, 8, 16, 32} = 8;  BN: {4, 8, 16, 32, 64} = 8; }
grid (cdiv(Sq, BM)) |i| {
  var sum = fill<f64>[BM](0);
  for j in tiles(Sk, BN) visible(mask) {
    let at = coord(0, 0, i * BM + iota(BM)[:, _], j * BN + iota(BN)[_, :], Sq, Sk);
    let w = fill<f64>[BM, BN](1) * (load W[j * BN :+ BN])[_, :];
    sum += rowsum(where(mask(at) && at.k < Sk, w, 0));
  }
  store O[i * BM :+ BM] = sum;
}
)";
}

/// The text after the passes on tiles.
std::string runPasses(const std::string &text) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<tile::TileDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, mlir::scf::SCFDialect,
                      mlir::func::FuncDialect>();
  mlir::ScopedDiagnosticHandler quiet(&context, [](mlir::Diagnostic &) {});
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  mlir::PassManager passes(&context);
  buildTilePipeline(passes);
  if (mlir::failed(passes.run(*module)))
    return "";
  std::string result;
  llvm::raw_string_ostream(result) << *module;
  return result;
}

/// What the interpreter makes of `tileText`: each query's sum. Empty, with a failure, on an error.
std::vector<double> interpretSeen(const std::string &tileText, int64_t Sq, int64_t Sk, int64_t BM) {
  Array weights(DataType::F64, {Sk}), out(DataType::F64, {Sq});
  for (int64_t k = 0; k < Sk; ++k)
    weights.set(size_t(k), double(int64_t(1) << k));
  std::string error = runKernel(tileText, {(Sq + BM - 1) / BM, 1, 1}, {weights.view(), out.view()});
  EXPECT_EQ(error, "");
  return error.empty() ? out.all() : std::vector<double>();
}

/// `intervals` counts the programs in which the mask became an interval of columns.
void checkMask(const Truth &mask, int64_t Sq, int64_t Sk, int &intervals) {
  std::vector<double> expected;
  for (int64_t q = 0; q < Sq; ++q) {
    double sum = 0;
    for (int64_t k = 0; k < Sk; ++k)
      sum += mask.value({q, k, Sq, Sk}) ? double(int64_t(1) << k) : 0;
    expected.push_back(sum);
  }
  for (auto [BM, BN] : {std::pair(8, 4), {16, 64}, {32, 16}}) {
    CompileOptions options;
    options.set = {{"BM", std::to_string(BM)}, {"BN", std::to_string(BN)}};
    CompileResult result = compile({"mask.tile", kernelText(mask.text)}, options, Stage::Tile);
    ASSERT_TRUE(result.kernel) << result.errors() << mask.text;
    EXPECT_EQ(interpretSeen(result.kernel->code, Sq, Sk, BM), expected)
        << mask.text << " as emitted, " << BM << " x " << BN << ", Sq " << Sq << ", Sk " << Sk;
    std::string passed = runPasses(result.kernel->code);
    intervals += passed.find("tile.interval") != std::string::npos;
    EXPECT_EQ(interpretSeen(passed, Sq, Sk, BM), expected)
        << mask.text << " after the passes, " << BM << " x " << BN << ", Sq " << Sq << ", Sk " << Sk;
  }
}

TEST(Masks, RandomMasksAgreeWithBruteForce) {
  int count = imbrex::testing::isLongRun() ? 10000 : 150, intervals = 0;
  for (int seed = 0; seed < count && !::testing::Test::HasFailure(); ++seed) {
    MaskGenerator generator(uint64_t(seed) * 7919 + 1);
    Truth mask = generator.mask();
    checkMask(mask, generator.pick(1, 48), generator.pick(1, 50), intervals);
  }
  EXPECT_GT(intervals, count / 4);
}

// The masks of reports: a window without bound to the right, and a sum that passes 2^31.
TEST(Masks, NearTheEdgeOfAnInteger) {
  auto whole = [](const Place &) { return true; };
  int intervals = 0;
  checkMask({"at.k <= at.q + (at.Sk - at.Sq) + 2147483647", whole}, 20, 37, intervals);
  checkMask({"at.k + 2147483640 >= at.q", whole}, 20, 37, intervals);
  checkMask({"at.k >= at.q + (at.Sk - at.Sq) - 0 && at.k <= at.q + (at.Sk - at.Sq) + 2147483647",
             [](const Place &at) { return at.k >= at.q + at.Sk - at.Sq; }},
            33, 40, intervals);
  checkMask({"at.q - 2147483647 - 2147483647 < at.k", whole}, 20, 37, intervals);
}

// A sum that doubles sixty times is read once, not 2^60 times, and passes 64 bits without a wrong answer.
TEST(Masks, DoubledSums) {
  std::string body = "hook mask(at: coord) -> bool = x0(at) >= at.q;\n";
  for (int i = 0; i < 24; ++i)
    body += "fn x" + std::to_string(i) + "(at) = twice(x" + std::to_string(i + 1) + "(at));\n";
  body += "fn x24(at) = at.k;\nfn twice(x) = x + x;\n";
  std::string text = kernelText("true");
  text.replace(0, text.find("kernel seen"), body);
  CompileResult result = compile({"mask.tile", text}, {}, Stage::Cta);
  EXPECT_TRUE(result.kernel) << result.errors();
}

} // namespace
