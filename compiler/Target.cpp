//===- Target.cpp - What a GPU architecture can do ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of architectures. A row is all that a new one needs as long as it can do no more than sm_80
// and has its own limits.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include <algorithm>

using namespace imbrex;

namespace {

struct Row {
  std::string_view name;
  unsigned sm, ptxVersion, sharedKiB;
};

} // namespace

static constexpr Row kTable[] = {
    {"sm_80", 80, 80, 163},    {"sm_86", 86, 80, 99},   {"sm_89", 89, 80, 99},
    {"sm_90", 90, 80, 227},    {"sm_90a", 90, 80, 227}, {"sm_100", 100, 86, 227},
    {"sm_100a", 100, 86, 227}, {"sm_120", 120, 87, 99}, {"sm_120a", 120, 87, 99},
};

static Target fromRow(const Row &row) {
  Target target;
  target.name = row.name;
  target.sm = row.sm;
  target.ptxVersion = row.ptxVersion;
  target.sharedBytes = row.sharedKiB * 1024;
  target.addsVectors = row.sm >= 90;
  target.hasWgmma = row.name == "sm_90a";
  return target;
}

unsigned Target::memoryAddBytes(DataType type) const {
  constexpr unsigned kVector = 16, kPairOfHalves = 4;
  if (addsVectors && (type == DataType::F16 || type == DataType::BF16 || type == DataType::F32))
    return kVector;
  return type == DataType::F16 ? kPairOfHalves : 0;
}

unsigned Target::registersFor(unsigned threads) const {
  return std::min(registersPerThread, registersPerSm / threads / 8 * 8);
}

std::optional<Target> Target::parse(std::string_view name) {
  for (const Row &row : kTable)
    if (row.name == name)
      return fromRow(row);
  return std::nullopt;
}

std::optional<Target> Target::forDevice(unsigned major, unsigned minor) {
  // Code for an older architecture of the same kind runs on a newer one; architecture-specific names on their own only,
  // and are worth it where they bring wgmma.
  std::optional<Target> best;
  const unsigned sm = 10 * major + minor;
  for (const Row &row : kTable)
    if (Target target = fromRow(row); sm >= row.sm && (row.name.back() != 'a' || (sm == row.sm && target.hasWgmma)))
      best = target;
  return best;
}

std::vector<std::string_view> Target::names() {
  std::vector<std::string_view> names;
  for (const Row &row : kTable)
    names.push_back(row.name);
  return names;
}
