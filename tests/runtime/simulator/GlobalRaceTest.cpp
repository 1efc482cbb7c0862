//===- GlobalRaceTest.cpp - Races on global memory and what orders them ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each race with its clean twin: inside a block, between blocks of a launch, between launches. The patterns that
// hand data from block to block through memory must be silent, and each must be told when its fence is taken away.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

using namespace imbrex::simulator::testing;
using imbrex::simulator::RaceLevel;
using imbrex::simulator::SimulatorOptions;

namespace {

struct Outcome {
  CUresult status = CUDA_SUCCESS;
  std::string report, notes;
};

/// Runs a body with `blocks` blocks of `threads` threads; `out` is zero, 8 KiB.
Outcome runWith(const std::string &body, unsigned blocks, unsigned threads, unsigned seed = 0,
                const std::string &declarations = "", RaceLevel races = RaceLevel::Streams) {
  Outcome outcome;
  SimulatorOptions options;
  options.threads = 2;
  options.schedulingSeed = seed;
  options.races = races;
  options.note = [&](const std::string &text) { outcome.notes += text + "\n"; };
  Host host(options);
  CUfunction function = host.load(kernelText(body, declarations));
  EXPECT_EQ(host.status, CUDA_SUCCESS) << host.log;
  if (!function)
    return outcome;
  CUdeviceptr in = host.upload(std::vector<uint64_t>(1024, 5)), out = host.allocate(8192);
  host.driver.memsetD8Async(out, 0, 8192, nullptr);
  outcome.status = host.launch(function, blocks, threads, 0, out, in);
  outcome.report = host.report;
  return outcome;
}

void expectRace(const std::string &body, unsigned blocks, unsigned threads, const std::vector<std::string> &words) {
  for (unsigned seed : {0u, 3u}) {
    Outcome outcome = runWith(body, blocks, threads, seed);
    EXPECT_NE(outcome.status, CUDA_SUCCESS) << body;
    EXPECT_NE(outcome.report.find("global-memory race"), std::string::npos) << outcome.report;
    for (const std::string &word : words)
      EXPECT_NE(outcome.report.find(word), std::string::npos) << "no '" << word << "' in\n" << outcome.report;
  }
}

void expectSilent(const std::string &body, unsigned blocks, unsigned threads) {
  for (unsigned seed : {0u, 3u, 99u}) {
    Outcome outcome = runWith(body, blocks, threads, seed);
    EXPECT_EQ(outcome.status, CUDA_SUCCESS) << outcome.report << body;
    EXPECT_EQ(outcome.notes, "") << body;
  }
}

const std::string kBlock = "mov.u32 %r9, %ctaid.x;\nmov.u32 %r10, %nctaid.x;\nmul.wide.u32 %rd9, %r9, 4;\n"
                           "add.s64 %rd10, %rd1, %rd9;\n"; // %rd10: this block's word of out.

TEST(GlobalRace, PartsOfWhatAWarpWrote) {
  // The warp's words are remembered together; one lane of another warp, or half a word, is still told exactly.
  std::string store = "mul.wide.u32 %rd6, %r0, 4;\nadd.s64 %rd6, %rd1, %rd6;\nst.global.u32 [%rd6], %r0;\n";
  std::string first = "setp.lt.u32 %p1, %r0, 32;\n@%p1 bra MINE;\nbra OTHER;\nMINE:\n" + store + "bra END;\nOTHER:\n";
  std::string one = "setp.ne.u32 %p2, %r0, 37;\n@%p2 bra END;\n";
  expectRace(first + one + "ld.global.u16 %r2, [%rd1+26];\nEND:\n", 1, 64,
             {"warp 0 lane 6", "ld.global.u16 %r2, [%rd1+26]"});
  expectRace(first + one + "ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd1+64];\nEND:\n", 1, 64, {"warp 0 lane 16"});
  expectSilent(first + one + "ld.global.u32 %r2, [%rd1+128];\nEND:\n", 1, 64);
}

TEST(GlobalRace, InsideABlock) {
  std::string store = "mul.wide.u32 %rd6, %r0, 4;\nadd.s64 %rd6, %rd1, %rd6;\nst.global.u32 [%rd6], %r0;\n";
  std::string load = "xor.b32 %r1, %r0, 32;\nmul.wide.u32 %rd7, %r1, 4;\nadd.s64 %rd7, %rd1, %rd7;\n"
                     "ld.global.u32 %r2, [%rd7];\n";
  expectRace(store + load, 1, 64,
             {"4 bytes at global address", "by block (0, 0, 0) warp", "missing: bar.sync", "ld.global.u32 %r2, [%rd7]",
              "st.global.u32 [%rd6], %r0"});
  expectSilent(store + "bar.sync 0;\n" + load, 1, 64);
}

TEST(GlobalRace, NeighbourInAWarp) {
  std::string load = "ld.global.u64 %rd6, [%rd3+8];\n", store = "st.global.u64 [%rd3], %rd5;\n";
  expectRace(load + store, 1, 32, {"is not ordered after a read", "missing: bar.warp.sync"});
  expectSilent(load + "bar.warp.sync -1;\n" + store, 1, 32);
}

TEST(GlobalRace, BetweenBlocks) {
  expectRace(kBlock + "st.global.u32 [%rd1], %r9;\n", 4, 1,
             {"write of 4 bytes", "after a write by block", "missing: an atomic operation"});
  expectRace(kBlock + "ld.global.u32 %r1, [%rd1];\nadd.u32 %r1, %r1, 1;\nst.global.u32 [%rd1], %r1;\n", 4, 1, {});
  expectSilent(kBlock + "st.global.u32 [%rd10], %r9;\n", 4, 1);
  expectSilent(kBlock + "ld.global.u32 %r1, [%rd2];\nst.global.u32 [%rd10], %r1;\n", 4, 1);
  expectSilent("red.global.add.u32 [%rd1], 1;\natom.global.max.u32 %r2, [%rd1], %r0;\n", 4, 64);
}

TEST(GlobalRace, BytesOfAWordAreDistinct) {
  expectSilent(kBlock + "mov.u32 %r1, %ctaid.x;\ncvt.u64.u32 %rd6, %r1;\nadd.s64 %rd6, %rd1, %rd6;\n"
                        "st.global.u8 [%rd6], %r1;\n",
               8, 1);
  expectRace(kBlock + "cvt.u64.u32 %rd6, %r9;\nadd.s64 %rd6, %rd1, %rd6;\nst.global.u8 [%rd6], %r9;\n"
                      "ld.global.u32 %r1, [%rd1];\n",
             4, 1, {});
}

TEST(GlobalRace, EqualValuesAreANote) {
  Outcome outcome = runWith("st.global.u32 [%rd1], 1;\n", 2, 64);
  EXPECT_EQ(outcome.status, CUDA_SUCCESS) << outcome.report;
  EXPECT_NE(outcome.notes.find("equal unordered writes"), std::string::npos) << outcome.notes;
}

TEST(GlobalRace, EveryWarpMayReadBackWhatAllStore) {
  std::string body = "st.global.u32 [%rd1], 7;\nld.global.u32 %r1, [%rd1];\nst.global.u32 [%rd1+8], %r1;\n";
  for (unsigned seed : {0u, 3u, 17u}) {
    Outcome outcome = runWith(body, 1, 256, seed);
    EXPECT_EQ(outcome.status, CUDA_SUCCESS) << outcome.report;
  }
  expectRace("setp.lt.u32 %p1, %r0, 64;\n@%p1 st.global.u32 [%rd1], 7;\nld.global.u32 %r1, [%rd1];\n", 1, 96, {});
}

TEST(GlobalRace, LevelsSwitchItOff) {
  std::string between = kBlock + "st.global.u32 [%rd1], %r9;\n";
  EXPECT_EQ(runWith(between, 4, 1, 0, "", RaceLevel::Block).status, CUDA_SUCCESS);
  EXPECT_NE(runWith(between, 4, 1, 0, "", RaceLevel::Launch).status, CUDA_SUCCESS);
  std::string inside = "st.global.u32 [%rd1], %r0;\n";
  EXPECT_EQ(runWith(inside, 1, 64, 0, "", RaceLevel::Shared).status, CUDA_SUCCESS);
  EXPECT_NE(runWith(inside, 1, 64, 0, "", RaceLevel::Block).status, CUDA_SUCCESS);
}

/// The block that comes last adds what all wrote. %rd11: counter.
std::string lastBlock(const std::string &fence, const std::string &read = "ld.global.u32") {
  return kBlock +
         "setp.ne.u32 %p1, %r0, 0;\nadd.s64 %rd11, %rd1, 4096;\n@%p1 bra JOIN;\nst.global.u32 [%rd10], %r9;\n" + fence +
         "atom.global.inc.u32 %r11, [%rd11], %r10;\nsub.u32 %r12, %r10, 1;\nsetp.eq.u32 %p2, %r11, %r12;\n"
         "selp.u32 %r13, 1, 0, %p2;\nst.shared.u32 [last], %r13;\nJOIN: bar.sync 0;\nld.shared.u32 %r13, [last];\n"
         "setp.eq.u32 %p2, %r13, 0;\n@%p2 bra END;\nsetp.ge.u32 %p3, %r0, %r10;\n@%p3 bra END;\n"
         "mul.wide.u32 %rd12, %r0, 4;\nadd.s64 %rd12, %rd1, %rd12;\n" +
         read + " %r14, [%rd12];\nsetp.eq.u32 %p3, %r0, 0;\n@%p3 st.global.u32 [%rd11], 0;\nEND:\n";
}

TEST(GlobalRace, LastBlock) {
  std::string declarations = ".shared .b32 last;\n";
  for (unsigned blocks : {5u, 32u}) {
    Outcome good = runWith(lastBlock("membar.gl;\n"), blocks, 64, 0, declarations);
    EXPECT_EQ(good.status, CUDA_SUCCESS) << good.report;
    good = runWith(lastBlock("fence.acq_rel.gpu;\n", "ld.volatile.global.u32"), blocks, 64, 0, declarations);
    EXPECT_EQ(good.status, CUDA_SUCCESS) << good.report;
    for (std::string fence : {"", "membar.cta;\n"})
      for (std::string read : {"ld.global.u32", "ld.volatile.global.u32"}) {
        Outcome bad = runWith(lastBlock(fence, read), blocks, 64, 0, declarations);
        EXPECT_NE(bad.status, CUDA_SUCCESS) << fence << read;
        EXPECT_NE(bad.report.find("st.global.u32 [%rd10], %r9"), std::string::npos) << bad.report;
        EXPECT_NE(bad.report.find(read), std::string::npos) << bad.report;
      }
  }
}

// Two blocks, on two of the host's threads, count the same places; the second at each sets it to 0, which is ordered
// after the other's atomic because its own has seen that: recorded are atomics in the order in which they are made.
TEST(GlobalRace, TheSecondOfTwoSetsBack) {
  std::string body = kBlock + "shr.u32 %r1, %r9, 1;\nmul.wide.u32 %rd11, %r1, 256;\nadd.s64 %rd11, %rd1, %rd11;\n"
                              "mov.u32 %r2, 0;\nNEXT: fence.acq_rel.gpu;\natom.global.add.u32 %r3, [%rd11], 1;\n"
                              "fence.acq_rel.gpu;\nsetp.eq.u32 %p1, %r3, 1;\n"
                              "@%p1 st.global.u32 [%rd11], 0;\nadd.s64 %rd11, %rd11, 4;\nadd.u32 %r2, %r2, 1;\n"
                              "setp.lt.u32 %p2, %r2, 64;\n@%p2 bra NEXT;\n";
  expectSilent(body, 64, 1);
}

/// Thread 0 of block 0 waits by `wait` until all blocks have come; then each thread does `then`.
std::string waitForAll(const std::string &come, const std::string &wait, const std::string &then) {
  return kBlock + "setp.ne.u32 %p3, %r0, 0;\n@%p3 bra JOIN;\nfence.acq_rel.gpu;\n" + come +
         " [%rd1], 1;\nsetp.ne.u32 %p1, %r9, 0;\n@%p1 bra JOIN;\nWAIT: " + wait +
         " %r3, [%rd1];\nsetp.ne.u32 %p2, %r3, %r10;\n@%p2 bra WAIT;\nfence.acq_rel.gpu;\nJOIN: bar.sync 0;\n" + then +
         "END:\n";
}

/// Thread 0 of all blocks but the first, which sets it, waits by `wait` for a flag; then each thread does `then`.
std::string waitForFirst(const std::string &wait, const std::string &then) {
  return kBlock +
         "setp.ne.u32 %p3, %r0, 0;\n@%p3 bra JOIN;\nsetp.ne.u32 %p1, %r9, 0;\n@%p1 bra WAIT;\n"
         "st.volatile.global.u32 [%rd1], 1;\nWAIT: " +
         wait + " %r3, [%rd1];\nsetp.eq.u32 %p2, %r3, 0;\n@%p2 bra WAIT;\nJOIN: bar.sync 0;\n" + then;
}

// A strong read that has seen the last of the atomics comes after it, and so does what the reader's block does then.
TEST(GlobalRace, WhoWaitsForAllSetsBack) {
  const std::string kAdd = "red.global.add.u32", kFirstBlock = "setp.ne.u32 %p1, %r9, 0;\n@%p1 bra END;\n";
  for (std::string wait : {"ld.volatile.global.u32", "ld.relaxed.gpu.global.u32", "ld.acquire.gpu.global.u32"}) {
    for (unsigned last : {0u, 33u}) { // The one that waited, and one of another warp.
      std::string setBack = kFirstBlock + "setp.ne.u32 %p1, %r0, " + std::to_string(last) +
                            ";\n@%p1 bra END;\nst.global.u32 [%rd1], 0;\n";
      expectSilent(waitForAll(kAdd, wait, setBack), 6, 64);
      expectRace(waitForAll("red.relaxed.cta.global.add.u32", wait, setBack), 6, 64, {});
    }
    // Many have seen it, and each block's threads read it once more.
    expectSilent(waitForFirst(wait, "ld.global.u32 %r4, [%rd1];\n"), 12, 64);
  }
}

// Seen is the write alone: what its thread did before needs the fence, and another thread's access the wait.
TEST(GlobalRace, SeenIsOnlyTheLastWrite) {
  std::string flag = "add.s64 %rd11, %rd1, 4096;\nsetp.eq.u32 %p1, %r9, 0;\n@%p1 bra SET;\n"
                     "WAIT: ld.volatile.global.u32 %r3, [%rd11];\nsetp.eq.u32 %p2, %r3, 0;\n@%p2 bra WAIT;\n";
  std::string set = "bra END;\nSET: st.global.u32 [%rd1], 5;\nst.volatile.global.u32 [%rd11], 1;\nEND:\n";
  expectRace(kBlock + flag + "ld.global.u32 %r4, [%rd1];\n" + set, 2, 1, {"st.global.u32 [%rd1], 5"});
  expectSilent(kBlock + flag + "ld.global.u32 %r4, [%rd11];\n" + set, 2, 1);
  // Block 1 waits; block 2 does not, and its plain read of the flag is told whichever comes first.
  std::string other = "setp.eq.u32 %p3, %r9, 2;\n@%p3 bra READ;\n";
  std::string read = "ret;\nREAD: add.s64 %rd11, %rd1, 4096;\nld.global.u32 %r4, [%rd11];\n";
  expectRace(kBlock + other + flag + set + read, 3, 1, {"[%rd11]"});
}

/// Each block waits for the one before: flag and value in different words.
std::string lookBack(const std::string &store, const std::string &load, const std::string &before,
                     const std::string &after) {
  return kBlock + "add.s64 %rd11, %rd10, 4096;\nsetp.eq.u32 %p1, %r9, 0;\nmov.u32 %r1, 0;\n@%p1 bra WRITE;\nWAIT:\n" +
         load + " %r2, [%rd11+-4];\nsetp.eq.u32 %p2, %r2, 0;\n@%p2 bra WAIT;\n" + after +
         "ld.global.u32 %r1, [%rd10+-4];\nWRITE: add.u32 %r1, %r1, 1;\nst.global.u32 [%rd10], %r1;\n" + before + store +
         " [%rd11], 1;\n";
}

TEST(GlobalRace, LookBack) {
  expectSilent(lookBack("st.release.gpu.global.u32", "ld.acquire.gpu.global.u32", "", ""), 40, 1);
  expectSilent(lookBack("st.volatile.global.u32", "ld.volatile.global.u32", "membar.gl;\n", "membar.gl;\n"), 40, 1);
  expectSilent(
      lookBack("st.relaxed.gpu.global.u32", "ld.relaxed.gpu.global.u32", "fence.acq_rel.gpu;\n", "fence.sc.gpu;\n"), 40,
      1);
  expectRace(lookBack("st.volatile.global.u32", "ld.volatile.global.u32", "", "membar.gl;\n"), 4, 1, {});
  expectRace(lookBack("st.volatile.global.u32", "ld.volatile.global.u32", "membar.gl;\n", ""), 4, 1, {});
  expectRace(lookBack("st.release.cta.global.u32", "ld.acquire.gpu.global.u32", "", ""), 4, 1, {});
  expectRace(lookBack("st.global.u32", "ld.global.u32", "membar.gl;\n", "membar.gl;\n"), 4, 1, {});
}

std::string locked(const std::string &enter, const std::string &leave, const std::string &qualifier = "") {
  return "add.s64 %rd11, %rd1, 4096;\n" + enter + "ld" + qualifier +
         ".global.u32 %r1, [%rd1];\nadd.u32 %r1, %r1, 1;\nst" + qualifier + ".global.u32 [%rd1], %r1;\n" + leave;
}

TEST(GlobalRace, LockedUpdate) {
  std::string spin = "WAIT: atom.global.cas.b32 %r2, [%rd11], 0, 1;\nsetp.ne.u32 %p1, %r2, 0;\n@%p1 bra WAIT;\n";
  std::string leave = "membar.gl;\natom.global.exch.b32 %r3, [%rd11], 0;\n";
  expectSilent(locked(spin + "membar.gl;\n", leave), 8, 1);
  expectSilent(locked(spin, leave, ".volatile"), 8, 1); // A volatile access needs no fence to come after the lock's.
  expectSilent(
      locked("WAIT: atom.acquire.gpu.global.cas.b32 %r2, [%rd11], 0, 1;\nsetp.ne.u32 %p1, %r2, 0;\n@%p1 bra WAIT;\n",
             "st.release.gpu.global.u32 [%rd11], 0;\n"),
      8, 1);
  expectRace(locked("", ""), 4, 1, {});
  expectRace(locked("", "", ".volatile"), 4, 1, {"overwrites, unseen", "st.volatile.global.u32", "a lock around"});
  expectRace(locked(spin + "membar.gl;\n", "atom.global.exch.b32 %r3, [%rd11], 0;\n"), 4, 1, {});
}

TEST(GlobalRace, Tickets) {
  std::string body = "add.s64 %rd11, %rd1, 4096;\natom.global.add.u32 %r1, [%rd11], 1;\nmul.wide.u32 %rd6, %r1, 4;\n"
                     "add.s64 %rd6, %rd1, %rd6;\nst.global.u32 [%rd6], %r0;\n";
  expectSilent(body, 4, 64);
}

TEST(GlobalRace, AtomicsOfTheBlockDoNotReachOthers) {
  expectRace("red.relaxed.cta.global.add.u32 [%rd1], 1;\n", 4, 1, {});
  expectSilent("red.relaxed.cta.global.add.u32 [%rd1], 1;\n", 1, 64);
  expectRace("red.global.add.u32 [%rd1], 1;\nld.global.u32 %r1, [%rd1];\n", 4, 1, {});
}

/// Two launches that write different values to one element, with `between` in between on the host.
template <class Between> CUresult twoStreams(Between between, unsigned flags = 1) {
  Host host;
  CUfunction function = host.load(kernelText("cvt.u32.u64 %r1, %rd2;\nst.global.u32 [%rd1], %r1;\n"));
  EXPECT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr out = host.allocate(64), first = 1, second = 2;
  CUstream a, b;
  host.driver.streamCreate(&a, flags);
  host.driver.streamCreate(&b, flags);
  auto launch = [&](CUstream stream, CUdeviceptr &value) {
    void *pointers[] = {&out, &value};
    return host.driver.launchKernel(function, 1, 1, 1, 1, 1, 1, 0, stream, pointers, nullptr);
  };
  EXPECT_EQ(launch(a, first), CUDA_SUCCESS);
  between(host, a, b, out);
  CUresult status = launch(b, second);
  if (status != CUDA_SUCCESS)
    EXPECT_NE(host.driver.faultReport().find("another stream"), std::string::npos) << host.driver.faultReport();
  return status;
}

TEST(GlobalRace, BetweenStreams) {
  EXPECT_NE(twoStreams([](auto &...) {}), CUDA_SUCCESS);
  EXPECT_EQ(twoStreams([](Host &host, CUstream a, CUstream b, CUdeviceptr) {
              CUevent event;
              host.driver.eventCreate(&event, 0);
              host.driver.eventRecord(event, a);
              host.driver.streamWaitEvent(b, event, 0);
            }),
            CUDA_SUCCESS);
  EXPECT_EQ(twoStreams([](Host &host, CUstream a, CUstream, CUdeviceptr) { host.driver.streamSynchronize(a); }),
            CUDA_SUCCESS);
  EXPECT_NE(twoStreams([](Host &host, CUstream, CUstream b, CUdeviceptr) { host.driver.streamSynchronize(b); }),
            CUDA_SUCCESS);
}

TEST(GlobalRace, TheLegacyStreamOrdersBlockingStreams) {
  auto fill = [](Host &host, CUstream, CUstream, CUdeviceptr out) { host.driver.memsetD8Async(out, 0, 4, nullptr); };
  EXPECT_EQ(twoStreams(fill, 0), CUDA_SUCCESS);
}

TEST(GlobalRace, ACopyOnAnotherStream) {
  CUresult copied = CUDA_SUCCESS;
  twoStreams([&](Host &host, CUstream, CUstream b, CUdeviceptr out) {
    uint32_t value;
    copied = host.driver.memcpyDtoHAsync(&value, out, 4, b);
    EXPECT_NE(host.driver.faultReport().find("a copy or fill that reads 4 bytes"), std::string::npos);
  });
  EXPECT_NE(copied, CUDA_SUCCESS);
}

// The CUDA programming guide's atomicAdd of doubles: the first guess is a plain load.
TEST(GlobalRace, AGuessForAnExchange) {
  auto loop = [](const std::string &guess) {
    return "mov.u64 %rd11, %rd1;\n" + guess +
           "LOOP: add.u64 %rd12, %rd10, 1;\natom.global.cas.b64 %rd13, [%rd1], %rd10, %rd12;\nsetp.ne.u64 %p1, %rd13, "
           "%rd10;\nmov.u64 %rd10, %rd13;\n@%p1 bra LOOP;\n";
  };
  expectSilent(loop("ld.global.u64 %rd10, [%rd1];\n"), 4, 64);
  expectRace(loop("ld.global.u64 %rd10, [%rd11];\n"), 4, 64, {"ld.global.u64"});
}

} // namespace
