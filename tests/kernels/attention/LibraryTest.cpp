//===- LibraryTest.cpp - kernels/attention.h beside plain loops -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// forward, append and merge, what support tells, what is refused, and how splits are planned. decode has a file of its
// own.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Splits.h"
#include "tests/kernels/attention/StoredRows.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInfinity = std::numeric_limits<double>::infinity();

const Runtime &runtime() { return runtimeOf(oneOfEachKind()[0]); }

Tensor dense(DataType type, std::vector<int64_t> extents, const std::vector<double> *values = nullptr) {
  return Tensor(runtime(), type, denseLayout(std::move(extents)), values);
}

bool says(const std::string &text, const char *what) { return text.find(what) != std::string::npos; }

/// A decoding step of f16 with `heads` query heads on two key heads.
struct Step {
  explicit Step(int64_t keys, int64_t heads = 4, int64_t depth = 64)
      : q(dense(DataType::F16, {2, 1, heads, depth})), k(dense(DataType::F16, {2, keys, 2, depth})),
        v(dense(DataType::F16, {2, keys, 2, depth})), o(dense(DataType::F16, {2, 1, heads, depth})) {}
  attention::Decode call() const { return {.q = q.view(), .k = k.view(), .v = v.view(), .o = o.view()}; }

  Tensor q, k, v, o;
};

} // namespace

/// Packed queries, keys and values, and [batch, heads, sequence, depth]: the same memory under other strides.
TEST(AttentionLibrary, ForwardOfPackedAndHeadsFirst) {
  const int64_t b = 2, s = 37, h = 3, d = 40;
  AttentionShape shape = {b, s, s, h, 1, d, d, {Mask::Kind::Causal}, 0.2};
  Random random(5);
  std::vector<double> packed = roundTo(random.normals(b * s * 3 * h * d), DataType::F16);
  AttentionInputs inputs;
  for (auto [which, values] : {std::pair(0, &inputs.q), {1, &inputs.k}, {2, &inputs.v}})
    for (int64_t row = 0; row < b * s; ++row)
      values->insert(values->end(), packed.begin() + (row * 3 + which) * h * d,
                     packed.begin() + (row * 3 + which + 1) * h * d);
  Tensor qkv = dense(DataType::F16, {b, s, 3, h, d}, &packed), o = dense(DataType::F16, {b, h, s, d}),
         lse = dense(DataType::F32, {b, h, s});
  attention::Forward call = {attention::select(qkv.view(), 2, 0), attention::select(qkv.view(), 2, 1),
                             attention::select(qkv.view(), 2, 2), attention::headsFirst(o.view()), lse.view()};
  call.options.mask = "causal", call.options.scale = shape.scale;
  attention::forward(runtime(), runtime().stream(), call).value();
  std::vector<double> found = o.read(), turned(found.size());
  for (int64_t i = 0; i < b * h * s; ++i)
    std::copy_n(found.begin() + i * d, d, turned.begin() + ((i / (h * s) * s + i % s) * h + i / s % h) * d);
  shape.scale = roundTo(shape.scale, DataType::F32);
  EXPECT_EQ(judge(shape, inputs, {turned, lse.read()}, DataType::F16), "");
}

/// Three parts at once, in two steps, and in another order; one of them empty, with NaN for results.
TEST(AttentionLibrary, MergeIsAssociative) {
  const int64_t parts = 4, rows = 5, h = 3, d = 8;
  Random random(3);
  std::vector<double> o = roundTo(random.normals(parts * rows * h * d), DataType::F32),
                      lse = roundTo(random.normals(parts * h * rows), DataType::F32);
  for (int64_t i = 0; i < h * rows; ++i)
    lse[size_t(2 * h * rows + i)] = -kInfinity;
  std::fill_n(o.begin() + 2 * rows * h * d, rows * h * d, kNan);
  lse[0] = 300, lse[size_t(h * rows)] = -500; // far apart: one part is all
  for (int64_t p = 0; p < parts; ++p)
    lse[size_t(p * h * rows + 1)] = -kInfinity; // nothing at all
  auto merged = [&](std::vector<std::vector<double>> os, std::vector<std::vector<double>> ls) {
    std::vector<double> allO, allL;
    for (const auto &each : os)
      allO.insert(allO.end(), each.begin(), each.end());
    for (const auto &each : ls)
      allL.insert(allL.end(), each.begin(), each.end());
    const int64_t n = int64_t(os.size());
    Tensor po = dense(DataType::F32, {n, 1, rows, h, d}, &allO), pl = dense(DataType::F32, {n, 1, h, rows}, &allL);
    Tensor to = dense(DataType::F32, {1, rows, h, d}), tl = dense(DataType::F32, {1, h, rows});
    attention::Merge call = {po.view(), pl.view(), to.view(), tl.view()};
    attention::merge(runtime(), runtime().stream(), call).value();
    return std::pair(to.read(), tl.read());
  };
  auto part = [](const std::vector<double> &all, int64_t p, int64_t size) {
    return std::vector<double>(all.begin() + p * size, all.begin() + (p + 1) * size);
  };
  auto os = [&](int64_t p) { return part(o, p, rows * h * d); };
  auto ls = [&](int64_t p) { return part(lse, p, h * rows); };
  std::vector<double> wantO(size_t(rows * h * d), 0), wantL;
  for (int64_t at = 0; at < h * rows; ++at) {
    double most = -kInfinity, sum = 0;
    for (int64_t p = 0; p < parts; ++p)
      most = std::fmax(most, lse[size_t(p * h * rows + at)]);
    for (int64_t p = 0; p < parts && std::isfinite(most); ++p)
      sum += std::exp(lse[size_t(p * h * rows + at)] - most);
    wantL.push_back(most + std::log(sum));
    for (int64_t p = 0; p < parts; ++p)
      if (double l = lse[size_t(p * h * rows + at)]; std::isfinite(l))
        for (int64_t x = 0; x < d; ++x) {
          const int64_t element = ((at % rows) * h + at / rows) * d + x;
          wantO[size_t(element)] += std::exp(l - wantL.back()) * o[size_t(p * rows * h * d + element)];
        }
  }
  wantL[1] = -kInfinity;
  auto near = [&](const std::pair<std::vector<double>, std::vector<double>> &found) {
    EXPECT_LE(largestDifference(found.first, wantO), 3e-6);
    for (size_t i = 0; i < wantL.size(); ++i)
      EXPECT_TRUE(found.second[i] == wantL[i] ||
                  std::abs(found.second[i] - wantL[i]) <= 1e-6 * (1 + std::abs(wantL[i])))
          << i;
  };
  near(merged({os(0), os(1), os(2), os(3)}, {ls(0), ls(1), ls(2), ls(3)}));
  near(merged({os(3), os(2), os(0), os(1)}, {ls(3), ls(2), ls(0), ls(1)}));
  auto first = merged({os(0), os(1)}, {ls(0), ls(1)}), last = merged({os(2), os(3)}, {ls(2), ls(3)});
  near(merged({first.first, last.first}, {first.second, last.second}));
}

/// New rows in pages, lengths that advance, queries that turn; and nothing else is written.
TEST(AttentionLibrary, AppendAdvancesAndTurns) {
  const std::vector<int64_t> past = {3, 0, 16}, now = {5, 2, 18}, added = {2, 2, 2};
  const int64_t h = 2, d = 8;
  const double base = 100;
  Random random(8);
  std::vector<std::vector<double>> old, fresh, queries;
  for (size_t b = 0; b < past.size(); ++b) {
    old.push_back(roundTo(random.normals(past[b] * h * d), DataType::F32));
    fresh.push_back(roundTo(random.normals(added[b] * h * d), DataType::F32));
    queries.push_back(roundTo(random.normals(added[b] * h * d), DataType::F32));
  }
  const How pages = {How::Kind::Paged, 16};
  std::vector<std::vector<double>> room = old; // places for as many rows as there will be, the new ones NaN
  for (size_t b = 0; b < past.size(); ++b)
    room[b].resize(size_t(now[b] * h * d), kNan);
  StoredRows k(runtime(), DataType::F32, pages, now, h, d, room), v(runtime(), DataType::F32, pages, now, h, d, room);
  k.setLengths(past), v.setLengths(past);
  StoredRows n(runtime(), DataType::F32, {}, added, h, d, fresh), q(runtime(), DataType::F32, {}, added, h, d, queries),
      turned(runtime(), DataType::F32, {}, added, h, d);
  attention::Append call = {.newK = n.tensor(), .newV = n.tensor(), .k = k.tensor(), .v = v.tensor()};
  call.rotary = {.features = 4, .isInterleaved = true, .base = base};
  call.q = q.tensor(), call.turnedQ = turned.view(), call.advances = true;
  // The values' lengths are the keys'.
  Sequences values = *v.tensor().sequences();
  values.lengths = k.tensor().sequences()->lengths;
  call.v = values;
  attention::append(runtime(), runtime().stream(), call).value();
  runtime().stream().synchronize().value();
  EXPECT_EQ(k.readLengths(), (std::vector<int32_t>{5, 2, 18}));
  k.setLengths(now), v.setLengths(now);
  auto turn = [&](std::vector<double> row, int64_t position) {
    for (int64_t head = 0; head < h; ++head)
      for (int64_t p = 0; p < 2; ++p) {
        double angle = double(position) * std::pow(base, -p / 2.0), &x = row[size_t(head * d + 2 * p)],
               &y = row[size_t(head * d + 2 * p + 1)];
        std::tie(x, y) =
            std::pair(x * std::cos(angle) - y * std::sin(angle), x * std::sin(angle) + y * std::cos(angle));
      }
    return row;
  };
  for (size_t b = 0; b < past.size(); ++b) {
    std::vector<double> wantK = old[b], wantV = old[b], wantQ;
    for (int64_t s = 0; s < added[b]; ++s) {
      auto rowOf = [&](const std::vector<double> &all) {
        return std::vector<double>(all.begin() + s * h * d, all.begin() + (s + 1) * h * d);
      };
      std::vector<double> key = turn(rowOf(fresh[b]), past[b] + s), value = rowOf(fresh[b]),
                          query = turn(rowOf(queries[b]), past[b] + s);
      wantK.insert(wantK.end(), key.begin(), key.end());
      wantV.insert(wantV.end(), value.begin(), value.end());
      wantQ.insert(wantQ.end(), query.begin(), query.end());
    }
    EXPECT_LE(largestDifference(k.read(int64_t(b)), wantK), 1e-5) << b;
    EXPECT_EQ(v.read(int64_t(b)), wantV) << b;
    EXPECT_LE(largestDifference(turned.read(int64_t(b)), wantQ), 1e-5) << b;
  }
  EXPECT_TRUE(k.isElsewhereNan() && v.isElsewhereNan());
}

TEST(AttentionLibrary, SupportTellsThePlan) {
  Step step(4096, 16);
  const attention::Support found = attention::support(runtime(), step.call());
  ASSERT_TRUE(found.isSupported) << found.why;
  ASSERT_EQ(found.steps.size(), 2u);
  EXPECT_EQ(found.steps[0].kernel, "attention_split");
  EXPECT_EQ(found.steps[0].tileRows, 16);
  EXPECT_EQ(found.steps[0].instances, found.parts * 4);
  EXPECT_EQ(found.steps[1].kernel, "attention_merge");
  EXPECT_EQ(found.packedHeads, 8);
  EXPECT_EQ(found.parts, 16);
  EXPECT_EQ(found.workspaceBytes, size_t(16 * 2 * 16 * 64 * 4 + 16 * 2 * 16 * 4));
  EXPECT_TRUE(says(found.text(), "tiles of 16 rows")) << found.text();
}

/// Few keys: one launch, into the result, without a workspace.
TEST(AttentionLibrary, OnePartNeedsNoWorkspace) {
  Step step(200);
  const attention::Support found = attention::support(runtime(), step.call());
  EXPECT_EQ(found.steps.size(), 1u);
  EXPECT_EQ(found.workspaceBytes, 0u);
}

TEST(AttentionLibrary, RefusalsNameTheReason) {
  Step step(4096), wide(64, 4, 640);
  attention::Decode call = step.call();
  attention::DecodePlan plan = attention::plan(runtime(), call).value();
  Buffer small = runtime().allocate(plan.workspaceBytes() - 1).value();
  Result<void> run = plan.run(runtime().stream(), call, small);
  ASSERT_FALSE(run);
  EXPECT_TRUE(says(run.error().message, std::to_string(plan.workspaceBytes()).c_str())) << run.error().message;
  auto why = [&](const auto &refused) {
    const attention::Support found = attention::support(runtime(), refused);
    EXPECT_FALSE(found.isSupported || !found.steps.empty());
    return found.text();
  };
  EXPECT_TRUE(says(why(wide.call()), "DQK <= 576")) << why(wide.call());
  call.options.mask = "causl";
  EXPECT_TRUE(says(why(call), "did you mean 'causal'")) << why(call);
  call = step.call();
  call.q = paged(step.q.view(), step.q.view(), step.q.view());
  EXPECT_TRUE(says(why(call), "paged")) << why(call);
  call = step.call();
  call.parts = -1;
  EXPECT_TRUE(says(why(call), "-1")) << why(call);
  call.parts = 100000;
  EXPECT_TRUE(says(why(call), "100000 parts are asked for, and at most 4096 can share")) << why(call);
  call = step.call();
  call.options.captured.assign(17, {"x", 1});
  EXPECT_TRUE(says(why(call), "at most 16")) << why(call);
  attention::Append append = {.newK = step.q.view(), .newV = step.q.view(), .k = step.k.view(), .v = step.v.view()};
  append.advances = true;
  EXPECT_TRUE(says(why(append), "without lengths")) << why(append);
  append.advances = false, append.q = step.q.view();
  EXPECT_TRUE(says(why(append), "rotary.features")) << why(append);
}

TEST(AttentionLibrary, PartsFollowLengths) {
  auto parts = [](attention::SplitProblem problem) {
    problem.multiprocessors = 132;
    return attention::splitOf(problem).parts;
  };
  EXPECT_EQ(parts({.sequences = 2, .tiles = 8, .longest = 8192}), 16);
  EXPECT_EQ(parts({.sequences = 64, .tiles = 8, .longest = 8192}), 1); // the device is full
  EXPECT_EQ(parts({.sequences = 1, .tiles = 1, .longest = 1024}), 4);  // 256 keys a part
  EXPECT_EQ(parts({.sequences = 1, .tiles = 1, .longest = 1 << 20}), 256);
  EXPECT_EQ(parts({.sequences = 0, .tiles = 1, .longest = 0}), 1);
  const int32_t lengths[] = {100000, 10, 10, 0, -5};
  EXPECT_EQ(parts({.sequences = 5, .tiles = 8, .longest = 1 << 30, .lengths = lengths}), 32); // one long sequence alone
}
