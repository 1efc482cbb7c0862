//===- TileValue.cpp - The interpreter's values ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rounding of doubles to narrow formats, their bits, and values of a type.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/TileValue.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/IR/BuiltinTypes.h"
#include <bit>
#include <cmath>

namespace imbrex::reference {
namespace {

/// Fraction bits, and the exponent of the smallest denormal, of an IEEE-like format.
struct Format {
  int fractionBits, lowestExponent, highestExponent;
};
constexpr Format kHalf = {10, -24, 15}, kBrain = {7, -133, 127}, kE4M3 = {3, -9, 8}, kE5M2 = {2, -16, 15};
constexpr double kLargestE4M3 = 448, kLargestE5M2 = 57344;

double roundToFormat(double value, const Format &format) {
  if (!std::isfinite(value) || value == 0)
    return value;
  int exponent = std::ilogb(value);
  int ulp = std::max(exponent - format.fractionBits, format.lowestExponent);
  double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -ulp)), ulp);
  if (rounded != 0 && std::ilogb(rounded) > format.highestExponent)
    return std::copysign(INFINITY, value);
  return rounded;
}

/// To a format of 8 bits, whose largest number is `largest`.
double roundToByte(double value, const Format &format, double largest) {
  double rounded = std::isinf(value) ? value : roundToFormat(value, format);
  return std::fabs(rounded) > largest ? std::copysign(largest, value) : rounded;
}

/// `value` is representable in f16.
uint64_t halfBits(double value) {
  uint64_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(value);
  if (std::isnan(value))
    return sign | 0x7e00;
  if (std::isinf(value))
    return sign | 0x7c00;
  if (magnitude < 0x1p-14)
    return sign | uint64_t(magnitude * 0x1p24);
  int exponent = std::ilogb(magnitude);
  return sign | uint64_t(exponent + 15) << 10 | uint64_t((std::ldexp(magnitude, -exponent) - 1) * 1024);
}

double halfValue(uint64_t bits) {
  int exponent = int(bits >> 10 & 31);
  double fraction = double(bits & 1023);
  double magnitude = exponent == 31  ? (fraction != 0 ? NAN : INFINITY)
                     : exponent == 0 ? fraction * 0x1p-24
                                     : std::ldexp(1024 + fraction, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// f8e5m2 is the upper byte of an f16; f8e4m3 times 2^-8 lies in an f16 one bit further down, but for NaN.
uint64_t byteBits(double value, ElementType::Kind format) {
  if (std::isnan(value))
    return 0x7f;
  if (format == ElementType::F8E5M2)
    return halfBits(value) >> 8;
  uint64_t half = halfBits(value * 0x1p-8);
  return (half >> 8 & 0x80) | (half >> 7 & 0x7f);
}

double byteValue(uint64_t bits, ElementType::Kind format) {
  if (format == ElementType::F8E5M2)
    return halfValue((bits & 0xff) << 8);
  if ((bits & 0x7f) == 0x7f)
    return NAN;
  return halfValue((bits & 0x80) << 8 | (bits & 0x7f) << 7) * 0x1p8;
}

} // namespace

std::optional<ElementType> ElementType::of(mlir::Type type) {
  if (mlir::isa<mlir::Float8E4M3FNType>(type))
    return ElementType{F8E4M3, 8};
  if (mlir::isa<mlir::Float8E5M2Type>(type))
    return ElementType{F8E5M2, 8};
  if (type.isF16())
    return ElementType{F16, 16};
  if (type.isBF16())
    return ElementType{BF16, 16};
  if (type.isF32())
    return ElementType{F32, 32};
  if (type.isF64())
    return ElementType{F64, 64};
  if (type.isIndex())
    return ElementType{Integer, 64};
  if (auto integer = mlir::dyn_cast<mlir::IntegerType>(type); integer && integer.getWidth() - 1 < 64)
    return ElementType{Integer, integer.getWidth()};
  return std::nullopt;
}

ElementType ElementType::of(DataType type) {
  switch (type) {
  case DataType::F8E4M3:
    return {F8E4M3, 8};
  case DataType::F8E5M2:
    return {F8E5M2, 8};
  case DataType::F16:
    return {F16, 16};
  case DataType::BF16:
    return {BF16, 16};
  case DataType::F32:
    return {F32, 32};
  case DataType::F64:
    return {F64, 64};
  default:
    return {Integer, type == DataType::Bool ? 1 : 8 * byteSize(type)};
  }
}

int64_t strideOf(llvm::ArrayRef<int64_t> shape, unsigned dim) {
  int64_t stride = 1;
  for (int64_t extent : shape.drop_front(dim + 1))
    stride *= extent;
  return stride;
}

int significandBits(ElementType::Kind format) {
  switch (format) {
  case ElementType::F8E4M3:
    return kE4M3.fractionBits + 1;
  case ElementType::F8E5M2:
    return kE5M2.fractionBits + 1;
  case ElementType::F16:
    return kHalf.fractionBits + 1;
  case ElementType::BF16:
    return kBrain.fractionBits + 1;
  case ElementType::F32:
    return 24;
  case ElementType::F64:
  case ElementType::Integer:
    break;
  }
  return 53;
}

double roundTo(double value, ElementType::Kind format) {
  switch (format) {
  case ElementType::F8E4M3:
    return roundToByte(value, kE4M3, kLargestE4M3);
  case ElementType::F8E5M2:
    return roundToByte(value, kE5M2, kLargestE5M2);
  case ElementType::F16:
    return roundToFormat(value, kHalf);
  case ElementType::BF16:
    return roundToFormat(value, kBrain);
  case ElementType::F32:
    return double(float(value));
  case ElementType::F64:
  case ElementType::Integer:
    break;
  }
  return value;
}

double roundToTf32(double value) {
  constexpr Format kTf32 = {10, -136, 127};
  if (!std::isfinite(value) || value == 0)
    return value;
  int ulp = std::max(std::ilogb(value) - kTf32.fractionBits, kTf32.lowestExponent);
  double rounded = std::ldexp(std::round(std::ldexp(value, -ulp)), ulp);
  return rounded != 0 && std::ilogb(rounded) > kTf32.highestExponent ? std::copysign(INFINITY, value) : rounded;
}

uint64_t encodeFloat(double value, ElementType::Kind format) {
  switch (format) {
  case ElementType::F8E4M3:
  case ElementType::F8E5M2:
    return byteBits(format == ElementType::F8E5M2 && std::isinf(value) ? value : roundTo(value, format), format);
  case ElementType::F16:
    return halfBits(roundToFormat(value, kHalf));
  case ElementType::BF16:
    return std::bit_cast<uint32_t>(float(roundToFormat(value, kBrain))) >> 16;
  case ElementType::F32:
    return std::bit_cast<uint32_t>(float(value));
  case ElementType::F64:
  case ElementType::Integer:
    break;
  }
  return std::bit_cast<uint64_t>(value);
}

double decodeFloat(uint64_t bits, ElementType::Kind format) {
  switch (format) {
  case ElementType::F8E4M3:
  case ElementType::F8E5M2:
    return byteValue(bits, format);
  case ElementType::F16:
    return halfValue(bits);
  case ElementType::BF16:
    return std::bit_cast<float>(uint32_t(bits) << 16);
  case ElementType::F32:
    return std::bit_cast<float>(uint32_t(bits));
  case ElementType::F64:
  case ElementType::Integer:
    break;
  }
  return std::bit_cast<double>(bits);
}

std::optional<TileValue> TileValue::zeros(mlir::Type type) {
  constexpr int64_t maxElements = int64_t(1) << 26;
  TileValue value;
  int64_t count = 1;
  mlir::Type elementType = type;
  if (auto tensor = mlir::dyn_cast<mlir::RankedTensorType>(type)) {
    if (!tensor.hasStaticShape())
      return std::nullopt;
    for (int64_t extent : tensor.getShape()) {
      if (extent > 0 && count > maxElements / extent)
        return std::nullopt;
      count *= extent;
      value.shape.push_back(extent);
    }
    elementType = tensor.getElementType();
  }
  if (mlir::isa<tile::ViewType>(type))
    return value;
  std::optional<ElementType> element = ElementType::of(elementType);
  if (!element)
    return std::nullopt;
  value.element = *element;
  if (element->isFloat())
    value.floats.assign(count, 0.0);
  else
    value.ints.assign(count, 0);
  return value;
}

TileValue TileValue::integer(int64_t number, unsigned width) {
  TileValue value;
  value.element = {ElementType::Integer, width};
  value.ints = {signExtend(number, width)};
  return value;
}

void TileValue::normalize() {
  if (element.kind == ElementType::F16 || element.kind == ElementType::BF16) {
    const Format &format = element.kind == ElementType::F16 ? kHalf : kBrain;
    for (double &value : floats)
      value = roundToFormat(value, format);
  } else if (!element.isFloat() && element.width < 64) {
    for (int64_t &value : ints)
      value = signExtend(value, element.width);
  }
}

} // namespace imbrex::reference
