//===- ArithmeticTest.cpp - Integer and bit instructions ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each instruction on edge values against what C++ says, written here in its own words.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include <bit>
#include <functional>

using namespace imbrex::simulator::testing;

namespace {

const std::vector<uint32_t> kEdges = {0,          1,          2,          3,          7,          31,
                                      32,         33,         255,        256,        0x7FFF,     0x8000,
                                      0xFFFF,     0x10000,    0x12345678, 0x7FFFFFFF, 0x80000000, 0x80000001,
                                      0xDEADBEEF, 0xFFFFFFFE, 0xFFFFFFFF, 0x0F0F0F0F, 0x00FF00FF, 100};

/// Runs "op %r3, %r1, %r2" on pairs of edge values (element: low word a, high word b).
void check2(const std::string &op, const std::function<uint32_t(uint32_t, uint32_t)> &expected,
            const std::string &tail = "") {
  std::vector<uint64_t> input;
  for (unsigned shift = 0; shift < kEdges.size(); ++shift) {
    input.clear();
    for (unsigned i = 0; i < 32; ++i)
      input.push_back(uint64_t(kEdges[(i + shift) % kEdges.size()]) << 32 | kEdges[i % kEdges.size()]);
    auto out = runBody("ld.global.v2.u32 {%r1, %r2}, [%rd4];\n" + op + " %r3, %r1, %r2" + tail +
                           ";\nmov.u32 %r4, 0;\nst.global.v2.u32 [%rd3], {%r3, %r4};",
                       input);
    for (unsigned i = 0; i < 32; ++i) {
      uint32_t a = static_cast<uint32_t>(input[i]), b = static_cast<uint32_t>(input[i] >> 32);
      ASSERT_EQ(out[i], expected(a, b)) << op << " " << a << ", " << b;
    }
  }
}

/// "op %r3, %r1".
void check1(const std::string &op, const std::function<uint32_t(uint32_t)> &expected) {
  std::vector<uint64_t> input(kEdges.begin(), kEdges.end());
  auto out = runBody(
      "ld.global.u32 %r1, [%rd4];\n" + op + " %r3, %r1;\nmov.u32 %r4, 0;\nst.global.v2.u32 [%rd3], {%r3, %r4};", input);
  for (unsigned i = 0; i < kEdges.size(); ++i)
    EXPECT_EQ(out[i], expected(kEdges[i])) << op << " " << kEdges[i];
}

TEST(Integer, AddAndMultiply) {
  check2("add.u32", [](uint32_t a, uint32_t b) { return a + b; });
  check2("sub.s32", [](uint32_t a, uint32_t b) { return a - b; });
  check2("mul.lo.u32", [](uint32_t a, uint32_t b) { return a * b; });
  check2("mul.hi.u32", [](uint32_t a, uint32_t b) { return static_cast<uint32_t>(uint64_t(a) * b >> 32); });
  check2("mul.hi.s32",
         [](uint32_t a, uint32_t b) { return static_cast<uint32_t>(int64_t(int32_t(a)) * int32_t(b) >> 32); });
  check2("mad.lo.u32", [](uint32_t a, uint32_t b) { return a * b + 12345; }, ", 12345");
  check2("add.sat.s32", [](uint32_t a, uint32_t b) {
    int64_t sum = int64_t(int32_t(a)) + int32_t(b);
    return static_cast<uint32_t>(static_cast<int32_t>(sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : sum));
  });
  check2("mul24.lo.s32", [](uint32_t a, uint32_t b) {
    return static_cast<uint32_t>((int64_t(int32_t(a << 8) >> 8)) * (int32_t(b << 8) >> 8));
  });
  check2("add.u16x2", [](uint32_t a, uint32_t b) { return ((a + b) & 0xFFFF) | (((a >> 16) + (b >> 16)) << 16); });
}

TEST(Integer, DivideAndCompare) {
  check2("div.u32", [](uint32_t a, uint32_t b) { return b ? a / b : ~0u; });
  check2("rem.u32", [](uint32_t a, uint32_t b) { return b ? a % b : a; });
  check2("div.s32",
         [](uint32_t a, uint32_t b) { return b ? static_cast<uint32_t>(int64_t(int32_t(a)) / int32_t(b)) : ~0u; });
  check2("rem.s32",
         [](uint32_t a, uint32_t b) { return b ? static_cast<uint32_t>(int64_t(int32_t(a)) % int32_t(b)) : a; });
  check2("min.s32", [](uint32_t a, uint32_t b) { return int32_t(a) < int32_t(b) ? a : b; });
  check2("max.relu.s32", [](uint32_t a, uint32_t b) {
    int32_t most = std::max(int32_t(a), int32_t(b));
    return static_cast<uint32_t>(std::max(most, 0));
  });
  check2("min.relu.s32", [](uint32_t a, uint32_t b) {
    int32_t least = std::min(int32_t(a), int32_t(b));
    return static_cast<uint32_t>(std::max(least, 0));
  });
  check2("max.u32", [](uint32_t a, uint32_t b) { return a > b ? a : b; });
  check2("sad.u32", [](uint32_t a, uint32_t b) { return (a > b ? a - b : b - a) + 9; }, ", 9");
  check2("set.lt.u32.s32", [](uint32_t a, uint32_t b) { return int32_t(a) < int32_t(b) ? ~0u : 0u; });
}

TEST(Integer, SixteenAndSixtyFourBits) {
  auto out = runBody(
      "ld.global.u64 %rd6, [%rd4];\ncvt.u16.u64 %h1, %rd6;\nmul.lo.s16 %h2, %h1, %h1;\nmul.wide.s16 %r1, %h1, %h1;\n"
      "mul.hi.u64 %rd7, %rd6, %rd6;\ncvt.u64.u16 %rd8, %h2;\ncvt.u64.u32 %rd9, %r1;\nadd.u64 %rd7, %rd7, "
      "%rd8;\nxor.b64 %rd7, %rd7, %rd9;\n"
      "st.global.u64 [%rd3], %rd7;",
      {0xFFFFFFFFFFFFFFFF, 0x123456789ABCDEF0, 0x8000, 300});
  for (auto [i, x] :
       std::vector<std::pair<int, uint64_t>>{{0, ~uint64_t(0)}, {1, 0x123456789ABCDEF0}, {2, 0x8000}, {3, 300}}) {
    uint64_t high = static_cast<uint64_t>(static_cast<unsigned __int128>(x) * x >> 64);
    int16_t narrow = static_cast<int16_t>(x);
    uint64_t low = static_cast<uint16_t>(uint32_t(int32_t(narrow)) * uint32_t(int32_t(narrow)));
    EXPECT_EQ(out[static_cast<size_t>(i)], (high + low) ^ static_cast<uint32_t>(int32_t(narrow) * narrow));
  }
}

TEST(Bits, LogicAndShifts) {
  check2("and.b32", [](uint32_t a, uint32_t b) { return a & b; });
  check2("or.b32", [](uint32_t a, uint32_t b) { return a | b; });
  check2("xor.b32", [](uint32_t a, uint32_t b) { return a ^ b; });
  check2("shl.b32", [](uint32_t a, uint32_t b) { return b > 31 ? 0 : a << b; });
  check2("shr.u32", [](uint32_t a, uint32_t b) { return b > 31 ? 0 : a >> b; });
  check2("shr.s32", [](uint32_t a, uint32_t b) { return static_cast<uint32_t>(int32_t(a) >> (b > 31 ? 31 : b)); });
  check2("lop3.b32", [](uint32_t a, uint32_t b) { return (a & b) ^ 0xF00FF00F; }, ", 0xF00FF00F, 0x6A");
  check2(
      "shf.l.wrap.b32",
      [](uint32_t a, uint32_t b) { return static_cast<uint32_t>((uint64_t(b) << 32 | a) << 5 >> 32); }, ", 37");
  check2("shf.r.clamp.b32", [](uint32_t, uint32_t b) { return b; }, ", 37");
  check2(
      "prmt.b32",
      [](uint32_t a, uint32_t b) { return (b & 0xFF) << 24 | ((a >> 31) * 0xFF) << 16 | (a & 0xFF) << 8 | (b >> 24); },
      ", 0x4B07");
}

TEST(Bits, Counting) {
  check1("popc.b32", [](uint32_t a) { return static_cast<uint32_t>(std::popcount(a)); });
  check1("clz.b32", [](uint32_t a) { return static_cast<uint32_t>(std::countl_zero(a)); });
  check1("brev.b32", [](uint32_t a) {
    uint32_t r = 0;
    for (int i = 0; i < 32; ++i)
      r |= (a >> i & 1) << (31 - i);
    return r;
  });
  check1("bfind.u32", [](uint32_t a) { return 31u - static_cast<uint32_t>(std::countl_zero(a)); });
  check1("bfind.shiftamt.s32", [](uint32_t a) {
    uint32_t m = int32_t(a) < 0 ? ~a : a;
    return m ? static_cast<uint32_t>(std::countl_zero(m)) : ~0u;
  });
  check1("not.b32", [](uint32_t a) { return ~a; });
  check1("cnot.b32", [](uint32_t a) { return a == 0 ? 1u : 0u; });
  check1("neg.s32", [](uint32_t a) { return 0 - a; });
  check1("abs.s32", [](uint32_t a) { return int32_t(a) < 0 ? 0 - a : a; });
}

TEST(Bits, Fields) {
  auto field = [](uint32_t a, int position, int length, bool isSigned) {
    uint32_t result = 0, sign = isSigned && length ? a >> std::min(position + length - 1, 31) & 1 : 0;
    for (int i = 0; i < 32; ++i)
      result |= (i < length && position + i <= 31 ? a >> (position + i) & 1 : sign) << i;
    return result;
  };
  for (auto [position, length] : {std::pair{0, 8}, {4, 5}, {28, 8}, {31, 1}, {40, 4}, {0, 32}, {3, 0}, {0, 255}}) {
    std::string tail = ", " + std::to_string(position) + ", " + std::to_string(length);
    std::vector<uint64_t> input(kEdges.begin(), kEdges.end());
    for (std::string type : {"u32", "s32"}) {
      auto out = runBody("ld.global.u32 %r1, [%rd4];\nbfe." + type + " %r3, %r1" + tail +
                             ";\nmov.u32 %r4, 0;\nst.global.v2.u32 [%rd3], {%r3, %r4};",
                         input);
      for (unsigned i = 0; i < kEdges.size(); ++i)
        EXPECT_EQ(out[i], field(kEdges[i], position, length, type == "s32")) << type << " " << kEdges[i] << tail;
    }
  }
  auto mask = [](uint32_t at, uint32_t count) {
    uint32_t bits = 0;
    for (uint32_t bit = at; bit < 32 && bit - at < count; ++bit)
      bits |= 1u << bit;
    return bits;
  };
  check2("bmsk.clamp.b32", mask);
  check2("bmsk.wrap.b32", [&](uint32_t a, uint32_t b) { return mask(a & 31, b & 31); });
  check2("bfi.b32", [](uint32_t a, uint32_t b) { return (b & ~0xFF0u) | (a & 0xFF) << 4; }, ", 4, 8");
  check2(
      "dp4a.s32.u32",
      [](uint32_t a, uint32_t b) {
        uint32_t sum = 3;
        for (int i = 0; i < 4; ++i)
          sum += static_cast<uint32_t>(int(int8_t(a >> (8 * i))) * int(uint8_t(b >> (8 * i))));
        return sum;
      },
      ", 3");
}

TEST(Warp, ShufflesFollowTheIsa) {
  struct Case {
    const char *mode;
    uint32_t b, c;
    std::function<int(int)> source;
  };
  for (const Case &one :
       std::vector<Case>{{"up", 3, 0, [](int l) { return l - 3 >= 0 ? l - 3 : -1; }},
                         {"down", 3, 31, [](int l) { return l + 3 <= 31 ? l + 3 : -1; }},
                         {"bfly", 5, 31, [](int l) { return l ^ 5; }},
                         {"idx", 9, 31, [](int) { return 9; }},
                         {"down", 2, 31 | 24 << 8, [](int l) { return (l & 7) + 2 <= 7 ? l + 2 : -1; }},
                         {"idx", 11, 31 | 16 << 8, [](int l) { return (l & 16) | 11; }}}) {
    auto out = runBody("mul.lo.u32 %r1, %r0, 10;\nshfl.sync." + std::string(one.mode) + ".b32 %r2|%p1, %r1, " +
                           std::to_string(one.b) + ", " + std::to_string(one.c) +
                           ", -1;\nselp.u32 %r3, 1000, 0, %p1;\nadd.u32 %r2, %r2, %r3;\ncvt.u64.u32 %rd6, "
                           "%r2;\nst.global.u64 [%rd3], %rd6;",
                       {});
    for (int lane = 0; lane < 32; ++lane) {
      int source = one.source(lane);
      EXPECT_EQ(out[static_cast<size_t>(lane)], static_cast<uint64_t>(source < 0 ? lane * 10 : 1000 + source * 10))
          << one.mode << lane;
    }
  }
}

TEST(Warp, VotesMatchesAndReductions) {
  auto out =
      runBody("and.b32 %r1, %r0, 3;\nsetp.eq.u32 %p1, %r1, 0;\nvote.sync.ballot.b32 %r2, %p1, -1;\nvote.sync.any.pred "
              "%p2, %p1, -1;\n"
              "vote.sync.all.pred %p3, %p1, -1;\nmatch.any.sync.b32 %r3, %r1, -1;\nredux.sync.add.s32 %r4, %r0, "
              "-1;\nredux.sync.max.u32 %r5, %r0, -1;\n"
              "selp.u32 %r6, 1, 0, %p2;\nselp.u32 %r7, 2, 0, %p3;\nadd.u32 %r8, %r2, %r3;\nadd.u32 %r8, %r8, "
              "%r4;\nadd.u32 %r8, %r8, %r5;\n"
              "add.u32 %r8, %r8, %r6;\nadd.u32 %r8, %r8, %r7;\ncvt.u64.u32 %rd6, %r8;\nst.global.u64 [%rd3], %rd6;",
              {});
  for (uint32_t lane = 0; lane < 32; ++lane)
    EXPECT_EQ(out[lane], uint32_t(0x11111111u + (0x11111111u << (lane & 3)) + 496 + 31 + 1));
}

TEST(Atomic, GlobalAndShared) {
  Host host;
  CUfunction function = host.load(kernelText("atom.global.add.u32 %r1, [%rd2], 1;\nred.global.max.u32 [%rd2+4], "
                                             "%r0;\ncvt.rn.f32.u32 %f1, %r0;\nred.global.add.f32 [%rd2+8], %f1;\n"
                                             "atom.global.inc.u32 %r2, [%rd2+12], 9;\natom.global.cas.b32 %r3, "
                                             "[%rd2+16], 0, %r0;\natom.global.exch.b32 %r4, [%rd2+20], 77;\n"
                                             "red.relaxed.gpu.global.or.b32 [%rd2+24], %r0;"));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr in = host.upload(std::vector<uint32_t>(8));
  ASSERT_EQ(host.launch(function, 10, 64, 0, in, in), CUDA_SUCCESS) << host.report;
  auto out = host.download<uint32_t>(in, 7);
  EXPECT_EQ(out[0], 640u);
  EXPECT_EQ(out[1], 63u);
  EXPECT_EQ(std::bit_cast<float>(out[2]), 20160.0f);
  EXPECT_EQ(out[3], 0u); // 640 increments modulo 10.
  EXPECT_NE(out[4], 0u);
  EXPECT_EQ(out[5], 77u);
  EXPECT_EQ(out[6], 63u);
}

TEST(Barrier, Reductions) {
  Host host;
  CUfunction function = host.load(kernelText(
      "setp.lt.u32 %p1, %r0, 40;\nbar.red.popc.u32 %r1, 0, %p1;\nbar.red.and.pred %p2, 1, 64, %p1;\n"
      "bar.red.or.pred %p3, 0, %p1;\nselp.u32 %r2, 100, 0, %p2;\nselp.u32 %r3, 1000, 0, %p3;\nadd.u32 %r1, %r1, %r2;\n"
      "add.u32 %r1, %r1, %r3;\ncvt.u64.u32 %rd6, %r1;\nst.global.u64 [%rd3], %rd6;"));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr out = host.allocate(512);
  ASSERT_EQ(host.launch(function, 1, 64, 0, out, out), CUDA_SUCCESS) << host.report;
  for (uint64_t value : host.download<uint64_t>(out, 64))
    EXPECT_EQ(value, 1040u);
}

TEST(Arithmetic, BytesInRegistersKeepToThemselves) {
  auto out = runBody(".reg .u8 %b<2>;\n.reg .pred %q;\nsetp.lt.u32 %q, %r0, 16;\ncvt.u8.u32 %b1, %r0;\n"
                     "st.global.u8 [%rd3], %b1;\nselp.u32 %r1, 1, 2, %q;\nst.global.u32 [%rd3+4], %r1;\n"
                     "ld.global.u8 %b0, [%rd3];\ncvt.u32.u8 %r2, %b0;\nst.global.u16 [%rd3+2], %r2;",
                     {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], (i < 16 ? uint64_t(1) : uint64_t(2)) << 32 | i << 16 | i);
}

} // namespace
