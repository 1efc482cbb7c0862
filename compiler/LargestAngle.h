//===- LargestAngle.h - Where sin and cos end ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fact of the language: beyond some size of the argument sin and cos are NaN, on a device and in the interpreter.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_LARGESTANGLE_H
#define IMBREX_COMPILER_LARGESTANGLE_H

namespace imbrex {

/// The largest argument, in size, of which sin and cos are no NaN: in f64, or in f32 and what is computed in it.
inline constexpr double largestAngle(bool isF64) { return isF64 ? 0x1p30 : 0x1p22; }

} // namespace imbrex

#endif // IMBREX_COMPILER_LARGESTANGLE_H
