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
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
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

// Beside products of warpgroups what is stored may be for partial tiles alone; what is added to memory is not.
TEST(Score, sumsInMemoryAreOfTheUsualPass) {
  auto passWith = [](const char *guarded) {
    std::string text = R"(.entry k() {
$L_top:
  wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f1, %f2, %f3, %f4}, %rd1, %rd2, p, 1, 1, 0, 0;
  @%p1 bra $L_none;
  )" + std::string(guarded) +
                       R"(
$L_none:
  @%p3 bra $L_top;
})";
    return scoreOf(readPtx(text)[0]).loops.at(0).hot;
  };
  EXPECT_EQ(passWith("red.global.add.v2.f32 [%rd3], {%f1, %f2};"), 4u);
  EXPECT_EQ(passWith("st.shared.f32 [%r3], %f1;"), 3u);
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

/// The bound of the tensor pipes on a loop of one product.
double tensorBound(Language language, const char *product) {
  MachineKernel kernel{"k", language, {{"", product, "R24, R84, gdesc[UR4], R24", {}}}};
  kernel.instructions.push_back({"@P0", language == Language::Sass ? "BRA" : "bra", "top", {0}});
  return scoreOf(kernel).loops.at(0).bounds.tensor;
}

// Of 16 bits a product of sm_90's warpgroups takes 64 x 128 x 16 x 2 / 4096 = 64 cycles, one of a warp 4096 / 512 = 8.
// A k as many bytes wide takes as long: of tf32 half as many elements, of 8 bits twice as many.
TEST(Score, tensorPipesAreSlowerOnWiderFactors) {
  for (const char *product : {"HGMMA.64x128x16.F32.BF16", "HGMMA.64x128x8.F32.TF32", "QGMMA.64x128x32.F32.E4M3.E4M3",
                              "IGMMA.64x128x32.S8.S8"})
    EXPECT_DOUBLE_EQ(tensorBound(Language::Sass, product), 64) << product;
  for (const char *product : {"m64n128k16.f32.bf16.bf16", "m64n128k8.f32.tf32.tf32", "m64n128k32.f32.e4m3.e4m3",
                              "m64n128k32.f32.e5m2.e4m3", "m64n128k32.s32.s8.s8", "m64n128k32.s32.u8.u8"})
    EXPECT_DOUBLE_EQ(tensorBound(Language::Ptx, (std::string("wgmma.mma_async.sync.aligned.") + product).c_str()), 64)
        << product;
  for (const char *product : {"HMMA.16816.F32.BF16", "HMMA.1688.F32.TF32", "IMMA.16832.S8.S8", "QMMA.16832.F32.E4M3"})
    EXPECT_DOUBLE_EQ(tensorBound(Language::Sass, product), 8) << product;
  for (const char *product :
       {"m16n8k16.row.col.f32.f16.f16.f32", "m16n8k8.row.col.f32.tf32.tf32.f32", "m16n8k32.row.col.s32.s8.s8.s32"})
    EXPECT_DOUBLE_EQ(tensorBound(Language::Ptx, (std::string("mma.sync.aligned.") + product).c_str()), 8) << product;
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

// What is added to memory gives no register: eight additions at one address wait for the pipe alone.
TEST(Score, modelOfSumsInMemoryWaitsForNone) {
  MachineKernel kernel = productLoop(1, /*chained=*/false);
  for (unsigned i = 0; i < 8; ++i)
    kernel.instructions.insert(kernel.instructions.begin() + 1,
                               {"", "REDG.E.ADD.F32x2.FTZ.RN.STRONG.GPU", "desc[UR4][R56.64], R24", {}});
  std::string whyNot;
  std::optional<LoopModel> model = modelLoop(kernel, hotLoops(kernel).at(0), {.warps = 1}, whyNot);
  ASSERT_TRUE(model) << whyNot;
  EXPECT_LT(model->cycles, 200);
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
  MachineKernel rounded = productLoop(16, /*chained=*/false); // of half as many elements along K: as long
  for (Instruction &each : rounded.instructions)
    each.opcode = each.opcode == "BRA" ? each.opcode : "HMMA.1688.F32.TF32";
  std::optional<LoopModel> tf32 = run(rounded);
  ASSERT_TRUE(tf32) << whyNot;
  EXPECT_NEAR(tf32->cycles, wide->cycles, 1e-9);
  EXPECT_LT(chained->tensorShare, 0.3);
}

/// A warp that computes, from instruction 0 on: waits for a tile of ring 0x400, makes `products` products of `shape`,
/// waits until at most `pending` groups are in flight, issues `functions` and lets the tile go. Then one that
/// copies it.
MachineKernel rolesLoop(unsigned products, unsigned pending, unsigned functions,
                        const std::string &factors = "R84, gdesc[UR16]", const char *shape = "64x64x16") {
  MachineKernel kernel{"k", Language::Sass, {}};
  auto add = [&](const char *predicate, const char *opcode, const std::string &operands) {
    kernel.instructions.push_back({predicate, opcode, operands, {}});
  };
  add("", "SYNCS.PHASECHK.TRANS64.TRYWAIT", "P0, [R5+UR16+0x400], R24");
  for (unsigned i = 0; i < products; ++i)
    kernel.instructions.push_back({"",
                                   std::string("HGMMA.") + shape + ".F32.BF16",
                                   "R24, " + factors + ", R24" + (i + 1 < products ? "" : ", gsb0"),
                                   {}});
  add("", "WARPGROUP.DEPBAR.LE", "gsb0, 0x" + std::to_string(pending));
  for (unsigned i = 0; i < functions; ++i)
    add("", "MUFU.EX2", "R" + std::to_string(100 + i) + ", R90");
  add("@!P4", "SYNCS.ARRIVE.TRANS64.A1T0", "RZ, [R223+URZ+0x410], RZ");
  add("@P0", "BRA", "`(top)");
  kernel.instructions.back().targets = {0};
  size_t copying = kernel.instructions.size();
  add("", "SYNCS.PHASECHK.TRANS64.TRYWAIT", "P0, [R0+UR15+0x410], R5");
  add("", "SYNCS.ARRIVE.TRANS64", "RZ, [R8+URZ+0x400], R4");
  add("", "UTMALDG.4D", "[UR16], [UR24]");
  add("@P0", "BRA", "`(copy)");
  kernel.instructions.back().targets = {copying};
  return kernel;
}

std::optional<LoopModel> modelRoles(const MachineKernel &kernel, ModelOptions options, std::string &whyNot) {
  options.timeline = true;
  return modelLoop(kernel, hotLoops(kernel).at(0), options, whyNot);
}

double cyclesOf(const LoopModel &model, const std::string &what) {
  double cycles = 0;
  for (const LoopModel::Event &event : model.timeline)
    if (event.what == what)
      cycles += std::min(event.end, model.timelineEnd) - std::max(event.begin, model.timelineBegin);
  return cycles;
}

TEST(Score, modelOfRolesIsBoundByProductsOrByCopies) {
  std::string whyNot;
  const MachineKernel kernel = rolesLoop(16, 0, 0); // a product takes 64 x 64 x 32 / 4096 = 32 cycles
  std::optional<LoopModel> small = modelRoles(kernel, {.warps = 2, .rings = {{"K", 0x400, 2, 1024}}}, whyNot);
  ASSERT_TRUE(small) << whyNot;
  EXPECT_EQ(small->roles, (std::vector<std::string>{"computes 0", "computes 1", "copies"}));
  EXPECT_NEAR(small->cycles, 2 * 16 * 32, 16);
  EXPECT_GT(small->tensorShare, 0.97);
  EXPECT_GT(cyclesOf(*small, "wait: slot"), 0);
  ModelOptions large{.warps = 2, .rings = {{"K", 0x400, 2, 100'000}}, .copyBytes = 32};
  std::optional<LoopModel> waits = modelRoles(kernel, large, whyNot);
  ASSERT_TRUE(waits) << whyNot;
  EXPECT_NEAR(waits->cycles, 100'000 / 32.0, 100);
  EXPECT_GT(cyclesOf(*waits, "wait: copy"), cyclesOf(*waits, "wait: products"));
  // Two slots hide a latency of one pass; what is beyond is shared by the two.
  ModelOptions slow{.warps = 1, .rings = {{"K", 0x400, 2, 0}}, .copyLatency = 3000};
  std::optional<LoopModel> late = modelRoles(kernel, slow, whyNot);
  ASSERT_TRUE(late) << whyNot;
  EXPECT_NEAR(late->cycles, (3000 + 16 * 32) / 2.0, 20);
}

TEST(Score, modelRunsFunctionsUnderProducts) {
  std::string whyNot;
  ModelOptions options{.warps = 1, .rings = {{"K", 0x400, 2, 1024}}, .copyLatency = 0};
  std::optional<LoopModel> behind = modelRoles(rolesLoop(8, 0, 32), options, whyNot);
  ASSERT_TRUE(behind) << whyNot;
  std::optional<LoopModel> under = modelRoles(rolesLoop(8, 1, 32), options, whyNot);
  ASSERT_TRUE(under) << whyNot;
  EXPECT_NEAR(behind->cycles, 8 * 32 + 32 * 8, 40);
  EXPECT_NEAR(under->cycles, 8 * 32, 20);
  // The tensor pipe alternates between two warpgroups, while each computes functions behind its own products.
  options.warps = 2;
  std::optional<LoopModel> two = modelRoles(rolesLoop(8, 0, 32), options, whyNot);
  ASSERT_TRUE(two) << whyNot;
  EXPECT_NEAR(two->cycles, 2 * 8 * 32, 40);
}

// One warpgroup's products run beside the other's functions; who is not let go on never comes to an end.
TEST(Score, modelOfTurns) {
  std::string whyNot;
  ModelOptions options{.warps = 2, .rings = {{"K", 0x400, 2, 1024}}, .copyLatency = 0};
  MachineKernel turns = rolesLoop(8, 0, 30);
  auto insert = [&](size_t at, const char *opcode) {
    turns.instructions.insert(turns.instructions.begin() + ptrdiff_t(at), {"", opcode, "R17, 0x100", {}});
    for (Instruction &each : turns.instructions)
      for (size_t &target : each.targets)
        target += target >= at;
  };
  insert(1, "BAR.SYNC.DEFER_BLOCKING");
  EXPECT_FALSE(modelRoles(turns, options, whyNot));
  EXPECT_EQ(whyNot, "does not come to an end of this loop");
  insert(10, "BAR.ARV");
  std::optional<LoopModel> model = modelRoles(turns, options, whyNot);
  ASSERT_TRUE(model) << whyNot;
  EXPECT_NEAR(model->cycles, 2 * 8 * 32, 40);
}

// Of 64 x 32 x 16 the tensor pipe takes 16 cycles. Its factors are 32 bytes of each of 32 rows, and of 64 where the
// left one is in shared memory too: 8 cycles, and 24.
TEST(Score, modelOfProductsIsBoundBySharedMemory) {
  std::string whyNot;
  ModelOptions options{.warps = 2, .rings = {{"K", 0x400, 2, 0}}, .copyLatency = 0};
  std::optional<LoopModel> right = modelRoles(rolesLoop(16, 0, 0, "R84, gdesc[UR16]", "64x32x16"), options, whyNot);
  ASSERT_TRUE(right) << whyNot;
  EXPECT_NEAR(right->cycles, 2 * 16 * 16, 16);
  const MachineKernel both = rolesLoop(16, 0, 0, "gdesc[UR16]", "64x32x16");
  std::optional<LoopModel> alone = modelRoles(both, options, whyNot);
  ASSERT_TRUE(alone) << whyNot;
  EXPECT_NEAR(alone->cycles, 2 * 16 * 24, 16);
  EXPECT_NEAR(alone->tensorShare, 16.0 / 24, 0.03);
  EXPECT_NEAR(alone->busy.at("shared"), 1, 0.05);
  // A copy that takes half of the bytes all the time leaves 48 cycles to each.
  options.rings = {{"K", 0x400, 2, 64 * 2 * 16 * 47}}, options.copyBytes = 64;
  std::optional<LoopModel> beside = modelRoles(both, options, whyNot);
  ASSERT_TRUE(beside) << whyNot;
  EXPECT_NEAR(beside->cycles, 2 * 16 * 48, 48);
}

TEST(Score, modelOfRolesIsDrawnAsText) {
  std::string whyNot, text;
  std::optional<LoopModel> model =
      modelRoles(rolesLoop(16, 0, 0), {.warps = 1, .rings = {{"K", 0x400, 2, 1024}}}, whyNot);
  ASSERT_TRUE(model) << whyNot;
  llvm::raw_string_ostream os(text);
  printTimeline(os, *model);
  EXPECT_NE(text.find("computes 0  products      ####"), std::string::npos) << text;
  EXPECT_NE(text.find("pppppppp"), std::string::npos) << text;
  EXPECT_NE(text.find("copies      copies  "), std::string::npos) << text;
  for (llvm::StringRef line : llvm::drop_begin(llvm::split(llvm::StringRef(text).rtrim('\n'), '\n')))
    EXPECT_EQ(line.size(), 6 + 11 + 1 + 13 + 1 + 64u) << line.str();
}

/// A loop of the warps that copy in place of that of `kernel`.
MachineKernel withCopying(MachineKernel kernel, std::vector<std::pair<const char *, const char *>> copying) {
  kernel.instructions.resize(kernel.instructions.size() - 4);
  const size_t first = kernel.instructions.size();
  for (auto [opcode, operands] : copying)
    kernel.instructions.push_back({"", opcode, operands, {}});
  kernel.instructions.push_back({"@P0", "BRA", "`(copy)", {}});
  kernel.instructions.back().targets = {first};
  return kernel;
}

// They arrive when their copies have come, and once for themselves.
TEST(Score, modelOfCopiesByThreads) {
  std::string whyNot;
  const MachineKernel kernel =
      withCopying(rolesLoop(16, 0, 0), {{"SYNCS.PHASECHK.TRANS64.TRYWAIT", "P0, [R0+UR15+0x410], R5"},
                                        {"LDGSTS.E.BYPASS.128", "[R20], [R22.64]"},
                                        {"LDGSTS.E.BYPASS.128", "[R20+0x800], [R24.64]"},
                                        {"ARRIVES.LDGSTSBAR.64.ARVCNT", "[UR4+0x400]"},
                                        {"SYNCS.ARRIVE.TRANS64.A1T0", "RZ, [R28+URZ+0x400], RZ"}});
  ModelOptions slow{.warps = 1, .rings = {{"K", 0x400, 2, 0}}, .copyLatency = 3000};
  std::optional<LoopModel> model = modelRoles(kernel, slow, whyNot);
  ASSERT_TRUE(model) << whyNot;
  EXPECT_NEAR(model->cycles, (3000 + 16 * 32) / 2, 30);
}

// The copy of the next tile comes while this one is written anew, by the pass behind its own. Boxes of one tile are
// asked for by lanes in a loop of the assembler's.
TEST(Score, modelOfTilesWrittenAnew) {
  std::string whyNot;
  MachineKernel kernel =
      withCopying(rolesLoop(16, 0, 0), {{"SYNCS.PHASECHK.TRANS64.TRYWAIT", "P0, [R0+UR15+0x510], R5"},
                                        {"SYNCS.ARRIVE.TRANS64", "RZ, [R8+URZ+0x500], R4"},
                                        {"UTMALDG.4D", "[UR16], [UR24]"},
                                        {"BRA.U.ANY", "`(lanes)"},
                                        {"SYNCS.PHASECHK.TRANS64.TRYWAIT", "P0, [R0+UR15+0x500], R5"},
                                        {"SYNCS.PHASECHK.TRANS64.TRYWAIT", "P0, [R0+UR15+0x410], R5"},
                                        {"LDS.128", "R40, [R30]"},
                                        {"STS.128", "[R31], R40"},
                                        {"SYNCS.ARRIVE.TRANS64.A1T0", "RZ, [R8+URZ+0x510], RZ"},
                                        {"SYNCS.ARRIVE.TRANS64.A1T0", "RZ, [R8+URZ+0x400], RZ"}});
  for (size_t i = 0; i < kernel.instructions.size(); ++i)
    if (kernel.instructions[i].opcode == "BRA.U.ANY")
      kernel.instructions[i].predicate = "@P0", kernel.instructions[i].targets = {i - 1};
  ModelOptions options{.warps = 1, .rings = {{"V along K", 0x400, 2, 1024}, {"V", 0x500, 2, 1024}}, .copyLatency = 400};
  std::optional<LoopModel> quick = modelRoles(kernel, options, whyNot);
  ASSERT_TRUE(quick) << whyNot;
  EXPECT_NEAR(quick->cycles, 16 * 32, 20); // both are hidden
  options.copyLatency = 3000;
  std::optional<LoopModel> slow = modelRoles(kernel, options, whyNot);
  ASSERT_TRUE(slow) << whyNot;
  EXPECT_NEAR(slow->cycles, 3000 / 2.0, 60); // two copies are under way
  options.rings[1].slots = 1;                // of which barriers are nearer to each other
  EXPECT_FALSE(modelRoles(kernel, options, whyNot));
}

TEST(Score, modelSaysWhatItDoesNotKnow) {
  std::vector<MachineKernel> kernels = readPtx(kPtx);
  std::string whyNot;
  EXPECT_FALSE(modelLoop(kernels[0], hotLoops(kernels[0]).at(0), {}, whyNot));
  EXPECT_EQ(whyNot, "needs machine code, not PTX");
  const MachineKernel roles = rolesLoop(4, 0, 0);
  EXPECT_FALSE(modelRoles(roles, {}, whyNot));
  EXPECT_EQ(whyNot, "does not know what the barrier at byte 1024 is for");
  MachineKernel twice = roles;
  twice.instructions.insert(twice.instructions.begin(), twice.instructions.front()); // two tiles used, one let go
  for (Instruction &each : twice.instructions)
    for (size_t &target : each.targets)
      target += target != 0;
  EXPECT_FALSE(modelRoles(twice, {.rings = {{"K", 0x400, 2, 1024}}}, whyNot));
  EXPECT_NE(whyNot.find("counts 2 tiles of K used in a pass, 1 let go"), std::string::npos) << whyNot;
  MachineKernel alone = roles;
  alone.instructions.resize(alone.instructions.size() - 4);
  EXPECT_FALSE(modelRoles(alone, {.rings = {{"K", 0x400, 2, 1024}}}, whyNot));
  EXPECT_EQ(whyNot, "finds no loop of the warps that copy");
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
