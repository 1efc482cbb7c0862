//===- KernelText.h - Writing one experiment's kernel --------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Collects lines of PTX and the arrays that they read and write. `thread()` is a register with the thread's
// number in the grid, `%tid.x` its number in the block.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_KERNELTEXT_H
#define IMBREX_TESTS_RECORDED_KERNELTEXT_H

#include "tests/recorded/Experiment.h"

namespace imbrex::recorded {

class KernelText {
public:
  static constexpr unsigned kBlock = 128;                               ///< threads
  static constexpr size_t kMostOutputBytes = 6144, kMostThreads = 4096; ///< of a recording's form

  explicit KernelText(const ListedForm &listed);

  const Form &form() const { return made.form; }
  /// A new register: bits 1, 16, 32 or 64.
  std::string fresh(unsigned bits);
  void line(const std::string &text) { body += "  " + text + ";\n"; }
  void label(const std::string &name) { body += name + ":\n"; }
  void declareShared(unsigned bytes);           ///< named `buffer`
  void declareBarrier(const std::string &name); ///< 8 bytes of shared memory
  void limitRegisters(unsigned count);          ///< a thread's; the block's size is then told too
  const std::string &thread() const { return threadRegister; }
  /// A .b64 register with `array + thread * slotBytes`.
  std::string inputAddress(const OperandPlan &plan, unsigned perThread = 1);
  std::string outputAddress(const Array &array);
  /// A register with the thread's value of a new input.
  std::string input(const OperandPlan &plan);
  /// Stores a register as the thread's value of a new output. A predicate is stored as 0 or 1.
  void output(const std::string &reg, ValueType type, const std::string &literals = "");
  /// "@%p5 " for a guarded form, with a predicate from a new input; else "".
  std::string guard();
  /// A kernel parameter after the arrays; its name.
  std::string parameter(const std::string &type, testing::RawArgument value);
  /// A new input of 16 bytes a thread as a tensor of `rank` dimensions, 2 to 5, a box of it a block; the parameter.
  std::string tensorMap(const OperandPlan &plan, unsigned rank);
  /// For %tid.y and its like: blocks and grid of three dimensions.
  void useThreeDimensions();

  /// Chooses the number of threads and makes the operands.
  ExperimentResult finish();

private:
  std::string pointer(bool output);
  void fillInputs(size_t threads);

  std::string target, body, declarations, directives, valueParameters, threadRegister;
  unsigned names = 0;
  Experiment made;
  std::vector<OperandPlan> plans;
};

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_KERNELTEXT_H
