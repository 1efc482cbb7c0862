//===- KernelReportTest.cpp - What a report says of a kernel ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A product whose buffers and layouts can be counted by hand.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include <gtest/gtest.h>
#include <set>
#include <sstream>

using namespace imbrex;

namespace {

/// 64 x 32 sums over K by steps of 32, by one warp: a step is 4 x 4 x 2 instructions of 16 x 8 x 16.
const std::string kText = R"(
kernel k(A: view<f16>[M, K], B: view<f16>[K, N], C: out view<f32>[M, N])
tune { warps: {1} = 1; stages: {3} = 3; }
grid (cdiv(M, 64), cdiv(N, 32)) |i, j| {
  var sum = fill<f32>[64, 32](0);
  for k in tiles(K, 32) {
    sum = dot(load A[i * 64 :+ 64, k * 32 :+ 32], load B[k * 32 :+ 32, j * 32 :+ 32], sum);
  }
  store C[i * 64 :+ 64, j * 32 :+ 32] = sum;
}
)";

KernelReport reportOf(const std::string &text) {
  CompileResult result = compile({"k.tile", text}, {});
  EXPECT_TRUE(result.kernel) << result.errors();
  return result.kernel ? result.kernel->report : KernelReport();
}

TEST(KernelReport, BuffersOfAProduct) {
  KernelReport report = reportOf(kText);
  std::map<std::string, KernelReport::Buffer> buffers;
  for (const KernelReport::Buffer &each : report.buffers)
    buffers.emplace(each.holds, each);
  ASSERT_TRUE(buffers.contains("A") && buffers.contains("B"));
  const KernelReport::Buffer &a = buffers.at("A");
  EXPECT_EQ(a.rows, 64);
  EXPECT_EQ(a.columns, 32);
  EXPECT_EQ(a.type, DataType::F16);
  EXPECT_EQ(a.slots, 3u);
  EXPECT_EQ(a.bytes, 3 * 64 * 32 * 2);
  EXPECT_EQ(buffers.at("B").bytes, 3 * 32 * 32 * 2);
}

TEST(KernelReport, LayoutsEachOnce) {
  KernelReport report = reportOf(kText);
  unsigned products = 0;
  for (const KernelReport::Layout &each : report.layouts)
    if (each.operation == "cta.dot") {
      ++products;
      EXPECT_EQ(each.shape, (std::vector<int64_t>{64, 32}));
      EXPECT_EQ(each.type, DataType::F32);
      EXPECT_FALSE(each.layout.empty());
    }
  EXPECT_EQ(products, 1u);
}

TEST(KernelReport, BankConflictsOfATransposition) {
  for (const KernelReport::BankConflict &each : reportOf(kText).bankConflicts)
    EXPECT_FALSE(each.inLoop) << each.operation;
  // Four lanes beside each other along what are rows of shared memory: their 16 bytes meet the same banks.
  KernelReport report = reportOf("kernel k(A: view<f32>[M, N], C: out view<f32>[N, M])\n"
                                 "grid (cdiv(M, 64), cdiv(N, 32)) |i, j| {\n"
                                 "  let a = load A[i * 64 :+ 64, j * 32 :+ 32];\n"
                                 "  store C[j * 32 :+ 32, i * 64 :+ 64] = a.T;\n}\n");
  ASSERT_FALSE(report.bankConflicts.empty());
  EXPECT_EQ(report.bankConflicts[0].line, 4u);
  EXPECT_EQ(report.bankConflicts[0].wavefronts, 3u);
}

TEST(KernelReport, NothingShared) {
  KernelReport report = reportOf("kernel k(X: view<f32>[N], Y: out view<f32>[N]) grid (cdiv(N, 256)) |i| {\n"
                                 "  store Y[i * 256 :+ 256] = load X[i * 256 :+ 256];\n}\n");
  EXPECT_TRUE(report.buffers.empty());
  EXPECT_EQ(report.registerLimit, 255u);
}

KernelReport explainedOf(const std::string &text) {
  CompileResult result = compile({"k.tile", text}, {}, Stage::Ptx, {}, {}, {.explain = true});
  EXPECT_TRUE(result.kernel) << result.errors();
  return result.kernel ? result.kernel->report : KernelReport();
}

/// Lines of the text (from 1) that the listing's lines with `word` came from.
std::set<unsigned> cameFrom(const KernelReport::Listing &listing, const std::string &word) {
  std::set<unsigned> lines;
  std::istringstream stream(listing.text);
  std::string line;
  for (size_t i = 0; std::getline(stream, line); ++i)
    if (line.find(word) != std::string::npos)
      for (const KernelReport::Origin &origin : listing.lines.at(i))
        lines.insert(origin.line);
  return lines;
}

TEST(KernelReport, ListingsLeadBackToTheText) {
  KernelReport report = explainedOf(kText);
  ASSERT_EQ(report.listings.size(), 3u);
  EXPECT_EQ(report.texts, std::vector<std::string>{"k.tile"});
  EXPECT_EQ(cameFrom(report.listings[0], "tile.store"), std::set<unsigned>{9});
  EXPECT_EQ(cameFrom(report.listings[0], "tile.dot"), std::set<unsigned>{7});
  EXPECT_EQ(cameFrom(report.listings[1], "cta.dot"), std::set<unsigned>{7});
  EXPECT_EQ(cameFrom(report.listings[2], "nvvm.mma.sync"), std::set<unsigned>{7});
  for (const KernelReport::Listing &listing : report.listings)
    EXPECT_EQ(listing.text.find("loc("), std::string::npos);
}

TEST(KernelReport, NothingIsToldThatWasNotAskedFor) {
  KernelReport report = reportOf(kText);
  EXPECT_TRUE(report.listings.empty() && report.ranges.empty() && report.types.empty());
  for (const KernelReport::Buffer &each : report.buffers)
    EXPECT_TRUE(each.uses.empty());
}

TEST(KernelReport, RangesAsFormulas) {
  KernelReport report = explainedOf(kText);
  ASSERT_EQ(report.ranges.size(), 1u);
  EXPECT_EQ(report.ranges[0].line, 6u);
  EXPECT_EQ(report.ranges[0].from, "0");
  EXPECT_EQ(report.ranges[0].to, "cdiv(K, 32)");
  EXPECT_EQ(report.ranges[0].step, "1");
  EXPECT_FALSE(report.ranges[0].tests);
}

/// A comparison that says which rows are copied is none of elements.
TEST(KernelReport, TestsAreThoseOfElements) {
  auto areTested = [](const std::string &rows, const std::string &factor) {
    KernelReport report =
        explainedOf("kernel k(A: view<f16>[M, K], B: view<f16>[R, N], T: view<i32>[K], C: out view<f32>[M, N])\n"
                    "tune { warps: {1} = 1; }\n"
                    "grid (cdiv(M, 64), cdiv(N, 32)) |i, j| {\n"
                    "  var sum = fill<f32>[64, 32](0);\n"
                    "  for k in tiles(K, 32) {\n"
                    "    let row = load T[k * 32 :+ 32];\n"
                    "    let a = load A[i * 64 :+ 64, k * 32 :+ 32];\n"
                    "    sum = dot(" +
                    factor + ", load B[" + rows +
                    ", j * 32 :+ 32], sum);\n"
                    "  }\n"
                    "  store C[i * 64 :+ 64, j * 32 :+ 32] = sum;\n"
                    "}\n");
    EXPECT_EQ(report.ranges.size(), 1u);
    return report.ranges.size() == 1 && report.ranges[0].tests;
  };
  EXPECT_FALSE(areTested("row", "a"));
  EXPECT_FALSE(areTested("where(row < R / 2, row, -1)", "a"));
  EXPECT_TRUE(areTested("row", "where((row < R / 2)[_, :], a, 0.0)"));
}

TEST(KernelReport, TypesOfExpressions) {
  std::set<std::string> types;
  for (const KernelReport::TypedPlace &each : explainedOf(kText).types)
    if (each.origin.line == 7)
      types.insert(each.type);
  EXPECT_TRUE(types.contains("64x32 f16") && types.contains("32x32 f16") && types.contains("64x32 f32"));
}

} // namespace
