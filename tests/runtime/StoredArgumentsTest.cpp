//===- StoredArgumentsTest.cpp - Pools and scales that must be refused ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every check of an argument given as sequences, with the message a user sees.
//
//===----------------------------------------------------------------------===//

#include "runtime/StoredArguments.h"
#include "runtime/Binding.h"
#include <gtest/gtest.h>

using namespace imbrex;

namespace {

constexpr uint64_t kAddress = 1 << 20;
const View kTable(kAddress, DataType::I32, {1, 1}), kLengths(kAddress, DataType::I32, {1});

/// The kernel has X: view<f32>[B, S[B], H, 8] and Y: view<f32>[8].
struct StoredArguments : ::testing::Test {
  std::shared_ptr<const SignaturePlan> plan;

  StoredArguments() {
    KernelSignature signature;
    signature.name = "k";
    Parameter varying{.name = "X", .isView = true, .type = DataType::F32};
    varying.extents = {{"B"}, {"S"}, {"H"}, {"8"}};
    varying.varying = Parameter::Varying{.dim = 1, .along = 0};
    Parameter plain{.name = "Y", .isView = true, .type = DataType::F32};
    plain.extents = {{"8"}};
    signature.parameters = {varying, plain};
    plan = SignaturePlan::make(std::move(signature)).value();
  }
  std::string storages(const Sequences &given, const char *name = "X") {
    Result<CompileOptions::Storages> result = storagesOf(*plan, {{name, given}});
    return result ? "" : result.error().message;
  }
  /// Of a pool of that shape.
  std::string pool(Dims extents, Dims strides = {}) {
    const Sequences given = paged(View(kAddress, DataType::F32, extents, strides), kTable, kLengths);
    Result<llvm::SmallVector<Argument, 16>> result = flatten(*plan, {{"X", given}});
    return result ? "" : result.error().message;
  }
};

} // namespace

TEST_F(StoredArguments, TheParameterVaries) {
  EXPECT_EQ(storages(padded(View(kAddress, DataType::F32, {1, 4, 1, 8}), kLengths), "Z"),
            "argument 'Z': kernel 'k' has no such parameter; it has X and Y");
  EXPECT_EQ(
      storages(padded(View(kAddress, DataType::F32, {8}), kLengths), "Y"),
      "argument 'Y' is given as sequences, but the kernel declares view<f32>[8], which has no extent that varies");
}

TEST_F(StoredArguments, Pools) {
  EXPECT_EQ(storages(paged(View(kAddress, DataType::F32, {2, 0, 1, 8}), kTable, kLengths)),
            "argument 'X': pages of 0 rows; a pool is [pages, rows, ...], in the places of the sequences and of their "
            "positions");
  EXPECT_EQ(pool({2, 4, 1, 8}, {4, 1}), "argument 'X': a pool has the dimensions that the kernel declares");
  EXPECT_EQ(pool({int64_t(1) << 40, int64_t(1) << 40, 1, 8}),
            "argument 'X': its pages are 8796093022208 elements apart; they must be less than 4 GiB apart");
  EXPECT_EQ(pool({2, 4, 1, 8}, {30, 8, 8, 1}),
            "argument 'X': pages are 30 elements apart and rows 8; the first must be a multiple of the second");
  EXPECT_EQ(pool({2, 4, 1, 8}, {int64_t(1) << 33, int64_t(1) << 30, 8, 1}),
            "argument 'X': its pages are 8589934592 elements apart; they must be less than 4 GiB apart");
  EXPECT_EQ(pool({int64_t(1) << 30, 4, 1, 8}), "argument 'X': its pages span more than 2147418112 rows");
}

TEST_F(StoredArguments, Scales) {
  const View bytes(kAddress, DataType::I8, {1, 4, 1, 8});
  auto scales = [](Dims extents) { return View(kAddress, DataType::F32, extents); };
  EXPECT_EQ(storages(scaled(View(kAddress, DataType::F64, {1, 4, 1, 8}), scales({1}))),
            "argument 'X': scaled elements are i8, f8e4m3, f8e5m2, f16 or bf16, found f64");
  EXPECT_EQ(storages(scaled(bytes, scales({1, 1}))),
            "argument 'X': scales are [1], one a head, or one a block of positions of each sequence and head, 3 "
            "dimensions; found 2");
  EXPECT_EQ(storages(scaled(bytes, scales({1, 1, 1}))),
            "argument 'X': blocks of 0 positions; say how many share a scale: scaled(x, scales, 128)");
}
