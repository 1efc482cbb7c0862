//===- Sums.h - Sums of products for the oracles ------------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two products of attention, for several rows of a head at once. Each sum is made of one product after another, in
// ascending order and without fused multiply-adds, so that it is what a plain program finds, on every machine; lanes
// of vectors are sums of their own.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_SUMS_H
#define IMBREX_TESTS_SUPPORT_SUMS_H

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace imbrex::testing {

/// Rows that an oracle takes at once, so that a key and a value are read from memory once for all of them.
inline constexpr int64_t kRowsAtOnce = 16;

/// Rows in the order that `dots` reads them: element d of row r at [d * kRowsAtOnce + r]. Rows that there are not are
/// 0.
template <typename Sum>
void turnRows(std::vector<Sum> &turned, const Sum *rows, int64_t stride, int64_t count, int64_t n) {
  turned.assign(size_t(n * kRowsAtOnce), 0);
  for (int64_t r = 0; r < count; ++r)
    for (int64_t d = 0; d < n; ++d)
      turned[size_t(d * kRowsAtOnce + r)] = rows[r * stride + d];
}

/// to[j * kRowsAtOnce + r] = the sum over d < n of turned row r's [d] times keys[j * stride + d], for j < count.
void dots(float *to, const float *turned, const float *keys, int64_t stride, int64_t count, int64_t n);
void dots(double *to, const double *turned, const double *keys, int64_t stride, int64_t count, int64_t n);

/// Numbers `step` apart.
struct Weights {
  const double *first;
  int64_t step;
  double operator[](int64_t i) const { return first[i * step]; }
};

/// to[d] += the sum over i < count of weights[i] * rows[i * stride + d], for d < n. A row of weight 0 is not read.
void addRows(float *to, Weights weights, const float *rows, int64_t stride, int64_t count, int64_t n);
void addRows(double *to, Weights weights, const double *rows, int64_t stride, int64_t count, int64_t n);

/// addRows for each of `lines`: line(r) is where it adds, a Sum *, and its Weights. A few rows at a time, which stay in
/// the cache until all lines have added them.
template <typename Sum, typename Line>
void addRowsToLines(int64_t lines, const Line &line, const Sum *rows, int64_t stride, int64_t count, int64_t n) {
  constexpr int64_t kFew = 32;
  for (int64_t i = 0; i < count; i += kFew)
    for (int64_t r = 0; r < lines; ++r) {
      const auto [to, weights] = line(r);
      addRows(to, {weights.first + i * weights.step, weights.step}, rows + i * stride, stride,
              std::min(kFew, count - i), n);
    }
}

/// Values of a storage type, exactly, in the type of sums.
template <typename Sum> std::vector<Sum> widened(const std::vector<double> &values) {
  return std::vector<Sum>(values.begin(), values.end());
}

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_SUMS_H
