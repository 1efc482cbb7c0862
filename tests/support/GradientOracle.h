//===- GradientOracle.h - Attention's gradient by its formula -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Over whole rows in f64, and the same with every product and softmax rounded, as an eager framework computes it in the
// storage type. One sequence. A gradient is good enough as AttentionJudge.h says, with three times the baseline's
// error.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_GRADIENTORACLE_H
#define IMBREX_TESTS_SUPPORT_GRADIENTORACLE_H

#include "tests/support/AttentionOracle.h"
#include <functional>

namespace imbrex::testing {

struct GradientProblem {
  AttentionShape shape; ///< batch 1
  AttentionInputs inputs;
  std::vector<double> dO, dLse, sinks;                                 ///< dLse [H, Sq] and sinks [H] may be empty
  std::function<double(int64_t h, int64_t i, int64_t j)> bias, weight; ///< may be empty: 0 and 1
};

struct Gradients {
  std::vector<double> o, lse, dq, dk, dv;
  std::vector<double> dBias, dSinks; ///< [H, Sq, Sk], [H]
};

/// Rounded to `type` where that is not f64.
Gradients gradientsOf(const GradientProblem &problem, DataType type);

/// "" or the measured and the allowed error of one gradient; f64 is held to 1e-10 of the largest element.
std::string judgeGradient(const std::vector<double> &reference, const std::vector<double> &baseline,
                          const std::vector<double> &actual, DataType type);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_GRADIENTORACLE_H
