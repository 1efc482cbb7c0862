//===- Ports.cpp - FP32 instructions beside products in flight ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs kernels/ports.ptx.in: each role alone, then each while the other covers it with four times the work; and
// kernels/ports_alone.ptx.in. The chains of fma are followed on the host, bit for bit.
//
//===----------------------------------------------------------------------===//

#include "tests/benchmark/micro/Experiment.h"
#include <bit>
#include <cmath>

using namespace imbrex;
using namespace imbrex::micro;

static constexpr unsigned kSharedBytes = 49152;
static constexpr unsigned kChains = 16;

/// Chains x and operands y and z, 16 each; small, so that sums stay finite.
static std::vector<float> values() {
  std::vector<float> xyz(3 * kChains);
  for (unsigned i = 0; i < kChains; ++i) {
    xyz[i] = -0.5f + float(i) / 64;
    xyz[kChains + i] = (i % 2 ? -1.0f : 1.0f) * (0.25f + float(i) / 32);
    xyz[2 * kChains + i] = (i % 4 < 2 ? -1.0f : 1.0f) * (0.125f + float(i) / 64);
  }
  return xyz;
}

/// Of every lane, one after another.
static std::vector<uint32_t> valuesOfLanes() {
  std::vector<uint32_t> words;
  for (unsigned lane = 0; lane < 32; ++lane)
    for (float value : values())
      words.push_back(std::bit_cast<uint32_t>(value));
  return words;
}

/// How many fma a pass of kernels/fma.ptx.in has.
static unsigned fmaOfPass(const std::string &pattern) { return pattern == "one" || pattern == "two" ? 448 : 384; }

/// The bits of the sum of all chains, or of the last results, after `passes` of kernels/fma.ptx.in.
static uint32_t fmaSum(const std::string &pattern, unsigned passes) {
  std::vector<float> xyz = values(), results(kChains, 0.0f);
  float *x = xyz.data(), *y = x + kChains, *z = y + kChains;
  bool chained = fmaOfPass(pattern) == 448;
  for (unsigned pass = 0; pass < passes; ++pass)
    for (unsigned k = 0; k < fmaOfPass(pattern); ++k) {
      unsigned c = k % 16, r = k / 16, shift = pattern == "spread";
      if (pattern == "one")
        x[c] = std::fma(x[c], x[c], x[c]);
      else if (pattern == "two")
        x[c] = std::fma(x[c], 0.5f, y[(c + r) % 16]);
      else
        results[c] = std::fma(y[(c + 2 * (r % 8) + shift) % 16], z[(c + 2 * (r / 8 + 3 * r)) % 16], x[c]);
    }
  const float *summed = chained ? x : results.data();
  float sum = summed[0];
  for (unsigned i = 1; i < kChains; ++i)
    sum += summed[i];
  return std::bit_cast<uint32_t>(sum);
}

namespace {
/// One row: how much of each role runs, and which is measured.
struct Row {
  std::string pattern;
  unsigned columns = 0;                    ///< of products; 0: none
  unsigned productWarps = 0, fmaWarps = 0; ///< the same warps where `own`
  bool own = false;
  unsigned products = 0, passes = 0;
  bool fmaMeasured = false;
};
} // namespace

static std::string check(const Launched &launched, const Row &row) {
  unsigned productThreads = row.productWarps * 32, first = row.own ? 0 : productThreads;
  unsigned steps = row.columns && row.products ? 1024 / row.columns : 0;
  std::string wrong = checkSums(launched, 2, 0, 0, productThreads, [&](unsigned, unsigned thread) {
    return steps ? productSum(row.columns, steps, thread) : 0;
  });
  uint32_t sum = fmaSum(row.pattern, row.passes);
  return !wrong.empty()
             ? wrong
             : checkSums(launched, 2, 1, first, first + row.fmaWarps * 32, [&](unsigned, unsigned) { return sum; });
}

static Result<Measurement> measureRow(Bench &bench, const std::string &entry, const Row &row) {
  Result<uint64_t> constants = bench.constant(valuesOfLanes());
  if (!constants)
    return constants.takeError();
  unsigned warps = row.own ? row.productWarps : row.productWarps + row.fmaWarps;
  unsigned first = row.fmaMeasured && !row.own ? row.productWarps : 0;
  unsigned last = row.fmaMeasured || row.own ? warps : row.productWarps;
  unsigned passes = row.fmaMeasured || row.own ? row.passes : row.products;
  Result<Measurement> measured = bench.measure(
      entry, warps * 32, row.columns ? kSharedBytes : 0, 2, {row.products, row.passes, *constants},
      [&](const Launched &launched) { return check(launched, row); },
      [&](const Launched &launched) { return launched.cycles(first, last) / passes; });
  if (measured && !measured->cycles.empty()) {
    double cycles = median(measured->cycles);
    measured->rate = row.fmaMeasured ? fmaOfPass(row.pattern) * row.fmaWarps * 32 / cycles : kPassCycles / cycles;
  }
  return measured;
}

static Variant variantOf(const std::string &entry, const std::string &name, const Row &row) {
  Variant variant{entry, name, {}, row.fmaMeasured ? "fma/clock/SM" : "of the tensor peak", {}};
  variant.shape = {{"columns", row.columns},
                   {"product_warps", row.productWarps},
                   {"fma_warps", row.fmaWarps},
                   {"products", row.products},
                   {"passes", row.passes}};
  variant.measure = [=](Bench &bench) { return measureRow(bench, entry, row); };
  return variant;
}

std::vector<Variant> micro::ports(const std::string &entry) {
  std::vector<std::string> parts = partsOf(entry); // ports_FORM_PATTERN_WHO
  const std::string &form = parts[1], &pattern = parts[2], &who = parts[3];
  std::string name = form + "_" + pattern + "_" + who;
  std::vector<Variant> variants;
  auto add = [&](const std::string &what, Row row) { variants.push_back(variantOf(entry, name + what, row)); };
  constexpr unsigned work = 128;
  if (who == "own") {
    add("", {pattern, 128, 4, 4, true, work, work, false});
    return variants;
  }
  for (unsigned warps : {4u, 8u}) {
    std::string behind = "_w" + std::to_string(warps);
    unsigned columns = form == "ss" ? 256 : 128, passes = work * 4 / warps;
    if (who == "alone") { // short enough for a simulator
      add(behind, {pattern, 0, 0, warps, false, 0, warps, true});
      continue;
    }
    add("_fma_alone" + behind, {pattern, columns, 4, warps, false, 0, passes, true});
    add("_fma_covered" + behind, {pattern, columns, 4, warps, false, 4 * work, passes, true});
    add("_products_alone" + behind, {pattern, columns, 4, warps, false, work, 0, false});
    add("_products_covered" + behind, {pattern, columns, 4, warps, false, work, 4 * passes, false});
  }
  return variants;
}
