//===- StrangeCases.cpp - Right kernels of unusual kinds ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Short warps, groups by value, rings with back-off, algorithms of groups, recursion by lanes, named barriers, phases
// of a grid, the device's heap, bytes at any address, and a ring of blocks.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/simulator/corpus/Corpus.h"

#include <algorithm>
#include <numeric>

namespace imbrex::simulator::corpus {
namespace {

void registerSort(Work &work) {
  std::vector<int> x = work.integers<int>(72, -1000, 1000), wanted = x;
  for (size_t begin = 0; begin < x.size(); begin += 32)
    std::sort(wanted.begin() + static_cast<long>(begin),
              wanted.begin() + static_cast<long>(std::min(begin + 32, x.size())));
  CUdeviceptr in = work.in(x), out = work.out<int>(72);
  work.launch("register_sort", line(1, 72), in, out);
  work.expect<int>(out, wanted);
}

void groupedPlaces(Work &work) {
  constexpr size_t n = 320;
  std::vector<int> bins = work.integers<int>(n, 0, 7), wanted(7);
  for (int bin : bins)
    ++wanted[static_cast<size_t>(bin)];
  CUdeviceptr in = work.in(bins), counts = work.zero<int>(7), places = work.out<int>(n);
  work.launch("grouped_places", line(4, 80), in, counts, places);
  work.expect<int>(counts, wanted);
  std::vector<int> got = work.get<int>(places, n);
  std::vector<std::vector<int>> byBin(7), every(7);
  for (size_t i = 0; i < n; ++i)
    byBin[static_cast<size_t>(bins[i])].push_back(got[i]);
  for (size_t bin = 0; bin < 7; ++bin) {
    std::sort(byBin[bin].begin(), byBin[bin].end());
    every[bin].resize(byBin[bin].size());
    std::iota(every[bin].begin(), every[bin].end(), 0);
    work.compare(byBin[bin], every[bin]);
  }
}

void slowRing(Work &work) {
  constexpr int count = 11;
  std::vector<int> x = work.integers<int>(count * 32, 0, 1000), wanted(count * 32);
  for (size_t i = 0; i < x.size(); ++i)
    wanted[i] = 2 * x[i / 32 * 32 + 31 - i % 32];
  CUdeviceptr in = work.in(x), out = work.out<int>(x.size());
  work.launch("slow_ring", line(1, 64), in, out, count);
  work.expect<int>(out, wanted);
}

void tileAlgebra(Work &work) {
  std::vector<int> x = work.integers<int>(96, -9, 10), sums(12), scans(96), sizes(96);
  for (size_t i = 0; i < 96; ++i) {
    auto tile = x.begin() + static_cast<long>(i / 8 * 8), at = x.begin() + static_cast<long>(i);
    auto isLike = [&](int v) { return (v > 0) == (*at > 0); };
    sums[i / 8] += *at;
    scans[i] = std::accumulate(tile, at + 1, 0);
    sizes[i] = static_cast<int>(100 * std::count_if(tile, tile + 8, isLike) + std::count_if(tile, at, isLike));
  }
  CUdeviceptr in = work.in(x), s = work.out<int>(12), c = work.out<int>(96), z = work.out<int>(96);
  work.launch("tile_algebra", line(1, 96), in, s, c, z);
  work.expect<int>(s, sums);
  work.expect<int>(c, scans);
  work.expect<int>(z, sizes);
}

int ackermann(int m, int n) {
  return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

void laneRecursion(Work &work) {
  std::vector<int> wanted;
  for (int t = 0; t < 40; ++t)
    wanted.push_back(ackermann(t % 3, t % 5));
  CUdeviceptr out = work.out<int>(40);
  work.launch("lane_recursion", line(1, 40), out);
  work.expect<int>(out, wanted);
}

void pairedBarriers(Work &work) {
  std::vector<int> x = work.integers<int>(128, 0, 1000), s(128), wanted(128);
  for (size_t t = 0; t < 128; ++t)
    s[t] = 3 * x[t / 64 * 64 + 63 - t % 64];
  for (size_t t = 0; t < 128; ++t)
    wanted[t] = s[127 - t];
  CUdeviceptr in = work.in(x), out = work.out<int>(128);
  work.launch("paired_barriers", line(1, 128), in, out);
  work.expect<int>(out, wanted);
}

void gridPhases(Work &work) {
  constexpr int n = 200, phases = 3;
  std::vector<float> a = work.floats(n), b(n);
  CUdeviceptr x = work.in(a), y = work.out<float>(256);
  Shape shape = line(4, 64);
  shape.cooperative = true;
  work.launch("grid_phases", shape, x, y, n, phases);
  for (int phase = 0; phase < phases; ++phase) {
    for (size_t t = 0; t < n; ++t)
      b[t] = 0.5f * a[t] + 0.25f * (a[(t + 1) % n] + a[(t + n - 1) % n]);
    std::swap(a, b);
  }
  work.expect<float>(y, a, 1e-6, 1e-6);
}

void heapList(Work &work) {
  CUdeviceptr out = work.out<int>(2);
  work.launch("heap_list", line(1, 80), out);
  work.expect<int>(out, std::vector<int>{80, 80 * 79 / 2});
}

void bytePlay(Work &work) {
  constexpr int n = 199;
  std::vector<uint8_t> x = work.integers<uint8_t>(n, 0, 256);
  std::vector<unsigned> wanted;
  for (unsigned t = 0; t < 64; ++t) {
    uint8_t own[16];
    std::memcpy(own, x.data() + t * 3 % (n - 16), 16);
    std::memmove(own + 1, own, 12);
    unsigned word, reversed = 0, bytes[8];
    std::memcpy(&word, own + 5, 4);
    for (unsigned bit = 0; bit < 32; ++bit)
      reversed |= (word >> bit & 1) << (31 - bit);
    for (unsigned k = 0; k < 8; ++k)
      bytes[k] = (k < 4 ? word >> 8 * k : t >> 8 * (k - 4)) & 255;
    wanted.push_back(reversed ^ (bytes[1] | bytes[2] << 8 | bytes[0] << 16 | bytes[4] << 24));
  }
  CUdeviceptr in = work.in(x), out = work.out<unsigned>(64);
  work.launch("byte_play", line(1, 64, n), in, out, n);
  work.expect<unsigned>(out, wanted);
}

void clusterRing(Work &work) {
  std::vector<int> x = work.integers<int>(8 * 64, 0, 1000), wanted(2 * 2 * 64);
  for (size_t i = 0; i < x.size(); ++i)
    wanted[i / 256 * 64 + i % 64] += x[i];
  for (size_t i = 0; i < 128; ++i)
    wanted[128 + i] = wanted[i] + 4;
  CUdeviceptr in = work.in(x), out = work.out<int>(256);
  Shape shape = line(8, 64);
  shape.cluster = 4;
  work.launch("cluster_ring", shape, in, out);
  work.expect<int>(out, wanted);
}

} // namespace

std::vector<Case> strangeCases() {
  return {
      {"sm80/strange", "register_sort", registerSort},
      {"sm80/strange", "grouped_places", groupedPlaces},
      {"sm80/strange",
       "slow_ring",
       slowRing,
       {},
       {3, "not found: a fence that all lanes execute counts for all of them, whichever lane sets or polls the flag"}},
      {"sm80/strange", "tile_algebra", tileAlgebra},
      {"sm80/strange", "lane_recursion", laneRecursion},
      {"sm80/strange", "paired_barriers", pairedBarriers},
      {"sm80/strange", "grid_phases", gridPhases},
      {"sm80/strange", "heap_list", heapList},
      {"sm80/strange", "byte_play", bytePlay},
      {"sm90/cluster_ring", "cluster_ring", clusterRing}};
}

} // namespace imbrex::simulator::corpus
