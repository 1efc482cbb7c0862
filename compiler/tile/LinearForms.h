//===- LinearForms.h - Integers as sums of rows, columns and scalars -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads integer scalars and tiles as
//
//     row * a + column * b + constant + sum of i32 scalars times coefficients
//
// for instance iota(128)[:, _] + splat(i * 128) as row + 128 i. A form is the exact number: additions and
// products that may wrap (they lack `nsw`) are not looked through, and a form whose value could leave 62
// bits is none. Forms are kept, so a value is read once however often it is used.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_LINEARFORMS_H
#define IMBREX_COMPILER_TILE_LINEARFORMS_H

#include "dialects/tile/TileDialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include <optional>

namespace imbrex {

struct LinearForm {
  int64_t row = 0, col = 0, constant = 0;
  llvm::MapVector<mlir::Value, int64_t> scalars; ///< i32, or i1, which is -1 where true

  /// this + other * factor; nullopt if the result could leave 62 bits, or has too many scalars.
  std::optional<LinearForm> plus(const LinearForm &other, int64_t factor) const;
  /// Coefficient of a scalar; 0 if it does not occur.
  int64_t coefficient(mlir::Value scalar) const;
  bool isConstant() const;
  /// The least and the most of what rows and columns add in a tile of `rows` x `columns`.
  std::pair<int64_t, int64_t> reach(int64_t rows, int64_t columns) const;
  /// The part without rows and columns, as an i64 value. It and its parts stay within 62 bits.
  mlir::Value emit(mlir::OpBuilder &builder, mlir::Location loc) const;
};

class LinearForms {
public:
  /// Exact: only arithmetic that does not wrap is looked through. Modular: all arithmetic of 32 bits, so that
  /// the form equals the value modulo 2^32.
  enum class Wrap { Exact, Modular };
  explicit LinearForms(Wrap wrap = Wrap::Exact) : wrap(wrap) {}

  /// An i32 or i64 scalar; an i32 that is nothing else is its own form, an i64 is none.
  std::optional<LinearForm> ofScalar(mlir::Value scalar) { return read(scalar, 0, 0); }
  /// A tile of i32 or i64; of rank 1, `axis` says whether its elements are rows (0) or columns (1).
  std::optional<LinearForm> ofTile(mlir::Value tile, unsigned axis = 0) { return read(tile, axis, 0); }

private:
  std::optional<LinearForm> read(mlir::Value value, unsigned axis, unsigned depth);
  std::optional<LinearForm> readNew(mlir::Value value, unsigned axis, unsigned depth);
  std::optional<LinearForm> readArithmetic(mlir::Operation *op, unsigned axis, unsigned depth);

  Wrap wrap;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, std::optional<LinearForm>> forms;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_LINEARFORMS_H
