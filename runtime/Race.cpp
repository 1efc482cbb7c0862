//===- Race.cpp - Which of many candidates is the fastest -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Means by Welford's update; one deviation for all.
//
//===----------------------------------------------------------------------===//

#include "runtime/Race.h"
#include <algorithm>
#include <cmath>

using namespace imbrex;

/// What is taken to be known of the noise before anything is measured: so much, as if from so many rounds.
static constexpr double kPriorDeviation = 0.05, kPriorRounds = 4;
static constexpr double kConfidence = 1.96; ///< deviations of a mean: 95 %

size_t Race::enter(double ratio, unsigned rounds) {
  entries.push_back({rounds, rounds ? std::log(ratio) : 0, 0});
  return entries.size() - 1;
}

void Race::record(size_t candidate, double milliseconds, double anchorMilliseconds) {
  Entry &entry = entries[candidate];
  double value = std::log(milliseconds / anchorMilliseconds);
  double before = value - entry.mean;
  entry.mean += before / ++entry.rounds;
  if (entry.rounds > 1)
    entry.squares += before * (value - entry.mean);
  entry.isOurs = true;
}

double Race::deviation() const {
  double squares = kPriorDeviation * kPriorDeviation * kPriorRounds, freedom = kPriorRounds;
  for (const Entry &entry : entries)
    if (entry.isOurs && entry.rounds > 1) {
      squares += entry.squares;
      freedom += entry.rounds - 1;
    }
  return std::sqrt(squares / freedom);
}

double Race::ratio(size_t candidate) const { return std::exp(entries[candidate].mean); }

double Race::uncertainty(size_t candidate) const {
  unsigned rounds = entries[candidate].rounds;
  return rounds ? kConfidence * deviation() / std::sqrt(rounds) : 1;
}

std::vector<size_t> Race::contenders() const {
  std::vector<size_t> list;
  double spread = kConfidence * deviation(), reach = INFINITY; ///< reach: where the surest of the fast ones ends
  for (const Entry &entry : entries)
    if (entry.rounds)
      reach = std::min(reach, entry.mean + spread / std::sqrt(entry.rounds));
  for (size_t i = 0; i < entries.size(); ++i)
    if (entries[i].rounds && entries[i].mean - spread / std::sqrt(entries[i].rounds) <= reach)
      list.push_back(i);
  std::sort(list.begin(), list.end(), [&](size_t a, size_t b) { return entries[a].mean < entries[b].mean; });
  return list;
}
