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

} // namespace

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
