//===- SourcesTest.cpp - What two texts on attention claim ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One trains through a tiled attention in f64 and holds it to the naive one and to a fifth of one N x N matrix of
// memory; the other calls it with packed qkv, with a cache in a loop, with one and with few key heads, and with windows
// of 512 to both sides.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/attention/StoredCase.h"
#include "tests/support/Devices.h"
#include "tests/support/GradientOracle.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
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

/// Forward and backward of `b` sequences through the library, f64 and causal, as the text has them.
struct Step {
  Step(int64_t b, int64_t n, int64_t h, int64_t d, uint64_t seed) : extents({b, n, h, d}) {
    Random random(seed);
    const int64_t count = b * n * h * d;
    q = random.normals(count), k = random.normals(count), v = random.normals(count), dO = random.normals(count);
    Tensor tq = dense(DataType::F64, extents, &q), tk = dense(DataType::F64, extents, &k),
           tv = dense(DataType::F64, extents, &v), to = dense(DataType::F64, extents),
           lse = dense(DataType::F64, {b, h, n}), tdO = dense(DataType::F64, extents, &dO),
           tdq = dense(DataType::F64, extents), tdk = dense(DataType::F64, extents),
           tdv = dense(DataType::F64, extents);
    const attention::Options options = {.mask = "causal"};
    const Stream &stream = runtime().stream();
    attention::forward(runtime(), stream, {tq.view(), tk.view(), tv.view(), to.view(), lse.view(), options}).value();
    attention::Backward call = {tq.view(),  tk.view(),  tv.view(),  to.view(),  lse.view(),
                                tdO.view(), tdq.view(), tdk.view(), tdv.view(), options};
    attention::BackwardPlan plan = attention::plan(runtime(), call).value();
    Buffer workspace = runtime().allocate(plan.workspaceBytes()).value();
    plan.run(stream, call, workspace).value();
    o = to.read(), dq = tdq.read(), dk = tdk.read(), dv = tdv.read();
  }

  std::vector<int64_t> extents;
  std::vector<double> q, k, v, dO, o, dq, dk, dv;
};

/// The slope of the loss sum(O dO) along each of the elements `at` of one of a step's inputs, by our forward pass on as
/// many sequences as there are differences, whose other inputs are one sequence's.
std::vector<double> slopes(const Step &step, std::vector<double> Step::*which, const std::vector<int64_t> &at) {
  const double difference = 1e-6;
  const int64_t size = int64_t(step.q.size()), batch = 2 * int64_t(at.size());
  std::vector<int64_t> extents = step.extents;
  extents[0] = batch;
  auto shared = [&](const Tensor &one) {
    View view = one.view();
    view.extents[0] = batch, view.strides = {0, step.extents[2] * step.extents[3], step.extents[3], 1};
    return view;
  };
  std::vector<double> moved;
  for (int64_t i = 0; i < batch; ++i) {
    moved.insert(moved.end(), (step.*which).begin(), (step.*which).end());
    moved[size_t(i * size + at[size_t(i / 2)])] += i % 2 ? -difference : difference;
  }
  Tensor q = dense(DataType::F64, step.extents, &step.q), k = dense(DataType::F64, step.extents, &step.k),
         v = dense(DataType::F64, step.extents, &step.v), all = dense(DataType::F64, extents, &moved),
         o = dense(DataType::F64, extents);
  attention::forward(runtime(), runtime().stream(),
                     {which == &Step::q ? all.view() : shared(q), which == &Step::k ? all.view() : shared(k),
                      which == &Step::v ? all.view() : shared(v), o.view(), {}, {.mask = "causal"}})
      .value();
  const std::vector<double> found = o.read();
  std::vector<double> slopes(at.size(), 0);
  for (size_t i = 0; i < at.size(); ++i)
    for (size_t j = 0; j < size_t(size); ++j) // of differences, so that losses do not cancel
      slopes[i] += (found[2 * i * size_t(size) + j] - found[(2 * i + 1) * size_t(size) + j]) * step.dO[j];
  for (double &slope : slopes)
    slope /= 2 * difference;
  return slopes;
}

/// As the text measures it: the largest of |a - b| / (|b| + 1e-10).
double relative(const std::vector<double> &a, const std::vector<double> &b) {
  double most = a.size() == b.size() && !a.empty() ? 0 : INFINITY;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    const double error = std::fabs(a[i] - b[i]) / (std::fabs(b[i]) + 1e-10);
    most = error <= most ? most : std::isnan(error) ? INFINITY : error;
  }
  return most;
}

} // namespace

/// Its first test, at its shape, 1 x 1 x 64 x 32: steps of 1e-6, agreement to 1e-5 of the slopes, for V at all elements
/// (in the ordinary run every 16th), for Q and K at ten.
TEST(AttentionSources, GradientsBesideFiniteDifferences) {
  const Step step(1, 64, 1, 32, 42);
  Random random(123);
  for (auto [name, which, gradient, every] :
       {std::tuple("dV", &Step::v, &Step::dv, int64_t(isLongRun() ? 1 : 16)), {"dQ", &Step::q, &Step::dq, 200},
        {"dK", &Step::k, &Step::dk, 200}}) {
    std::vector<int64_t> at;
    for (int64_t i = every == 200 ? random.below(every) : 0; i < 64 * 32; i += every)
      at.push_back(i);
    std::vector<double> found;
    for (int64_t i : at)
      found.push_back((step.*gradient)[size_t(i)]);
    const double error = relative(found, slopes(step, which, at));
    std::printf("  %s at %zu elements: %.2e\n", name, at.size(), error);
    EXPECT_LT(error, 1e-5) << name;
  }
}

/// Its second test, at its shape, 2 x 4 x 256 x 64: O and the gradients to 1e-4 of the naive ones.
TEST(AttentionSources, GradientsBesideTheNaive) {
  const int64_t n = 256, h = 4, d = 64;
  const Step step(2, n, h, d, 123);
  for (int64_t b = 0; b < 2; ++b) {
    auto part = [&](const std::vector<double> &all) {
      return std::vector<double>(all.begin() + b * n * h * d, all.begin() + (b + 1) * n * h * d);
    };
    GradientProblem problem = {{1, n, n, h, 1, d, d, {Mask::Kind::Causal}, 0.125}, {}, {}, {}, {}, {}, {}};
    problem.inputs = {part(step.q), part(step.k), part(step.v)};
    problem.dO = part(step.dO);
    const Gradients want = gradientsOf(problem, DataType::F64);
    for (auto [name, found, naive] : {std::tuple("O", &Step::o, &Gradients::o), {"dQ", &Step::dq, &Gradients::dq},
                                      {"dK", &Step::dk, &Gradients::dk}, {"dV", &Step::dv, &Gradients::dv}}) {
      const double error = relative(part(step.*found), want.*naive);
      std::printf("  %s of sequence %d: %.2e\n", name, int(b), error);
      EXPECT_LT(error, 1e-4) << name;
    }
  }
}

/// The peak of a training step at 4096 x 4096, f64, heads of 64: all that forward and backward make, and the workspace.
TEST(AttentionSources, MemoryIsBelowAFifthOfAMatrix) {
  const int64_t n = 4096, d = 64;
  const uint64_t address = uint64_t(1) << 40, matrix = uint64_t(n * n * 8), rows = uint64_t(n * d * 8);
  auto at = [&](uint64_t place) { return View(address + (place << 32), DataType::F64, {1, n, 1, d}); };
  View lse(address + (uint64_t(20) << 32), DataType::F64, {1, 1, n});
  attention::Backward call = {at(0), at(1), at(2), at(3), lse, at(4), at(5), at(6), at(7), {.mask = "causal"}};
  const attention::Support told = attention::support(runtime(), call);
  ASSERT_TRUE(told.isSupported) << told.why;
  const uint64_t peak = 4 * rows + uint64_t(n * 8) + told.workspaceBytes; // O, dQ, dK, dV; L
  std::printf("  %.2f MB of a matrix's %.2f MB: %.1f %%\n", double(peak) / 1e6, double(matrix) / 1e6,
              100.0 * double(peak) / double(matrix));
  EXPECT_LT(peak, matrix / 5);
}

/// Each step appends one key and value and attends with one query: the rows of one causal pass.
TEST(AttentionSources, ACacheInALoop) {
  const int64_t steps = 9, heads = 4, d = 64, room = 16;
  Random random(8);
  GradientProblem problem = {{1, steps, steps, heads, 1, d, d, {Mask::Kind::Causal}, 0.125}, {}, {}, {}, {}, {}, {}};
  auto normals = [&] { return roundTo(random.normals(steps * heads * d), DataType::F16); };
  problem.inputs = {normals(), normals(), normals()};
  problem.dO.assign(problem.inputs.q.size(), 0);
  Tensor q = dense(DataType::F16, {1, steps, heads, d}, &problem.inputs.q),
         k = dense(DataType::F16, {1, steps, heads, d}, &problem.inputs.k),
         v = dense(DataType::F16, {1, steps, heads, d}, &problem.inputs.v),
         o = dense(DataType::F16, {1, steps, heads, d}), keys = dense(DataType::F16, {1, room, heads, d}),
         values = dense(DataType::F16, {1, room, heads, d});
  std::vector<double> zero = {0};
  Tensor lengths = dense(DataType::I32, {1}, &zero);
  auto row = [&](const Tensor &all, int64_t step) {
    View view = all.view();
    view.extents = {1, 1, heads, d}, view.strides = {};
    view.byteOffset += uint64_t(step * heads * d * 2);
    return view;
  };
  for (int64_t step = 0; step < steps; ++step) {
    attention::Append append = {.newK = row(k, step),
                                .newV = row(v, step),
                                .k = padded(keys.view(), lengths.view()),
                                .v = padded(values.view(), lengths.view())};
    append.advances = true;
    attention::append(runtime(), runtime().stream(), append).value();
    attention::Decode call = {.q = row(q, step), .k = append.k, .v = append.v, .o = row(o, step)};
    attention::DecodePlan plan = attention::plan(runtime(), call).value();
    Buffer workspace = runtime().allocate(plan.workspaceBytes()).value();
    plan.run(runtime().stream(), call, workspace).value();
    runtime().stream().synchronize().value();
  }
  EXPECT_EQ(judgeGradient(gradientsOf(problem, DataType::F64).o, gradientsOf(problem, DataType::F16).o, o.read(),
                          DataType::F16),
            "");
}

/// Queries, keys and values in one tensor, [batch, sequence, 3, heads, depth].
TEST(AttentionSources, PackedQkv) {
  const int64_t b = 2, s = 70, h = 3, d = 64;
  const std::vector<double> packed = roundTo(Random(6).normals(b * s * 3 * h * d), DataType::BF16);
  Tensor qkv = dense(DataType::BF16, {b, s, 3, h, d}, &packed), o = dense(DataType::BF16, {b, s, h, d});
  attention::forward(runtime(), runtime().stream(),
                     {attention::select(qkv.view(), 2, 0), attention::select(qkv.view(), 2, 1),
                      attention::select(qkv.view(), 2, 2), o.view(), {}, {.mask = "causal", .scale = 0.125}})
      .value();
  const std::vector<double> found = o.read();
  for (int64_t i = 0; i < b; ++i) {
    GradientProblem problem = {{1, s, s, h, 1, d, d, {Mask::Kind::Causal}, 0.125}, {}, {}, {}, {}, {}, {}};
    for (int64_t row = i * s; row < (i + 1) * s; ++row)
      for (auto [which, values] : {std::pair(0, &problem.inputs.q), {1, &problem.inputs.k}, {2, &problem.inputs.v}})
        values->insert(values->end(), packed.begin() + (row * 3 + which) * h * d,
                       packed.begin() + (row * 3 + which + 1) * h * d);
    problem.dO.assign(problem.inputs.q.size(), 0);
    EXPECT_EQ(judgeGradient(gradientsOf(problem, DataType::F64).o, gradientsOf(problem, DataType::BF16).o,
                            {found.begin() + i * s * h * d, found.begin() + (i + 1) * s * h * d}, DataType::BF16),
              "");
  }
}

/// 32 query heads on 1, 4 and 8 key heads, and on 32; a window of 512 to both sides.
TEST(AttentionSources, HeadsAndWindows) {
  for (int64_t keyHeads : {1, 4, 8, 32}) {
    StoredCase run = {oneOfEachKind()[0], DataType::F16, {}, {}, {40, 40}, {40, 40}};
    run.isForward = true;
    run.shape = {1, 0, 0, keyHeads, 32 / keyHeads, 16, 16, {Mask::Kind::Causal}, 0.25};
    EXPECT_EQ(check(run).error, "") << keyHeads;
  }
  StoredCase run = {oneOfEachKind()[0], DataType::F16, {}, {}, {1200}, {1200}};
  run.isForward = true;
  run.shape = {1, 0, 0, 1, 1, 64, 64, {Mask::Kind::Window, 512, 512}, 0.125};
  EXPECT_EQ(check(run).error, "");
}
