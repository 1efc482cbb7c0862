//===- FunctionsTest.cpp - How exact the language's functions are ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Measures the table of compiler/frontend/Grammar.md: every function in every float type, compiled and run,
// against the C++ library in long double. f16 and bf16 over all their 65,536 values, f32 and f64 over all
// exponents and densely where a function is easily wrong. Then sums of 16-bit tiles, which add in f32.
//
//===----------------------------------------------------------------------===//

#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

class FunctionsOnDevice : public ::testing::TestWithParam<std::string> {
protected:
  bool isSimulated() const { return GetParam().starts_with("sim"); }
};
INSTANTIATE_TEST_SUITE_P(Devices, FunctionsOnDevice, ::testing::ValuesIn(oneOfEachKind()),
                         [](const auto &info) { return info.param.substr(0, info.param.find(':')); });

static constexpr char kFunctions[] = R"(
kernel functions<T: f16 | bf16 | f32 | f64>(X: view<T>[N], exp_: out view<T>[N], exp2_: out view<T>[N],
    log_: out view<T>[N], log2_: out view<T>[N], sqrt_: out view<T>[N], rsqrt_: out view<T>[N], tanh_: out view<T>[N],
    sin_: out view<T>[N], cos_: out view<T>[N], erf_: out view<T>[N], floor_: out view<T>[N], ceil_: out view<T>[N])
grid (cdiv(N, 512)) |i| {
  let x = load X[i * 512 :+ 512];
  store exp_[i * 512 :+ 512] = exp(x);    store exp2_[i * 512 :+ 512] = exp2(x);
  store log_[i * 512 :+ 512] = log(x);    store log2_[i * 512 :+ 512] = log2(x);
  store sqrt_[i * 512 :+ 512] = sqrt(x);  store rsqrt_[i * 512 :+ 512] = rsqrt(x);
  store tanh_[i * 512 :+ 512] = tanh(x);  store erf_[i * 512 :+ 512] = erf(x);
  store sin_[i * 512 :+ 512] = sin(x);    store cos_[i * 512 :+ 512] = cos(x);
  store floor_[i * 512 :+ 512] = floor(x);  store ceil_[i * 512 :+ 512] = ceil(x);
}
)";

namespace {

using Numbers = std::vector<double>;

/// A row of the table. Limits are in units in the last place of the exact result.
struct Function {
  const char *name;
  long double (*exact)(long double);
  double half, f32, f64; ///< f32: on the simulated device
  double f32Hardware;    ///< on a GPU, where instructions may do what the PTX ISA allows them

  double limit(DataType type, bool isSimulated) const {
    if (type == DataType::F64)
      return f64;
    return type != DataType::F32 ? half : isSimulated ? f32 : f32Hardware;
  }
};

constexpr Function kTable[] = {
    {"exp", [](long double x) { return std::exp(x); }, 0.51, 1.25, 1, 3},
    {"exp2", [](long double x) { return std::exp2(x); }, 0.51, 1.1, 1, 2},
    {"log", [](long double x) { return std::log(x); }, 0.51, 1, 1, 1},
    {"log2", [](long double x) { return std::log2(x); }, 0.51, 1, 1.5, 4},
    {"sqrt", [](long double x) { return std::sqrt(x); }, 0.5, 0.5, 0.5, 0.5},
    {"rsqrt", [](long double x) { return 1 / std::sqrt(x); }, 0.51, 0.51, 1.5, 2.2},
    {"tanh", [](long double x) { return std::tanh(x); }, 0.51, 2, 2, 3},
    {"sin", [](long double x) { return std::sin(x); }, 0.51, 2, 2, 2},
    {"cos", [](long double x) { return std::cos(x); }, 0.51, 2, 2, 2},
    {"erf", [](long double x) { return std::erf(x); }, 0.51, 3, 3, 3},
    {"floor", [](long double x) { return std::floor(x); }, 0, 0, 0, 0},
    {"ceil", [](long double x) { return std::ceil(x); }, 0, 0, 0, 0},
};

/// A float type: digits, and exponents of its largest power of two and its smallest number.
struct Format {
  int digits, highest, lowest;
};

Format formatOf(DataType type) {
  switch (type) {
  case DataType::F16:
    return {11, 15, -24};
  case DataType::BF16:
    return {8, 127, -133};
  case DataType::F32:
    return {24, 127, -149};
  default:
    return {53, 1023, -1074};
  }
}

/// |found - exact| in units in the last place of `exact`. An infinity counts as the first power of two that
/// the format does not have.
double unitsApart(double found, long double exact, const Format &format) {
  if (std::isnan(exact) || std::isnan(found))
    return std::isnan(exact) && std::isnan(found) ? 0 : INFINITY;
  const long double end = std::ldexp(1.0L, format.highest + 1);
  const long double a = std::fmin(std::fmax((long double)found, -end), end), b = std::fmin(std::fmax(exact, -end), end);
  const int exponent = b == 0 ? format.lowest : std::ilogb(b) - format.digits + 1;
  const long double unit =
      std::ldexp(1.0L, std::min(std::max(exponent, format.lowest), format.highest - format.digits + 1));
  return double(std::fabs(a - b) / unit);
}

/// All values of a 16-bit type, NaN among them.
Numbers wholeDomain(DataType type) {
  Numbers all;
  for (uint64_t bits = 0; bits < 0x10000; ++bits)
    all.push_back(decode(bits, type));
  return all;
}

/// Zeros, infinities, NaN, numbers of every exponent, and many where one function or another is delicate: results
/// near the ends of the range, arguments near 1 and 0, and the ends of the written-out series.
Numbers denseSample(DataType type, int64_t count) {
  const Format format = formatOf(type);
  const double least = std::ldexp(1, format.lowest), ends = format.highest + 3.0;
  Numbers points = {0, -0.0, INFINITY, -INFINITY, NAN, 1, -1, 0.5, -0.5, least, -least, 2, M_SQRT2, M_SQRT1_2};
  Random random(31);
  auto fill = [&](auto &&make) {
    for (int64_t i = 0; i < count; ++i)
      points.push_back(make(random.uniform()));
  };
  fill([&](double u) { // all exponents, both signs
    return (random.below(2) ? 1 : -1) *
           std::ldexp(1 + random.uniform(), int(format.lowest + u * (ends - format.lowest)));
  });
  fill([&](double u) { return format.lowest - 4 + u * (ends - format.lowest + 4); });           // exp2
  fill([&](double u) { return (format.lowest - 4 + u * (ends - format.lowest + 4)) * M_LN2; }); // exp
  fill([&](double u) { return (format.lowest - 2 + 30 * u) * (random.below(2) ? 1 : M_LN2); }); // their low end
  fill([&](double u) { return 1 + (u - 0.5) * std::exp2(-random.uniform() * format.digits); }); // log near 1
  fill([&](double u) { return 40 * (u - 0.5); });
  fill([&](double u) { return 2.2 * (u - 0.5); });
  fill([&](double u) { return 1 + u; });
  return roundTo(points, type);
}

/// The outputs of `text`, a kernel of X and outputs by these names, at `points`.
std::vector<Numbers> runFunctions(const std::string &device, DataType type, const Numbers &points) {
  const Runtime &runtime = runtimeOf(device);
  Kernel kernel = runtime.loadSource({"functions.tile", kFunctions}).value().kernel().value();
  const int64_t count = int64_t(points.size());
  Tensor x(runtime, type, denseLayout({count}), &points);
  std::vector<Tensor> outputs;
  std::vector<std::string> names;
  for (const Function &function : kTable) {
    outputs.emplace_back(runtime, type, denseLayout({count}));
    names.push_back(std::string(function.name) + "_");
  }
  std::vector<Argument> arguments = {{"X", x.view()}};
  for (size_t i = 0; i < names.size(); ++i)
    arguments.push_back({names[i], outputs[i].view()});
  kernel.launch(runtime.stream(), arguments).value();
  std::vector<Numbers> results;
  for (const Tensor &output : outputs)
    results.push_back(output.read());
  return results;
}

bool isF32(const Function &function, const char *name, DataType type) {
  return type == DataType::F32 && std::string(function.name) == name;
}

/// By the table results of f32's exp2 that lie below the normal range are 0.
long double exactly(const Function &function, DataType type, double x) {
  bool isAngle = function.name == std::string_view("sin") || function.name == std::string_view("cos");
  if (isAngle && std::fabs(x) > (type == DataType::F64 ? 0x1p30 : 0x1p22))
    return NAN;
  long double value = function.exact(x);
  return isF32(function, "exp2", type) && value < 0x1p-126L ? 0 : value;
}

} // namespace

TEST_P(FunctionsOnDevice, EveryFunctionIsWithinItsBound) {
  for (DataType type : {DataType::F16, DataType::BF16, DataType::F32, DataType::F64}) {
    bool isWhole = byteSize(type) == 2;
    const Numbers points = isWhole ? wholeDomain(type) : denseSample(type, isLongRun() ? 1000000 : 20000);
    const std::vector<Numbers> results = runFunctions(GetParam(), type, points);
    for (size_t f = 0; f < results.size(); ++f) {
      const Function &function = kTable[f];
      const double limit = function.limit(type, isSimulated());
      double worst = 0, where = 0;
      size_t wrong = 0;
      for (size_t i = 0; i < points.size(); ++i) {
        const long double exact = exactly(function, type, points[i]);
        double error = unitsApart(results[f][i], exact, formatOf(type));
        if (isF32(function, "log2", type) && !isSimulated() && std::fabs(results[f][i] - exact) <= 0x1p-22L)
          error = 0; // near 1, where the ISA bounds the absolute error
        if (results[f][i] == 0 && exact == 0 && std::signbit(results[f][i]) != std::signbit(exact))
          error = INFINITY;
        wrong += !(error <= limit);
        if (!(error <= worst))
          worst = error, where = points[i];
      }
      std::printf("  %s %s: worst %.3f units at %.17g, allowed %.2f\n", std::string(name(type)).c_str(), function.name,
                  worst, where, limit);
      EXPECT_EQ(wrong, 0u) << function.name << " of " << name(type) << " is wrong by " << worst << " units at "
                           << where;
    }
  }
}

static constexpr char kSums[] = R"(
kernel sums<T: f16 | bf16>(X: view<T>[N, D], rows: out view<T>[N], columns: out view<T>[D])
tune { BN: 1..128 = 16; BD: 1..1024 = 64; }
grid (1) |i| {
  let x = load X[0 :+ BN, 0 :+ BD];
  store rows[0 :+ BN] = rowsum(x);
  store columns[0 :+ BD] = colsum(x);
}
)";

/// Expects `found` to be the sum of `terms` added in f32 in some order and rounded once.
static void expectSum(double found, const Numbers &terms, DataType type, const std::string &what) {
  long double exact = 0, sizes = 0;
  for (double term : terms)
    exact += term, sizes += std::fabs(term);
  const double adding = double(terms.size()) * 0x1p-24 * double(sizes);
  EXPECT_LE(unitsApart(found, exact, formatOf(type)), 0.5 + unitsApart(double(exact) + adding, exact, formatOf(type)))
      << what << ": " << found << " for " << double(exact);
}

static void checkSums(const std::string &device, DataType type, int64_t n, int64_t d, bool isLarge) {
  Random random(uint64_t(n * 4096 + d));
  Numbers x = roundTo(random.normals(n * d), type);
  if (isLarge) // partial sums that a 16-bit type has not, or has not exactly
    for (int64_t i = 0; i < n * d; ++i)
      x[size_t(i)] += ((i / d + i % d) % 2 ? -1 : 1) * 60000.0, x[size_t(i)] = roundTo(x[size_t(i)], type);
  const Runtime &runtime = runtimeOf(device);
  Kernel kernel = runtime.loadSource({"sums.tile", kSums}).value().kernel().value();
  kernel.set("BN", n).set("BD", d);
  Tensor tensor(runtime, type, denseLayout({n, d}), &x);
  Tensor rows(runtime, type, denseLayout({n})), columns(runtime, type, denseLayout({d}));
  kernel.launch(runtime.stream(), {{"X", tensor.view()}, {"rows", rows.view()}, {"columns", columns.view()}}).value();
  const std::string what = std::string(name(type)) + " " + std::to_string(n) + "x" + std::to_string(d);
  const Numbers rowSums = rows.read(), columnSums = columns.read();
  Numbers column(static_cast<size_t>(n));
  for (int64_t row = 0; row < n; ++row)
    expectSum(rowSums[size_t(row)], Numbers(x.begin() + row * d, x.begin() + (row + 1) * d), type, what + " row");
  for (int64_t c = 0; c < d; ++c) {
    for (int64_t row = 0; row < n; ++row)
      column[size_t(row)] = x[size_t(row * d + c)];
    expectSum(columnSums[size_t(c)], column, type, what + " column");
  }
}

TEST_P(FunctionsOnDevice, SumsOfSixteenBitsAddInF32) {
  static constexpr int64_t shapes[][2] = {{1, 8},     {16, 64}, {64, 16}, {4, 1024},
                                          {128, 128}, {8, 100}, {33, 50}, {1, 1024}};
  for (DataType type : {DataType::F16, DataType::BF16})
    for (const auto &[n, d] : shapes)
      for (bool isLarge : {false, true})
        checkSums(GetParam(), type, n, d, isLarge);
}
