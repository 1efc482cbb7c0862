//===- SchedulesTest.cpp - No schedule changes a bit ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attention_forward with passes of the schedule left out, with one slot to four, copied by the copy engine and by
// threads, on simulated devices: what runs when, and where, may differ, what is computed may not. A race or a wait too
// few fails the launch.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "runtime/Runtime.h"
#include "runtime/Sequences.h"
#include <gtest/gtest.h>

using namespace imbrex;

namespace {

using Passes = std::set<std::string, std::less<>>;

struct Case {
  std::string mask;
  DataType type;
  int queries, keys, depth;
  std::vector<std::pair<std::string, int64_t>> tuning;
  int page = 0;  ///< keys and values lie in pages of so many rows; 0: one after another
  int gap = 0;   ///< elements between the rows of the arrays: 4 of them align rows to 8 bytes alone
  int heads = 1; ///< of queries, which share those of keys: with many, each CTA that stays has several instances
};

/// One kind of device, and cases whose loops its best instructions multiply.
struct Machine {
  std::string device, target;
  std::vector<Case> cases;
};

const Machine kAmpere = {
    "sim:a100",
    "sm_80",
    {{"full", DataType::F16, 70, 200, 64, {{"BM", 64}, {"warps", 4}}},
     {"causal", DataType::BF16, 150, 150, 64, {{"BM", 64}, {"warps", 4}}},
     {"window(40, 10)", DataType::F16, 150, 170, 64, {{"BM", 32}, {"warps", 2}, {"BN", 32}}},
     {"causal", DataType::F16, 33, 1, 32, {{"BM", 32}, {"warps", 2}}},
     {"causal", DataType::F16, 40, 10, 96, {{"BM", 32}, {"warps", 2}, {"BN", 16}}}, // rows that see nothing
     {"causal", DataType::F16, 150, 70, 32, {{"BM", 64}, {"warps", 4}, {"BN", 32}}, 0, 0, 50},
     {"causal", DataType::F16, 70, 100, 64, {{"BM", 64}, {"warps", 4}, {"BN", 32}}, 16}}};

const Machine kHopper = {"sim:h200",
                         "sm_90a",
                         {{"full", DataType::F16, 70, 200, 64, {{"BM", 64}, {"warps", 4}, {"BN", 48}}},
                          {"causal", DataType::BF16, 150, 150, 64, {{"BM", 128}, {"warps", 8}, {"BN", 64}}},
                          {"window(40, 10)", DataType::F16, 150, 170, 128, {{"BM", 64}, {"warps", 4}, {"BN", 32}}},
                          {"causal", DataType::F16, 40, 10, 96, {{"BM", 64}, {"warps", 4}, {"BN", 16}}},
                          {"causal", DataType::BF16, 150, 70, 64, {{"BM", 64}, {"warps", 4}, {"BN", 16}}, 0, 0, 50},
                          {"window(40, 10)", DataType::F16, 400, 333, 64, {{"BM", 192}, {"warps", 12}, {"BN", 32}}},
                          {"causal", DataType::F16, 70, 150, 64, {{"BM", 64}, {"warps", 4}, {"BN", 48}}, 16},
                          {"full", DataType::BF16, 70, 150, 64, {{"BM", 64}, {"warps", 4}, {"BN", 32}}, 5}}};

/// What a launch reads and writes: `length` rows of each head, of `depth` elements, so many apart.
class Rows {
public:
  Rows(Runtime &runtime, const Case &each, int length, int heads, uint32_t &state)
      : each(each), length(length), heads(heads), apart(each.depth + each.gap),
        buffer(runtime.allocate(size_t(length) * heads * apart * 2).value()) {
    std::vector<uint16_t> values(size_t(length) * heads * apart, each.type == DataType::F16 ? 0x7e00 : 0x7fc0); // NaN
    for (int row = 0; row < length * heads; ++row)
      for (int column = 0; column < each.depth; ++column) { // about -2 to 2
        state = state * 1664525 + 1013904223;
        uint16_t exponent = each.type == DataType::F16 ? 0x3800 : 0x3f00;
        values[size_t(row) * apart + column] = uint16_t(exponent | (state >> 31 << 15) | (state >> 16 & 0x03ff));
      }
    buffer.copyFrom(values.data(), values.size() * 2).value();
  }

  View dense() const {
    return View(buffer, each.type, {1, length, heads, each.depth}, {length * heads * apart, heads * apart, apart, 1});
  }
  View pool() const {
    return View(buffer, each.type, {length / each.page, each.page, 1, each.depth},
                {int64_t(each.page) * apart, apart, apart, 1});
  }
  std::vector<uint16_t> bits() const {
    std::vector<uint16_t> all(size_t(length) * heads * apart), own;
    buffer.copyTo(all.data(), all.size() * 2).value();
    for (int row = 0; row < length * heads; ++row)
      own.insert(own.end(), all.begin() + row * apart, all.begin() + row * apart + each.depth);
    return own;
  }

private:
  const Case &each;
  int length, heads;
  int64_t apart;
  Buffer buffer;
};

/// O of the case, as bits; empty and a failure if the launch fails.
std::vector<uint16_t> run(const Machine &machine, const Case &each, const Passes &without) {
  RuntimeOptions options;
  options.device = machine.device;
  options.target = machine.target;
  auto compileWithout = [&](const Source &source, CompileOptions asked) {
    asked.without = without;
    return compile(source, asked);
  };
  options.compiler = CompilerFunctions{compileWithout, describe, std::string(compilerBuildId())};
  Runtime runtime = Runtime::open(options).value();
  Kernel kernel = runtime.load(IMBREX_SOURCE_DIR "/kernels/attention_forward.tile").value().kernel().value();
  kernel.hook("mask", each.mask);
  for (const auto &[name, value] : each.tuning)
    kernel.set(name, value);
  uint32_t state = 1;
  const int pages = each.page == 0 ? 0 : (each.keys + each.page - 1) / each.page;
  const int stored = each.page == 0 ? each.keys : pages * each.page;
  Rows q(runtime, each, each.queries, each.heads, state), k(runtime, each, stored, 1, state),
      v(runtime, each, stored, 1, state), o(runtime, each, each.queries, each.heads, state);
  std::vector<int32_t> table(size_t(pages) + 1); // backwards, then the length
  for (int page = 0; page < pages; ++page)
    table[page] = pages - 1 - page;
  table[pages] = each.keys;
  Buffer words = runtime.allocate(table.size() * 4).value();
  words.copyFrom(table.data(), table.size() * 4).value();
  View numbers(words, DataType::I32, {1, pages}), length(words, DataType::I32, {1});
  length.address += size_t(pages) * 4;
  const bool isPaged = pages != 0;
  const Sequences pagedK = isPaged ? paged(k.pool(), numbers, length) : Sequences();
  const Sequences pagedV = isPaged ? paged(v.pool(), numbers, length) : Sequences();
  const std::vector<Argument> arguments = {{"Q", q.dense()},
                                           isPaged ? Argument("K", pagedK) : Argument("K", k.dense()),
                                           isPaged ? Argument("V", pagedV) : Argument("V", v.dense()),
                                           {"O", o.dense()},
                                           {"scale", 0.1f}};
  Result<void> launched = kernel.launch(runtime.stream(), arguments);
  if (launched)
    launched = runtime.stream().synchronize();
  EXPECT_TRUE(launched) << launched.error().render();
  return launched ? o.bits() : std::vector<uint16_t>();
}

struct Schedules : testing::TestWithParam<const Machine *> {
  /// The cases with the passes left out, and `slots` slots, against the whole pipeline with two.
  static void expectSameBits(const Passes &without, int64_t slots = 2, int gap = 0, int64_t resident = 0,
                             int64_t turns = 0) {
    for (const Case &each : GetParam()->cases) {
      Case other = each;
      other.tuning.push_back({"stages", slots});
      other.tuning.push_back({"resident", resident});
      other.tuning.push_back({"turns", turns});
      other.gap = gap;
      EXPECT_EQ(run(*GetParam(), each, {}), run(*GetParam(), other, without))
          << each.mask << " " << each.queries << " x " << each.keys << " heads " << each.heads << " pages of "
          << each.page;
    }
  }
};

} // namespace

TEST_P(Schedules, WithoutTheSkew) { expectSameBits({"cta-skew-loops"}); }
TEST_P(Schedules, WithoutTheSplit) { expectSameBits({"cta-split-loops"}); }
TEST_P(Schedules, InOneRole) { expectSameBits({"cta-assign-roles"}); }
TEST_P(Schedules, CopiedInPlace) { expectSameBits({"cta-assign-roles", "cta-pipeline-copies"}); }
TEST_P(Schedules, WithNothingMoved) {
  expectSameBits({"cta-assign-roles", "cta-pipeline-copies", "cta-skew-loops", "cta-split-loops"});
}
TEST_P(Schedules, StoredByThreads) { expectSameBits({"cta-send-tiles"}); }
TEST_P(Schedules, OneSlot) { expectSameBits({}, 1); }
TEST_P(Schedules, OneSlotWithoutTheSkew) { expectSameBits({"cta-skew-loops"}, 1); }
TEST_P(Schedules, OneSlotInOneRole) { expectSameBits({"cta-assign-roles"}, 1); }
TEST_P(Schedules, InstanceAfterInstance) { expectSameBits({}, 2, /*gap=*/0, /*resident=*/1); }
TEST_P(Schedules, InstanceAfterInstanceInOneRole) {
  expectSameBits({"cta-assign-roles"}, 2, /*gap=*/0, /*resident=*/1);
}
TEST_P(Schedules, InTurns) { expectSameBits({}, 2, /*gap=*/0, /*resident=*/0, /*turns=*/1); }
TEST_P(Schedules, InTurnsInstanceAfterInstance) { expectSameBits({}, 3, /*gap=*/0, /*resident=*/1, /*turns=*/1); }
TEST_P(Schedules, ThreeSlots) { expectSameBits({}, 3); }
TEST_P(Schedules, FourSlotsWithoutTheSplit) { expectSameBits({"cta-split-loops"}, 4); }
TEST_P(Schedules, CopiedByThreads) { expectSameBits({}, 2, /*gap=*/4); }
TEST_P(Schedules, CopiedByThreadsInOneRole) { expectSameBits({"cta-assign-roles"}, 3, /*gap=*/4); }

INSTANTIATE_TEST_SUITE_P(On, Schedules, testing::Values(&kAmpere, &kHopper),
                         [](const auto &info) { return info.param->target; });
