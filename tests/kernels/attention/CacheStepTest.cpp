//===- CacheStepTest.cpp - Steps of decoding over caches that grow --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// kernels/attention.h: append and attend in one launch beside the two calls, a cache of 8-bit elements that Append
// fills and Decode reads, dropout in Decode, and what is refused of all that.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

constexpr int64_t kBatch = 2, kRoom = 160, kNew = 3, kHeads = 4, kKeyHeads = 2, kDepth = 32;

const Runtime &runtime() { return runtimeOf(oneOfEachKind()[0]); }

Tensor dense(DataType type, std::vector<int64_t> extents, const std::vector<double> *values = nullptr) {
  return Tensor(runtime(), type, denseLayout(std::move(extents)), values);
}

std::vector<double> normals(uint64_t seed, int64_t count, DataType type) {
  return roundTo(Random(seed).normals(count), type);
}

Buffer workspaceOf(const attention::DecodePlan &plan) { return runtime().allocate(plan.workspaceBytes()).value(); }

/// Two sequences in a padded cache, whose last three rows are new: what the cache holds of those is NaN.
struct Growing {
  explicit Growing(DataType type)
      : type(type), lengths(dense(DataType::I32, {kBatch}, &now)), newK(fresh(1)), newV(fresh(2)), q(queries()),
        k(cache(3)), v(cache(4)) {}

  Tensor fresh(uint64_t seed) const {
    const std::vector<double> values = normals(seed, kBatch * kNew * kKeyHeads * kDepth, type);
    return dense(type, {kBatch, kNew, kKeyHeads, kDepth}, &values);
  }
  Tensor queries() const {
    const std::vector<double> values = normals(5, kBatch * kNew * kHeads * kDepth, type);
    return dense(type, {kBatch, kNew, kHeads, kDepth}, &values);
  }
  Tensor cache(uint64_t seed) const {
    std::vector<double> values = normals(seed, kBatch * kRoom * kKeyHeads * kDepth, type);
    for (int64_t b = 0; b < kBatch; ++b)
      std::fill(values.begin() + (b * kRoom + int64_t(now[size_t(b)]) - kNew) * kKeyHeads * kDepth,
                values.begin() + (b + 1) * kRoom * kKeyHeads * kDepth, NAN);
    return dense(type, {kBatch, kRoom, kKeyHeads, kDepth}, &values);
  }
  Sequences keys() const { return padded(k.view(), lengths.view()); }
  Sequences values() const { return padded(v.view(), lengths.view()); }

  DataType type;
  std::vector<double> now = {140, 9};
  Tensor lengths, newK, newV, q, k, v;
};

double largestOf(const std::vector<double> &a, const std::vector<double> &b) {
  double most = a.size() == b.size() ? 0 : INFINITY;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i)
    if (!(std::isnan(a[i]) && std::isnan(b[i])))
      most = std::isnan(a[i] - b[i]) ? INFINITY : std::fmax(most, std::fabs(a[i] - b[i]));
  return most;
}

template <typename Call> std::string whyNot(const Call &call) {
  const attention::Support found = attention::support(runtime(), call);
  EXPECT_FALSE(found.isSupported);
  return found.text();
}

} // namespace

TEST(AttentionCacheStep, OneLaunchIsAppendAndThenDecode) {
  for (DataType type : {DataType::F32, DataType::BF16})
    for (int64_t parts : {1, 3})
      for (int64_t features : {0, 16}) {
        Growing two(type), one(type);
        const attention::Rotary rotary = {.features = features, .isInterleaved = parts == 1, .base = 500};
        Tensor turned = dense(type, {kBatch, kNew, kHeads, kDepth}), o = dense(type, {kBatch, kNew, kHeads, kDepth}),
               again = dense(type, {kBatch, kNew, kHeads, kDepth}), lse = dense(DataType::F32, {kBatch, kHeads, kNew}),
               lseAgain = dense(DataType::F32, {kBatch, kHeads, kNew});
        attention::Append append = {two.newK.view(), two.newV.view(), two.keys(), two.values(), rotary};
        if (features != 0)
          append.q = two.q.view(), append.turnedQ = turned.view();
        const Stream &stream = runtime().stream();
        attention::append(runtime(), stream, append).value();
        attention::Decode call = {.q = features != 0 ? turned.view() : two.q.view(),
                                  .k = two.keys(),
                                  .v = two.values(),
                                  .o = o.view(),
                                  .lse = lse.view(),
                                  .options = {.mask = "causal"},
                                  .parts = parts};
        attention::DecodePlan plan = attention::plan(runtime(), call).value();
        plan.run(stream, call, workspaceOf(plan)).value();
        attention::Decode fused = {.q = one.q.view(),
                                   .k = one.keys(),
                                   .v = one.values(),
                                   .o = again.view(),
                                   .lse = lseAgain.view(),
                                   .options = {.mask = "causal"},
                                   .parts = parts,
                                   .newK = one.newK.view(),
                                   .newV = one.newV.view(),
                                   .rotary = rotary};
        attention::DecodePlan fusedPlan = attention::plan(runtime(), fused).value();
        EXPECT_EQ(fusedPlan.support().steps.size(), size_t(parts == 1 ? 1 : 2));
        fusedPlan.run(stream, fused, workspaceOf(fusedPlan)).value();
        const double digits = type == DataType::F32 ? 1e-5 : 0.02;
        EXPECT_LE(largestOf(again.read(), o.read()), digits) << parts << " " << features;
        EXPECT_LE(largestOf(lseAgain.read(), lse.read()), digits) << parts << " " << features;
        EXPECT_EQ(largestOf(one.v.read(), two.v.read()), 0);
        EXPECT_LE(largestOf(one.k.read(), two.k.read()), type == DataType::F32 ? 1e-6 : 0.02);
        Result<void> other = fusedPlan.run(stream, call, workspaceOf(fusedPlan));
        EXPECT_FALSE(other);
      }
}

/// f16 rows into elements of 8 bits times scales a head, or a block of tokens and a head; then attention to what is
/// there.
TEST(AttentionCacheStep, ScaledCachesAreFilledAndRead) {
  for (DataType element : {DataType::F8E4M3, DataType::I8})
    for (bool inBlocks : {false, true}) {
      Growing rows(DataType::F16);
      const std::vector<double> zeros(size_t(kBatch * kRoom * kKeyHeads * kDepth), 0);
      Tensor k = dense(element, {kBatch, kRoom, kKeyHeads, kDepth}, &zeros),
             v = dense(element, {kBatch, kRoom, kKeyHeads, kDepth}, &zeros);
      const int64_t block = 16, blocks = kRoom / block;
      std::vector<double> scales(size_t(inBlocks ? kBatch * blocks * kKeyHeads : kKeyHeads));
      for (size_t i = 0; i < scales.size(); ++i)
        scales[i] = element == DataType::I8 ? 0.03125 : 0.5 + 0.25 * double(i % 3);
      Tensor scale = inBlocks ? dense(DataType::F32, {kBatch, blocks, kKeyHeads}, &scales)
                              : dense(DataType::F32, {kKeyHeads}, &scales);
      auto stored = [&](Tensor &elements) {
        return scaled(padded(elements.view(), rows.lengths.view()), scale.view(), inBlocks ? block : 0);
      };
      // All rows of the second sequence are new, and its cache was empty.
      const std::vector<double> now = {9, 9};
      Tensor lengths = dense(DataType::I32, {kBatch}, &now);
      const std::vector<double> fresh = normals(6, kBatch * 9 * kKeyHeads * kDepth, DataType::F16),
                                values = normals(7, kBatch * 9 * kKeyHeads * kDepth, DataType::F16);
      Tensor newK = dense(DataType::F16, {kBatch, 9, kKeyHeads, kDepth}, &fresh),
             newV = dense(DataType::F16, {kBatch, 9, kKeyHeads, kDepth}, &values);
      Sequences keys = stored(k), held = stored(v);
      keys.lengths = held.lengths = lengths.view();
      attention::append(runtime(), runtime().stream(), {.newK = newK.view(), .newV = newV.view(), .k = keys, .v = held})
          .value();
      AttentionShape shape = {kBatch, kNew, 9, kKeyHeads, kHeads / kKeyHeads, kDepth, kDepth, {Mask::Kind::Causal}};
      shape.scale = roundTo(1 / std::sqrt(double(kDepth)), DataType::F32);
      AttentionInputs inputs = {rows.q.read(), {}, {}};
      double worst = 0;
      for (auto [elements, to, source] : {std::tuple(&k, &inputs.k, &fresh), {&v, &inputs.v, &values}}) {
        const std::vector<double> all = elements->read();
        for (int64_t b = 0; b < kBatch; ++b)
          for (int64_t s = 0; s < 9; ++s)
            for (int64_t c = 0; c < kKeyHeads * kDepth; ++c) {
              const int64_t head = c / kDepth;
              const double by = scales[size_t(inBlocks ? (b * blocks + s / block) * kKeyHeads + head : head)];
              const double number = all[size_t((b * kRoom + s) * kKeyHeads * kDepth + c)] * by;
              to->push_back(roundTo(number, DataType::F16));
              const double was = (*source)[size_t((b * 9 + s) * kKeyHeads * kDepth + c)];
              worst =
                  std::fmax(worst, std::fabs(number - was) / (element == DataType::I8 ? by : std::fabs(was) + by / 64));
            }
      }
      EXPECT_LE(worst, element == DataType::I8 ? 0.5001 : 0.0626); // half a step
      Tensor o = dense(DataType::F16, {kBatch, kNew, kHeads, kDepth}),
             lse = dense(DataType::F32, {kBatch, kHeads, kNew});
      attention::Decode call = {.q = rows.q.view(),
                                .k = keys,
                                .v = held,
                                .o = o.view(),
                                .lse = lse.view(),
                                .options = {.mask = "causal"},
                                .parts = 2};
      attention::DecodePlan plan = attention::plan(runtime(), call).value();
      plan.run(runtime().stream(), call, workspaceOf(plan)).value();
      EXPECT_EQ(judge(shape, inputs, {o.read(), lse.read()}, DataType::F16), "");
    }
}

/// The weights that forward drops are dropped here, in whichever part they are.
TEST(AttentionCacheStep, DropoutInDecodeIsForwards) {
  const int64_t queries = 2, keys = 300;
  const std::vector<double> q = normals(1, kBatch * queries * kHeads * kDepth, DataType::F32),
                            k = normals(2, kBatch * keys * kKeyHeads * kDepth, DataType::F32),
                            v = normals(3, kBatch * keys * kKeyHeads * kDepth, DataType::F32);
  Tensor tq = dense(DataType::F32, {kBatch, queries, kHeads, kDepth}, &q),
         tk = dense(DataType::F32, {kBatch, keys, kKeyHeads, kDepth}, &k),
         tv = dense(DataType::F32, {kBatch, keys, kKeyHeads, kDepth}, &v),
         want = dense(DataType::F32, {kBatch, queries, kHeads, kDepth}),
         found = dense(DataType::F32, {kBatch, queries, kHeads, kDepth});
  attention::Options options = {.mask = "causal", .weight = "dropout(p16, seed, offset, Hk * G)"};
  options.captured = {{"p16", uint32_t(20000)}, {"seed", int64_t(42)}, {"offset", uint32_t(7)}};
  attention::forward(runtime(), runtime().stream(), {tq.view(), tk.view(), tv.view(), want.view(), {}, options})
      .value();
  for (int64_t parts : {1, 4}) {
    attention::Decode call = {
        .q = tq.view(), .k = tk.view(), .v = tv.view(), .o = found.view(), .options = options, .parts = parts};
    attention::DecodePlan plan = attention::plan(runtime(), call).value();
    plan.run(runtime().stream(), call, workspaceOf(plan)).value();
    EXPECT_LE(largestOf(found.read(), want.read()), 1e-5) << parts;
  }
}

TEST(AttentionCacheStep, RefusalsNameTheReason) {
  Growing rows(DataType::F16);
  Tensor o = dense(DataType::F16, {kBatch, kNew, kHeads, kDepth});
  attention::Decode call = {.q = rows.q.view(), .k = rows.keys(), .v = rows.values(), .o = o.view()};
  call.newK = rows.newK.view();
  EXPECT_NE(whyNot(call).find("newK, newV"), std::string::npos) << whyNot(call);
  call.newK = {}, call.rotary.features = 16;
  EXPECT_NE(whyNot(call).find("give newK and newV"), std::string::npos) << whyNot(call);
  const std::vector<double> one = {1};
  Tensor scale = dense(DataType::F32, {1}, &one), bytes = dense(DataType::I8, {kBatch, kRoom, kKeyHeads, kDepth});
  call.newK = rows.newK.view(), call.newV = rows.newV.view(), call.rotary = {};
  call.k = call.v = scaled(padded(bytes.view(), rows.lengths.view()), scale.view());
  EXPECT_NE(whyNot(call).find("by Append, before"), std::string::npos) << whyNot(call);
  attention::Append append = {.newK = rows.newK.view(), .newV = rows.newV.view(), .k = call.k, .v = rows.values()};
  EXPECT_NE(whyNot(append).find("scaled, or neither"), std::string::npos) << whyNot(append);
  append.k = append.v = scaled(rows.keys(), scale.view());
  EXPECT_NE(whyNot(append).find("not to f16"), std::string::npos) << whyNot(append);
}

/// What has no room is refused where the host knows it, with the numbers.
TEST(AttentionCacheStep, RowsThatHaveNoRoomAreRefused) {
  Growing rows(DataType::F16);
  Tensor small = dense(DataType::F16, {kBatch, kNew - 1, kKeyHeads, kDepth}),
         o = dense(DataType::F16, {kBatch, kNew, kHeads, kDepth});
  const std::string tooMany = std::to_string(kNew) + " new rows are given for each sequence, and the cache ";
  const std::string most = std::to_string(kNew - 1);
  attention::Append append = {rows.newK.view(), rows.newV.view(), small.view(), rows.values()};
  EXPECT_NE(whyNot(append).find(tooMany + "k has room for " + most), std::string::npos) << whyNot(append);
  append.k = rows.keys(), append.v = small.view();
  EXPECT_NE(whyNot(append).find(tooMany + "v has room for " + most), std::string::npos) << whyNot(append);
  append.v = rows.values();
  EXPECT_TRUE(attention::support(runtime(), append).isSupported);

  std::vector<int32_t> lengths(kBatch, kNew);
  lengths[1] = kRoom;
  append.lengths = lengths;
  EXPECT_TRUE(attention::support(runtime(), append).isSupported);
  append.advances = true; // the same lengths, before they grow
  EXPECT_NE(whyNot(append).find("sequence 1 has " + std::to_string(kRoom + kNew) + " rows with its new ones"),
            std::string::npos)
      << whyNot(append);
  append.advances = false, lengths[1] = kRoom + 1;
  EXPECT_NE(whyNot(append).find("room for " + std::to_string(kRoom)), std::string::npos) << whyNot(append);
  lengths[1] = kNew - 1;
  EXPECT_NE(whyNot(append).find("fewer than its " + std::to_string(kNew) + " new ones"), std::string::npos)
      << whyNot(append);
  lengths.pop_back(), append.lengths = lengths;
  EXPECT_NE(whyNot(append).find("lengths are given for"), std::string::npos) << whyNot(append);

  attention::Decode call = {.q = rows.q.view(), .k = rows.keys(), .v = rows.values(), .o = o.view()};
  call.newK = rows.newK.view(), call.newV = rows.newV.view();
  EXPECT_TRUE(attention::support(runtime(), call).isSupported);
  call.k = small.view();
  EXPECT_NE(whyNot(call).find(tooMany + "k has room for " + most), std::string::npos) << whyNot(call);
  lengths.assign(kBatch, kRoom + 3), call.k = rows.keys(), call.lengths = lengths;
  EXPECT_NE(whyNot(call).find("sequence 0 has " + std::to_string(kRoom + 3) + " rows"), std::string::npos)
      << whyNot(call);
}
