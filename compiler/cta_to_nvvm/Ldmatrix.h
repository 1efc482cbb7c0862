//===- Ldmatrix.h - 8 x 8 matrices out of shared memory -------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// ldmatrix (PTX ISA, "ldmatrix") loads 2 or 4 matrices of 8 rows of 16 bytes. Lane i gives the address of row i % 8 of
// matrix i / 8, so bits 3 and 4 of the lane choose the matrix. Where the matrices lie is the caller's choice:
//
//     bit 3 moves along  M of a left operand, K of a right one       bit 4 along  K of a left operand, N of a right one
//
// Without transposition lane i gets elements 2 (i % 4) and 2 (i % 4) + 1 of row i / 4, in one word a matrix.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_LDMATRIX_H
#define IMBREX_COMPILER_CTA_TO_NVVM_LDMATRIX_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

/// The parts of a lane's place (i32).
struct MatrixLanes {
  Value row;        ///< 0 to 7: which row of its matrix
  Value bit3, bit4; ///< 0 or 1: which matrix it names; eight rows or columns further, or not
};
MatrixLanes matrixLanes(Lowering &lowering);

/// A word (i32: two 16-bit elements) a matrix; `count` is 2 or 4. `transposed`: of each matrix's transpose.
Values loadMatrices(Lowering &lowering, Value pointer, unsigned count, bool transposed);
/// stmatrix: the words of as many matrices to where `pointer` says of each row.
void storeMatrices(Lowering &lowering, Value pointer, llvm::ArrayRef<Value> words);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_LDMATRIX_H
