//===- Experiment.h - The questions that micro-benchmarks answer -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An experiment is a question and its variants; a variant is one row of the answer. Which kernels there are is read
// from the folder: an entry's name EXPERIMENT_... tells its parameters. Method and how to read the answers: README.md.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_BENCHMARK_MICRO_EXPERIMENT_H
#define IMBREX_TESTS_BENCHMARK_MICRO_EXPERIMENT_H

#include "tests/benchmark/micro/Bench.h"

namespace imbrex::micro {

struct Variant {
  std::string entry; ///< the kernel
  std::string name;  ///< unique in the experiment; no blanks
  std::vector<std::pair<std::string, int64_t>> shape;
  std::string rateUnit; ///< of Measurement::rate
  std::function<Result<Measurement>(Bench &)> measure;
};

struct Experiment {
  std::string name, question;
  std::vector<Variant> variants;
};

/// The parts of an entry's name, which '_' separates.
std::vector<std::string> partsOf(const std::string &entry);

// Variants of the kernel `entry`, whose name begins with the experiment's.
std::vector<Variant> exponentials(const std::string &entry);
std::vector<Variant> queue(const std::string &entry);
std::vector<Variant> ports(const std::string &entry);
std::vector<Variant> shared(const std::string &entry);

/// All experiments over the kernels in the folder, in a fixed order.
std::vector<Experiment> experimentsOf(const std::string &folder);

/// What a thread's part of a product sums up to (bits of a float): 64 x `columns`, `steps` steps of 16 along K, by
/// the operands that kernels/operands.ptx.in makes. Exact.
uint32_t productSum(unsigned columns, unsigned steps, unsigned thread);

/// Tensor cycles of one step 64 x columns x 16 at 4096 bf16 operations a clock and SM.
inline double tensorCycles(unsigned columns) { return columns / 2.0; }

/// Cycles of one pass of kernels/product.ptx.in at the full rate, whatever its shape.
constexpr double kPassCycles = 512;

} // namespace imbrex::micro

#endif // IMBREX_TESTS_BENCHMARK_MICRO_EXPERIMENT_H
