//===- ScalarBits.cpp - Scalars as kernels take them ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversion of host scalars to the bits of a parameter's type, with its range checked. A float parameter
// takes integers too; an integer parameter takes no floats; a bool takes only bools.
//
//===----------------------------------------------------------------------===//

#include "runtime/ScalarBits.h"
#include "llvm/ADT/APFloat.h"
#include <bit>
#include <cmath>

using namespace imbrex;

static std::optional<uint64_t> integerBits(int64_t value, DataType type) {
  unsigned bits = 8 * byteSize(type);
  if (bits == 64)
    return uint64_t(value);
  int64_t limit = int64_t(1) << (isUnsigned(type) ? bits : bits - 1);
  if (value < (isUnsigned(type) ? 0 : -limit) || value >= limit)
    return std::nullopt;
  return uint64_t(value) & ((uint64_t(1) << bits) - 1);
}

/// Rounded to nearest even; nullopt if a finite value would become infinite.
static std::optional<uint64_t> floatBits(double value, DataType type) {
  if (type == DataType::F64)
    return std::bit_cast<uint64_t>(value);
  if (type == DataType::F32) {
    float narrow = float(value);
    if (std::isinf(narrow) && !std::isinf(value))
      return std::nullopt;
    return std::bit_cast<uint32_t>(narrow);
  }
  llvm::APFloat number(value);
  bool losesInfo = false;
  number.convert(type == DataType::F16 ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
  if (number.isInfinity() && !std::isinf(value))
    return std::nullopt;
  return number.bitcastToAPInt().getZExtValue();
}

/// An integer in a float type, rounded once; nullopt if it would become infinite.
static std::optional<uint64_t> floatBitsOfInteger(int64_t value, DataType type) {
  if (type == DataType::F64)
    return std::bit_cast<uint64_t>(double(value));
  if (type == DataType::F32)
    return std::bit_cast<uint32_t>(float(value));
  llvm::APFloat number(type == DataType::F16 ? llvm::APFloat::IEEEhalf() : llvm::APFloat::BFloat());
  number.convertFromAPInt(llvm::APInt(64, uint64_t(value)), /*IsSigned=*/true, llvm::APFloat::rmNearestTiesToEven);
  return number.isInfinity() ? std::nullopt : std::optional(number.bitcastToAPInt().getZExtValue());
}

int64_t imbrex::scalarInteger(uint64_t bits, DataType type) {
  unsigned unused = 64 - 8 * byteSize(type);
  return isUnsigned(type) || type == DataType::Bool ? int64_t(bits) : int64_t(bits << unused) >> unused;
}

double imbrex::scalarValue(uint64_t bits, DataType type) {
  switch (type) {
  case DataType::F64:
    return std::bit_cast<double>(bits);
  case DataType::F32:
    return std::bit_cast<float>(uint32_t(bits));
  case DataType::F16:
    return llvm::APFloat(llvm::APFloat::IEEEhalf(), llvm::APInt(16, bits)).convertToDouble();
  case DataType::BF16:
    return std::bit_cast<float>(uint32_t(bits) << 16);
  default:
    return double(scalarInteger(bits, type));
  }
}

std::optional<uint64_t> imbrex::scalarBits(const Scalar &scalar, DataType type) {
  switch (scalar.kind) {
  case Scalar::Kind::Bool:
    return type == DataType::Bool ? std::optional<uint64_t>(scalar.integer != 0) : std::nullopt;
  case Scalar::Kind::Integer:
    if (type == DataType::Bool)
      return std::nullopt;
    return isFloat(type) ? floatBitsOfInteger(scalar.integer, type) : integerBits(scalar.integer, type);
  case Scalar::Kind::Float:
    return isFloat(type) ? floatBits(scalar.real, type) : std::nullopt;
  }
  return std::nullopt;
}
