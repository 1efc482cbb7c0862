//===- LinearLayout.h - Linear maps over bits --------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A map between tuples of small integers that is linear over F2: each *bit* of the input moves the
// output by a fixed XOR. Nearly every way a GPU spreads a tile over registers, lanes, warps or
// shared-memory bytes is such a map, so composing, inverting and comparing them is bit algebra.
//
//   The 8x4 tile below is held by 4 lanes (bits l0 l1), 8 registers each (bits r0 r1 r2):
//
//       columns   0   1   2   3          r0 -> column ^= 1      so register 5 = 0b101 of lane 2 = 0b10
//       row 0    L0r0 L0r1 L1r0 L1r1     l0 -> column ^= 2      holds row (r2: 4) ^ (l1: 1), column (r0: 1)
//       row 1    L2r0 L2r1 L3r0 L3r1     l1 -> row    ^= 1      = element (5, 1).
//       row 2    L0r2 ...                r1 -> row    ^= 2
//       row 4    L0r4 ...                r2 -> row    ^= 4
//
// The idea follows "Linear Layouts" (Zhou et al., 2025, arXiv:2505.23819). Plain values, no thread of
// their own, no error path: a precondition that fails is an assertion.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_LAYOUT_LINEARLAYOUT_H
#define IMBREX_DIALECTS_LAYOUT_LINEARLAYOUT_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace imbrex::layout {

/// A coordinate tuple: one number an output (or input) dimension.
using Coord = llvm::SmallVector<uint32_t, 4>;

/// A linear map from `inBits.size()` input dimensions to `outBits.size()` output dimensions; input
/// dimension d has 2^inBits[d] values, output dimension e has 2^outBits[e].
class LinearLayout {
public:
  LinearLayout() = default;

  /// `bases` holds one output coordinate an input bit, input dimension 0's bits first, low bit first.
  LinearLayout(llvm::ArrayRef<unsigned> inBits, llvm::ArrayRef<unsigned> outBits, llvm::ArrayRef<Coord> bases);

  /// The map of one dimension of 2^bits onto itself.
  static LinearLayout identity(unsigned bits);
  /// The map of one dimension of 2^bits that sends everything to 0 of one output dimension of 2^outBits.
  static LinearLayout zero(unsigned bits, unsigned outBits = 0);

  llvm::ArrayRef<unsigned> inBits() const { return ins; }
  llvm::ArrayRef<unsigned> outBits() const { return outs; }
  /// Where input bit `bit` of dimension `dim` alone goes.
  const Coord &basis(unsigned dim, unsigned bit) const;

  /// Image of `in`, one number an input dimension.
  Coord apply(llvm::ArrayRef<uint32_t> in) const;

  /// x -> outer(this(x)). This map's output dimensions must be `outer`'s input dimensions.
  LinearLayout compose(const LinearLayout &outer) const;

  /// The inverse if the map is a bijection.
  std::optional<LinearLayout> invert() const;

  /// A right inverse: for a surjective map, one of the inputs that reaches each output (free input
  /// bits are 0). nullopt if some output is not reached.
  std::optional<LinearLayout> rightInverse() const;

  /// The block-diagonal product: dimension d of the result has this map's low bits and `high`'s high
  /// bits. Both must have the same number of dimensions.
  LinearLayout product(const LinearLayout &high) const;

  /// Undoes `product`: the `high` with low.product(high) == *this, if there is one.
  std::optional<LinearLayout> divide(const LinearLayout &low) const;

  bool isInjective() const;
  bool isSurjective() const;

  bool operator==(const LinearLayout &other) const;
  /// One line an input dimension: "lane: (0,2) (0,4) (1,0)". For dumps and tests.
  std::string toString(llvm::ArrayRef<llvm::StringRef> inNames) const;

private:
  llvm::SmallVector<unsigned, 4> ins, outs;
  llvm::SmallVector<Coord, 16> bases;
};

} // namespace imbrex::layout

#endif // IMBREX_DIALECTS_LAYOUT_LINEARLAYOUT_H
