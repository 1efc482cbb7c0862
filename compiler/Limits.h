//===- Limits.h - How large tiles and views may be --------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds that the text, the texts of later stages and a launch are all held to, each with its reason. No LLVM type:
// public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_LIMITS_H
#define IMBREX_COMPILER_LIMITS_H

#include <cstdint>

namespace imbrex {

/// Of a tile along one dimension: so that a position in a view and one in a tile add up in an i32 (kLargestExtent).
inline constexpr int64_t kMaxTileExtent = 1 << 16;
/// Of a tile: 1,024 of each of a CTA's 1,024 threads, four times the registers that a thread has; beyond it no
/// configuration can be good.
inline constexpr int64_t kMaxTileElements = int64_t(1024) * 1024;
/// Registers that a thread may hold of one tile: 1,024, and an eighth for the margins of layouts.
inline constexpr unsigned kMaxTileRegisters = 1152;
/// Operations of a kernel in the stages above single threads.
inline constexpr unsigned kMaxOperations = 200000;
/// Dimensions of a view: hosts pass them in arrays of this length.
inline constexpr unsigned kMaxViewRank = 8;
/// Of a view along one dimension: a tile that begins inside still ends at a position that an i32 holds.
inline constexpr int64_t kLargestExtent = (int64_t(1) << 31) - kMaxTileExtent;

} // namespace imbrex

#endif // IMBREX_COMPILER_LIMITS_H
