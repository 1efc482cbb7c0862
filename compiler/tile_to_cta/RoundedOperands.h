//===- RoundedOperands.h - f32 operands of products by wgmma --- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// wgmma cuts f32 to tf32, where the language rounds it, and takes it with K along the rows that are stored only. So its
// operands are rounded before, and turned where they must be:
//
//     computed                               as they are in registers (cta.round)
//     copied before the loop, K along rows   where they lie
//     other copies                           into a second buffer (cta.restage), by the warps that copy
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_TO_CTA_ROUNDEDOPERANDS_H
#define IMBREX_COMPILER_TILE_TO_CTA_ROUNDEDOPERANDS_H

#include "compiler/tile_to_cta/DotPlan.h"

namespace imbrex {

/// Decides how the operands of an f32 product are rounded for wgmma, of warpgroups that share rows if `sharesRows`.
/// Gives the reason why they cannot be, or should not; empty: none.
std::string planRounding(tile::DotOp dot, DotPlan &plan, bool sharesRows);

/// Bytes of shared memory that all operands of `plans` take, those twice that are written anew.
int64_t operandBytes(const DotPlans &plans);

} // namespace imbrex

#endif // IMBREX_COMPILER_TILE_TO_CTA_ROUNDEDOPERANDS_H
