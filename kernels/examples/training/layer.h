//===- layer.h - A layer of attention that learns --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// q, k, v = x Wq, x Wk, x Wv; o = causal attention of two heads of 16 features. It learns what a layer with other
// weights makes of the same x, from half the mean square of the difference, by steps down the gradient.
//
//===----------------------------------------------------------------------===//

#ifndef TRAINING_LAYER_H
#define TRAINING_LAYER_H

#include <array>
#include <vector>

constexpr int kBatch = 2, kLength = 24, kHeads = 2, kDepth = 16, kFeatures = kHeads * kDepth, kRows = kBatch * kLength;
constexpr int kSteps = 25;
constexpr double kRate = 2;

/// Wq, Wk and Wv, [features, features] each.
using Weights = std::array<std::vector<float>, 3>;

struct Problem {
  explicit Problem(unsigned seed);
  std::vector<float> x; ///< [batch * length, features]
  std::vector<float> y; ///< what the layer is to make of x
  Weights start;
};

/// The loss before each step, in plain C++ and double precision.
std::vector<double> trainPlainly(const Problem &problem);

#endif // TRAINING_LAYER_H
