//===- MemoryCases.cpp - Kernels about memory and its order ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Locks, flags, last blocks, grid barriers and races in global memory; local arrays, padding, calls.
//
//===----------------------------------------------------------------------===//

#include "tests/runtime/simulator/corpus/Corpus.h"

#include <algorithm>
#include <numeric>

namespace imbrex::simulator::corpus {
namespace {

void acquireRelease(Work &work) {
  std::vector<int> x = work.integers<int>(32, 0, 99), wanted;
  for (int v : x)
    wanted.push_back(2 * v);
  CUdeviceptr in = work.in(x), out = work.out<int>(32);
  work.launch("acquire_release", line(1, 64), in, out);
  work.expect<int>(out, wanted);
}

void fenceFlag(Work &work) {
  CUdeviceptr in = work.in(std::vector<int>{7}), out = work.out<int>(1);
  work.launch("fence_flag", line(1, 64), in, out);
  work.expect<int>(out, std::vector<int>{7});
}

void globalRace(Work &work) {
  const int n = 300;
  std::vector<float> x = work.floats(n), wanted;
  for (size_t i = 0; i + 1 < n; ++i)
    wanted.push_back(2 * x[i + 1]);
  CUdeviceptr a = work.in(x), b = work.out<float>(n);
  work.launch("global_race", line(3, 128), a, b, n);
  work.expect<float>(b, wanted);
}

void spinLock(Work &work) {
  CUdeviceptr lock = work.zero<int>(1), value = work.zero<int>(1), log = work.out<int>(16);
  work.launch("spin_lock", line(4, 128), lock, value, log);
  work.expect<int>(value, std::vector<int>{16});
  std::vector<int> order = work.get<int>(log, 16), wanted;
  std::sort(order.begin(), order.end());
  for (int block = 0; block < 4; ++block)
    for (int warp = 0; warp < 4; ++warp)
      wanted.push_back(100 * block + warp);
  work.compare(order, wanted);
}

void laneLock(Work &work) {
  CUdeviceptr lock = work.zero<int>(1), value = work.zero<int>(1);
  work.launch("lane_lock", line(1, 64), lock, value);
  work.expect<int>(value, std::vector<int>{64 * 63 / 2});
}

void lastBlock(Work &work) {
  const int n = 3000;
  std::vector<float> x = work.floats(n);
  CUdeviceptr in = work.in(x), partial = work.out<float>(10), out = work.out<float>(1);
  work.launch("last_block", line(10, 128), in, partial, out, n);
  work.expect<float>(out, std::vector<double>{std::accumulate(x.begin(), x.end(), 0.0)}, 1e-3, 1e-3);
}

void lookBack(Work &work) {
  std::vector<int> x = work.integers<int>(2048, 0, 9), sums(2048);
  std::partial_sum(x.begin(), x.end(), sums.begin());
  CUdeviceptr in = work.in(x), out = work.out<int>(2048), prefix = work.zero<int>(8), ready = work.zero<int>(8);
  work.launch("lookback", line(8, 256), in, out, prefix, ready);
  work.expect<int>(out, sums);
}

void gridSync(Work &work) {
  const int n = 512;
  std::vector<int> a = work.integers<int>(n, 0, 50), wanted = a, b(n);
  for (int round = 0; round < 4; ++round) {
    for (size_t i = 0; i < n; ++i)
      b[i] = wanted[(i + 160) % n] + 1;
    for (size_t i = 0; i < n; ++i)
      wanted[i] = 2 * b[(i + n - 160) % n];
  }
  CUdeviceptr in = work.in(a), other = work.out<int>(n);
  Shape together = line(4, 128);
  together.cooperative = true;
  work.launch("grid_sync", together, in, other, n);
  work.expect<int>(in, wanted);
}

void atomics(Work &work) {
  const int n = 256, sum = n * (n - 1) / 2;
  CUdeviceptr i = work.in(std::vector<int>{0, 0, 5, 5, -1, 0, 0, 0, 0, 0}), u = work.in(std::vector<unsigned>{0, 3, 1}),
              f = work.in(std::vector<float>{0, -1}), d = work.zero<double>(1),
              wide = work.in(std::vector<uint64_t>{0, 0, 5}), h = work.zero<uint16_t>(2);
  work.launch("atomics_all", line(2, 128), i, u, f, d, wide, h);
  unsigned up = 0, down = 3, all = 0, exclusive = 0;
  for (unsigned t = 0; t < n; ++t) { // CUDA programming guide: atomicInc, atomicDec.
    up = up >= 100 ? 0 : up + 1;
    down = down == 0 || down > 50 ? 50 : down - 1;
    all |= t;
    exclusive ^= t;
  }
  work.expect<int>(i, std::vector<int>{sum, -sum, -255, 255, static_cast<int>(~all), static_cast<int>(all),
                                       static_cast<int>(exclusive), n / 2, n / 2, n});
  work.expect<unsigned>(u, std::vector<unsigned>{up, down, 77});
  work.expect<float>(f, std::vector<float>{128, 255});
  work.expect<double>(d, std::vector<double>{64});
  work.expect<uint64_t>(wide, std::vector<uint64_t>{static_cast<uint64_t>(sum) << 20, uint64_t(255) << 33, 6});
  work.expect<uint16_t>(h, std::vector<uint16_t>{0x5c00, 0x5800}); // 256 and 128 as f16.
}

void localArray(Work &work) {
  std::vector<int> x = work.integers<int>(1024, 0, 1000), sorted = x, order(16);
  std::iota(order.begin(), order.end(), 0);
  std::reverse(order.begin() + 3, order.end());
  for (size_t row = 0; row < 64; ++row)
    std::sort(&sorted[row * 16], &sorted[row * 16] + 16);
  CUdeviceptr in = work.in(x), out = work.out<int>(1024), at = work.in(order);
  work.launch("local_array", line(2, 32), in, out, at, 64);
  work.expect<int>(out, sorted);
}

void copyPadded(Work &work) {
  const int n = 40;
  CUdeviceptr p = work.out<double>(2 * n), q = work.out<double>(2 * n), m = work.out<int>(3 * n),
              r = work.out<int>(3 * n);
  work.launch("make_padded", line(1, 64), p, m, n);
  work.launch("copy_padded", line(1, 64), p, q, m, r, n);
  std::vector<double> got = work.get<double>(q, 2 * n), numbers, wanted;
  for (size_t t = 0; t < n; ++t) {
    numbers.push_back(got[2 * t]);
    wanted.push_back(0.5 * static_cast<double>(n - 1 - t));
  }
  work.compare(numbers, wanted);
}

void discard(Work &work) {
  const int n = 50;
  std::vector<float> x = work.floats(64), wanted;
  for (size_t t = 0; t < 64; ++t)
    wanted.push_back(t + 1 < n ? x[t + 1] : -1);
  CUdeviceptr in = work.in(x), out = work.out<float>(64);
  work.launch("discard", line(1, 64), in, out, n);
  work.expect<float>(out, wanted);
}

void functionPointers(Work &work) {
  std::vector<int> raw = work.integers<int>(32, 1, 5), which = work.integers<int>(32, 0, 6);
  std::vector<float> x(raw.begin(), raw.end()), wanted;
  for (size_t i = 0; i < 32; ++i) {
    float v = x[i], called = which[i] % 3 == 0 ? v + 1 : which[i] % 3 == 1 ? v * 2 : v * v;
    wanted.push_back(called + (which[i] & 1 ? v * v : 3 * v * v));
  }
  CUdeviceptr in = work.in(x), choice = work.in(which), out = work.out<float>(32);
  work.launch("fn_pointers", line(1, 32), in, choice, out, 32);
  work.expect<float>(out, wanted, 1e-6);
}

void recursion(Work &work) {
  std::vector<int> fibonacci = {0, 1}, wanted;
  while (fibonacci.size() < 12)
    fibonacci.push_back(fibonacci[fibonacci.size() - 1] + fibonacci[fibonacci.size() - 2]);
  for (size_t t = 0; t < 32; ++t)
    wanted.push_back(fibonacci[t % 12]);
  CUdeviceptr out = work.out<int>(32);
  work.launch("recursion", line(1, 32), out);
  work.expect<int>(out, wanted);
}

} // namespace

std::vector<Case> memoryCases() {
  const std::string race = "global-memory race", unset = "uninitialised read", bounds = "out of bounds";
  return {{"sm80/acquire_release", "acquire_release", acquireRelease, {{1, "shared-memory race"}}},
          {"sm80/acquire_release", "fence_flag", fenceFlag},
          {"sm80/global_race",
           "global_race",
           globalRace,
           {{1, race},
            {3, race + "|" + unset},
            {4, "misaligned access"},
            {5, bounds},
            {6, "endless loop|instruction budget exceeded"},
            {7, bounds + "|trap"}}},
          {"sm80/spin_lock", "spin_lock", spinLock, {{1, race}}},
          {"sm80/spin_lock", "lane_lock", laneLock},
          {"sm80/last_block",
           "last_block",
           lastBlock,
           {{1, race}},
           {2, "nobody but its writer reads the sum behind the last barrier"}},
          {"sm80/lookback", "lookback", lookBack},
          {"sm80/grid_sync",
           "grid_sync",
           gridSync,
           {},
           {2, "nothing follows the last grid.sync(), so neither of its barriers orders anything"}},
          {"sm80/atomics_all", "atomics_all", atomics},
          {"sm80/local_array", "local_array", localArray, {{1, unset}, {2, bounds}}},
          {"sm80/padding", "copy_padded", copyPadded},
          {"sm80/padding", "discard", discard},
          {"sm80/fn_pointers", "fn_pointers", functionPointers},
          {"sm80/recursion", "recursion", recursion}};
}

} // namespace imbrex::simulator::corpus
