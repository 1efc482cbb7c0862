//===- AttentionEdgeTest.cpp - Attention where it is easily wrong ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows that see nothing, extreme logits, repeated runs, packed inputs, offsets past 2^31 elements, and the
// judge itself, which must refuse a wrong result.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/AttentionRun.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

using namespace imbrex;
using namespace imbrex::testing;

class AttentionOnDevice : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Devices, AttentionOnDevice, ::testing::ValuesIn(oneOfEachKind()),
                         [](const auto &info) { return info.param.substr(0, info.param.find(':')); });

static AttentionCase smallCase(const std::string &device, DataType type, Mask mask) {
  AttentionCase run;
  run.device = device;
  run.type = type;
  run.shape = {1, 70, 90, 1, 3, 64, 64, mask, 0.125};
  run.seed = 5;
  return run;
}

TEST(AttentionJudge, RefusesAWrongRowAndAWrongLse) {
  AttentionCase run = smallCase("sim:a100", DataType::F16, {Mask::Kind::Causal});
  AttentionInputs inputs = seededInputs(run);
  AttentionResult good = {attendRounded(run.shape, inputs, run.type).o, attend(run.shape, inputs).lse};
  EXPECT_EQ(judge(run.shape, inputs, good, run.type), "");
  AttentionShape other = run.shape;
  other.mask = {Mask::Kind::CausalTopLeft};
  EXPECT_NE(judge(run.shape, inputs, attendRounded(other, inputs, run.type), run.type), "");
  AttentionResult wrong = good;
  wrong.o[77] += 0.02;
  EXPECT_NE(judge(run.shape, inputs, wrong, run.type), "");
  wrong = good;
  wrong.o[77] = std::nan("");
  EXPECT_NE(judge(run.shape, inputs, wrong, run.type), "");
  wrong = good;
  wrong.lse[3] += 1e-2;
  EXPECT_NE(judge(run.shape, inputs, wrong, run.type), "");
}

TEST(Storage, SixteenBitFloatsRoundToNearestEven) {
  for (DataType type : {DataType::F16, DataType::BF16})
    for (uint64_t bits = 0; bits < 0x10000; ++bits) {
      double value = decode(bits, type);
      if (!std::isnan(value))
        ASSERT_EQ(encode(value, type), bits) << bits;
    }
  EXPECT_EQ(roundTo(1 + 0x1p-11, DataType::F16), 1);
  EXPECT_EQ(roundTo(1 + 3 * 0x1p-11, DataType::F16), 1 + 0x1p-9);
  EXPECT_EQ(roundTo(65519.9, DataType::F16), 65504);
  EXPECT_TRUE(std::isinf(roundTo(65520, DataType::F16)));
  EXPECT_EQ(roundTo(0x1p-25, DataType::F16), 0);
}

TEST(AttentionEdge, RowsThatSeeNothingAndPoisonedKeys) {
  for (const std::string &device : deviceNames())
    for (DataType type : {DataType::F16, DataType::BF16, DataType::F32, DataType::F64}) {
      AttentionCase run = smallCase(device, type, {Mask::Kind::Causal});
      run.shape.queries = 150; // the first 60 rows see nothing
      run.shape.depth = run.shape.valueDepth = 32;
      AttentionInputs inputs = seededInputs(run);
      EXPECT_EQ(checkAttention(run, inputs), "") << run.describe();
      run.shape.queries = 20; // a narrow window: most keys are seen by no row
      run.shape.mask = {Mask::Kind::Window, 4, -1};
      run.shape.mask.right = 0;
      inputs = seededInputs(run);
      EXPECT_EQ(checkAttention(run, inputs), "") << run.describe();
    }
}

TEST_P(AttentionOnDevice, NoKeysAtAll) {
  AttentionCase run = smallCase(GetParam(), DataType::F16, {});
  run.shape.keys = 0;
  EXPECT_EQ(checkAttention(run, seededInputs(run)), "");
}

/// Logits of one row that differ by whole numbers around `logit`; each is exact in every type used.
static void makeExtreme(AttentionCase &run, AttentionInputs &inputs, double logit) {
  run.shape.scale = 1;
  std::fill(inputs.q.begin(), inputs.q.end(), 0);
  std::fill(inputs.k.begin(), inputs.k.end(), 0);
  const double base = logit / 128;
  for (int64_t row = 0; row * run.shape.depth < int64_t(inputs.q.size()); ++row) {
    inputs.q[size_t(row * run.shape.depth)] = roundTo(base, run.type);
    inputs.q[size_t(row * run.shape.depth + 1)] = 1;
  }
  for (int64_t j = 0; j < run.shape.keys; ++j) {
    inputs.k[size_t(j * run.shape.depth)] = 128;
    inputs.k[size_t(j * run.shape.depth + 1)] = double((j * 7) % 11);
  }
}

TEST_P(AttentionOnDevice, ExtremeLogits) {
  for (DataType type : {DataType::F16, DataType::BF16, DataType::F32})
    for (double logit : {-1e4, -6.5e4, -2.45e5, 2.45e5}) {
      AttentionCase run = smallCase(GetParam(), type, {Mask::Kind::Causal});
      AttentionInputs inputs = seededInputs(run);
      makeExtreme(run, inputs, logit);
      AttentionOutcome outcome = launchAttention(run, inputs);
      ASSERT_EQ(outcome.error, "");
      AttentionResult reference = attend(run.shape, inputs);
      EXPECT_LE(largestDifference(outcome.result.o, reference.o),
                outputLimit(run.shape, inputs, reference, type == DataType::F32 ? DataType::F16 : type, true))
          << run.describe() << " logit " << logit;
      for (size_t i = 0; i < reference.lse.size(); ++i)
        ASSERT_NEAR(outcome.result.lse[i], reference.lse[i], 1e-4 + 1e-6 * std::fabs(reference.lse[i]));
    }
}

TEST(AttentionEdge, RepeatedRunsGiveTheSameBits) {
  for (const std::string &device : deviceNames()) {
    AttentionCase run = smallCase(device, DataType::BF16, {Mask::Kind::CausalWindow, 40});
    AttentionInputs inputs = seededInputs(run);
    AttentionOutcome first = launchAttention(run, inputs);
    ASSERT_EQ(first.error, "");
    for (int again = 0; again < 3; ++again) {
      AttentionOutcome next = launchAttention(run, inputs);
      EXPECT_EQ(std::memcmp(next.result.o.data(), first.result.o.data(), 8 * first.result.o.size()), 0) << device;
      EXPECT_EQ(std::memcmp(next.result.lse.data(), first.result.lse.data(), 8 * first.result.lse.size()), 0);
    }
  }
}

TEST_P(AttentionOnDevice, EveryPlacementOfEveryTensor) {
  for (Placement place : kPlacements)
    for (DataType type : {DataType::F16, DataType::BF16, DataType::F32}) {
      AttentionCase run = smallCase(GetParam(), type, {Mask::Kind::Causal});
      run.shape.batch = 2;
      run.placeQ = run.placeK = run.placeV = run.placeO = place;
      EXPECT_EQ(checkAttention(run, seededInputs(run)), "") << run.describe();
    }
}

/// Views of Q, K and V in one [B, S, 3, H, D] tensor.
TEST_P(AttentionOnDevice, PackedQkv) {
  AttentionCase run = smallCase(GetParam(), DataType::F16, {Mask::Kind::Causal});
  AttentionShape &shape = run.shape;
  shape.queries = shape.keys = 65;
  shape.keyHeads = 3;
  shape.group = 1;
  const int64_t block = 3 * shape.depth;
  Random random(9);
  std::vector<double> packed = roundTo(random.normals(65 * 3 * block), run.type);
  AttentionInputs inputs;
  std::vector<double> *parts[] = {&inputs.q, &inputs.k, &inputs.v};
  for (int64_t i = 0; i < 65; ++i)
    for (int64_t part = 0; part < 3; ++part)
      parts[part]->insert(parts[part]->end(), packed.begin() + (i * 3 + part) * block,
                          packed.begin() + (i * 3 + part + 1) * block);
  const Runtime &runtime = runtimeOf(run.device);
  Tensor tensor(runtime, run.type, denseLayout({1, 65, 9, shape.depth}), &packed);
  Tensor o(runtime, run.type, denseLayout({1, 65, 3, shape.depth}));
  Tensor l(runtime, DataType::F32, denseLayout({1, 3, 65}));
  View views[3];
  for (uint64_t part = 0; part < 3; ++part) {
    views[part] = tensor.view();
    views[part].extents[2] = 3;
    views[part].byteOffset = part * uint64_t(block) * 2;
  }
  kernelOf(run.device, "attention_forward.tile")
      .hook("mask", "causal")
      .launch(
          runtime.stream(),
          {{"Q", views[0]}, {"K", views[1]}, {"V", views[2]}, {"O", o.view()}, {"L", l.view()}, {"scale", shape.scale}})
      .value();
  EXPECT_EQ(judge(shape, inputs, {o.read(), l.read()}, run.type), "");
}

/// Two ragged sequences over a pool of pages, launched with what they are stored as.
TEST_P(AttentionOnDevice, Sequences) {
  const AttentionCase run = smallCase(GetParam(), DataType::F16, {});
  const Runtime &runtime = runtimeOf(run.device);
  const int64_t depth = run.shape.depth, page = 8, lengths[] = {11, 27};
  AttentionInputs all;
  std::vector<double> pool(10 * page * depth), values(pool.size()), queries;
  const std::vector<int32_t> offsets = {0, 5, 24}, keys = {11, 27}, table = {7, 2, -1, -1, 4, 0, 9, 3};
  std::vector<AttentionInputs> sequences;
  for (int64_t b = 0; b < 2; ++b) {
    AttentionCase one = run;
    one.shape.batch = one.shape.keyHeads = one.shape.group = 1;
    one.shape.queries = b == 0 ? 5 : 19;
    one.shape.keys = lengths[b];
    sequences.push_back(seededInputs(one));
    queries.insert(queries.end(), sequences.back().q.begin(), sequences.back().q.end());
    for (int64_t i = 0; i < lengths[b] * depth; ++i) {
      int64_t row = int64_t(table[size_t(b * 4 + i / depth / page)]) * page + i / depth % page;
      pool[size_t(row * depth + i % depth)] = sequences.back().k[size_t(i)];
      values[size_t(row * depth + i % depth)] = sequences.back().v[size_t(i)];
    }
  }
  auto upload = [&](const std::vector<int32_t> &list) {
    Buffer buffer = runtime.allocate(list.size() * sizeof(int32_t)).value();
    buffer.copyFrom(list.data(), list.size() * sizeof(int32_t)).value();
    return buffer;
  };
  Buffer ofQueries = upload(offsets), ofKeys = upload(keys), ofPages = upload(table);
  View cu(ofQueries, DataType::I32, {3}), n(ofKeys, DataType::I32, {2}), pages(ofPages, DataType::I32, {2, 4});
  Tensor q(runtime, run.type, denseLayout({24, 1, depth}), &queries),
      out(runtime, run.type, denseLayout({24, 1, depth}));
  Tensor k(runtime, run.type, denseLayout({10, page, 1, depth}), &pool);
  Tensor v(runtime, run.type, denseLayout({10, page, 1, depth}), &values);
  Kernel kernel = kernelOf(run.device, "attention_forward.tile");
  for (int time = 0; time < 2; ++time)
    kernel
        .launch(runtime.stream(), {{"Q", ragged(q.view(), cu, 19)},
                                   {"K", paged(k.view(), pages, n)},
                                   {"V", paged(v.view(), pages, n)},
                                   {"O", out.view()}})
        .value();
  const std::vector<double> found = out.read();
  for (int64_t b = 0; b < 2; ++b) {
    AttentionShape shape = run.shape;
    shape.batch = shape.keyHeads = shape.group = 1;
    shape.queries = b == 0 ? 5 : 19;
    shape.keys = lengths[b];
    auto begin = found.begin() + (b == 0 ? 0 : 5 * depth);
    EXPECT_EQ(judge(shape, sequences[size_t(b)], {{begin, begin + shape.queries * depth}, {}}, run.type, false), "")
        << b;
  }
  Result<void> wrong = kernel.launch(runtime.stream(), {{"Q", q.view()}, {"scale", ragged(q.view(), cu, 19)}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "argument 'scale' is given as sequences, but the kernel declares wide<T>, which has "
                                   "no extent that varies");
  View apart = k.view();
  apart.strides = Dims{page * depth + 1, depth, depth, 1};
  EXPECT_NE(kernel.infer({{"K", paged(apart, pages, n)}}).error().message.find("pages are 513 elements"),
            std::string::npos);
}

/// Two batches whose K and V lie 2^31 + 8 elements apart; only the touched pages exist.
TEST_P(AttentionOnDevice, OffsetsPast32Bits) {
  AttentionCase run = smallCase(GetParam(), DataType::F16, {});
  AttentionShape &shape = run.shape;
  shape.batch = 2;
  shape.queries = 17;
  shape.keys = 33;
  const AttentionInputs inputs = seededInputs(run);
  const Runtime &runtime = runtimeOf(run.device);
  const int64_t apart = (int64_t(1) << 31) + 8, part = shape.sizeK() / 2;
  auto sparse = [&](const std::vector<double> &values) {
    Buffer buffer = runtime.allocate(size_t(apart + part) * 2).value();
    std::vector<uint16_t> bits;
    for (double value : values)
      bits.push_back(uint16_t(encode(value, run.type)));
    for (int64_t b = 0; b < 2; ++b)
      buffer.copyFrom(&bits[size_t(b * part)], size_t(part) * 2, size_t(b * apart) * 2).value();
    return buffer;
  };
  Buffer k = sparse(inputs.k), v = sparse(inputs.v);
  Tensor q(runtime, run.type, denseLayout({2, 17, 3, 64}), &inputs.q),
      o(runtime, run.type, denseLayout({2, 17, 3, 64}));
  Tensor l(runtime, DataType::F32, denseLayout({2, 3, 17}));
  auto view = [&](const Buffer &buffer) { return View(buffer, run.type, {2, 33, 1, 64}, {apart, 64, 64, 1}); };
  kernelOf(run.device, "attention_forward.tile")
      .launch(
          runtime.stream(),
          {{"Q", q.view()}, {"K", view(k)}, {"V", view(v)}, {"O", o.view()}, {"L", l.view()}, {"scale", shape.scale}})
      .value();
  EXPECT_EQ(judge(shape, inputs, {o.read(), l.read()}, run.type), "");
}
