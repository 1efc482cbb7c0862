//===- WarpCases.cpp - Kernels whose lanes work together ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Votes, shuffles, matches, parts of shared memory that one warp owns, and correct kernels with unusual
// synchronisation.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/simulator/corpus/Corpus.h"

#include <algorithm>
#include <numeric>

namespace imbrex::simulator::corpus {
namespace {

void warpShared(Work &work) {
  std::vector<int> x = work.integers<int>(512, 0, 100), v = x;
  for (int round = 0; round < 3; ++round) {
    std::vector<int> before = v;
    for (size_t i = 0; i < v.size(); ++i)
      v[i] = before[i] * 3 + before[(i & ~size_t(31)) | ((i + 7) & 31)];
  }
  CUdeviceptr in = work.in(x), out = work.out<int>(512);
  work.launch("warp_shared", line(2, 256), in, out);
  work.expect<int>(out, v);
}

void shuffleHalf(Work &work) {
  std::vector<float> x = work.floats(32);
  CUdeviceptr in = work.in(x), out = work.out<float>(1);
  work.launch("shfl_partial", line(1, 32), in, out);
  work.expect<float>(out, std::vector<double>{std::accumulate(x.begin(), x.begin() + 16, 0.0)}, 1e-5, 1e-5);
}

void shuffleShortWarp(Work &work) {
  std::vector<float> x = work.floats(48);
  CUdeviceptr in = work.in(x), out = work.out<float>(2);
  work.launch("shfl_short_warp", line(1, 48), in, out);
  std::vector<double> sums = {std::accumulate(x.begin(), x.begin() + 32, 0.0),
                              std::accumulate(x.begin() + 32, x.end(), 0.0)};
  work.expect<float>(out, sums, 1e-5, 1e-5);
}

void votes(Work &work) {
  std::vector<int> x = work.integers<int>(256, -60, 60), wanted;
  x[100] = 42;
  for (size_t i = 0; i < x.size(); ++i) {
    auto block = x.begin() + static_cast<long>(i / 128 * 128), warp = x.begin() + static_cast<long>(i / 32 * 32);
    unsigned ballot = 0;
    for (unsigned k = 0; k < 32; ++k)
      ballot |= static_cast<unsigned>(warp[k] & 1) << k;
    wanted.push_back(static_cast<int>(std::count_if(block, block + 128, [](int v) { return v > 0; })));
    wanted.push_back(1);
    wanted.push_back(std::find(block, block + 128, 42) != block + 128);
    wanted.push_back(static_cast<int>(ballot));
    wanted.push_back(*std::max_element(warp, warp + 32) > 50);
    wanted.push_back(*std::max_element(warp, warp + 32) < 50);
  }
  CUdeviceptr in = work.in(x), out = work.out<int>(wanted.size());
  work.launch("sync_votes", line(2, 128), in, out);
  work.expect<int>(out, wanted);
}

void matches(Work &work) {
  std::vector<int> x = work.integers<int>(32, -3, 3);
  std::vector<unsigned> wanted;
  int sum = std::accumulate(x.begin(), x.end(), 0);
  unsigned most = 0, exclusive = 0;
  for (int v : x) {
    most = std::max(most, static_cast<unsigned>(v));
    exclusive ^= static_cast<unsigned>(v);
  }
  for (size_t t = 0; t < 32; ++t) {
    unsigned equal = 0;
    for (unsigned k = 0; k < 32; ++k)
      equal |= static_cast<unsigned>(x[k] == x[t]) << k;
    auto half = x.begin() + (t & 16);
    int next = x[(t & 16) | ((t + 1) & 15)] + (t % 3 == 0 ? 11 : 0);
    for (int v : {static_cast<int>(equal), -1, 1, sum, *std::min_element(x.begin(), x.end()), static_cast<int>(most),
                  static_cast<int>(exclusive), std::accumulate(half, half + 16, 0), static_cast<int>(equal), x[t ^ 5],
                  t % 8 >= 3 ? x[t - 3] : x[t], next})
      wanted.push_back(static_cast<unsigned>(v));
  }
  CUdeviceptr in = work.in(x), out = work.out<unsigned>(wanted.size());
  work.launch("match_redux", line(1, 32), in, out);
  work.expect<unsigned>(out, wanted);
}

/// A kernel of sm80/tricky.cu with one input and one output of integers.
void tricky(Work &work, const char *kernel, const std::vector<int> &x, const std::vector<int> &wanted) {
  CUdeviceptr in = work.in(x), out = work.out<int>(wanted.size());
  work.launch(kernel, line(1, static_cast<unsigned>(x.size())), in, out);
  work.expect<int>(out, wanted);
}

void oddBlock(Work &work) {
  std::vector<int> x = work.integers<int>(100, 0, 99), wanted(100);
  for (size_t t = 0; t < 100; ++t)
    wanted[t] = 2 * x[99 - (t + 1) % 100];
  tricky(work, "odd_block", x, wanted);
}

void earlyReturn(Work &work) {
  std::vector<int> x = work.integers<int>(77, 0, 99), wanted(x.rbegin(), x.rend());
  CUdeviceptr in = work.in(x), out = work.out<int>(77);
  work.launch("early_return", line(1, 128), in, out, 77);
  work.expect<int>(out, wanted);
}

void twoPlaces(Work &work) {
  std::vector<int> x = work.integers<int>(64, 0, 99), wanted(64);
  for (size_t t = 0; t < 64; ++t)
    wanted[t] = t < 32 ? 3 * x[t + 32] : x[t - 32];
  tricky(work, "two_places", x, wanted);
}

void doneFlag(Work &work) {
  std::vector<int> x = work.integers<int>(128, 0, 9);
  tricky(work, "done_flag", x, std::vector<int>(128, *std::max_element(x.begin(), x.end())));
}

void halfWarpRoles(Work &work) {
  std::vector<int> x = work.integers<int>(32, 0, 99), wanted(32);
  for (size_t t = 0; t < 32; ++t)
    wanted[t] = 2 * (t < 16 ? x[16 + (t ^ 1)] : x[t]);
  tricky(work, "half_warp_roles", x, wanted);
}

void laneProducer(Work &work) {
  for (const char *kernel : {"lane_producer", "lane_producer2"}) {
    std::vector<int> wanted(34);
    wanted[0] = 6;
    wanted[32] = 1;
    wanted[33] = 5;
    CUdeviceptr in = work.in(std::vector<int>{5}), out = work.zero<int>(34);
    work.launch(kernel, line(1, 32), in, out);
    work.expect<int>(out, wanted);
  }
}

void criticalSection(Work &work) {
  CUdeviceptr lock = work.zero<int>(1), sum = work.zero<int>(1);
  work.launch("critical_section", line(2, 64), lock, sum);
  work.expect<int>(sum, std::vector<int>{128});
}

void namedSubset(Work &work) {
  std::vector<int> x = work.integers<int>(128, 0, 99), wanted(128);
  for (size_t t = 0; t < 128; ++t)
    wanted[127 - t] = x[t / 64 * 64 + (63 - t % 64)];
  tricky(work, "named_subset", x, wanted);
}

void barrierInLoop(Work &work) {
  const int rounds = 7;
  std::vector<int> x = work.integers<int>(96, 0, 99), shared(96), sums(96);
  for (size_t i = 0; i < rounds; ++i) {
    for (size_t t = 0; t < 96; ++t)
      if ((t + i) % 3 == 0)
        shared[t] = x[t] + static_cast<int>(i);
    for (size_t t = 0; t < 96; ++t)
      sums[t] += t % 2 ? shared[(t + i) % 96] : -shared[t * 5 % 96];
  }
  CUdeviceptr in = work.in(x), out = work.out<int>(96);
  work.launch("barrier_in_loop", line(1, 96), in, out, rounds);
  work.expect<int>(out, sums);
}

} // namespace

std::vector<Case> warpCases() {
  const std::string race = "shared-memory race", unset = "uninitialised read";
  return {{"sm80/warp_shared",
           "warp_shared",
           warpShared,
           {{1, race + "|" + unset}, {2, race}, {3, race + "|" + unset}, {4, race}},
           {1, "nothing is written behind the last round"}},
          {"sm80/shfl_partial", "shfl_partial", shuffleHalf},
          {"sm80/shfl_partial", "shfl_short_warp", shuffleShortWarp},
          {"sm80/sync_votes", "sync_votes", votes},
          {"sm80/match_redux", "match_redux", matches},
          {"sm80/tricky", "odd_block", oddBlock},
          {"sm80/tricky", "early_return", earlyReturn},
          {"sm80/tricky", "two_places", twoPlaces},
          {"sm80/tricky", "done_flag", doneFlag},
          {"sm80/tricky", "half_warp_roles", halfWarpRoles, {}, {1, "the words that are written were read by nobody"}},
          {"sm80/tricky", "lane_producer", laneProducer},
          {"sm80/tricky", "critical_section", criticalSection},
          {"sm80/tricky", "named_subset", namedSubset},
          {"sm80/tricky", "barrier_in_loop", barrierInLoop}};
}

} // namespace imbrex::simulator::corpus
