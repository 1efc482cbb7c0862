//===- GradientOracle.cpp - The gradient of attention, by its formula -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With P = softmax(X + bias) and weights W: dV = (P W)^T dO, dP = (dO V^T) W, dS = P (dP - rowsum(P dP) + dL).
//
//===----------------------------------------------------------------------===//

#include "tests/support/GradientOracle.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Storage.h"
#include "tests/support/Sums.h"
#include <algorithm>
#include <cmath>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// Some queries of one head. Sums are in f64, or of other types in f32.
template <typename Sum> class RowGradients {
public:
  RowGradients(const GradientProblem &problem, DataType type)
      : problem(problem), shape(problem.shape), type(type), q(widened<Sum>(problem.inputs.q)),
        k(widened<Sum>(problem.inputs.k)), v(widened<Sum>(problem.inputs.v)), go(widened<Sum>(problem.dO)),
        dq(q.size()), dk(k.size()), dv(v.size()), dSinks(size_t(shape.heads())) {
    for (std::vector<double> *each : {&p, &weighted, &slope, &dp})
      each->resize(size_t(kRowsAtOnce * shape.keys));
    products.resize(size_t(kRowsAtOnce * shape.keys));
  }

  /// Adds what rows first .. first + count - 1 of head h give.
  void add(int64_t head, int64_t from, int64_t many, Gradients &to) {
    h = head, first = from, count = many;
    any = shape.mask.seen(first, count, shape.queries, shape.keys);
    for (int64_t r = 0; r < count; ++r)
      seen[r] = shape.mask.seen(first + r, shape.queries, shape.keys);
    if (any.begin >= any.end)
      any = {0, 0};
    findLogits();
    for (int64_t r = 0; r < count; ++r)
      softmax(r, to);
    addOutputs(to);
    multiply(go, v, shape.valueDepth);
    for (int64_t r = 0; r < count; ++r)
      findLogitGradients(r, to);
    addInputGradients();
  }

  void finish(Gradients &to) const {
    auto narrowed = [&](const std::vector<Sum> &sums) {
      return roundTo(std::vector<double>(sums.begin(), sums.end()), type);
    };
    to.dq = narrowed(dq), to.dk = narrowed(dk), to.dv = narrowed(dv);
    to.dSinks.assign(dSinks.begin(), dSinks.end());
  }

private:
  double round(double x) const { return roundTo(x, type); }
  size_t queryRow(int64_t r) const { return size_t((first + r) * shape.heads() + h); }
  size_t keyRow(int64_t j) const { return size_t(j * shape.keyHeads + h / shape.group); }
  size_t at(int64_t r, int64_t j) const { return size_t(r * shape.keys + j); }
  double weight(int64_t r, int64_t j) const { return problem.weight ? problem.weight(h, first + r, j) : 1; }

  /// The products of rows [heads, n] with those of keys [keyHeads, n].
  void multiply(const std::vector<Sum> &rows, const std::vector<Sum> &keys, int64_t n) {
    turnRows(turned, rows.data() + queryRow(0) * size_t(n), shape.heads() * n, count, n);
    dots(products.data() + any.begin * kRowsAtOnce, turned.data(), keys.data() + keyRow(any.begin) * size_t(n),
         shape.keyHeads * n, any.end - any.begin, n);
  }
  double product(int64_t r, int64_t j) const { return round(double(products[size_t(j * kRowsAtOnce + r)])); }

  /// p becomes the logits, -inf where a row does not see a key.
  void findLogits() {
    multiply(q, k, shape.depth);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t j = any.begin; j < any.end; ++j) {
        p[at(r, j)] = -INFINITY;
        if (!seen[r].has(j))
          continue;
        const double x = round(product(r, j) * shape.scale);
        const double t = shape.softcap != 0 ? std::tanh(x / shape.softcap) : 0;
        slope[at(r, j)] = 1 - t * t;
        p[at(r, j)] =
            (shape.softcap != 0 ? round(shape.softcap * t) : x) + (problem.bias ? problem.bias(h, first + r, j) : 0);
      }
  }

  void softmax(int64_t r, Gradients &to) {
    double most = problem.sinks.empty() ? -INFINITY : problem.sinks[size_t(h)];
    for (int64_t j = any.begin; j < any.end; ++j)
      most = std::fmax(most, p[at(r, j)]);
    Sum sum = 0;
    if (!problem.sinks.empty() && most != -INFINITY)
      sum = Sum(std::exp(problem.sinks[size_t(h)] - most));
    sinkWeights[r] = double(sum);
    for (int64_t j = any.begin; j < any.end; ++j)
      sum += Sum(p[at(r, j)] = p[at(r, j)] == -INFINITY ? 0 : std::exp(p[at(r, j)] - most));
    for (int64_t j = any.begin; j < any.end; ++j)
      p[at(r, j)] = p[at(r, j)] == 0 ? 0 : round(p[at(r, j)] / double(sum));
    sinkWeights[r] = sum == 0 ? 0 : sinkWeights[r] / double(sum);
    to.lse[size_t(h * shape.queries + first + r)] = sum == 0 ? -INFINITY : most + std::log(double(sum));
  }

  void addOutputs(Gradients &to) {
    const int64_t depth = shape.valueDepth;
    std::vector<Sum> sums(size_t(count * depth));
    for (int64_t r = 0; r < count; ++r)
      for (int64_t j = any.begin; j < any.end; ++j)
        weighted[at(r, j)] = p[at(r, j)] == 0 ? 0 : round(p[at(r, j)] * weight(r, j));
    auto line = [&](int64_t r) {
      return std::pair(&sums[size_t(r * depth)], Weights{weighted.data() + at(r, any.begin), 1});
    };
    addRowsToLines(count, line, v.data() + keyRow(any.begin) * size_t(depth), shape.keyHeads * depth,
                   any.end - any.begin, depth);
    for (int64_t r = 0; r < count; ++r)
      for (int64_t d = 0; d < depth; ++d)
        to.o[queryRow(r) * size_t(depth) + size_t(d)] = round(double(sums[size_t(r * depth + d)]));
  }

  /// dp becomes the gradients of the scaled logits, before the softcap.
  void findLogitGradients(int64_t r, Gradients &to) {
    Sum mean = problem.dLse.empty() ? 0 : -Sum(problem.dLse[size_t(h * shape.queries + first + r)]);
    for (int64_t j = any.begin; j < any.end; ++j) {
      if (p[at(r, j)] == 0)
        continue;
      dp[at(r, j)] = round(product(r, j) * weight(r, j));
      mean += Sum(p[at(r, j)] * dp[at(r, j)]);
    }
    dSinks[size_t(h)] -= Sum(sinkWeights[r] * double(mean));
    for (int64_t j = any.begin; j < any.end; ++j) {
      const double ds = p[at(r, j)] == 0 ? 0 : p[at(r, j)] * (dp[at(r, j)] - double(mean));
      to.dBias[size_t((h * shape.queries + first + r) * shape.keys + j)] = ds;
      dp[at(r, j)] = ds == 0 ? 0 : round(ds * slope[at(r, j)]) * shape.scale;
    }
  }

  void addInputGradients() {
    const int64_t depth = shape.depth, valueDepth = shape.valueDepth, keys = any.end - any.begin;
    const int64_t step = shape.keys, query = int64_t(queryRow(0)); // from a row's weights to the next row's
    auto line = [&](int64_t r) {
      return std::pair(&dq[queryRow(r) * size_t(depth)], Weights{dp.data() + at(r, any.begin), 1});
    };
    addRowsToLines(count, line, k.data() + keyRow(any.begin) * size_t(depth), shape.keyHeads * depth, keys, depth);
    for (int64_t j = any.begin; j < any.end; ++j) {
      addRows(&dk[keyRow(j) * size_t(depth)], {&dp[at(0, j)], step}, &q[size_t(query * depth)], shape.heads() * depth,
              count, depth);
      addRows(&dv[keyRow(j) * size_t(valueDepth)], {&weighted[at(0, j)], step}, &go[size_t(query * valueDepth)],
              shape.heads() * valueDepth, count, valueDepth);
    }
  }

  const GradientProblem &problem;
  const AttentionShape &shape;
  DataType type;
  std::vector<Sum> q, k, v, go, dq, dk, dv, dSinks;
  std::vector<Sum> turned, products; ///< of queries or dO; [Sk, kRowsAtOnce] of them and keys or values
  int64_t h = 0, first = 0, count = 0;
  Mask::Range any = {}, seen[kRowsAtOnce] = {}; ///< what some row sees, and each row
  std::vector<double> p, weighted, slope, dp;   ///< [kRowsAtOnce, Sk]
  double sinkWeights[kRowsAtOnce] = {};
};

} // namespace

template <typename Sum> static Gradients allGradients(const GradientProblem &problem, DataType type) {
  const AttentionShape &shape = problem.shape;
  auto zeros = [](int64_t n) { return std::vector<double>(size_t(n), 0.0); };
  Gradients to = {zeros(shape.sizeO()),
                  zeros(shape.heads() * shape.queries),
                  {},
                  {},
                  {},
                  zeros(shape.heads() * shape.queries * shape.keys),
                  {}};
  RowGradients<Sum> rows(problem, type);
  for (int64_t h = 0; h < shape.heads(); ++h)
    for (int64_t i = 0; i < shape.queries; i += kRowsAtOnce)
      rows.add(h, i, std::min(kRowsAtOnce, shape.queries - i), to);
  rows.finish(to);
  return to;
}

Gradients testing::gradientsOf(const GradientProblem &problem, DataType type) {
  return type == DataType::F64 ? allGradients<double>(problem, type) : allGradients<float>(problem, type);
}

std::string testing::judgeGradient(const std::vector<double> &reference, const std::vector<double> &baseline,
                                   const std::vector<double> &actual, DataType type) {
  double limit = 0;
  for (double exact : reference) {
    if (type == DataType::F64) {
      limit = std::fmax(limit, 1e-10 * std::fabs(exact));
      continue;
    }
    const double r = roundTo(exact, type), shift = roundTo(0.3, type);
    limit = std::fmax(limit, 2 * std::fabs(roundTo(roundTo(r + shift, type) - shift, type) - r));
  }
  if (type != DataType::F64)
    limit += 3 * largestDifference(baseline, reference);
  const double error = largestDifference(actual, reference);
  if (error <= limit)
    return "";
  std::ostringstream out;
  out << "off by " << error << ", allowed " << limit;
  return out.str();
}
