//===- Bench.h - Launches of micro-benchmarks and their clocks - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every kernel here takes the address of its clocks (two 64-bit values a warp: begin and end of the measured part)
// and of its checksums (some 32-bit words a thread) first. Bench launches one block on every SM and reads both. The
// clock is the SM's own, so that cycles do not depend on its frequency. Not thread-safe.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_BENCHMARK_MICRO_BENCH_H
#define IMBREX_TESTS_BENCHMARK_MICRO_BENCH_H

#include "tests/support/RawDevice.h"
#include <functional>
#include <map>

namespace imbrex::micro {

/// What is told of one variant of an experiment.
struct Measurement {
  std::vector<double> cycles = {}; ///< a round's, of one pass; the median over the SMs. Empty on a simulated device
  double rate = 0;                 ///< derived from the median of `cycles` by the variant, in its own unit
  std::string note = {};
  std::string wrong = {}; ///< "" if every checksum was right
};

/// Of one launch.
struct Launched {
  unsigned blocks = 0, warps = 0; ///< warps of one block
  std::vector<uint64_t> clocks;   ///< [blocks][warps][2]
  std::vector<uint32_t> sums;     ///< [blocks][threads of a block][words]
  /// From the first begin to the last end among warps [first, last) of a block; the median over the blocks.
  double cycles(unsigned first, unsigned last) const;
};

class Bench {
public:
  /// `folder` holds ENTRY.ptx and perhaps ENTRY.cubin for compute capability 9.0.
  Bench(testing::RawDevice device, std::string folder, unsigned rounds)
      : device(std::move(device)), folder(std::move(folder)), rounds(rounds) {}

  const DeviceInfo &info() const { return device.info(); }
  bool simulated() const { return info().simulated; }
  /// Of one block an SM; one on a simulated device.
  unsigned blocks() const { return simulated() ? 1 : info().multiprocessors; }
  /// `onGpu` of something, or less of it where a simulator executes it.
  unsigned count(unsigned onGpu, unsigned simulatedCount) const { return simulated() ? simulatedCount : onGpu; }

  /// Memory that holds `words`, kept as long as the Bench.
  Result<uint64_t> constant(const std::vector<uint32_t> &words);
  /// Memory of `words` 32-bit words, each 0xffffffff, kept until read by contents().
  Result<testing::RawDevice::Memory> scratch(size_t words);
  Result<std::vector<uint32_t>> contents(const testing::RawDevice::Memory &memory);

  /// Launches `entry` once on every SM. Arguments are those behind clocks and sums; `words` checksums a thread.
  Result<Launched> launch(const std::string &entry, unsigned threads, unsigned sharedBytes, unsigned words,
                          const std::vector<testing::RawArgument> &arguments);

  /// Once to warm up and, on a GPU, once a round: `check` looks at the first, `cyclesOf` at each round's.
  Result<Measurement> measure(const std::string &entry, unsigned threads, unsigned sharedBytes, unsigned words,
                              const std::vector<testing::RawArgument> &arguments,
                              const std::function<std::string(const Launched &)> &check,
                              const std::function<double(const Launched &)> &cyclesOf);

private:
  Result<testing::RawDevice::Kernel *> kernel(const std::string &entry);

  testing::RawDevice device;
  std::string folder;
  unsigned rounds;
  std::map<std::string, testing::RawDevice::Kernel> kernels;
  std::map<std::vector<uint32_t>, testing::RawDevice::Memory> constants;
};

/// Of an even number of values the upper; needs one at least.
double median(std::vector<double> values);

/// "" if every block's sum of `word` of `words` is expected(thread) for threads [first, last), else what is not.
std::string checkSums(const Launched &launched, unsigned words, unsigned word, unsigned first, unsigned last,
                      const std::function<uint32_t(unsigned block, unsigned thread)> &expected);

} // namespace imbrex::micro

#endif // IMBREX_TESTS_BENCHMARK_MICRO_BENCH_H
