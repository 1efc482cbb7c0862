//===- Random.h - Seeded numbers, the same everywhere -------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A generator whose numbers do not depend on the standard library: splitmix64, and Box-Muller normals.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_RANDOM_H
#define IMBREX_TESTS_SUPPORT_RANDOM_H

#include <cmath>
#include <cstdint>
#include <numbers>
#include <vector>

namespace imbrex::testing {

class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t bits() {
    uint64_t z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// One of 0 .. count - 1.
  int64_t below(int64_t count) { return int64_t(bits() % uint64_t(count)); }
  template <typename List> const auto &oneOf(const List &list) { return list[size_t(below(int64_t(std::size(list))))]; }
  /// In [0, 1).
  double uniform() { return double(bits() >> 11) * 0x1p-53; }
  double normal() {
    double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  std::vector<double> normals(int64_t count) {
    std::vector<double> values(static_cast<size_t>(count));
    for (double &value : values)
      value = normal();
    return values;
  }

private:
  uint64_t state;
};

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_RANDOM_H
