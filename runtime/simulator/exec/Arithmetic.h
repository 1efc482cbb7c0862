//===- Arithmetic.h - add, mul and their kin, by type -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Opcode words that integers and floating point share. Arithmetic.cpp looks at the type and hands
// on to Integer.cpp or Float.cpp.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_ARITHMETIC_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_ARITHMETIC_H

#include "runtime/simulator/exec/Decoder.h"

namespace imbrex::simulator {

enum class Operator : uint8_t { Add, Sub, Mul, Mad, Div, Min, Max, Neg, Abs };

/// The type has been taken; the rest of the modifiers is theirs.
bool decodeIntegerOperator(Decoder &decoder, Operator op, Type type);
/// add, sub or mad whose type has been taken: with .cc, or the addc family where `readsCarry`.
bool decodeCarry(Decoder &decoder, Operator op, Type type, bool readsCarry);
bool decodeFloatOperator(Decoder &decoder, Operator op, Type type);
/// An f32 operation whose operands but the last are of the 16-bit type `narrow`.
bool decodeMixedFloat(Decoder &decoder, Operator op, Type narrow, bool directed);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_ARITHMETIC_H
