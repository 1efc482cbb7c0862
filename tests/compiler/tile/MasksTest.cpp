//===- MasksTest.cpp - Random masks against brute force -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A mask's value depends on positions only, never on the size of a tile. Random masks, with constants up
// to the edges of i32, are put into a kernel whose result says for each query which keys it saw (a sum of
// 2^k, exact in f64). The numbers are compared with the mask evaluated here in 128 bits: the text as
// emitted, and after the passes on tiles, for three tile sizes each. NaN in a key reaches the same queries before and
// behind the passes: where the mask's bounds hide the key from a tile, none. A kernel takes several masks, a loop
// and a row of the result each, because most of the time goes into making kernels.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "compiler/tile/Passes.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "tests/compiler/reference/Interpret.h"
#include "tests/compiler/tile/MaskGenerator.h"
#include "tests/support/Grid.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::test;

namespace {

/// `text` with `number` for each '#'.
std::string numbered(std::string text, size_t number) {
  for (size_t at = 0; (at = text.find('#', at)) != std::string::npos;)
    text.replace(at, 1, std::to_string(number));
  return text;
}

/// Masks as hooks mask0, mask1 ...; a row of O each.
std::string kernelText(const std::vector<std::string> &masks) {
  std::string hooks, loops;
  for (size_t m = 0; m < masks.size(); ++m) {
    hooks += numbered("hook mask#(at: coord) -> bool = ", m) + masks[m] + ";\n";
    loops += numbered(R"(
  var sum# = fill<f64>[BM](0);
  for j in tiles(Sk, BN) visible(mask#) {
    let at = coord(0, 0, i * BM + iota(BM)[:, _], j * BN + iota(BN)[_, :], Sq, Sk);
    let w = (load W[j * BN :+ BN])[_, :];
    sum# += rowsum(where(mask#(at) && at.k < Sk, fill<f64>[BM, BN](1), 0) * w);
  }
  store O[#, i * BM :+ BM] = sum#;
)",
                      m);
  }
  return hooks + R"(
kernel seen(W: view<f64>[Sk], O: out view<f64>[M, Sq])
tune { BM: {4, 8, 16, 32} = 8;  BN: {4, 8, 16, 32, 64} = 8; }
grid (cdiv(Sq, BM)) |i| {)" +
         loops + "}\n";
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

/// Each mask's sum for each query; where a key is spoiled, by how much a device may be off, which may be infinite.
struct Seen {
  std::vector<double> sums, bounds;
  std::string error; ///< where the text is refused
};

/// What the interpreter makes of `tileText`. The key `spoiled` weighs NaN.
Seen interpretSeen(const std::string &tileText, const Extents &extents, int64_t masks, int64_t BM,
                   int64_t spoiled = -1) {
  Array weights(DataType::F64, {extents.Sk}), out(DataType::F64, {masks, extents.Sq});
  for (int64_t k = 0; k < extents.Sk; ++k)
    weights.set(size_t(k), k == spoiled ? NAN : double(int64_t(1) << k));
  Array table(DataType::I32, {int64_t(kMaskTable.size())});
  for (size_t i = 0; i < kMaskTable.size(); ++i)
    table.set(i, kMaskTable[i]);
  Seen seen;
  reference::ViewData sums = out.view();
  sums.errors = spoiled < 0 ? nullptr : &seen.bounds;
  std::vector<reference::Argument> arrays{weights.view(), sums};
  if (tileText.find("\"table\"") != std::string::npos)
    arrays.emplace_back(table.view());
  seen.error = runKernel(tileText, {(extents.Sq + BM - 1) / BM, 1, 1}, arrays);
  seen.sums = out.all();
  return seen;
}

/// The sums of 2^k over the keys that each mask shows to each query, evaluated here.
std::vector<double> expectedSeen(const std::vector<Truth> &masks, const Extents &extents) {
  std::vector<double> expected;
  for (const Truth &mask : masks)
    for (int64_t q = 0; q < extents.Sq; ++q) {
      double sum = 0;
      for (int64_t k = 0; k < extents.Sk; ++k)
        sum += mask.value({q, k, extents.Sq, extents.Sk}) ? double(int64_t(1) << k) : 0;
      expected.push_back(sum);
    }
  return expected;
}

/// Whether the passes keep NaN in a key from all sums that it does not reach in the text as emitted: the mask's bounds
/// hide it from their tiles. What is loaded where a mask without such bounds is false everywhere is left open.
std::string judgeSpoiledKeys(const std::string &emitted, const std::string &passed, const Extents &extents,
                             int64_t masks, int64_t BM) {
  for (int64_t spoiled : {int64_t(0), extents.Sk / 2, extents.Sk - 1}) {
    const Seen promised = interpretSeen(emitted, extents, masks, BM, spoiled),
               seen = interpretSeen(passed, extents, masks, BM, spoiled);
    if (!promised.error.empty() || !seen.error.empty())
      return promised.error + seen.error;
    for (size_t i = 0; i < seen.sums.size(); ++i) {
      const bool isOpen = std::isnan(promised.sums[i]) || std::isinf(promised.bounds[i]);
      if (!isOpen && promised.sums[i] != seen.sums[i])
        return "NaN in key " + std::to_string(spoiled) + " reaches a sum after the passes alone";
    }
  }
  return "";
}

/// What is wrong with these masks in tiles of BM x BN; "" if nothing is.
std::string judgeMasks(const std::vector<Truth> &masks, const Extents &extents, int64_t BM, int64_t BN) {
  CompileOptions options;
  options.set = {{"BM", BM}, {"BN", BN}};
  std::vector<std::string> texts;
  for (const Truth &mask : masks) {
    const bool isOwn = mask.text.find("load t[") != std::string::npos;
    if (isOwn) // all read the same argument of the launch
      options.hooks[numbered("mask#", texts.size())] = "fn own(t: view<i32>[M])(at) = " + mask.text + "; own(table)";
    texts.push_back(isOwn ? "true" : mask.text);
  }
  CompileResult result = compile({"mask.tile", kernelText(texts)}, options, Stage::Tile);
  if (!result.kernel)
    return result.errors();
  const std::vector<double> expected = expectedSeen(masks, extents);
  const std::string emitted = result.kernel->code, passed = runPasses(emitted);
  for (const auto &[when, text] : {std::pair("as emitted: ", &emitted), {"after the passes: ", &passed}})
    if (Seen seen = interpretSeen(*text, extents, int64_t(masks.size()), BM); seen.sums != expected)
      return when + (seen.error.empty() ? "other keys are seen" : seen.error);
  return judgeSpoiledKeys(emitted, passed, extents, int64_t(masks.size()), BM);
}

/// A group that is wrong is looked at mask by mask, so that the wrong one is told.
void checkMasks(const std::vector<Truth> &masks, const Extents &extents) {
  for (auto [BM, BN] : {std::pair(8, 4), {16, 64}, {32, 16}}) {
    std::string wrong = judgeMasks(masks, extents, BM, BN);
    if (wrong.empty())
      continue;
    ADD_FAILURE() << wrong << ", " << BM << " x " << BN << ", Sq " << extents.Sq << ", Sk " << extents.Sk;
    for (const Truth &mask : masks)
      EXPECT_EQ(judgeMasks({mask}, extents, BM, BN), "") << mask.text;
  }
}

void checkRandomMasks(Truth (MaskGenerator::*make)(), int64_t mostQueries, uint64_t count) {
  constexpr uint64_t kMasksOfAKernel = 10;
  imbrex::testing::forEachSeed(0, count / kMasksOfAKernel, [&](uint64_t group) {
    if (::testing::Test::HasFailure())
      return;
    MaskGenerator generator(group * kMasksOfAKernel * 7919 + 1);
    std::vector<Truth> masks;
    for (uint64_t i = 0; i < kMasksOfAKernel; ++i)
      masks.push_back((generator.*make)());
    checkMasks(masks, {generator.pick(1, mostQueries), generator.pick(1, 50)});
  });
}

TEST(Masks, RandomMasksAgreeWithBruteForce) {
  checkRandomMasks(&MaskGenerator::mask, 48, imbrex::testing::isLongRun() ? 10000 : 150);
}

TEST(Masks, OfPackedHeadsAgreeWithBruteForce) {
  checkRandomMasks(&MaskGenerator::packed, 160, imbrex::testing::isLongRun() ? 2000 : 60);
}

TEST(Masks, OfMultipliedPositionsAgreeWithBruteForce) {
  checkRandomMasks(&MaskGenerator::multiplied, 64, imbrex::testing::isLongRun() ? 2000 : 60);
}

TEST(Masks, OfColumnsBesideRowsAgreeWithBruteForce) {
  checkRandomMasks(&MaskGenerator::besideRows, 48, imbrex::testing::isLongRun() ? 5000 : 100);
}

TEST(Masks, SpelledByFunctionsAgreeWithBruteForce) {
  checkRandomMasks(&MaskGenerator::spelled, 48, imbrex::testing::isLongRun() ? 10000 : 150);
}

// An absolute value is two bounds, also where one of them is beyond 32 bits: of positions, and of what has wrapped.
TEST(Masks, AbsoluteValuesAtTheEdgeOfAnInteger) {
  constexpr int64_t kLeast = INT32_MIN;
  auto distance = [](int64_t x) { return x < 0 ? -x : x; };
  checkMasks({{"abs(at.k - at.q) <= 3", [=](const Position &at) { return distance(at.k - at.q) <= 3; }},
              {"abs(at.k - 2147483647 - 1) >= 2147483640",
               [=](const Position &at) { return distance(at.k + kLeast) >= 2147483640; }},
              {"abs(at.k + (-2147483647 - 1)) <= 2147483640",
               [=](const Position &at) { return distance(at.k + kLeast) <= 2147483640; }},
              {"abs(at.q - at.k) <= -2147483647 - 1", [](const Position &) { return false; }},
              {"abs(at.q - at.k) > -2147483647 - 1", [](const Position &) { return true; }},
              {"abs((at.q - 2147483647 - 1) / 2 * 2) + at.k > 2147483600",
               [=](const Position &at) { return distance((at.q + kLeast) / 2 * 2) + at.k > 2147483600; }}},
             {20, 37});
}

// Columns and a constant against what differs from row to row and is no sum: the constant goes to the other side once.
TEST(Masks, SumsBesideQuotientsOfRows) {
  auto quotient = [](const Position &at) { return (at.Sk + 1000000) / (at.q + 1); };
  checkMasks(
      {{"at.k + 52 <= (at.Sk + 1000000) / (at.q + 1)", [=](const Position &at) { return at.k + 52 <= quotient(at); }},
       {"at.k - 52 < (at.Sk + 1000000) / (at.q + 1) - 1000000",
        [=](const Position &at) { return at.k - 52 < quotient(at) - 1000000; }},
       {"2 * at.k + 90 > 100 / (at.q + 1)", [=](const Position &at) { return 2 * at.k + 90 > 100 / (at.q + 1); }}},
      {20, 37});
}

// What bounds the loop keeps NaN in a key from tiles that do not see it: a part that leaves no row, and multiples.
TEST(Masks, BoundsHideKeys) {
  checkMasks({{"at.k > at.Sk || at.q > at.Sq", [](const Position &) { return false; }},
              {"(at.k <= at.q && at.q >= 1000) || at.k < 3", [](const Position &at) { return at.k < 3; }},
              {"at.q < 9 || at.k <= at.q - 9", [](const Position &at) { return at.q < 9 || at.k <= at.q - 9; }},
              {"at.k < 5 || at.Sq > 20 && at.k < 30", [](const Position &at) { return at.k < 5; }},
              {"at.k <= at.q * 3 / 4", [](const Position &at) { return at.k <= at.q * 3 / 4; }},
              {"at.q * 3 / 4 < 10 && at.k >= 2 * at.q",
               [](const Position &at) { return at.q * 3 / 4 < 10 && at.k >= 2 * at.q; }},
              {"at.k == abs(at.Sk - at.Sq - 2147483600) - 2147483580",
               [](const Position &at) { return at.k == 2147483600 - at.Sk + at.Sq - 2147483580; }}},
             {20, 37});
}

/// NaN in a key that no query sees reaches no sum, before and behind the passes.
void checkUnseenKeys(const Truth &mask, const Extents &extents) {
  const std::vector<double> expected = expectedSeen({mask}, extents);
  for (auto [BM, BN] : {std::pair(8, 4), {16, 64}, {32, 16}}) {
    CompileOptions options;
    options.set = {{"BM", BM}, {"BN", BN}};
    CompileResult result = compile({"mask.tile", kernelText({mask.text})}, options, Stage::Tile);
    ASSERT_TRUE(result.kernel) << result.errors();
    const std::string emitted = result.kernel->code, passed = runPasses(emitted);
    for (int64_t spoiled : {int64_t(0), extents.Sk / 2, extents.Sk - 1}) {
      const double weight = double(int64_t(1) << spoiled);
      if (llvm::any_of(expected, [&](double sum) { return std::fmod(std::floor(sum / weight), 2) != 0; }))
        continue;
      Seen promised = interpretSeen(emitted, extents, 1, BM, spoiled);
      EXPECT_EQ(promised.sums, expected) << promised.error << mask.text << ", key " << spoiled << ", as emitted";
      EXPECT_FALSE(llvm::any_of(promised.bounds, [](double bound) { return std::isinf(bound); })) << mask.text;
      EXPECT_EQ(interpretSeen(passed, extents, 1, BM, spoiled).sums, expected)
          << mask.text << ", key " << spoiled << ", after the passes";
    }
  }
}

// What all elements share shows all or nothing, whatever it is made of.
TEST(Masks, OfScalarsAloneHideKeys) {
  auto never = [](const Position &) { return false; };
  for (const char *text : {"false", "at.Sk > 50", "at.Sq != 20 && at.k <= at.q", "at.h == 3 || at.b > at.Sk",
                           "!(at.Sk == 37)", "at.Sk / 5 * 2 > 20", "where(at.k < at.q, false, at.Sk < 3 && false)",
                           "cast<f32>(at.Sk) < 3.5", "false && at.k % 3 == 0", "at.q >= at.Sq && at.k * at.q % 2 == 0"})
    checkUnseenKeys({text, never}, {20, 37});
  checkUnseenKeys({"at.Sk > 50 || at.k < 3", [](const Position &at) { return at.k < 3; }}, {20, 37});
  checkUnseenKeys({"at.Sk > 30 && at.k < 3", [](const Position &at) { return at.k < 3; }}, {20, 37});
  checkUnseenKeys({"where(at.Sk > 30, at.k < 3, false)", [](const Position &at) { return at.k < 3; }}, {20, 37});
}

// A position of rows that is divided is a bound on either side, and in an absolute value.
TEST(Masks, OfDividedRowsHideKeys) {
  checkUnseenKeys({"at.k <= at.q / 7", [](const Position &at) { return at.k <= at.q / 7; }}, {20, 37});
  checkUnseenKeys({"at.k <= 3 - at.q / 7", [](const Position &at) { return at.k <= 3 - at.q / 7; }}, {20, 37});
  checkUnseenKeys({"at.k >= 30 - at.q / 7", [](const Position &at) { return at.k >= 30 - at.q / 7; }}, {20, 37});
  checkUnseenKeys({"at.k <= -(at.q / 7)", [](const Position &at) { return at.k <= -(at.q / 7); }}, {20, 37});
  checkUnseenKeys({"at.k <= abs(at.q / 15)", [](const Position &at) { return at.k <= at.q / 15; }}, {20, 37});
  checkUnseenKeys({"min(at.k, at.q / 3) >= 5", [](const Position &at) { return std::min(at.k, at.q / 3) >= 5; }},
                  {20, 37});
}

// Some masks that divide more than once, or more than positions: the passes keep NaN at least where it is promised.
TEST(Masks, OfWhatIsDividedOtherwise) {
  checkMasks({{"at.k <= at.q / 7 + at.q / 3", [](const Position &at) { return at.k <= at.q / 7 + at.q / 3; }},
              {"at.k <= (at.q / 7) * 2", [](const Position &at) { return at.k <= at.q / 7 * 2; }},
              {"at.k / 7 <= at.q / 3", [](const Position &at) { return at.k / 7 <= at.q / 3; }},
              {"at.k / 7 <= 2", [](const Position &at) { return at.k / 7 <= 2; }},
              {"at.k <= (at.q / 3 + 1) / 2", [](const Position &at) { return at.k <= (at.q / 3 + 1) / 2; }},
              {"at.k <= (at.q + at.Sk * at.Sq) / 300",
               [](const Position &at) { return at.k <= (at.q + at.Sk * at.Sq) / 300; }},
              {"at.k <= (at.q + max(at.Sk - at.Sq, 0)) / 4",
               [](const Position &at) { return at.k <= (at.q + std::max<int64_t>(at.Sk - at.Sq, 0)) / 4; }},
              {"at.k <= at.q / 4096 + 3000 * at.q - 9000",
               [](const Position &at) { return at.k <= at.q / 4096 + 3000 * at.q - 9000; }},
              {"at.k <= abs(at.q / 15) - abs(at.q / 3) + 4",
               [](const Position &at) { return at.k <= at.q / 15 - at.q / 3 + 4; }}},
             {20, 37});
}

// A choice of which both sides are false is false, and is no condition of it: a random mask.
TEST(Masks, AChoiceBetweenFalseAndFalse) {
  checkMasks(
      {{"2147483551 <= where(at.q - 2147483606 > at.Sq + 1792101718, where(at.Sk - at.Sq - 1159733107 <= at.Sq - "
        "at.q - 2147483576, 2, -902851104), -3) && at.q - at.q + 2119503798 < where(at.k - 47 >= -2147483589, "
        "where(at.q - 2 > at.k - 1122231055, at.q - at.k + 30, -3), 8)",
        [](const Position &) { return false; }}},
      {20, 11});
}

TEST(Masks, WithoutASignAgreeWithBruteForce) {
  checkRandomMasks(&MaskGenerator::withoutASign, 48, imbrex::testing::isLongRun() ? 5000 : 100);
}

TEST(Masks, ThatReadTablesAgreeWithBruteForce) {
  checkRandomMasks(&MaskGenerator::tabled, 48, imbrex::testing::isLongRun() ? 5000 : 100);
}

// Bounds that pass the corner of a tile of 32 x 16, or miss it by one: of the last row and the first column, and of the
// first row and the last column.
TEST(Masks, OfPackedHeadsAtTheCornersOfATile) {
  for (int64_t G : {2, 3, 5}) {
    std::vector<Truth> masks;
    auto add = [&](const char *compare, int64_t before, int64_t behind) {
      bool isBelow = compare[0] == '<';
      masks.push_back({std::string("at.k ") + compare + " (at.q + " + std::to_string(before) + ") / " +
                           std::to_string(G) + " + " + std::to_string(behind),
                       [=](const Position &at) {
                         int64_t bound = (at.q + before) / G + behind;
                         return isBelow ? at.k <= bound : at.k >= bound;
                       }});
    };
    for (int64_t before = 0; before < G; ++before)
      for (int64_t off : {-1, 0, 1}) {
        add("<=", before, 15 - before / G + off);
        add(">=", before, off - (31 + before) / G);
      }
    checkMasks(masks, {64, 50});
  }
}

// The masks of reports: a window without bound to the right, and a sum that passes 2^31.
TEST(Masks, NearTheEdgeOfAnInteger) {
  auto whole = [](const Position &) { return true; };
  checkMasks({{"at.k <= at.q + (at.Sk - at.Sq) + 2147483647", whole}}, {20, 37});
  checkMasks({{"at.k + 2147483640 >= at.q", whole}}, {20, 37});
  checkMasks({{"at.k >= at.q + (at.Sk - at.Sq) - 0 && at.k <= at.q + (at.Sk - at.Sq) + 2147483647",
               [](const Position &at) { return at.k >= at.q + at.Sk - at.Sq; }}},
             {33, 40});
  checkMasks({{"at.q - 2147483647 - 2147483647 < at.k", whole}}, {20, 37});
}

// What each function makes of a number next to the edge is beyond it, and comes back.
TEST(Masks, FunctionsNearTheEdgeOfAnInteger) {
  static constexpr int64_t kMost = INT32_MAX;
  checkMasks({{"abs(at.k - 2147483647) + 40 >= at.q + 2147483640 + 20",
               [](const Position &at) { return kMost - at.k + 40 >= 2147483660 + at.q; }},
              {"max(at.k, 2147483640) + at.k >= at.q + 2147483640 + 10",
               [](const Position &at) { return 2147483640 + at.k >= 2147483650 + at.q; }},
              {"min(at.k + 2147483640, 2147483647) + at.q >= at.Sq - at.Sq + 2147483640 + 10",
               [](const Position &at) { return std::min(at.k + 2147483640, kMost) + at.q >= 2147483650; }},
              {"cdiv(at.k + 2147483640, 2) * 2 <= at.q + 2147483647",
               [](const Position &at) { return (at.k + 2147483641) / 2 * 2 <= at.q + kMost; }},
              {"(at.k + 2147483640) / 7 * 7 == at.k + 2147483640",
               [](const Position &at) { return (at.k + 2147483640) % 7 == 0; }},
              {"(at.k + 2147483640) % 5 < at.q", [](const Position &at) { return (at.k + 2147483640) % 5 < at.q; }},
              {"where(at.q > 7, at.k + 2147483647, at.k) >= at.q + 2147483640",
               [](const Position &at) { return (at.q > 7 ? at.k + kMost : at.k) >= at.q + 2147483640; }},
              {"-(at.k - 2147483647) + 20 > at.q + 2147483640",
               [](const Position &at) { return kMost - at.k + 20 > at.q + 2147483640; }},
              {"at.k * 2147483647 >= at.q * 2147483646",
               [](const Position &at) { return at.k * kMost >= at.q * (kMost - 1); }}},
             {20, 37});
}

// A quotient by what may be 0 is 0 there, whatever it is a quotient of.
TEST(Masks, DivisionsByWhatMayBeZero) {
  checkMasks({{"at.k != at.k * -3 / at.k", [](const Position &at) { return at.k != 0; }},
              {"at.k != at.k * 5 % at.k", [](const Position &at) { return at.k != 0; }},
              {"at.q <= at.q * at.k / at.q", [](const Position &at) { return at.q <= (at.q == 0 ? 0 : at.k); }},
              {"cdiv(at.k + 1, at.k) > at.q", [](const Position &at) { return (at.k < 2 ? at.k + 1 : 2) > at.q; }},
              {"(at.k + 2147483640) / (at.k - at.q) >= 0 && at.k % (at.q - 3) == 0",
               [](const Position &at) { return at.k >= at.q && (at.q == 3 || at.k % (at.q - 3) == 0); }}},
             {20, 37});
}

// In wide tiles, like those of the random masks above, a window is one interval a row.
TEST(Masks, AWindowIsAnInterval) {
  CompileOptions options;
  options.set = {{"BM", 16}, {"BN", 64}};
  CompileResult result =
      compile({"mask.tile", kernelText({"at.k >= at.q - 7 && at.k <= at.q + 3"})}, options, Stage::Tile);
  ASSERT_TRUE(result.kernel) << result.errors();
  EXPECT_NE(runPasses(result.kernel->code).find("tile.interval"), std::string::npos);
}

// The least of the least of ..., where each is used twice, is split into few comparisons, not into 2^24.
TEST(Masks, DoubledLeastValues) {
  std::string body = "hook mask0(at: coord) -> bool = x0(at) >= at.q;\n";
  for (int i = 0; i < 24; ++i)
    body += "fn x" + std::to_string(i) + "(at) { let y = x" + std::to_string(i + 1) + "(at); return min(y, y + 1); }\n";
  body += "fn x24(at) = at.k;\n";
  std::string text = kernelText({"true"});
  text.replace(0, text.find("\nkernel seen"), body);
  CompileResult result = compile({"mask.tile", text}, {}, Stage::Cta);
  EXPECT_TRUE(result.kernel) << result.errors();
}

// A sum that doubles sixty times is read once, not 2^60 times, and passes 64 bits without a wrong answer.
TEST(Masks, DoubledSums) {
  std::string body = "hook mask0(at: coord) -> bool = x0(at) >= at.q;\n";
  for (int i = 0; i < 24; ++i)
    body += "fn x" + std::to_string(i) + "(at) = twice(x" + std::to_string(i + 1) + "(at));\n";
  body += "fn x24(at) = at.k;\nfn twice(x) = x + x;\n";
  std::string text = kernelText({"true"});
  text.replace(0, text.find("\nkernel seen"), body);
  CompileResult result = compile({"mask.tile", text}, {}, Stage::Cta);
  EXPECT_TRUE(result.kernel) << result.errors();
}

} // namespace
