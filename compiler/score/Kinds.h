//===- Kinds.h - What an instruction occupies -------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sorts instructions of PTX and of machine code by what they do, so that loops can be counted and compared.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_KINDS_H
#define IMBREX_COMPILER_SCORE_KINDS_H

#include "compiler/score/MachineCode.h"

namespace imbrex::score {

/// "tensor", "ldmatrix", ...: a word, as reports print it.
llvm::StringRef name(Kind kind);

Kind kindOf(Language language, const Instruction &instruction);

/// True of a product that a warpgroup makes: wgmma.
inline bool isWarpgroupProduct(const Instruction &instruction) {
  return llvm::StringRef(instruction.base()).ends_with("GMMA") || instruction.base() == "wgmma";
}

/// True of a wait at a barrier in shared memory, in machine code.
inline bool isBarrierWait(const Instruction &instruction) {
  return instruction.base() == "SYNCS" && instruction.hasModifier("TRYWAIT");
}

/// Floating-point operations of a matrix product or fused multiply-add, of all threads that take part: those of a
/// warp, of a warpgroup for wgmma. 0 for everything else.
int64_t flops(Language language, const Instruction &instruction);

/// What a matrix product asks of the tensor pipes: its operations as so many of factors of 16 bits, of which a pipe
/// makes twice as many a cycle as of tf32 and half as many as of 8 bits ("NVIDIA A100 Tensor Core GPU Architecture",
/// 2020, table 1; "NVIDIA H100 Tensor Core GPU Architecture", 2022, table 2).
double tensorWork(Language language, const Instruction &instruction);

/// Cycles that a product of a warpgroup keeps the tensor pipes of an SM busy: of sm_90, 4,096 FLOP of 16 bits a cycle.
/// Each of the four quarters is busy as long, with a quarter of the rows.
double warpgroupCycles(Language language, const Instruction &instruction);

/// Cycles that the factors of such a product keep the shared memory of an SM busy, at kSharedBytes a cycle: 32 bytes a
/// row of K of the right factor, whose N rows all four quarters get at once, and of the left one's 64 rows, unless
/// they come from registers.
inline constexpr double kSharedBytes = 128;
double warpgroupSharedCycles(Language language, const Instruction &instruction);

/// Bytes that one warp moves with it, global to shared memory, shared memory to registers or back; 0 for others.
int64_t bytesMoved(Language language, const Instruction &instruction);

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_KINDS_H
