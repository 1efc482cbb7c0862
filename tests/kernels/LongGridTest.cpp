//===- LongGridTest.cpp - More instances along y or z than a launch has ---===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device launches at most 65,535 CTAs along y and z; a kernel whose grid is longer is folded into x. Every instance
// must still be where it is: a kernel that stores its own place, and under --long attention of so many batches and
// heads.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/AttentionRun.h"
#include "tests/support/Devices.h"
#include "tests/support/RunMode.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

class LongGrid : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Devices, LongGrid, ::testing::ValuesIn(oneOfEachKind()),
                         [](const auto &info) { return info.param.substr(0, info.param.find(':')); });

/// What instance (i, j, k) stores.
double placeOf(int64_t i, int64_t j, int64_t k) { return double(i * 1000000 + j * 3 + k * 5); }

constexpr const char *kText = R"(
kernel place(Y: out view<f64>[A, B, C]) tune { warps: {1} = 1; } grid (A, B, C) |i, j, k| {
  store Y[i, j, k] = cast<f64>(i * 1000000 + j * 3 + k * 5);
}
)";

} // namespace

TEST_P(LongGrid, EveryInstanceIsAtItsPlace) {
  const Runtime &runtime = runtimeOf(GetParam());
  Kernel kernel = runtime.loadSource({"place.tile", kText}).value().kernel().value();
  for (const std::vector<int64_t> &extents : {std::vector<int64_t>{1, 65537, 1}, {2, 1, 65536}}) {
    Tensor places(runtime, DataType::F64, denseLayout(extents));
    kernel.launch(runtime.stream(), {{"Y", places.view()}}).value();
    std::vector<double> found = places.read();
    for (size_t at = 0; at < found.size(); ++at) {
      int64_t k = int64_t(at) % extents[2], j = int64_t(at) / extents[2] % extents[1];
      ASSERT_EQ(found[at], placeOf(int64_t(at) / extents[2] / extents[1], j, k)) << extents[1] << " at " << at;
    }
  }
}

TEST_P(LongGrid, Attention) {
  if (!isLongRun())
    GTEST_SKIP() << "131,072 instances of attention: only under --long";
  for (bool ofBatches : {true, false}) {
    AttentionCase run;
    run.device = GetParam();
    run.shape = {ofBatches ? 65537 : 1, 5, 7, ofBatches ? 1 : 65537, 1, 16, 16, {Mask::Kind::Causal}, 0.25};
    run.tuning = {{"BM", 16}, {"BN", 16}, {"warps", 1}, {"stages", 1}};
    EXPECT_EQ(checkAttention(run, seededInputs(run)), "") << run.describe();
  }
}
