//===- FloatFunctions.cpp - exp, log, tanh as plain arithmetic ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Coefficients are computed here from the series they belong to. What looks like a detour (a sum with a
// large number, a product in two factors) is there for one rounding less; products and sums may contract to
// multiply-adds afterwards, which harms none of it.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile/FloatFunctions.h"
#include "compiler/tile/KnownSigns.h"
#include <cmath>
#include <numbers>

using namespace mlir;
using namespace imbrex;

static constexpr double kLn2 = std::numbers::ln2, kLog2e = std::numbers::log2e;

namespace {

/// A constant in two numbers of the element type; the first has only `digits` digits.
struct Split {
  double high, low;
  Split(long double value, int digits) {
    long double scale = std::ldexp(1.0L, digits);
    high = double(std::nearbyint(value * scale) / scale); // the values here lie in [1/2, 2)
    low = double(value - high);
  }
};

/// The nearest integer to a number, as a float and, in its low bits, as an integer.
struct Nearest {
  Value value, bits;
};

} // namespace

/// Of sum = x + 3/2 2^fractionBits, the smallest number that is large enough for its last place to be 1 on both
/// sides of it: in f32, 2.7 + 12582912 = 12582915 = 12582912 + 3.
static double roundingConstant(ElementBuilder &e) { return std::ldexp(1.5, e.fractionBits()); }

static Nearest nearest(ElementBuilder &e, Value sum) {
  return {e.sub(sum, e.number(roundingConstant(e))), e.toBits(sum)};
}

/// 2^n for the low bits of integers n in the exponent's range: bits above are shifted out.
static Value powerOfTwo(ElementBuilder &e, Value n) {
  return e.fromBits(e.shiftLeft(e.addBits(n, e.bits(e.exponentBias())), e.fractionBits()));
}

//===----------------------------------------------------------------------===//
// Exponentials
//===----------------------------------------------------------------------===//

/// e^x = 2^n 2^f, n the integer next to x log2(e) and f the rest, from a product in two parts. The ends of the
/// range are left to f: n stays where 2^n is a normal number, and 2^f 2^n is rounded once, or overflows. A softmax
/// never comes to the upper end.
Value imbrex::expF32(ElementBuilder &e, Value x) {
  Split log2e(std::numbers::log2e_v<long double>, 23);
  Value high = e.number(log2e.high), low = e.number(log2e.low);
  Value inRange = isNeverPositive(x) ? e.atLeast(x, -86.5) : e.clamp(x, -86.5, 88); // n from -125 to 127
  Nearest n = nearest(e, e.fma(inRange, high, e.number(roundingConstant(e))));
  Value f = e.fma(x, low, e.fma(x, high, e.negate(n.value)));
  return e.mul(e.exp2(f), powerOfTwo(e, n.bits));
}

/// series(r) 2^n, where x is n * unit + r. 2^n in two factors, so that results below the normal range are
/// rounded once, and overflow comes at the right place.
static Value scaleByPower(ElementBuilder &e, Value x, Value series, Value integer) {
  Value n = e.subBits(integer, e.bits(llvm::bit_cast<int64_t>(roundingConstant(e))));
  Value half = e.shiftRight(n, 1), rest = e.subBits(n, half);
  Value power = e.mul(e.mul(series, powerOfTwo(e, half)), powerOfTwo(e, rest));
  return e.select(e.isNan(x), x, power);
}

/// 1 + r + r^2/2 + ... + r^13/13! with r in units of 1 / `unit`: for |r| <= 1/2 ln 2 the rest is below 2^-57.
static Value expSeries(ElementBuilder &e, Value r, double unit) {
  SmallVector<double> series{1.0};
  for (int k = 1; k <= 13; ++k)
    series.push_back(series.back() * unit / k);
  return e.polynomial(r, series);
}

/// e^x = 2^n e^r with r = x - n ln 2, ln 2 in two parts; n has 11 bits, so that n * high is exact.
Value imbrex::expF64(ElementBuilder &e, Value x) {
  Split ln2(std::numbers::ln2_v<long double>, 40);
  Value inRange = e.clamp(x, -760, 720);
  Nearest n = nearest(e, e.fma(inRange, e.number(kLog2e), e.number(roundingConstant(e))));
  Value r = e.fma(n.value, e.number(-ln2.high), inRange);
  r = e.fma(n.value, e.number(-ln2.low), r);
  return scaleByPower(e, x, expSeries(e, r, 1), n.bits);
}

/// 2^x = 2^n 2^f, n the nearest integer, |f| <= 1/2.
Value imbrex::exp2F64(ElementBuilder &e, Value x) {
  Value inRange = e.clamp(x, -1100, 1100);
  Nearest n = nearest(e, e.add(inRange, e.number(roundingConstant(e))));
  return scaleByPower(e, x, expSeries(e, e.sub(inRange, n.value), kLn2), n.bits);
}

/// Below -126 as 2^(x + 64) 2^-64.
Value imbrex::exp2Gradual(ElementBuilder &e, Value x) {
  Value tiny = e.less(x, e.number(-126));
  Value power = e.exp2(e.select(tiny, e.add(x, e.number(64)), x));
  return e.mul(power, e.select(tiny, e.number(0x1p-64), e.number(1)));
}

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

namespace {

/// A positive number as 2^n m, m in (sqrt(1/2), sqrt(2)].
struct Parts {
  Value n, m; ///< both floats
};

} // namespace

/// Numbers below the normal range are scaled into it first.
static Parts split(ElementBuilder &e, Value x) {
  const int bits = e.fractionBits(), scale = bits + 2;
  const int64_t bias = e.exponentBias(), fraction = (int64_t(1) << bits) - 1;
  Value tiny = e.less(x, e.number(std::ldexp(1.0, int(1 - bias))));
  Value word = e.toBits(e.select(tiny, e.mul(x, e.number(std::ldexp(1.0, scale))), x));
  Value exponent = e.subBits(e.andBits(e.shiftRight(word, bits), 2 * bias + 1), e.bits(bias));
  Value m = e.fromBits(e.orBits(e.andBits(word, fraction), bias << bits));
  Value large = e.less(e.number(std::numbers::sqrt2), m);
  Value n = e.add(e.toFloat(exponent), e.select(large, e.number(1), e.number(0)));
  n = e.sub(n, e.select(tiny, e.number(scale), e.number(0)));
  return {n, e.select(large, e.mul(m, e.number(0.5)), m)};
}

/// `result` but for what no logarithm of a positive number gives.
static Value logarithm(ElementBuilder &e, Value x, Value result) {
  result = e.select(e.equal(x, e.number(INFINITY)), x, result);
  result = e.select(e.less(e.number(0), x), result, e.number(NAN));
  return e.select(e.equal(x, e.number(0)), e.number(-INFINITY), result);
}

/// f - ln(1 + f) for f = m - 1. With s = f / (2 + f) and h = f^2 / 2, ln(1 + f) = 2 artanh(s) = 2 s + s R
/// = f - (h - s (h + R)): f is exact, and what is subtracted has a fifth of its size at most.
static Value logDefect(ElementBuilder &e, Value f, Value addend) {
  Value s = e.div(f, e.add(f, e.number(2)));
  Value h = e.mul(e.mul(f, f), e.number(0.5)), square = e.mul(s, s);
  SmallVector<double> series; // artanh(s) = s (1 + s^2 / 3 + s^4 / 5 + ...), |s| <= 3 - 2 sqrt(2)
  for (int k = 1, last = e.fractionBits() > 23 ? 11 : 5; k <= last; ++k)
    series.push_back(2.0 / (2 * k + 1));
  Value rest = e.mul(square, e.polynomial(square, series));
  return e.sub(h, e.fma(s, e.add(h, rest), addend));
}

/// ln(2^n m) = n ln 2 + ln m, ln 2 in two parts, the first of which makes an exact product.
Value imbrex::logOf(ElementBuilder &e, Value x) {
  Parts parts = split(e, x);
  Split ln2(std::numbers::ln2_v<long double>, e.fractionBits() > 23 ? 40 : 15);
  Value f = e.sub(parts.m, e.number(1));
  Value defect = logDefect(e, f, e.mul(parts.n, e.number(ln2.low)));
  return logarithm(e, x, e.fma(parts.n, e.number(ln2.high), e.sub(f, defect)));
}

/// log2(2^n m) = n + f log2(e) - defect log2(e): the leading sum with what its rounding left over.
Value imbrex::log2Of(ElementBuilder &e, Value x) {
  Parts parts = split(e, x);
  Split log2e(std::numbers::log2e_v<long double>, e.fractionBits());
  Value high = e.number(log2e.high), f = e.sub(parts.m, e.number(1));
  Value sum = e.fma(f, high, parts.n);
  Value left = e.fma(f, high, e.sub(parts.n, sum)); // the difference is exact
  left = e.add(left, e.fma(f, e.number(log2e.low), e.negate(e.mul(logDefect(e, f, e.number(0)), high))));
  return logarithm(e, x, e.add(sum, left));
}

//===----------------------------------------------------------------------===//
// Others
//===----------------------------------------------------------------------===//

Value imbrex::rsqrtF64(ElementBuilder &e, Value x) { return e.div(e.number(1), e.sqrt(x)); }

/// Coefficients of sin(x) / x (`first` 1) or cos(x) (0) in z = x^2: (-1)^k / (first + 2 k)!.
static SmallVector<double> circleSeries(int first, int terms) {
  SmallVector<double> c{1.0};
  for (int k = 1; k <= terms; ++k)
    c.push_back(-c.back() / ((first + 2 * k) * (first + 2 * k - 1)));
  return c;
}

/// sin(x + quarters pi/2). x = n pi/2 + r, pi/2 in three parts: n times the first is exact in a fused multiply-add, and
/// so is what that leaves of x. |r| <= pi/4.
static Value circle(ElementBuilder &e, Value x, int64_t quarters) {
  constexpr long double half = std::numbers::pi_v<long double> / 2;
  bool isF64 = e.fractionBits() > 23;
  auto round = [&](long double value) { return isF64 ? double(value) : double(float(value)); };
  double first = round(half), second = round(half - first), third = round(half - first - second);
  if (isF64) // of which long double has not enough digits
    second = 6.123233995736766e-17, third = -1.497384904859169777e-33;
  Value n = e.fma(x, e.number(double(1 / half)), e.number(roundingConstant(e)));
  Value bits = e.addBits(e.toBits(n), e.bits(quarters));
  n = e.sub(n, e.number(roundingConstant(e)));
  Value r = x;
  for (double part : {first, second, third})
    r = e.fma(n, e.number(-part), r);
  Value z = e.mul(r, r);
  Value sine = e.fma(e.mul(r, z), e.polynomial(z, ArrayRef(circleSeries(1, isF64 ? 8 : 4)).drop_front()), r);
  Value cosine = e.polynomial(z, circleSeries(0, isF64 ? 9 : 5));
  Value isOdd = e.differs(e.andBits(bits, 1), 0), isNegative = e.differs(e.andBits(bits, 2), 0);
  Value result = e.select(isOdd, cosine, sine);
  result = e.select(isNegative, e.negate(result), result);
  return e.select(e.less(e.number(largestAngle(isF64)), e.abs(x)), e.number(NAN), result);
}

Value imbrex::sinOf(ElementBuilder &e, Value x) {
  return e.select(e.equal(x, e.number(0)), x, circle(e, x, 0)); // keeps the sign of a zero
}
Value imbrex::cosOf(ElementBuilder &e, Value x) { return circle(e, x, 1); }

/// The first coefficients of a function's Chebyshev series on [low, high]: f(x) = c0 / 2 + sum c_k T_k(y), y in [-1,
/// 1].
static SmallVector<double> chebyshev(long double (*f)(long double), double low, double high, int count) {
  constexpr int kNodes = 128;
  constexpr long double pi = std::numbers::pi_v<long double>;
  SmallVector<double> c;
  for (int k = 0; k < count; ++k) {
    long double sum = 0;
    for (int i = 0; i < kNodes; ++i) {
      long double angle = pi * (i + 0.5L) / kNodes;
      sum += f((high + low) / 2 + (high - low) / 2 * std::cos(angle)) * std::cos(k * angle);
    }
    c.push_back(double(2 * sum / kNodes));
  }
  return c;
}

/// The sum of such a series by Clenshaw's recurrence.
static Value chebyshevSum(ElementBuilder &e, Value y, ArrayRef<double> c) {
  Value twice = e.add(y, y), next = e.number(0), b = e.number(c.back());
  for (size_t k = c.size() - 2; k > 0; --k) {
    Value sum = e.fma(twice, b, e.sub(e.number(c[k]), next));
    next = b;
    b = sum;
  }
  return e.fma(y, b, e.sub(e.number(c[0] / 2), next));
}

/// Near 0 by its series 2 / sqrt(pi) x sum (-z)^k / (k! (2 k + 1)), z = x^2; then, where it is above 0.84, by Chebyshev
/// polynomials, up to where it is 1 to rounding.
Value imbrex::erfOf(ElementBuilder &e, Value x) {
  bool isF64 = e.fractionBits() > 23;
  SmallVector<double> series;
  double factor = 2 / std::sqrt(std::numbers::pi);
  for (int k = 0, last = isF64 ? 21 : 11; k <= last; ++k) {
    series.push_back(factor / (2 * k + 1));
    factor /= -(k + 1);
  }
  series.front() -= 1; // x itself is exact
  Value small = e.fma(x, e.polynomial(e.mul(x, x), series), x);
  const double end = isF64 ? 6 : 4;
  Value magnitude = e.clamp(e.abs(x), 1, end);
  Value y = e.fma(magnitude, e.number(2 / (end - 1)), e.number(-(end + 1) / (end - 1)));
  Value large = chebyshevSum(e, y, chebyshev([](long double t) { return std::erf(t); }, 1, end, isF64 ? 48 : 20));
  large = e.select(e.less(x, e.number(0)), e.negate(large), large);
  return e.select(e.less(e.abs(x), e.number(1)), small, e.select(e.isNan(x), x, large));
}

/// tanh(x) = x (1 + c1 z + c2 z^2 + ...), z = x^2: from tanh' = 1 - tanh^2, (2 k + 1) c_k = -sum_i c_i c_(k-1-i).
/// A term has (2 / pi)^2 z of the one before: for |x| < 0.55, an eighth.
static SmallVector<double> tanhSeries(int terms) {
  SmallVector<double> c{1.0};
  for (int k = 1; k <= terms; ++k) {
    double sum = 0;
    for (int i = 0; i < k; ++i)
      sum += c[i] * c[k - 1 - i];
    c.push_back(-sum / (2 * k + 1));
  }
  return c;
}

/// The series near 0, else 1 - 2 / (e^2|x| + 1), where that is at least 1/2: it has less error than a unit then.
Value imbrex::tanhOf(ElementBuilder &e, Value x) {
  Value small = e.mul(x, e.polynomial(e.mul(x, x), tanhSeries(e.fractionBits() > 23 ? 19 : 9)));
  Value magnitude = e.clamp(e.abs(x), 0, 40);
  Value power = e.exp2(e.mul(magnitude, e.number(2 * kLog2e)));
  Value large = e.sub(e.number(1), e.div(e.number(2), e.add(power, e.number(1))));
  large = e.select(e.less(x, e.number(0)), e.negate(large), large);
  Value result = e.select(e.less(e.abs(x), e.number(0.55)), small, large);
  return e.select(e.isNan(x), x, result);
}

Value imbrex::tanhApproximate(ElementBuilder &e, Value x) {
  Value power = e.exp2(e.mul(x, e.number(2 * kLog2e)));
  return e.fma(e.approximateReciprocal(e.add(power, e.number(1))), e.number(-2), e.number(1));
}
