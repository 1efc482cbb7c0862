//===- ControlTest.cpp - Control flow of the simulated warp ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Divergence, reconvergence, loops with different trip counts, and lanes that wait for each other.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

using namespace imbrex::simulator::testing;

namespace {

std::string store(const std::string &reg) { return "cvt.u64.u32 %rd6, " + reg + ";\nst.global.u64 [%rd3], %rd6;\n"; }

TEST(Control, IfElseReconverges) {
  // activemask after the join must be full again.
  auto out =
      runBody("and.b32 %r1, %r0, 1;\nsetp.eq.u32 %p1, %r1, 0;\n@%p1 bra EVEN;\nmov.u32 %r2, 10;\nactivemask.b32 %r5;\n"
              "bra JOIN;\nEVEN:\nmov.u32 %r2, 20;\nactivemask.b32 %r5;\nJOIN:\nactivemask.b32 %r3;\n"
              "and.b32 %r3, %r3, 0xffff;\nadd.u32 %r4, %r2, %r3;\n" +
                  store("%r4"),
              {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], 0xffffu + (i % 2 ? 10 : 20));
}

TEST(Control, LoopsOfDifferentLength) {
  auto out = runBody("mov.u32 %r1, 0;\nmov.u32 %r2, 0;\nLOOP:\nsetp.gt.u32 %p1, %r1, %r0;\n@%p1 bra END;\n"
                     "add.u32 %r2, %r2, %r1;\nadd.u32 %r1, %r1, 1;\nbra LOOP;\nEND:\nactivemask.b32 %r3;\n"
                     "setp.ne.u32 %p2, %r3, -1;\n@%p2 trap;\n" +
                         store("%r2"),
                     {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i * (i + 1) / 2);
}

TEST(Control, EventsForAProfilerDoNothing) {
  auto out =
      runBody("mov.u32 %r1, 7;\nsetp.lt.u32 %p1, %r0, 5;\n@%p1 pmevent 15;\npmevent.mask 65535;\n" + store("%r1"), {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], 7u);
  for (const char *wrong : {"pmevent 16;", "pmevent.mask 65536;", "pmevent %r1;", "pmevent;"}) {
    Host host;
    EXPECT_EQ(host.load(kernelText(wrong)), nullptr) << wrong;
  }
}

TEST(Control, NestedDivergenceInsideALoop) {
  auto out =
      runBody("mov.u32 %r1, 0;\nmov.u32 %r2, 0;\nLOOP:\nadd.u32 %r3, %r0, %r1;\nand.b32 %r4, %r3, 3;\n"
              "setp.lt.u32 %p1, %r4, 2;\n@%p1 bra A;\nsetp.eq.u32 %p2, %r4, 2;\n@!%p2 bra B;\nadd.u32 %r2, %r2, 100;\n"
              "bra NEXT;\nB:\nadd.u32 %r2, %r2, 1000;\nbra NEXT;\nA:\nadd.u32 %r2, %r2, %r4;\nNEXT:\n"
              "add.u32 %r1, %r1, 1;\nsetp.lt.u32 %p3, %r1, 8;\n@%p3 bra LOOP;\n" +
                  store("%r2"),
              {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], 2u * (0 + 1 + 100 + 1000)) << i;
}

TEST(Control, EarlyExitOfSomeLanes) {
  auto out =
      runBody("setp.lt.u32 %p1, %r0, 5;\n@%p1 exit;\nsetp.gt.u32 %p2, %r0, 20;\n@%p2 bra SKIP;\nmov.u32 %r1, 7;\n" +
                  store("%r1") + "SKIP:",
              {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i >= 5 && i <= 20 ? 7u : 0u);
}

TEST(Control, LanesOfAWarpWaitForEachOther) {
  // Lane 1 spins until lane 0, which takes the other way, has set the flag: needs independent progress.
  auto out = runBody("setp.eq.u32 %p1, %r0, 1;\nsetp.eq.u32 %p2, %r0, 0;\n@%p1 bra SPIN;\n@!%p2 bra DONE;\n"
                     "mov.u64 %rd7, 1;\nst.volatile.global.u64 [%rd2], %rd7;\nbra DONE;\n"
                     "SPIN:\nld.volatile.global.u64 %rd8, [%rd2];\nsetp.eq.u64 %p3, %rd8, 0;\n@%p3 bra SPIN;\n"
                     "st.global.u64 [%rd3], %rd8;\nDONE:",
                     {0});
  EXPECT_EQ(out[1], 1u);
}

TEST(Control, ShuffleGathersDivergedLanes) {
  // Both ways execute a shfl.sync of the same instruction after their own work.
  auto out =
      runBody("and.b32 %r1, %r0, 1;\nsetp.eq.u32 %p1, %r1, 0;\n@%p1 bra EVEN;\nbar.warp.sync -1;\nbra JOIN;\n"
              "EVEN:\nadd.u32 %r1, %r1, 5;\nbar.warp.sync -1;\nJOIN:\nshfl.sync.bfly.b32 %r3, %r1, 1, 31, -1;\n" +
                  store("%r3"),
              {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i % 2 ? 5u : 1u);
}

TEST(Control, TwoDimensionalBlocksAndGrids) {
  Host host;
  CUfunction function = host.load(
      kernelText("mov.u32 %r1, %tid.y;\nmov.u32 %r2, %ctaid.y;\nmov.u32 %r3, %ntid.x;\nmov.u32 %r4, "
                 "%nctaid.x;\nmov.u32 %r5, %ctaid.x;\n"
                 "mad.lo.u32 %r6, %r1, %r3, %r0;\nmad.lo.u32 %r7, %r2, %r4, %r5;\nmad.lo.u32 %r8, %r7, 20, %r6;\n"
                 "mul.wide.u32 %rd6, %r8, 4;\nadd.s64 %rd7, %rd1, %rd6;\nst.global.u32 [%rd7], %r8;"));
  CUdeviceptr out = host.allocate(6 * 20 * 4);
  void *arguments[] = {&out, &out};
  ASSERT_EQ(host.driver.launchKernel(function, 3, 2, 1, 5, 4, 1, 0, nullptr, arguments, nullptr), CUDA_SUCCESS)
      << host.driver.faultReport();
  auto values = host.download<uint32_t>(out, 120);
  for (uint32_t i = 0; i < 120; ++i)
    EXPECT_EQ(values[i], i);
}

TEST(Control, LanesThatTakeALockInTurn) {
  // Who holds the lock meets the others only behind the loop: it must go on without them.
  auto out =
      runBody("TRY:\natom.global.cas.b32 %r1, [%rd2], 0, 1;\nsetp.ne.b32 %p1, %r1, 0;\n@%p1 bra TRY;\n"
              "ld.volatile.global.u32 %r2, [%rd2+8];\nadd.u32 %r2, %r2, 1;\nst.volatile.global.u32 [%rd2+8], %r2;\n"
              "membar.gl;\natom.global.exch.b32 %r3, [%rd2], 0;\n" +
                  store("%r2"),
              {0, 0});
  uint64_t sum = 0;
  for (uint64_t value : out)
    sum += value;
  EXPECT_EQ(sum, 32u * 33 / 2);
}

TEST(Control, AWaitingLaneReleasesTheOthers) {
  // if (tid == 0) while (*flag == 0); if (tid == 31) *flag = 1;
  auto out = runBody("setp.ne.u32 %p1, %r0, 0;\n@%p1 bra NEXT;\nWAIT:\nld.volatile.global.u32 %r1, [%rd2];\n"
                     "setp.eq.u32 %p1, %r1, 0;\n@%p1 bra WAIT;\nNEXT:\nsetp.ne.u32 %p1, %r0, 31;\n@%p1 bra DONE;\n"
                     "st.volatile.global.u32 [%rd2], 1;\nDONE:\nmov.u32 %r2, 4;\n" +
                         store("%r2"),
                     {0});
  EXPECT_EQ(out[0], 4u);
}

TEST(Control, AMaskMayNameALaneThatEnds) {
  auto out =
      runBody("mov.pred %p2, 0;\nsetp.eq.u32 %p1, %r0, 0;\n@%p1 bra LATE;\nvote.sync.all.pred %p2, 1, -1;\nLATE:\n"
              "selp.u32 %r1, 1, 0, %p2;\n" +
                  store("%r1"),
              {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i == 0 ? 0u : 1u);
}

} // namespace
