//===- MatrixShapesTest.cpp - wmma, and mma of integers, bits and doubles --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrices are filled in global memory; wmma loads them, mma gets fragments that the test lays out by the ISA's
// figures. The products are compared with three nested loops.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include <cstring>

using namespace imbrex::simulator::testing;

namespace {

/// "{%r5,%r6}": `count` registers from `first`.
std::string registers(const std::string &prefix, unsigned first, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? "," : "") + ("%" + prefix) + std::to_string(first + i);
  return text + "}";
}

/// A small number that is exact in every type.
int valueAt(unsigned matrix, unsigned i) { return static_cast<int>((i * 7 + matrix * 5 + i / 11) % 9) - 4; }

uint16_t halfOf(int value) { // |value| <= 4, or a multiple of 1 below 2048.
  if (value == 0)
    return 0;
  unsigned magnitude = static_cast<unsigned>(value < 0 ? -value : value), exponent = 15;
  while (magnitude >> 1 >= 1u << (exponent - 15))
    ++exponent;
  return static_cast<uint16_t>((value < 0 ? 0x8000 : 0) | exponent << 10 |
                               ((magnitude << (10 - (exponent - 15))) & 0x3FF));
}

struct Wmma {
  const char *shape, *element, *layoutA, *layoutB;
  unsigned m, n, k, registersA, registersB;
};

/// D = A B + C by wmma with f32 or s32 sums; A and B hold small integers.
void checkWmma(const Wmma &w) {
  bool isInteger = w.element[1] == '8', isByte = isInteger;
  std::string sum = isInteger ? "s32" : "f32", prefix = isInteger ? "r" : "f";
  unsigned sums = w.m * w.n / 32;
  std::string types = isInteger                         ? std::string("s32.") + w.element + "." + w.element + ".s32"
                      : std::string(w.element) == "f16" ? "f32.f32"
                                                        : std::string("f32.") + w.element + "." + w.element + ".f32";
  std::string shape = std::string(".") + w.shape;
  std::string body =
      "add.s64 %rd7, %rd2, 8192;\nadd.s64 %rd8, %rd2, 16384;\n" + std::string("wmma.load.a.sync.aligned.") + w.layoutA +
      shape + ".global." + w.element + " " + registers("r", 1, w.registersA) + ", [%rd2];\nwmma.load.b.sync.aligned." +
      w.layoutB + shape + ".global." + w.element + " " + registers("r", 10, w.registersB) +
      ", [%rd7];\nwmma.load.c.sync.aligned.row" + shape + ".global." + sum + " " + registers(prefix, 20, sums) +
      ", [%rd8], " + std::to_string(w.n) + ";\nwmma.mma.sync.aligned." + w.layoutA + "." + w.layoutB + shape + "." +
      types + " " + registers(prefix, 40, sums) + ", " + registers("r", 1, w.registersA) + ", " +
      registers("r", 10, w.registersB) + ", " + registers(prefix, 20, sums) + ";\nwmma.store.d.sync.aligned.col" +
      shape + ".global." + sum + " [%rd1], " + registers(prefix, 40, sums) + ";";
  Host host;
  CUfunction function = host.load(kernelText(body));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  std::vector<uint8_t> memory(32768);
  auto put = [&](size_t offset, unsigned index, int value) {
    float single = static_cast<float>(value);
    uint16_t half = halfOf(value), bfloat;
    uint32_t bits;
    std::memcpy(&bits, &single, 4);
    bfloat = static_cast<uint16_t>(bits >> 16);
    std::string element = w.element;
    if (isByte)
      memory[offset + index] = static_cast<uint8_t>(value);
    else if (element == "tf32")
      std::memcpy(&memory[offset + 4 * index], &single, 4);
    else
      std::memcpy(&memory[offset + 2 * index], element == "f16" ? &half : &bfloat, 2);
  };
  for (unsigned row = 0; row < w.m; ++row)
    for (unsigned k = 0; k < w.k; ++k)
      put(0, w.layoutA[0] == 'r' ? row * w.k + k : k * w.m + row, valueAt(0, row * w.k + k));
  for (unsigned k = 0; k < w.k; ++k)
    for (unsigned column = 0; column < w.n; ++column)
      put(8192, w.layoutB[0] == 'r' ? k * w.n + column : column * w.k + k, valueAt(1, k * w.n + column));
  for (unsigned i = 0; i < w.m * w.n; ++i) {
    int32_t value = valueAt(2, i);
    float single = static_cast<float>(value);
    std::memcpy(&memory[16384 + 4 * i], isInteger ? static_cast<void *>(&value) : &single, 4);
  }
  CUdeviceptr in = host.upload(memory), out = host.allocate(8192);
  ASSERT_EQ(host.launch(function, 1, 32, 0, out, in), CUDA_SUCCESS) << host.report;
  auto integers = host.download<int32_t>(out, w.m * w.n);
  auto floats = host.download<float>(out, w.m * w.n);
  for (unsigned row = 0; row < w.m; ++row)
    for (unsigned column = 0; column < w.n; ++column) {
      int expected = valueAt(2, row * w.n + column);
      for (unsigned k = 0; k < w.k; ++k)
        expected += valueAt(0, row * w.k + k) * valueAt(1, k * w.n + column);
      unsigned at = column * w.m + row;
      EXPECT_EQ(isInteger ? integers[at] : static_cast<int>(floats[at]), expected)
          << w.shape << w.element << row << column;
    }
}

TEST(MatrixShapes, Wmma) {
  checkWmma({"m16n16k16", "f16", "row", "col", 16, 16, 16, 8, 8});
  checkWmma({"m8n32k16", "f16", "col", "row", 8, 32, 16, 8, 8});
  checkWmma({"m16n16k16", "bf16", "row", "row", 16, 16, 16, 4, 4});
  checkWmma({"m32n8k16", "bf16", "row", "col", 32, 8, 16, 8, 2});
  checkWmma({"m16n16k8", "tf32", "col", "col", 16, 16, 8, 4, 4});
  checkWmma({"m16n16k16", "s8", "row", "col", 16, 16, 16, 2, 2});
  checkWmma({"m8n32k16", "s8", "row", "row", 8, 32, 16, 1, 4});
}

/// mma.sync of elements of `bits` bits: words of the fragments as the figures of 9.7.15.5 show them.
struct Mma {
  const char *text; ///< From the shape on.
  unsigned m, k, bits;
  bool isSigned, isXor;
  int64_t start; ///< C.
};

int64_t elementOf(const Mma &mma, unsigned matrix, unsigned i) {
  if (mma.bits == 1)
    return (i * 5 + matrix + i / 7) % 3 == 0;
  int64_t most = (1 << (mma.bits - 1)) - 1;
  return mma.isSigned ? (i % 3 == 0 ? -most - 1 : most - int64_t(i % 4)) : int64_t(i * 3 + matrix) % (2 * most + 2);
}

void checkMma(const Mma &mma, bool satfinite) {
  unsigned e = 32 / mma.bits, aRegisters = mma.m / 8 * mma.k / (4 * e), bRegisters = mma.k / (4 * e), sums = mma.m / 4;
  std::vector<uint32_t> words(32 * (aRegisters + bRegisters));
  auto put = [&](unsigned reg, unsigned lane, unsigned i, int64_t value) {
    words[reg * 32 + lane] |= static_cast<uint32_t>(value & ((int64_t(1) << mma.bits) - 1)) << (i * mma.bits);
  };
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < e; ++i) {
      for (unsigned r = 0; r < aRegisters; ++r) {
        bool lower = mma.m == 16 && r % 2 == 1;
        unsigned row = lane / 4 + (lower ? 8 : 0), column = lane % 4 * e + i + 4 * e * (mma.m == 16 ? r / 2 : r);
        put(r, lane, i, elementOf(mma, 0, row * mma.k + column));
      }
      for (unsigned r = 0; r < bRegisters; ++r)
        put(aRegisters + r, lane, i, elementOf(mma, 1, (lane % 4 * e + i + 4 * e * r) * 8 + lane / 4));
    }
  std::string body = "mad.wide.u32 %rd7, %r0, 4, %rd2;\nmad.wide.u32 %rd8, %r0, 4, %rd1;\n";
  for (unsigned r = 0; r < aRegisters + bRegisters; ++r)
    body += "ld.global.u32 %r" + std::to_string(1 + r) + ", [%rd7+" + std::to_string(128 * r) + "];\n";
  for (unsigned r = 0; r < sums; ++r)
    body += "mov.b32 %r" + std::to_string(20 + r) + ", " + std::to_string(mma.start) + ";\n";
  body += "mma.sync.aligned." + std::string(mma.text) + " " + registers("r", 30, sums) + ", " +
          registers("r", 1, aRegisters) + ", " + registers("r", 1 + aRegisters, bRegisters) + ", " +
          registers("r", 20, sums) + ";\n";
  for (unsigned r = 0; r < sums; ++r)
    body += "st.global.u32 [%rd8+" + std::to_string(128 * r) + "], %r" + std::to_string(30 + r) + ";\n";
  Host host;
  CUfunction function = host.load(kernelText(body));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr in = host.upload(words), out = host.allocate(512);
  ASSERT_EQ(host.launch(function, 1, 32, 0, out, in), CUDA_SUCCESS) << host.report;
  auto result = host.download<int32_t>(out, 32 * sums);
  for (unsigned r = 0; r < sums; ++r)
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned row = lane / 4 + r / 2 * 8, column = lane % 4 * 2 + r % 2;
      int64_t sum = mma.start;
      for (unsigned k = 0; k < mma.k; ++k) {
        int64_t x = elementOf(mma, 0, row * mma.k + k), y = elementOf(mma, 1, k * 8 + column);
        sum += mma.isXor ? (x != y) : x * y;
      }
      int64_t expected = satfinite ? std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX)
                                   : static_cast<int32_t>(static_cast<uint32_t>(sum));
      EXPECT_EQ(result[r * 32 + lane], expected) << mma.text << " " << row << " " << column;
    }
}

TEST(MatrixShapes, IntegersAndBits) {
  checkMma({"m8n8k16.row.col.s32.s8.s8.s32", 8, 16, 8, true, false, 9}, false);
  checkMma({"m16n8k16.row.col.satfinite.s32.s8.s8.s32", 16, 16, 8, true, false, 2147483600}, true);
  checkMma({"m16n8k32.row.col.s32.u8.u8.s32", 16, 32, 8, false, false, 2147483600}, false);
  checkMma({"m16n8k32.row.col.satfinite.s32.u8.u8.s32", 16, 32, 8, false, false, 2147483600}, true);
  checkMma({"m8n8k32.row.col.s32.s4.s4.s32", 8, 32, 4, true, false, -3}, false);
  checkMma({"m16n8k32.row.col.s32.u4.u4.s32", 16, 32, 4, false, false, 0}, false);
  checkMma({"m16n8k64.row.col.s32.s4.s4.s32", 16, 64, 4, true, false, 1}, false);
  checkMma({"m8n8k128.row.col.s32.b1.b1.s32.xor.popc", 8, 128, 1, false, true, 2}, false);
  checkMma({"m16n8k256.row.col.s32.b1.b1.s32.and.popc", 16, 256, 1, false, false, 0}, false);
}

TEST(MatrixShapes, DoublesOfSixteenRows) {
  for (unsigned k : {4u, 8u, 16u}) {
    unsigned a = k / 2, b = k / 4;
    std::string body = "mad.wide.u32 %rd7, %r0, 8, %rd2;\nmad.wide.u32 %rd8, %r0, 8, %rd1;\n.reg .f64 %x<64>;\n";
    for (unsigned r = 0; r < a + b + 4; ++r)
      body += "ld.global.f64 %x" + std::to_string(r) + ", [%rd7+" + std::to_string(256 * r) + "];\n";
    body += "mma.sync.aligned.m16n8k" + std::to_string(k) + ".row.col.f64.f64.f64.f64 " + registers("x", 40, 4) + ", " +
            registers("x", 0, a) + ", " + registers("x", a, b) + ", " + registers("x", a + b, 4) + ";\n";
    for (unsigned r = 0; r < 4; ++r)
      body += "st.global.f64 [%rd8+" + std::to_string(256 * r) + "], %x" + std::to_string(40 + r) + ";\n";
    std::vector<double> words(32 * (a + b + 4));
    for (unsigned lane = 0; lane < 32; ++lane) {
      unsigned g = lane / 4, t = lane % 4;
      for (unsigned r = 0; r < a; ++r)
        words[32 * r + lane] = valueAt(0, (g + r % 2 * 8) * k + t + r / 2 * 4);
      for (unsigned r = 0; r < b; ++r)
        words[32 * (a + r) + lane] = valueAt(1, (t + 4 * r) * 8 + g);
      for (unsigned r = 0; r < 4; ++r)
        words[32 * (a + b + r) + lane] = valueAt(2, (g + r / 2 * 8) * 8 + 2 * t + r % 2);
    }
    Host host;
    CUfunction function = host.load(kernelText(body));
    ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
    CUdeviceptr in = host.upload(words), out = host.allocate(1024);
    ASSERT_EQ(host.launch(function, 1, 32, 0, out, in), CUDA_SUCCESS) << host.report;
    auto result = host.download<double>(out, 128);
    for (unsigned r = 0; r < 4; ++r)
      for (unsigned lane = 0; lane < 32; ++lane) {
        unsigned row = lane / 4 + r / 2 * 8, column = lane % 4 * 2 + r % 2;
        int expected = valueAt(2, row * 8 + column);
        for (unsigned i = 0; i < k; ++i)
          expected += valueAt(0, row * k + i) * valueAt(1, i * 8 + column);
        EXPECT_EQ(result[32 * r + lane], expected) << k << " " << row << " " << column;
      }
  }
}

} // namespace
