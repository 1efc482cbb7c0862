//===- HopperText.h - PTX of sm_90a in a test -------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pieces of PTX that tests of mbarriers, bulk copies and wgmma share, and a runner that wants the same
// outcome under several schedules.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RUNTIME_SIMULATOR_HOPPERTEXT_H
#define IMBREX_TESTS_RUNTIME_SIMULATOR_HOPPERTEXT_H

#include "SimulatorTest.h"

namespace imbrex::simulator::testing {

/// 4 KiB of data and four mbarriers.
inline const std::string kHopperShared = ".shared .align 1024 .b8 tile[4096];\n.shared .align 8 .b64 bar[4];\n";

/// Thread 0 initialises mbarrier `number`.
inline std::string initBarrier(unsigned number, unsigned count) {
  return "setp.eq.u32 %p7, %r0, 0;\n@%p7 mbarrier.init.shared::cta.b64 [bar+" + std::to_string(8 * number) + "], " +
         std::to_string(count) + ";\n";
}
/// Spins until the phase with that parity (a register or a number) is over.
inline std::string waitBarrier(unsigned number, const std::string &parity) {
  return "{\n.reg .pred done;\nAGAIN:\nmbarrier.try_wait.parity.shared::cta.b64 done, [bar+" +
         std::to_string(8 * number) + "], " + parity + ";\n@!done bra AGAIN;\n}\n";
}
inline std::string arrive(unsigned number) {
  return "mbarrier.arrive.shared::cta.b64 _, [bar+" + std::to_string(8 * number) + "];\n";
}
inline std::string expectBytes(unsigned number, unsigned bytes) {
  return "mbarrier.arrive.expect_tx.shared::cta.b64 _, [bar+" + std::to_string(8 * number) + "], " +
         std::to_string(bytes) + ";\n";
}
/// Bytes [from, from + bytes) of `in` to tile + to.
inline std::string loadBulk(unsigned number, unsigned to, const std::string &from, unsigned bytes) {
  return "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [tile+" + std::to_string(to) + "], [" +
         from + "], " + std::to_string(bytes) + ", [bar+" + std::to_string(8 * number) + "];\n";
}
/// `text` by thread 0 alone.
inline std::string byFirst(const std::string &text) {
  return "{\n.reg .pred other;\nsetp.ne.u32 other, %r0, 0;\n@other bra SKIP;\n" + text + "SKIP:\n}\n";
}
inline const std::string kSync = "bar.sync 0;\n";

struct Outcome {
  std::vector<uint64_t> out; ///< 8 bytes a thread.
  std::string report;        ///< Empty if all is well.
  std::string notes;
};

/// Runs `body` (SimulatorTest.h, kernelText) on one block, under one schedule.
inline Outcome runHopper(const std::string &body, unsigned threads, unsigned seed,
                         const std::string &declarations = kHopperShared) {
  SimulatorOptions options;
  options.schedulingSeed = seed;
  options.maxWarpInstructions = 2000000;
  std::string notes;
  options.note = [&](const std::string &text) { notes += text + "\n"; };
  Host host(options, "h100");
  CUfunction function = host.load(kernelText("mov.u64 %rd10, 0;\n" + body, declarations, "sm_90a"));
  if (!function)
    return {{}, "load: " + host.log, notes};
  std::vector<uint32_t> input(4096);
  for (unsigned i = 0; i < input.size(); ++i)
    input[i] = i * 3 + 1;
  CUdeviceptr in = host.upload(input), out = host.allocate(threads * 8);
  host.driver.memsetD8Async(out, 0, threads * 8, nullptr);
  host.launch(function, 1, threads, 0, out, in);
  if (host.status != CUDA_SUCCESS)
    return {{}, host.report, notes};
  return {host.download<uint64_t>(out, threads), "", notes};
}

/// Under every schedule: no fault, and `check(thread, value)` for each result.
template <class Check> void expectRight(const std::string &body, unsigned threads, Check check) {
  for (unsigned seed : {0u, 1u, 7u, 23u}) {
    Outcome outcome = runHopper(body, threads, seed);
    ASSERT_EQ(outcome.report, "") << "seed " << seed;
    for (unsigned thread = 0; thread < threads; ++thread)
      ASSERT_EQ(outcome.out[thread], check(thread)) << "thread " << thread << " seed " << seed;
  }
}

/// Under every schedule a fault whose report has both texts.
inline void expectFault(const std::string &body, unsigned threads, const std::string &name,
                        const std::string &words = "") {
  for (unsigned seed : {0u, 1u, 7u, 23u}) {
    std::string report = runHopper(body, threads, seed).report;
    EXPECT_NE(report.find("simulated device: " + name), std::string::npos) << "seed " << seed << ": " << report;
    EXPECT_NE(report.find(words), std::string::npos) << "seed " << seed << ": " << report;
  }
}

/// Under every schedule a fault of one of these names; which one is the schedule's choice.
inline void expectOneOf(const std::string &body, unsigned threads, const std::vector<std::string> &names) {
  for (unsigned seed : {0u, 1u, 7u, 23u}) {
    std::string report = runHopper(body, threads, seed).report;
    bool found = false;
    for (const std::string &name : names)
      found |= report.find("simulated device: " + name) != std::string::npos;
    EXPECT_TRUE(found) << "seed " << seed << ": " << report;
  }
}

} // namespace imbrex::simulator::testing

#endif // IMBREX_TESTS_RUNTIME_SIMULATOR_HOPPERTEXT_H
