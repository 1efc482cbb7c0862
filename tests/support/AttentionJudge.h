//===- AttentionJudge.h - Whether a result is good enough ---- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The error a forward result may have. With `ref` the attention in f64 on the stored inputs, `base` the
// same computed in the storage type, and r = ref rounded to that type:
//
//   output   max|out - ref| <= 2 max|base - ref| + 2 max|(r + 0.3 - 0.3) - r|     (3 in place of the first 2
//            with softcap); f64: 1e-10 max|ref|; extreme logits, where base says nothing: 4 u max|V|
//   LSE      |lse - ref| <= 1e-4 + 1e-6 |ref|, f64 1e-10 max|ref|; -inf exactly where ref is
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_ATTENTIONJUDGE_H
#define IMBREX_TESTS_SUPPORT_ATTENTIONJUDGE_H

#include "tests/support/AttentionOracle.h"

namespace imbrex::testing {

/// The largest difference; infinite if one side has a NaN or if one alone has an infinity.
double largestDifference(const std::vector<double> &a, const std::vector<double> &b);

/// The limit of the output's error by the rule above.
double outputLimit(const AttentionShape &shape, const AttentionInputs &inputs, const AttentionResult &reference,
                   DataType type, bool extreme);

/// "" if `actual` is good enough, else one line with the measured and the allowed error.
std::string judge(const AttentionShape &shape, const AttentionInputs &inputs, const AttentionResult &actual,
                  DataType type, bool extreme = false);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_ATTENTIONJUDGE_H
