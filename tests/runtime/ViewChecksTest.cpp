//===- ViewChecksTest.cpp - Views that must be refused --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every check of a view, with the message a user sees; and the alignment that is promised to the compiler.
//
//===----------------------------------------------------------------------===//

#include "runtime/Binding.h"
#include <gtest/gtest.h>

using namespace imbrex;

namespace {

struct ViewChecks : ::testing::Test {
  std::shared_ptr<const SignaturePlan> plan;
  BoundView bound;

  ViewChecks() {
    KernelSignature signature;
    signature.name = "k";
    Parameter parameter{.name = "X", .isView = true, .type = DataType::F32};
    parameter.extents = {{"M"}, {"N"}};
    Parameter output = parameter;
    output.name = "Y";
    output.output = true;
    signature.parameters = {parameter, output};
    plan = SignaturePlan::make(std::move(signature)).value();
  }
  std::string check(const View &view, unsigned parameter = 0) {
    Result<void> result = checkView(*plan, parameter, view, Completeness::All, bound);
    return result ? "" : result.error().message;
  }
  unsigned alignment(const View &view) {
    EXPECT_EQ(check(view), "");
    return bound.alignment;
  }
};

constexpr uint64_t kAddress = 1 << 20;
const DataType F32 = DataType::F32;

} // namespace

TEST_F(ViewChecks, Accepted) {
  EXPECT_EQ(check(View(kAddress, F32, {3, 4})), "");
  EXPECT_EQ(bound.strides[0], 4);
  EXPECT_EQ(check(View(kAddress, F32, {3, 4}, {0, 1})), "") << "an input may be broadcast";
  EXPECT_EQ(check(View(kAddress, F32, {3, 1}, {7, 99})), "") << "the stride of an extent of 1 is never used";
  EXPECT_EQ(check(View(0, F32, {0, 4})), "") << "an empty view needs no memory";
  EXPECT_EQ(check(View(kAddress, F32, {1, 4}, {0, 1}), 1), "");
}

TEST_F(ViewChecks, Shape) {
  EXPECT_EQ(check(View(kAddress, F32, {3})), "argument 'X': it has 1 dimensions, the kernel declares view<f32>[M, N]");
  EXPECT_EQ(check(View(kAddress, F32, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10})),
            "argument 'X': it has 10 dimensions, the kernel declares view<f32>[M, N]");
  EXPECT_EQ(check(View(kAddress, F32, {3, 2147483648})),
            "argument 'X': extent 2147483648 in dimension 1 is not between 0 and 2147418112");
  EXPECT_EQ(check(View(kAddress, F32, {-1, 2})),
            "argument 'X': extent -1 in dimension 0 is not between 0 and 2147418112");
  EXPECT_EQ(check(View(kAddress, F32, {3, 4}, {1})), "argument 'X': it has 1 strides for 2 dimensions");
}

TEST_F(ViewChecks, TypeOutOfRange) {
  EXPECT_EQ(check(View(kAddress, DataType(200), {3, 4})), "argument 'X': its element type is none of DataType");
}

TEST_F(ViewChecks, Strides) {
  EXPECT_EQ(check(View(kAddress, F32, {3, 4}, {-4, 1})), "argument 'X': stride -4 in dimension 0 is negative");
  EXPECT_EQ(check(View(kAddress, F32, {3, 4}, {1, 3})),
            "argument 'X': the last stride is 3 but must be 1: copy the tensor, or pass it with its dimensions in "
            "another order");
  EXPECT_EQ(check(View(kAddress, F32, {3, 4}, {INT64_MAX / 2 + 1, 1})),
            "argument 'X': its extents and strides overflow the address space");
  EXPECT_EQ(check(View(kAddress, F32, {3, 4}, {0, 1}), 1),
            "argument 'Y': stride 0 in dimension 0 makes elements of an output overlap");
  EXPECT_EQ(check(View(kAddress, F32, {3, 4}, {3, 1}), 1),
            "argument 'Y': stride 3 in dimension 0 makes elements of an output overlap");
  EXPECT_EQ(check(View(kAddress, F32, {3, 4}, {3, 1})), "") << "an input may";
}

TEST_F(ViewChecks, Memory) {
  EXPECT_EQ(check(View(0, F32, {3, 4})), "argument 'X': its address is null, but it has elements");
  EXPECT_EQ(check(View(kAddress + 2, F32, {3, 4})),
            "argument 'X': its address is not a multiple of 4, the size of f32");
  View view(kAddress, F32, {3, 4});
  view.byteOffset = 8;
  view.availableBytes = 55;
  EXPECT_EQ(check(view), "argument 'X': it needs 48 bytes from offset 8, its buffer has 55");
  view.availableBytes = 56;
  EXPECT_EQ(check(view), "");
  EXPECT_EQ(bound.address, kAddress + 8);
  view.byteOffset = UINT64_MAX;
  EXPECT_EQ(check(view), "argument 'X': its extents and strides overflow the address space");
}

TEST_F(ViewChecks, ReadOnlyOutput) {
  View view(kAddress, F32, {3, 4});
  view.readOnly = true;
  EXPECT_EQ(check(view), "");
  EXPECT_EQ(check(view, 1), "argument 'Y': it is read-only, but the kernel writes it");
}

TEST_F(ViewChecks, AlignmentIsSixteenOrTheElements) {
  EXPECT_EQ(alignment(View(kAddress, F32, {3, 8})), 16u);
  EXPECT_EQ(alignment(View(kAddress + 8, F32, {3, 8})), 4u);
  EXPECT_EQ(alignment(View(kAddress, F32, {3, 6})), 4u);
  EXPECT_EQ(alignment(View(kAddress, F32, {3, 8}, {9, 1})), 4u);
  EXPECT_EQ(alignment(View(kAddress, F32, {1, 8}, {9, 1})), 16u) << "a stride that is never used";
  EXPECT_EQ(bound.strides[0], 0) << "and is 0 for the kernel, which may make an address with it";
  EXPECT_EQ(alignment(View(kAddress, F32, {3, 8}, {0, 1})), 16u);
}
