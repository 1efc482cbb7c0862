//===- MatrixCases.cpp - Products, copies in flight, attention ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tiled products of f32 and of bf16 by mma.sync with cp.async rings, and attention in plain CUDA.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/simulator/corpus/Corpus.h"

namespace imbrex::simulator::corpus {

std::vector<double> product(const std::vector<float> &a, const std::vector<float> &b, size_t m, size_t n, size_t k) {
  std::vector<double> c(m * n);
  for (size_t i = 0; i < m; ++i)
    for (size_t p = 0; p < k; ++p)
      for (size_t j = 0; j < n; ++j)
        c[i * n + j] += static_cast<double>(a[i * k + p]) * static_cast<double>(b[p * n + j]);
  return c;
}

std::vector<uint16_t> takeBf16(std::vector<float> &values) {
  std::vector<uint16_t> upper;
  for (float &value : values) {
    uint32_t bits;
    std::memcpy(&bits, &value, 4);
    upper.push_back(static_cast<uint16_t>(bits >> 16));
    bits &= 0xffff0000u;
    std::memcpy(&value, &bits, 4);
  }
  return upper;
}

namespace {

/// The second product is narrower than a tile.
void sgemm16(Work &work) {
  const int m = 40, n = 50;
  for (int k : {35, 10}) {
    size_t depth = static_cast<size_t>(k);
    std::vector<float> a = work.floats(m * depth), b = work.floats(depth * n);
    CUdeviceptr da = work.in(a), db = work.in(b), dc = work.out<float>(m * n);
    work.launch("sgemm16", Shape{4, 3, 16, 16}, da, db, dc, m, n, k);
    work.expect<float>(dc, product(a, b, m, n, depth), 1e-4, 1e-4);
  }
}

void sgemm128(Work &work) {
  const int m = 128, n = 256, k = 64;
  std::vector<float> a = work.floats(m * k), b = work.floats(k * n);
  CUdeviceptr da = work.in(a), db = work.in(b), dc = work.out<float>(m * n);
  work.launch("sgemm128", Shape{2, 1, 256, 1}, da, db, dc, n, k);
  work.expect<float>(dc, product(a, b, m, n, k), 1e-4, 1e-4);
}

void mmaLdmatrix(Work &work) {
  const int m = 128, n = 64, k = 128;
  std::vector<float> a = work.floats(m * k), b = work.floats(k * n);
  CUdeviceptr da = work.in(takeBf16(a)), db = work.in(takeBf16(b)), dc = work.out<float>(m * n);
  work.launch("mma_ldmatrix", Shape{1, 2, 128, 1}, da, db, dc, n, k);
  work.expect<float>(dc, product(a, b, m, n, k), 1e-3, 1e-3);
}

void pipeline(Work &work) {
  const int tiles = 5;
  std::vector<float> x = work.floats(tiles * 64 * 4);
  std::vector<double> sums(64);
  for (size_t i = 0; i < x.size(); ++i)
    sums[63 - i / 4 % 64] += static_cast<double>(i % 4 + 1) * static_cast<double>(x[i]);
  CUdeviceptr in = work.in(x), out = work.out<float>(64);
  work.launch("pipeline_c", line(1, 64), in, out, tiles);
  work.expect<float>(out, sums, 1e-4, 1e-4);
}

void copyOfAGroup(Work &work) {
  std::vector<int> x = work.integers<int>(1024, 0, 1000), wanted(1024);
  for (size_t i = 0; i < x.size(); ++i)
    wanted[i] = 2 * x[i / 512 * 512 + (511 - i % 512)];
  CUdeviceptr in = work.in(x), out = work.out<int>(1024);
  work.launch("cg_memcpy_async", line(2, 128), in, out);
  work.expect<int>(out, wanted);
}

void attention(Work &work) {
  const int n = 100;
  const size_t d = 64;
  std::vector<float> q = work.floats(n * d), k = work.floats(n * d), v = work.floats(n * d);
  std::vector<double> wanted(n * d);
  for (size_t i = 0; i < n; ++i) {
    double total = 0;
    for (size_t j = 0; j < n; ++j) {
      double score = 0;
      for (size_t e = 0; e < d; ++e)
        score += static_cast<double>(q[i * d + e]) * static_cast<double>(k[j * d + e]);
      double weight = std::exp(score / 8);
      total += weight;
      for (size_t e = 0; e < d; ++e)
        wanted[i * d + e] += weight * static_cast<double>(v[j * d + e]);
    }
    for (size_t e = 0; e < d; ++e)
      wanted[i * d + e] /= total;
  }
  CUdeviceptr dq = work.in(q), dk = work.in(k), dv = work.in(v), out = work.out<float>(n * d);
  work.launch("flash_cuda", line(2, 64), dq, dk, dv, out, n, 0.125f);
  work.expect<float>(out, wanted, 1e-4, 1e-4);
}

} // namespace

std::vector<Case> matrixCases() {
  const std::string race = "shared-memory race", unset = "uninitialised read", bounds = "out of bounds";
  const std::string copy = "cp.async destination read before its wait";
  return {{"sm80/sgemm", "sgemm16", sgemm16, {{1, race + "|" + unset}, {2, race}, {3, bounds}, {5, unset}}},
          {"sm80/sgemm", "sgemm128", sgemm128, {{4, race}}},
          {"sm80/mma_ldmatrix",
           "mma_ldmatrix",
           mmaLdmatrix,
           {{1, copy}, {2, race + "|" + unset + "|" + copy}, {3, race}, {4, copy}, {5, copy}, {6, bounds}}},
          {"sm80/pipeline_c",
           "pipeline_c",
           pipeline,
           {{1, copy}, {2, race + "|" + unset + "|" + copy}, {3, race + "|" + copy}},
           {2, "behind the last read, or in copies of the loop that five tiles do not reach"}},
          {"sm80/cg_memcpy_async", "cg_memcpy_async", copyOfAGroup, {{1, copy}}},
          {"sm80/flash_cuda", "flash_cuda", attention, {{1, race}, {2, race + "|" + unset}}}};
}

} // namespace imbrex::simulator::corpus
