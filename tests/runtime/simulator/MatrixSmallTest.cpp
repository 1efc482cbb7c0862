//===- MatrixSmallTest.cpp - mma m8n8k4 of f16, wmma below a byte ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fragments of m8n8k4 are filled by asking, for each element of each matrix, which lane and register of the ISA's
// figures (9.7.15.5.1) hold it. wmma of s4, u4 and b1 loads, multiplies and stores; a plain loop over bits compares.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include <bit>

using namespace imbrex::simulator::testing;

namespace {

/// Whole numbers to 7 as f16.
uint16_t halfOf(int value) {
  static constexpr uint16_t kHalves[] = {0, 0x3C00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x4700};
  return static_cast<uint16_t>(kHalves[value < 0 ? -value : value] | (value < 0 ? 0x8000 : 0));
}

/// A value of matrix `which` of product `q`.
int valueAt(unsigned which, unsigned q, unsigned i) {
  return static_cast<int>((i * 5 + which * 3 + q * 2 + i / 7) % 7) - 3;
}

/// The lane of a product that owns number `line` (0 to 7) of the lines which the figures give a lane each.
unsigned laneOf(unsigned q, unsigned line) { return 4 * q + line % 4 + (line >= 4 ? 16 : 0); }

std::string list(const char *prefix, unsigned first, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; ++i)
    text += (i ? ", %" : "%") + std::string(prefix) + std::to_string(first + i);
  return text + "}";
}

struct Quad {
  bool rowA, rowB, halfC, halfD;
};

/// Registers of A, B and C: words[register * 32 + lane]; A 0 and 1, B 2 and 3, C from 4.
std::vector<uint32_t> fragments(const Quad &quad) {
  std::vector<uint32_t> words(12 * 32);
  auto put = [&](unsigned first, unsigned lane, unsigned element, int value) {
    words[(first + element / 2) * 32 + lane] |= uint32_t(halfOf(value)) << (element % 2 * 16);
  };
  for (unsigned q = 0; q < 4; ++q)
    for (unsigned line = 0; line < 8; ++line) {
      for (unsigned k = 0; k < 4; ++k) {
        // A by rows: a lane has a row. By columns: lane k of the half has column k, four rows of the half.
        int a = valueAt(0, q, line * 4 + k), b = valueAt(1, q, k * 8 + line);
        unsigned across = 4 * q + k + (line >= 4 ? 16 : 0);
        put(0, quad.rowA ? laneOf(q, line) : across, quad.rowA ? k : line % 4, a);
        put(2, quad.rowB ? across : laneOf(q, line), quad.rowB ? line % 4 : k, b);
      }
      for (unsigned column = 0; column < 8; ++column) {
        int c = valueAt(2, q, line * 8 + column);
        if (quad.halfC) {
          put(4, laneOf(q, line), column, c);
          continue;
        }
        // f32: a lane of the half has two rows and two pairs of columns.
        unsigned lane = 4 * q + (line & 1) + (column & 2) + (line >= 4 ? 16 : 0);
        words[(4 + (column & 1) + (line & 2) + (column & 4)) * 32 + lane] =
            std::bit_cast<uint32_t>(static_cast<float>(c));
      }
    }
  return words;
}

void checkQuad(const Quad &quad) {
  unsigned sumsC = quad.halfC ? 4 : 8, sumsD = quad.halfD ? 4 : 8;
  const char *c = quad.halfC ? "r" : "f", *d = quad.halfD ? "r" : "f";
  std::string body = "mad.wide.u32 %rd7, %r0, 4, %rd2;\nmad.wide.u32 %rd8, %r0, 4, %rd1;\n";
  for (unsigned r = 0; r < 4 + sumsC; ++r)
    body += "ld.global.b32 %" + std::string(r < 4 ? "r" : c) + std::to_string(10 + r) + ", [%rd7+" +
            std::to_string(128 * r) + "];\n";
  std::string name = std::string("mma.sync.aligned.m8n8k4.") + (quad.rowA ? "row." : "col.") +
                     (quad.rowB ? "row." : "col.") + (quad.halfD ? "f16" : "f32") + ".f16.f16." +
                     (quad.halfC ? "f16" : "f32");
  body += name + " " + list(d, 30, sumsD) + ", " + list("r", 10, 2) + ", " + list("r", 12, 2) + ", " +
          list(c, 14, sumsC) + ";\n";
  for (unsigned r = 0; r < sumsD; ++r)
    body += "st.global.b32 [%rd8+" + std::to_string(128 * r) + "], %" + d + std::to_string(30 + r) + ";\n";
  Host host;
  CUfunction function = host.load(kernelText(body));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr in = host.upload(fragments(quad)), out = host.allocate(1024);
  ASSERT_EQ(host.launch(function, 1, 32, 0, out, in), CUDA_SUCCESS) << host.report;
  auto words = host.download<uint32_t>(out, 32 * sumsD);
  for (unsigned q = 0; q < 4; ++q)
    for (unsigned row = 0; row < 8; ++row)
      for (unsigned column = 0; column < 8; ++column) {
        int sum = valueAt(2, q, row * 8 + column);
        for (unsigned k = 0; k < 4; ++k)
          sum += valueAt(0, q, row * 4 + k) * valueAt(1, q, k * 8 + column);
        unsigned wide = 4 * q + (row & 1) + (column & 2) + (row >= 4 ? 16 : 0);
        uint32_t half = words[column / 2 * 32 + laneOf(q, row)] >> (column % 2 * 16) & 0xFFFF;
        double got = quad.halfD ? static_cast<double>(std::bit_cast<_Float16>(static_cast<uint16_t>(half)))
                                : static_cast<double>(std::bit_cast<float>(
                                      words[((column & 1) + (row & 2) + (column & 4)) * 32 + wide]));
        EXPECT_EQ(got, sum) << name << " product " << q << " row " << row << " column " << column;
      }
}

TEST(MatrixSmall, FourProductsOfHalves) {
  for (unsigned layouts = 0; layouts < 4; ++layouts)
    for (auto [halfC, halfD] : {std::pair(false, false), {false, true}, {true, true}})
      checkQuad({(layouts & 1) != 0, (layouts & 2) != 0, halfC, halfD});
}

TEST(MatrixSmall, FourProductsRefused) {
  for (const char *types : {"f32.f16.f16.f16", "f32.bf16.f16.f32"}) {
    Host host;
    std::string text = "mma.sync.aligned.m8n8k4.row.col." + std::string(types) + " " + list("f", 0, 8) +
                       ", {%r0, %r1}, {%r2, %r3}, " + list("r", 4, 4) + ";";
    EXPECT_EQ(host.load(kernelText(text)), nullptr) << text;
  }
}

/// wmma of elements of `bits` bits: 8 x K by rows times K x 8 by columns, C and D by rows. Strides: of `gap` elements
/// more.
void checkWmma(const std::string &type, unsigned bits, bool isSigned, const std::string &operation, unsigned gap) {
  unsigned k = 128 / bits, stride = k + gap;
  std::vector<uint32_t> memory(2048);
  auto fieldAt = [&](unsigned which, unsigned line, unsigned i) {
    return (line * 11 + i * 7 + which * 5 + i / 3) % (1u << bits);
  };
  for (unsigned which = 0; which < 2; ++which)
    for (unsigned line = 0; line < 8; ++line)
      for (unsigned i = 0; i < k; ++i) {
        unsigned at = (line * stride + i) * bits;
        memory[which * 512 + at / 32] |= fieldAt(which, line, i) << at % 32;
      }
  for (unsigned i = 0; i < 64; ++i)
    memory[1024 + i] = i * 3 - 50;
  std::string shape = ".m8n8k" + std::to_string(k), by = gap || bits == 1 ? ", " + std::to_string(stride) : "";
  std::string body = "add.s64 %rd7, %rd2, 2048;\nadd.s64 %rd8, %rd2, 4096;\nwmma.load.a.sync.aligned.row" + shape +
                     ".global." + type + " {%r1}, [%rd2]" + by + ";\nwmma.load.b.sync.aligned.col" + shape +
                     ".global." + type + " {%r2}, [%rd7]" + by + ";\nwmma.load.c.sync.aligned.row" + shape +
                     ".global.s32 {%r3, %r4}, [%rd8];\nwmma.mma" + operation + ".sync.aligned.row.col" + shape +
                     ".s32." + type + "." + type + ".s32 {%r5, %r6}, {%r1}, {%r2}, {%r3, %r4};\n" +
                     "wmma.store.d.sync.aligned.row" + shape + ".global.s32 [%rd1], {%r5, %r6};";
  Host host;
  CUfunction function = host.load(kernelText(body));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr in = host.upload(memory), out = host.allocate(256);
  ASSERT_EQ(host.launch(function, 1, 32, 0, out, in), CUDA_SUCCESS) << host.report;
  auto result = host.download<int32_t>(out, 64);
  auto valueOf = [&](unsigned field) {
    return isSigned && field >> (bits - 1) ? static_cast<int>(field) - (1 << bits) : static_cast<int>(field);
  };
  for (unsigned row = 0; row < 8; ++row)
    for (unsigned column = 0; column < 8; ++column) {
      int sum = static_cast<int>(row * 8 + column) * 3 - 50;
      for (unsigned i = 0; i < k; ++i) {
        int x = valueOf(fieldAt(0, row, i)), y = valueOf(fieldAt(1, column, i));
        sum += operation.starts_with(".xor") ? x != y : x * y;
      }
      EXPECT_EQ(result[row * 8 + column], sum) << type << operation << " " << row << " " << column;
    }
}

TEST(MatrixSmall, WmmaBelowAByte) {
  checkWmma("s4", 4, true, "", 0);
  checkWmma("s4", 4, true, "", 32);
  checkWmma("u4", 4, false, "", 0);
  checkWmma("b1", 1, false, ".xor.popc", 0);
  checkWmma("b1", 1, false, ".and.popc", 128);
}

TEST(MatrixSmall, WmmaBelowAByteRefused) {
  for (const char *text :
       {"wmma.load.a.sync.aligned.col.m8n8k32.global.s4 {%r1}, [%rd1];",
        "wmma.load.b.sync.aligned.row.m8n8k128.global.b1 {%r1}, [%rd1];",
        "wmma.load.a.sync.aligned.row.m8n8k32.global.b1 {%r1}, [%rd1];",
        "wmma.load.a.sync.aligned.row.m16n16k16.global.s4 {%r1}, [%rd1];",
        "wmma.mma.sync.aligned.row.col.m8n8k128.s32.b1.b1.s32 {%r1, %r2}, {%r1}, {%r2}, {%r3, %r4};",
        "wmma.mma.xor.popc.sync.aligned.row.col.m8n8k32.s32.s4.s4.s32 {%r1, %r2}, {%r1}, {%r2}, {%r3, %r4};",
        "wmma.mma.sync.aligned.row.col.m8n8k32.s32.s4.u4.s32 {%r1, %r2}, {%r1}, {%r2}, {%r3, %r4};"}) {
    Host host;
    EXPECT_EQ(host.load(kernelText(text)), nullptr) << text;
    EXPECT_NE(host.log.find("not modelled"), std::string::npos) << host.log;
  }
}

TEST(Matrix, SparseProductsAreRefusedByName) {
  for (std::string word : {"sp", "sp::ordered_metadata"}) {
    Host host;
    host.load(kernelText("mma." + word +
                         ".sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f0, %f1, %f2, %f3}, {%r1, %r2}, {%r3, %r4}, "
                         "{%f0, %f1, %f2, %f3}, %r5, 0x0;"));
    EXPECT_NE(host.log.find("sparse matrices are not modelled"), std::string::npos) << host.log;
  }
}

} // namespace
