//===- Bounds.cpp - How far a generated value can be off ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Interval arithmetic with forward error bounds. Rules are worst cases in the inputs and generous in
// the rounding: a wrong register or a lost element is off by far more.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/Bounds.h"
#include <algorithm>
#include <cmath>

using namespace imbrex;
using namespace imbrex::test;

/// Bits of the significand, the hidden one included.
static int precisionOf(DataType type) {
  switch (type) {
  case DataType::F16:
    return 11;
  case DataType::BF16:
    return 8;
  case DataType::F64:
    return 53;
  default:
    return 24;
  }
}

static unsigned widthOf(DataType type) { return type == DataType::Bool ? 1 : 8 * byteSize(type); }

double Bounds::magnitude() const { return std::max(std::fabs(low), std::fabs(high)); }

Bounds test::wholeRange(DataType type) {
  if (type == DataType::Bool)
    return {0, 1, 0, 0};
  if (isUnsigned(type))
    return {0, std::ldexp(1.0, int(widthOf(type))) - 1, 0, 0};
  double end = std::ldexp(1.0, int(widthOf(type)) - 1);
  return {-end, end - 1, 0, 0};
}

static int coarser(int x, int y) { return x == kRough || y == kRough ? kRough : std::max(x, y); }

Bounds test::join(const Bounds &x, const Bounds &y) {
  return {std::min(x.low, y.low), std::max(x.high, y.high), std::max(x.error, y.error), coarser(x.grain, y.grain)};
}

/// `bounds` after rounding to `type`: exact if all values are dyadic and fit, else `units` roundings worse.
static std::optional<Bounds> rounded(DataType type, Bounds bounds, double units) {
  double magnitude = bounds.magnitude();
  if (magnitude > (type == DataType::F16 ? 3e4 : 1e7) || bounds.grain > 60)
    return std::nullopt;
  if (bounds.isExact() && bounds.grain != kRough &&
      std::ldexp(magnitude, bounds.grain) <= std::ldexp(1.0, precisionOf(type)))
    return bounds;
  bounds.grain = kRough;
  bounds.error += 2 * units * std::ldexp(magnitude, -precisionOf(type)) + (type == DataType::F16 ? 1e-7 : 1e-37);
  return bounds;
}

static Bounds product(const Bounds &x, const Bounds &y) {
  double corners[] = {x.low * y.low, x.low * y.high, x.high * y.low, x.high * y.high};
  Bounds result{*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4)};
  result.error = x.error * y.magnitude() + y.error * x.magnitude() + x.error * y.error;
  result.grain = x.grain == kRough || y.grain == kRough ? kRough : x.grain + y.grain;
  return result;
}

static std::optional<Bounds> ofIntegers(std::string_view op, DataType type, const Bounds &x, const Bounds &y) {
  Bounds whole = wholeRange(type), result{0, 0, 0, 0};
  if (op == "+")
    result = {x.low + y.low, x.high + y.high, 0, 0};
  else if (op == "-")
    result = {x.low - y.high, x.high - y.low, 0, 0};
  else if (op == "neg")
    result = {-x.high, -x.low, 0, 0};
  else if (op == "*")
    result = product(x, y);
  else if (op == "min")
    result = {std::min(x.low, y.low), std::min(x.high, y.high), 0, 0};
  else if (op == "max")
    result = {std::max(x.low, y.low), std::max(x.high, y.high), 0, 0};
  else if (op == "abs")
    result = {0, x.magnitude(), 0, 0};
  else // / % cdiv
    result = {-x.magnitude() - 1, x.magnitude() + 1, 0, 0};
  bool fits = result.low >= whole.low && result.high <= whole.high;
  return fits ? result : whole; // it may wrap
}

static std::optional<Bounds> ofFunction(std::string_view op, DataType type, const Bounds &x) {
  // The machine's functions are approximate in f32; a 16-bit type rounds far more coarsely than they do.
  double size = x.magnitude(), units = byteSize(type) == 2 ? 1.5 : 16;
  if (op == "sqrt")
    return rounded(type, {0, std::sqrt(size), x.error}, 0.25 * units);
  if (op == "rsqrt")
    return rounded(type, {0, 1.5, 2 * x.error}, units);
  if (op == "log2")
    return rounded(type, {-1, std::log2(std::max(size, 2.0)), 3 * x.error}, units);
  if (op == "log")
    return rounded(type, {-1, std::log(std::max(size, 3.0)), 2 * x.error}, units);
  if (op == "tanh")
    return rounded(type, {-1, 1, x.error}, 2 * units);
  if (op == "exp2")
    return rounded(type, {0, std::exp2(x.high), 0.7 * std::exp2(x.high) * x.error}, units);
  if (op == "exp")
    return rounded(type, {0, std::exp(x.high), std::exp(x.high) * x.error}, units);
  return std::nullopt;
}

std::optional<Bounds> test::boundsOf(std::string_view op, DataType type, const Bounds &x, const Bounds &y) {
  if (!isFloat(type))
    return ofIntegers(op, type, x, y);
  int grain = coarser(x.grain, y.grain);
  double error = std::max(x.error, y.error);
  if (op == "+")
    return rounded(type, {x.low + y.low, x.high + y.high, x.error + y.error, grain}, 1);
  if (op == "-")
    return rounded(type, {x.low - y.high, x.high - y.low, x.error + y.error, grain}, 1);
  if (op == "*")
    return rounded(type, product(x, y), 1);
  if (op == "/")
    return rounded(type, {-2 * x.magnitude(), 2 * x.magnitude(), 2 * (x.error + 2 * x.magnitude() * y.error)}, 4);
  if (op == "min")
    return Bounds{std::min(x.low, y.low), std::min(x.high, y.high), error, grain};
  if (op == "max")
    return Bounds{std::max(x.low, y.low), std::max(x.high, y.high), error, grain};
  if (op == "neg")
    return Bounds{-x.high, -x.low, x.error, x.grain};
  if (op == "abs")
    return Bounds{0, x.magnitude(), x.error, x.grain};
  return ofFunction(op, type, x);
}

std::optional<Bounds> test::boundsOfCast(DataType from, DataType to, const Bounds &x) {
  if (to == DataType::Bool)
    return std::nullopt;
  if (isF8(to)) { // of few numbers: one that is off may become a neighbour
    const double share = to == DataType::F8E4M3 ? 0x1p-4 : 0x1p-3, step = x.magnitude() * share + 0x1p-10;
    if (x.magnitude() > 400) // the largest number has no place here
      return std::nullopt;
    return Bounds{x.low - step, x.high + step, x.isExact() ? 0 : x.error + 2 * step, x.grain};
  }
  if (isFloat(to))
    return isFloat(from) && byteSize(from) < byteSize(to) ? std::optional(x) : rounded(to, x, 2);
  Bounds whole = wholeRange(to);
  bool fits = x.low >= whole.low && x.high <= whole.high;
  if (!isFloat(from))
    return fits ? x : whole;
  if (!x.isExact() || !fits) // the integer would jump where the float is a little off
    return std::nullopt;
  return Bounds{std::trunc(x.low), std::trunc(x.high), 0, 0};
}

std::optional<Bounds> test::boundsOfSum(DataType type, const Bounds &x, int64_t count) {
  Bounds sum{std::min(x.low, x.low * count), std::max(x.high, x.high * count), x.error * count, x.grain};
  if (isFloat(type)) // a 16-bit type adds in f32, and is rounded once
    return rounded(type, sum, byteSize(type) == 2 ? 1 + 0x1p-12 * double(count) : 2 + std::sqrt(double(count)));
  Bounds whole = wholeRange(type);
  return sum.low >= whole.low && sum.high <= whole.high ? sum : whole;
}

Bounds test::boundsOfFactor(std::string_view mode, DataType type, const Bounds &x) {
  if (type != DataType::F32 || mode.empty())
    return x;
  constexpr int kDigits = 11; // of tf32
  bool isKept = x.grain != kRough && std::ldexp(x.magnitude(), x.grain) <= std::ldexp(1.0, kDigits);
  Bounds result = x;
  if (!x.isExact()) // it may be rounded the other way
    result.error += x.magnitude() * std::ldexp(1.0, mode == "tf32" ? 1 - kDigits : 1 - 2 * kDigits);
  result.grain = isKept ? x.grain : kRough;
  return result;
}

std::optional<Bounds> test::boundsOfDot(DataType type, const Bounds &a, const Bounds &b, const Bounds &c,
                                        int64_t depth) {
  Bounds each = product(a, b);
  Bounds sum{c.low + std::min(0.0, each.low * depth), c.high + std::max(0.0, each.high * depth),
             c.error + each.error * depth, coarser(each.grain, c.grain)};
  return rounded(type, sum, 2 + std::sqrt(double(depth)));
}
