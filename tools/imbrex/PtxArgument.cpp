//===- PtxArgument.cpp - Values for parameters of PTX kernels -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading numbers, types and shapes. See the header for the spellings.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/PtxArgument.h"
#include "compiler/Number.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringRef.h"
#include <cstring>
#include <optional>

using namespace imbrex;
using llvm::StringRef;

/// f32 -> f4; empty if there is no such type.
static std::string descrOf(StringRef type) {
  unsigned bits = 0;
  bool known = type.size() >= 2 && StringRef("fiu").contains(type[0]) && !type.drop_front().getAsInteger(10, bits) &&
               (bits == 8 || bits == 16 || bits == 32 || bits == 64) && !(type[0] == 'f' && bits == 8);
  return known ? type.take_front().str() + std::to_string(bits / 8) : "";
}

static bool readHex(StringRef text, std::vector<char> &value) {
  std::string bytes;
  if (!llvm::tryGetFromHex(text, bytes))
    return false;
  value.assign(bytes.begin(), bytes.end());
  return true;
}

static bool packFloat(StringRef text, size_t bytes, std::vector<char> &value) {
  std::optional<double> number = readReal(text);
  if (!number || (bytes != 2 && bytes != 4 && bytes != 8))
    return false;
  value.resize(bytes);
  npy::encode(*number, bytes == 2 ? DataType::F16 : bytes == 4 ? DataType::F32 : DataType::F64, value.data());
  return true;
}

static bool packInteger(StringRef text, size_t bytes, std::vector<char> &value) {
  int64_t number;
  uint64_t bits;
  if (bytes > 8 || (text.getAsInteger(0, number) && text.getAsInteger(0, bits)))
    return false;
  if (!text.getAsInteger(0, number))
    bits = static_cast<uint64_t>(number);
  value.resize(bytes);
  std::memcpy(value.data(), &bits, bytes);
  unsigned width = static_cast<unsigned>(8 * bytes);
  return width == 64 || bits >> width == 0 || static_cast<int64_t>(bits) >= -(int64_t(1) << (width - 1));
}

bool tool::readPtxScalar(const std::string &text, size_t bytes, std::vector<char> &value, std::string &error) {
  auto [type, rest] = StringRef(text).split(':');
  bool typed = StringRef(text).contains(':');
  bool good = false;
  if (typed && type == "hex") {
    good = readHex(rest, value);
  } else if (typed && !descrOf(type).empty()) {
    size_t width = static_cast<size_t>(descrOf(type)[1] - '0');
    good = type[0] == 'f' ? packFloat(rest, width, value) : packInteger(rest, width, value);
  } else if (!typed) {
    good = packInteger(text, bytes, value) || packFloat(text, bytes, value);
  }
  if (good && value.size() == bytes)
    return true;
  error = good ? "'" + text + "' has " + std::to_string(value.size()) + " bytes, the parameter " + std::to_string(bytes)
               : "expected a number, TYPE:NUMBER such as f32:1, or hex:BYTES for " + std::to_string(bytes) +
                     " bytes, found '" + text + "'";
  return false;
}

bool tool::readPtxOutput(const std::string &text, npy::Array &array, std::string &file) {
  StringRef rest = text;
  if (rest.ends_with(".npy") && descrOf(rest.split(':').first).empty()) {
    file = text;
    return true;
  }
  auto [type, shapeAndFile] = rest.split(':');
  auto [shape, path] = shapeAndFile.split(':');
  array.descr = descrOf(type);
  llvm::SmallVector<StringRef> extents;
  shape.split(extents, 'x');
  for (StringRef text : extents) {
    int64_t extent;
    if (text.getAsInteger(10, extent) || extent < 0 || extent > (int64_t(1) << 40))
      return false;
    array.shape.push_back(extent);
  }
  file = path.str();
  return !array.descr.empty() && (path.empty() || path.ends_with(".npy"));
}
