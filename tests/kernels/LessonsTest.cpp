//===- LessonsTest.cpp - The lessons' kernels against plain loops ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// vector_add, softmax and matmul, whole and ragged, in their types, on every device.
//
//===----------------------------------------------------------------------===//

#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

TEST(Lessons, VectorAdd) {
  for (const std::string &device : deviceNames())
    for (DataType type : {DataType::F16, DataType::BF16, DataType::F32, DataType::F64})
      for (int64_t n : {1, 255, 1024, 3001}) {
        const Runtime &runtime = runtimeOf(device);
        Random random(n);
        std::vector<double> x = roundTo(random.normals(n), type), y = roundTo(random.normals(n), type), sum;
        for (size_t i = 0; i < x.size(); ++i)
          sum.push_back(roundTo(x[i] + y[i], type));
        Tensor tensorX(runtime, type, denseLayout({n}), &x), tensorY(runtime, type, denseLayout({n}), &y);
        Tensor tensorZ(runtime, type, denseLayout({n}));
        kernelOf(device, "lessons/vector_add.tile")
            .launch(runtime.stream(), {{"X", tensorX.view()}, {"Y", tensorY.view()}, {"Z", tensorZ.view()}})
            .value();
        EXPECT_EQ(tensorZ.read(), sum) << device << " " << name(type) << " " << n;
      }
}

static std::vector<double> plainSoftmax(const std::vector<double> &x, int64_t columns) {
  std::vector<double> y(x.size());
  for (size_t row = 0; row < x.size(); row += size_t(columns)) {
    double most = x[row], sum = 0;
    for (size_t i = row; i < row + size_t(columns); ++i)
      most = std::fmax(most, x[i]);
    for (size_t i = row; i < row + size_t(columns); ++i)
      sum += y[i] = std::exp(x[i] - most);
    for (size_t i = row; i < row + size_t(columns); ++i)
      y[i] /= sum;
  }
  return y;
}

TEST(Lessons, Softmax) {
  static constexpr int64_t shapes[][2] = {{1, 1}, {3, 7}, {5, 64}, {9, 100}, {2, 1025}, {1, 4096}};
  for (const std::string &device : deviceNames())
    for (DataType type : {DataType::F16, DataType::BF16, DataType::F32})
      for (const auto &[rows, columns] : shapes) {
        const Runtime &runtime = runtimeOf(device);
        Random random(uint64_t(rows * columns));
        std::vector<double> x = roundTo(random.normals(rows * columns), type);
        Tensor tensorX(runtime, type, denseLayout({rows, columns}), &x);
        Tensor tensorY(runtime, type, denseLayout({rows, columns}));
        kernelOf(device, "lessons/softmax.tile")
            .launch(runtime.stream(), {{"X", tensorX.view()}, {"Y", tensorY.view()}})
            .value();
        std::vector<double> expected = plainSoftmax(x, columns), actual = tensorY.read();
        for (size_t i = 0; i < x.size(); ++i)
          ASSERT_NEAR(actual[i], expected[i], (unitRoundoff(type) * 1.01 + 2e-6) * expected[i] + 0x1p-25)
              << device << " " << name(type) << " " << rows << "x" << columns << " at " << i;
      }
}

/// relu(A B + bias), and beside each element the sum of the products' sizes, which bounds its error.
static void plainMatmul(const std::vector<double> &a, const std::vector<double> &b, const std::vector<double> &bias,
                        std::vector<double> &c, std::vector<double> &size) {
  const size_t columns = bias.size(), depth = b.size() / columns;
  for (size_t i = 0; i < a.size() / depth; ++i)
    for (size_t j = 0; j < columns; ++j) {
      double sum = bias[j], sizes = std::fabs(bias[j]);
      for (size_t k = 0; k < depth; ++k) {
        sum += a[i * depth + k] * b[k * columns + j];
        sizes += std::fabs(a[i * depth + k] * b[k * columns + j]);
      }
      c.push_back(std::fmax(sum, 0));
      size.push_back(sizes);
    }
}

static void checkMatmul(const std::string &device, DataType type, int64_t m, int64_t n, int64_t depth) {
  const Runtime &runtime = runtimeOf(device);
  Random random(uint64_t(m * n + depth));
  std::vector<double> a = roundTo(random.normals(m * depth), type), b = roundTo(random.normals(depth * n), type);
  std::vector<double> bias = roundTo(random.normals(n), DataType::F32), expected, size;
  Tensor tensorA(runtime, type, denseLayout({m, depth}), &a), tensorB(runtime, type, denseLayout({depth, n}), &b);
  Tensor tensorBias(runtime, DataType::F32, denseLayout({n}), &bias), tensorC(runtime, type, denseLayout({m, n}));
  kernelOf(device, "lessons/matmul.tile")
      .launch(runtime.stream(),
              {{"A", tensorA.view()}, {"B", tensorB.view()}, {"bias", tensorBias.view()}, {"C", tensorC.view()}})
      .value();
  plainMatmul(a, b, bias, expected, size);
  std::vector<double> actual = tensorC.read();
  for (size_t i = 0; i < expected.size(); ++i)
    ASSERT_NEAR(actual[i], expected[i],
                1.01 * unitRoundoff(type) * expected[i] + double(depth) * 0x1p-24 * size[i] + 0x1p-25)
        << device << " " << name(type) << " " << m << "x" << n << "x" << depth << " at " << i;
}

TEST(Lessons, Matmul) {
  static constexpr int64_t shapes[][3] = {{1, 1, 1}, {64, 64, 64}, {65, 63, 33}, {100, 30, 200}, {17, 130, 8}};
  for (const std::string &device : deviceNames())
    for (DataType type : {DataType::F16, DataType::BF16, DataType::F32})
      for (const auto &[m, n, depth] : shapes)
        checkMatmul(device, type, m, n, depth);
}
