//===- PressureTest.cpp - Registers that are live at once -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels so small that one counts what is live by eye.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Pressure.h"
#include "gtest/gtest.h"

using namespace imbrex::score;

static unsigned pressureOf(const std::string &body) {
  std::vector<MachineKernel> kernels = readPtx(".visible .entry k(.param .u32 n)\n{\n" + body + "\nret;\n}\n");
  return kernels.empty() ? ~0u : registerPressure(kernels.front());
}

TEST(Pressure, StraightCode) {
  EXPECT_EQ(pressureOf("mov.u32 %r1, 1; mov.u32 %r2, 2; add.s32 %r3, %r1, %r2; st.global.u32 [%rd1], %r3;"), 4u)
      << "%rd1, of two, from the start; %r1 and %r2 until their sum";
  EXPECT_EQ(pressureOf("mov.u32 %r1, 1; mov.u32 %r2, 2;"), 0u) << "what nobody reads is never live";
  EXPECT_EQ(pressureOf("setp.lt.s32 %p1, %r1, %r2; @%p1 st.global.u32 [%rd1], %r1;"), 4u) << "predicates count nothing";
}

// A value that goes round a loop is live in all of it, what the loop reads from before it too.
TEST(Pressure, Loops) {
  EXPECT_EQ(pressureOf("mov.u32 %r1, 0; mov.u32 %r9, 9;\n"
                       "$L_top: add.s32 %r2, %r1, 1; add.s32 %r3, %r1, 2; add.s32 %r1, %r2, %r3;\n"
                       "setp.lt.s32 %p1, %r1, %r9; @%p1 bra $L_top; st.shared.u32 [%r9], %r1;"),
            3u);
}

// Two chains: one of two products, one that adds to what the pass before left.
TEST(Pressure, SumsOfProducts) {
  const std::string mma = "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ";
  std::vector<MachineKernel> kernels =
      readPtx(".visible .entry k(.param .u32 n)\n{\n$L_top: " + mma +
              "{%f1, %f2, %f3, %f4}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, {%f9, %f9, %f9, %f9}; " + mma +
              "{%f5, %f6, %f7, %f8}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, {%f1, %f2, %f3, %f4}; " + mma +
              "{%f10, %f11, %f12, %f13}, {%r1, %r2, %r3, %r4}, {%r5, %r6}, {%f10, %f11, %f12, %f13};\n"
              "@%p1 bra $L_top; ret;\n}\n");
  ASSERT_EQ(kernels.size(), 1u);
  EXPECT_EQ(accumulatorRegisters(kernels[0], hotLoops(kernels[0]).at(0)), 8u);
}

TEST(Pressure, GroupsOfRegisters) {
  EXPECT_EQ(
      pressureOf("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f1, %f2, %f3, %f4}, {%r1, %r2, %r3, %r4}, "
                 "{%r5, %r6}, {%f5, %f6, %f7, %f8}; st.shared.v4.f32 [%r7], {%f1, %f2, %f3, %f4};"),
      11u)
      << "its ten operands and the address of the store";
  EXPECT_EQ(pressureOf("mov.u32 %r1, 1; @%p1 mov.u32 %r1, 2; mov.u32 %r2, 3; add.s32 %r3, %r1, %r2; "
                       "st.shared.u32 [%r3], %r2;"),
            2u)
      << "a predicated write keeps what was there";
}
