//===- Models.h - How near a result must come ----------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compares what a device recorded with what the simulated device computes. Bit for bit, with three exceptions:
//
//   NaN results of arithmetic and conversions to floats: any NaN for any NaN, since the PTX ISA leaves their
//     bits open (sections on floating-point instructions). Moves, selects and copies keep every bit.
//   Approximations: within the error that the ISA states for the instruction, and half a unit in the last
//     place for the rounding of the simulated device. The table is kApproximations in Models.cpp.
//   mma.sync into f32: K products and an accumulator are added in an order and with a truncation that are not
//     documented. With M the largest magnitude of a term and S the sum of all magnitudes, the device may lose
//     2^-22 M for every term and the result (alignment to the largest term, at least 24 bits kept), the
//     simulated device rounds K times to f32: together (K + 2) 2^-22 M + K 2^-24 S. Products below the normal
//     range may be lost: (K + 1) 2^-126. Of floats of 8 bits 14 digits are kept, 2^-13 M
//     in place of 2^-22 M. Infinities and NaNs must agree unless S leaves the range of f32.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_MODELS_H
#define IMBREX_TESTS_RECORDED_MODELS_H

#include "tests/recorded/Experiment.h"

namespace imbrex::recorded {

/// "" if results of the form can be judged, or why not.
std::string whyNoModel(const Form &form);

struct Comparison {
  size_t values = 0;    ///< compared
  size_t different = 0; ///< beyond what the model allows
  double largest = 0;   ///< error of a finite float, in units in the last place; also of those within the model
  std::string first;    ///< lines: thread, operands, literals, recorded, simulated of the first differences

  /// One line and `first`; for a form with differences.
  std::string describe() const;
};

Comparison compareResults(const Experiment &experiment, const Bytes &recorded, const Bytes &simulated);

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_MODELS_H
