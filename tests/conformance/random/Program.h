//===- Program.h - A generated tile program and its arguments ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the generator hands to the runner: a kernel's text, how it is specialised, its arguments, and
// how far each output may be off. Equal seeds give equal programs, on any machine.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_CONFORMANCE_RANDOM_PROGRAM_H
#define IMBREX_TESTS_CONFORMANCE_RANDOM_PROGRAM_H

#include "compiler/CompileOptions.h"
#include "compiler/DataType.h"
#include "compiler/Source.h"
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace imbrex::test {

/// One array argument. The last stride is 1; rows may be apart by more than they are long.
struct ArrayPlan {
  enum Contents {
    Dyadic, ///< floats: multiples of 1/8 in [-4, 4]
    Rough,  ///< floats: any value of the type in [-4, 4]
    Small,  ///< integers in [-100, 100]
    Whole,  ///< any value of the integer type
  };
  std::string name;
  DataType type = DataType::F32;
  std::optional<DataType> scaledTo = {}; ///< the type that the text declares, where the elements are scaled
  std::vector<int64_t> extents, strides; ///< strides in elements
  std::vector<std::string> symbols;      ///< how the text names each extent: a name or the number
  int64_t offset = 0;                    ///< elements before the first one
  Contents contents = Dyadic;
  bool output = false, optional = false, absent = false;
  bool inPlace = false; ///< an output that is read too, or added to
  double tolerance = 0; ///< outputs: most by which a stored element may differ
};

struct ScalarPlan {
  std::string name;
  DataType type = DataType::I32;
  double value = 0; ///< exact in `type`
};

/// A parameter behind the kernel's own, which a storage or a hook's binding adds: an array of i32 or f32, or one i32.
struct AddedPlan {
  std::string name;
  std::vector<int64_t> extents; ///< dense; empty: a scalar
  std::vector<int32_t> values;  ///< of f32 their bits
  DataType type = DataType::I32;
};

struct Program {
  uint64_t seed = 0;
  std::string text;
  std::vector<Import> imports = {};
  CompileOptions options;
  std::string device; ///< a name of simulatedDeviceNames()
  std::array<int64_t, 3> grid{1, 1, 1};
  std::vector<ArrayPlan> arrays;   ///< the kernel's parameters: arrays first,
  std::vector<ScalarPlan> scalars; ///< then scalars,
  std::vector<AddedPlan> added;    ///< then what storages, and after them bindings, add
};

Program generateProgram(uint64_t seed);

/// Runs the program on the reference interpreter and, as PTX, on its simulated device, or on the device that
/// RunMode.h names. Returns "" if
/// all outputs agree and nothing else was written, or if the compiler refuses the program's size, which is
/// printed; else what went wrong.
std::string runProgram(const Program &program);

} // namespace imbrex::test

#endif // IMBREX_TESTS_CONFORMANCE_RANDOM_PROGRAM_H
