//===- AttentionBytesTest.cpp - Attention by products of 8 bits -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// attention_bytes.tile against attention in double precision on what its bytes stand for. A weight is off by half a
// unit of T at most; everything else is f32's, but for what tensor cores lose of sums of 8-bit products (Grammar.md).
//
//===----------------------------------------------------------------------===//

#include "tests/support/AttentionOracle.h"
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

struct BytesCase {
  DataType type, result;
  AttentionShape shape;
  bool isScaled;
};

/// One scale a sequence and head of keys: powers of two and others.
std::vector<double> scalesOf(const AttentionShape &shape, double first) {
  std::vector<double> scales;
  for (int64_t i = 0; i < shape.batch * shape.keyHeads; ++i)
    scales.push_back(roundTo(first * double(i + 3) / 4, DataType::F32));
  return scales;
}

/// `values`, [batch, sequence, heads, depth], each times the scale of its sequence and head of keys.
std::vector<double> times(std::vector<double> values, const std::vector<double> &scales, const AttentionShape &shape,
                          int64_t heads, int64_t depth) {
  const int64_t perSequence = int64_t(values.size()) / shape.batch;
  for (int64_t i = 0; i < int64_t(values.size()); ++i) {
    const int64_t head = i / depth % heads * shape.keyHeads / heads;
    values[size_t(i)] *= scales[size_t(i / perSequence * shape.keyHeads + head)];
  }
  return values;
}

/// The most that an element of the result may be off: of each row's weighted sizes of values, and of all values.
double limitOf(const BytesCase &run, double size, double sizes) {
  const double digits = run.type == DataType::F8E4M3 ? 0x1p-4 : 0x1p-3;
  const double least = (run.type == DataType::F8E4M3 ? 0x1p-10 : 0x1p-17) / 256; // half the smallest number
  const double rounding = run.result == DataType::F32 ? 0x1p-23 : run.result == DataType::F16 ? 0x1p-11 : 0x1p-8;
  return (digits + rounding + 0x1p-9) * size + least * sizes;
}

void check(const std::string &device, const BytesCase &run) {
  const Runtime &runtime = runtimeOf(device);
  AttentionShape shape = run.shape;
  shape.scale = roundTo(1 / std::sqrt(double(shape.depth)), DataType::F32);
  Random random(uint64_t(shape.depth + shape.keys));
  AttentionInputs bytes = {roundTo(random.normals(shape.sizeQ()), run.type),
                           roundTo(random.normals(shape.sizeK()), run.type),
                           roundTo(random.normals(shape.sizeV()), run.type)};
  auto tensor = [&](DataType type, std::vector<int64_t> extents, const std::vector<double> *values) {
    return Tensor(runtime, type, denseLayout(std::move(extents)), values);
  };
  Tensor q = tensor(run.type, {shape.batch, shape.queries, shape.heads(), shape.depth}, &bytes.q);
  Tensor k = tensor(run.type, {shape.batch, shape.keys, shape.keyHeads, shape.depth}, &bytes.k);
  Tensor v = tensor(run.type, {shape.batch, shape.keys, shape.keyHeads, shape.valueDepth}, &bytes.v);
  Tensor o = tensor(run.result, {shape.batch, shape.queries, shape.heads(), shape.valueDepth}, nullptr);
  Tensor l = tensor(DataType::F32, {shape.batch, shape.heads(), shape.queries}, nullptr);
  std::vector<double> scales[3] = {scalesOf(shape, 0.5), scalesOf(shape, 1.25), scalesOf(shape, 3)};
  std::vector<Tensor> factors;
  for (const std::vector<double> &each : scales)
    factors.push_back(tensor(DataType::F32, {shape.batch, shape.keyHeads}, &each));
  std::vector<Argument> arguments = {{"Q", q.view()}, {"K", k.view()}, {"V", v.view()},
                                     {"O", o.view()}, {"L", l.view()}, {"scale", shape.scale}};
  if (run.isScaled)
    for (auto [name, factor] :
         {std::pair("SQ", &factors[0]), std::pair("SK", &factors[1]), std::pair("SV", &factors[2])})
      arguments.push_back({name, factor->view()});
  Kernel kernel = kernelOf(device, "attention_bytes.tile");
  kernel.hook("mask", shape.mask.hook()).launch(runtime.stream(), arguments).value();

  AttentionInputs inputs = bytes;
  if (run.isScaled)
    inputs = {times(bytes.q, scales[0], shape, shape.heads(), shape.depth),
              times(bytes.k, scales[1], shape, shape.keyHeads, shape.depth),
              times(bytes.v, scales[2], shape, shape.keyHeads, shape.valueDepth)};
  AttentionResult expected = attend(shape, inputs);
  AttentionInputs sizes = inputs;
  for (double &value : sizes.v)
    value = std::fabs(value);
  AttentionResult weighted = attend(shape, sizes);
  std::vector<double> actual = o.read(), actualL = l.read();
  double most = 0;
  for (double value : sizes.v)
    most = std::max(most, value);
  const std::string name = device + " D" + std::to_string(shape.depth) + " " + shape.mask.hook();
  for (size_t i = 0; i < actual.size(); ++i)
    ASSERT_NEAR(actual[i], expected.o[i], limitOf(run, weighted.o[i], most * double(shape.keys)))
        << name << " at " << i;
  for (size_t i = 0; i < actualL.size(); ++i)
    if (std::isinf(expected.lse[i]))
      ASSERT_EQ(actualL[i], expected.lse[i]) << name;
    else
      ASSERT_NEAR(actualL[i], expected.lse[i], 2e-3 + 1e-3 * std::fabs(expected.lse[i])) << name << " row " << i;
}

TEST(AttentionBytes, AsInDoublePrecision) {
  const BytesCase runs[] = {
      {DataType::F8E4M3, DataType::F16, {1, 70, 99, 1, 2, 64, 64, {Mask::Kind::Causal}}, false},
      {DataType::F8E5M2, DataType::F32, {1, 33, 130, 2, 1, 40, 72, {Mask::Kind::Full}}, true},
      {DataType::F8E4M3, DataType::BF16, {2, 5, 77, 2, 3, 128, 128, {Mask::Kind::Window, 20, 0}}, true},
      {DataType::F8E4M3, DataType::F32, {1, 40, 3, 1, 1, 32, 17, {Mask::Kind::Causal}}, false}, // rows that see nothing
  };
  std::vector<std::string> devices = oneOfEachKind();
  if (runMode().device.empty())
    devices.push_back("sim:a100"); // no instructions for floats of 8 bits
  for (const std::string &device : devices)
    for (const BytesCase &run : runs)
      check(device, run);
}

} // namespace
