//===- TileValue.h - The interpreter's values -------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tile or a scalar as plain vectors of doubles or 64-bit integers, and the conversions between those
// and narrow types. Invariant between operations: an integer is the sign extension of its width (true
// is -1), a float element is representable in its type.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_TILEVALUE_H
#define IMBREX_COMPILER_REFERENCE_TILEVALUE_H

#include "compiler/reference/Interpreter.h"
#include "mlir/IR/Types.h"
#include "llvm/ADT/SmallVector.h"
#include <memory>

namespace imbrex::reference {

/// An element type: an integer of `width` bits (index: 64), or one of six float formats.
struct ElementType {
  enum Kind { Integer, F8E4M3, F8E5M2, F16, BF16, F32, F64 };
  Kind kind = Integer;
  unsigned width = 64;

  bool isFloat() const { return kind != Integer; }
  /// nullopt: a type the interpreter has no values of.
  static std::optional<ElementType> of(mlir::Type type);
  static ElementType of(DataType type);
};

/// Bits of a float format's significand, the hidden one included: roundings are to 2^-bits of a value.
int significandBits(ElementType::Kind format);

/// `value` rounded to nearest even of a float format; overflow gives infinity, of the formats of 8 bits, which take
/// infinity for overflow too, their largest number.
double roundTo(double value, ElementType::Kind format);
/// `value` rounded to tf32 (f32 with 11 bits of significand), ties away from zero; overflow gives infinity.
double roundToTf32(double value);
/// The bits of `value` in a format, rounding first (an infinity of f8e5m2 stays one), and back.
uint64_t encodeFloat(double value, ElementType::Kind format);
double decodeFloat(uint64_t bits, ElementType::Kind format);

/// The low `width` bits of `value`, sign or zero extended. width is 1 .. 64.
inline int64_t signExtend(int64_t value, unsigned width) {
  return int64_t(uint64_t(value) << (64 - width)) >> (64 - width);
}
inline uint64_t zeroExtend(int64_t value, unsigned width) { return uint64_t(value) << (64 - width) >> (64 - width); }

/// Elements from one index of dimension `dim` to the next, row-major.
int64_t strideOf(llvm::ArrayRef<int64_t> shape, unsigned dim);

struct ViewMap;

/// A tile (row-major), a scalar (empty shape) or a view.
struct TileValue {
  llvm::SmallVector<int64_t, 4> shape;
  ElementType element;
  std::vector<double> floats; ///< one of these two has an entry an element
  std::vector<int64_t> ints;
  std::vector<double> errors;         ///< ErrorBounds.h; empty: exact, or not asked for
  const ViewData *view = nullptr;     ///< of a view: the array in memory
  std::shared_ptr<const ViewMap> map; ///< of a view: how it is seen (ViewPlaces.h); null: as it is

  /// A value of `type` full of zeros; nullopt if the type has no values here or is too large.
  static std::optional<TileValue> zeros(mlir::Type type);
  static TileValue integer(int64_t value, unsigned width);

  size_t size() const { return element.isFloat() ? floats.size() : ints.size(); }
  /// Re-establishes the invariant after arithmetic.
  void normalize();
};

using ValueRef = std::shared_ptr<const TileValue>;

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_TILEVALUE_H
