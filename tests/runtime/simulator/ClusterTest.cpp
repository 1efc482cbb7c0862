//===- ClusterTest.cpp - Blocks that run together -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Clusters: ranks, each other's shared memory, remote arrivals, multicast, st.async and red.async; cooperative
// launches; launch attributes.
//
//===----------------------------------------------------------------------===//

#include "HopperText.h"

using namespace imbrex::simulator::testing;

namespace {

const std::string kClusterSync = "barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;\n";

/// Blocks of 64 threads; %rd3 points at this thread's 8 bytes of the whole grid's result.
std::string gridBody(const std::string &body) {
  return "mov.u32 %r1, %ctaid.x;\nmad.lo.u32 %r2, %r1, 64, %r0;\nmul.wide.u32 %rd5, %r2, 8;\nadd.s64 %rd3, %rd1, "
         "%rd5;\nmov.u32 %r3, %cluster_ctarank;\nmov.u32 %r4, %cluster_nctarank;\n" +
         body;
}

Outcome runCluster(const std::string &body, unsigned blocks, unsigned cluster, unsigned seed,
                   bool cooperative = false) {
  imbrex::simulator::SimulatorOptions options;
  options.schedulingSeed = seed;
  options.maxWarpInstructions = 4000000;
  Host host(options, "h100");
  CUfunction function = host.load(kernelText(gridBody("mov.u64 %rd10, 0;\n" + body), kHopperShared, "sm_90a"));
  if (!function)
    return {{}, "load: " + host.log};
  std::vector<uint32_t> input(4096);
  for (unsigned i = 0; i < input.size(); ++i)
    input[i] = i * 3 + 1;
  CUdeviceptr in = host.upload(input), out = host.allocate(blocks * 512);
  host.driver.memsetD8Async(out, 0, blocks * 512, nullptr);
  host.launchEx(function, blocks, 64, cluster, cooperative, out, in);
  return {host.status == CUDA_SUCCESS ? host.download<uint64_t>(out, blocks * 64) : std::vector<uint64_t>(),
          host.report};
}

template <class Check> void expectCluster(const std::string &body, unsigned blocks, unsigned cluster, Check check) {
  for (unsigned seed : {0u, 1u, 7u}) {
    Outcome outcome = runCluster(body, blocks, cluster, seed);
    ASSERT_EQ(outcome.report, "");
    for (unsigned i = 0; i < blocks * 64; ++i)
      ASSERT_EQ(outcome.out[i], check(i / 64, i % 64)) << "block " << i / 64 << " thread " << i % 64;
  }
}

void expectClusterFault(const std::string &body, unsigned blocks, unsigned cluster, const std::string &name) {
  for (unsigned seed : {0u, 1u, 7u}) {
    std::string report = runCluster(body, blocks, cluster, seed).report;
    EXPECT_NE(report.find("simulated device: " + name), std::string::npos) << report;
  }
}

const std::string kResult = "st.global.u64 [%rd3], %rd10;\n";

TEST(Cluster, SpecialRegisters) {
  expectCluster("mov.u32 %r5, %clusterid.x;\nmov.u32 %r6, %nclusterid.x;\nmov.u32 %r7, %cluster_ctaid.x;\nmov.u32 %r8, "
                "%cluster_nctaid.x;\nmad.lo.u32 %r5, %r5, 10, %r6;\nmad.lo.u32 %r5, %r5, 10, %r7;\nmad.lo.u32 %r5, "
                "%r5, 10, %r8;\nmad.lo.u32 %r5, %r5, 10, %r3;\nmad.lo.u32 %r5, %r5, 10, %r4;\ncvt.u64.u32 %rd10, "
                "%r5;\n" +
                    kResult,
                6, 2, [](unsigned block, unsigned) {
                  return (((block / 2 * 10 + 3) * 10 + block % 2) * 10 + 2) * 100 + block % 2 * 10 + 2;
                });
}

/// Each thread stores 100 * block + thread, and reads the other block's word 63 - thread.
std::string exchange(const std::string &before, const std::string &after, const std::string &read) {
  return "mul.lo.u32 %r10, %r0, 4;\nmov.u32 %r11, tile;\nadd.u32 %r12, %r11, %r10;\nmad.lo.u32 %r13, %r1, 100, "
         "%r0;\nst.shared.u32 [%r12], %r13;\n" +
         before + "xor.b32 %r14, %r3, 1;\nsub.u32 %r15, 252, %r10;\nadd.u32 %r15, %r11, %r15;\n" + read +
         "cvt.u64.u32 %rd10, %r17;\n" + kResult + after;
}
const std::string kReadMapped = "mapa.shared::cluster.u32 %r16, %r15, %r14;\nld.shared::cluster.u32 %r17, [%r16];\n";
const std::string kReadGeneric = "cvt.u64.u32 %rd11, %r15;\ncvta.shared.u64 %rd11, %rd11;\nmapa.u64 %rd12, %rd11, "
                                 "%r14;\nld.u32 %r17, [%rd12];\n";
uint64_t exchanged(unsigned block, unsigned thread) { return (block ^ 1) * 100 + 63 - thread; }

TEST(Cluster, ReadsTheOtherBlock) {
  expectCluster(exchange(kClusterSync, kClusterSync, kReadMapped), 4, 2, exchanged);
  expectCluster(exchange(kClusterSync, kClusterSync, kReadGeneric), 4, 2, exchanged);
}

TEST(Cluster, NoBarrierBeforeTheRead) {
  for (unsigned seed : {0u, 1u, 7u}) {
    std::string report = runCluster(exchange("", kClusterSync, kReadMapped), 4, 2, seed).report;
    EXPECT_TRUE(report.find("shared-memory race") != report.npos || report.find("uninitialised read") != report.npos)
        << report;
  }
}

TEST(Cluster, BlockEndsWhileItIsRead) {
  expectClusterFault(exchange(kClusterSync, "", kReadMapped), 4, 2, "block ended too early");
}

TEST(Cluster, RelaxedArrivalOrdersNothing) {
  expectClusterFault(
      exchange("barrier.cluster.arrive.relaxed.aligned;\nbarrier.cluster.wait.aligned;\n", kClusterSync, kReadMapped),
      4, 2, "shared-memory race");
}

TEST(Cluster, FencedInitAndRelaxedArrival) {
  // The ISA's example of fence.mbarrier_init: the init alone is handed on. Then each block arrives at the other's.
  std::string relaxed = "barrier.cluster.arrive.relaxed.aligned;\nbarrier.cluster.wait.aligned;\n";
  std::string fence = "fence.mbarrier_init.release.cluster;\n";
  std::string use = "xor.b32 %r14, %r3, 1;\nmov.u32 %r12, bar;\nmapa.shared::cluster.u32 %r12, %r12, %r14;\n"
                    "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r12];\n" +
                    waitBarrier(0, "0") + "mov.u64 %rd10, 7;\n" + kResult + kClusterSync;
  expectCluster(initBarrier(0, 64) + fence + relaxed + use, 4, 2, [](unsigned, unsigned) { return 7; });
  expectClusterFault(initBarrier(0, 64) + relaxed + use, 4, 2, "shared-memory race");
  expectClusterFault(fence + initBarrier(0, 64) + relaxed + use, 4, 2, "shared-memory race");
  // A fence of threads that initialised nothing.
  expectClusterFault(initBarrier(0, 64) + "setp.ne.u32 %p6, %r0, 0;\n@%p6 " + fence + relaxed + use, 4, 2,
                     "shared-memory race");
  // Data are not handed on with it.
  expectClusterFault(exchange(initBarrier(0, 64) + fence + relaxed, kClusterSync, kReadMapped), 4, 2,
                     "shared-memory race");
}

TEST(Cluster, RankOutside) {
  expectClusterFault("mov.u32 %r11, tile;\nmapa.shared::cluster.u32 %r16, %r11, 2;\n", 4, 2, "out of bounds");
}

TEST(Cluster, WaitWithoutArrive) {
  expectClusterFault("barrier.cluster.wait.aligned;\n", 2, 2, "divergent barrier");
  expectClusterFault("barrier.cluster.arrive.aligned;\nbarrier.cluster.arrive.aligned;\n", 2, 2, "divergent barrier");
}

TEST(Cluster, RemoteAtomics) {
  // All 128 threads count in block 0's word.
  expectCluster("setp.eq.u32 %p1, %r0, 0;\nmov.u32 %r11, tile;\n@%p1 st.shared.u32 [%r11], 0;\n" + kClusterSync +
                    "mapa.shared::cluster.u32 %r12, %r11, 0;\natom.shared::cluster.add.u32 %r13, [%r12], 1;\n" +
                    kClusterSync + "ld.shared::cluster.u32 %r14, [%r12];\ncvt.u64.u32 %rd10, %r14;\n" + kResult +
                    kClusterSync,
                2, 2, [](unsigned, unsigned) { return 128; });
}

TEST(Cluster, WhoWaitsForRemoteAtomicsSetsBack) {
  std::string count = "setp.eq.u32 %p1, %r0, 0;\nsetp.eq.u32 %p2, %r0, 32;\nmov.u32 %r11, tile;\n@%p1 st.shared.u32 "
                      "[%r11], 0;\n" +
                      kClusterSync +
                      "mapa.shared::cluster.u32 %r12, %r11, 0;\nred.shared::cluster.add.u32 [%r12], 1;\n"
                      "setp.eq.and.u32 %p1, %r3, 0, %p1;\nsetp.eq.and.u32 %p2, %r3, 0, %p2;\n@!%p1 bra JOIN;\n"
                      "WAIT: ld.volatile.shared.u32 %r13, [%r11];\nsetp.ne.u32 %p3, %r13, 128;\n@%p3 bra WAIT;\nJOIN:\n";
  expectCluster(count + "@%p1 st.shared.u32 [%r11], 0;\n" + kResult + kClusterSync, 4, 2,
                [](unsigned, unsigned) { return 0; });
  expectClusterFault(count + "@%p2 st.shared.u32 [%r11], 0;\n" + kResult + kClusterSync, 4, 2, "shared-memory race");
}

TEST(Cluster, MulticastAndStoreAsync) {
  std::string remote = "xor.b32 %r14, %r3, 1;\nmov.u32 %r11, tile;\nadd.u32 %r11, %r11, 1024;\nmov.u32 %r12, "
                       "bar;\nadd.u32 %r12, %r12, 8;\nmapa.shared::cluster.u32 %r11, %r11, %r14;\n"
                       "mapa.shared::cluster.u32 %r12, %r12, %r14;\nadd.u32 %r13, %r3, 1000;\n"
                       "st.async.shared::cluster.mbarrier::complete_tx::bytes.u32 [%r11], %r13, [%r12];\n"
                       "setp.ne.u32 %p2, %r3, 0;\n@%p2 bra SKIP;\nmov.u16 %h1, 3;\n"
                       "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [tile], "
                       "[%rd2], 256, [bar], %h1;\n";
  std::string begin = initBarrier(0, 1) + initBarrier(1, 1) + byFirst(expectBytes(0, 256) + expectBytes(1, 4)) +
                      "fence.mbarrier_init.release.cluster;\n" + kClusterSync + byFirst(remote);
  std::string end = "mul.lo.u32 %r10, %r0, 4;\nmov.u32 %r11, tile;\nadd.u32 %r10, %r11, %r10;\nld.shared.u32 %r20, "
                    "[%r10];\nld.shared.u32 %r21, [%r11+1024];\nadd.u32 %r20, %r20, %r21;\ncvt.u64.u32 %rd10, "
                    "%r20;\n" +
                    kResult;
  expectCluster(begin + waitBarrier(0, "0") + waitBarrier(1, "0") + end + kClusterSync, 4, 2,
                [](unsigned block, unsigned thread) { return thread * 3 + 1 + 1000 + (block + 1) % 2; });
  for (unsigned seed : {0u, 1u, 7u}) {
    std::string report = runCluster(begin + waitBarrier(0, "0") + end + kClusterSync, 4, 2, seed).report;
    EXPECT_TRUE(report.find("asynchronous result used before its wait") != report.npos ||
                report.find("uninitialised read") != report.npos)
        << report;
  }
}

/// All 128 threads add 1 to block 0's word, which `first` has made ready; block 0 then reads it behind `wait`.
std::string reduceAsync(const std::string &first, const std::string &between, const std::string &wait) {
  return initBarrier(0, 1) + byFirst(first + expectBytes(0, 512)) + "fence.mbarrier_init.release.cluster;\n" +
         kClusterSync +
         "mov.u32 %r11, tile;\nmov.u32 %r12, bar;\nmapa.shared::cluster.u32 %r13, %r11, 0;\nmapa.shared::cluster.u32 "
         "%r14, %r12, 0;\nmov.u32 %r15, 1;\nred.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes."
         "add.u32 [%r13], %r15, [%r14];\nsetp.ne.u32 %p3, %r3, 0;\n@%p3 bra END;\n" +
         between + wait + "ld.shared.u32 %r16, [tile];\ncvt.u64.u32 %rd10, %r16;\nEND:\n" + kResult + kClusterSync;
}

TEST(Cluster, ReduceAsync) {
  // No proxy fence between the store and the reductions: they are of the generic proxy.
  expectCluster(reduceAsync("st.shared.u32 [tile], 5;\n", "", waitBarrier(0, "0")), 4, 2,
                [](unsigned block, unsigned) { return block % 2 == 0 ? 5 + 128 : 0; });
  // Atomic operations may meet them.
  expectCluster(reduceAsync("st.shared.u32 [tile], 5;\n", "atom.shared.add.u32 %r17, [tile], 1000;\nbar.sync 0;\n",
                            waitBarrier(0, "0")),
                4, 2, [](unsigned block, unsigned) { return block % 2 == 0 ? 5 + 128 + 64 * 1000 : 0; });
  expectClusterFault(reduceAsync("st.shared.u32 [tile], 5;\n", "", ""), 4, 2,
                     "asynchronous result used before its wait");
  expectClusterFault(reduceAsync("", "", waitBarrier(0, "0")), 4, 2, "uninitialised read");
}

TEST(Cluster, ReduceAsyncOperations) {
  for (auto [operation, result] :
       {std::pair("min.s32", ~6u), {"max.u32", ~6u}, {"xor.b32", 5u ^ ~6u}, {"inc.u32", 6u}, {"dec.u32", 4u}}) {
    std::string body = initBarrier(0, 1) + byFirst("st.shared.u32 [tile], 5;\n" + expectBytes(0, 4)) +
                       byFirst("mov.u32 %r11, tile;\nmov.u32 %r12, bar;\nmov.u32 %r15, -7;\nred.async.relaxed.cluster"
                               ".shared::cluster.mbarrier::complete_tx::bytes." +
                               std::string(operation) + " [%r11], %r15, [%r12];\n") +
                       kClusterSync + waitBarrier(0, "0") + "ld.shared.u32 %r16, [tile];\ncvt.u64.u32 %rd10, %r16;\n" +
                       kResult;
    expectCluster(body, 2, 1, [&](unsigned, unsigned) { return result; });
  }
  for (const char *operation : {"add.f32", "min.u64", "add.b32", "inc.s32"}) {
    Outcome outcome = runCluster("red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes." +
                                     std::string(operation) + " [%rd1], %rd3, [%rd1];\n",
                                 2, 2, 0);
    EXPECT_NE(outcome.report.find("red.async has no such operation"), std::string::npos) << outcome.report;
  }
}

TEST(Cluster, RemoteArrival) {
  // Block 1 tells block 0, by an arrival at its mbarrier, that its words are there.
  std::string body = initBarrier(0, 64) + kClusterSync +
                     "mul.lo.u32 %r10, %r0, 4;\nmov.u32 %r11, tile;\nadd.u32 %r12, %r11, %r10;\nmov.u64 %rd10, 0;\n"
                     "setp.eq.u32 %p1, %r3, 0;\n@%p1 bra WAIT;\nst.shared.u32 [%r12], %r0;\nmov.u32 %r13, bar;\n"
                     "mapa.shared::cluster.u32 %r13, %r13, 0;\n"
                     "mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r13];\nbra END;\nWAIT:\n" +
                     waitBarrier(0, "0") +
                     "sub.u32 %r10, 252, %r10;\nadd.u32 %r12, %r11, %r10;\nmapa.shared::cluster.u32 %r12, %r12, "
                     "1;\nld.shared::cluster.u32 %r14, [%r12];\ncvt.u64.u32 %rd10, %r14;\nEND:\n" +
                     kResult;
  expectCluster(body + kClusterSync, 2, 2,
                [](unsigned block, unsigned thread) { return block == 0 ? 63 - thread : 0; });
}

TEST(Cluster, BlockToBlockCopy) {
  // Each block sends 256 bytes to its neighbour.
  std::string send = "xor.b32 %r14, %r3, 1;\nmov.u32 %r11, tile;\nadd.u32 %r15, %r11, 1024;\nmov.u32 %r19, "
                     "bar;\nmapa.shared::cluster.u32 %r15, %r15, %r14;\nmapa.shared::cluster.u32 %r18, %r19, %r14;\n"
                     "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [%r15], [%r11], 256, "
                     "[%r18];\n";
  std::string body = initBarrier(0, 1) + byFirst(expectBytes(0, 256)) +
                     "mul.lo.u32 %r10, %r0, 4;\nmov.u32 %r11, tile;\nadd.u32 %r12, %r11, %r10;\nmad.lo.u32 %r13, %r1, "
                     "100, %r0;\nst.shared.u32 [%r12], %r13;\nfence.proxy.async;\n" +
                     kClusterSync + byFirst(send) + waitBarrier(0, "0") +
                     "ld.shared.u32 %r16, [%r12+1024];\ncvt.u64.u32 %rd10, %r16;\n" + kResult + kClusterSync;
  expectCluster(body, 4, 2, [](unsigned block, unsigned thread) { return (block ^ 1) * 100 + thread; });
}

TEST(Cluster, LaunchesThatDoNotFit) {
  EXPECT_NE(runCluster(kResult, 3, 2, 0).report.find("no multiple of the cluster's 2"), std::string::npos);
  EXPECT_NE(runCluster(kResult, 32, 16, 0).report.find("too large"), std::string::npos);
  Host host({}, "h100");
  std::string text = kernelText(gridBody("cvt.u64.u32 %rd10, %r4;\n" + kResult), kHopperShared, "sm_90a");
  text.replace(text.find("\n{\n"), 1, "\n.explicitcluster\n.reqnctapercluster 4, 1, 1\n");
  CUfunction function = host.load(text);
  ASSERT_NE(function, nullptr) << host.log;
  CUdeviceptr out = host.allocate(8 * 512);
  EXPECT_EQ(host.launch(function, 8, 64, 0, out, out), CUDA_SUCCESS) << host.report;
  EXPECT_EQ(host.download<uint64_t>(out, 1)[0], 4u);
  EXPECT_NE(host.launchEx(function, 8, 64, 2, false, out, out), CUDA_SUCCESS);
}

TEST(Cooperative, BlocksWaitForLaterBlocks) {
  // Block b waits until all have counted: only possible if they run together.
  std::string body = "{\n.reg .pred p;\nsetp.ne.u32 p, %r0, 0;\n@p bra JOIN;\natom.global.add.u64 %rd11, [%rd2], "
                     "1;\nSPIN:\nld.volatile.global.u64 %rd12, [%rd2];\nsetp.lt.u64 p, %rd12, 8;\n@p bra "
                     "SPIN;\nJOIN:\n}\nbar.sync 0;\nmov.u64 %rd10, 1;\n" +
                     kResult;
  imbrex::simulator::SimulatorOptions options;
  options.maxWarpInstructions = 8000000;
  for (bool cooperative : {true, false}) {
    Host host(options, "h100");
    CUfunction function = host.load(kernelText(gridBody("mov.u64 %rd10, 0;\n" + body), kHopperShared, "sm_90a"));
    ASSERT_NE(function, nullptr) << host.log;
    CUdeviceptr counter = host.allocate(8), out = host.allocate(8 * 512);
    host.driver.memsetD8Async(counter, 0, 8, nullptr);
    CUresult status = host.launchEx(function, 8, 64, 1, cooperative, out, counter);
    EXPECT_EQ(status == CUDA_SUCCESS, cooperative) << host.report;
  }
}

/// Two words behind the address in %envreg1 and %envreg2, the second zero, new for each launch; none in another launch.
TEST(Cooperative, TheGridHasAWorkspace) {
  std::string body =
      "mov.u32 %r20, %envreg1;\nmov.u32 %r21, %envreg2;\nmov.b64 %rd11, {%r21, %r20};\nmov.u64 %rd10, 1;\n"
      "setp.eq.u64 %p1, %rd11, 0;\n@%p1 bra DONE;\nbar.sync 0;\natom.global.add.u32 %r22, [%rd11+4], 1;\n"
      "mov.u64 %rd10, 0;\nsetp.lt.u32 %p2, %r22, 512;\n@%p2 mov.u64 %rd10, 2;\nDONE:\n" +
      kResult;
  for (bool cooperative : {true, false, true}) {
    Host host({}, "h100");
    CUfunction function = host.load(kernelText(gridBody(body), kHopperShared, "sm_90a"));
    ASSERT_NE(function, nullptr) << host.log;
    CUdeviceptr out = host.allocate(8 * 512);
    for (int launch = 0; launch < 2; ++launch) {
      ASSERT_EQ(host.launchEx(function, 8, 64, 1, cooperative, out, out), CUDA_SUCCESS) << host.report;
      EXPECT_EQ(host.download<uint64_t>(out, 512), std::vector<uint64_t>(512, cooperative ? 2 : 1));
    }
  }
}

} // namespace
