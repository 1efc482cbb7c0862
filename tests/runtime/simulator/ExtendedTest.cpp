//===- ExtendedTest.cpp - Carries, fields, video and odd forms ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each family against a model that counts naively: wide integers for carries, bit by bit for fields, byte by byte for
// video.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include <cmath>

using namespace imbrex::simulator::testing;

namespace {

std::string store(const std::string &reg) { return "cvt.u64.u32 %rd6, " + reg + ";\nst.global.u64 [%rd3], %rd6;\n"; }
const std::string kPair = "ld.global.v2.u32 {%r1, %r2}, [%rd4];\n"; // The lane's word, low half in %r1.

/// Pairs of interesting 32-bit numbers.
std::vector<uint64_t> pairs() {
  const uint32_t values[] = {0, 1, 5, 31, 32, 33, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x12345678, 0x80FF017F};
  std::vector<uint64_t> all;
  for (unsigned i = 0; i < 32; ++i)
    all.push_back(uint64_t(values[i % 11]) | uint64_t(values[(i * 7 + i / 11) % 11]) << 32);
  return all;
}
uint32_t low(uint64_t pair) { return static_cast<uint32_t>(pair); }
uint32_t high(uint64_t pair) { return static_cast<uint32_t>(pair >> 32); }

TEST(Extended, CarriesMakeWideNumbers) {
  // {%r1, %r2} and its rotation by one lane as 64-bit numbers, from 32-bit halves.
  std::string other = "shfl.sync.idx.b32 %r3, %r1, 5, 31, -1;\nshfl.sync.idx.b32 %r4, %r2, 5, 31, -1;\n";
  std::string out = "mov.b64 %rd6, {%r5, %r6};\nst.global.u64 [%rd3], %rd6;\n";
  std::vector<uint64_t> in = pairs();
  auto sum = runBody(kPair + other + "add.cc.u32 %r5, %r1, %r3;\naddc.u32 %r6, %r2, %r4;\n" + out, in);
  auto difference = runBody(kPair + other + "sub.cc.u32 %r5, %r1, %r3;\nsubc.u32 %r6, %r2, %r4;\n" + out, in);
  auto product = runBody(kPair + other +
                             "mul.lo.u32 %r5, %r1, %r3;\nmul.hi.u32 %r6, %r1, %r3;\nmad.lo.cc.u32 %r5, %r1, %r3, %r4;\n"
                             "madc.hi.u32 %r6, %r1, %r3, %r2;\n" +
                             out,
                         in);
  for (unsigned i = 0; i < 32; ++i) {
    EXPECT_EQ(sum[i], in[i] + in[5]);
    EXPECT_EQ(difference[i], in[i] - in[5]);
    EXPECT_EQ(product[i], uint64_t(low(in[i])) * low(in[5]) + high(in[5]) + (uint64_t(high(in[i])) << 32));
  }
}

TEST(Extended, TheCarryIsALanesOwn) {
  auto out =
      runBody("add.cc.u32 %r1, %r0, 0xfffffff0;\naddc.cc.u32 %r2, 0, 0;\naddc.u32 %r3, 7, 0;\n" + store("%r2"), {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i >= 16 ? 1u : 0u);
}

TEST(Extended, MasksBitByBit) {
  for (bool clamp : {true, false}) {
    auto out = runBody(kPair + "bmsk." + (clamp ? "clamp" : "wrap") + ".b32 %r3, %r1, %r2;\n" + store("%r3"), pairs());
    for (unsigned i = 0; i < 32; ++i) {
      uint32_t at = low(pairs()[i]), length = high(pairs()[i]), expected = 0;
      if (!clamp) {
        at %= 32;
        length %= 32;
      }
      for (uint64_t bit = 0; bit < 32; ++bit)
        if (bit >= at && bit < uint64_t(at) + length)
          expected |= 1u << bit;
      EXPECT_EQ(out[i], expected) << clamp << " " << at << " " << length;
    }
  }
}

TEST(Extended, FieldsAreExtended) {
  for (bool isSigned : {true, false}) {
    auto out =
        runBody(kPair + "szext.clamp." + (isSigned ? "s32" : "u32") + " %r3, %r1, %r2;\n" + store("%r3"), pairs());
    for (unsigned i = 0; i < 32; ++i) {
      uint32_t a = low(pairs()[i]), bits = high(pairs()[i]), expected = 0;
      for (unsigned bit = 0; bit < 32 && bits != 0; ++bit) {
        unsigned from = bits >= 32 || bit < bits ? bit : isSigned ? bits - 1 : 32;
        expected |= from < 32 ? (a >> from & 1) << bit : 0;
      }
      EXPECT_EQ(out[i], expected) << a << " " << bits;
    }
  }
}

TEST(Extended, TheNthSetBit) {
  auto out =
      runBody("fns.b32 %r1, 0x80000111, 0, 3;\nfns.b32 %r2, 0x80000111, 31, -2;\nfns.b32 %r3, 0x80000111, 4, 0;\n"
              "fns.b32 %r4, 0x80000111, 5, 4;\nmad.lo.u32 %r1, %r1, 100, %r2;\nmad.lo.u32 %r1, %r1, 100, %r3;\n"
              "and.b32 %r4, %r4, 63;\nmad.lo.u32 %r1, %r1, 100, %r4;\n" +
                  store("%r1"),
              {});
  EXPECT_EQ(out[0], 8080463u);
}

TEST(Extended, DotProductsOfTwo) {
  auto out = runBody(kPair + "dp2a.hi.s32.u32 %r3, %r1, %r2, 100;\n" + store("%r3"), pairs());
  for (unsigned i = 0; i < 32; ++i) {
    uint32_t a = low(pairs()[i]), b = high(pairs()[i]);
    int64_t sum = 100 + int64_t(int16_t(a)) * (b >> 16 & 255) + int64_t(int16_t(a >> 16)) * (b >> 24);
    EXPECT_EQ(out[i], uint32_t(sum));
  }
}

TEST(Extended, VideoByteByByte) {
  auto difference = runBody(kPair + "vabsdiff4.u32.u32.u32.add %r3, %r1, %r2, 9;\n" + store("%r3"), pairs());
  auto sum = runBody(kPair + "vadd4.s32.s32.s32.sat %r3, %r1, %r2, 0;\n" + store("%r3"), pairs());
  auto average = runBody(kPair + "vavrg2.s32.s32.s32 %r3, %r1, %r2, 0;\n" + store("%r3"), pairs());
  for (unsigned i = 0; i < 32; ++i) {
    uint32_t a = low(pairs()[i]), b = high(pairs()[i]), total = 9, sums = 0, averages = 0;
    for (unsigned k = 0; k < 32; k += 8) {
      total += static_cast<uint32_t>(std::abs(int(a >> k & 255) - int(b >> k & 255)));
      int exact = int8_t(a >> k) + int8_t(b >> k);
      sums |= static_cast<uint32_t>((exact < -128 ? -128 : exact > 127 ? 127 : exact) & 255) << k;
    }
    for (unsigned k = 0; k < 32; k += 16) {
      double half = (int16_t(a >> k) + int16_t(b >> k)) / 2.0;
      averages |= static_cast<uint32_t>(int(std::round(half)) & 0xFFFF) << k; // Ties away from zero.
    }
    EXPECT_EQ(difference[i], total);
    EXPECT_EQ(sum[i], sums);
    EXPECT_EQ(average[i], averages) << a << " " << b;
  }
}

TEST(Extended, PackedConversions) {
  auto out = runBody("cvt.pack.sat.s8.s32.b32 %r1, 300, -200, 0x12345678;\ncvt.pack.sat.u16.s32 %r2, -5, 70000;\n"
                     "mov.b64 %rd6, {%r1, %r2};\nst.global.u64 [%rd3], %rd6;\n",
                     {});
  EXPECT_EQ(out[0], uint64_t(0x0000FFFF) << 32 | 0x56787F80);
}

/// cuda_bf16.hpp: cvt into a register of 8 bits, which is then packed with an immediate.
TEST(Extended, BytesArePacked) {
  std::vector<uint64_t> input;
  for (unsigned i = 0; i < 32; ++i)
    input.push_back(0x0102030405060708u * (i + 1) ^ i << 13);
  auto out = runBody("{\n.reg.b8 b0, b1, b2, b3, b4;\nld.global.v2.u32 {%r1, %r2}, [%rd4];\nmov.b32 {b0, b1, b2, b3}, "
                     "%r1;\nmov.b16 %h1, {b3, b0};\nmov.b16 {b4, _}, %h1;\nmov.b16 %h2, {b4, 0x5A};\nmov.b32 %r3, "
                     "{%h1, %h2};\nmov.b32 %r4, {b2, 7, b1, b0};\nst.global.v2.u32 [%rd3], {%r3, %r4};\n}",
                     input);
  for (unsigned i = 0; i < 32; ++i) {
    uint32_t w = static_cast<uint32_t>(input[i]);
    uint32_t low = w >> 24 | (w & 0xFF) << 8 | (w >> 24) << 16 | 0x5A000000u;
    uint32_t high = (w >> 16 & 0xFF) | 7u << 8 | (w >> 8 & 0xFF) << 16 | w << 24;
    EXPECT_EQ(out[i], uint64_t(high) << 32 | low) << i;
  }
  auto toBytes = runBody("{\n.reg.b8 b;\nld.global.b16 %h1, [%rd4];\ncvt.rzi.s8.bf16 b, %h1;\nmov.b16 %h2, {b, "
                         "0};\ncvt.u64.u16 %rd6, %h2;\nst.global.u64 [%rd3], %rd6;\n}",
                         {0xC020 /* -2.5 */, 0x42FE /* 127 */});
  EXPECT_EQ(toBytes[0], 0xFEu);
  EXPECT_EQ(toBytes[1], 127u);
}

TEST(Extended, ComparisonsOfHalves) {
  // 1.0 and 2.0 against 1.0 and -NaN.
  std::string set = "set.ge.f16x2.f16x2 %r1, 0x40003c00, 0xfe003c00;\nset.neu.u32.f16x2 %r2, 0x40003c00, 0xfe003c00;\n"
                    "setp.eq.f16x2 %p1|%p2, 0x40003c00, 0xfe003c00;\nselp.u32 %r3, 1, 0, %p1;\n@%p2 trap;\n"
                    "add.u32 %r2, %r2, %r3;\nmov.b64 %rd6, {%r1, %r2};\nst.global.u64 [%rd3], %rd6;\n";
  EXPECT_EQ(runBody(set, {})[0], uint64_t(0xFFFF0001) << 32 | 0x00003C00);
}

TEST(Extended, VotesOfTheLanesThatAreTogether) {
  auto out = runBody("setp.lt.u32 %p1, %r0, 12;\nmov.b32 %r1, 0;\n@%p1 bra LOW;\nbra JOIN;\nLOW:\n"
                     "setp.gt.u32 %p2, %r0, 9;\nvote.ballot.b32 %r1, %p2;\nJOIN:\n" +
                         store("%r1"),
                     {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i < 12 ? 0xC00u : 0u);
}

TEST(Extended, SpecialRegistersOfSixteenBits) {
  auto out = runBody(
      "mov.u16 %h1, %tid.x;\ncvt.u32.u16 %r1, %h1;\ncvt.u32.u16 %r2, %ntid.x;\nmad.lo.u32 %r1, %r2, 100, %r1;\n" +
          store("%r1"),
      {});
  EXPECT_EQ(out[9], 3209u);
}

TEST(Extended, EightWordsAtOnce) {
  Host host;
  CUfunction function = host.load(kernelText("mad.wide.u32 %rd7, %r0, 32, %rd1;\nmad.wide.u32 %rd8, %r0, 32, %rd2;\n"
                                             "ld.global.v8.b32 {%r1,%r2,%r3,%r4,%r5,%r6,%r7,%r8}, [%rd8];\n"
                                             "st.global.v8.b32 [%rd7], {%r8,%r7,%r6,%r5,%r4,%r3,%r2,%r1};"));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  std::vector<uint32_t> values(256);
  for (uint32_t i = 0; i < 256; ++i)
    values[i] = i;
  CUdeviceptr in = host.upload(values), out = host.allocate(1024);
  ASSERT_EQ(host.launch(function, 1, 32, 0, out, in), CUDA_SUCCESS) << host.report;
  auto result = host.download<uint32_t>(out, 256);
  for (uint32_t i = 0; i < 256; ++i)
    EXPECT_EQ(result[i], i / 8 * 8 + 7 - i % 8);
}

TEST(Extended, PoliciesAreAccepted) {
  auto out = runBody(
      "createpolicy.fractional.L2::evict_last.b64 %rd9, 1.0;\nld.global.L2::cache_hint.u64 %rd6, [%rd4], %rd9;\n"
      "st.global.L2::cache_hint.u64 [%rd3], %rd6, %rd9;\n",
      {3, 4});
  EXPECT_EQ(out[1], 4u);
}

TEST(Extended, SaturatedAnd24BitMultiplyAdds) {
  auto mulHigh = [](int32_t a, int32_t b) { return int64_t(a) * b >> 32; };
  auto cut = [](uint32_t a) { return static_cast<int32_t>(a << 8) >> 8; }; // The low 24 bits as a number.
  auto clamped = [](int64_t value) {
    return static_cast<uint32_t>(std::min<int64_t>(std::max<int64_t>(value, INT32_MIN), INT32_MAX));
  };
  std::vector<uint64_t> in = pairs();
  auto high32 = runBody(kPair + "mad.hi.sat.s32 %r3, %r1, %r2, %r1;\n" + store("%r3"), in);
  auto low24 = runBody(kPair + "mad24.lo.u32 %r3, %r1, %r2, %r1;\n" + store("%r3"), in);
  auto high24 = runBody(kPair + "mad24.hi.sat.s32 %r3, %r1, %r2, %r1;\n" + store("%r3"), in);
  for (unsigned i = 0; i < 32; ++i) {
    uint32_t a = low(in[i]), b = high(in[i]);
    int32_t x = static_cast<int32_t>(a), y = static_cast<int32_t>(b);
    EXPECT_EQ(high32[i], clamped(mulHigh(x, y) + x));
    EXPECT_EQ(low24[i], static_cast<uint32_t>((uint64_t(a & 0xFFFFFF) * (b & 0xFFFFFF)) + a));
    int64_t upper = static_cast<int32_t>(static_cast<uint64_t>(int64_t(cut(a)) * cut(b)) >> 16); // Bits 16 to 47.
    EXPECT_EQ(high24[i], clamped(upper + x));
  }
}

/// 9.7.9, cvt: too large and infinite become the largest finite number, NaN stays.
TEST(Extended, PairsSaturatedToFiniteNumbers) {
  const std::pair<uint32_t, uint32_t> kCases[] = {{0x7F800000, 0x7BFF}, {0xFF800000, 0xFBFF}, {0x477FF000, 0x7BFF},
                                                  {0x3FC00000, 0x3E00}, {0x7FC00000, 0x7FFF}, {0xC7800000, 0xFBFF}};
  for (auto [value, code] : kCases) {
    std::string text = "mov.b32 %f1, " + std::to_string(value) + ";\ncvt.rn.satfinite.f16x2.f32 %r1, %f1, %f1;\n";
    EXPECT_EQ(runBody(text + store("%r1"), {})[0], code << 16 | code) << std::hex << value;
  }
  std::string relu =
      "mov.b32 %f1, 0xff800000;\nmov.b32 %f2, 0x7f7fffff;\ncvt.rn.satfinite.relu.bf16x2.f32 %r1, %f1, %f2;\n";
  EXPECT_EQ(runBody(relu + store("%r1"), {})[0], 0x7F7Fu);
}

/// mad without a rounding is fused where PTX of old may leave it out, and an error elsewhere.
TEST(Extended, LegacyMad) {
  std::string body = "mov.f32 %f1, 0f3F800001;\nmad.f32 %f2, %f1, %f1, 0fBF800002;\nst.global.f32 [%rd1], %f2;";
  Host host;
  CUfunction function = host.load(kernelText(body, "", "sm_13"));
  ASSERT_NE(function, nullptr) << host.log;
  CUdeviceptr out = host.allocate(8);
  EXPECT_EQ(host.launch(function, 1, 1, 0, out, out), CUDA_SUCCESS) << host.report;
  EXPECT_EQ(host.download<float>(out, 1)[0], 0x1p-46f); // (1 + 2^-23)^2 - (1 + 2^-22): lost without fusion.
  EXPECT_EQ(host.load(kernelText(body)), nullptr);
  EXPECT_NE(host.log.find("needs a rounding"), std::string::npos);
}

/// The system's part of shared memory lies behind the kernel's own variables and can be written.
TEST(Extended, ReservedSharedMemory) {
  auto out = runBody("mov.u32 %r1, %reserved_smem_offset_begin;\nmov.u32 %r2, %reserved_smem_offset_end;\n"
                     "mov.u32 %r3, %reserved_smem_offset_cap;\nmad.lo.u32 %r4, %r0, 4, %r1;\n"
                     "st.shared.u32 [%r4], %r3;\nld.shared.u32 %r5, [%r4];\n"
                     "sub.u32 %r6, %r2, %r1;\nsub.u32 %r6, %r6, %r5;\nmov.u32 %r7, s;\nadd.u32 %r7, %r7, 64;\n"
                     "setp.ge.u32 %p1, %r1, %r7;\nselp.u32 %r6, %r6, 99, %p1;\n" +
                         store("%r6"),
                     {}, ".shared .align 4 .b8 s[64];\n");
  EXPECT_EQ(out, std::vector<uint64_t>(32, 0));
}

} // namespace
