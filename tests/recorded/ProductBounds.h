//===- ProductBounds.h - What one product adds up ------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For every element of the result of an mma experiment: the magnitudes that its error is bounded by.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_PRODUCTBOUNDS_H
#define IMBREX_TESTS_RECORDED_PRODUCTBOUNDS_H

#include "tests/recorded/Experiment.h"

namespace imbrex::recorded {

struct ProductTerms {
  double sum = 0;       ///< of the terms, NaN and infinities as IEEE has them
  double magnitude = 0; ///< of the terms' magnitudes, S
  double largest = 0;   ///< of the terms' magnitudes, M
  unsigned products = 0;
  bool isOfBytes = false; ///< of floats of 8 bits, whose sums keep fewer digits
};

/// mma.sync.aligned.m16n8k8 or m16n8k16 of f16 or bf16 into f32, m16n8k8 of tf32, or m16n8k32 of e4m3 or e5m2;
/// wgmma.mma_async of these types into f32.
bool hasProductBounds(const Form &form);

/// Of output array `output`, thread after thread.
std::vector<ProductTerms> productTerms(const Experiment &experiment, size_t output);

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_PRODUCTBOUNDS_H
