//===- ScoreTest.cpp - Static figures of hand-written loops ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Small PTX and disassemblies whose counts one can check by eye.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Score.h"
#include "compiler/score/LoopModel.h"
#include "gtest/gtest.h"

using namespace imbrex::score;

namespace {

/// A loop of one product, whose mask block is skipped by the usual pass, after a loop without products.
constexpr const char *kPtx = R"(
.version 8.0
.target sm_80
.address_size 64
.extern .shared .align 16 .b8 memory[];
.visible .entry first(.param .u32 n)
.reqntid 128
{
  .reg .pred %p<4>; .reg .b32 %r<20>; .reg .f32 %f<20>;
  .loc 1 9 0
  mov.u32 %r1, %tid.x;        // setting up
$L_fill:
  add.s32 %r1, %r1, 1;
  setp.lt.s32 %p0, %r1, %r2;
  @%p0 bra $L_fill;
$L_top:
  cp.async.cg.shared.global [%r3], [%rd1], 16, %r4;
  cp.async.commit_group;
  bar.sync 0;
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r5, %r6, %r7, %r8}, [%r9];
  .loc 1 12 3
  mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32
    {%f1, %f2, %f3, %f4},
    {%r5, %r6, %r7, %r8}, {%r10, %r11}, {%f1, %f2, %f3, %f4};
  @%p1 bra $L_all;
  selp.f32 %f1, %f1, 0fFF800000, %p2;
  selp.f32 %f2, %f2, 0fFF800000, %p2;
$L_all:
  ex2.approx.ftz.f32 %f5, %f1;
  mul.f32 %f6, %f5, %f2; fma.rn.f32 %f7, %f6, %f5, %f1;
  add.s64 %rd1, %rd1, 64;
  setp.lt.s32 %p3, %r1, %r2;
  @%p3 bra $L_top;
  ret;
}
.visible .entry second()
{ ret; }
)";

TEST(Score, countsTheUsualPassOfPtx) {
  std::vector<MachineKernel> kernels = readPtx(kPtx);
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_EQ(kernels[0].name, "first");
  KernelScore score = scoreOf(kernels[0]);
  ASSERT_EQ(score.loops.size(), 1u); // the one with products
  const LoopScore &loop = score.loops[0];
  EXPECT_EQ(loop.hot, 12u);
  EXPECT_EQ(loop.whole, 14u);
  EXPECT_EQ(loop.flops, 2 * 16 * 8 * 16);
  EXPECT_EQ(loop.count(Kind::Tensor), 1u);
  EXPECT_EQ(loop.count(Kind::Copy), 1u);
  EXPECT_EQ(loop.count(Kind::Sync), 2u);
  EXPECT_EQ(loop.count(Kind::Ldmatrix), 1u);
  EXPECT_EQ(loop.count(Kind::Function), 1u);
  EXPECT_EQ(loop.count(Kind::Mul), 1u);
  EXPECT_EQ(loop.count(Kind::Fma), 1u);
  EXPECT_EQ(loop.count(Kind::Integer64), 1u);
  EXPECT_EQ(loop.count(Kind::Select), 0u); // in the block for partial tiles
  EXPECT_EQ(loop.count(Kind::Branch), 2u);
  EXPECT_EQ(loop.copiedBytes, 16 * 32);
  EXPECT_EQ(loop.sharedBytes, 4 * 128);
  EXPECT_NEAR(*loop.perMegaflop(), 12 * 1e6 / 4096, 1e-9);
  EXPECT_DOUBLE_EQ(loop.bounds.tensor, 8);
  EXPECT_DOUBLE_EQ(loop.bounds.function, 8);
  EXPECT_TRUE(scoreOf(kernels[1]).loops.empty());
}

TEST(Score, namesWithScopesAreNoLabels) {
  std::vector<MachineKernel> kernels = readPtx(".entry k() { mbarrier.init.shared::cta.b64 [%r1], 1; $L: bra $L; }");
  ASSERT_EQ(kernels.size(), 1u);
  ASSERT_EQ(kernels[0].instructions.size(), 2u);
  EXPECT_EQ(kernels[0].instructions[0].opcode, "mbarrier.init.shared::cta.b64");
  EXPECT_EQ(kernels[0].instructions[1].targets, (llvm::SmallVector<size_t, 1>{1}));
}

TEST(Score, readsWhatIsNoKernelAsNone) {
  EXPECT_TRUE(readPtx("").empty());
  EXPECT_TRUE(readPtx("{}}} ;;; .entry").empty());
  EXPECT_TRUE(readSass("nothing\n/*0000*/ FADD R0, R0, R0 ;").empty());
}

constexpr const char *kSass = R"(
//--------------------- .text.k          --------------------------
        .section        .text.k,"ax",@progbits
.text.k:
        /*0000*/                   MOV R1, c[0x0][0x28] ;
.L_x_1:
        /*0010*/                   HMMA.16816.F32.BF16 R4, R8, R12, R4 ;
        /*0020*/                   LDGSTS.E.BYPASS.128 [R20], [R22.64], P0 ;
        /*0030*/                   MUFU.EX2 R30, R4 ;
        /*0040*/                   FFMA R31, R30, R30, R31 ;
        /*0050*/                   IMAD.WIDE R22, R2, R3, R22 ;
        /*0060*/              @!PT LDS.128 RZ, [RZ] ;
        /*0070*/                   STL [R1], R31 ;
        /*0080*/              @!P1 BRA `(.L_x_1) ;
        /*0090*/                   EXIT ;
.L_x_2:
        /*00a0*/                   BRA `(.L_x_2);
        /*00b0*/                   NOP;
)";

TEST(Score, countsMachineCode) {
  std::vector<MachineKernel> kernels = readSass(kSass);
  ASSERT_EQ(kernels.size(), 1u);
  KernelScore score = scoreOf(kernels[0]);
  EXPECT_EQ(score.instructions, 11u);
  EXPECT_EQ(score.spills, 1u);
  ASSERT_EQ(score.loops.size(), 1u);
  EXPECT_EQ(score.loops[0].hot, 8u);
  EXPECT_EQ(score.loops[0].flops, 4096);
  EXPECT_EQ(score.loops[0].copiedBytes, 512);
  EXPECT_EQ(score.loops[0].sharedBytes, 0); // what is never executed moves nothing
  EXPECT_EQ(score.loops[0].count(Kind::Integer64), 1u);
  EXPECT_EQ(score.loops[0].count(Kind::Local), 1u);
}

/// A loop of `products` products, each into registers of its own or all into the same.
MachineKernel productLoop(unsigned products, bool chained) {
  MachineKernel kernel{"k", Language::Sass, {}};
  for (unsigned i = 0; i < products; ++i) {
    std::string sum = "R" + std::to_string(chained ? 4 : 16 + 4 * i);
    kernel.instructions.push_back({"", "HMMA.16816.F32", sum + ", R8, R12, " + sum, {}});
  }
  kernel.instructions.push_back({"@P0", "BRA", "`(top)", {0}});
  return kernel;
}

TEST(Score, modelSeesTheTensorPipeAndItsLatency) {
  std::string whyNot;
  auto run = [&](const MachineKernel &kernel) {
    std::vector<Loop> loops = hotLoops(kernel);
    return modelLoop(kernel, loops.at(0), {.warps = 1}, whyNot);
  };
  std::optional<LoopModel> wide = run(productLoop(16, /*chained=*/false));
  ASSERT_TRUE(wide) << whyNot;
  EXPECT_NEAR(wide->cycles, 16 * 8, 8);
  EXPECT_GT(wide->tensorShare, 0.9);
  std::optional<LoopModel> chained = run(productLoop(16, /*chained=*/true));
  ASSERT_TRUE(chained) << whyNot;
  EXPECT_NEAR(chained->cycles, 16 * (8 - 1 + 24), 16);
  EXPECT_LT(chained->tensorShare, 0.3);
}

TEST(Score, modelSaysWhatItDoesNotKnow) {
  std::vector<MachineKernel> kernels = readPtx(kPtx);
  std::string whyNot;
  EXPECT_FALSE(modelLoop(kernels[0], hotLoops(kernels[0]).at(0), {}, whyNot));
  EXPECT_EQ(whyNot, "needs machine code, not PTX");
}

TEST(MachineCode, PtxTellsLinesAndPlaces) {
  std::vector<MachineKernel> kernels = readPtx(".version 8.0\n/* two\nlines */\n.visible .entry k()\n{\n"
                                               "\t.reg .b32 %r<3>;\n\t.loc\t1 7 3\n\tmov.u32 %r1, 0;\n"
                                               "L: // here\n\tadd.s32 %r2, %r1,\n\t  %r1;\n\tret;\n}\n"
                                               ".file\t1 \"k.tile\"\n");
  ASSERT_EQ(kernels.size(), 1u);
  const std::vector<Instruction> &code = kernels[0].instructions;
  ASSERT_EQ(code.size(), 3u);
  EXPECT_EQ(code[0].line, 8u);
  EXPECT_EQ(code[1].line, 10u);
  EXPECT_EQ(code[2].line, 12u);
  EXPECT_EQ(kernels[0].files, std::vector<std::string>{"k.tile"});
  for (const Instruction &each : code)
    EXPECT_EQ(each.sourceLine, 7u);
}

TEST(MachineCode, SassTellsLinesAndPlaces) {
  std::vector<MachineKernel> kernels = readSass("//------ .text.k ------\n.text.k:\n\t//## File \"k.tile\", line 5\n"
                                                "        /*0000*/  MOV R1, R2 ;\n\t//## File \"k.tile\", line 9\n"
                                                "        /*0010*/  EXIT ;\n");
  ASSERT_EQ(kernels.size(), 1u);
  ASSERT_EQ(kernels[0].instructions.size(), 2u);
  EXPECT_EQ(kernels[0].instructions[0].line, 4u);
  EXPECT_EQ(kernels[0].instructions[0].sourceLine, 5u);
  EXPECT_EQ(kernels[0].instructions[1].sourceLine, 9u);
}

} // namespace
