//===- Interpret.h - Kernels as text, arrays as numbers ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the interpreter's tests share: host arrays of any element type seen as doubles, a kernel parsed
// from text and run, and one-liners that run a single element-wise operation on lists of numbers.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_COMPILER_REFERENCE_INTERPRET_H
#define IMBREX_TESTS_COMPILER_REFERENCE_INTERPRET_H

#include "compiler/reference/Reference.h"
#include <string>
#include <vector>

namespace imbrex::test {

/// A row-major array. Elements are set and read as doubles; f16 and bf16 take exact values only.
class Array {
public:
  Array(DataType type, std::vector<int64_t> extents, const std::vector<double> &values = {});
  reference::ViewData view();
  double get(size_t index) const;
  void set(size_t index, double value);
  std::vector<double> all() const;
  size_t size() const { return count; }

private:
  DataType type;
  std::vector<int64_t> extents;
  size_t count;
  std::vector<uint8_t> bytes;
};

/// Parses and verifies `text`, one kernel, and runs it. Returns the interpreter's error, "" if none, or
/// "text: " and the diagnostic where the text is not valid.
std::string runKernel(const std::string &text, std::array<int64_t, 3> grid,
                      const std::vector<reference::Argument> &arguments,
                      const reference::InterpreterOptions &options = {});

/// The result of `operation` on tiles %a, %b, %c of element type `from` holding `inputs`, as tiles of element
/// type `to`. In `operation`, IN and OUT stand for the tile types. Records a test failure on an error.
std::vector<double> elementwise(const std::string &operation, DataType from, DataType to,
                                const std::vector<std::vector<double>> &inputs);
/// The same, but returns the error, which must be there.
std::string elementwiseError(const std::string &operation, DataType from, DataType to,
                             const std::vector<std::vector<double>> &inputs);

} // namespace imbrex::test

#endif // IMBREX_TESTS_COMPILER_REFERENCE_INTERPRET_H
