//===- ServingTest.cpp - What engines ask of attention::decode and merge --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sinks, weights and maxima; latent attention with values inside of keys; a tree of drafted tokens; a prefix that
// sequences share, by a merge; places beyond 2^31. Beside plain loops in f64.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/attention/StoredRows.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/GradientOracle.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

const Runtime &runtime() { return runtimeOf(oneOfEachKind()[0]); }

Tensor dense(DataType type, std::vector<int64_t> extents, const std::vector<double> *values = nullptr) {
  return Tensor(runtime(), type, denseLayout(std::move(extents)), values);
}

void decode(const attention::Decode &call) {
  attention::DecodePlan plan = attention::plan(runtime(), call).value();
  Buffer workspace = runtime().allocate(plan.workspaceBytes()).value();
  workspace.fill(runtime().stream(), 0xff).value();
  plan.run(runtime().stream(), call, workspace).value();
  runtime().stream().synchronize().value();
}

/// A batch of 1; the inputs are normals of `type`.
GradientProblem problemOf(const AttentionShape &shape, DataType type, uint64_t seed) {
  Random random(seed);
  GradientProblem problem = {shape, {}, {}, {}, {}, {}, {}};
  problem.shape.scale = roundTo(shape.scale, wideType(type));
  problem.inputs = {roundTo(random.normals(shape.sizeQ()), type), roundTo(random.normals(shape.sizeK()), type),
                    roundTo(random.normals(shape.sizeV()), type)};
  problem.dO.assign(size_t(shape.sizeO()), 0);
  return problem;
}

/// The output beside f64, by the forward's rule.
std::string judgeOutput(const GradientProblem &problem, const std::vector<double> &o, DataType type) {
  return judgeGradient(gradientsOf(problem, DataType::F64).o, gradientsOf(problem, type).o, o, type);
}

} // namespace

TEST(AttentionServing, SinksWeightsAndMaxima) {
  const AttentionShape shape = {1, 21, 37, 2, 2, 64, 64, {Mask::Kind::Causal}, 0.125};
  GradientProblem problem = problemOf(shape, DataType::F16, 1);
  problem.sinks = {0.5, -2, 3, 0};
  Tensor q = dense(DataType::F16, {1, 21, 4, 64}, &problem.inputs.q), o = dense(DataType::F16, {1, 21, 4, 64}),
         k = dense(DataType::F16, {1, 37, 2, 64}, &problem.inputs.k),
         v = dense(DataType::F16, {1, 37, 2, 64}, &problem.inputs.v), lse = dense(DataType::F32, {1, 4, 21}),
         maxima = dense(DataType::F32, {1, 4, 21}), weights = dense(DataType::F16, {1, 4, 21, 37}),
         sinks = dense(DataType::F32, {4}, &problem.sinks);
  attention::Forward call = {q.view(), k.view(), v.view(), o.view(), lse.view(), {.mask = "causal"}};
  call.sinks = sinks.view(), call.weights = weights.view(), call.maxima = maxima.view();
  attention::forward(runtime(), runtime().stream(), call).value();
  EXPECT_EQ(judgeOutput(problem, o.read(), DataType::F16), "");
  const Gradients reference = gradientsOf(problem, DataType::F64);
  const std::vector<double> l = lse.read(), p = weights.read(), m = maxima.read();
  for (int64_t row = 0; row < 4 * 21; ++row) {
    const int64_t h = row / 21;
    EXPECT_NEAR(l[size_t(row)], reference.lse[size_t(row)], 1e-4);
    double sum = std::exp(problem.sinks[size_t(h)] - l[size_t(row)]), largest = 0;
    for (int64_t j = 0; j < 37; ++j) {
      sum += p[size_t(row * 37 + j)];
      largest = std::fmax(largest, p[size_t(row * 37 + j)]);
    }
    EXPECT_NEAR(sum, 1, 5e-3);
    EXPECT_NEAR(std::exp(m[size_t(row)] - l[size_t(row)]), largest, 1e-3);
  }
}

/// One part or several, the sink joins once.
TEST(AttentionServing, DecodeWithSinks) {
  GradientProblem problem = problemOf({1, 1, 300, 2, 4, 64, 64, {}, 0.125}, DataType::F16, 2);
  problem.sinks = {0.5, -2, 3, 0, 1, 1, -INFINITY, 6};
  Tensor q = dense(DataType::F16, {1, 1, 8, 64}, &problem.inputs.q), sinks = dense(DataType::F32, {8}, &problem.sinks),
         k = dense(DataType::F16, {1, 300, 2, 64}, &problem.inputs.k),
         v = dense(DataType::F16, {1, 300, 2, 64}, &problem.inputs.v);
  for (int64_t parts : {1, 3}) {
    Tensor o = dense(DataType::F16, {1, 1, 8, 64}), lse = dense(DataType::F32, {1, 8, 1});
    attention::Decode call = {q.view(), k.view(), v.view(), o.view(), lse.view()};
    call.parts = parts, call.sinks = sinks.view();
    decode(call);
    EXPECT_EQ(judgeOutput(problem, o.read(), DataType::F16), "");
    EXPECT_LT(largestDifference(lse.read(), gradientsOf(problem, DataType::F64).lse), 1e-4);
  }
}

/// Latent attention: a key has 576 features, of which the first 512 are its value; the cache is in pages.
TEST(AttentionServing, ValuesInsideOfKeys) {
  const int64_t keys = 83, page = 16, heads = 16;
  GradientProblem problem = problemOf({1, 1, keys, 1, heads, 576, 512, {}, 0.07}, DataType::BF16, 3);
  for (int64_t j = 0; j < keys; ++j)
    std::copy_n(problem.inputs.k.begin() + j * 576, 512, problem.inputs.v.begin() + j * 512);
  StoredRows cache(runtime(), DataType::BF16, {How::Kind::Paged, page}, {keys}, 1, 576, {problem.inputs.k});
  Tensor q = dense(DataType::BF16, {1, 1, heads, 576}, &problem.inputs.q),
         o = dense(DataType::BF16, {1, 1, heads, 512});
  attention::Tensor k = cache.tensor();
  Sequences values = *k.sequences();
  const Dims extents = values.storage.extents;
  values.storage.strides = {extents[1] * 576, 576, 576, 1};
  values.storage.extents = {extents[0], extents[1], 1, 512};
  for (int64_t parts : {1, 2}) {
    attention::Decode call = {q.view(), k, values, o.view(), {}, {.scale = 0.07}};
    call.parts = parts;
    decode(call);
    EXPECT_EQ(judgeOutput(problem, o.read(), DataType::BF16), "") << parts;
  }
}

/// 37 drafted tokens behind 40 keys, 2 i + 1 and 2 i + 2 follow i; each sees its ancestors.
TEST(AttentionServing, ATreeOfDraftedTokens) {
  const int64_t drafted = 37, keys = 77;
  std::vector<uint64_t> ancestors(static_cast<size_t>(drafted), 0);
  std::vector<double> words;
  for (int64_t i = 0; i < drafted; ++i) {
    ancestors[size_t(i)] = uint64_t(1) << i | (i > 0 ? ancestors[size_t((i - 1) / 2)] : 0);
    for (int word = 0; word < 2; ++word)
      words.push_back(int32_t(uint32_t(ancestors[size_t(i)] >> 32 * word)));
  }
  GradientProblem problem = problemOf({1, drafted, keys, 1, 4, 64, 64, {}, 0.125}, DataType::F16, 4);
  problem.bias = [&](int64_t, int64_t i, int64_t j) {
    return j < keys - drafted || ancestors[size_t(i)] >> (j - (keys - drafted)) & 1 ? 0 : -INFINITY;
  };
  Tensor q = dense(DataType::F16, {1, drafted, 4, 64}, &problem.inputs.q),
         k = dense(DataType::F16, {1, keys, 1, 64}, &problem.inputs.k),
         v = dense(DataType::F16, {1, keys, 1, 64}, &problem.inputs.v), o = dense(DataType::F16, {1, drafted, 4, 64}),
         bits = dense(DataType::I32, {1, drafted, 2}, &words);
  attention::Decode call = {q.view(), k.view(), v.view(), o.view()};
  call.options = {.mask = "tree(bits)", .captured = {{"bits", bits.view()}}};
  call.parts = 2;
  decode(call);
  EXPECT_EQ(judgeOutput(problem, o.read(), DataType::F16), "");
}

/// Three sequences share their first 70 keys: one pass over these for the queries of all, one over what is each
/// sequence's own, and a merge.
TEST(AttentionServing, ASharedPrefixByMerge) {
  const int64_t batch = 3, prefix = 70, heads = 4, d = 64;
  const std::vector<int64_t> own = {0, 19, 5};
  Random random(5);
  auto normals = [&](int64_t n) { return roundTo(random.normals(n), DataType::F16); };
  const std::vector<double> q = normals(batch * heads * d), k = normals(prefix * d), v = normals(prefix * d);
  std::vector<std::vector<double>> ownK, ownV;
  for (int64_t n : own)
    ownK.push_back(normals(n * d)), ownV.push_back(normals(n * d));
  Tensor queries = dense(DataType::F16, {batch, 1, heads, d}, &q),
         sharedK = dense(DataType::F16, {1, prefix, 1, d}, &k), sharedV = dense(DataType::F16, {1, prefix, 1, d}, &v),
         o = dense(DataType::F16, {batch, 1, heads, d}), partO = dense(DataType::F32, {2, batch, 1, heads, d}),
         partLse = dense(DataType::F32, {2, batch, heads, 1});
  StoredRows keys(runtime(), DataType::F16, {How::Kind::Paged, 5}, own, 1, d, ownK),
      values(runtime(), DataType::F16, {How::Kind::Paged, 5}, own, 1, d, ownV);
  // The queries of all sequences as one sequence of `batch` queries, whose lse is [1, heads, batch]. Both parts' lses
  // lie so: as [batch, heads, 1] they have strides of 1, batch and 1.
  View together = queries.view(), first = attention::select(partO.view(), 0, 0), lses = partLse.view();
  together.extents = first.extents = {1, batch, heads, d};
  first.strides = {};
  lses.strides = {heads * batch, 1, batch, 1};
  View firstLse = attention::select(partLse.view(), 0, 0);
  firstLse.extents = {1, heads, batch}, firstLse.strides = {};
  decode({together, sharedK.view(), sharedV.view(), first, firstLse});
  decode({queries.view(), keys.tensor(), values.tensor(), attention::select(partO.view(), 0, 1),
          attention::select(lses, 0, 1)});
  attention::merge(runtime(), runtime().stream(), {partO.view(), lses, o.view()}).value();
  const std::vector<double> found = o.read();
  for (int64_t b = 0; b < batch; ++b) {
    GradientProblem problem = {{1, 1, prefix + own[size_t(b)], 1, heads, d, d, {}, 0.125}, {}, {}, {}, {}, {}, {}};
    problem.inputs.q.assign(q.begin() + b * heads * d, q.begin() + (b + 1) * heads * d);
    problem.inputs.k = k, problem.inputs.v = v;
    problem.inputs.k.insert(problem.inputs.k.end(), ownK[size_t(b)].begin(), ownK[size_t(b)].end());
    problem.inputs.v.insert(problem.inputs.v.end(), ownV[size_t(b)].begin(), ownV[size_t(b)].end());
    problem.dO.assign(size_t(heads * d), 0);
    EXPECT_EQ(judgeOutput(problem, {found.begin() + b * heads * d, found.begin() + (b + 1) * heads * d}, DataType::F16),
              "");
  }
}

/// Keys and values whose last sequence lies 2^31 elements and more behind the first.
TEST(AttentionServing, PlacesBeyond31Bits) {
  const int64_t keys = 40, d = 64, stride = (int64_t(1) << 31) + 512;
  Result<Buffer> memory = runtime().allocate(size_t(stride + keys * d) * 2);
  if (!memory)
    GTEST_SKIP() << "no 4 GiB to be had: " << memory.error().render();
  std::vector<GradientProblem> problems = {problemOf({1, 1, keys, 1, 4, d, d, {}, 0.125}, DataType::F16, 6),
                                           problemOf({1, 1, keys, 1, 4, d, d, {}, 0.125}, DataType::F16, 7)};
  std::vector<double> queries;
  View k(*memory, DataType::F16, {2, keys, 1, d}, {stride, d, d, 1});
  for (int64_t b = 0; b < 2; ++b) {
    problems[size_t(b)].inputs.v = problems[size_t(b)].inputs.k;
    queries.insert(queries.end(), problems[size_t(b)].inputs.q.begin(), problems[size_t(b)].inputs.q.end());
    std::vector<uint16_t> bits;
    for (double x : problems[size_t(b)].inputs.k)
      bits.push_back(uint16_t(imbrex::testing::encode(x, DataType::F16)));
    memory->copyFrom(bits.data(), bits.size() * 2, size_t(b * stride) * 2).value();
  }
  Tensor q = dense(DataType::F16, {2, 1, 4, d}, &queries), o = dense(DataType::F16, {2, 1, 4, d});
  decode({q.view(), k, k, o.view()});
  const std::vector<double> found = o.read();
  for (int64_t b = 0; b < 2; ++b)
    EXPECT_EQ(
        judgeOutput(problems[size_t(b)], {found.begin() + b * 4 * d, found.begin() + (b + 1) * 4 * d}, DataType::F16),
        "");
}
