//===- Agreement.cpp - How the results of two launches compare ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An output at a time, against a bound that its largest finite element sets.
//
//===----------------------------------------------------------------------===//

#include "runtime/Agreement.h"
#include "compiler/Number.h"
#include "runtime/ScalarBits.h"
#include <algorithm>
#include <cmath>
#include <cstring>

using namespace imbrex;

/// Of the largest element: what sums in another order, rounded to the type, may differ by.
static double toleranceOf(DataType type) {
  switch (type) {
  case DataType::F16:
    return 0x1p-8;
  case DataType::BF16:
    return 0x1p-5;
  case DataType::F32:
    return 0x1p-10; // results of 16-bit products are f32 too
  case DataType::F64:
    return 0x1p-36;
  default:
    return 0;
  }
}

static double elementAt(const char *bytes, DataType type, size_t index) {
  uint64_t bits = 0;
  std::memcpy(&bits, bytes + index * byteSize(type), byteSize(type));
  return scalarValue(bits, type);
}

static void compareOne(DataType type, size_t count, const char *expected, const char *found, Agreement &agreement) {
  if (std::memcmp(expected, found, count * byteSize(type)) == 0)
    return;
  agreement.sameBits = false;
  double largest = 0;
  for (size_t i = 0; i < count; ++i)
    if (double value = std::abs(elementAt(expected, type, i)); std::isfinite(value))
      largest = std::max(largest, value);
  double bound = toleranceOf(type) * largest;
  for (size_t i = 0; i < count && agreement.close; ++i) {
    double a = elementAt(expected, type, i), b = elementAt(found, type, i);
    bool same = a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= bound;
    if (!same) {
      agreement.close = false;
      agreement.difference = "element " + std::to_string(i) + " is " + writeReal(b) + " instead of " + writeReal(a);
    }
  }
}

Agreement imbrex::compareOutputs(const std::vector<std::pair<DataType, size_t>> &types,
                                 const std::vector<char> &expected, const std::vector<char> &found) {
  Agreement agreement;
  size_t at = 0;
  for (auto [type, count] : types) {
    compareOne(type, count, expected.data() + at, found.data() + at, agreement);
    at += count * byteSize(type);
  }
  return agreement;
}
