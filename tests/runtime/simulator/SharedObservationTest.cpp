//===- SharedObservationTest.cpp - What a strong read of shared memory orders ===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads that count in shared memory, one that sees the count, and what it, and those behind it, may do to the word
// then (PTX ISA 8.9, causality order). Each has its twin, in which nobody has seen the count.
//
//===----------------------------------------------------------------------===//

#include "HopperText.h"

using namespace imbrex::simulator::testing;

namespace {

const std::string kRace = "shared-memory race";
const std::string kStore = "st.global.u64 [%rd3], %rd10;\n";
const std::string kClear = "mov.u32 %r1, tile;\nsetp.eq.u32 %p1, %r0, 0;\nsetp.eq.u32 %p2, %r0, 32;\n"
                           "@%p1 st.shared.u32 [%r1], 0;\nbar.sync 0;\n";
const std::string kCount = "red.shared.add.u32 [%r1], 1;\n";
const std::string kReset = "st.shared.u32 [%r1], 0;\n";

/// The first thread reads by `load` until it is `value`.
std::string firstWaits(const std::string &load, unsigned value) {
  return "@!%p1 bra JOIN;\nWAIT: " + load + " %r4, [%r1];\nsetp.ne.u32 %p4, %r4, " + std::to_string(value) +
         ";\n@%p4 bra WAIT;\nJOIN:\n";
}

void expectSilent(const std::string &body, unsigned threads = 64) {
  expectRight(body + kStore, threads, [](unsigned) { return 0; });
}
void expectRace(const std::string &body, unsigned threads = 64) { expectFault(body + kStore, threads, kRace); }

TEST(SharedObservation, WhoWaitsForAllSetsBack) {
  for (std::string wait : {"ld.volatile.shared.u32", "ld.acquire.cta.shared.u32", "ld.relaxed.cta.shared.u32"})
    for (std::string then : {kReset, std::string("ld.shared.u32 %r3, [%r1];\n")}) {
      expectSilent(kClear + kCount + firstWaits(wait, 64) + "@%p1 " + then);
      expectRace(kClear + kCount + firstWaits(wait, 64) + "@%p2 " + then);
      expectRace(kClear + kCount + "@%p1 " + wait + " %r4, [%r1];\n@%p2 " + then);
    }
}

TEST(SharedObservation, TheOrderIsHandedOn) {
  std::string seen = kClear + kCount + firstWaits("ld.relaxed.cta.shared.u32", 64);
  expectSilent(seen + "bar.sync 0;\n@%p2 " + kReset);
  std::string init = initBarrier(0, 1), second = "setp.eq.u32 %p2, %r0, 32;\n";
  expectSilent(init + seen + byFirst(arrive(0)) + "@!%p2 bra REST;\n" + waitBarrier(0, "0") + kReset + "REST:\n");
  expectRace(init + seen + byFirst(arrive(0)) + "@!%p2 bra REST;\n" + kReset + "REST:\n");
}

TEST(SharedObservation, WhatComesAfterTheReadIsNotSeen) {
  // Another thread counts again once the first one has seen the first time.
  expectRace("mov.u32 %r1, tile;\nsetp.eq.u32 %p1, %r0, 0;\n@%p1 st.shared.u32 [%r1+64], 0;\n" + kClear + kCount +
             firstWaits("ld.relaxed.cta.shared.u32", 64) +
             "@%p1 st.volatile.shared.u32 [%r1+64], 1;\n@!%p2 bra NEXT;\nFLAG: ld.volatile.shared.u32 %r5, [%r1+64];\n"
             "setp.eq.u32 %p4, %r5, 0;\n@%p4 bra FLAG;\n" +
             kCount + "NEXT:\n@%p1 " + kReset);
}

TEST(SharedObservation, TheLastToCountSetsBack) {
  std::string last = "atom.shared.add.u32 %r4, [%r1], 1;\nsetp.eq.u32 %p4, %r4, 63;\n@%p4 ";
  expectSilent(kClear + last + kReset);
  expectSilent(kClear + last + "st.volatile.shared.u32 [%r1], 7;\n@%p4 " + kReset);
  // Whose place in the count nobody looks at knows nothing.
  expectRace(kClear + "atom.shared.add.u32 %r4, [%r1], 1;\n@%p2 " + kReset);
  expectRace(kClear + kCount + "@%p2 " + kReset);
}

TEST(SharedObservation, AStoreOfOnesOwnTakesNothingBack) {
  std::string set = "@%p2 st.volatile.shared.u32 [%r1], 5;\n";
  expectSilent(kClear + set + firstWaits("ld.volatile.shared.u32", 5) + "@%p1 st.volatile.shared.u32 [%r1], 6;\n@%p1 " +
               kReset);
}

TEST(SharedObservation, AStoreHidesTheOneBefore) {
  // Warp 1 sets 5, the first thread sees it and sets 6, warp 2 sees 6: not what it took the place of.
  std::string third = "setp.eq.u32 %p5, %r0, 64;\n@!%p5 bra END;\nSECOND: ld.volatile.shared.u32 %r4, [%r1];\n"
                      "setp.ne.u32 %p4, %r4, 6;\n@%p4 bra SECOND;\n" +
                      kReset + "END:\n";
  expectRace(kClear + "@%p2 st.volatile.shared.u32 [%r1], 5;\n" + firstWaits("ld.volatile.shared.u32", 5) +
                 "@%p1 st.volatile.shared.u32 [%r1], 6;\n" + third,
             96);
}

} // namespace
