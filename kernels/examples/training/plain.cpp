//===- plain.cpp - The layer in plain C++ ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loops in double precision over whole rows, as the formulas have it.
//
//===----------------------------------------------------------------------===//

#include "layer.h"
#include <cmath>
#include <random>

using Matrix = std::vector<double>; // [rows, features]

static Matrix product(const Matrix &x, const Matrix &w) {
  Matrix y(x.size(), 0);
  for (int n = 0; n < kRows; ++n)
    for (int k = 0; k < kFeatures; ++k)
      for (int m = 0; m < kFeatures; ++m)
        y[size_t(n * kFeatures + m)] += x[size_t(n * kFeatures + k)] * w[size_t(k * kFeatures + m)];
  return y;
}

namespace {

/// One query of one head: keys 0 .. position of its sequence.
struct Row {
  int first, position; ///< the sequence's first row, and the query's place in it
  int column;          ///< the head's first feature

  size_t at(int place, int d) const { return size_t((first + place) * kFeatures + column + d); }
  std::vector<double> weights(const Matrix &q, const Matrix &k) const {
    std::vector<double> p;
    double sum = 0;
    for (int j = 0; j <= position; ++j) {
      double s = 0;
      for (int d = 0; d < kDepth; ++d)
        s += q[at(position, d)] * k[at(j, d)];
      sum += p.emplace_back(std::exp(s / std::sqrt(double(kDepth))));
    }
    for (double &weight : p)
      weight /= sum;
    return p;
  }
};

} // namespace

template <typename Body> static void forEachRow(const Body &body) {
  for (int b = 0; b < kBatch; ++b)
    for (int i = 0; i < kLength; ++i)
      for (int h = 0; h < kHeads; ++h)
        body(Row{b * kLength, i, h * kDepth});
}

static Matrix attend(const Matrix &q, const Matrix &k, const Matrix &v) {
  Matrix o(q.size(), 0);
  forEachRow([&](const Row &row) {
    const std::vector<double> p = row.weights(q, k);
    for (int j = 0; j <= row.position; ++j)
      for (int d = 0; d < kDepth; ++d)
        o[row.at(row.position, d)] += p[size_t(j)] * v[row.at(j, d)];
  });
  return o;
}

/// The gradients of q, k and v.
static std::array<Matrix, 3> gradients(const Matrix &q, const Matrix &k, const Matrix &v, const Matrix &dO) {
  std::array<Matrix, 3> to = {Matrix(q.size(), 0), Matrix(q.size(), 0), Matrix(q.size(), 0)};
  forEachRow([&](const Row &row) {
    const std::vector<double> p = row.weights(q, k);
    std::vector<double> dp(p.size(), 0);
    double mean = 0;
    for (int j = 0; j <= row.position; ++j) {
      for (int d = 0; d < kDepth; ++d)
        dp[size_t(j)] += dO[row.at(row.position, d)] * v[row.at(j, d)];
      mean += p[size_t(j)] * dp[size_t(j)];
    }
    for (int j = 0; j <= row.position; ++j) {
      const double ds = p[size_t(j)] * (dp[size_t(j)] - mean) / std::sqrt(double(kDepth));
      for (int d = 0; d < kDepth; ++d) {
        to[0][row.at(row.position, d)] += ds * k[row.at(j, d)];
        to[1][row.at(j, d)] += ds * q[row.at(row.position, d)];
        to[2][row.at(j, d)] += p[size_t(j)] * dO[row.at(row.position, d)];
      }
    }
  });
  return to;
}

static Matrix widened(const std::vector<float> &values) { return Matrix(values.begin(), values.end()); }

Problem::Problem(unsigned seed) {
  std::mt19937 random(seed);
  auto draw = [&](size_t count, double size) {
    std::vector<float> values(count);
    for (float &value : values)
      value = float((double(random()) / 4294967296.0 - 0.5) * size);
    return values;
  };
  x = draw(size_t(kRows) * kFeatures, 4);
  std::array<Matrix, 3> projected;
  for (int i = 0; i < 3; ++i)
    projected[size_t(i)] = product(widened(x), widened(draw(size_t(kFeatures) * kFeatures, 0.8)));
  const Matrix o = attend(projected[0], projected[1], projected[2]);
  y.assign(o.begin(), o.end());
  for (std::vector<float> &weights : start)
    weights = draw(size_t(kFeatures) * kFeatures, 0.8);
}

std::vector<double> trainPlainly(const Problem &problem) {
  const Matrix x = widened(problem.x), y = widened(problem.y);
  std::array<Matrix, 3> w;
  for (size_t i = 0; i < 3; ++i)
    w[i] = widened(problem.start[i]);
  std::vector<double> losses;
  for (int step = 0; step < kSteps; ++step) {
    const Matrix q = product(x, w[0]), k = product(x, w[1]), v = product(x, w[2]), o = attend(q, k, v);
    Matrix dO(o.size());
    double loss = 0;
    for (size_t i = 0; i < o.size(); ++i) {
      dO[i] = (o[i] - y[i]) / double(o.size());
      loss += (o[i] - y[i]) * (o[i] - y[i]) / double(2 * o.size());
    }
    losses.push_back(loss);
    const std::array<Matrix, 3> d = gradients(q, k, v, dO);
    for (size_t i = 0; i < 3; ++i)
      for (int n = 0; n < kRows; ++n)
        for (int a = 0; a < kFeatures; ++a)
          for (int b = 0; b < kFeatures; ++b)
            w[i][size_t(a * kFeatures + b)] -= kRate * x[size_t(n * kFeatures + a)] * d[i][size_t(n * kFeatures + b)];
  }
  return losses;
}
