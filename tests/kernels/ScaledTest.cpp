//===- ScaledTest.cpp - Elements times scales, through the runtime --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// scaled(x, scales) of a launch beside plain loops, the texts of such storages, and what is refused. What attention
// makes of it, scaled_test.py says.
//
//===----------------------------------------------------------------------===//

#include "compiler/Storage.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

constexpr int64_t kSequences = 2, kLongest = 37, kHeads = 3, kDepth = 8;

const char kText[] = R"(
kernel copy<T: f16 | f32>(X: view<T>[B, S[B], H, 8], Y: out view<T>[B, N, H, 8])
grid (B, H) |b, h| {
  store Y[b, 0 :+ 64, h, :] = load X[b, 0 :+ 64, h, :];
})";

struct Scaled {
  Scaled(const Runtime &runtime, DataType element, std::vector<int64_t> scaleExtents)
      : runtime(runtime), elements(roundTo(Random(3).normals(kSequences * kLongest * kHeads * kDepth), element)),
        x(runtime, element, denseLayout({kSequences, kLongest, kHeads, kDepth}), &elements) {
    int64_t count = 1;
    for (int64_t extent : scaleExtents)
      count *= extent;
    factors = roundTo(Random(4).normals(count), DataType::F32);
    scales.emplace(runtime, DataType::F32, denseLayout(std::move(scaleExtents)), &factors);
  }
  Kernel kernel() const {
    return runtime.loadSource({"scaled.tile", kText}).value().kernel().value().set("T", DataType::F32);
  }

  /// `factor(b, s, h)` is the index of an element's scale.
  template <typename Factor> void check(const Sequences &given, const Factor &factor) const {
    Tensor y(runtime, DataType::F32, denseLayout({kSequences, 64, kHeads, kDepth}));
    kernel().launch(runtime.stream(), {{"X", given}, {"Y", y.view()}}).value();
    std::vector<double> found = y.read();
    for (int64_t b = 0; b < kSequences; ++b)
      for (int64_t s = 0; s < 64; ++s)
        for (int64_t h = 0; h < kHeads; ++h)
          for (int64_t d = 0; d < kDepth; ++d) {
            double scale = s < kLongest ? factors[size_t(factor(b, s, h))] : 0;
            double element = s < kLongest ? elements[size_t(((b * kLongest + s) * kHeads + h) * kDepth + d)] : 0;
            ASSERT_EQ(found[size_t(((b * 64 + s) * kHeads + h) * kDepth + d)], double(float(element * scale)))
                << b << " " << s << " " << h << " " << d;
          }
  }
  std::string refusal(const Sequences &given) const {
    Tensor y(runtime, DataType::F32, denseLayout({kSequences, 64, kHeads, kDepth}));
    Result<void> done = kernel().launch(runtime.stream(), {{"X", given}, {"Y", y.view()}});
    return done ? "" : done.error().message;
  }

  const Runtime &runtime;
  std::vector<double> elements, factors;
  Tensor x;
  std::optional<Tensor> scales;
};

} // namespace

TEST(Scaled, ProductsAreRoundedOnce) {
  for (const std::string &device : deviceNames()) {
    const Runtime &runtime = runtimeOf(device);
    for (DataType element : {DataType::F8E4M3, DataType::F8E5M2, DataType::F16, DataType::BF16}) {
      Scaled one(runtime, element, {1}), heads(runtime, element, {kHeads}),
          blocks(runtime, element, {kSequences, 4, kHeads});
      one.check(scaled(one.x.view(), one.scales->view()), [](int64_t, int64_t, int64_t) { return 0; });
      heads.check(scaled(heads.x.view(), heads.scales->view()), [](int64_t, int64_t, int64_t h) { return h; });
      blocks.check(scaled(blocks.x.view(), blocks.scales->view(), 10),
                   [](int64_t b, int64_t s, int64_t h) { return (b * 4 + s / 10) * kHeads + h; });
    }
  }
}

TEST(Scaled, WrongScalesAreRefused) {
  const Runtime &runtime = runtimeOf(deviceNames()[0]);
  Scaled two(runtime, DataType::F8E4M3, {kSequences, 4}), blocks(runtime, DataType::F8E4M3, {kSequences, 4, kHeads}),
      wide(runtime, DataType::F32, {1}), heads(runtime, DataType::F8E4M3, {kHeads + 1});
  EXPECT_EQ(two.refusal(scaled(two.x.view(), two.scales->view())),
            "argument 'X': scales are [1], one a head, or one a block of positions of each sequence and head, 3 "
            "dimensions; found 2");
  EXPECT_EQ(blocks.refusal(scaled(blocks.x.view(), blocks.scales->view())),
            "argument 'X': blocks of 0 positions; say how many share a scale: scaled(x, scales, 128)");
  EXPECT_EQ(wide.refusal(scaled(wide.x.view(), wide.scales->view())),
            "argument 'X': scaled elements are i8, f8e4m3, f8e5m2, f16 or bf16, found f32");
  EXPECT_NE(heads.refusal(scaled(heads.x.view(), heads.scales->view())).find("X.scales"), std::string::npos);
}

TEST(Scaled, TextsOfStorages) {
  for (const char *text : {"padded", "ragged", "paged:16", "scaled(dense,i8)", "scaled(paged:64,f8e4m3,64)",
                           "scaled(ragged,f8e5m2,heads)", "scaled(padded,bf16,1)"}) {
    std::optional<Storage> storage = Storage::parse(text);
    ASSERT_TRUE(storage) << text;
    EXPECT_EQ(storage->text(), text);
  }
  for (const char *text :
       {"dense", "scaled(dense)", "scaled(dense,f32)", "scaled(dense,i8,0)", "scaled(dense,i8,heads,4)",
        "scaled(paged:0,i8)", "scaled(scaled(dense,i8),i8)", "scaled(dense,i8", "paged"})
    EXPECT_FALSE(Storage::parse(text)) << text;
}
