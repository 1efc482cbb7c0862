//===- AttentionOracle.cpp - What attention means, in plain loops ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Some rows of a head at a time: logits of the keys they see, their softmax, the weighted sum of values.
//
//===----------------------------------------------------------------------===//

#include "tests/support/AttentionOracle.h"
#include "tests/support/Storage.h"
#include "tests/support/Sums.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace imbrex;
using namespace imbrex::testing;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

Mask::Range Mask::seen(int64_t i, int64_t queries, int64_t keys) const {
  const int64_t diagonal = i + (kind == Kind::CausalTopLeft ? 0 : keys - queries);
  const bool isCausal = kind == Kind::Causal || kind == Kind::CausalTopLeft || kind == Kind::CausalWindow;
  const bool isWindow = kind == Kind::Window || kind == Kind::CausalWindow;
  Range range = {0, keys};
  if (isCausal)
    range.end = std::min(range.end, diagonal + 1);
  if (isWindow && left >= 0)
    range.begin = std::max(range.begin, diagonal - left);
  if (kind == Kind::Window && right >= 0)
    range.end = std::min(range.end, diagonal + right + 1);
  return range;
}

Mask::Range Mask::seen(int64_t first, int64_t count, int64_t queries, int64_t keys) const {
  Range all = {keys, 0};
  for (int64_t i = first; i < first + count; ++i)
    if (const Range row = seen(i, queries, keys); row.begin < row.end)
      all = {std::min(all.begin, row.begin), std::max(all.end, row.end)};
  return all;
}

bool Mask::sees(int64_t i, int64_t j, int64_t queries, int64_t keys) const { return seen(i, queries, keys).has(j); }

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

/// Some rows of one head, in arithmetic whose results are rounded to a type, with sums of products in `Sum`.
template <typename Sum> class Rows {
public:
  Rows(const AttentionShape &shape, const AttentionInputs &inputs, DataType type)
      : shape(shape), type(type), q(widened<Sum>(inputs.q)), k(widened<Sum>(inputs.k)), v(widened<Sum>(inputs.v)),
        products(size_t(kRowsAtOnce * shape.keys)), weights(size_t(kRowsAtOnce * shape.keys)) {}

  /// Rows first .. first + count - 1 of a batch's head.
  void attend(int64_t b, int64_t h, int64_t first, int64_t count, AttentionResult &result) {
    any = shape.mask.seen(first, count, shape.queries, shape.keys);
    for (int64_t r = 0; r < count; ++r)
      seen[r] = shape.mask.seen(first + r, shape.queries, shape.keys);
    findLogits(b, h, first, count);
    for (int64_t r = 0; r < count; ++r)
      result.lse[size_t((b * shape.heads() + h) * shape.queries + first + r)] = softmax(r);
    addValues(b, h, first, count, result);
  }

private:
  double round(double value) const { return roundTo(value, type); }
  size_t queryRow(int64_t b, int64_t h, int64_t i) const { return size_t((b * shape.queries + i) * shape.heads() + h); }
  size_t keyRow(int64_t b, int64_t h, int64_t j) const {
    return size_t((b * shape.keys + j) * shape.keyHeads + h / shape.group);
  }
  double *weightsOf(int64_t r) { return weights.data() + r * shape.keys; } // of no keys too

  /// -inf where a row does not see a key.
  void findLogits(int64_t b, int64_t h, int64_t first, int64_t count) {
    if (any.begin >= any.end)
      return;
    turnRows(turned, &q[queryRow(b, h, first) * size_t(shape.depth)], shape.heads() * shape.depth, count, shape.depth);
    dots(&products[size_t(any.begin * kRowsAtOnce)], turned.data(), &k[keyRow(b, h, any.begin) * size_t(shape.depth)],
         shape.keyHeads * shape.depth, any.end - any.begin, shape.depth);
    for (int64_t r = 0; r < count; ++r) {
      double *row = weightsOf(r);
      std::fill(row + any.begin, row + any.end, -kInfinity);
      for (int64_t j = seen[r].begin; j < seen[r].end; ++j)
        row[j] = double(products[size_t(j * kRowsAtOnce + r)]);
      if (seen[r].begin < seen[r].end)
        finishLogits(row + seen[r].begin, row + seen[r].end);
    }
  }

  /// Scales and caps products of queries and keys.
  void finishLogits(double *begin, double *end) const {
    const size_t count = size_t(end - begin);
    const auto each = [&](const auto &function) {
      roundAll(begin, count, type);
      std::transform(begin, end, begin, function);
    };
    each([&](double x) { return x * shape.scale; });
    if (shape.softcap != 0) {
      each([&](double x) { return x / shape.softcap; });
      each([](double x) { return std::tanh(x); });
      each([&](double x) { return shape.softcap * x; });
    }
    roundAll(begin, count, type);
  }

  /// Logits become weights; returns the row's lse.
  double softmax(int64_t r) {
    double *row = weightsOf(r);
    double most = -kInfinity;
    for (int64_t j = any.begin; j < any.end; ++j)
      most = std::fmax(most, row[j]);
    Sum sum = 0;
    for (int64_t j = any.begin; j < any.end; ++j)
      sum += Sum(row[j] = row[j] == -kInfinity ? 0 : std::exp(row[j] - most));
    if (most == -kInfinity)
      return -kInfinity;
    std::transform(row + any.begin, row + any.end, row + any.begin, [&](double x) { return x / double(sum); });
    roundAll(row + any.begin, size_t(any.end - any.begin), type);
    return most + std::log(double(sum));
  }

  void addValues(int64_t b, int64_t h, int64_t first, int64_t count, AttentionResult &result) {
    const int64_t depth = shape.valueDepth;
    std::vector<Sum> sums(size_t(count * depth));
    auto line = [&](int64_t r) { return std::pair(&sums[size_t(r * depth)], Weights{weightsOf(r) + any.begin, 1}); };
    if (any.begin < any.end)
      addRowsToLines(count, line, &v[keyRow(b, h, any.begin) * size_t(depth)], shape.keyHeads * depth,
                     any.end - any.begin, depth);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t d = 0; d < depth; ++d)
        result.o[queryRow(b, h, first + r) * size_t(depth) + size_t(d)] = round(double(sums[size_t(r * depth + d)]));
  }

  const AttentionShape &shape;
  DataType type;
  std::vector<Sum> q, k, v;
  std::vector<Sum> turned, products;            ///< of queries; [Sk, kRowsAtOnce] of queries and keys
  Mask::Range any = {}, seen[kRowsAtOnce] = {}; ///< what some row sees, and each row
  std::vector<double> weights;                  ///< [kRowsAtOnce, Sk]
};

} // namespace

template <typename Sum>
static AttentionResult attendAll(const AttentionShape &shape, const AttentionInputs &inputs, DataType type) {
  AttentionResult result;
  result.o.assign(size_t(shape.sizeO()), 0);
  result.lse.assign(size_t(shape.batch * shape.heads() * shape.queries), 0);
  Rows<Sum> rows(shape, inputs, type);
  for (int64_t b = 0; b < shape.batch; ++b)
    for (int64_t h = 0; h < shape.heads(); ++h)
      for (int64_t i = 0; i < shape.queries; i += kRowsAtOnce)
        rows.attend(b, h, i, std::min(kRowsAtOnce, shape.queries - i), result);
  return result;
}

AttentionResult testing::attend(const AttentionShape &shape, const AttentionInputs &inputs) {
  return attendAll<double>(shape, inputs, DataType::F64);
}

AttentionResult testing::attendRounded(const AttentionShape &shape, const AttentionInputs &inputs, DataType type) {
  return type == DataType::F64 ? attend(shape, inputs) : attendAll<float>(shape, inputs, type);
}
