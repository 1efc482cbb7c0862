//===- MbarrierTest.cpp - mbarrier objects and bulk copies ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Counts, phases, transactions, and every fault they have, each under several schedules. Threads 0 to 31
// produce, the others consume, where a test has both.
//
//===----------------------------------------------------------------------===//

#include "HopperText.h"

using namespace imbrex::simulator::testing;

namespace {

const std::string kUnwaited = "asynchronous result used before its wait", kRace = "shared-memory race";
const std::string kStore = "st.global.u64 [%rd3], %rd10;\n";
/// Word %r0 of the tile at `offset` as the result.
std::string loadWord(unsigned offset) {
  return "mul.lo.u32 %r20, %r0, 4;\nmov.u32 %r21, tile;\nadd.u32 %r21, %r21, %r20;\nld.shared.u32 %r22, [%r21+" +
         std::to_string(offset) + "];\ncvt.u64.u32 %rd10, %r22;\n";
}
uint64_t inputWord(unsigned at) { return at * 3 + 1; }

/// One copy of 256 bytes that 64 threads wait for; `expected` bytes are announced.
std::string oneCopy(unsigned expected, const std::string &wait) {
  return initBarrier(0, 1) + kSync + byFirst(expectBytes(0, expected) + loadBulk(0, 0, "%rd2", 256)) + wait +
         loadWord(0) + kStore;
}

TEST(Mbarrier, CopyIsSeenAfterTheWait) { expectRight(oneCopy(256, waitBarrier(0, "0")), 64, inputWord); }

TEST(Mbarrier, CopyReadWithoutWait) {
  expectOneOf(oneCopy(256, ""), 64, {kUnwaited, "uninitialised read", kRace});
  // In the other order of the two it is told by the copy; by one thread alone there is only one order.
  expectFault(initBarrier(0, 1) + byFirst(expectBytes(0, 256) + loadBulk(0, 0, "%rd2", 256) + loadWord(0) + kStore), 64,
              kUnwaited, "missing: a wait for its mbarrier");
}

TEST(Mbarrier, OneWarpsWaitIsNotAnothers) {
  expectFault(initBarrier(0, 1) + kSync + byFirst(expectBytes(0, 256) + loadBulk(0, 0, "%rd2", 256)) +
                  "setp.lt.u32 %p1, %r0, 32;\n@%p1 bra READ;\n" + waitBarrier(0, "0") + "READ:\n" + loadWord(0) +
                  kStore,
              64, kUnwaited);
}

TEST(Mbarrier, WaitThenBarrierIsEnough) {
  expectRight(initBarrier(0, 1) + kSync +
                  byFirst(expectBytes(0, 256) + loadBulk(0, 0, "%rd2", 256) + waitBarrier(0, "0")) + kSync +
                  loadWord(0) + kStore,
              64, inputWord);
}

TEST(Mbarrier, WrongParityPassesAtOnce) {
  // Late, it waits for a phase that does not come.
  expectOneOf(oneCopy(256, waitBarrier(0, "1")), 64, {kUnwaited, "uninitialised read", "deadlock", kRace});
}

/// Triton negates the parity in its warp-specialised kernels.
TEST(Mbarrier, BitZeroOfAParityCounts) {
  expectRight(oneCopy(256, waitBarrier(0, "-2")), 64, inputWord);
  expectOneOf(oneCopy(256, waitBarrier(0, "-1")), 64, {kUnwaited, "uninitialised read", "deadlock", kRace});
  std::string notes = runHopper(oneCopy(256, waitBarrier(0, "-2")), 64, 0).notes;
  EXPECT_NE(notes.find("phase parity other than 0 and 1"), std::string::npos) << notes;
  EXPECT_EQ(runHopper(oneCopy(256, waitBarrier(0, "0")), 64, 0).notes, "");
}

TEST(Mbarrier, TooFewBytesExpected) {
  expectFault(oneCopy(128, waitBarrier(0, "0")), 64, "mbarrier transaction count", "128 bytes more than expect_tx");
}

TEST(Mbarrier, TooManyBytesExpected) {
  expectFault(oneCopy(512, waitBarrier(0, "0")), 64, "deadlock", "0 of 1 arrivals and 256 bytes to come");
}

TEST(Mbarrier, TooManyArrivalsExpected) {
  expectFault(initBarrier(0, 65) + kSync + arrive(0) + waitBarrier(0, "0") + kStore, 64, "deadlock",
              "1 of 65 arrivals");
}

TEST(Mbarrier, MoreArrivalsThanExpected) {
  expectFault(initBarrier(0, 65) + kSync + "mbarrier.arrive.shared::cta.b64 _, [bar], 2;\n" + kStore, 64,
              "mbarrier misuse", "more arrivals, 2 come");
}

TEST(Mbarrier, NotInitialised) { expectFault(arrive(0) + kStore, 64, "mbarrier misuse", "missing: mbarrier.init"); }

TEST(Mbarrier, NoOrderAfterInit) {
  // Another warp: whichever runs first, the use is not ordered.
  expectOneOf(initBarrier(0, 64) + arrive(0) + kStore, 64, {kRace, "mbarrier misuse"});
}

TEST(Mbarrier, InitialisedTwice) {
  expectFault(initBarrier(0, 1) + kSync + initBarrier(0, 1) + kStore, 64, "mbarrier misuse", "mbarrier.inval");
}

TEST(Mbarrier, InitialisedByAllLanesAlike) {
  std::string init = "setp.lt.u32 %p6, %r0, 32;\n@%p6 mbarrier.init.shared::cta.b64 [bar], ";
  Outcome outcome = runHopper(init + "64;\n" + kSync + arrive(0) + waitBarrier(0, "0") + kStore, 64, 0);
  EXPECT_EQ(outcome.report, "");
  EXPECT_NE(outcome.notes.find("initialise one mbarrier alike"), std::string::npos) << outcome.notes;
  expectFault("add.u32 %r9, %r0, 1;\n" + init + "%r9;\n", 64, "mbarrier misuse", "mbarrier.inval");
  expectFault("mbarrier.init.shared::cta.b64 [bar], 64;\n", 64, "mbarrier misuse", "mbarrier.inval");
}

TEST(Mbarrier, InvalidatedAndUsedAnew) {
  expectRight(initBarrier(0, 64) + kSync + arrive(0) + waitBarrier(0, "0") + kSync +
                  byFirst("mbarrier.inval.shared::cta.b64 [bar];\n" + initBarrier(0, 64)) + kSync + arrive(0) +
                  waitBarrier(0, "0") + "mov.u64 %rd10, 5;\n" + kStore,
              64, [](unsigned) { return 5; });
}

TEST(Mbarrier, InvalidatedWhileOthersUseIt) {
  expectOneOf(initBarrier(0, 64) + kSync + arrive(0) + waitBarrier(0, "0") +
                  byFirst("mbarrier.inval.shared::cta.b64 [bar];\n") + kStore,
              64, {kRace, "mbarrier misuse"});
}

TEST(Mbarrier, WarpsAreCountedOutByOneLane) {
  // As cuda::pipeline ends: all lanes have used the object, match.any.sync (which orders no memory) picks a lane of
  // each warp that counts the warp out, and the last of these invalidates it.
  auto countOut = [](const std::string &order) {
    return "mov.u32 %r30, tile;\n" + byFirst("st.shared.u32 [%r30], 0;\n") + initBarrier(0, 64) + kSync + arrive(0) +
           waitBarrier(0, "0") +
           "mov.u32 %r31, 9;\nmatch.any.sync.b32 %r32, %r31, 0xffffffff;\nmov.u32 %r33, %lanemask_lt;\n"
           "and.b32 %r33, %r33, %r32;\nsetp.ne.u32 %p1, %r33, 0;\n@%p1 bra END;\natom." +
           order +
           ".cta.shared.add.u32 %r34, [%r30], 1;\nsetp.ne.u32 %p2, %r34, 1;\n@%p2 bra END;\n"
           "mbarrier.inval.shared::cta.b64 [bar];\nEND:\nmov.u64 %rd10, 5;\n" +
           kStore;
  };
  expectRight(countOut("acq_rel"), 64, [](unsigned) { return 5; });
  expectFault(countOut("relaxed"), 64, kRace, "mbarrier.inval is not ordered after a use");
}

TEST(Mbarrier, ObjectIsNoData) {
  expectFault(initBarrier(0, 64) + kSync + "ld.shared.u64 %rd10, [bar];\n" + kStore, 64, "mbarrier misuse",
              "which is no data");
}

TEST(Mbarrier, NoCompleteAndStates) {
  // arrive.noComplete, arrive, and the pending count of the state; 64 threads twice.
  expectRight(initBarrier(0, 128) + kSync +
                  "mbarrier.arrive.noComplete.shared::cta.b64 %rd11, [bar], 1;\nmbarrier.arrive.shared::cta.b64 %rd12, "
                  "[bar];\n{\n.reg .pred done;\nAGAIN:\nmbarrier.try_wait.shared::cta.b64 done, [bar], %rd12;\n@!done "
                  "bra AGAIN;\nmbarrier.test_wait.shared::cta.b64 done, [bar], %rd11;\nselp.u64 %rd10, 1, 0, "
                  "done;\n}\n" +
                  kStore,
              64, [](unsigned) { return 1; });
  expectFault(initBarrier(0, 1) + kSync + byFirst("mbarrier.arrive.noComplete.shared::cta.b64 %rd11, [bar], 1;\n") +
                  kStore,
              64, "mbarrier misuse", "arrive.noComplete");
}

TEST(Mbarrier, PendingCount) {
  expectRight(initBarrier(0, 40) + kSync +
                  "mbarrier.arrive.shared::cta.b64 %rd11, [bar];\nmbarrier.pending_count.b64 %r20, %rd11;\ncvt.u64.u32 "
                  "%rd10, %r20;\n" +
                  kStore,
              32, [](unsigned thread) { return 40 - thread; });
}

TEST(Mbarrier, DroppedThreadsAreNotExpected) {
  // Warp 1 drops out in the first phase; warp 0 goes round three times.
  expectRight(initBarrier(0, 64) + kSync + "setp.ge.u32 %p1, %r0, 32;\n@%p1 bra LEAVE;\n" + arrive(0) +
                  waitBarrier(0, "0") + arrive(0) + waitBarrier(0, "1") + arrive(0) + waitBarrier(0, "0") +
                  "mov.u64 %rd10, 9;\nbra END;\nLEAVE:\nmbarrier.arrive_drop.shared::cta.b64 _, [bar];\nmov.u64 %rd10, "
                  "9;\nEND:\n" +
                  kStore,
              64, [](unsigned) { return 9; });
}

TEST(Mbarrier, OrdersTheLanesThatArriveAndWait) {
  std::string store = "mul.lo.u32 %r20, %r0, 4;\nmov.u32 %r21, tile;\nadd.u32 %r22, %r21, %r20;\nst.shared.u32 "
                      "[%r22], %r0;\n";
  std::string neighbour = "xor.b32 %r20, %r20, 4;\nadd.u32 %r22, %r21, %r20;\nld.shared.u32 %r23, "
                          "[%r22];\ncvt.u64.u32 %rd10, %r23;\n";
  expectRight(initBarrier(0, 64) + kSync + store + arrive(0) + waitBarrier(0, "0") + neighbour + kStore, 64,
              [](unsigned thread) { return thread ^ 1; });
  // Who only waits has told nobody of its store.
  expectFault(initBarrier(0, 1) + kSync + store + byFirst(arrive(0)) + waitBarrier(0, "0") + neighbour + kStore, 64,
              kRace, "bar.warp.sync");
}

/// Warp 1 does `read` with its words (%r22), and its lane 0 arrives; warp 0 waits and writes over them.
std::string handOn(const std::string &read, const std::string &join) {
  return initBarrier(0, 1) + "mul.lo.u32 %r20, %r0, 4;\nmov.u32 %r21, tile;\nadd.u32 %r22, %r21, %r20;\n" +
         "st.shared.u32 [%r22], %r0;\n" + kSync + "setp.lt.u32 %p1, %r0, 32;\n@%p1 bra TAKE;\n" + read + join +
         "setp.eq.u32 %p2, %r0, 32;\n@%p2 " + arrive(0) + "bra END;\nTAKE:\n" + waitBarrier(0, "0") +
         "st.shared.u32 [%r22+128], %r0;\nEND:\nmov.u64 %rd10, 9;\n" + kStore;
}
const std::string kJoin = "bar.warp.sync -1;\n";

TEST(Mbarrier, OneLaneArrivesForItsWarp) {
  auto nine = [](unsigned) { return 9; };
  const std::string load = "ld.shared.u32 %r23, [%r22];\n";
  expectRight(handOn(load, kJoin), 64, nine);
  expectFault(handOn(load, ""), 64, kRace);
  expectFault(handOn("st.shared.u32 [%r22], 5;\n", ""), 64, kRace);
  // No lane goes on before all have executed an ldmatrix; here each reads row `lane % 8` of the words.
  expectRight(handOn("and.b32 %r24, %r0, 7;\nmad.lo.u32 %r24, %r24, 16, %r21;\nadd.u32 %r24, %r24, 128;\n"
                     "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r23}, [%r24];\n",
                     ""),
              64, nine);
}

/// Warps 0 to 3 do `access` with their words (%r22) and `then`, and lane 0 of warp 0 arrives; warp 4 waits and writes
/// over warp 0's words. %rd20 describes a matrix of zeros.
std::string handOnByWarpgroup(const std::string &access, const std::string &then) {
  return initBarrier(0, 1) + "mul.lo.u32 %r20, %r0, 4;\nmov.u32 %r21, tile;\nadd.u32 %r22, %r21, %r20;\n" +
         "st.shared.u32 [%r22], 0;\nst.shared.u32 [%r22+1024], 0;\nfence.proxy.async.shared::cta;\n" + kSync +
         "add.u32 %r21, %r21, 1024;\nshr.u32 %r21, %r21, 4;\ncvt.u64.u32 %rd20, %r21;\nor.b64 %rd20, %rd20, "
         "0x800080000;\nsetp.ge.u32 %p1, %r0, 128;\n@%p1 bra TAKE;\n" +
         access + then + "setp.eq.u32 %p2, %r0, 0;\n@%p2 " + arrive(0) + "bra END;\nTAKE:\n" + waitBarrier(0, "0") +
         "st.shared.u32 [%r22+-512], 6;\nEND:\nmov.u64 %rd10, 9;\n" + kStore;
}

TEST(Mbarrier, OneLaneArrivesBehindAProduct) {
  // DeepGEMM releases a stage so, CUTLASS in clusters too: all lanes read, multiply, and one lane arrives.
  const std::string product =
      "{\n.reg .f32 %x<4>;\n.reg .b32 %a<4>;\nmov.b32 %a0, 0;\nmov.b32 %a1, 0;\nmov.b32 %a2, 0;\nmov.b32 %a3, 0;\n"
      "mov.f32 %x0, 0f00000000;\nmov.f32 %x1, %x0;\nmov.f32 %x2, %x0;\nmov.f32 %x3, %x0;\n"
      "wgmma.fence.sync.aligned;\nwgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%x0, %x1, %x2, %x3}, {%a0, %a1, "
      "%a2, %a3}, %rd20, 1, 1, 1, 0;\nwgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n}\n";
  const std::string load = "ld.shared.u32 %r23, [%r22];\n", store = "st.shared.u32 [%r22], 5;\n";
  auto nine = [](unsigned) { return 9; };
  expectRight(handOnByWarpgroup(load, product), 160, nine);
  expectRight(handOnByWarpgroup(store, product + kJoin), 160, nine);
  expectFault(handOnByWarpgroup(product, load), 160, kRace); // Read behind it.
  expectFault(handOnByWarpgroup(store, product), 160, kRace);
}

TEST(Mbarrier, OneLaneArrivesForItself) {
  expectRight(initBarrier(0, 1) + kSync + "setp.eq.u32 %p1, %r0, 32;\n@%p1 st.shared.u32 [tile], 4;\n@%p1 " +
                  arrive(0) + byFirst(waitBarrier(0, "0") + "ld.shared.u32 %r23, [tile];\ncvt.u64.u32 %rd10, %r23;\n") +
                  kStore,
              64, [](unsigned thread) { return thread == 0 ? 4 : 0; });
}

/// A ring of two stages of 128 bytes: thread 0 copies, warp 1 adds word `lane` of each of eight tiles.
std::string ring(const std::string &producerWait, const std::string &consumerWait, const std::string &release,
                 unsigned releases = 32) {
  return initBarrier(0, 1) + initBarrier(1, 1) + initBarrier(2, releases) + initBarrier(3, releases) +
         "mov.u32 %r30, 0;\nmov.u64 %rd10, 0;\nmov.u32 %r40, bar;\nmov.u32 %r41, tile;\n" + kSync +
         "setp.ge.u32 %p1, %r0, 32;\n@%p1 bra CONSUME;\nsetp.ne.u32 %p2, %r0, 0;\n@%p2 bra END;\nPRODUCE:\n"
         "and.b32 %r31, %r30, 1;\nshr.u32 %r32, %r30, 1;\nand.b32 %r32, %r32, 1;\nxor.b32 %r33, %r32, 1;\n"
         "mad.lo.u32 %r34, %r31, 8, %r40;\nmad.lo.u32 %r35, %r31, 128, %r41;\n" +
         producerWait +
         "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%r34], 128;\n"
         "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%r35], [%rd2], 128, [%r34];\n"
         "add.u64 %rd2, %rd2, 128;\nadd.u32 %r30, %r30, 1;\nsetp.lt.u32 %p3, %r30, 8;\n@%p3 bra PRODUCE;\nbra END;\n"
         "CONSUME:\nand.b32 %r31, %r30, 1;\nshr.u32 %r32, %r30, 1;\nand.b32 %r32, %r32, 1;\n"
         "mad.lo.u32 %r34, %r31, 8, %r40;\nmad.lo.u32 %r35, %r31, 128, %r41;\n" +
         consumerWait +
         "and.b32 %r36, %r0, 31;\nmad.lo.u32 %r35, %r36, 4, %r35;\nld.shared.u32 %r37, [%r35];\ncvt.u64.u32 %rd11, "
         "%r37;\nadd.u64 %rd10, %rd10, %rd11;\n" +
         release + "add.u32 %r30, %r30, 1;\nsetp.lt.u32 %p3, %r30, 8;\n@%p3 bra CONSUME;\nEND:\n" + kStore;
}
const std::string kWaitEmpty =
    "{\n.reg .pred q;\nW:\nmbarrier.try_wait.parity.shared::cta.b64 q, [%r34+16], %r33;\n@!q bra W;\n}\n";
const std::string kWaitFull =
    "{\n.reg .pred q;\nW:\nmbarrier.try_wait.parity.shared::cta.b64 q, [%r34], %r32;\n@!q bra W;\n}\n";
const std::string kRelease = "mbarrier.arrive.shared::cta.b64 _, [%r34+16];\n";

TEST(Mbarrier, Ring) {
  expectRight(ring(kWaitEmpty, kWaitFull, kRelease), 64, [](unsigned thread) {
    uint64_t sum = 0;
    for (unsigned tile = 0; tile < 8 && thread >= 32; ++tile)
      sum += inputWord(tile * 32 + thread - 32);
    return sum;
  });
}

TEST(Mbarrier, RingReleasedByOneLane) {
  const std::string byOne = "setp.eq.u32 %p4, %r36, 0;\n@%p4 " + kRelease;
  expectRight(ring(kWaitEmpty, kWaitFull, kJoin + byOne + "mov.u64 %rd10, 3;\n", 1), 64,
              [](unsigned thread) { return thread < 32 ? 0 : 3; });
  expectFault(ring(kWaitEmpty, kWaitFull, byOne, 1), 64, kRace); // Copies may overtake the other lanes' reads.
}

TEST(Mbarrier, RingWithoutEmptyWait) {
  expectOneOf(ring("", kWaitFull, kRelease), 64, {kRace, kUnwaited, "mbarrier waiter overtaken"});
}

TEST(Mbarrier, RingWithoutFullWait) {
  expectOneOf(ring(kWaitEmpty, "", kRelease), 64, {kUnwaited, "uninitialised read", kRace});
}

TEST(Mbarrier, ReleasedBeforeTheRead) {
  // The arrival comes before the load: the next copy could overtake it.
  expectOneOf(ring(kWaitEmpty, kWaitFull + kRelease, ""), 64, {kRace, kUnwaited, "mbarrier waiter overtaken"});
}

TEST(Mbarrier, WaiterOvertakenByTwoPhases) {
  // Warp 1 waits for each phase, but nothing that it does lets the next one complete.
  unsigned told = 0;
  for (unsigned seed = 0; seed < 24; ++seed) {
    std::string report =
        runHopper(initBarrier(0, 1) + kSync + "setp.ge.u32 %p1, %r0, 32;\n@%p1 bra WAITER;\n" +
                      byFirst(arrive(0) +
                              "nanosleep.u32 10;\nmov.u32 %r50, 0;\nSPIN:\nadd.u32 %r50, %r50, 1;\nsetp.lt.u32 "
                              "%p3, %r50, 600;\n@%p3 bra SPIN;\n" +
                              arrive(0)) +
                      "bra END;\nWAITER:\n" + waitBarrier(0, "0") + "END:\n" + kStore,
                  64, seed)
            .report;
    EXPECT_NE(report, "") << seed;
    told += report.find("mbarrier waiter overtaken") != report.npos;
  }
  EXPECT_GT(told, 0u);
}

TEST(Mbarrier, OrdinaryCopiesArrive) {
  // cp.async of every thread, tracked by an mbarrier; then another warp's words are read.
  std::string copy = "mul.lo.u32 %r20, %r0, 4;\nmov.u32 %r21, tile;\nadd.u32 %r21, %r21, %r20;\ncvt.u64.u32 %rd11, "
                     "%r20;\nadd.u64 %rd11, %rd2, %rd11;\ncp.async.ca.shared.global [%r21], [%rd11], 4;\n";
  std::string other = "xor.b32 %r20, %r20, 128;\nmov.u32 %r21, tile;\nadd.u32 %r21, %r21, %r20;\nld.shared.u32 %r22, "
                      "[%r21];\ncvt.u64.u32 %rd10, %r22;\n";
  std::string tracked = "cp.async.mbarrier.arrive.noinc.shared::cta.b64 [bar];\n";
  expectRight(initBarrier(0, 64) + kSync + copy + tracked + waitBarrier(0, "0") + other + kStore, 64,
              [](unsigned thread) { return inputWord(thread ^ 32); });
  expectRight(initBarrier(0, 64) + kSync + copy + "cp.async.mbarrier.arrive.shared::cta.b64 [bar];\n" + arrive(0) +
                  waitBarrier(0, "0") + other + kStore,
              64, [](unsigned thread) { return inputWord(thread ^ 32); });
  expectOneOf(initBarrier(0, 64) + kSync + copy + tracked + other + kStore, 64,
              {kUnwaited, kRace, "uninitialised read"});
}

TEST(Mbarrier, CopiesComeAfterTheirWarpsWaits) {
  // A ring of one stage that warp 0 fills by cp.async: warp 1 lets the next phase begin after warp 0 has waited.
  std::string body = initBarrier(0, 32) + initBarrier(1, 32) +
                     "mov.u32 %r30, 0;\nmov.u32 %r31, 1;\nmov.u32 %r32, 0;\nand.b32 %r20, %r0, 31;\n"
                     "mul.lo.u32 %r20, %r20, 4;\nmov.u32 %r21, tile;\nadd.u32 %r21, %r21, %r20;\ncvt.u64.u32 %rd11, "
                     "%r20;\nadd.u64 %rd11, %rd2, %rd11;\n" +
                     kSync + "setp.ge.u32 %p1, %r0, 32;\n@%p1 bra CONSUME;\nPRODUCE:\n" + waitBarrier(1, "%r31") +
                     "cp.async.ca.shared.global [%r21], [%rd11], 4;\n"
                     "cp.async.mbarrier.arrive.noinc.shared::cta.b64 [bar];\n"
                     "xor.b32 %r31, %r31, 1;\nadd.u32 %r30, %r30, 1;\nsetp.lt.u32 %p3, %r30, 6;\n@%p3 bra "
                     "PRODUCE;\nbra END;\nCONSUME:\n" +
                     waitBarrier(0, "%r32") +
                     "ld.shared.u32 %r22, [%r21];\ncvt.u64.u32 %rd12, %r22;\nadd.u64 %rd10, "
                     "%rd10, %rd12;\n" +
                     arrive(1) +
                     "xor.b32 %r32, %r32, 1;\nadd.u32 %r30, %r30, 1;\nsetp.lt.u32 %p3, %r30, 6;\n@%p3 bra "
                     "CONSUME;\nEND:\n" +
                     kStore;
  expectRight(body, 64, [](unsigned thread) { return thread < 32 ? 0 : 6 * inputWord(thread - 32); });
}

/// Each thread writes its word, then thread 0 stores 256 bytes to `out`.
std::string bulkStore(const std::string &fence, const std::string &sync, const std::string &after) {
  return "mul.lo.u32 %r20, %r0, 4;\nmov.u32 %r21, tile;\nadd.u32 %r21, %r21, %r20;\nst.shared.u32 [%r21], %r0;\n" +
         fence + sync +
         byFirst("cp.async.bulk.global.shared::cta.bulk_group [%rd1], [tile], 256;\ncp.async.bulk.commit_group;\n" +
                 after);
}
const std::string kFence = "fence.proxy.async.shared::cta;\n", kWaitRead = "cp.async.bulk.wait_group.read 0;\n";

TEST(BulkCopy, Store) {
  expectRight(bulkStore(kFence, kSync, kWaitRead), 64, [](unsigned thread) -> uint64_t {
    return thread < 32 ? 2 * thread | uint64_t(2 * thread + 1) << 32 : 0;
  });
}

TEST(BulkCopy, FenceByTheIssuerIsEnough) {
  expectRight(bulkStore("", kSync + kFence, kWaitRead), 64, [](unsigned thread) -> uint64_t {
    return thread < 32 ? 2 * thread | uint64_t(2 * thread + 1) << 32 : 0;
  });
}

TEST(BulkCopy, MissingProxyFence) {
  expectFault(bulkStore("", kSync, kWaitRead), 64, "missing proxy fence", "missing: fence.proxy.async");
}

TEST(BulkCopy, MissingBarrier) {
  expectOneOf(bulkStore(kFence, "", kWaitRead), 64,
              {kRace, "uninitialised read", "overwritten while an asynchronous operation reads it"});
}

TEST(BulkCopy, SourceOverwrittenInFlight) {
  expectFault(bulkStore(kFence, kSync, "st.shared.u32 [tile+4], 7;\n" + kWaitRead), 64,
              "overwritten while an asynchronous operation reads it", "cp.async.bulk.wait_group.read");
  expectRight(
      bulkStore(kFence, kSync, kWaitRead + "st.shared.u32 [tile+4], 7;\n"), 64,
      [](unsigned thread) -> uint64_t { return thread < 32 ? 2 * thread | uint64_t(2 * thread + 1) << 32 : 0; });
}

TEST(BulkCopy, EndsInFlight) { expectFault(bulkStore(kFence, kSync, ""), 64, "block ended too early", "in flight"); }

TEST(BulkCopy, Reduction) {
  // out starts at zero; thread 0 adds the tile twice.
  expectRight(
      "mul.lo.u32 %r20, %r0, 4;\nmov.u32 %r21, tile;\nadd.u32 %r21, %r21, %r20;\nst.shared.u32 [%r21], %r0;\n" +
          kFence + kSync +
          byFirst("cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%rd1], [tile], "
                  "256;\ncp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%rd1], [tile], "
                  "256;\ncp.async.bulk.commit_group;\ncp.async.bulk.wait_group 0;\n"),
      64, [](unsigned thread) -> uint64_t { return thread < 32 ? 4 * thread | uint64_t(4 * thread + 2) << 32 : 0; });
}

TEST(Atomic, VectorAdd) {
  // 64 threads add to four floats, and take what was there in one of them apart.
  expectRight("mov.f32 %f1, 0f3F800000;\nmov.f32 %f2, 0f40000000;\natom.global.add.v2.f32 {%f3, %f4}, [%rd1], {%f1, "
              "%f2};\nbar.sync 0;\nsetp.ne.u32 %p1, %r0, 0;\n@%p1 bra END;\nmov.u64 %rd10, 0;\natom.global.add.v2.f32 "
              "{%f3, %f4}, [%rd1], {%f1, %f2};\nadd.f32 %f3, %f3, %f4;\ncvt.rzi.u64.f32 %rd10, %f3;\n"
              "st.global.u64 [%rd1], %rd10;\nEND:\n",
              64, [](unsigned thread) -> uint64_t { return thread == 0 ? 64 + 128 : 0; });
}

TEST(Atomic, VectorMinimumAndMaximum) {
  // Memory is 0: {2, 1 | -1, 3} leaves {2, 1 | 0, 3}, then {1, 5 | -4, 4} leaves {1, 1 | -4, 3}; halves from the low
  // one.
  expectRight("mov.b32 %r1, 0x3C004000;\nmov.b32 %r2, 0x4200BC00;\nred.global.max.noftz.v2.f16x2 [%rd1], {%r1, %r2};\n"
              "mov.b32 %r1, 0x45003C00;\nmov.b32 %r2, 0x4400C400;\natom.global.min.noftz.v2.f16x2 {%r3, %r4}, [%rd1], "
              "{%r1, %r2};\n",
              1, [](unsigned) { return 0x4200C4003C003C00; });
  // The same of bf16: 1 is 3F80, 2 4000, 3 4040.
  expectRight("mov.b16 %h1, 0x3F80;\nmov.b16 %h2, 0xBF80;\nmov.b16 %h3, 0x4000;\nmov.b16 %h4, 0x4040;\n"
              "red.gpu.global.max.noftz.v4.bf16 [%rd1], {%h1, %h2, %h3, %h4};\n",
              1, [](unsigned) { return 0x4040400000003F80; });
  expectRight("mov.b16 %h1, 0x3C00;\nmov.b16 %h2, 0x4000;\nsetp.ne.u32 %p1, %r0, 0;\n@%p1 bra END;\n"
              "red.global.add.noftz.v8.f16 [%rd1], {%h1, %h2, %h1, %h2, %h2, %h2, %h2, %h1};\n"
              "red.global.add.noftz.v8.f16 [%rd1], {%h1, %h1, %h1, %h1, %h2, %h2, %h2, %h2};\nEND:\n",
              2, [](unsigned thread) { return thread == 0 ? 0x4200400042004000 : 0x4200440044004400; });
}

TEST(BulkCopy, SizeAndAlignment) {
  std::string begin = initBarrier(0, 1) + kSync;
  expectFault(begin + byFirst(expectBytes(0, 24) + loadBulk(0, 0, "%rd2", 24)) + kStore, 32, "misaligned access",
              "multiples of 16");
  expectFault(begin + byFirst(expectBytes(0, 32) + loadBulk(0, 0, "%rd2+8", 32)) + kStore, 32, "misaligned access");
  expectFault(begin + byFirst(expectBytes(0, 32) + loadBulk(0, 8, "%rd2", 32)) + kStore, 32, "misaligned access");
  expectFault(begin + byFirst(expectBytes(0, 32) + loadBulk(0, 0, "%rd2+16384", 32)) + kStore, 32, "out of bounds");
}

} // namespace
