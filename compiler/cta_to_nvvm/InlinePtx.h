//===- InlinePtx.h - Inline assembly -------------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All inline assembly that is emitted. Stage nvvm takes no other (entry/NvvmEntry.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_INLINEPTX_H
#define IMBREX_COMPILER_CTA_TO_NVVM_INLINEPTX_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

/// The constraints of pinned for f32 and f64: the result is the operand's register.
inline constexpr llvm::StringLiteral kPinF32 = "=f,0", kPinF64 = "=d,0";

/// `value`, an f32 or f64, computed before this place of the program: accesses to memory that are made after it stay
/// after what computes it. Empty assembly: no instruction. LLVM orders a block by its results, one after another with
/// all that each needs, so that of a long product all operands would be in registers at once; ptxas is free to
/// start loads sooner.
Value pinned(Lowering &l, Value value);

/// An addition to neighbouring elements in global memory that gives nothing back (PTX ISA, "red"): the operands are the
/// address, and `values` of `type`, two 16-bit elements in each where there are several.
struct MemoryAdd {
  std::string text, constraints;
  mlir::Type type;
  unsigned values;
};
/// That of `count` elements, 1 or a power of two.
MemoryAdd memoryAdd(mlir::Type element, unsigned count);
/// True of the text of one, and of one of vectors.
bool isMemoryAdd(mlir::LLVM::InlineAsmOp assembly);
bool isVectorAdd(mlir::LLVM::InlineAsmOp assembly);

/// How many elements are added at once where `width` of them are neighbours.
unsigned memoryAddWidth(const Target &target, mlir::Type element, unsigned width);
/// Adds `elements`, memoryAddWidth of them, to those at `pointer`.
void addInMemory(Lowering &l, Value pointer, llvm::ArrayRef<Value> elements);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_INLINEPTX_H
