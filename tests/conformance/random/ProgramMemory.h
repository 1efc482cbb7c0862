//===- ProgramMemory.h - The memory of a generated program ------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arrays as bytes, as they are before a run and as two runs leave them. Between rows, and before them, lie
// bytes of ones (NaN as a float): a load that strays is seen in the result, a store that strays in the
// comparison.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_CONFORMANCE_RANDOM_PROGRAMMEMORY_H
#define IMBREX_TESTS_CONFORMANCE_RANDOM_PROGRAMMEMORY_H

#include "tests/conformance/random/Program.h"

namespace imbrex::test {

using Bytes = std::vector<uint8_t>;

/// One a array of the program, in its order.
std::vector<Bytes> initialMemory(const Program &program);

/// Runs `tileText`, the program at stage tile or what passes on tiles made of it, on the reference interpreter.
/// "" or what went wrong. `errors`, if given: for each array, what ViewData::errors says of it.
std::string interpretProgram(const Program &program, const std::string &tileText, std::vector<Bytes> &memory,
                             std::vector<std::vector<double>> *errors = nullptr);

/// What the two sides make of the same memory.
struct Outcome {
  std::string error;      ///< "" if both ran
  bool isRefused = false; ///< for its size, by the compiler
  std::vector<Bytes> expected, actual;
  std::vector<std::vector<double>> errors; ///< bounds, if asked for
};
/// Runs the program on `initial` (RunProgram.cpp).
Outcome runBoth(const Program &program, const std::vector<Bytes> &initial, bool withErrors);

/// The elements of a view of floats, row-major over its extents.
std::vector<double> viewOf(const ArrayPlan &plan, const Bytes &bytes);

/// "" if all agree: floats within their array's tolerance, everything else in every byte.
std::string compareMemory(const Program &program, const std::vector<Bytes> &expected, const std::vector<Bytes> &actual);

/// Of an array without gaps.
std::vector<int64_t> denseStrides(const std::vector<int64_t> &extents);

/// Writes one element: `value` of a float, `integer` of any other type.
void encodeElement(uint8_t *to, DataType type, double value, int64_t integer);

} // namespace imbrex::test

#endif // IMBREX_TESTS_CONFORMANCE_RANDOM_PROGRAMMEMORY_H
