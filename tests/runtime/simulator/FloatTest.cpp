//===- FloatTest.cpp - Floating-point instructions and conversions --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Roundings, NaNs, signed zeros, subnormals and the 16-bit formats against C++ (and _Float16, which
// the compiler rounds itself), and the error of the approximations.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include <bit>
#include <cmath>
#include <functional>

using namespace imbrex::simulator::testing;

namespace {

const std::vector<float> kEdges = {
    0.0f,        -0.0f,       1.0f,     -1.0f,     0.5f,       1.5f,          2.5f,           -2.5f,
    3.1415927f,  65504.0f,    65520.0f, -65536.0f, 1e-8f,      6.1e-5f,       5.96e-8f,       2.98e-8f,
    2.99e-8f,    1e30f,       3e38f,    INFINITY,  -INFINITY,  NAN,           1e-40f,         -1e-40f,
    1.00390625f, 1.01171875f, 0.1f,     1e-3f,     123456.78f, 2147483648.0f, -2147483904.0f, 4294967296.0f};

bool same(float a, float b) {
  return std::isnan(a) ? std::isnan(b) : std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

float flush(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }

/// "op %f3, %f1, %f2" on all pairs of edge values.
void check2(const std::string &op, const std::function<float(float, float)> &expected, const std::string &tail = "") {
  for (size_t shift = 0; shift < kEdges.size(); ++shift) {
    std::vector<uint64_t> input;
    for (size_t i = 0; i < 32; ++i)
      input.push_back(uint64_t(std::bit_cast<uint32_t>(kEdges[(i + shift) % kEdges.size()])) << 32 |
                      std::bit_cast<uint32_t>(kEdges[i]));
    auto out = runBody("ld.global.v2.f32 {%f1, %f2}, [%rd4];\n" + op + " %f3, %f1, %f2" + tail +
                           ";\nst.global.f32 [%rd3], %f3;",
                       input);
    for (size_t i = 0; i < 32; ++i) {
      float a = kEdges[i], b = kEdges[(i + shift) % kEdges.size()],
            d = std::bit_cast<float>(static_cast<uint32_t>(out[i]));
      ASSERT_TRUE(same(d, expected(a, b)))
          << op << " " << a << ", " << b << " gives " << d << " not " << expected(a, b);
    }
  }
}

std::vector<uint64_t> run1(const std::string &body, const std::vector<float> &values = kEdges) {
  std::vector<uint64_t> input;
  for (float value : values)
    input.push_back(std::bit_cast<uint32_t>(value));
  return runBody("ld.global.f32 %f1, [%rd4];\n" + body, input);
}

TEST(Float, Arithmetic) {
  check2("add.rn.f32", [](float a, float b) { return a + b; });
  check2("sub.f32", [](float a, float b) { return a - b; });
  check2("mul.rn.ftz.f32", [](float a, float b) { return flush(flush(a) * flush(b)); });
  check2("div.rn.f32", [](float a, float b) { return a / b; });
  check2("fma.rn.f32", [](float a, float b) { return std::fma(a, b, 0.75f); }, ", 0f3F400000");
  check2("add.sat.f32", [](float a, float b) {
    float s = a + b;
    return std::isnan(s) || s <= 0 ? 0.0f : s > 1 ? 1.0f : s;
  });
  check2("copysign.f32", [](float a, float b) { return std::copysign(b, a); });
}

TEST(Float, DirectedRoundings) {
  auto out = runBody(
      "mov.f32 %f1, 0f3F800000;\nmov.f32 %f2, 0f33000000;\nadd.rz.f32 %f3, %f1, %f2;\nadd.rp.f32 %f4, %f1, %f2;\n"
      "mul.rm.f32 %f5, %f4, %f4;\nmul.rp.f32 %f6, %f4, %f4;\nst.global.v2.f32 [%rd3], {%f3, %f4};",
      {});
  EXPECT_EQ(static_cast<uint32_t>(out[0]), 0x3F800000u);
  EXPECT_EQ(static_cast<uint32_t>(out[0] >> 32), 0x3F800001u);
}

TEST(Float, MinimumAndMaximum) {
  auto pick = [](float a, float b, bool least) {
    if (a == b)
      return std::signbit(a) == least ? a : b;
    return (a < b) == least ? a : b;
  };
  check2("min.f32", [&](float a, float b) { return std::isnan(a) ? b : std::isnan(b) ? a : pick(a, b, true); });
  check2("max.f32", [&](float a, float b) { return std::isnan(a) ? b : std::isnan(b) ? a : pick(a, b, false); });
  check2("max.NaN.f32", [&](float a, float b) { return std::isnan(a) || std::isnan(b) ? NAN : pick(a, b, false); });
}

TEST(Float, Comparisons) {
  auto number = [](bool x) { return x ? 1.0f : 0.0f; };
  check2("set.lt.f32.f32", [&](float a, float b) { return number(a < b); });
  check2("set.ltu.f32.f32", [&](float a, float b) { return number(!(a >= b)); });
  check2("set.ne.f32.f32", [&](float a, float b) { return number(a < b || a > b); });
  check2("set.neu.f32.f32", [&](float a, float b) { return number(a != b); });
  check2("set.num.f32.f32", [&](float a, float b) { return number(!std::isnan(a) && !std::isnan(b)); });
  check2("set.eq.ftz.f32.f32", [&](float a, float b) { return number(flush(a) == flush(b)); });
}

TEST(Float, Approximations) {
  std::vector<float> values;
  for (int i = 0; i < 32; ++i)
    values.push_back(0.03f + static_cast<float>(i) * 0.4321f);
  struct Case {
    const char *op;
    std::function<double(double)> exact;
    double relative;
  };
  for (const Case &one : std::vector<Case>{{"ex2.approx.f32", [](double x) { return std::exp2(x); }, 0x1p-21},
                                           {"ex2.approx.ftz.f32", [](double x) { return std::exp2(x); }, 0x1p-21},
                                           {"lg2.approx.f32", [](double x) { return std::log2(x); }, 0x1p-21},
                                           {"rcp.approx.f32", [](double x) { return 1 / x; }, 0x1p-22},
                                           {"rsqrt.approx.f32", [](double x) { return 1 / std::sqrt(x); }, 0x1p-22},
                                           {"sqrt.rn.f32", [](double x) { return std::sqrt(x); }, 0x1p-23},
                                           {"sin.approx.f32", [](double x) { return std::sin(x); }, 0x1p-20},
                                           {"tanh.approx.f32", [](double x) { return std::tanh(x); }, 0x1p-11}}) {
    auto out = run1(std::string(one.op) + " %f2, %f1;\nst.global.f32 [%rd3], %f2;", values);
    for (size_t i = 0; i < 32; ++i) {
      double exact = one.exact(values[i]), got = std::bit_cast<float>(static_cast<uint32_t>(out[i]));
      EXPECT_LE(std::fabs(got - exact), one.relative * std::max(std::fabs(exact), 1e-2)) << one.op << values[i];
    }
  }
  auto out = run1("ex2.approx.f32 %f2, %f1;\nst.global.f32 [%rd3], %f2;",
                  {-INFINITY, INFINITY, NAN, -140.0f, 128.0f, -0.0f, 1e-40f, 127.5f});
  auto value = [&](size_t i) { return std::bit_cast<float>(static_cast<uint32_t>(out[i])); };
  EXPECT_EQ(value(0), 0.0f);
  EXPECT_EQ(value(1), INFINITY);
  EXPECT_TRUE(std::isnan(value(2)));
  EXPECT_EQ(value(3), 0x1p-140f);
  EXPECT_EQ(value(4), INFINITY);
  EXPECT_EQ(value(5), 1.0f);
  EXPECT_EQ(value(6), 1.0f);
  EXPECT_NEAR(value(7), 2.40615969e38f, 1e32f);
}

uint16_t nearestBFloat(float x) {
  if (std::isnan(x))
    return 0x7FFF;
  uint32_t bits = std::bit_cast<uint32_t>(x), lost = bits & 0xFFFF, kept = bits >> 16;
  return static_cast<uint16_t>(kept + (lost > 0x8000 || (lost == 0x8000 && (kept & 1))));
}

TEST(Convert, HalfAndBFloat) {
  auto half = run1("cvt.rn.f16.f32 %h1, %f1;\nst.global.u16 [%rd3], %h1;"),
       bfloat = run1("cvt.rn.bf16.f32 %h1, %f1;\nst.global.u16 [%rd3], %h1;");
  auto pair = run1("neg.f32 %f2, %f1;\ncvt.rn.f16x2.f32 %r1, %f2, %f1;\ncvt.rn.bf16x2.f32 %r2, %f2, "
                   "%f1;\nst.global.v2.u32 [%rd3], {%r1, %r2};");
  for (size_t i = 0; i < 32; ++i) {
    float x = kEdges[i];
    uint16_t expected = std::isnan(x) ? 0x7FFF : std::bit_cast<uint16_t>(static_cast<_Float16>(x));
    EXPECT_EQ(half[i], expected) << x;
    EXPECT_EQ(bfloat[i], nearestBFloat(x)) << x;
    EXPECT_EQ(static_cast<uint16_t>(pair[i]), expected) << x;
    EXPECT_EQ(static_cast<uint16_t>(pair[i] >> 16), std::isnan(x) ? 0x7FFF : expected ^ 0x8000) << x;
    EXPECT_EQ(static_cast<uint16_t>(pair[i] >> 32), nearestBFloat(x)) << x;
  }
}

TEST(Convert, EveryHalfWidensExactlyAndComesBack) {
  for (uint32_t base = 0; base < 65536; base += 32 * 64) {
    std::vector<uint64_t> input;
    for (uint32_t i = 0; i < 32; ++i)
      input.push_back(base + i * 64 + base / 2048 % 64);
    auto out = runBody("ld.global.u16 %h1, [%rd4];\ncvt.f32.f16 %f1, %h1;\ncvt.rn.f16.f32 %h2, %f1;\ncvt.u32.u16 %r1, "
                       "%h2;\nst.global.f32 [%rd3], %f1;\n"
                       "st.global.u32 [%rd3+4], %r1;",
                       input);
    for (uint32_t i = 0; i < 32; ++i) {
      uint16_t bits = static_cast<uint16_t>(input[i]);
      float wide = static_cast<float>(std::bit_cast<_Float16>(bits));
      ASSERT_TRUE(same(std::bit_cast<float>(static_cast<uint32_t>(out[i])), wide)) << bits;
      if (!std::isnan(wide))
        ASSERT_EQ(out[i] >> 32, bits);
    }
  }
}

TEST(Convert, FloatToInteger) {
  struct Case {
    const char *op;
    std::function<double(double)> round;
    double low, high;
  };
  for (const Case &one :
       std::vector<Case>{{"rni.s32", [](double x) { return std::nearbyint(x); }, -2147483648.0, 2147483647.0},
                         {"rzi.s32", [](double x) { return std::trunc(x); }, -2147483648.0, 2147483647.0},
                         {"rmi.u32", [](double x) { return std::floor(x); }, 0, 4294967295.0},
                         {"rpi.s8", [](double x) { return std::ceil(x); }, -128, 127}}) {
    auto out = run1("cvt." + std::string(one.op) + ".f32 %r1, %f1;\nst.global.u32 [%rd3], %r1;");
    for (size_t i = 0; i < 32; ++i) {
      double x = one.round(kEdges[i]), clamped = std::isnan(x)  ? 0
                                                 : x < one.low  ? one.low
                                                 : x > one.high ? one.high
                                                                : x;
      EXPECT_EQ(static_cast<uint32_t>(out[i]), static_cast<uint32_t>(static_cast<int64_t>(clamped)))
          << one.op << kEdges[i];
    }
  }
}

TEST(Convert, IntegersAndDoubles) {
  std::vector<uint64_t> input = {0,
                                 1,
                                 ~uint64_t(0),
                                 uint64_t(1) << 63,
                                 0xFFFFFF8000000000,
                                 0xFFFFFF7FFFFFFFFF,
                                 16777217,
                                 0x8000000080000001,
                                 0x1FFFFFFFFFFFFFF};
  auto out = runBody("ld.global.u64 %rd6, [%rd4];\ncvt.rn.f32.u64 %f1, %rd6;\ncvt.rn.f32.s64 %f2, "
                     "%rd6;\nst.global.v2.f32 [%rd3], {%f1, %f2};",
                     input);
  auto wide = runBody("ld.global.u64 %rd6, [%rd4];\ncvt.rn.f64.u64 %d1, %rd6;\nst.global.f64 [%rd3], %d1;", input);
  auto sized = runBody("ld.global.u64 %rd6, [%rd4];\ncvt.s64.s8 %rd7, %rd6;\ncvt.sat.u8.s64 %r1, %rd6;\ncvt.u64.u32 "
                       "%rd8, %r1;\nshl.b64 %rd8, %rd8, 32;\n"
                       "xor.b64 %rd7, %rd7, %rd8;\nst.global.u64 [%rd3], %rd7;",
                       input);
  for (size_t i = 0; i < input.size(); ++i) {
    EXPECT_EQ(std::bit_cast<float>(static_cast<uint32_t>(out[i])), static_cast<float>(input[i]));
    EXPECT_EQ(std::bit_cast<float>(static_cast<uint32_t>(out[i] >> 32)),
              static_cast<float>(static_cast<int64_t>(input[i])));
    EXPECT_EQ(std::bit_cast<double>(wide[i]), static_cast<double>(input[i]));
    int64_t x = static_cast<int64_t>(input[i]);
    EXPECT_EQ(sized[i], static_cast<uint64_t>(static_cast<int8_t>(x)) ^ static_cast<uint64_t>(x < 0     ? 0
                                                                                              : x > 255 ? 255
                                                                                                        : x)
                                                                            << 32);
  }
}

TEST(Convert, Tf32AndBytes) {
  auto out = run1("cvt.rna.tf32.f32 %r1, %f1;\nst.global.u32 [%rd3], %r1;",
                  {1.0f, std::bit_cast<float>(0x3F801000), std::bit_cast<float>(0x3F800FFF), -0.0f});
  EXPECT_EQ(out[0], 0x3F800000u);
  EXPECT_EQ(out[1], 0x3F802000u);
  EXPECT_EQ(out[2], 0x3F800000u);
  EXPECT_EQ(out[3], 0x80000000u);
  auto bytes = run1("cvt.rn.satfinite.e4m3x2.f32 %h1, %f1, %f1;\ncvt.rn.f16x2.e4m3x2 %r1, %h1;\nst.global.u16 [%rd3], "
                    "%h1;\nst.global.u32 [%rd3+4], %r1;",
                    {1.0f, 448.0f, 1000.0f, -0.0625f, 0.001953125f, 0.0009765625f, NAN, 17.0f});
  const uint8_t codes[] = {0x38, 0x7E, 0x7E, 0x98, 0x01, 0x00, 0x7F, 0x58};
  const float values[] = {1, 448, 448, -0.0625f, 0.001953125f, 0, NAN, 16};
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(bytes[i] & 0xFFFF, codes[i] * 257u) << i;
    float back = static_cast<float>(std::bit_cast<_Float16>(static_cast<uint16_t>(bytes[i] >> 32)));
    EXPECT_TRUE(same(back, values[i])) << i << " " << back;
  }
}

TEST(Half, ArithmeticRoundsOnce) {
  // Element: f16 a | b << 16 | c << 32.
  std::vector<uint64_t> input;
  uint64_t state = 12345;
  for (int i = 0; i < 32; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    input.push_back(state >> 16 & 0xBFFFBFFFBFFF);
  }
  auto sum = runBody("ld.global.u64 %rd6, [%rd4];\nmov.b64 {%h1, %h2, %h3, %h4}, %rd6;\nadd.rn.f16 %h5, %h1, "
                     "%h2;\nmul.rn.f16 %h6, %h1, %h2;\n"
                     "fma.rn.f16 %h7, %h1, %h2, %h3;\nmax.f16 %h8, %h1, %h3;\nmov.b64 %rd7, {%h5, %h6, %h7, "
                     "%h8};\nst.global.u64 [%rd3], %rd7;",
                     input);
  auto half = [](uint64_t bits) { return static_cast<double>(std::bit_cast<_Float16>(static_cast<uint16_t>(bits))); };
  auto bits = [](double x) { return std::bit_cast<uint16_t>(static_cast<_Float16>(x)); };
  for (size_t i = 0; i < 32; ++i) {
    double a = half(input[i]), b = half(input[i] >> 16), c = half(input[i] >> 32);
    EXPECT_EQ(static_cast<uint16_t>(sum[i]), bits(a + b));
    EXPECT_EQ(static_cast<uint16_t>(sum[i] >> 16), bits(a * b));
    EXPECT_EQ(static_cast<uint16_t>(sum[i] >> 32), bits(std::fma(a, b, c)));
    EXPECT_EQ(static_cast<uint16_t>(sum[i] >> 48), bits(std::max(a, c)));
  }
}

TEST(Half, PackedBFloat) {
  auto out = runBody("mov.b32 %r1, 0x40003F80;\nmov.b32 %r2, 0x3B803F80;\nadd.rn.bf16x2 %r3, %r1, %r2;\nfma.rn.bf16x2 "
                     "%r4, %r1, %r2, %r1;\nst.global.v2.u32 [%rd3], {%r3, %r4};",
                     {});
  EXPECT_EQ(static_cast<uint32_t>(out[0]), 0x40004000u);       // 2 + 2^-8 ties to 2; 1 + 1.
  EXPECT_EQ(static_cast<uint32_t>(out[0] >> 32), 0x40004000u); // 2 * 2^-8 + 2 = 2.0078 ties to 2; 1 + 1.
}

/// sm_100 adds 16-bit operands into f32: sums with 2^-20 need more bits than either has.
TEST(Half, MixedPrecision) {
  Host host;
  CUfunction function =
      host.load(kernelText("mov.b16 %h1, 0x3E00;\nmov.b16 %h2, 0x4000;\nmov.f32 %f1, 0f35800000;\n"
                           "add.rn.f32.f16 %f2, %h1, %f1;\nsub.rn.f32.bf16 %f3, %h2, %f1;\n"
                           "fma.rn.f32.f16 %f4, %h1, %h1, %f1;\nst.global.v2.f32 [%rd1], {%f2, %f3};\n"
                           "st.global.f32 [%rd1+8], %f4;",
                           "", "sm_90"));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr out = host.allocate(16);
  ASSERT_EQ(host.launch(function, 1, 1, 0, out, out), CUDA_SUCCESS) << host.report;
  auto values = host.download<float>(out, 3);
  EXPECT_EQ(values[0], 1.5f + 0x1p-20f);
  EXPECT_EQ(values[1], 2.0f - 0x1p-20f);
  EXPECT_EQ(values[2], 2.25f + 0x1p-20f);
}

TEST(Float, FusedMultiplyAddOf16BitsRoundsOnce) {
  // 7 * 37 + -2^-63: just below a tie of bf16, which the sum in double would reach.
  auto out =
      runBody("mov.b16 %h1, 0x40E0;\nmov.b16 %h2, 0x4214;\nmov.b16 %h3, 0xA180;\nfma.rn.bf16 %h4, %h1, %h2, %h3;\n"
              "mov.b32 %r1, {%h1, %h1};\nmov.b32 %r2, {%h2, %h2};\nmov.b32 %r3, {%h3, %h3};\n"
              "fma.rn.bf16x2 %r4, %r1, %r2, %r3;\nst.global.b16 [%rd3], %h4;\nst.global.b32 [%rd3+4], %r4;",
              {});
  EXPECT_EQ(out[0], 0x4381438100004381u);
}

TEST(Convert, NotANumberToInteger) {
  auto out = runBody("mov.f32 %f1, 0f7FC00000;\nmov.f64 %d1, 0d7FF8000000000000;\ncvt.rzi.s32.f32 %r1, %f1;\n"
                     "cvt.rzi.u64.f32 %rd6, %f1;\ncvt.rzi.s32.f64 %r2, %d1;\ncvt.rzi.u32.f64 %r3, %d1;\n"
                     "cvt.rzi.s64.f64 %rd7, %d1;\nst.global.u32 [%rd1], %r1;\nst.global.u32 [%rd1+8], %r2;\n"
                     "st.global.u32 [%rd1+16], %r3;\nst.global.u64 [%rd1+24], %rd6;\nst.global.u64 [%rd1+32], %rd7;",
                     {});
  EXPECT_EQ(out[0], 0u);
  EXPECT_EQ(out[1], 1u << 31);
  EXPECT_EQ(out[2], 1u << 31);
  EXPECT_EQ(out[3], uint64_t(1) << 63);
  EXPECT_EQ(out[4], uint64_t(1) << 63);
}

TEST(Convert, LongIntegerToDoubleInEveryDirection) {
  const std::vector<uint64_t> values = {
      0, 1, (uint64_t(1) << 53) + 1, (uint64_t(1) << 62) + 513, ~uint64_t(0), uint64_t(1) << 63};
  for (std::string_view type : {"u64", "s64"})
    for (std::string_view mode : {"rn", "rz", "rm", "rp"}) {
      auto out = runBody("ld.global.u64 %rd6, [%rd4];\ncvt." + std::string(mode) + ".f64." + std::string(type) +
                             " %d1, %rd6;\nst.global.f64 [%rd3], %d1;",
                         values);
      for (size_t i = 0; i < values.size(); ++i) {
        long double exact = type == "u64" ? static_cast<long double>(values[i]) : static_cast<int64_t>(values[i]);
        double nearest = static_cast<double>(exact), expected = nearest;
        bool down = mode == "rm" || (mode == "rz" && exact > 0), up = mode == "rp" || (mode == "rz" && exact < 0);
        if (down && nearest > exact)
          expected = std::nextafter(nearest, -INFINITY);
        if (up && nearest < exact)
          expected = std::nextafter(nearest, INFINITY);
        EXPECT_EQ(out[i], std::bit_cast<uint64_t>(expected)) << mode << " of " << values[i];
      }
    }
}

TEST(Float, FlushingOfHalves) {
  // 2^-15 is subnormal in f16.
  auto out =
      runBody("mov.b16 %h1, 0x0200;\nmov.b16 %h2, 0;\nsetp.eq.ftz.f16 %p1, %h1, %h2;\nsetp.eq.f16 %p2, %h1, %h2;\n"
              "selp.u32 %r1, 1, 0, %p1;\nselp.u32 %r2, 1, 0, %p2;\nneg.ftz.f16 %h3, %h1;\n"
              "st.global.u32 [%rd3], %r1;\nst.global.u16 [%rd3+4], %h3;\nst.global.u8 [%rd3+6], %r2;",
              {});
  EXPECT_EQ(out[0], 0x0000800000000001u);
}

} // namespace
