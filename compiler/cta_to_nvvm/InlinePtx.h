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

/// a * b (i64) of two numbers of 32 bits without a sign (PTX ISA, "mul", .wide). As a product of extensions it is three
/// instructions where one extension, the same in every iteration, stands outside of the loop.
Value wideProduct(Lowering &l, Value a, Value b);
/// True of the text of one.
bool isWideProduct(mlir::LLVM::InlineAsmOp assembly);

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

//===--- Products of warpgroups ------------------------------------------------------===//
// All of them keep their place, and tie the registers that they concern: what reads a register behind one of them
// reads its result.

/// One instruction of 64 rows (PTX ISA, "wgmma.mma_async"): sums += a * b, sums of f32, or of i32 for integers.
struct WgmmaForm {
  mlir::Type element;        ///< of a and b: a float of 8 or 16 bits, or i8
  unsigned columns;          ///< of b, a multiple of 8 up to 256
  bool aInRegisters;         ///< as four words; else by a descriptor
  bool kIsRowOfA, kIsRowOfB; ///< operands in shared memory whose rows are along K (16 bits only)
  bool adds;                 ///< else the sums that were there are not read
  bool makesDescriptors;     ///< of two operands each: another (i64), and a constant to add to it
};
struct Assembly {
  std::string text, constraints;
};
Assembly wgmmaAssembly(const WgmmaForm &form);
/// Gives the new sums; `sums` are not read unless the form adds. `a`: four words, or a descriptor as `b` is: one
/// operand, or two.
Values wgmma(Lowering &l, const WgmmaForm &form, Values sums, llvm::ArrayRef<Value> a, llvm::ArrayRef<Value> b);
/// wgmma.fence: `registers` (f32 and i32) have their values for the products behind it.
Values wgmmaFence(Lowering &l, llvm::ArrayRef<Value> registers);
/// No instruction: what reads `registers` stays behind what stands before.
Values wgmmaTie(Lowering &l, llvm::ArrayRef<Value> registers);
/// wgmma.commit_group: the products since the last one are a group.
void wgmmaCommit(Lowering &l);
/// wgmma.wait_group: at most `pending` groups are in flight; `registers` may be read and written.
Values wgmmaWait(Lowering &l, unsigned pending, llvm::ArrayRef<Value> registers);
/// Nothing, behind what computes `value` (f32): ptxas would move a wait up to where the products were issued, and with
/// it the work that was to be done beside them. A comparison, and an event for a profiler (PTX ISA, "pmevent") where it
/// holds, for which no value asks: unlike a fence it is one instruction, and needs no branch.
void holdBehind(Lowering &l, Value value);
/// fence.proxy.async: what this thread wrote to shared memory is seen by the async proxy (PTX ISA, "membar/fence").
void fenceAsync(Lowering &l);
/// cp.async.bulk.tensor: the copy engine copies the box at `place`, an i32 a dimension, the last of the view first, of
/// the view of `map` to shared memory at `to`, and says so at `barrier` (PTX ISA, "cp.async.bulk.tensor").
void copyBox(Lowering &l, Value to, Value map, llvm::ArrayRef<Value> place, Value barrier);
/// The same from shared memory to the view, as part of this thread's bulk group, which a commit ends.
void sendBox(Lowering &l, Value from, Value map, llvm::ArrayRef<Value> place);
/// cp.async.bulk.commit_group, and cp.async.bulk.wait_group.read of all: what this thread sent has been read.
void commitSends(Lowering &l);
void waitForSends(Lowering &l);
/// True of the text of any of them.
bool isWarpgroupAssembly(mlir::LLVM::InlineAsmOp assembly);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_INLINEPTX_H
