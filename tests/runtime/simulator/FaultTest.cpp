//===- FaultTest.cpp - A seeded bug and its clean twin for every fault kind --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each test runs a kernel with one bug and the same kernel without it. The bug must be found whatever
// the schedule, with its fixed name, the PTX line and the thread; the twin must run.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

using namespace imbrex::simulator::testing;
using imbrex::simulator::RaceLevel;
using imbrex::simulator::SimulatorOptions;

namespace {

const std::string kShared = ".shared .align 16 .b8 tile[4096];\n";

#if __has_feature(thread_sanitizer)
constexpr unsigned kHostThreads = 1; ///< Blocks that write the same words do so on the host too.
#else
constexpr unsigned kHostThreads = 2;
#endif

/// Runs a body with `threads` threads under several schedules; the report of each must hold `words`.
/// Without words the launch must succeed.
void check(const std::string &body, unsigned threads, const std::vector<std::string> &words,
           const std::string &declarations = kShared, uint64_t budget = 0) {
  for (unsigned seed : {0u, 1u, 7u, 1234u}) {
    SimulatorOptions options{kHostThreads, budget, seed};
    options.races = RaceLevel::Block; // All blocks write the same words.
    Host host(options);
    CUfunction function = host.load(kernelText(body, declarations));
    ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
    CUdeviceptr in = host.upload(std::vector<uint64_t>(1024, 5)), out = host.allocate(8192);
    CUresult status = host.launch(function, 2, threads, 0, out, in);
    if (words.empty())
      EXPECT_EQ(status, CUDA_SUCCESS) << host.report;
    else
      EXPECT_NE(status, CUDA_SUCCESS) << body;
    for (const std::string &word : words)
      EXPECT_NE(host.report.find(word), std::string::npos) << "no '" << word << "' in\n" << host.report;
  }
}

const std::string kOwnSlot =
    "mov.u32 %r1, tile;\nshl.b32 %r2, %r0, 2;\nadd.u32 %r3, %r1, %r2;\n"
    "xor.b32 %r4, %r2, 128;\nadd.u32 %r5, %r1, %r4;\n"; // %r5: the same slot of the other warp.

TEST(Fault, OutOfBoundsGlobal) {
  check("st.global.u64 [%rd3+8192], %rd5;", 32,
        {"out of bounds", "PTX line", "st.global.u64 [%rd3+8192]", "nearest allocation",
         "thread (0, 0, 0) of block (0, 0, 0)"});
  check("st.global.u64 [%rd3+7936], %rd5;", 32, {});
}

TEST(Fault, LocalVariablesLieApart) {
  std::string two = ".local .align 4 .b8 one[20];\n.local .align 4 .b8 other[16];\nmov.u64 %rd6, one;\nmov.u64 %rd7, "
                    "other;\nst.local.u32 [%rd6+16], %r0;\nst.local.u32 [%rd7], %r0;\n";
  check(two + "ld.local.u32 %r1, [%rd6+16];\nld.local.u32 %r2, [%rd7];\n", 32, {});
  check(two + "st.local.u32 [%rd6+20], %r0;\n", 32, {"out of bounds", "past the end of a local variable"});
  check(two + "ld.local.u32 %r1, [%rd7+16];\n", 32, {"out of bounds", "past the end of a local variable"});
  check(two + "ld.local.u32 %r1, [%rd7+-4];\n", 32, {"out of bounds", "past the end of a local variable"});
  check("mov.u64 %rd6, 24;\nalloca.u64 %rd7, %rd6, 16;\nalloca.u64 %rd8, %rd6, 16;\nst.local.u64 [%rd7+16], %rd6;\n",
        32, {});
  check("mov.u64 %rd6, 24;\nalloca.u64 %rd7, %rd6, 16;\nalloca.u64 %rd8, %rd6, 16;\nst.local.u64 [%rd7+24], %rd6;\n",
        32, {"out of bounds", "past the end of a local variable"});
}

TEST(Fault, OutOfBoundsNull) {
  check("mov.u64 %rd6, 0;\nld.global.u32 %r1, [%rd6];", 32, {"out of bounds", "global address 0x0"});
}

TEST(Fault, OutOfBoundsFreed) {
  Host host;
  CUfunction function = host.load(kernelText("st.global.u64 [%rd3], %rd5;"));
  CUdeviceptr out = host.allocate(256);
  host.driver.memFree(out);
  EXPECT_EQ(host.launch(function, 1, 32, 0, out, out), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_NE(host.report.find("freed allocation"), std::string::npos) << host.report;
}

TEST(Fault, OutOfBoundsShared) {
  check("mov.u32 %r1, tile;\nst.shared.u32 [%r1+4096], %r0;", 1,
        {"out of bounds", "shared address 0x1000", "the block has 4096 bytes"});
  check("mov.u32 %r1, tile;\nst.shared.u32 [%r1+4092], %r0;", 1, {});
}

TEST(Fault, OutOfBoundsLocal) {
  std::string local = ".local .align 8 .b8 mine[16];\nmov.u64 %rd6, mine;\n";
  check(local + "st.local.u32 [%rd6+16], %r0;", 32, {"out of bounds", "local address 0x10"});
  check(local + "st.local.u32 [%rd6+12], %r0;", 32, {});
}

TEST(Fault, ConstantMemoryIsReadOnly) {
  check("mov.u64 %rd6, c;\nst.global.u32 [%rd6], %r0;", 1, {"out of bounds", "constant memory"},
        ".const .u32 c = 5;\n");
}

TEST(Fault, Misaligned) {
  check("st.global.u32 [%rd3+2], %r0;", 32, {"misaligned access", "4 bytes at global address"});
  check("mov.u32 %r1, tile;\nst.shared.v4.u32 [%r1+8], {%r0, %r0, %r0, %r0};", 1,
        {"misaligned access", "16 bytes at shared"});
  check("st.global.u32 [%rd3+4], %r0;", 32, {});
}

TEST(Fault, UninitialisedGlobal) {
  std::string use = "ld.global.u64 %rd6, [%rd3];\nadd.s64 %rd7, %rd6, 1;\nst.global.u64 [%rd3+256], %rd7;";
  check(use, 32, {"uninitialised read", "stores to global memory", "ld.global.u64 %rd6, [%rd3]"});
  check("st.global.u32 [%rd3], %r0;\n" + use, 32, {"uninitialised read"});
  check("st.global.u64 [%rd3], %rd5;\n" + use, 32, {});
}

TEST(Fault, UninitialisedShared) {
  std::string use = "ld.shared.u32 %r6, [%r3];\nsetp.eq.u32 %p1, %r6, 5;\n@%p1 add.u32 %r7, %r6, 1;";
  check(kOwnSlot + use, 64, {"uninitialised read", "which threads execute this", "ld.shared.u32 %r6"});
  check(kOwnSlot + "st.shared.u32 [%r3], %r0;\n" + use, 64, {});
}

TEST(Fault, UninitialisedLocal) {
  std::string local = ".local .align 8 .b8 mine[16];\nmov.u64 %rd6, mine;\n";
  std::string use =
      "ld.local.u32 %r1, [%rd6];\nand.b32 %r1, %r1, 56;\ncvt.u64.u32 %rd7, %r1;\nadd.s64 %rd7, %rd7, %rd2;\n"
      "ld.global.u64 %rd8, [%rd7];";
  check(local + use, 32, {"uninitialised read", "the address", "ld.local.u32 %r1"});
  check(local + "st.local.u32 [%rd6], %r0;\n" + use, 32, {});
}

TEST(Race, WriteThenReadByAnotherWarp) {
  std::string write = kOwnSlot + "st.shared.u32 [%r3], 0;\nbar.sync 0;\nst.shared.u32 [%r3], %r0;\n";
  std::string read = "ld.shared.u32 %r6, [%r5];\n";
  check(write + read, 64, {"shared-memory race"});
  check(write + "bar.sync 0;\n" + read, 64, {});
  check(write + "barrier.sync.aligned 3, 64;\n" + read, 64, {});
  check(write + "bar.warp.sync -1;\n" + read, 64, {"shared-memory race", "bar.sync"});
}

TEST(Race, ReadOfWhatIsNotYetWritten) {
  // Where the reader comes first, its fault says that a barrier may be missing.
  check(kOwnSlot + "st.shared.u32 [%r3], %r0;\nld.shared.u32 %r6, [%r5];\n", 64, {"bar.sync"});
}

TEST(Race, ReadThenWriteByAnotherWarp) {
  std::string start = kOwnSlot + "st.shared.u32 [%r3], %r0;\nbar.sync 0;\nld.shared.u32 %r6, [%r5];\n";
  check(start + "st.shared.u32 [%r3], %r6;", 64,
        {"shared-memory race", "is not ordered after a ", "missing: bar.sync"});
  check(start + "bar.sync 0;\nst.shared.u32 [%r3], %r6;", 64, {});
}

TEST(Race, ReadThenWriteByAnotherLane) {
  std::string start = kOwnSlot + "st.shared.u32 [%r3], %r0;\nbar.sync 0;\nxor.b32 %r7, %r3, 4;\n"
                                 "ld.shared.u32 %r6, [%r7];\n";
  check(start + "st.shared.u32 [%r3], 1;", 32, {"shared-memory race", "not ordered after a read by warp 0"});
  check(start + "bar.warp.sync -1;\nst.shared.u32 [%r3], 1;", 32, {});
}

TEST(Race, EveryReaderOfABroadcastCounts) {
  // Both warps read word 0; after they wait for warp 1 only, warp 1's lane 0 writes it.
  std::string start = "mov.u32 %r1, tile;\nsetp.eq.u32 %p1, %r0, 32;\n@%p1 st.shared.u32 [%r1], 7;\nbar.sync 0;\n"
                      "ld.shared.u32 %r2, [%r1];\nbar.warp.sync -1;\n";
  check(start + "@%p1 st.shared.u32 [%r1], 8;", 64, {"shared-memory race", "missing: bar.sync"});
  check(start + "bar.sync 0;\n@%p1 st.shared.u32 [%r1], 8;", 64, {});
}

TEST(Race, BothInstructionsAreNamed) {
  check(kOwnSlot + "st.shared.u32 [%r3], %r0;\nbar.sync 0;\nld.shared.u32 %r6, [%r5];\nst.shared.u32 [%r3], 1;", 64,
        {"shared-memory race", "\n  at PTX line", "\n  and PTX line"});
}

TEST(Race, LanesOfOneWarp) {
  std::string write = kOwnSlot + "st.shared.u32 [%r3], %r0;\n",
              read = "xor.b32 %r7, %r3, 4;\nld.shared.u32 %r6, [%r7];\n";
  check(write + read, 32, {"shared-memory race", "bar.warp.sync or bar.sync"});
  check(write + "bar.warp.sync 0xffffffff;\n" + read, 32, {});
  check(write + "shfl.sync.idx.b32 %r8, %r0, 0, 31, -1;\n" + read, 32, {"shared-memory race"});
}

TEST(Race, PartialWarpBarrierOrdersItsLanes) {
  // Lanes 0 to 15 synchronise among themselves; lane 15 reads lane 14's word, then lane 16's.
  std::string start =
      kOwnSlot + "st.shared.u32 [%r3], %r0;\nsetp.lt.u32 %p1, %r0, 16;\n@!%p1 bra DONE;\nbar.warp.sync 0xffff;\n";
  check(start + "xor.b32 %r7, %r3, 4;\nld.shared.u32 %r6, [%r7];\nDONE:", 32, {});
  check(start + "xor.b32 %r7, %r3, 64;\nld.shared.u32 %r6, [%r7];\nDONE:", 32, {"shared-memory race"});
}

TEST(Race, LanesOfOneInstruction) {
  check("mov.u32 %r1, tile;\nst.shared.u32 [%r1], %r0;", 32, {"shared-memory race"});
  check("mov.u32 %r1, tile;\nst.shared.u32 [%r1], 5;", 32, {});
}

TEST(Race, HalvesOfAWordAreDistinct) {
  std::string halves = "mov.u32 %r1, tile;\nshl.b32 %r2, %r0, 1;\nadd.u32 %r3, %r1, %r2;\ncvt.u16.u32 %h1, %r0;\n";
  check(halves + "st.shared.u16 [%r3], %h1;", 64, {});
  check(halves + "st.shared.u16 [%r3], %h1;\nxor.b32 %r4, %r3, 2;\nld.shared.u16 %h2, [%r4];", 64,
        {"shared-memory race"});
}

TEST(Race, ArriveOrdersOneWay) {
  // Warp 0 produces and arrives; warp 1 waits and consumes.
  std::string start = kOwnSlot + "setp.lt.u32 %p1, %r0, 32;\n@%p1 bra PRODUCE;\n";
  std::string consume = "bar.sync 1, 64;\nld.shared.u32 %r6, [%r5];\nbra DONE;\nPRODUCE:\nst.shared.u32 [%r3], %r0;\n";
  check(start + consume + "bar.arrive 1, 64;\nDONE:", 64, {});
  check(start + consume + "bar.arrive 1, 64;\nst.shared.u32 [%r3], 3;\nDONE:", 64, {"shared-memory race"});
}

TEST(Race, AtomicsDoNotRaceWithEachOther) {
  std::string start = "mov.u32 %r1, tile;\nsetp.eq.u32 %p1, %r0, 0;\n@%p1 st.shared.u32 [%r1], 0;\nbar.sync 0;\n"
                      "atom.shared.add.u32 %r2, [%r1], 1;\n";
  check(start, 128, {});
  check(start + "ld.shared.u32 %r3, [%r1];", 128, {"shared-memory race"});
  check(start + "bar.sync 0;\nld.shared.u32 %r3, [%r1];", 128, {});
}

const std::string kThreads = "mov.u32 %r1, tile;\nsetp.eq.u32 %p1, %r0, 0;\nsetp.eq.u32 %p2, %r0, 32;\n"
                             "and.b32 %r2, %r0, 31;\nsetp.eq.u32 %p3, %r2, 0;\n";

TEST(Race, AStrongAccessDoesNotHideAPlainWrite) {
  std::string write = kThreads + "@%p1 st.shared.u32 [%r1], 0;\n";
  std::string add = "@%p3 atom.shared.add.u32 %r3, [%r1], 1;\n";
  check(write + "bar.warp.sync -1;\n" + add, 64, {"bar.sync"});
  check(write + "bar.sync 0;\n" + add, 64, {});
  std::string strong = "@%p1 st.volatile.shared.u32 [%r1], 1;\n", read = "@%p2 ld.volatile.shared.u32 %r3, [%r1];\n";
  check(write + strong + read, 64, {"bar.sync"});
  check(write + "bar.sync 0;\n" + strong + read, 64, {});
}

TEST(Race, AStrongAccessDoesNotHideAPlainRead) {
  std::string start = kThreads + "@%p2 st.shared.u32 [%r1], 0;\nbar.sync 0;\n@%p2 ld.shared.u32 %r3, [%r1];\n";
  std::string strong = "@%p2 ld.volatile.shared.u32 %r3, [%r1];\n", write = "@%p1 st.volatile.shared.u32 [%r1], 1;\n";
  check(start + strong + write, 64, {"shared-memory race"});
  check(start + "bar.warp.sync -1;\n" + strong + write, 64, {"shared-memory race"});
  check(start + "bar.sync 0;\n" + strong + write, 64, {});
}

TEST(Race, APlainReadIsOrderedAfterEveryStrongWrite) {
  // Both warps add; warp 0 waits for nobody, or for warp 1 too, before its plain read.
  std::string start = kThreads + "@%p1 st.shared.u32 [%r1], 0;\nbar.sync 0;\n@%p3 atom.shared.add.u32 %r3, [%r1], 1;\n";
  check(start + "@%p1 ld.shared.u32 %r3, [%r1];\n", 64, {"shared-memory race"});
  check(start + "@%p1 st.shared.u32 [%r1], 1;\n", 64, {"shared-memory race"});
  check(start + "bar.sync 0;\n@%p1 ld.shared.u32 %r3, [%r1];\nbar.sync 0;\n@%p2 st.shared.u32 [%r1], 1;\n", 64, {});
}

TEST(Race, PartialWarpBarrierOrdersManyReaders) {
  std::string start = kThreads + "@%p1 st.shared.u32 [%r1], 0;\nbar.warp.sync -1;\nsetp.lt.u32 %p4, %r0, 16;\n"
                                 "@!%p4 bra DONE;\nld.shared.u32 %r3, [%r1];\n";
  check(start + "bar.warp.sync 0xffff;\n@%p1 st.shared.u32 [%r1], 1;\nDONE:", 32, {});
  check(start + "setp.gt.u32 %p5, %r0, 7;\n@%p5 bra DONE;\nbar.warp.sync 0xff;\n@%p1 st.shared.u32 [%r1], 1;\nDONE:",
        32, {"shared-memory race", "lane 8"});
}

TEST(Race, WarpBarrierWithAMaskForEachHalf) {
  std::string start = kOwnSlot + "st.shared.u32 [%r3], %r0;\nand.b32 %r6, %r0, 16;\nshl.b32 %r7, 0xffff, %r6;\n"
                                 "bar.warp.sync %r7;\n";
  check(start + "xor.b32 %r8, %r3, 4;\nld.shared.u32 %r9, [%r8];", 32, {});
  check(start + "xor.b32 %r8, %r3, 64;\nld.shared.u32 %r9, [%r8];", 32, {"shared-memory race"});
}

const std::string kCopyOne = "mov.u32 %r1, tile;\nshl.b32 %r2, %r0, 4;\nadd.u32 %r3, %r1, %r2;\nand.b32 %r7, %r0, 31;\n"
                             "mul.wide.u32 %rd6, %r7, 16;\nadd.s64 %rd7, %rd2, %rd6;\n"
                             "cp.async.cg.shared.global [%r3], [%rd7], 16;\n";

/// Two warps; the second waits for the first one's flag.
std::string handOver(const std::string &release, const std::string &acquire) {
  return "setp.eq.u32 %p1, %r0, 0;\nmov.u32 %r1, tile;\n@%p1 st.shared.u32 [%r1], 0;\nbar.sync 0;\n"
         "setp.ge.u32 %p1, %r0, 32;\n@%p1 bra CONSUMER;\nsetp.ne.u32 %p1, %r0, 0;\n@%p1 exit;\n"
         "st.shared.u32 [%r1+64], 42;\n" +
         release + " [%r1], 1;\nexit;\nCONSUMER: " + acquire + "setp.eq.u32 %p1, %r2, 0;\n@%p1 bra CONSUMER;\n";
}

TEST(Race, ReleaseAndAcquireOrder) {
  std::string read = "ld.shared.u32 %r3, [%r1+64];\n", acquire = "ld.acquire.cta.shared.u32 %r2, [%r1];\n";
  check(handOver("st.release.cta.shared.u32", acquire) + read, 64, {});
  check(handOver("st.relaxed.cta.shared.u32", acquire) + read, 64, {"shared-memory race"});
  check(handOver("st.release.cta.shared.u32", "ld.relaxed.cta.shared.u32 %r2, [%r1];\n") + read, 64,
        {"shared-memory race"});
  check(handOver("membar.cta;\nst.volatile.shared.u32", "ld.volatile.shared.u32 %r2, [%r1];\n") + "membar.cta;\n" +
            read,
        64, {});
  check(handOver("st.volatile.shared.u32", "ld.volatile.shared.u32 %r2, [%r1];\n") + "membar.cta;\n" + read, 64,
        {"shared-memory race"});
}

TEST(Race, ReleaseAndAcquireBetweenLanes) {
  std::string start =
      "mov.u32 %r1, tile;\nst.volatile.shared.u32 [%r1], 0;\nbar.warp.sync -1;\nsetp.eq.u32 %p1, %r0, 0;\n"
      "@%p1 st.shared.u32 [%r1+64], 42;\n";
  check(start + "@%p1 st.release.cta.shared.u32 [%r1], 1;\nld.acquire.cta.shared.u32 %r2, [%r1];\n"
                "ld.shared.u32 %r3, [%r1+64];\n",
        32, {});
  check(start + "@%p1 st.relaxed.cta.shared.u32 [%r1], 1;\nld.acquire.cta.shared.u32 %r2, [%r1];\n"
                "ld.shared.u32 %r3, [%r1+64];\n",
        32, {"shared-memory race"});
}

/// All lanes of warp 0 store, lane 0 releases; lane 0 of warp 1 acquires, and all of its lanes load.
std::string handOverAll(const std::string &joinProducer, const std::string &joinConsumer,
                        const std::string &release = "st.release.cta.shared.u32 [%r1], 1;\n",
                        const std::string &acquire = "ld.acquire.cta.shared.u32 %r2, [%r1];\n") {
  return "setp.eq.u32 %p1, %r0, 0;\nmov.u32 %r1, tile;\n@%p1 st.shared.u32 [%r1], 0;\nbar.sync 0;\nand.b32 %r4, %r0, "
         "31;\n"
         "mad.lo.u32 %r5, %r4, 4, %r1;\nsetp.ge.u32 %p1, %r0, 32;\nsetp.ne.u32 %p3, %r4, 0;\n@%p1 bra CONSUMER;\n"
         "st.shared.u32 [%r5+64], %r0;\n" +
         joinProducer + "@%p3 exit;\n" + release + "exit;\nCONSUMER:\n@%p3 bra JOINED;\nWAIT:\n" + acquire +
         "setp.eq.u32 %p2, %r2, 0;\n@%p2 bra WAIT;\nJOINED:\n" + joinConsumer + "ld.shared.u32 %r6, [%r5+64];\n";
}

TEST(Race, ReleaseAndAcquireAreOfLanes) {
  std::string join = "bar.warp.sync -1;\n";
  check(handOverAll(join, join), 64, {});
  check(handOverAll("", join), 64, {"shared-memory race"});
  check(handOverAll(join, ""), 64, {"shared-memory race"});
  // Lanes that were joined with the one that releases or acquires: only the lower half's words are handed over.
  std::string half = "setp.ge.u32 %p4, %r4, 16;\n@%p4 bra HALF;\nbar.warp.sync 0xffff;\nHALF:\n",
              rest = "setp.ge.u32 %p4, %r4, 16;\n@%p4 bra REST;\nbar.warp.sync 0xffff;\n";
  check(handOverAll(half, rest) + "REST:\n", 64, {});
  check(handOverAll(half, join), 64, {"shared-memory race", "lane 16"});
  // A fence of all lanes, then the flag: what all of them did.
  check(handOverAll("membar.cta;\n" + join, join, "st.volatile.shared.u32 [%r1], 1;\n",
                    "ld.volatile.shared.u32 %r2, [%r1];\nmembar.cta;\n"),
        64, {});
}

TEST(Race, WhatALaneAcquiredGoesOnThroughBarriersAndReleases) {
  // Warp 1's lane 0 acquires and its warp meets warp 2 at a barrier; or releases at another word, which warp 2
  // acquires.
  std::string start = handOverAll("bar.warp.sync -1;\n", "");
  start = start.substr(0, start.rfind("ld.shared"));
  std::string third = "setp.ge.u32 %p5, %r0, 64;\n", read = "ld.shared.u32 %r6, [%r5+64];\n";
  std::string begin = start.substr(0, start.find("CONSUMER:")), end = start.substr(start.find("CONSUMER:"));
  end.insert(end.find("\n") + 1, third + "@%p5 bra THIRD;\n");
  check(begin + end + "bar.sync 1, 64;\nexit;\nTHIRD:\nbar.sync 1, 64;\n" + read, 96, {});
  std::string second = begin;
  second.insert(second.find("bar.sync 0"), "@%p1 st.shared.u32 [%r1+8], 0;\n");
  std::string pass = "@%p3 exit;\nst.release.cta.shared.u32 [%r1+8], 1;\nexit;\nTHIRD:\n";
  check(second + end + pass +
            "AGAIN:\nld.acquire.cta.shared.u32 %r2, [%r1+8];\nsetp.eq.u32 %p2, %r2, 0;\n@%p2 bra "
            "AGAIN;\n" +
            read,
        96, {});
}

/// Runs a body and returns the notes that the device told.
std::string notesOf(const std::string &body, unsigned threads) {
  std::string notes;
  SimulatorOptions options;
  options.note = [&](const std::string &text) { notes += text + "\n"; };
  Host host(options);
  CUfunction function = host.load(kernelText(body, kShared));
  EXPECT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr out = host.allocate(8192);
  EXPECT_EQ(host.launch(function, 1, threads, 0, out, out), CUDA_SUCCESS) << host.report;
  return notes;
}

TEST(Note, EqualValuesOfSeveralWarps) {
  std::string store = "mov.u32 %r1, tile;\nst.shared.u32 [%r1], 1;\n";
  EXPECT_NE(notesOf(store, 64).find("equal unordered writes in kernel 'k': write of 4 bytes at shared"),
            std::string::npos);
  EXPECT_EQ(notesOf(store, 32), "");
  check("mov.u32 %r1, tile;\nst.shared.u32 [%r1], %r0;\n", 64, {"shared-memory race"});
  check(store + "ld.shared.u32 %r2, [%r1];\n", 64, {"shared-memory race"}); // Who reads must still be ordered.
}

TEST(Note, WarpSynchronousVolatile) {
  std::string body = kOwnSlot + "st.volatile.shared.u32 [%r3], %r0;\n";
  std::string read = "xor.b32 %r4, %r2, 4;\nadd.u32 %r5, %r1, %r4;\nld.volatile.shared.u32 %r6, [%r5];\n";
  EXPECT_NE(notesOf(body + read, 32).find("warp-synchronous volatile access"), std::string::npos);
  EXPECT_EQ(notesOf(body + "bar.warp.sync -1;\n" + read, 32), "");
}

TEST(Fault, GapBetweenSharedVariables) {
  std::string two = ".shared .align 4 .b8 first[128];\n.shared .align 4 .b8 second[128];\n";
  std::string both = "shl.b32 %r2, %r0, 2;\nmov.u32 %r1, first;\nadd.u32 %r1, %r1, %r2;\nmov.u32 %r3, second;\n"
                     "add.u32 %r3, %r3, %r2;\nst.shared.u32 [%r3], %r0;\nst.shared.u32 [%r1], %r0;\n";
  check(both + "st.shared.u32 [%r1+128], %r0;\n", 32, {"out of bounds", "past the end of a shared variable"}, two);
  check(both + "setp.eq.u32 %p1, %r0, 31;\n@%p1 ld.shared.u32 %r4, [%r1+4];\n", 32, {"out of bounds", "past the end"},
        two);
  check(both, 32, {}, two);
}

TEST(CopyAsync, ReadBeforeWait) {
  std::string bug = "cp.async destination read before its wait";
  check(kCopyOne + "ld.shared.u32 %r4, [%r3];", 64, {bug, "wait_group"});
  check(kCopyOne + "cp.async.commit_group;\nld.shared.u32 %r4, [%r3];", 64, {bug});
  check(kCopyOne + "cp.async.commit_group;\ncp.async.wait_group 1;\nld.shared.u32 %r4, [%r3];", 64, {bug});
  check(kCopyOne + "cp.async.commit_group;\ncp.async.wait_group 0;\nld.shared.u32 %r4, [%r3];", 64, {});
  check(kCopyOne + "cp.async.wait_all;\nld.shared.u32 %r4, [%r3];", 64, {});
}

TEST(CopyAsync, OthersNeedABarrierToo) {
  std::string other = "xor.b32 %r4, %r3, 16;\nld.shared.u32 %r5, [%r4];";
  check(kCopyOne + "cp.async.wait_all;\n" + other, 64, {"shared-memory race"});
  check(kCopyOne + "bar.sync 0;\ncp.async.wait_all;\n" + other, 64, {"shared-memory race"});
  check(kCopyOne + "bar.sync 0;\n" + other, 64, {"cp.async destination read before its wait"});
  check(kCopyOne + "cp.async.wait_all;\nbar.sync 0;\n" + other, 64, {});
}

TEST(CopyAsync, DestinationAndSourceStayUntouched) {
  check(kCopyOne + "st.shared.u32 [%r3], 1;\ncp.async.wait_all;", 64, {"shared-memory race", "in flight"});
  check(kCopyOne + "st.global.u32 [%rd7], 1;\ncp.async.wait_all;", 32, {"shared-memory race", "reads it is in flight"});
  check(kCopyOne + "cp.async.wait_all;\nst.global.u32 [%rd7], 1;", 32, {});
}

TEST(CopyAsync, LdmatrixSharesWithTheWholeWarp) {
  std::string read = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r3];";
  check(kCopyOne + "cp.async.wait_all;\n" + read, 32, {"shared-memory race"});
  check(kCopyOne + "cp.async.wait_all;\nbar.warp.sync -1;\n" + read, 32, {});
}

TEST(Race, WhatAnLdmatrixHasReadMayBeWritten) {
  // By its own warp, whose lanes have all executed it; of an ordinary load that is not known.
  std::string start = kCopyOne + "cp.async.wait_all;\nbar.warp.sync -1;\nxor.b32 %r4, %r3, 16;\n";
  std::string matrix = "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r3];\n";
  check(start + matrix + "st.shared.u32 [%r4], 1;\n", 32, {});
  check(start + "ld.shared.u32 %r10, [%r3];\nst.shared.u32 [%r4], 1;\n", 32, {"shared-memory race"});
  check(start + "xor.b32 %r4, %r3, 512;\n" + matrix + "st.shared.u32 [%r4], 1;\n", 64, {"shared-memory race"});
}

TEST(Fault, BarrierInsideABranch) {
  std::string join = "JOIN:\nadd.u32 %r1, %r0, 1;\nst.global.u64 [%rd3], %rd5;";
  check("setp.lt.u32 %p1, %r0, 7;\n@!%p1 bra JOIN;\nbar.sync 0;\n" + join, 32,
        {"divergent barrier", "7 of the warp's 32"});
  check("setp.lt.u32 %p1, %r0, 7;\n@%p1 bra ELSE;\nbar.sync 0;\nbra JOIN;\nELSE:\nbar.sync 0;\n" + join, 64,
        {"divergent barrier"});
}

TEST(Fault, BarrierAfterAnEarlyReturn) {
  // Threads that have returned take no part, whichever of the two comes first.
  check("setp.ge.u32 %p1, %r0, 20;\n@%p1 bra DONE;\nbar.sync 0;\nst.global.u64 [%rd3], %rd5;\nDONE:", 64, {});
  check("setp.ge.u32 %p1, %r0, 20;\n@%p1 bra SOME;\nbar.sync 0;\nst.global.u64 [%rd3], %rd5;\nret;\n"
        "SOME:\nst.global.u64 [%rd3], %rd5;",
        32, {});
}

TEST(Fault, DivergentBarrier) {
  check("setp.lt.u32 %p1, %r0, 7;\n@%p1 bar.sync 0;", 32, {"divergent barrier", "7 of the warp's 32"});
  check("setp.lt.u32 %p1, %r0, 32;\n@%p1 bra SKIP;\nSKIP:\nbar.sync 0;", 64, {});
  check("bar.sync 17;", 32, {"divergent barrier", "no barrier 17"});
  check("bar.sync 1, 48;", 64, {"divergent barrier", "multiple of 32"});
}

TEST(Fault, BarrierCountMismatch) {
  std::string half = "setp.lt.u32 %p1, %r0, 32;\n@%p1 bra LOW;\nbar.sync 1, 64;\nbra DONE;\nLOW:\n";
  check(half + "bar.sync 1, 96;\nDONE:", 64, {"divergent barrier", "count mismatch"});
  check(half + "bar.sync 1, 64;\nDONE:", 64, {});
}

TEST(Fault, MmaNeedsTheWholeWarp) {
  std::string mma =
      "mov.b32 %r1, 0;\nmov.f32 %f1, 0f00000000;\n"
      "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%f1,%f1,%f1,%f1}, {%r1,%r1}, {%r1}, {%f1,%f1,%f1,%f1};\n";
  check("setp.lt.u32 %p1, %r0, 16;\n@%p1 bra SKIP;\n" + mma + "SKIP:", 32, {"divergent barrier", ".aligned"});
  check("setp.lt.u32 %p1, %r0, 16;\n@%p1 bra SKIP;\nadd.u32 %r2, %r0, 1;\nSKIP:\n" + mma, 32, {});
}

TEST(Fault, Deadlock) {
  std::string half = "setp.lt.u32 %p1, %r0, 32;\n@%p1 bra LOW;\nbar.sync 1, 64;\nbra DONE;\nLOW:\n";
  check(half + "bar.sync 2, 64;\nDONE:", 64,
        {"deadlock", "barrier 1: 32 of 64", "barrier 2: 32 of 64", "warp 0", "warp 1"});
  check("bar.sync 1, 96;", 64, {"deadlock", "64 of 96"});
}

TEST(Fault, ExitedWarpsDoNotHoldTheBarrier) { check("setp.lt.u32 %p1, %r0, 32;\n@%p1 exit;\nbar.sync 0;", 96, {}); }

TEST(Fault, ExitedLanesDoNotHoldTheBarrier) {
  // Half a warp waits, the other half exits: before or after the wait, as the branch goes.
  std::string exits = "@%p1 bra L;\nbarrier.sync 0;\nexit;\nL:\nnanosleep.u32 10;\nexit;\n";
  check("setp.ge.u32 %p1, %r0, 16;\n" + exits, 32, {});
  check("setp.lt.u32 %p1, %r0, 16;\n" + exits, 32, {});
  check("setp.ge.u32 %p1, %r0, 16;\n" + exits, 64, {});
}

TEST(Fault, BarrierOfADivergedWarpOrdersItsHalves) {
  check(kOwnSlot + "st.shared.u32 [%r3], %r0;\nsetp.lt.u32 %p1, %r0, 16;\n@%p1 bra LOW;\nbarrier.sync 0;\nbra JOIN;\n"
                   "LOW:\nbarrier.sync 0;\nJOIN:\nxor.b32 %r7, %r3, 64;\nld.shared.u32 %r6, [%r7];",
        32, {});
}

TEST(Fault, EndlessLoop) {
  check("LOOP:\nadd.u32 %r1, %r1, 1;\nbra LOOP;", 32, {"instruction budget exceeded", "endless loop", "PTX line"}, "",
        100000);
}

TEST(Fault, LoopsThatNothingEnds) {
  std::string one = "and.b32 %r6, %r0, 31;\nsetp.ne.u32 %p3, %r6, 0;\n@%p3 exit;\n"; // One lane a warp.
  std::string flag = one + "mov.u32 %r1, tile;\nst.volatile.shared.u32 [%r1], 0;\nbar.sync 0;\n";
  std::string spin = "LOOP: ld.volatile.shared.u32 %r2, [%r1];\nsetp.eq.u32 %p1, %r2, 0;\n@%p1 bra LOOP;\n";
  check(flag + spin, 64, {"endless loop", "goes round in a loop"});
  check(flag + "setp.ge.u32 %p2, %r0, 32;\n@%p2 bra WAIT;\n" + spin + "WAIT: bar.sync 1;\n", 64, {"endless loop"});
  check("LOOP: atom.global.cas.b32 %r2, [%rd2], 0, 1;\nsetp.ne.u32 %p1, %r2, 0;\n@%p1 bra LOOP;\n", 1,
        {"endless loop"});
}

TEST(Fault, ALongWaitIsNoEndlessLoop) {
  std::string start = "and.b32 %r6, %r0, 31;\nsetp.ne.u32 %p3, %r6, 0;\n@%p3 exit;\nmov.u32 %r1, tile;\n"
                      "st.volatile.shared.u32 [%r1], 0;\nbar.sync 0;\nsetp.ge.u32 %p2, %r0, 32;\n@%p2 bra WORK;\n";
  std::string spin = "LOOP: ld.volatile.shared.u32 %r2, [%r1];\nsetp.eq.u32 %p1, %r2, 0;\n@%p1 bra LOOP;\nexit;\n";
  check(start + spin +
            "WORK: mov.u32 %r3, 0;\nMORE: add.u32 %r3, %r3, 1;\nsetp.lt.u32 %p1, %r3, 100000;\n@%p1 bra MORE;\n"
            "st.volatile.shared.u32 [%r1], 1;\n",
        64, {});
}

TEST(Fault, Trap) { check("setp.eq.u32 %p1, %r0, 9;\n@%p1 trap;", 32, {"trap", "thread (9, 0, 0)"}); }

TEST(Fault, NamesTheSourceLine) {
  check(".loc 1 17 5\nst.global.u64 [%rd3+9000], %rd5;", 32, {"out of bounds", "attention.tile:17:5"},
        ".file 1 \"attention.tile\"\n");
}

TEST(Fault, TheLowestBlockIsReported) {
  for (unsigned threads : {1u, 4u}) {
    Host host(SimulatorOptions{threads, 0, 0});
    CUfunction function = host.load(kernelText("mov.u32 %r1, %ctaid.x;\nsetp.ge.u32 %p1, %r1, 11;\n@%p1 trap;"));
    CUdeviceptr out = host.allocate(256);
    host.launch(function, 64, 32, 0, out, out);
    EXPECT_NE(host.report.find("block (11, 0, 0)"), std::string::npos) << host.report;
  }
}

} // namespace
