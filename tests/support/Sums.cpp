//===- Sums.cpp - Sums of products for the oracles ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiles of sums that a compiler keeps in vector registers. The bodies are inlined into each clone.
//
//===----------------------------------------------------------------------===//

#include "tests/support/Sums.h"
#include "tests/support/Clones.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::testing;

#define IMBREX_IN_EACH_CLONE [[gnu::always_inline]] inline

/// `Keys` keys at once.
template <int64_t Keys, typename Sum>
IMBREX_IN_EACH_CLONE void dotsOfKeys(Sum *to, const Sum *turned, const Sum *keys, int64_t stride, int64_t n) {
  Sum sums[Keys][kRowsAtOnce] = {};
  for (int64_t d = 0; d < n; ++d)
    for (int64_t j = 0; j < Keys; ++j)
      for (int64_t r = 0; r < kRowsAtOnce; ++r)
        sums[j][r] += turned[d * kRowsAtOnce + r] * keys[j * stride + d];
  std::copy_n(&sums[0][0], Keys * kRowsAtOnce, to);
}

template <typename Sum>
IMBREX_IN_EACH_CLONE void allDots(Sum *to, const Sum *turned, const Sum *keys, int64_t stride, int64_t count,
                                  int64_t n) {
  constexpr int64_t kKeys = 16 / sizeof(Sum);
  int64_t j = 0;
  for (; j + kKeys <= count; j += kKeys)
    dotsOfKeys<kKeys>(to + j * kRowsAtOnce, turned, keys + j * stride, stride, n);
  for (; j < count; ++j)
    dotsOfKeys<1>(to + j * kRowsAtOnce, turned, keys + j * stride, stride, n);
}

/// `Columns` columns at once.
template <int64_t Columns, typename Sum>
IMBREX_IN_EACH_CLONE void addColumns(Sum *to, Weights weights, const Sum *rows, int64_t stride, int64_t count) {
  Sum sums[Columns];
  std::copy_n(to, Columns, sums);
  for (int64_t i = 0; i < count; ++i) {
    const Sum weight = Sum(weights[i]);
    if (weight == 0)
      continue;
    for (int64_t d = 0; d < Columns; ++d)
      sums[d] += weight * rows[i * stride + d];
  }
  std::copy_n(sums, Columns, to);
}

template <typename Sum>
IMBREX_IN_EACH_CLONE void addAllColumns(Sum *to, Weights weights, const Sum *rows, int64_t stride, int64_t count,
                                        int64_t n) {
  constexpr int64_t kMany = 256 / sizeof(Sum), kFew = 32 / sizeof(Sum);
  int64_t d = 0;
  for (; d + kMany <= n; d += kMany)
    addColumns<kMany>(to + d, weights, rows + d, stride, count);
  for (; d + kFew <= n; d += kFew)
    addColumns<kFew>(to + d, weights, rows + d, stride, count);
  for (; d < n; ++d)
    addColumns<1>(to + d, weights, rows + d, stride, count);
}

IMBREX_TEST_CLONES void testing::dots(float *to, const float *turned, const float *keys, int64_t stride, int64_t count,
                                      int64_t n) {
  allDots(to, turned, keys, stride, count, n);
}
IMBREX_TEST_CLONES void testing::dots(double *to, const double *turned, const double *keys, int64_t stride,
                                      int64_t count, int64_t n) {
  allDots(to, turned, keys, stride, count, n);
}
IMBREX_TEST_CLONES void testing::addRows(float *to, Weights weights, const float *rows, int64_t stride, int64_t count,
                                         int64_t n) {
  addAllColumns(to, weights, rows, stride, count, n);
}
IMBREX_TEST_CLONES void testing::addRows(double *to, Weights weights, const double *rows, int64_t stride, int64_t count,
                                         int64_t n) {
  addAllColumns(to, weights, rows, stride, count, n);
}
