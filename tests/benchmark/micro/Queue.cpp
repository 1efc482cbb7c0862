//===- Queue.cpp - How many products may wait -----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs kernels/queue.ptx.in with one warpgroup and with two, and reads from the clocks behind each product's issue
// how many were issued and not done when the last was.
//
//===----------------------------------------------------------------------===//

#include "tests/benchmark/micro/Experiment.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::micro;

static constexpr unsigned kReadings = 33; ///< places a warp; a kernel of fewer leaves the rest at 0xffffffff
static constexpr unsigned kSharedBytes = 49152;

/// Cycles from the first reading to reading k, the median over all warps; one for each reading that was stored.
static std::vector<double> readingsOf(const std::vector<uint32_t> &words) {
  unsigned stored = kReadings;
  while (stored && words[stored - 1] == ~0u)
    --stored;
  std::vector<double> since;
  for (unsigned k = 0; k < stored; ++k) {
    std::vector<double> ofWarps;
    for (size_t warp = 0; warp < words.size(); warp += kReadings)
      ofWarps.push_back(double(words[warp + k] - words[warp])); // modulo 2^32
    since.push_back(median(ofWarps));
  }
  return since;
}

/// What the readings say: the depth as a number, and every gap.
static void interpret(const std::vector<double> &since, double passCycles, Measurement &measured) {
  unsigned last = unsigned(since.size()) - 1, half = last / 2;
  double gap = (since[last] - since[half]) / (last - half), share = passCycles / last;
  // Readings that never come as far apart as products: the queue took them all.
  bool full = gap >= share / 2;
  measured.rate = full ? last - since[last] / gap : last;
  measured.note = full ? "gaps" : "never full; gaps";
  for (unsigned k = 0; k < last; ++k)
    measured.note += " " + std::to_string(int(since[k + 1] - since[k]));
}

static Result<Measurement> measureQueue(Bench &bench, const std::string &entry, unsigned columns, unsigned products,
                                        unsigned warpgroups) {
  constexpr unsigned passes = 16;
  unsigned warps = 4 * warpgroups;
  auto readings = bench.scratch(size_t(bench.blocks()) * warps * kReadings);
  if (!readings)
    return readings.takeError();
  Result<Measurement> measured = bench.measure(
      entry, warps * 32, kSharedBytes, 2, {passes, readings->address()},
      [&](const Launched &launched) {
        return checkSums(launched, 2, 0, 0, warps * 32,
                         [&](unsigned, unsigned thread) { return productSum(columns, products, thread); });
      },
      [&](const Launched &launched) { return launched.cycles(0, warps) / passes; });
  if (!measured || measured->cycles.empty())
    return measured;
  Result<std::vector<uint32_t>> words = bench.contents(*readings);
  if (!words)
    return words.takeError();
  std::vector<double> since = readingsOf(*words);
  if (since.size() != products + 1)
    measured->wrong = "stored " + std::to_string(since.size()) + " readings";
  else
    interpret(since, median(measured->cycles), *measured);
  return measured;
}

std::vector<Variant> micro::queue(const std::string &entry) {
  std::vector<std::string> parts = partsOf(entry); // queue_FORM_nN
  unsigned columns = unsigned(std::stoul(parts[2].substr(1))), products = parts[1] == "ss" ? 32 : 16;
  std::vector<Variant> variants;
  for (unsigned warpgroups : {1u, 2u}) {
    Variant variant{entry, parts[1] + "_" + parts[2] + "_wg" + std::to_string(warpgroups), {}, {}, {}};
    variant.shape = {{"warpgroups", warpgroups}, {"columns", columns}, {"products", products}};
    variant.rateUnit = "products issued and not done";
    variant.measure = [=](Bench &bench) { return measureQueue(bench, entry, columns, products, warpgroups); };
    variants.push_back(std::move(variant));
  }
  return variants;
}
