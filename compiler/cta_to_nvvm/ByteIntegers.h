//===- ByteIntegers.h - Integers of 8 bits, four a word --------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bits of bytes, and shifts by a constant, are those of words of four:
//
//     x & 15, x | y, x ^ y    of the word, with 0x0f0f0f0f
//     x >> 4                  the word's, without the bits that came from the byte above
//
// An integer of 8 bits becomes a float without a conversion, which takes as long as four or eight other instructions:
// the byte is put below the bits of a power of two whose last digit is 1, and that power is subtracted, and with it
// what the text adds or subtracts behind it. All of it is exact.
//
//     u8 -> f32   0x4b000000 + x is the float 2^23 + x         i8: x + 128, by turning its sign, less 128 more
//     u8 -> f16   0x6400 + x is 1024 + x, two a word
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_BYTEINTEGERS_H
#define IMBREX_COMPILER_CTA_TO_NVVM_BYTEINTEGERS_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

/// The registers of `op`'s result, if it is one of bytes as above and there are several of them; else nullopt.
std::optional<Values> lowerByteIntegers(Lowering &l, mlir::Operation *op);

/// Up to four bytes as a word, whose missing ones are zero.
Value wordOfBytes(Lowering &l, llvm::ArrayRef<Value> bytes);

/// Each byte of the result is one of `low` (selected by 0 to 3) or of `high` (4 to 7); the lowest digit of `selector`
/// makes the lowest byte (PTX ISA "prmt").
Value permuteBytes(Lowering &l, Value low, Value high, int64_t selector);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_BYTEINTEGERS_H
