//===- Experiment.h - One form, one kernel, its operands ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is run to learn what a form computes: a kernel `k` of a few lines around the instruction, one array an
// operand and one a result, each with a slot a thread. Integer literals in a form stand for eight different
// ones, each with its own results. The same form gives the same text and the same operands everywhere.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_EXPERIMENT_H
#define IMBREX_TESTS_RECORDED_EXPERIMENT_H

#include "tests/recorded/Form.h"
#include "tests/recorded/FormList.h"
#include "tests/recorded/Values.h"
#include "tests/support/RawDevice.h"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace imbrex::recorded {

using Bytes = std::vector<uint8_t>;

/// One value, or `perThread` values, of every thread, thread after thread.
struct Array {
  ValueType type;
  unsigned perThread = 1;
  Bytes data = {};           ///< inputs only
  std::string literals = {}; ///< outputs: of the instruction that made them, "3, 17"; "" if it has none

  unsigned slotBytes() const { return type.totalBits() / 8 * perThread; }
};

/// An input that the kernel reads by a tensor map: 16 bytes a thread of 32-bit elements, of which a block's are one
/// box.
struct TensorTile {
  size_t input;
  unsigned rank; ///< 2 to 5

  /// Elements of a box, the fastest first: {4, 128}, {4, 8, 16}, {4, 8, 4, 4} or {4, 8, 4, 2, 2}.
  std::vector<unsigned> box() const;
};

struct Experiment {
  Form form;
  std::string ptx;
  testing::RawShape shape;
  std::vector<Array> inputs, outputs;
  /// Of the kernel: one pointer an array in the order the text names them, then values, then the tensor's map.
  std::vector<bool> pointerIsOutput;
  std::vector<testing::RawArgument> values;
  std::optional<TensorTile> tensor;

  size_t threads() const;
  size_t outputBytes() const; ///< of all results, one array after the other
  uint64_t kernelChecksum() const;
  uint64_t operandChecksum() const;
};

/// The experiment of a form, or why there is none.
struct ExperimentResult {
  std::optional<Experiment> experiment;
  std::string reason;
};
ExperimentResult makeExperiment(const ListedForm &listed);

/// Runs it; the outputs' bytes.
Result<Bytes> runExperiment(const testing::RawDevice &device, const Experiment &experiment);

// One family each; called by makeExperiment with a form of theirs.
ExperimentResult elementwiseExperiment(const ListedForm &listed);
ExperimentResult memoryExperiment(const ListedForm &listed);
ExperimentResult parameterExperiment(const ListedForm &listed);
ExperimentResult matrixMemoryExperiment(const ListedForm &listed);
ExperimentResult asyncCopyExperiment(const ListedForm &listed);
ExperimentResult controlExperiment(const ListedForm &listed);
ExperimentResult barrierExperiment(const ListedForm &listed);
ExperimentResult warpgroupExperiment(const ListedForm &listed);

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_EXPERIMENT_H
