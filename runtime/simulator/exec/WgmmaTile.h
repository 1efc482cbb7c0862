//===- WgmmaTile.h - The arithmetic of one wgmma ----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// D[64][N] = A[64][K] * B[K][N] + D for the four warps of a warpgroup: operands are read and converted once
// for the instruction, then multiplied in blocks of 16 x 8.
//
//===----------------------------------------------------------------------===//

//|
//| The model of the tensor core, the same as for mma.sync (MatrixMath.h): products of f16, bf16, tf32 and
//| 8-bit floats are exact in f32; they are added to the accumulator one by one, k ascending, each sum
//| rounded to f32. f16 accumulators are widened, and rounded to f16 once at the end of the instruction.
//| tf32 operands lose their lower 13 bits. Integers wrap, or with .satfinite are clamped once at the end.
//| NVIDIA's hardware adds in groups, with truncation that is not documented: last bits may differ.

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_WGMMATILE_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_WGMMATILE_H

#include "runtime/simulator/exec/Decoder.h"
#include "runtime/simulator/exec/MatrixDescriptor.h"
#include "runtime/simulator/exec/Warp.h"

namespace imbrex::simulator {

/// What a wgmma multiplies.
struct WgmmaShape {
  Type accumulator = Type::F32; ///< F32, F16 or S32.
  Type a = Type::None, b = Type::None;
  unsigned n = 8, k = 16;
  bool aInRegisters = false, aColumns = false, bColumns = false; ///< Columns: MN-major in shared memory.
  bool negated = false;                                          ///< One of A and B is multiplied by -1.
  bool saturate = false;

  unsigned accumulatorRegisters() const { return accumulator == Type::F16 ? n / 4 : n / 2; }
  unsigned aRegisters() const { return aInRegisters ? 4 : 0; }
  unsigned chunkElements() const { return 128 / bitsOf(a == Type::TF32 ? Type::B32 : a); }
};

/// The shape as the fields of an instruction, and back.
void storeShape(const WgmmaShape &shape, Instruction &out);
WgmmaShape loadShape(const Instruction &instruction);

/// Calls f(address) for each 16-byte chunk of A (64 rows; not with A in registers) or B that the instruction
/// reads, in the order in which multiplyTiles takes them.
template <class F> void eachChunkOfA(const WgmmaShape &shape, const MatrixDescriptor &a, F f) {
  unsigned along = shape.k / shape.chunkElements();
  if (shape.aColumns)
    for (unsigned chunk = 0; chunk < 8; ++chunk)
      for (unsigned k = 0; k < shape.k; ++k)
        f(a.columnChunk(chunk, k));
  else
    for (unsigned row = 0; row < 64; ++row)
      for (unsigned chunk = 0; chunk < along; ++chunk)
        f(a.rowChunk(row, chunk));
}
template <class F> void eachChunkOfB(const WgmmaShape &shape, const MatrixDescriptor &b, F f) {
  unsigned along = shape.k / shape.chunkElements();
  if (shape.bColumns)
    for (unsigned chunk = 0; chunk < shape.n / 8; ++chunk)
      for (unsigned k = 0; k < shape.k; ++k)
        f(b.columnChunk(chunk, k));
  else
    for (unsigned row = 0; row < shape.n; ++row)
      for (unsigned chunk = 0; chunk < along; ++chunk)
        f(b.rowChunk(row, chunk));
}

/// The operands' places: accumulator and A registers as byte offsets into each warp's register file, chunks
/// as pointers.
struct WgmmaOperands {
  const uint32_t *accumulators = nullptr, *aRegisters = nullptr;
  const uint8_t *const *aChunks = nullptr, *const *bChunks = nullptr;
  bool accumulate = true;
};

/// Carries it out on the registers of the four warps.
void multiplyTiles(Warp *const (&warps)[4], const WgmmaShape &shape, const WgmmaOperands &operands);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_WGMMATILE_H
