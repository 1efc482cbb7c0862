//===- MatrixDescriptor.h - Where wgmma finds a matrix ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The 64-bit descriptor of a matrix in shared memory and the canonical layouts it stands for (PTX ISA,
// 9.7.15.5.1: strides, matrix-descriptor format).
//
//===----------------------------------------------------------------------===//

//|
//| Bits 0-13 address / 16, 16-29 leading dimension byte offset / 16, 32-45 stride dimension byte offset / 16,
//| 49-51 base offset, 62-63 swizzle (0 none, 1 128 bytes, 2 64, 3 32); the others are zero.
//|
//| A matrix is made of 16-byte chunks. With S the bytes of a swizzled row (16 without swizzle):
//|
//|   K-major (a chunk is several k of one row):
//|     row r, chunk c:  (r / 8) * stride + (r % 8) * S + c * 16        without swizzle c * leading
//|   MN-major (a chunk is eight m or n of one k):
//|     chunk m, k:      m / (S / 16) * leading + (k / 8) * stride + (k % 8) * S + m % (S / 16) * 16
//|                      without swizzle m * stride + (k / 8) * leading + (k % 8) * 16
//|
//| The swizzle exchanges bits of the address in shared memory: with 128 bytes, bits 4-6 become those xor
//| bits 7-9; 64 bytes: bits 4-5 xor 7-8; 32 bytes: bit 4 xor bit 7. A copy of a tensor (TensorMap.h) uses
//| the same function, so its tiles fit. Such a pattern of eight lines begins at a multiple of its own size, wherever
//| the matrix begins in it: then the base offset, (where the pattern begins / 128) mod 8, is 0.
//|
//|   Example, bf16, K-major, 128 bytes, address 1024, stride 1024: row 3, chunk 1 of the first 16 k is at
//|   1024 + 3 * 128 + 16 = 1424, bits 7-9 are 3, so the chunk lies at 1424 ^ (3 << 4) = 1440.

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXDESCRIPTOR_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXDESCRIPTOR_H

#include <cstdint>

namespace imbrex::simulator {

/// `address` after the swizzle of rows of `rowBytes` bytes (16: none).
inline uint32_t swizzled(uint32_t address, uint32_t rowBytes) {
  return address ^ ((address >> 7) & (rowBytes / 16 - 1)) << 4;
}

struct MatrixDescriptor {
  uint32_t start = 0, leading = 0, stride = 0; ///< Bytes.
  uint32_t rowBytes = 16;                      ///< S above.

  /// Null, or what is wrong with the bits.
  const char *decode(uint64_t bits);
  /// Address of the chunk.
  uint32_t rowChunk(unsigned row, unsigned chunk) const {
    uint32_t offset = row / 8 * stride + row % 8 * rowBytes + chunk * (rowBytes == 16 ? leading : 16);
    return swizzled(start + offset, rowBytes);
  }
  uint32_t columnChunk(unsigned chunk, unsigned k) const {
    unsigned inRow = rowBytes / 16;
    uint32_t offset = rowBytes == 16 ? chunk * stride + k / 8 * leading + k % 8 * 16
                                     : chunk / inRow * leading + k / 8 * stride + k % 8 * rowBytes + chunk % inRow * 16;
    return swizzled(start + offset, rowBytes);
  }
};

inline const char *MatrixDescriptor::decode(uint64_t bits) {
  constexpr uint64_t kFields = 0xC00E3FFF3FFF3FFF;
  constexpr uint32_t kRowBytes[] = {16, 128, 64, 32};
  if (bits & ~kFields)
    return "bits that are no field are set";
  if (bits >> 49 & 7)
    return "a base offset is not modelled";
  start = static_cast<uint32_t>(bits & 0x3FFF) << 4;
  leading = static_cast<uint32_t>(bits >> 16 & 0x3FFF) << 4;
  stride = static_cast<uint32_t>(bits >> 32 & 0x3FFF) << 4;
  rowBytes = kRowBytes[bits >> 62];
  return nullptr;
}

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_MATRIXDESCRIPTOR_H
