//===- Npy.h - Arrays in .npy files --------------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads and writes NumPy's .npy files (format 1.0 to 3.0), and converts between what such files can
// hold and the element types of kernels. Little-endian only.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_NPY_H
#define IMBREX_TOOLS_IMBREX_NPY_H

#include "compiler/DataType.h"
#include <cstdint>
#include <string>
#include <vector>

namespace imbrex::npy {

/// An array in C order, whatever the order of the file was.
struct Array {
  std::string descr; ///< NumPy's element type without byte order: f2 f4 f8 i1 i4 i8 b1, raw bits u1 u2
  std::vector<int64_t> shape;
  std::vector<char> data;

  unsigned elementBytes() const { return descr[1] - '0'; }
  int64_t elements() const;
};

/// The array in `path`; `error` says what is wrong where there is none.
bool read(const std::string &path, Array &array, std::string &error);
bool write(const std::string &path, const Array &array, std::string &error);

/// The elements as `type`: floats rounded to nearest even; u2 as raw bits of bf16 (or f16), u1 as raw bits of
/// bool, i8 and the floats of 8 bits. False with `error` where the file's type cannot stand for `type`.
bool toElements(const Array &array, DataType type, std::vector<char> &elements, std::string &error);

/// Elements of `type` as an array; bf16 and the floats of 8 bits become f4, the others keep their type.
Array fromElements(const std::vector<char> &elements, DataType type, std::vector<int64_t> shape);

/// One element of `type` as a double, and back (rounded to nearest even; of 8 bits what is too large is
/// the largest number, as a cast has it).
double decode(const char *element, DataType type);
void encode(double value, DataType type, char *element);

} // namespace imbrex::npy

#endif // IMBREX_TOOLS_IMBREX_NPY_H
