//===- Ldmatrix.cpp - 8 x 8 matrices out of shared memory -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The lane's part of an address, and the instruction.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Ldmatrix.h"

using namespace mlir;
using namespace imbrex;

MatrixLanes imbrex::matrixLanes(Lowering &l) {
  return {l.bitAnd(l.lane, 7), l.bitAnd(l.shiftRight(l.lane, 3), 1), l.shiftRight(l.lane, 4)};
}

Values imbrex::loadMatrices(Lowering &l, Value pointer, unsigned count, bool transposed) {
  MLIRContext *context = l.b.getContext();
  auto type = LLVM::LLVMStructType::getLiteral(context, SmallVector<Type>(count, l.b.getI32Type()));
  Value matrices = NVVM::LdMatrixOp::create(
      l.b, l.loc, type, pointer, count, transposed ? NVVM::MMALayout::col : NVVM::MMALayout::row,
      NVVM::LdStMatrixShapeAttr::get(context, 8, 8), NVVM::LdStMatrixEltType::B16);
  Values words;
  for (unsigned i = 0; i < count; ++i)
    words.push_back(LLVM::ExtractValueOp::create(l.b, l.loc, matrices, i));
  return words;
}

void imbrex::storeMatrices(Lowering &l, Value pointer, ArrayRef<Value> words) {
  NVVM::StMatrixOp::create(l.b, l.loc, pointer, words, NVVM::MMALayout::row,
                           NVVM::LdStMatrixShapeAttr::get(l.b.getContext(), 8, 8), NVVM::LdStMatrixEltType::B16);
}
