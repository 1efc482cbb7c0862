//===- PtxArgument.h - Values for parameters of PTX kernels -----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How --arg and --out of `imbrex simulate` spell what a PTX parameter does not say of itself: its type.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_PTXARGUMENT_H
#define IMBREX_TOOLS_IMBREX_PTXARGUMENT_H

#include "tools/imbrex/Npy.h"

namespace imbrex::tool {

/// "7", "0x10", "-1" (an integer of the parameter's width), "1.5" (a float of its width: 2, 4 or 8 bytes), "f32:1",
/// "u8:255" (the type said; it must have the width) or "hex:00ff" (as many bytes). False with `error`.
bool readPtxScalar(const std::string &text, size_t bytes, std::vector<char> &value, std::string &error);

/// "FILE.npy", "TYPE:SHAPE" or "TYPE:SHAPE:FILE.npy" with TYPE f16 f32 f64 i8 i16 i32 i64 u8 u16 u32 u64 and SHAPE such
/// as 2x64. The first leaves array.descr empty.
bool readPtxOutput(const std::string &text, npy::Array &array, std::string &file);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_PTXARGUMENT_H
