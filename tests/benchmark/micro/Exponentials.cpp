//===- Exponentials.cpp - ex2 beside other instructions -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs kernels/exponentials.ptx.in with 1, 4, 8 and 16 warps and follows its chains on the host: bit for bit but for
// the exponentials, whose hardware is an approximation.
//
//===----------------------------------------------------------------------===//

#include "tests/benchmark/micro/Experiment.h"
#include <bit>
#include <cmath>

using namespace imbrex;
using namespace imbrex::micro;

namespace {
/// How many of each kind a group has; a pass is 16 groups.
struct Mix {
  unsigned ex2 = 0, fma = 0, add = 0, max = 0, convert = 0;
};
} // namespace

static Mix mixOf(const std::string &entry) {
  std::vector<std::string> parts = partsOf(entry);
  assert(parts.size() == 6 && "exponentials_eE_fF_aA_mM_cC");
  auto number = [&](unsigned i) { return unsigned(std::stoul(parts[i].substr(1))); };
  return {number(1), number(2), number(3), number(4), number(5)};
}

/// Chains of `count` start at (i + 1) / 4; step k changes chain k % count. The sum of all, in order.
template <typename Step> static float chains(unsigned count, uint64_t steps, Step step) {
  std::vector<float> x(count);
  for (unsigned i = 0; i < count; ++i)
    x[i] = 0.25f * float(i + 1);
  for (uint64_t k = 0; k < steps; ++k)
    x[k % count] = step(x, k % count);
  float sum = x[0];
  for (unsigned i = 1; i < count; ++i)
    sum += x[i];
  return sum;
}

/// v rounded to bf16 (nearest even), twice in one word, read as a float: what packing (v, v) gives.
static float packedTwice(float v) {
  uint32_t bits = std::bit_cast<uint32_t>(v);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
  return std::bit_cast<float>(bits << 16 | bits);
}

static std::string check(const Launched &launched, const Mix &mix, unsigned passes) {
  using Chain = const std::vector<float>;
  uint64_t groups = 16ull * passes;
  float ex2 = chains(8, groups * mix.ex2, [](Chain &x, size_t i) { return std::exp2(-x[i]); });
  float exact[] = {chains(16, groups * mix.fma, [](Chain &x, size_t i) { return std::fma(x[i], 0.5f, 0.5f); }),
                   chains(8, groups * mix.add, [](Chain &x, size_t i) { return x[i] + 0.5f; }),
                   chains(8, groups * mix.max, [](Chain &x, size_t i) { return std::max(x[i], x[(i + 1) % 8]); }),
                   chains(8, groups * mix.convert, [](Chain &x, size_t i) { return packedTwice(x[i]); })};
  unsigned threads = launched.warps * 32;
  for (unsigned k = 0; k < 4; ++k)
    if (std::string wrong = checkSums(launched, 5, k + 1, 0, threads,
                                      [&](unsigned, unsigned) { return std::bit_cast<uint32_t>(exact[k]); });
        !wrong.empty())
      return wrong;
  for (size_t i = 0; i < launched.sums.size(); i += 5)
    if (float found = std::bit_cast<float>(launched.sums[i]); !(std::fabs(found - ex2) <= 1e-5f))
      return "the exponentials' chains sum up to " + std::to_string(found) + " instead of " + std::to_string(ex2);
  return "";
}

std::vector<Variant> micro::exponentials(const std::string &entry) {
  Mix mix = mixOf(entry);
  std::string mixName = entry.substr(entry.find('_') + 1);
  std::vector<Variant> variants;
  for (unsigned warps : {1u, 4u, 8u, 16u}) {
    Variant variant{entry, mixName + "_w" + std::to_string(warps), {}, {}, {}};
    variant.shape = {{"warps", warps}, {"ex2", mix.ex2}, {"fma", mix.fma},
                     {"add", mix.add}, {"max", mix.max}, {"convert", mix.convert}};
    unsigned counted = mix.ex2 ? mix.ex2 : mix.fma + mix.add + mix.max + mix.convert;
    variant.rateUnit = mix.ex2 ? "ex2/clock/SM" : "operations/clock/SM";
    variant.measure = [=](Bench &bench) -> Result<Measurement> {
      unsigned passes = bench.count(256, 4);
      Result<Measurement> measured = bench.measure(
          entry, warps * 32, 0, 5, {uint32_t(passes), 0.25f, 0.5f},
          [&](const Launched &launched) { return check(launched, mix, passes); },
          [&](const Launched &launched) { return launched.cycles(0, warps) / passes; });
      if (measured && !measured->cycles.empty())
        measured->rate = 16.0 * counted * warps * 32 / median(measured->cycles);
      return measured;
    };
    variants.push_back(std::move(variant));
  }
  return variants;
}
