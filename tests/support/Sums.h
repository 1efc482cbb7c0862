//===- Sums.h - Sums of products for the oracles ------------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Plain loops, in an order that any compiler may keep in vectors: a sum of f64 is made of sixteen partial sums, element
// d in number d % 16. Sums of f32, which results of f32 are judged beside, are made one after another: partial sums
// would be nearer to the truth than the plain program that they stand for.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_SUMS_H
#define IMBREX_TESTS_SUPPORT_SUMS_H

#include <cstdint>
#include <type_traits>
#include <vector>

namespace imbrex::testing {

/// Rows that an oracle takes at once, so that a key and a value are read from memory once for all of them.
inline constexpr int64_t kRowsAtOnce = 8;

/// The sum of a[d] * b[d].
template <typename Sum> Sum dot(const Sum *a, const Sum *b, int64_t n) {
  constexpr int64_t kParts = std::is_same_v<Sum, double> ? 16 : 1;
  Sum parts[kParts] = {};
  int64_t d = 0;
  for (; d + kParts <= n; d += kParts)
    for (int64_t part = 0; part < kParts; ++part)
      parts[part] += a[d + part] * b[d + part];
  for (int64_t part = 0; d < n; ++d, ++part)
    parts[part] += a[d] * b[d];
  Sum sum = 0;
  for (Sum part : parts)
    sum += part;
  return sum;
}

/// to[d] += factor * from[d].
template <typename Sum> void addScaled(Sum *__restrict to, Sum factor, const Sum *__restrict from, int64_t n) {
  for (int64_t d = 0; d < n; ++d)
    to[d] += factor * from[d];
}

/// Values of a storage type, exactly, in the type of sums.
template <typename Sum> std::vector<Sum> widened(const std::vector<double> &values) {
  return std::vector<Sum>(values.begin(), values.end());
}

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_SUMS_H
