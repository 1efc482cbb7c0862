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
#include <cmath>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// One query and head.
class RowGradient {
public:
  RowGradient(const GradientProblem &problem, DataType type, int64_t h, int64_t i)
      : problem(problem), shape(problem.shape), type(type), h(h), i(i),
        q(&problem.inputs.q[size_t((i * shape.heads() + h) * shape.depth)]),
        go(&problem.dO[size_t((i * shape.heads() + h) * shape.valueDepth)]) {}

  void addTo(Gradients &to) {
    forward(to);
    backward(to);
  }

private:
  double round(double x) const { return type == DataType::F64 ? x : roundTo(x, type); }
  /// Sums are in f64, or of other types in f32.
  void add(double &sum, double term) const { sum = type == DataType::F64 ? sum + term : float(sum) + float(term); }
  size_t keyRow(int64_t j) const { return size_t(j * shape.keyHeads + h / shape.group); }
  double weight(int64_t j) const { return problem.weight ? problem.weight(h, i, j) : 1; }

  void forward(Gradients &to) {
    double most = problem.sinks.empty() ? -INFINITY : problem.sinks[size_t(h)];
    for (int64_t j = 0; j < shape.keys; ++j) {
      double x = 0;
      for (int64_t d = 0; d < shape.depth; ++d)
        add(x, q[d] * problem.inputs.k[keyRow(j) * size_t(shape.depth) + size_t(d)]);
      x = round(round(x) * shape.scale);
      const double t = shape.softcap != 0 ? std::tanh(x / shape.softcap) : 0;
      slope.push_back(1 - t * t);
      double s = shape.softcap != 0 ? round(shape.softcap * t) : x;
      s += problem.bias ? problem.bias(h, i, j) : 0;
      p.push_back(shape.mask.sees(i, j, shape.queries, shape.keys) ? s : -INFINITY);
      most = std::fmax(most, p.back());
    }
    double sum = problem.sinks.empty() || most == -INFINITY ? 0 : std::exp(problem.sinks[size_t(h)] - most);
    sinkWeight = sum;
    for (double &s : p)
      add(sum, s = most == -INFINITY ? 0 : std::exp(s - most));
    for (double &s : p)
      s = sum == 0 ? 0 : round(s / sum);
    sinkWeight = sum == 0 ? 0 : sinkWeight / sum;
    to.lse[size_t(h * shape.queries + i)] = sum == 0 ? -INFINITY : most + std::log(sum);
    for (int64_t d = 0; d < shape.valueDepth; ++d) {
      double o = 0;
      for (int64_t j = 0; j < shape.keys; ++j)
        if (p[size_t(j)] != 0)
          add(o, round(p[size_t(j)] * weight(j)) * problem.inputs.v[keyRow(j) * size_t(shape.valueDepth) + size_t(d)]);
      to.o[size_t((i * shape.heads() + h) * shape.valueDepth + d)] = round(o);
    }
  }

  void backward(Gradients &to) {
    std::vector<double> dp(p.size());
    double mean = problem.dLse.empty() ? 0 : -problem.dLse[size_t(h * shape.queries + i)];
    for (int64_t j = 0; j < shape.keys; ++j) {
      double product = 0;
      for (int64_t d = 0; d < shape.valueDepth; ++d)
        add(product, go[d] * problem.inputs.v[keyRow(j) * size_t(shape.valueDepth) + size_t(d)]);
      dp[size_t(j)] = round(round(product) * weight(j));
      add(mean, p[size_t(j)] * dp[size_t(j)]);
    }
    add(to.dSinks[size_t(h)], -sinkWeight * mean);
    for (int64_t j = 0; j < shape.keys; ++j) {
      const double ds = p[size_t(j)] * (dp[size_t(j)] - mean);
      to.dBias[size_t((h * shape.queries + i) * shape.keys + j)] = ds;
      const double dx = round(ds * slope[size_t(j)]) * shape.scale;
      for (int64_t d = 0; d < shape.depth; ++d) {
        add(to.dq[size_t((i * shape.heads() + h) * shape.depth + d)],
            dx * problem.inputs.k[keyRow(j) * size_t(shape.depth) + size_t(d)]);
        add(to.dk[keyRow(j) * size_t(shape.depth) + size_t(d)], dx * q[d]);
      }
      const double kept = round(p[size_t(j)] * weight(j));
      for (int64_t d = 0; d < shape.valueDepth; ++d)
        add(to.dv[keyRow(j) * size_t(shape.valueDepth) + size_t(d)], kept * go[d]);
    }
  }

  const GradientProblem &problem;
  const AttentionShape &shape;
  DataType type;
  int64_t h, i;
  const double *q, *go;
  std::vector<double> p, slope;
  double sinkWeight = 0;
};

} // namespace

Gradients testing::gradientsOf(const GradientProblem &problem, DataType type) {
  const AttentionShape &shape = problem.shape;
  auto zeros = [](int64_t n) { return std::vector<double>(size_t(n), 0.0); };
  Gradients to = {zeros(shape.sizeO()), zeros(shape.heads() * shape.queries),
                  zeros(shape.sizeQ()), zeros(shape.sizeK()),
                  zeros(shape.sizeV()), zeros(shape.heads() * shape.queries * shape.keys),
                  zeros(shape.heads())};
  for (int64_t h = 0; h < shape.heads(); ++h)
    for (int64_t i = 0; i < shape.queries; ++i)
      RowGradient(problem, type, h, i).addTo(to);
  if (type != DataType::F64)
    for (std::vector<double> *gradient : {&to.dq, &to.dk, &to.dv})
      *gradient = roundTo(*gradient, type);
  return to;
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
