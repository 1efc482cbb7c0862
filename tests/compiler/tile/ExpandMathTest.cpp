//===- ExpandMathTest.cpp - How exact the written-out functions are -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs tile-expand-math on one function of a tile of points, and compares what the expression gives with
// the C++ library in long double. f64 goes through the interpreter; f32, which the interpreter holds in
// doubles, through MLIR's constant folding, which rounds every step. Errors are in units in the last
// place of the exact result.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/Passes.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "tests/compiler/reference/Interpret.h"
#include "llvm/Support/Format.h"
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace imbrex;
using namespace imbrex::test;

namespace {

using Points = std::vector<double>;
using Exact = long double (*)(long double);
constexpr double kInf = INFINITY, kNan = NAN;

/// The module of `text` after tile-expand-math and, on request, canonicalisation, as `use` sees it.
void withExpanded(const std::string &text, bool fold, llvm::function_ref<void(mlir::ModuleOp)> use) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<mlir::func::FuncDialect, mlir::arith::ArithDialect, mlir::math::MathDialect, tile::TileDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  ASSERT_TRUE(module);
  mlir::PassManager passes(&context);
  passes.addNestedPass<mlir::func::FuncOp>(createExpandMath());
  if (fold)
    passes.addPass(mlir::createCanonicalizerPass());
  ASSERT_TRUE(mlir::succeeded(passes.run(*module)));
  use(*module);
}

/// math.`name` of f64, written out, at `points`.
Points expandedF64(const std::string &name, const Points &points) {
  std::string count = std::to_string(points.size()), tile = "tensor<" + count + "xf64>";
  std::string text = "func.func @k(%x: !tile.view<? x f64>, %y: !tile.view<? x f64, out>) attributes {tile.kernel = "
                     "#tile.request<\"sm_80\", warps 1, stages 1>} {\n"
                     "%zero = arith.constant 0 : i32\n%a = tile.load %x[%zero] dims [0] : !tile.view<? x f64> -> " +
                     tile + "\n%r = math." + name + " %a : " + tile + "\ntile.store %r, %y[%zero] dims [0] : " + tile +
                     ", !tile.view<? x f64, out>\nreturn\n}";
  Array in(DataType::F64, {int64_t(points.size())}, points), out(DataType::F64, {int64_t(points.size())});
  withExpanded(text, /*fold=*/false, [&](mlir::ModuleOp module) {
    std::string expanded;
    llvm::raw_string_ostream(expanded) << module;
    EXPECT_EQ(expanded.find("math." + name), std::string::npos);
    EXPECT_EQ(runKernel(expanded, {1, 1, 1}, {in.view(), out.view()}), "");
  });
  return out.all();
}

/// math.`name` of f32, written out, at `points`, which are f32 values. One scalar function a point, since
/// constants that are not splats do not fold everywhere.
Points expandedF32(const std::string &name, const Points &points) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  for (auto [i, x] : llvm::enumerate(points)) {
    stream << "func.func @f" << i << "() -> f32 {\n%x = arith.constant ";
    stream << llvm::format("0x%08X", std::bit_cast<uint32_t>(float(x)));
    stream << " : f32\n%r = math." << name << " %x : f32\nreturn %r : f32\n}\n";
  }
  Points results;
  withExpanded(text, /*fold=*/true, [&](mlir::ModuleOp module) {
    for (auto function : module.getOps<mlir::func::FuncOp>()) {
      mlir::FloatAttr value;
      mlir::Value returned = function.getBody().front().getTerminator()->getOperand(0);
      ASSERT_TRUE(mlir::matchPattern(returned, mlir::m_Constant(&value))) << "the expression does not fold";
      results.push_back(value.getValue().convertToFloat());
    }
  });
  return results;
}

/// |found - exact| in units in the last place of a format with `digits` bits and smallest positive number `tiny`.
double ulps(double found, long double exact, int digits, double tiny) {
  if (std::isnan(exact))
    return std::isnan(found) ? 0 : kInf;
  double rounded = digits == 24 ? double(float(exact)) : double(exact);
  if (found == rounded)
    return 0;
  if (std::isnan(found) || std::isinf(found) || std::isinf(rounded) || rounded == 0)
    return rounded == 0 ? std::fabs(found) / tiny : kInf;
  double unit = std::max(tiny, std::ldexp(1.0, std::ilogb(rounded) - digits + 1));
  return double(std::fabs(found - exact) / unit);
}

/// Expects every result within `limit` units of `exact`, and the sign of zero results to agree.
void expectClose(const Points &points, const Points &found, Exact exact, double limit, int digits, double tiny) {
  ASSERT_EQ(points.size(), found.size());
  double worst = 0, where = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    long double value = exact(points[i]);
    double error = ulps(found[i], value, digits, tiny);
    EXPECT_LE(error, limit) << "at " << points[i] << ": found " << found[i] << ", exact " << double(value);
    if (found[i] == 0 && value == 0)
      EXPECT_EQ(std::signbit(found[i]), std::signbit(value)) << "at " << points[i];
    if (error > worst)
      worst = error, where = points[i];
  }
  ::testing::Test::RecordProperty("worst_ulps", std::to_string(worst));
  ::testing::Test::RecordProperty("worst_at", std::to_string(where));
}

void expectF64(const std::string &name, const Points &points, Exact exact, double limit) {
  expectClose(points, expandedF64(name, points), exact, limit, 53, 0x1p-1074);
}

/// `count` numbers spread evenly over [low, high).
Points uniform(double low, double high, unsigned count) {
  std::mt19937_64 random(17);
  std::uniform_real_distribution<double> distribution(low, high);
  Points points;
  while (points.size() < count)
    points.push_back(distribution(random));
  return points;
}

/// `count` positive numbers whose logarithms are spread evenly: 2^low up to 2^high.
Points exponential(double low, double high, unsigned count) {
  Points points = uniform(low, high, count);
  for (double &point : points)
    point = std::exp2(point);
  return points;
}

Points join(std::initializer_list<Points> parts) {
  Points all;
  for (const Points &part : parts)
    all.insert(all.end(), part.begin(), part.end());
  return all;
}

/// The numbers and their negations.
Points bothSigns(Points points) {
  for (size_t i = 0, e = points.size(); i < e; ++i)
    points.push_back(-points[i]);
  return points;
}

TEST(ExpandMath, expF64) {
  Points special = {0, -0.0, kInf, -kInf, kNan, 1, -1, 709.78, 709.79, 1e300, -1e300, -708.4, -744.4, -745.2, 0x1p-60};
  expectF64("exp", join({special, uniform(-746, 710, 20000), uniform(-1, 1, 20000)}), std::exp, 1.5);
}

TEST(ExpandMath, exp2F64) {
  Points special = {0,     -0.0,      kInf,  -kInf,   kNan,   1,       -1,     0.5,     -0.5,
                    1023,  1023.9999, 1024,  1e300,   -1e300, -1021.5, -1022,  -1022.5, -1060.25,
                    -1074, -1074.5,   -1075, -1075.5, -1076,  -1200,   0x1p-60};
  expectF64("exp2", join({special, uniform(-1080, 1024, 20000), uniform(-2, 2, 20000)}), std::exp2, 2);
}

/// Where logarithms are easily wrong.
Points logarithmPoints() {
  Points special = {0,           -0.0,        kInf,    -kInf,     kNan,      1,         -1,
                    2,           0.5,         1024,    0x1p-1022, 0x1p-1074, 0x3p-1074, 0x1.fp-1030,
                    1 + 0x1p-52, 1 - 0x1p-53, M_SQRT2, M_SQRT1_2, 1e308};
  Points nearOne;
  for (double distance : exponential(-52, -2, 5000))
    nearOne.insert(nearOne.end(), {1 + distance, 1 - distance});
  return join({special, nearOne, uniform(0.5, 2, 20000), exponential(-1074, 1023.9, 20000)});
}

TEST(ExpandMath, logF64) { expectF64("log", logarithmPoints(), std::log, 1); }

TEST(ExpandMath, log2F64) { expectF64("log2", logarithmPoints(), std::log2, 1.5); }

TEST(ExpandMath, rsqrtF64) {
  auto exact = [](long double x) { return 1 / std::sqrt(x); };
  Points special = {0, -0.0, kInf, -kInf, kNan, 1, -1, 4, 0x1p-1074};
  expectF64("rsqrt", join({special, exponential(-1022, 1023, 20000)}), exact, 1.5);
}

TEST(ExpandMath, tanhF64) {
  Points special = {0, kInf, kNan, 0.55, std::nextafter(0.55, 0), 1, 19, 20, 40, 50, 1e300, 0x1p-1074, 1e-300, 0x1p-30};
  expectF64("tanh",
            bothSigns(join({special, uniform(0, 1, 20000), uniform(0, 25, 10000), exponential(-300, -1, 2000)})),
            std::tanh, 2);
}

TEST(ExpandMath, tanhF32) {
  Points special = {0,    kInf,     kNan,  0.55f,  std::nextafter(0.55f, 0.0f), 1, 9, 10, 40, 50,
                    1e38, 0x1p-149, 1e-38, 0x1p-13};
  Points points = bothSigns(join({special, uniform(0, 1, 1500), uniform(0, 12, 1000), exponential(-100, -1, 200)}));
  for (double &point : points)
    point = float(point);
  expectClose(points, expandedF32("tanh", points), std::tanh, 2, 24, 0x1p-149);
}

TEST(ExpandMath, roundedDivisions) {
  std::vector<double> a, b;
  for (int x : {-2147483647 - 1, -2147483647, -7, -6, -1, 0, 1, 6, 7, 2147483647})
    for (int y : {-2147483647 - 1, -3, -1, 1, 2, 3, 2147483647})
      if (y != -1 || x != -2147483647 - 1)
        a.push_back(x), b.push_back(y);
  std::string tile = "tensor<" + std::to_string(a.size()) + "xi32>", view = "!tile.view<? x i32>";
  for (bool up : {false, true}) {
    std::string text = "func.func @k(%x: " + view + ", %y: " + view +
                       ", %z: !tile.view<? x i32, out>) attributes {tile.kernel = #tile.request<\"sm_80\", warps 1, "
                       "stages 1>} {\n%c = arith.constant 0 : i32\n"
                       "%a = tile.load %x[%c] dims [0] : " +
                       view + " -> " + tile + "\n%b = tile.load %y[%c] dims [0] : " + view + " -> " + tile +
                       "\n%r = arith." + (up ? "ceildivsi" : "floordivsi") + " %a, %b : " + tile +
                       "\ntile.store %r, %z[%c] dims [0] : " + tile + ", !tile.view<? x i32, out>\nreturn\n}";
    int64_t count = a.size();
    Array x(DataType::I32, {count}, a), y(DataType::I32, {count}, b), z(DataType::I32, {count});
    withExpanded(text, /*fold=*/false, [&](mlir::ModuleOp module) {
      std::string expanded;
      llvm::raw_string_ostream(expanded) << module;
      EXPECT_EQ(runKernel(expanded, {1, 1, 1}, {x.view(), y.view(), z.view()}), "");
    });
    for (size_t i = 0; i < a.size(); ++i)
      EXPECT_EQ(z.get(i), up ? std::ceil(a[i] / b[i]) : std::floor(a[i] / b[i])) << a[i] << " by " << b[i];
  }
}

} // namespace
