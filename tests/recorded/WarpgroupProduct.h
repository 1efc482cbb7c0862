//===- WarpgroupProduct.h - What a wgmma experiment multiplies - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The operands of one wgmma.mma_async and where its kernel keeps them, for the kernel and for the bounds of its
// results. PTX ISA, "Asynchronous Warpgroup Level Matrix Instructions": a row of the sum belongs to warp row / 16;
// within a warp A from registers and D lie as those of mma.m16n8. In shared memory, not swizzled, an operand is
// core matrices of 8 rows of 16 bytes, 128 bytes each: two that follow each other in K lie 128 bytes apart
// (the leading offset), two that follow in M or N 256 bytes (the stride). A row of a core matrix goes along K, or
// along N where B is transposed.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_WARPGROUPPRODUCT_H
#define IMBREX_TESTS_RECORDED_WARPGROUPPRODUCT_H

#include "tests/recorded/Experiment.h"
#include <optional>
#include <vector>

namespace imbrex::recorded {

struct WarpgroupProduct {
  static constexpr unsigned kCoreBytes = 128, kLeading = 128, kStride = 256, kRow = 16, kRows = 64;

  unsigned n = 8, k = 16;
  ValueType type;        ///< of an element of A and B; of tf32 and floats of 8 bits, Bits
  bool integers = false; ///< s8 into s32
  bool sharedA = false;

  /// nullopt for another instruction or one without a model here.
  static std::optional<WarpgroupProduct> parse(const Form &form);

  /// The literals behind scale-d: of A and B, 1 or -1, and whether B is transposed.
  struct Variant {
    int scaleA, scaleB, transposeB;
    std::string literals(const WarpgroupProduct &product) const;
  };
  std::vector<Variant> variants() const;
  bool hasTransposes() const { return type.bits == 16; }
  /// Rows of 16 bytes that a thread brings into shared memory.
  unsigned rowsOfB() const;
  /// Registers of D whose results are kept: all of few, of many those of 32 places.
  std::vector<unsigned> keptRegisters() const;
  /// The byte of element (row of M or N, column of K) in an operand in shared memory.
  unsigned byteOf(unsigned row, unsigned column, bool transposed) const;

  // The experiment's inputs in their order.
  size_t inputOfA() const { return 0; }
  size_t inputOfB() const { return sharedA ? 1 : 4; }
  size_t inputOfC() const { return inputOfB() + 1; }
};

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_WARPGROUPPRODUCT_H
