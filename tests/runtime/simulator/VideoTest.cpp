//===- VideoTest.cpp - Video instructions ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values worked out by hand from the ISA's pseudo code: parts of operands, saturation to the width of d's part, second
// operations, merges, shifts past 31, signs of vmad; of the SIMD forms selectors, masks and sums that are not cut.
// a = 0x8042FF05, b = 0x01077F03, c = 1000 unless said otherwise.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

using namespace imbrex::simulator::testing;

namespace {

/// What the instruction leaves in %r1 for %r2 = a, %r3 = b, %r4 = c.
uint32_t video(const std::string &instruction, uint32_t a = 0x8042FF05, uint32_t b = 0x01077F03, uint32_t c = 1000) {
  std::string setUp = "mov.u32 %r2, " + std::to_string(a) + ";\nmov.u32 %r3, " + std::to_string(b) +
                      ";\nmov.u32 %r4, " + std::to_string(c) + ";\n";
  return static_cast<uint32_t>(
      runBody(setUp + instruction + "\ncvt.u64.u32 %rd6, %r1;\nst.global.u64 [%rd3], %rd6;\n", {})[0]);
}

} // namespace

TEST(Video, PartsAreExtendedByTheirTypes) {
  EXPECT_EQ(video("vadd.u32.u32.u32 %r1, %r2.b0, %r3.b1;"), 0x05u + 0x7F);
  EXPECT_EQ(video("vadd.s32.s32.s32 %r1, %r2.b1, %r3.b0;"), 2u); // -1 + 3
  EXPECT_EQ(video("vadd.u32.u32.s32 %r1, %r2.b1, %r3.b0;"), 0xFFu + 3);
  EXPECT_EQ(video("vsub.s32.s32.u32 %r1, %r2.h1, %r3.h1;"), uint32_t(-0x7FBE - 0x0107)); // 0x8042 as s16
  EXPECT_EQ(video("vabsdiff.u32.u32.u32 %r1, %r2.h0, %r3.h1;"), 0xFF05u - 0x0107);
  EXPECT_EQ(video("vmin.s32.s32.s32 %r1, %r2, %r3;"), 0x8042FF05);
  EXPECT_EQ(video("vmax.u32.u32.u32 %r1, %r2, %r3;"), 0x8042FF05);
}

TEST(Video, SaturatesToTheDestinationsPart) {
  EXPECT_EQ(video("vsub.u32.u32.u32.sat %r1, %r3, %r2;"), 0u);
  EXPECT_EQ(video("vadd.s32.u32.u32.sat %r1, %r2, %r2;"), 0x7FFFFFFFu);
  EXPECT_EQ(video("vsub.s32.u32.u32.sat %r1.b1, %r2.b0, %r3.h1, %r4;"), (1000u & 0xFFFF00FF) | 0x8000u); // 5 - 263
  EXPECT_EQ(video("vadd.u32.u32.u32.sat %r1.h1, %r2.h0, %r3.h1, %r4;"), 0xFFFF0000u | 1000);
  EXPECT_EQ(video("vadd.u32.u32.u32 %r1.h1, %r2.h0, %r3.h1, %r4;"), 0x000C0000u | 1000); // 0xFF05 + 0x107 = 0x1000C
}

TEST(Video, SecondOperations) {
  EXPECT_EQ(video("vadd.u32.u32.u32.add %r1, %r2.b0, %r3.b0, %r4;"), 1008u);
  EXPECT_EQ(video("vadd.u32.u32.u32.min %r1, %r2.b0, %r3.b0, %r4;"), 8u);
  EXPECT_EQ(video("vadd.s32.s32.s32.max %r1, %r2.b1, %r2.b1, %r4;"), 1000u); // -2 is less
  EXPECT_EQ(video("vadd.u32.s32.s32.max %r1, %r2.b1, %r2.b1, %r4;"), 0xFFFFFFFEu);
}

TEST(Video, Shifts) {
  EXPECT_EQ(video("vshl.u32.u32.u32.clamp %r1, %r2.b0, %r3.b0;"), 5u << 3);
  EXPECT_EQ(video("vshl.u32.u32.u32.clamp %r1, %r2, %r4;"), 0u);
  EXPECT_EQ(video("vshl.u32.u32.u32.wrap %r1, %r2.b0, %r4;"), 5u << 8); // 1000 mod 32
  EXPECT_EQ(video("vshl.u32.u32.u32.sat.clamp %r1, %r2, %r3.b0;"), 0xFFFFFFFFu);
  EXPECT_EQ(video("vshr.s32.s32.u32.clamp %r1, %r2, %r4;"), 0xFFFFFFFFu);
  EXPECT_EQ(video("vshr.u32.u32.u32.wrap %r1, %r2, %r4;"), 0x8042FFu);
}

TEST(Video, MultiplyAdd) {
  EXPECT_EQ(video("vmad.u32.u32.u32 %r1, %r2.b0, %r3.b0, %r4;"), 1015u);
  EXPECT_EQ(video("vmad.s32.u32.u32 %r1, -%r2.b0, %r3.b0, %r4;"), 985u);
  EXPECT_EQ(video("vmad.s32.u32.u32 %r1, %r2.b0, %r3.b0, -%r4;"), uint32_t(15 - 1000));
  EXPECT_EQ(video("vmad.u32.u32.u32.po %r1, %r2.b0, %r3.b0, %r4;"), 1016u);
  EXPECT_EQ(video("vmad.u32.u32.u32.shr7 %r1, %r2.h0, %r3.h1, %r4;"), (0xFF05u * 0x107 + 1000) >> 7);
  EXPECT_EQ(video("vmad.u32.u32.u32.sat.shr15 %r1, %r2, %r2, %r4;"), 0xFFFFFFFFu);
  EXPECT_EQ(video("vmad.s32.s32.s32.sat %r1, %r2, %r3, %r4;"), 0x80000000u);
}

TEST(Video, Comparisons) {
  EXPECT_EQ(video("vset.s32.s32.lt %r1, %r2, %r3;"), 1u);
  EXPECT_EQ(video("vset.u32.u32.lt %r1, %r2, %r3;"), 0u);
  EXPECT_EQ(video("vset.u32.u32.ne.add %r1, %r2, %r3, %r4;"), 1001u);
  EXPECT_EQ(video("vset.u32.u32.ge %r1.b2, %r2, %r3, %r4;"), 0x00010000u | 1000);
}

TEST(Video, PartsSideBySide) {
  // Bytes of a: 05 FF 42 80, of b: 03 7F 07 01.
  EXPECT_EQ(video("vadd4.u32.u32.u32 %r1, %r2, %r3, %r4;"), 0x81497E08u);
  EXPECT_EQ(video("vadd4.u32.u32.u32.sat %r1, %r2, %r3, %r4;"), 0x8149FF08u);
  EXPECT_EQ(video("vsub4.s32.s32.s32.sat %r1, %r2, %r3, %r4;"), 0x803B8002u); // -128 - 1, 66 - 7, -1 - 127, 5 - 3
  EXPECT_EQ(video("vabsdiff4.u32.u32.u32 %r1, %r2, %r3, %r4;"), 0x7F3B8002u);
  EXPECT_EQ(video("vavrg4.u32.u32.u32 %r1, %r2, %r3, %r4;"), 0x4125BF04u);
  EXPECT_EQ(video("vmin2.s32.s32.s32 %r1, %r2, %r3, %r4;"), 0x8042FF05u);
  EXPECT_EQ(video("vmax2.u32.u32.u32 %r1, %r2, %r3, %r4;"), 0x8042FF05u);
  EXPECT_EQ(video("vset4.u32.u32.gt %r1, %r2, %r3, %r4;"), 0x01010101u);
  EXPECT_EQ(video("vset2.s32.s32.lt %r1, %r2, %r3, %r4;"), 0x00010001u);
}

TEST(Video, SelectorsChooseFromBothSources) {
  EXPECT_EQ(video("vadd2.u32.u32.u32 %r1, %r2.h32, %r3.h01, %r4;"), 0x000CFF45u); // FF05 + 0107, 8042 + 7F03
  EXPECT_EQ(video("vadd2.u32.u32.u32 %r1, %r2, %r3.h10, %r4;"), 0x0084FE0Au);     // a + a
  EXPECT_EQ(video("vsub4.u32.u32.u32 %r1, %r2.b7012, %r3.b4444, %r4;"), 0xFE02FC3Fu);
}

TEST(Video, MasksKeepPartsOfC) {
  EXPECT_EQ(video("vadd2.u32.u32.u32 %r1.h1, %r2, %r3, %r4;"), 0x81490000u | 1000);
  EXPECT_EQ(video("vadd4.u32.u32.u32 %r1.b20, %r2, %r3, %r4;"), 0x00490308u);
  EXPECT_EQ(video("vset4.u32.u32.gt %r1.b3, %r2, %r3, %r4;"), 0x01000000u | 1000);
}

TEST(Video, SumsOfPartsAreNotCut) {
  EXPECT_EQ(video("vadd4.u32.u32.u32.add %r1, %r2, %r2, %r4;"), 1000u + 2 * (0x05 + 0xFF + 0x42 + 0x80));
  EXPECT_EQ(video("vsub4.u32.u32.u32.add %r1.b31, %r3, %r2, %r4;"), uint32_t(1000 + 1 - 0x80 + 0x7F - 0xFF));
  EXPECT_EQ(video("vset4.s32.s32.ge.add %r1.b310, %r2.b7012, %r3.b1111, %r4;"), 1003u);
}

TEST(Video, SignsAndSelectorsElsewhereAreRefused) {
  for (const char *text : {"add.u32 %r1, -%r2, %r3;", "add.u32 %r1, %r2.b0, %r3;", "mov.u64 %rd1, -k;",
                           "vadd2.u32.u32.u32 %r1, %r2.h14, %r3, %r4;", "vadd2.u32.u32.u32 %r1, %r2.b10, %r3, %r4;",
                           "vadd4.u32.u32.u32 %r1, %r2, %r3.b321, %r4;", "vadd4.u32.u32.u32 %r1.b11, %r2, %r3, %r4;",
                           "vadd4.u32.u32.u32 %r1.b13, %r2, %r3, %r4;", "vadd4.u32.u32.u32 %r1.h1, %r2, %r3, %r4;",
                           "vadd4.u32.u32.u32.sat.add %r1, %r2, %r3, %r4;", "vset4.u32.u32 %r1, %r2, %r3, %r4;",
                           "vadd.u32.u32.u32 %r1, %r2.b4, %r3;", "vmad.u32.u32.u32 %r1.b0, %r2, %r3, %r4;",
                           "vadd.u32.u32.u32.add %r1.b0, %r2, %r3, %r4;"}) {
    Host host;
    EXPECT_EQ(host.load(kernelText(text)), nullptr) << text;
    EXPECT_NE(host.log.find("PTX line"), std::string::npos) << host.log;
  }
}
