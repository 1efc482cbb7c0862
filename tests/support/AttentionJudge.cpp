//===- AttentionJudge.cpp - Whether a result is good enough ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nothing is averaged and no outlier is forgiven.
//
//===----------------------------------------------------------------------===//

#include "tests/support/AttentionJudge.h"
#include "tests/support/Storage.h"
#include <cmath>
#include <limits>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

static double difference(double a, double b) {
  if (a == b)
    return 0;
  double distance = std::fabs(a - b);
  return std::isnan(distance) ? kInfinity : distance;
}

double testing::largestDifference(const std::vector<double> &a, const std::vector<double> &b) {
  if (a.size() != b.size())
    return kInfinity;
  double largest = 0;
  for (size_t i = 0; i < a.size(); ++i)
    largest = std::fmax(largest, difference(a[i], b[i]));
  return largest;
}

/// The largest finite magnitude.
static double largest(const std::vector<double> &values) {
  double most = 0;
  for (double value : values)
    if (std::isfinite(value))
      most = std::fmax(most, std::fabs(value));
  return most;
}

double testing::outputLimit(const AttentionShape &shape, const AttentionInputs &inputs,
                            const AttentionResult &reference, DataType type, bool extreme) {
  if (type == DataType::F64)
    return 1e-10 * largest(reference.o);
  if (extreme)
    return 4 * unitRoundoff(type) * largest(inputs.v);
  double baseline = largestDifference(attendRounded(shape, inputs, type).o, reference.o);
  double rounding = 0;
  for (double exact : reference.o) {
    double r = roundTo(exact, type), shift = roundTo(0.3, type);
    double back = roundTo(roundTo(r + shift, type) - shift, type);
    rounding = std::fmax(rounding, std::fabs(back - r));
  }
  return (shape.softcap != 0 ? 3 : 2) * baseline + 2 * rounding;
}

/// "" or which row's LSE is wrong.
static std::string judgeLse(const std::vector<double> &actual, const std::vector<double> &reference, DataType type) {
  const double relative = type == DataType::F64 ? 1e-10 * largest(reference) : 1e-4;
  for (size_t i = 0; i < reference.size(); ++i) {
    double limit = relative + (type == DataType::F64 ? 0 : 1e-6 * std::fabs(reference[i]));
    double error = difference(actual[i], reference[i]);
    if (std::isinf(reference[i]) ? error == 0 : error <= limit)
      continue;
    std::ostringstream out;
    out << "lse[" << i << "] is " << actual[i] << ", should be " << reference[i] << ", allowed error " << limit;
    return out.str();
  }
  return "";
}

std::string testing::judge(const AttentionShape &shape, const AttentionInputs &inputs, const AttentionResult &actual,
                           DataType type, bool extreme) {
  AttentionResult reference = attend(shape, inputs);
  double limit = outputLimit(shape, inputs, reference, type, extreme);
  for (size_t i = 0; i < reference.o.size(); ++i) {
    if (difference(actual.o[i], reference.o[i]) <= limit)
      continue;
    std::ostringstream out;
    out << "o[" << i << "] is " << actual.o[i] << ", should be " << reference.o[i] << "; largest error "
        << largestDifference(actual.o, reference.o) << ", allowed " << limit;
    return out.str();
  }
  return actual.lse.empty() ? "" : judgeLse(actual.lse, reference.lse, type);
}
