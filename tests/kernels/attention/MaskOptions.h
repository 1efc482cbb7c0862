//===- MaskOptions.h - A mask as an option of attention ------ -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sides of a window are arguments in a grid, so that all random windows share a kernel; elsewhere they are numbers of
// the hook's text, of which the compiler knows more. Both are tested.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_KERNELS_ATTENTION_MASKOPTIONS_H
#define IMBREX_TESTS_KERNELS_ATTENTION_MASKOPTIONS_H

#include "kernels/attention.h"
#include "tests/support/AttentionOracle.h"

namespace imbrex::testing {

enum class Sides { InText, Arguments };

inline void setMask(attention::Options &options, const Mask &mask, Sides sides) {
  options.mask = mask.hook();
  if (sides == Sides::InText || (mask.kind != Mask::Kind::Window && mask.kind != Mask::Kind::CausalWindow))
    return;
  options.captured.emplace_back("left", mask.left);
  options.mask = "causal_window(left)";
  if (mask.kind == Mask::Kind::CausalWindow)
    return;
  options.captured.emplace_back("right", mask.right);
  options.mask = "window(left, right)";
}

} // namespace imbrex::testing

#endif // IMBREX_TESTS_KERNELS_ATTENTION_MASKOPTIONS_H
