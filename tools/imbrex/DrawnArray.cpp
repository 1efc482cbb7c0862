//===- DrawnArray.cpp - Arrays of a shape, as if drawn --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A linear congruence: what is drawn depends on the seed alone, on every machine.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/DrawnArray.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cmath>

using namespace imbrex;
using llvm::StringRef;

std::optional<std::vector<int64_t>> tool::parseShape(std::string_view text) {
  std::vector<int64_t> shape;
  llvm::SmallVector<StringRef> parts;
  StringRef(text).split(parts, 'x');
  for (StringRef part : parts) {
    int64_t extent;
    if (part.getAsInteger(10, extent) || extent < 0)
      return std::nullopt;
    shape.push_back(extent);
  }
  return shape;
}

std::vector<char> tool::drawElements(DataType type, int64_t count, uint64_t seed) {
  std::vector<char> bytes(size_t(count) * byteSize(type));
  for (int64_t i = 0; i < count; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u; // Knuth's linear congruence
    double unit = double(seed >> 11) * 0x1p-53;
    double value = type == DataType::Bool ? double(seed >> 63) : isFloat(type) ? 2 * unit - 1 : std::floor(8 * unit);
    npy::encode(value, type, &bytes[size_t(i) * byteSize(type)]);
  }
  return bytes;
}

std::optional<int64_t> tool::elementsOf(const std::vector<int64_t> &shape) {
  constexpr int64_t kMostElements = int64_t(1) << 40;
  int64_t elements = 1;
  for (int64_t extent : shape)
    if (__builtin_mul_overflow(elements, extent, &elements) || elements > kMostElements)
      return std::nullopt;
  return elements;
}

npy::Array tool::drawnArray(DataType type, const std::vector<int64_t> &shape, uint64_t seed) {
  return npy::fromElements(drawElements(type, elementsOf(shape).value_or(0), seed), type, shape);
}
