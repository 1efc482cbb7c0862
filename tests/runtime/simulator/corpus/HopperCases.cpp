//===- HopperCases.cpp - What sm_90a adds ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bulk copies and their mbarriers, wgmma, clusters, warp roles.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/simulator/corpus/Corpus.h"

namespace imbrex::simulator::corpus {
namespace {

void bulkCopies(Work &work) {
  std::vector<int> x = work.integers<int>(2048, 0, 99), wanted;
  for (int v : x)
    wanted.push_back(v + 7);
  CUdeviceptr in = work.in(x), out = work.out<int>(2048);
  work.launch("tma_bulk", line(2, 128), in, out, 7);
  work.expect<int>(out, wanted);
}

void ring(Work &work) {
  const int tiles = 7;
  std::vector<float> x = work.floats(tiles * 512);
  std::vector<double> sums(128);
  for (size_t i = 0; i < x.size(); ++i) {
    const size_t turn = i / 512 + 1;
    sums[127 - i % 128] += static_cast<double>(x[i]) * static_cast<double>(turn);
  }
  CUdeviceptr in = work.in(x), out = work.out<float>(128);
  work.launch("tma_raw", line(1, 160), in, out, tiles);
  work.expect<float>(out, sums, 1e-4, 1e-4);
}

/// The first product is a single wgmma.
void wgmma(Work &work) {
  for (int k : {16, 64}) {
    size_t depth = static_cast<size_t>(k);
    std::vector<float> a = work.floats(64 * depth), b = work.floats(64 * depth), turned(b.size());
    CUdeviceptr da = work.in(takeBf16(a)), db = work.in(takeBf16(b)), dc = work.out<float>(64 * 64);
    for (size_t i = 0; i < b.size(); ++i)
      turned[i % depth * 64 + i / depth] = b[i];
    work.launch("wgmma_gemm", line(1, 128), da, db, dc, k);
    work.expect<float>(dc, product(a, turned, 64, 64, depth), 1e-3, 1e-3);
  }
}

void clusterExchange(Work &work) {
  std::vector<int> x = work.integers<int>(512, 0, 99), wanted(512);
  for (size_t i = 0; i < x.size(); ++i)
    wanted[i] = x[(i / 128 ^ 1) * 128 + (127 - i % 128)] + static_cast<int>(i / 128 % 2);
  CUdeviceptr in = work.in(x), out = work.out<int>(512);
  Shape shape = line(4, 128);
  shape.cluster = 2;
  work.launch("cluster_dsmem", shape, in, out);
  work.expect<int>(out, wanted);
}

void clusterHistogram(Work &work) {
  std::vector<int> x = work.integers<int>(1000, 0, 64), bins(64);
  for (int v : x)
    ++bins[static_cast<size_t>(v)];
  CUdeviceptr in = work.in(x), out = work.zero<int>(64);
  Shape shape = line(2, 128, 256);
  shape.cluster = 2;
  work.launch("cluster_hist", shape, out, 64, in, 1000);
  work.expect<int>(out, bins);
}

void multicast(Work &work) {
  std::vector<float> x = work.floats(256), wanted;
  for (size_t i = 0; i < 512; ++i)
    wanted.push_back(x[i % 256] + (i < 256 ? 101.0f : 100.0f));
  CUdeviceptr in = work.in(x), out = work.out<float>(512);
  Shape shape = line(2, 256);
  shape.cluster = 2;
  work.launch("cluster_mcast", shape, in, out);
  work.expect<float>(out, wanted, 1e-6, 1e-6);
}

void bulkReduction(Work &work) {
  std::vector<int> raw = work.integers<int>(768, 0, 9);
  std::vector<float> x(raw.begin(), raw.end()), wanted(256, 1);
  for (size_t i = 0; i < x.size(); ++i)
    wanted[i % 256] += x[i];
  CUdeviceptr in = work.in(x), out = work.in(std::vector<float>(256, 1));
  work.launch("bulk_reduce", line(3, 256), in, out);
  work.expect<float>(out, wanted);
}

void splitBarrier(Work &work) {
  std::vector<int> x = work.integers<int>(512, 0, 100), v = x;
  for (int round = 0; round < 3; ++round) {
    std::vector<int> before = v;
    for (size_t i = 0; i < v.size(); ++i)
      v[i] = before[i] * 3 + before[i / 256 * 256 + (i + 37) % 256];
  }
  CUdeviceptr in = work.in(x), out = work.out<int>(512);
  work.launch("cuda_barrier", line(2, 256), in, out, 3);
  work.expect<int>(out, v);
}

void barrierCopies(Work &work) {
  std::vector<int> x = work.integers<int>(2048, 0, 100), wanted(2048);
  for (size_t i = 0; i < x.size(); ++i)
    wanted[i] = x[i / 1024 * 1024 + (1023 - i % 1024)];
  CUdeviceptr in = work.in(x), out = work.out<int>(2048);
  work.launch("barrier_memcpy", line(2, 256), in, out);
  work.expect<int>(out, wanted);
}

void warpRoles(Work &work) {
  const int tiles = 6;
  std::vector<float> x = work.floats(tiles * 128);
  std::vector<double> sums(128);
  for (size_t i = 0; i < x.size(); ++i)
    sums[127 - i % 128] += static_cast<double>(x[i]);
  CUdeviceptr in = work.in(x), out = work.out<float>(128);
  work.launch("warp_spec90", line(1, 256), in, out, tiles);
  work.expect<float>(out, sums, 1e-5, 1e-5);
}

void matrixStore(Work &work) {
  std::vector<unsigned> x = work.integers<unsigned>(128, 0, int64_t(1) << 32), wanted(128);
  for (size_t m = 0; m < 4; ++m) // Matrix m: rows 8 (m % 2) ..., words 4 (m / 2) ...
    for (size_t lane = 0; lane < 32; ++lane)
      wanted[((m & 1) * 8 + lane / 4) * 8 + (m >> 1) * 4 + lane % 4] = x[32 * m + lane];
  CUdeviceptr in = work.in(x), out = work.out<unsigned>(128);
  work.launch("stmatrix_store", line(1, 32), in, out);
  work.expect<unsigned>(out, wanted);
}

} // namespace

std::vector<Case> hopperCases() {
  const std::string early = "asynchronous result used before its wait", proxy = "missing proxy fence",
                    busy = "overwritten while an asynchronous operation reads it", race = "shared-memory race",
                    unset = "uninitialised read", counts = "mbarrier transaction count", misuse = "mbarrier misuse";
  return {
      {"sm90/tma_bulk",
       "tma_bulk",
       bulkCopies,
       {{1, early + "|" + race}, {3, proxy}, {4, busy}},
       {1, "a copy reaches its mbarrier by the generic proxy (PTX ISA 9.3, cp.async.bulk): the proxy fence behind "
           "mbarrier.init orders nothing"}},
      {"sm90/tma_raw",
       "tma_raw",
       ring,
       {{1, early + "|" + unset},
        {2, busy + "|" + early},
        {3, early + "|" + race + "|deadlock"},
        {4, counts},
        {5, "deadlock"},
        {6, misuse}}},
      {"sm90/wgmma_gemm",
       "wgmma_gemm",
       wgmma,
       {{1, proxy},
        {2, "wgmma register touched in flight"},
        {3, "wgmma register touched in flight"},
        {4, race + "|" + unset}},
       {1, "wgmma.commit_group makes one group per warpgroup (PTX ISA, 9.7.15): who has waited for it knows that all "
           "four warps' reads are done"}},
      {"sm90/cluster_dsmem", "cluster_dsmem", clusterExchange, {{1, race + "|" + unset}, {2, "block ended too early"}}},
      {"sm90/cluster_dsmem", "cluster_hist", clusterHistogram},
      {"sm90/cluster_mcast", "cluster_mcast", multicast},
      {"sm90/bulk_reduce", "bulk_reduce", bulkReduction, {{1, proxy}, {2, race + "|" + unset}}},
      {"sm90/cuda_barrier90", "cuda_barrier", splitBarrier, {{1, race + "|" + unset}, {2, race}}},
      {"sm90/cuda_barrier90", "barrier_memcpy", barrierCopies, {{3, early + "|" + race}}},
      {"sm90/warp_spec90", "warp_spec90", warpRoles, {}, {1, "its last barrier orders nothing that is shared"}},
      {"sm90/stmatrix", "stmatrix_store", matrixStore}};
}

} // namespace imbrex::simulator::corpus
