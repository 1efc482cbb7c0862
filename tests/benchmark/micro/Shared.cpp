//===- Shared.cpp - Shared memory between products and other traffic ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs kernels/shared.ptx.in: products alone, then each role at several rates of traffic while the other covers it;
// and kernels/shared_alone.ptx.in. What traffic moved is summed and compared.
//
//===----------------------------------------------------------------------===//

#include "tests/benchmark/micro/Experiment.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::micro;

static constexpr unsigned kTrafficWarps = 4, kTurnBytes = 2048, kSlots = 8, kWarpWords = 4096;
/// Operands, regions and barriers; more than half of what an SM has, so that it takes one block.
static constexpr unsigned kSharedBytes = 131072;

/// What word `i` of a warp's 16 KiB of global memory holds.
static uint32_t sourceWord(unsigned block, unsigned warp, unsigned i) {
  return 1 + ((block * kTrafficWarps + warp) * kWarpWords + i) % 251;
}

static std::vector<uint32_t> source(unsigned blocks) {
  std::vector<uint32_t> words;
  for (unsigned block = 0; block < blocks; ++block)
    for (unsigned warp = 0; warp < kTrafficWarps; ++warp)
      for (unsigned i = 0; i < kWarpWords; ++i)
        words.push_back(sourceWord(block, warp, i));
  return words;
}

/// The checksum of one lane after `turns`: see kernels/traffic.ptx.in.
static uint32_t trafficSum(const std::string &kind, unsigned turns, unsigned block, unsigned warp, unsigned lane) {
  uint32_t sum = 0;
  for (unsigned slot = 0; slot < kSlots; ++slot) {
    uint32_t ofSlot = 0;
    for (unsigned part = 0; part < 4; ++part)
      for (unsigned word = 0; word < 4; ++word)
        ofSlot +=
            kind == "stores" ? lane + 1 : sourceWord(block, warp, slot * kTurnBytes / 4 + part * 128 + lane * 4 + word);
    unsigned visits = turns / kSlots + (slot < turns % kSlots);
    sum += kind == "loads" ? visits * ofSlot : visits ? ofSlot : 0;
  }
  return sum;
}

namespace {
struct Row {
  std::string kind;
  unsigned columns = 0, warpgroups = 0; ///< of products
  unsigned products = 0, turns = 0, period = 0;
  bool trafficMeasured = false;
};
} // namespace

static std::string check(const Launched &launched, const Row &row) {
  unsigned productThreads = row.warpgroups * 128, first = row.warpgroups * 4;
  std::string wrong = checkSums(launched, 2, 0, 0, productThreads, [&](unsigned, unsigned thread) {
    return productSum(row.columns, 1024 / row.columns, thread);
  });
  return !wrong.empty()
             ? wrong
             : checkSums(launched, 2, 1, productThreads, launched.warps * 32, [&](unsigned block, unsigned thread) {
                 return trafficSum(row.kind, row.turns, block, thread / 32 - first, thread % 32);
               });
}

/// `row` as `bench` runs it: a simulated device, where nothing is measured, does a few passes only.
static Row onDevice(const Bench &bench, Row row) {
  constexpr unsigned kSimulatedPasses = 4;
  if (bench.simulated()) {
    row.products = std::min(row.products, kSimulatedPasses);
    row.turns = std::min(row.turns, kSimulatedPasses);
  }
  return row;
}

static Result<Measurement> measureRow(Bench &bench, const std::string &entry, const Row &asked) {
  const Row row = onDevice(bench, asked);
  Result<uint64_t> words = bench.constant(source(bench.blocks()));
  if (!words)
    return words.takeError();
  unsigned first = row.warpgroups * 4, warps = first + kTrafficWarps;
  Result<Measurement> measured = bench.measure(
      entry, warps * 32, kSharedBytes, 2, {row.products, row.warpgroups, row.turns, row.period, *words},
      [&](const Launched &launched) { return check(launched, row); },
      [&](const Launched &launched) {
        return row.trafficMeasured ? launched.cycles(first, warps) / row.turns
                                   : launched.cycles(0, first) / row.products;
      });
  if (measured && !measured->cycles.empty()) {
    double cycles = median(measured->cycles);
    measured->rate = row.trafficMeasured ? kTrafficWarps * kTurnBytes / cycles : kPassCycles * row.warpgroups / cycles;
  }
  return measured;
}

static Variant variantOf(const std::string &entry, const std::string &name, const Row &row) {
  Variant variant{entry, name, {}, row.trafficMeasured ? "bytes/clock/SM" : "of the tensor peak", {}};
  variant.shape = {{"columns", row.columns},
                   {"warpgroups", row.warpgroups},
                   {"products", row.products},
                   {"turns", row.turns},
                   {"period", row.period}};
  variant.measure = [=](Bench &bench) { return measureRow(bench, entry, row); };
  return variant;
}

std::vector<Variant> micro::shared(const std::string &entry) {
  std::vector<std::string> parts = partsOf(entry); // shared_FORM_nN_TRAFFIC
  const std::string &form = parts[1], &kind = parts[3];
  unsigned columns = unsigned(std::stoul(parts[2].substr(1)));
  std::string name = form + "_" + parts[2] + "_" + kind;
  std::vector<Variant> variants;
  auto add = [&](const std::string &what, Row row) { variants.push_back(variantOf(entry, name + what, row)); };
  const unsigned periods[] = {512, 256, 128, 64, 0};
  if (form == "none") { // short enough for a simulator
    for (unsigned period : periods)
      add("_p" + std::to_string(period), {kind, 0, 0, 0, 20, period, true});
    return variants;
  }
  if (kind == "bulk" && form == "ss" && columns == 64) // whose products do not run
    for (unsigned period : periods)
      add("_alone_p" + std::to_string(period), {kind, columns, 0, 0, 128, period, true});
  for (unsigned groups : {1u, 2u}) {
    std::string behind = "_wg" + std::to_string(groups);
    // Cycles that the measured products last: those of the full rate, twice as many where traffic slows them.
    constexpr unsigned products = 64, turns = 128;
    unsigned cycles = unsigned(kPassCycles) * products * groups;
    if (kind == "loads") // whose kernel does not matter
      add("_products_alone" + behind, {kind, columns, groups, products, 0, 0, false});
    for (unsigned period : periods) {
      std::string at = "_p" + std::to_string(period) + behind;
      unsigned shortest = period ? period : 64; // of a turn: 8192 bytes at 128 a clock
      add("_products" + at, {kind, columns, groups, products, 3 * cycles / shortest, period, false});
      add("_traffic" + at, {kind, columns, groups, 4 * turns * std::max(period, 128u) / 512, turns, period, true});
    }
  }
  return variants;
}
