//===- DamagesTest.cpp - Every synchronisation damaged in turn ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The PTX of kernels with one damage each. On the simulated device a damage ends in a named fault or in a wrong result,
// or it is listed with the reason why nothing can come of it; what only waits for more must be silent.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/mutants/DamageKinds.h"
#include "tests/support/RunMode.h"
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <span>

using namespace imbrex::testing;

namespace {

/// Whether any thread comes to a line: a trap in its place would end the launch.
bool isReached(const Program &program, size_t line) {
  return !run(program, [line](Lines &lines) { lines[line] = "trap;"; }, 1).fault.empty();
}

struct Row {
  const char *program, *kind;
  unsigned count;
};
/// Damages that are run, change nothing, and are no faults, with the reason.
///   A barrier that has moved past one access still stands between the others: only a pair of threads' accesses to the
///   same bytes needs it, and the access that it has passed is in none with those on its other side.
///   Where a part has four warps, a wait of one for a product is a wait for all that the product reads. A slot that no
///   copy fills again may be released or not, and its barrier, for which nobody waits then, may expect what it likes.
///   The first copy into a slot waits for nothing. A slot that is filled behind a wait for another one, which is
///   released later, needs no wait of its own, nor does its release a wait for the product that reads it. Threads that
///   copy arrive when all that they have asked for is there, so that a wait for what they copied last stands for those
///   before it. A product that is waited for together with a later one needs no group of its own. A product whose sums
///   were last touched by another one, or that reads none and whose registers nobody has touched since an earlier
///   fence, needs no fence of its own; what starts at zero may be added to what is zero. The device notes, and goes on,
///   where barriers are made known to it without a fence. Where one warpgroup computes, there are 256 registers for it,
///   and others may keep theirs. What is put behind the last tile of a loop is read by nobody (the device names a read
///   of bytes never written), and what is waited for last may then stay under way. What threads write or copy for
///   threads to read, lines and what is cleared before it is restaged, needs no fence between proxies; where another
///   tile is read before one, what the threads fenced to publish that stands for both. Threads that round a slot where
///   it lies have each waited for its copy, and need no barrier before. Lanes need not join where each of them has
///   waited, where only a product or an ldmatrix, which is one for all of them, has read the slot that one of them
///   releases, or where another barrier joins them; the fence of the lane that arrives then stands for theirs. A fence
///   that stands where two ways meet may be for one on which nothing is read behind it. Copies that are waited for with
///   later ones, before any of them is read, need neither a group nor a wait of their own.
const Row kHarmless[] = {
    {"attention, two slots", "copy dropped", 3},
    {"attention, two slots", "moved back", 2},
    {"attention, one slot", "copy dropped", 1},
    {"attention, one slot", "dropped", 1},
    {"attention, one slot", "moved on", 1},
    {"attention, one slot", "waits for one fewer", 1},
    {"three products", "dropped", 2},
    {"three products", "moved back", 1},
    {"three products", "waits for one fewer", 1},
    {"gated, two outputs", "moved back", 3},
    {"gated, two outputs", "moved on", 1},
};
/// Of kernels whose loops multiply by wgmma.
const Row kHarmlessBesideQueues[] = {
    {"wgmma attention, pages", "arrival dropped", 2},
    {"wgmma attention, pages", "arrives twice", 2},
    {"wgmma attention, pages", "dropped", 3},
    {"wgmma attention, pages", "fence dropped", 1},
    {"wgmma attention, pages", "lanes not joined", 7},
    {"wgmma attention, pages", "moved on", 1},
    {"wgmma attention, pages", "one more expected", 1},
    {"wgmma attention, pages", "registers kept", 1},
    {"wgmma attention, pages", "registers that there are not", 1},
    {"wgmma attention, pages", "sums added to nothing", 1},
    {"wgmma attention, pages", "wait left out", 1},
    {"wgmma attention of bytes", "arrival dropped", 4},
    {"wgmma attention of bytes", "arrives twice", 4},
    {"wgmma attention of bytes", "dropped", 4},
    {"wgmma attention of bytes", "fence dropped", 2},
    {"wgmma attention of bytes", "lanes not joined", 14},
    {"wgmma attention of bytes", "moved on", 1},
    {"wgmma attention of bytes", "one more expected", 1},
    {"wgmma attention of bytes", "registers kept", 1},
    {"wgmma attention of bytes", "registers that there are not", 1},
    {"wgmma attention of bytes", "sums added to nothing", 2},
    {"wgmma attention of bytes", "sums not added", 1},
    {"wgmma attention of bytes", "wait left out", 3},
    {"wgmma attention of words", "arrival dropped", 5},
    {"wgmma attention of words", "arrives twice", 5},
    {"wgmma attention of words", "dropped", 4},
    {"wgmma attention of words", "fence dropped", 5},
    {"wgmma attention of words", "lanes not joined", 19},
    {"wgmma attention of words", "moved on", 1},
    {"wgmma attention of words", "one more expected", 1},
    {"wgmma attention of words", "registers kept", 1},
    {"wgmma attention of words", "registers that there are not", 1},
    {"wgmma attention of words", "sums added to nothing", 2},
    {"wgmma attention of words", "sums not added", 1},
    {"wgmma attention of words", "wait left out", 5},
    {"wgmma attention, two slots", "arrival dropped", 3},
    {"wgmma attention, two slots", "arrives twice", 3},
    {"wgmma attention, two slots", "dropped", 4},
    {"wgmma attention, two slots", "fence dropped", 1},
    {"wgmma attention, two slots", "lanes not joined", 7},
    {"wgmma attention, two slots", "moved on", 1},
    {"wgmma attention, two slots", "one more expected", 1},
    {"wgmma attention, two slots", "registers kept", 1},
    {"wgmma attention, two slots", "registers that there are not", 1},
    {"wgmma attention, two slots", "sums added to nothing", 2},
    {"wgmma attention, two slots", "sums not added", 1},
    {"wgmma attention, two slots", "wait left out", 1},
    {"wgmma attention, one slot", "arrival dropped", 2},
    {"wgmma attention, one slot", "arrives twice", 2},
    {"wgmma attention, one slot", "dropped", 4},
    {"wgmma attention, one slot", "fence dropped", 1},
    {"wgmma attention, one slot", "lanes not joined", 7},
    {"wgmma attention, one slot", "moved on", 1},
    {"wgmma attention, one slot", "one more expected", 1},
    {"wgmma attention, one slot", "registers kept", 1},
    {"wgmma attention, one slot", "registers that there are not", 1},
    {"wgmma attention, one slot", "sums added to nothing", 2},
    {"wgmma attention, one slot", "sums not added", 1},
    {"wgmma attention, one slot", "wait left out", 1},
    {"wgmma attention, two warpgroups", "arrival dropped", 3},
    {"wgmma attention, two warpgroups", "arrives twice", 3},
    {"wgmma attention, two warpgroups", "dropped", 2},
    {"wgmma attention, two warpgroups", "fence dropped", 1},
    {"wgmma attention, two warpgroups", "lanes not joined", 5},
    {"wgmma attention, two warpgroups", "moved on", 1},
    {"wgmma attention, two warpgroups", "one more expected", 5},
    {"wgmma attention, two warpgroups", "sums added to nothing", 1},
    {"wgmma attention, two warpgroups", "wait left out", 1},
    {"wgmma attention, copied by threads", "arrival dropped", 3},
    {"wgmma attention, copied by threads", "arrives twice", 5},
    {"wgmma attention, copied by threads", "dropped", 3},
    {"wgmma attention, copied by threads", "fence dropped", 4},
    {"wgmma attention, copied by threads", "lanes not joined", 7},
    {"wgmma attention, copied by threads", "one more expected", 1},
    {"wgmma attention, copied by threads", "registers kept", 1},
    {"wgmma attention, copied by threads", "registers that there are not", 1},
    {"wgmma attention, copied by threads", "sums added to nothing", 2},
    {"wgmma attention, copied by threads", "sums not added", 1},
    {"wgmma attention, copied by threads", "wait left out", 4},
    {"wgmma matmul, three slots", "dropped", 1},
    {"wgmma matmul, three slots", "fence dropped", 1},
    {"wgmma matmul, three slots", "lanes not joined", 1},
    {"wgmma matmul, three slots", "moved on", 1},
    {"wgmma matmul, three slots", "one more expected", 1},
    {"wgmma matmul, three slots", "registers kept", 1},
    {"wgmma matmul, three slots", "registers that there are not", 1},
    {"wgmma, three products", "arrival dropped", 1},
    {"wgmma, three products", "arrives twice", 1},
    {"wgmma, three products", "dropped", 2},
    {"wgmma, three products", "fence dropped", 1},
    {"wgmma, three products", "lanes not joined", 3},
    {"wgmma, three products", "moved on", 1},
    {"wgmma, three products", "one more expected", 1},
    {"wgmma, three products", "registers kept", 1},
    {"wgmma, three products", "registers that there are not", 1},
    {"wgmma, three products", "sums added to nothing", 1},
    {"wgmma, three products", "wait left out", 1},
};
const Row kHarmlessInTheBackward[] = {
    {"wgmma backward, 128 features", "arrival dropped", 1},
    {"wgmma backward, 128 features", "arrives twice", 1},
    {"wgmma backward, 128 features", "dropped", 5},
    {"wgmma backward, 128 features", "fence dropped", 2},
    {"wgmma backward, 128 features", "lanes not joined", 4},
    {"wgmma backward, 128 features", "moved back", 2},
    {"wgmma backward, 128 features", "one more expected", 1},
    {"wgmma backward, 128 features", "wait left out", 1},
    {"wgmma backward, products by columns", "arrival dropped", 1},
    {"wgmma backward, products by columns", "arrives twice", 1},
    {"wgmma backward, products by columns", "dropped", 5},
    {"wgmma backward, products by columns", "fence dropped", 2},
    {"wgmma backward, products by columns", "lanes not joined", 4},
    {"wgmma backward, products by columns", "moved back", 2},
    {"wgmma backward, products by columns", "one more expected", 1},
    {"wgmma backward, products by columns", "wait left out", 1},
    {"wgmma gradients of keys", "arrival dropped", 1},
    {"wgmma gradients of keys", "arrives twice", 1},
    {"wgmma gradients of keys", "dropped", 3},
    {"wgmma gradients of keys", "fence dropped", 2},
    {"wgmma gradients of keys", "lanes not joined", 6},
    {"wgmma gradients of keys", "one more expected", 1},
    {"wgmma gradients of keys", "wait left out", 2},
    {"wgmma gradients of keys", "waits for one fewer", 2},
};

unsigned harmless(const std::string &program, const std::string &kind) {
  for (std::span<const Row> rows :
       std::initializer_list<std::span<const Row>>{kHarmless, kHarmlessBesideQueues, kHarmlessInTheBackward})
    for (const Row &row : rows)
      if (program == row.program && kind == row.kind)
        return row.count;
  return 0;
}

class Damages : public ::testing::TestWithParam<Program> {};

TEST_P(Damages, AreFound) {
  const Program &program = GetParam();
  Lines lines;
  Outcome clean = run(program, [&](Lines &l) { lines = l; }, 0);
  ASSERT_EQ(clean.fault, "") << "the kernel as it is";
  const unsigned schedules = imbrex::testing::isLongRun() ? 8 : 2;
  for (unsigned seed = 1; seed <= schedules; ++seed) {
    Outcome again = run(program, [](Lines &) {}, seed);
    EXPECT_EQ(again.fault, "") << "the kernel as it is, schedule " << seed;
    EXPECT_EQ(again.outputs, clean.outputs) << "schedule " << seed;
  }
  std::vector<Damage> damages = damagesOf(lines);
  const size_t stride = imbrex::testing::isLongRun() ? 1 : 9;
  unsigned named = 0, wrong = 0, silent = 0, unreached = 0;
  std::map<std::string, unsigned> survivors;
  for (size_t i = 0; i < damages.size(); i += stride) {
    const Damage &damage = damages[i];
    Outcome outcome = run(program, damage.apply, 1);
    std::string what = damage.kind + ", line " + std::to_string(damage.line + 1) + ":" + lines[damage.line];
    if (damage.isSilent) {
      EXPECT_EQ(outcome.fault, "") << what;
      EXPECT_EQ(outcome.outputs, clean.outputs) << what;
      ++silent;
    } else if (!outcome.fault.empty()) {
      ++named;
    } else if (outcome.outputs != clean.outputs) {
      EXPECT_TRUE(damage.isOfData) << "seen in the result only: " << what;
      ++wrong;
    } else if (isReached(program, damage.line)) {
      ++survivors[damage.kind];
      printf("nothing came of it: %s\n", what.c_str());
      for (unsigned seed = 2; seed <= schedules; ++seed) {
        Outcome again = run(program, damage.apply, seed);
        EXPECT_EQ(again.fault, "") << "only under schedule " << seed << ": " << what;
        EXPECT_EQ(again.outputs, clean.outputs) << "only under schedule " << seed << ": " << what;
      }
    } else {
      ++unreached;
    }
  }
  for (const Damage &damage : damages)
    survivors.try_emplace(damage.kind, 0);
  for (const auto &[kind, count] : survivors) {
    unsigned listed = harmless(program.name, kind);
    if (stride == 1) // a listed one that is found now has no place in the list
      EXPECT_EQ(count, listed) << kind;
    else
      EXPECT_LE(count, listed) << kind;
  }
  printf("%s: %u named, %u seen in the result, %u harmless, %u never run, of %zu\n", program.name.c_str(), named, wrong,
         silent, unreached, damages.size());
}

INSTANTIATE_TEST_SUITE_P(Kernels, Damages, ::testing::ValuesIn(programs()), [](const auto &info) {
  std::string name = info.param.name;
  std::erase_if(name, [](char c) { return !isalnum(c); });
  return name;
});

} // namespace
