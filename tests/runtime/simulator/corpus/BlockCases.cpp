//===- BlockCases.cpp - Kernels whose threads share a block ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions, scans, sorts and stencils in shared memory, behind barriers.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/simulator/corpus/Corpus.h"

#include <algorithm>
#include <numeric>

namespace imbrex::simulator::corpus {
namespace {

void reduceSmem(Work &work) {
  const int n = 2000;
  std::vector<float> x = work.floats(n), sums(8);
  for (int i = 0; i < n; ++i)
    sums[static_cast<size_t>(i / 256)] += x[static_cast<size_t>(i)];
  CUdeviceptr in = work.in(x), out = work.out<float>(8);
  work.launch("reduce_smem", line(8, 256), in, out, n);
  work.expect<float>(out, sums, 1e-4, 1e-4);
}

void reduceShfl(Work &work) {
  const int n = 5000;
  std::vector<float> x = work.floats(n);
  CUdeviceptr in = work.in(x), out = work.zero<float>(1);
  work.launch("reduce_shfl", line(4, 256), in, out, n);
  work.expect<float>(out, std::vector<double>{std::accumulate(x.begin(), x.end(), 0.0)}, 1e-3, 1e-3);
}

void reduceGroups(Work &work) {
  const int n = 1024;
  std::vector<int> x = work.integers<int>(n, -100, 100), sums(4), maxima(128, -1000);
  for (size_t i = 0; i < x.size(); ++i) {
    sums[i / 256] += x[i];
    maxima[i / 8] = std::max(maxima[i / 8], x[i]);
  }
  CUdeviceptr in = work.in(x), sum = work.out<int>(4), most = work.out<int>(128);
  work.launch("reduce_cg", line(4, 256), in, sum, most, n);
  work.expect<int>(sum, sums);
  work.expect<int>(most, maxima);
}

void histogram(Work &work) {
  const int n = 6000;
  std::vector<uint8_t> x = work.integers<uint8_t>(n, 0, 256);
  std::vector<unsigned> bins(256);
  for (uint8_t value : x)
    ++bins[value];
  CUdeviceptr in = work.in(x), out = work.zero<unsigned>(256);
  work.launch("histogram", line(3, 256), in, out, n);
  work.expect<unsigned>(out, bins);
}

void scan(Work &work) {
  std::vector<int> x = work.integers<int>(1024, 0, 100), sums(1024);
  for (size_t b = 0; b < 2; ++b)
    std::exclusive_scan(&x[b * 512], &x[b * 512] + 512, &sums[b * 512], 0);
  CUdeviceptr in = work.in(x), out = work.out<int>(1024);
  work.launch("scan_blelloch", line(2, 256, (512 + 16) * 4), in, out, 512);
  work.expect<int>(out, sums);
}

void bitonic(Work &work) {
  std::vector<unsigned> x = work.integers<unsigned>(2048, 0, int64_t(1) << 32), sorted = x;
  std::sort(sorted.begin(), sorted.begin() + 1024);
  std::sort(sorted.begin() + 1024, sorted.end());
  CUdeviceptr in = work.in(x), out = work.out<unsigned>(2048);
  work.launch("bitonic", line(2, 512), in, out);
  work.expect<unsigned>(out, sorted);
}

void transpose(Work &work) {
  const int w = 100, h = 70;
  std::vector<float> x = work.floats(w * h), turned(x.size());
  for (size_t r = 0; r < h; ++r)
    for (size_t c = 0; c < w; ++c)
      turned[c * h + r] = x[r * w + c];
  CUdeviceptr in = work.in(x), out = work.out<float>(x.size());
  work.launch("transpose", Shape{4, 3, 32, 8}, in, out, w, h);
  work.expect<float>(out, turned);
}

void stencil(Work &work) {
  const int w = 40, h = 25;
  std::vector<float> x = work.floats(w * h);
  std::vector<double> wanted(x.size());
  auto at = [&](int r, int c) {
    return r < 0 || c < 0 || r >= h || c >= w ? 0.0 : static_cast<double>(x[static_cast<size_t>(r * w + c)]);
  };
  for (int r = 0; r < h; ++r)
    for (int c = 0; c < w; ++c)
      wanted[static_cast<size_t>(r * w + c)] =
          at(r, c) * 0.5 + 0.125 * (at(r - 1, c) + at(r + 1, c) + at(r, c - 1) + at(r, c + 1));
  CUdeviceptr in = work.in(x), out = work.out<float>(x.size());
  work.launch("stencil", Shape{3, 2, 16, 16}, in, out, w, h);
  work.expect<float>(out, wanted, 1e-5, 1e-6);
}

void softmax(Work &work) {
  const int rows = 5, columns = 300;
  std::vector<float> x = work.floats(rows * columns, 3);
  std::vector<double> wanted(x.size());
  for (size_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (size_t c = 0; c < columns; ++c)
      sum += wanted[r * columns + c] = std::exp(static_cast<double>(x[r * columns + c]));
    for (size_t c = 0; c < columns; ++c)
      wanted[r * columns + c] /= sum;
  }
  CUdeviceptr in = work.in(x), out = work.out<float>(x.size());
  work.launch("softmax", line(rows, 128), in, out, columns);
  work.expect<float>(out, wanted, 1e-4, 1e-7);
}

void layernorm(Work &work) {
  const int rows = 3, columns = 200;
  std::vector<uint16_t> x(rows * columns);
  std::vector<float> raw = work.floats(x.size()), gamma = work.floats(columns), beta = work.floats(columns);
  std::vector<double> value(x.size());
  for (size_t i = 0; i < x.size(); ++i) { // The upper half of a float is a bf16.
    uint32_t bits;
    std::memcpy(&bits, &raw[i], 4);
    x[i] = static_cast<uint16_t>(bits >> 16);
    bits &= 0xffff0000u;
    std::memcpy(&raw[i], &bits, 4);
    value[i] = static_cast<double>(raw[i]);
  }
  CUdeviceptr in = work.in(x), g = work.in(gamma), b = work.in(beta), out = work.out<uint16_t>(x.size());
  work.launch("layernorm", line(rows, 64), in, g, b, out, columns);
  std::vector<uint32_t> got(x.size());
  std::vector<uint16_t> bits = work.get<uint16_t>(out, x.size());
  std::vector<float> result(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    got[i] = static_cast<uint32_t>(bits[i]) << 16;
    std::memcpy(&result[i], &got[i], 4);
  }
  for (size_t r = 0; r < rows; ++r) {
    double mean = 0, variance = 0;
    for (size_t c = 0; c < columns; ++c)
      mean += value[r * columns + c] / columns;
    for (size_t c = 0; c < columns; ++c)
      variance += (value[r * columns + c] - mean) * (value[r * columns + c] - mean) / columns;
    for (size_t c = 0; c < columns; ++c)
      value[r * columns + c] =
          (value[r * columns + c] - mean) / std::sqrt(variance + 1e-5) * static_cast<double>(gamma[c]) +
          static_cast<double>(beta[c]);
  }
  work.compare(result, value, 1e-2, 1e-2);
}

void luDynamic(Work &work) {
  const int n = 20;
  std::vector<double> m(2 * n * n);
  std::vector<float> raw = work.floats(m.size());
  for (size_t i = 0; i < m.size(); ++i)
    m[i] = static_cast<double>(raw[i]) + (i % (n * n) % (n + 1) == 0 ? 10 : 0);
  std::vector<double> lu = m;
  for (size_t q = 0; q < 2; ++q) {
    double *a = &lu[q * n * n];
    for (int k = 0; k < n; ++k)
      for (int i = k + 1; i < n; ++i) {
        a[i * n + k] /= a[k * n + k];
        for (int j = k + 1; j < n; ++j)
          a[i * n + j] -= a[i * n + k] * a[k * n + j];
      }
  }
  CUdeviceptr in = work.in(m), out = work.out<double>(m.size());
  work.launch("lu_dynamic", line(2, 64, n * n * 8), in, out, n);
  work.expect<double>(out, lu, 1e-9, 1e-9);
}

void nbody(Work &work) {
  const int n = 200;
  std::vector<float> p = work.floats(4 * n);
  std::vector<double> force(3 * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j) {
      double d[3], square = 1e-3;
      for (size_t k = 0; k < 3; ++k) {
        d[k] = static_cast<double>(p[4 * j + k]) - static_cast<double>(p[4 * i + k]);
        square += d[k] * d[k];
      }
      for (size_t k = 0; k < 3; ++k)
        force[3 * i + k] += d[k] * static_cast<double>(p[4 * j + 3]) / (square * std::sqrt(square));
    }
  CUdeviceptr in = work.in(p), out = work.out<float>(3 * n);
  work.launch("nbody", line(2, 128), in, out, n);
  work.expect<float>(out, force, 2e-3, 2e-2);
}

void warpSpecial(Work &work) {
  const int tiles = 6;
  std::vector<int> x = work.integers<int>(tiles * 128, 0, 100), sums(128);
  for (size_t i = 0; i < x.size(); ++i)
    sums[127 - i % 128] += x[i] * static_cast<int>(i / 128 + 1);
  CUdeviceptr in = work.in(x), out = work.out<int>(128);
  work.launch("warp_special", line(1, 256), in, out, tiles);
  work.expect<int>(out, sums);
}

} // namespace

std::vector<Case> blockCases() {
  const std::string race = "shared-memory race", unset = "uninitialised read", bounds = "out of bounds";
  return {{"sm80/reduce_smem",
           "reduce_smem",
           reduceSmem,
           {{1, race + "|" + unset},
            {2, race},
            {3, "divergent barrier"},
            {4, bounds + "|" + unset},
            {5, unset},
            {6, bounds}},
           {1, "nobody but its writer reads the sum behind the last barrier"}},
          {"sm80/reduce_shfl",
           "reduce_shfl",
           reduceShfl,
           {{1, race + "|" + unset},
            {2, "divergent barrier"},
            {3, race},
            {4, "note: warp-synchronous volatile access"},
            {5, race}}},
          {"sm80/reduce_cg", "reduce_cg", reduceGroups, {{1, race + "|" + unset}}},
          {"sm80/histogram",
           "histogram",
           histogram,
           {{1, unset}, {2, race + "|" + unset}, {3, race}, {4, race}, {5, bounds}}},
          {"sm80/scan_blelloch", "scan_blelloch", scan, {{1, race + "|" + unset}, {2, race}, {3, race}}},
          {"sm80/bitonic", "bitonic", bitonic, {{1, race}, {2, race}}},
          {"sm80/transpose", "transpose", transpose, {{1, race + "|" + unset}, {2, unset + "|" + bounds}}},
          {"sm80/stencil", "stencil", stencil, {{1, race + "|" + unset}, {2, unset}, {3, bounds}}},
          {"sm80/softmax_norm",
           "softmax",
           softmax,
           {{1, race}},
           {1, "the words are not used again behind the last reduction"}},
          {"sm80/softmax_norm",
           "layernorm",
           layernorm,
           {{2, race + "|" + unset}},
           {2, "the barriers behind mean and rstd order the words too"}},
          {"sm80/lu_dynamic", "lu_dynamic", luDynamic, {{1, race}, {2, bounds}}, {1, "the last step updates nothing"}},
          {"sm80/nbody_spmv", "nbody", nbody, {{1, race}, {2, bounds}}},
          {"sm80/warp_special",
           "warp_special",
           warpSpecial,
           {{1, race + "|" + unset}, {2, race}, {4, "deadlock|divergent barrier"}},
           {1, "stands in a copy of the loop that six tiles do not reach"}}};
}

} // namespace imbrex::simulator::corpus
