//===- ByteFloatsTest.cpp - Floats of 8 bits, and casts from 8 bits -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every byte as f8e4m3, f8e5m2, i8 and u8 into all wider types; f32 near every number of 8 bits, and near every middle
// of two, into them; products of them against plain loops, exact; attention whose keys and values are stored in 8 bits.
// On a device that has instructions for these floats, and on one that has not.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/ExactProducts.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

constexpr DataType kFormats[] = {DataType::F8E4M3, DataType::F8E5M2};

/// One without instructions for floats of 8 bits and one with them, beside the device that was asked for.
std::vector<std::string> devices() {
  std::vector<std::string> names = oneOfEachKind();
  if (runMode().device.empty())
    names.push_back("sim:a100");
  return names;
}

/// Y[i] = cast<to>(X[i]), of a scalar too: of elements of a tile, `perThread` a thread.
std::vector<double> castOf(const std::string &device, DataType from, DataType to, const std::vector<double> &values,
                           int perThread) {
  const Runtime &runtime = runtimeOf(device);
  int64_t count = int64_t(values.size());
  std::string block = std::to_string(32 * perThread);
  std::string text = "kernel cast_all(X: view<" + std::string(name(from)) + ">[N], Y: out view<" +
                     std::string(name(to)) + ">[N])\ntune { warps: {1} = 1; }\ngrid (cdiv(N, " + block +
                     ")) |i| {\n  store Y[i * " + block + " :+ " + block + "] = cast<" + std::string(name(to)) +
                     ">(load X[i * " + block + " :+ " + block + "]);\n}\n";
  Tensor x(runtime, from, denseLayout({count}), &values), y(runtime, to, denseLayout({count}));
  Kernel kernel = runtime.loadSource({"cast_all.tile", text}).value().kernel().value();
  kernel.launch(runtime.stream(), {{"X", x.view()}, {"Y", y.view()}}).value();
  return y.read();
}

void expectSame(const std::vector<double> &actual, const std::vector<double> &expected, const std::string &what) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    if (std::isnan(expected[i]))
      ASSERT_TRUE(std::isnan(actual[i])) << what << ", element " << i << ": " << actual[i];
    else
      ASSERT_TRUE(actual[i] == expected[i] && std::signbit(actual[i]) == std::signbit(expected[i]))
          << what << ", element " << i << ": " << actual[i] << ", expected " << expected[i];
}

std::string words(const std::string &device, DataType from, DataType to) {
  return device + " " + std::string(name(from)) + " to " + std::string(name(to));
}

/// The numbers that all 256 bytes stand for.
std::vector<double> allBytes(DataType type) {
  std::vector<double> values;
  for (uint64_t bits = 0; bits < 256; ++bits)
    values.push_back(decode(bits, type));
  return values;
}

TEST(ByteFloats, StandForWhatTheirFormatsSay) {
  EXPECT_EQ(decode(0x7e, DataType::F8E4M3), 448);
  EXPECT_EQ(decode(0x01, DataType::F8E4M3), 0x1p-9);
  EXPECT_TRUE(std::isnan(decode(0xff, DataType::F8E4M3)));
  EXPECT_EQ(decode(0x7b, DataType::F8E5M2), 57344);
  EXPECT_EQ(decode(0xfc, DataType::F8E5M2), -INFINITY);
  for (DataType type : kFormats)
    for (double value : allBytes(type))
      if (std::isfinite(value)) {
        EXPECT_EQ(decode(encode(value, type), type), value);
        EXPECT_EQ(roundTo(value, type), value);
      }
}

TEST(ByteFloats, FromBytes) {
  for (const std::string &device : devices())
    for (DataType from : {DataType::F8E4M3, DataType::F8E5M2, DataType::I8, DataType::U8})
      for (DataType to : {DataType::F16, DataType::BF16, DataType::F32, DataType::F64})
        for (int perThread : {1, 2, 16}) {
          std::vector<double> values = allBytes(from);
          std::vector<double> expected = values; // every wider type holds them all
          if (from == DataType::F8E5M2)          // Tensor stores an infinity as the largest number
            expected = values = roundTo(values, from);
          expectSame(castOf(device, from, to, values, perThread), expected, words(device, from, to));
        }
}

/// Numbers of `type`, middles of neighbours, what lies a little beside both, and what is too large or no number.
std::vector<double> pointsNear(DataType type) {
  std::vector<double> all = allBytes(type),
                      points{INFINITY, -INFINITY, NAN, 1e30, -464, 480, 65504, 0x1p-149, -0x1p-30};
  for (size_t i = 0; i + 1 < 128; ++i) {
    double next = std::isfinite(all[i + 1]) ? all[i + 1] : 2 * all[i] - all[i - 1];
    for (double point : {all[i], (all[i] + next) / 2})
      for (float beside : {-INFINITY, 0.0f, INFINITY})
        if (float x = beside == 0 ? float(point) : std::nextafter(float(point), beside); std::isfinite(x))
          points.insert(points.end(), {x, -x});
  }
  return points;
}

/// The nearest number by looking at all of them, of two the one whose last bit is 0.
double nearest(double x, DataType type) {
  double best = 0, distance = INFINITY, largest = roundTo(INFINITY, type);
  if (std::fabs(x) >= largest)
    return std::copysign(largest, x);
  for (uint64_t bits = 0; bits < 128; ++bits) {
    double value = decode(bits, type), apart = std::fabs(std::fabs(x) - value);
    if (std::isfinite(value) && (apart < distance || (apart == distance && bits % 2 == 0)))
      best = value, distance = apart;
  }
  return std::isnan(x) ? x : std::copysign(best, x);
}

TEST(ByteFloats, FromWiderTypes) {
  for (const std::string &device : devices())
    for (DataType to : kFormats)
      for (DataType from : {DataType::F32, DataType::F16, DataType::BF16})
        for (int perThread : {1, 8}) {
          std::vector<double> points = roundTo(pointsNear(to), from), expected;
          for (double x : points)
            expected.push_back(nearest(x, to));
          expectSame(castOf(device, from, to, points, perThread), expected, words(device, from, to));
        }
}

TEST(ByteFloats, ThroughF32) {
  const std::vector<double> numbers{0, 1, -7, 17, 27, 100, -448, 600, -70000};
  for (const std::string &device : devices())
    for (DataType type : kFormats) {
      std::vector<double> expected;
      for (double x : numbers)
        expected.push_back(nearest(x, type));
      expectSame(castOf(device, DataType::I32, type, numbers, 1), expected, words(device, DataType::I32, type));
      expectSame(castOf(device, DataType::F64, type, numbers, 1), expected, words(device, DataType::F64, type));
      expectSame(castOf(device, type, DataType::I32, expected, 1), expected, words(device, type, DataType::I32));
    }
  // 57344, the largest f8e5m2, is too large for f8e4m3; 1.125 lies half way between 1 and 1.25, and 1 is even.
  for (const std::string &device : devices()) {
    expectSame(castOf(device, DataType::F8E5M2, DataType::F8E4M3, {57344, -1.25}, 1), {448, -1.25}, "formats");
    expectSame(castOf(device, DataType::F8E4M3, DataType::F8E5M2, {1.125, 448}, 1), {1, 448}, "formats");
  }
}

/// Numbers of `type` from 1/4 to 8, or 0, of either sign: their products are multiples of 2^-10, and sums of a hundred
/// fit f32 exactly.
std::vector<double> factors(Random &random, DataType type, int64_t count) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(roundTo(random.below(9) == 0 ? 0 : (double(random.below(125)) + 4) / 16, type) *
                     (random.below(2) ? 1 : -1));
  return values;
}

void check(const std::string &device, const ProductCase &run) {
  Random random(uint64_t(run.m * run.n + run.depth));
  std::vector<double> a = factors(random, run.type, run.m * run.depth);
  expectExactProduct(device, run, a, factors(random, run.type, run.depth * run.n));
}

TEST(ByteFloats, Products) {
  for (const std::string &device : devices()) {
    check(device, {DataType::F8E4M3, false, false, 1, 1, 1});
    for (int flips = 0; flips < 4; ++flips)
      check(device, {kFormats[flips % 2], bool(flips & 1), bool(flips & 2), 50, 43, 101});
    check(device, {DataType::F8E5M2, false, true, 50, 43, 101});
  }
}

// Weights are made a float of 8 bits, too, for the second product; keys and values come in it, with a scale each.
const char *const kAttention = R"(
kernel attend<E: f8e4m3 | f8e5m2>(Q: view<f16>[Sq, 64], K: view<E>[Sk, 64], V: view<E>[Sk, 64], k_scale: f32,
                                  v_scale: f32, O: out view<f32>[Sq, 64])
tune { warps: {4} = 4; }
grid (cdiv(Sq, 64)) |i| {
  let q = load Q[i * 64 :+ 64, :];
  var m = fill<f32>[64](-inf);  var l = fill<f32>[64](0);  var acc = fill<f32>[64, 64](0);
  for j in tiles(Sk, 32) {
    let k = cast<f16>(load K[j * 32 :+ 32, :]);
    let s = where((j * 32 + iota(32) < Sk)[_, :], dot(q, k.T) * (k_scale * 0.125 * LOG2E), -inf);
    let next = max(m, rowmax(s));
    let p = exp2(s - next[:, _]);
    let shrink = exp2(m - next);
    l = l * shrink + rowsum(p);
    acc = dot(cast<f16>(p), cast<f16>(load V[j * 32 :+ 32, :]), acc * shrink[:, _]);
    m = next;
  }
  store O[i * 64 :+ 64, :] = acc * (v_scale / l)[:, _];
}
)";

TEST(ByteFloats, AttentionWithKeysAndValuesOf8Bits) {
  constexpr int64_t queries = 70, keys = 53, depth = 64;
  Random random(5);
  for (const std::string &device : devices())
    for (DataType type : kFormats) {
      const Runtime &runtime = runtimeOf(device);
      std::vector<double> q = roundTo(random.normals(queries * depth), DataType::F16);
      std::vector<double> k = roundTo(random.normals(keys * depth), type),
                          v = roundTo(random.normals(keys * depth), type);
      Tensor tensorQ(runtime, DataType::F16, denseLayout({queries, depth}), &q);
      Tensor tensorK(runtime, type, denseLayout({keys, depth}), &k),
          tensorV(runtime, type, denseLayout({keys, depth}), &v);
      Tensor tensorO(runtime, DataType::F32, denseLayout({queries, depth}));
      Kernel kernel = runtime.loadSource({"attend.tile", kAttention}).value().kernel().value();
      kernel
          .launch(runtime.stream(), {{"Q", tensorQ.view()},
                                     {"K", tensorK.view()},
                                     {"V", tensorV.view()},
                                     {"k_scale", 0.5},
                                     {"v_scale", 2.0},
                                     {"O", tensorO.view()}})
          .value();
      std::vector<double> o = tensorO.read();
      for (int64_t row = 0; row < queries; ++row) {
        std::vector<double> sums(depth, 0.0);
        double total = 0;
        for (int64_t key = 0; key < keys; ++key) {
          double logit = 0;
          for (int64_t d = 0; d < depth; ++d)
            logit += q[size_t(row * depth + d)] * k[size_t(key * depth + d)];
          double weight = std::exp(logit * 0.5 * 0.125);
          total += weight;
          for (int64_t d = 0; d < depth; ++d)
            sums[size_t(d)] += weight * v[size_t(key * depth + d)];
        }
        for (int64_t d = 0; d < depth; ++d) // weights are f16: 2^-11 of each term, of size 3 at most
          ASSERT_NEAR(o[size_t(row * depth + d)], 2 * sums[size_t(d)] / total, 0x1p-11 * 2 * 3)
              << device << " " << name(type) << " row " << row << " column " << d;
      }
    }
}

} // namespace
