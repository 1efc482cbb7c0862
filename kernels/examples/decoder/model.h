//===- model.h - A tiny language model -------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One layer of attention over characters, with weights drawn from a seed: x = E[token]; q, k, v = x W; q and k turn at
// their position; y = (x + attention) U; the next character is the likeliest. 4 query heads on 2 key heads of 16
// features.
//
//===----------------------------------------------------------------------===//

#ifndef DECODER_MODEL_H
#define DECODER_MODEL_H

#include <string>
#include <string_view>
#include <vector>

constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ.,;:!?'-\n()";
constexpr int kCharacters = int(kAlphabet.size()), kHeads = 4, kKeyHeads = 2, kDepth = 16;
constexpr int kFeatures = kHeads * kDepth, kKeyFeatures = kKeyHeads * kDepth, kProjected = kFeatures + 2 * kKeyFeatures;
constexpr double kBase = 10000;

struct Model {
  explicit Model(unsigned seed);
  std::vector<float> table;   ///< [characters, features]
  std::vector<float> project; ///< [features, projected]: queries, keys, values
  std::vector<float> output;  ///< [features, characters]
};

/// The prompt and what follows it, `length` characters in all, in plain C++ and double precision; and all logits that
/// it comes from, [length - 1, characters].
struct Generated {
  std::string text;
  std::vector<double> logits;
};
Generated generatePlainly(const Model &model, std::string_view prompt, int length);

/// The place of the largest.
template <typename T> int likeliest(const T *logits) {
  int best = 0;
  for (int i = 1; i < kCharacters; ++i)
    best = logits[i] > logits[best] ? i : best;
  return best;
}

#endif // DECODER_MODEL_H
