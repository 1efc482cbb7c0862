//===- ByteCasts.h - Casts of floats of 8 bits ------------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two elements an instruction: a word of four bytes becomes two words of two f16, by `prmt` and operations on words.
//
//     f8e5m2 -> f16   the byte is the upper half of the f16
//     f8e4m3 -> f16   the byte one bit further down, times 2^8 (the biases of the exponents are 7 and 15); NaN by hand
//     f8     -> bf16  further down by 3 or 2 bits, times 2^120 or 2^112; NaN and infinities by hand
//     i8     -> bf16  128 + the lower 7 bits, less 128 or 256
//     f32    -> f8    bits rounded in an integer; what is below the normal numbers is rounded by adding a power of two
//
// Targets with instructions for it (sm_89) use cvt between pairs of f8 and f16 or f32. All of them are exact where the
// result holds the value, and round once, to the nearest even, where it does not: alike on all targets.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_BYTECASTS_H
#define IMBREX_COMPILER_CTA_TO_NVVM_BYTECASTS_H

#include "compiler/cta_to_nvvm/Lowering.h"

namespace imbrex {

/// The registers of `op`'s result, if it is arith.extf from floats of 8 bits, arith.sitofp of i8 to bf16, or
/// tile.narrow; nullopt: it is neither.
std::optional<Values> lowerByteCast(Lowering &l, mlir::Operation *op);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_BYTECASTS_H
