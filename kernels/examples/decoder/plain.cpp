//===- plain.cpp - The model in plain C++ ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Its weights, and generation by loops: what the kernels are to do.
//
//===----------------------------------------------------------------------===//

#include "model.h"
#include <cmath>
#include <cstdint>

/// Numbers from -size to size.
static std::vector<float> drawn(size_t count, double size, uint64_t &state) {
  std::vector<float> numbers(count);
  for (float &number : numbers) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    number = float((double(state >> 11) * 0x1p-52 - 1) * size);
  }
  return numbers;
}

Model::Model(unsigned seed) {
  uint64_t state = seed;
  table = drawn(size_t(kCharacters) * kFeatures, 1, state);
  project = drawn(size_t(kFeatures) * kProjected, 0.4, state);
  output = drawn(size_t(kFeatures) * kCharacters, 0.4, state);
}

using Row = std::vector<double>;

static Row times(const Row &x, const std::vector<float> &w) {
  const size_t columns = w.size() / x.size();
  Row y(columns, 0);
  for (size_t i = 0; i < x.size(); ++i)
    for (size_t j = 0; j < columns; ++j)
      y[j] += x[i] * w[i * columns + j];
  return y;
}

/// Heads from x on turn by their position.
static void turn(double *x, int heads, int position) {
  for (int h = 0; h < heads; ++h)
    for (int p = 0; p < kDepth / 2; ++p) {
      const double angle = position * std::pow(kBase, -2.0 * p / kDepth), c = std::cos(angle), s = std::sin(angle);
      double &a = x[h * kDepth + p], &b = x[h * kDepth + p + kDepth / 2];
      const double turned = a * c - b * s;
      b = a * s + b * c;
      a = turned;
    }
}

static Row attend(const double *q, const std::vector<Row> &past) {
  Row o(kFeatures, 0);
  for (int h = 0; h < kHeads; ++h) {
    const int key = kFeatures + h / (kHeads / kKeyHeads) * kDepth;
    double sum = 0;
    for (const Row &row : past) {
      double logit = 0;
      for (int d = 0; d < kDepth; ++d)
        logit += q[h * kDepth + d] * row[size_t(key + d)];
      const double weight = std::exp(logit / std::sqrt(double(kDepth)));
      sum += weight;
      for (int d = 0; d < kDepth; ++d)
        o[size_t(h * kDepth + d)] += weight * row[size_t(key + kKeyFeatures + d)];
    }
    for (int d = 0; d < kDepth; ++d)
      o[size_t(h * kDepth + d)] /= sum;
  }
  return o;
}

Generated generatePlainly(const Model &model, std::string_view prompt, int length) {
  Generated made = {std::string(prompt), {}};
  std::string &text = made.text;
  std::vector<Row> past; // queries, keys and values of each position
  for (int position = 0; position + 1 < length; ++position) {
    const float *embedded = &model.table[kAlphabet.find(text[size_t(position)]) * kFeatures];
    Row x(embedded, embedded + kFeatures), row = times(x, model.project);
    turn(row.data(), kHeads + kKeyHeads, position);
    past.push_back(row);
    const Row o = attend(row.data(), past);
    for (int i = 0; i < kFeatures; ++i)
      x[size_t(i)] += o[size_t(i)];
    const Row logits = times(x, model.output);
    made.logits.insert(made.logits.end(), logits.begin(), logits.end());
    if (position + 1 >= int(prompt.size()))
      text += kAlphabet[size_t(likeliest(logits.data()))];
  }
  return made;
}
