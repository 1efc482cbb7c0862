//===- Warp.h - How many threads a warp has ---------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The same on every GPU there is; layouts, launches and the code of a thread count on it. A thread of a CTA is lane
// thread % 32 of warp thread / 32 (PTX ISA, "Cooperative Thread Arrays": a warp is threads of consecutive numbers).
// No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_LAYOUT_WARP_H
#define IMBREX_DIALECTS_LAYOUT_WARP_H

namespace imbrex::layout {

/// Bits of a lane's number.
inline constexpr unsigned kLaneBits = 5;
/// Threads, or lanes, of a warp.
inline constexpr unsigned kWarpThreads = 1u << kLaneBits;

} // namespace imbrex::layout

#endif // IMBREX_DIALECTS_LAYOUT_WARP_H
