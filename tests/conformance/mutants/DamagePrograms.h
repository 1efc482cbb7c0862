//===- DamagePrograms.h - Kernels whose PTX is damaged ---------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels with their arguments, run on the simulated device with a change to their PTX.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_CONFORMANCE_MUTANTS_DAMAGEPROGRAMS_H
#define IMBREX_TESTS_CONFORMANCE_MUTANTS_DAMAGEPROGRAMS_H

#include "compiler/DataType.h"
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace imbrex::testing {

using Lines = std::vector<std::string>;

struct Tensor {
  std::string name;
  DataType type;
  std::vector<int64_t> shape;
  bool isOutput = false;
  bool isPool = false; ///< of pages, the first two extents: a sequence that lacks a few rows of the last, backwards
};

struct Program {
  std::string name, path; ///< of the kernels' folder; empty: `text`
  std::string text;
  std::vector<std::pair<std::string, int64_t>> tuning;
  std::string mask;
  std::vector<Tensor> tensors;
  std::vector<std::pair<std::string, float>> scalars;
  std::string device = "sim:a100";
  std::string kernel = {}; ///< where the file has several
};

std::vector<Program> programs();

struct Outcome {
  std::string fault; ///< empty: the launch went well
  std::vector<std::vector<uint8_t>> outputs;
};

/// Runs a program with its PTX changed by `damage`; seeds order the warps.
Outcome run(const Program &program, const std::function<void(Lines &)> &damage, unsigned seed);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_CONFORMANCE_MUTANTS_DAMAGEPROGRAMS_H
