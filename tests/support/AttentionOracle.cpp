//===- AttentionOracle.cpp - What attention means, in plain loops ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One row at a time: logits of the keys it sees, their softmax, the weighted sum of values.
//
//===----------------------------------------------------------------------===//

#include "tests/support/AttentionOracle.h"
#include "tests/support/Storage.h"
#include <cmath>
#include <limits>
#include <utility>

using namespace imbrex;
using namespace imbrex::testing;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool Mask::sees(int64_t i, int64_t j, int64_t queries, int64_t keys) const {
  const int64_t diagonal = i + (kind == Kind::CausalTopLeft ? 0 : keys - queries);
  const bool isCausal = kind == Kind::Causal || kind == Kind::CausalTopLeft || kind == Kind::CausalWindow;
  if (isCausal && j > diagonal)
    return false;
  if ((kind == Kind::Window || kind == Kind::CausalWindow) && left >= 0 && j < diagonal - left)
    return false;
  return kind != Kind::Window || right < 0 || j <= diagonal + right;
}

std::string Mask::hook() const {
  switch (kind) {
  case Kind::Full:
    return "full";
  case Kind::Causal:
    return "causal";
  case Kind::CausalTopLeft:
    return "causal_top_left";
  case Kind::Window:
    return "window(" + std::to_string(left) + ", " + std::to_string(right) + ")";
  case Kind::CausalWindow:
    return "causal_window(" + std::to_string(left) + ")";
  }
  return "";
}

namespace {

/// One row's places in the dense arrays.
struct Row {
  int64_t batch, query, head;
  const double *q;
  double *o;
  double *lse;
};

/// Arithmetic whose results are rounded to `Type`, with sums of products in `Sum`.
template <typename Sum> struct Rounded {
  DataType type;
  double operator()(double value) const { return roundTo(value, type); }
};

} // namespace

template <typename Sum>
static void attendRow(const AttentionShape &shape, const AttentionInputs &inputs, const Row &row, Rounded<Sum> round) {
  const int64_t keyHead = row.head / shape.group;
  auto keyRow = [&](int64_t j) { return (row.batch * shape.keys + j) * shape.keyHeads + keyHead; };
  std::vector<std::pair<int64_t, double>> seen;
  double most = -kInfinity;
  for (int64_t j = 0; j < shape.keys; ++j) {
    if (!shape.mask.sees(row.query, j, shape.queries, shape.keys))
      continue;
    const double *k = &inputs.k[size_t(keyRow(j) * shape.depth)];
    Sum product = 0;
    for (int64_t d = 0; d < shape.depth; ++d)
      product += Sum(row.q[d]) * Sum(k[d]);
    double logit = round(round(double(product)) * shape.scale);
    if (shape.softcap != 0)
      logit = round(shape.softcap * round(std::tanh(round(logit / shape.softcap))));
    seen.push_back({j, logit});
    most = std::fmax(most, logit);
  }
  if (seen.empty() || most == -kInfinity) {
    *row.lse = -kInfinity;
    return;
  }
  Sum sum = 0;
  for (auto &[j, weight] : seen)
    sum += Sum(weight = std::exp(weight - most));
  *row.lse = most + std::log(double(sum));
  std::vector<Sum> values(size_t(shape.valueDepth), 0);
  for (const auto &[j, weight] : seen) {
    const Sum part = Sum(round(weight / double(sum)));
    const double *v = &inputs.v[size_t(keyRow(j) * shape.valueDepth)];
    for (int64_t d = 0; d < shape.valueDepth; ++d)
      values[size_t(d)] += part * Sum(v[d]);
  }
  for (int64_t d = 0; d < shape.valueDepth; ++d)
    row.o[d] = round(double(values[size_t(d)]));
}

template <typename Sum>
static AttentionResult attendAll(const AttentionShape &shape, const AttentionInputs &inputs, Rounded<Sum> round) {
  AttentionResult result;
  result.o.assign(size_t(shape.sizeO()), 0);
  result.lse.assign(size_t(shape.batch * shape.heads() * shape.queries), 0);
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t i = 0; i < shape.queries; ++i)
      for (int64_t h = 0; h < shape.heads(); ++h) {
        const int64_t row = (b * shape.queries + i) * shape.heads() + h;
        attendRow(shape, inputs,
                  {b, i, h, inputs.q.data() + row * shape.depth, result.o.data() + row * shape.valueDepth,
                   &result.lse[size_t((b * shape.heads() + h) * shape.queries + i)]},
                  round);
      }
  return result;
}

AttentionResult testing::attend(const AttentionShape &shape, const AttentionInputs &inputs) {
  return attendAll(shape, inputs, Rounded<double>{DataType::F64});
}

AttentionResult testing::attendRounded(const AttentionShape &shape, const AttentionInputs &inputs, DataType type) {
  return type == DataType::F64 ? attend(shape, inputs) : attendAll(shape, inputs, Rounded<float>{type});
}
