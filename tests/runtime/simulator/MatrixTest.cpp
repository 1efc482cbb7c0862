//===- MatrixTest.cpp - mma.sync, ldmatrix and their fragments ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole tiles through ldmatrix and mma.sync against a plain matrix product. The index formulas here
// are written per lane from the PTX ISA's figures, independently of the simulator's.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include <bit>
#include <cmath>

using namespace imbrex::simulator::testing;

namespace {

uint16_t toBFloat(float value) { return static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16); }

/// Small integers, exact in every format, so that the order of summation does not matter.
float small(unsigned row, unsigned column, unsigned seed) {
  return static_cast<float>(static_cast<int>((row * 7 + column * 3 + seed) % 9) - 4);
}

/// Encodes a small integer in f16.
uint16_t toHalf(float value) { return std::bit_cast<uint16_t>(static_cast<_Float16>(value)); }

struct Fragments {
  std::vector<uint32_t> words; ///< [lane][16]: A registers, then B from 4, then C from 8.
  Fragments() : words(32 * 16) {}
  uint32_t &at(unsigned lane, unsigned slot) { return words[lane * 16 + slot]; }
};

const std::string kLoadFragments = [] {
  std::string text = "mul.wide.u32 %rd6, %r0, 64;\nadd.s64 %rd7, %rd2, %rd6;\nadd.s64 %rd8, %rd1, %rd6;\n";
  for (unsigned i = 0; i < 12; ++i)
    text += "ld.global.u32 %r" + std::to_string(10 + i) + ", [%rd7+" + std::to_string(4 * i) + "];\n";
  return text;
}();

/// Runs one mma with A in %r10.., B in %r14.., C in %r18..; gives D's words per lane.
std::vector<uint32_t> runMma(const std::string &instruction, Fragments &fragments, unsigned results) {
  std::string body = kLoadFragments + instruction;
  for (unsigned i = 0; i < results; ++i)
    body += "st.global.u32 [%rd8+" + std::to_string(4 * i) + "], %r" + std::to_string(30 + i) + ";\n";
  Host host;
  CUfunction function = host.load(kernelText(body));
  EXPECT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr in = host.upload(fragments.words), out = host.allocate(32 * 64);
  EXPECT_EQ(host.launch(function, 1, 32, 0, out, in), CUDA_SUCCESS) << host.report;
  return host.download<uint32_t>(out, 32 * 16);
}

float product(unsigned row, unsigned column, unsigned k) {
  float sum = small(row, column, 5);
  for (unsigned i = 0; i < k; ++i)
    sum += small(row, i, 1) * small(i, column, 2);
  return sum;
}

void expectSingle(const std::vector<uint32_t> &d, unsigned k) {
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i)
      EXPECT_EQ(std::bit_cast<float>(d[lane * 16 + i]), product(lane / 4 + (i >= 2 ? 8 : 0), lane % 4 * 2 + i % 2, k));
}

void fillC(Fragments &f) {
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i)
      f.at(lane, 8 + i) = std::bit_cast<uint32_t>(small(lane / 4 + (i >= 2 ? 8 : 0), lane % 4 * 2 + i % 2, 5));
}

/// 16-bit A: element i of a lane is at row g + 8 * (2 <= i < 4 or i >= 6), column 2t + (i & 1) + 8 * (i >= 4).
void fill16(Fragments &f, unsigned k, uint16_t (*encode)(float)) {
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < k / 2; ++i) {
      unsigned row = (i & 2) ? g + 8 : g, column = 2 * t + (i & 1) + (i >= 4 ? 8 : 0);
      f.at(lane, i / 2) |= uint32_t(encode(small(row, column, 1))) << (i % 2 * 16);
    }
    for (unsigned i = 0; i < k / 4; ++i) {
      unsigned row = 2 * t + (i & 1) + (i >= 2 ? 8 : 0);
      f.at(lane, 4 + i / 2) |= uint32_t(encode(small(row, g, 2))) << (i % 2 * 16);
    }
  }
  fillC(f);
}

TEST(Mma, BFloat16) {
  Fragments f;
  fill16(f, 16, toBFloat);
  expectSingle(
      runMma("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%r30,%r31,%r32,%r33}, {%r10,%r11,%r12,%r13}, "
             "{%r14,%r15}, {%r18,%r19,%r20,%r21};\n",
             f, 4),
      16);
}

TEST(Mma, Half) {
  Fragments f;
  fill16(f, 16, toHalf);
  expectSingle(runMma("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%r30,%r31,%r32,%r33}, {%r10,%r11,%r12,%r13}, "
                      "{%r14,%r15}, {%r18,%r19,%r20,%r21};\n",
                      f, 4),
               16);
}

TEST(Mma, BFloat8Deep) {
  Fragments f;
  fill16(f, 8, toBFloat);
  expectSingle(runMma("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%r30,%r31,%r32,%r33}, {%r10,%r11}, {%r14}, "
                      "{%r18,%r19,%r20,%r21};\n",
                      f, 4),
               8);
}

TEST(Mma, HalfAccumulators) {
  Fragments f;
  fill16(f, 16, toHalf);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned r = 0; r < 2; ++r)
      f.at(lane, 8 + r) = toHalf(small(lane / 4 + 8 * r, lane % 4 * 2, 5)) |
                          uint32_t(toHalf(small(lane / 4 + 8 * r, lane % 4 * 2 + 1, 5))) << 16;
  auto d = runMma("mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%r30,%r31}, {%r10,%r11,%r12,%r13}, {%r14,%r15}, "
                  "{%r18,%r19};\n",
                  f, 2);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i)
      EXPECT_EQ(static_cast<uint16_t>(d[lane * 16 + i / 2] >> (i % 2 * 16)),
                toHalf(product(lane / 4 + i / 2 * 8, lane % 4 * 2 + i % 2, 16)));
}

TEST(Mma, Tf32) {
  Fragments f;
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i)
      f.at(lane, i) =
          std::bit_cast<uint32_t>(small(g + (i & 1) * 8, t + (i >= 2 ? 4 : 0), 1)) | 0x1FFF; // Ignored bits.
    for (unsigned i = 0; i < 2; ++i)
      f.at(lane, 4 + i) = std::bit_cast<uint32_t>(small(t + 4 * i, g, 2));
  }
  fillC(f);
  expectSingle(
      runMma("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%r30,%r31,%r32,%r33}, {%r10,%r11,%r12,%r13}, "
             "{%r14,%r15}, {%r18,%r19,%r20,%r21};\n",
             f, 4),
      8);
}

TEST(Mma, SignedBytes) {
  Fragments f;
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 16; ++i)
      f.at(lane, i / 4) |= uint32_t(uint8_t(int8_t(small(g + (i / 4 % 2) * 8, 4 * t + i % 4 + (i >= 8 ? 16 : 0), 1))))
                           << (i % 4 * 8);
    for (unsigned i = 0; i < 8; ++i)
      f.at(lane, 4 + i / 4) |= uint32_t(uint8_t(int8_t(small(4 * t + i % 4 + (i >= 4 ? 16 : 0), g, 2)))) << (i % 4 * 8);
    for (unsigned i = 0; i < 4; ++i)
      f.at(lane, 8 + i) = static_cast<uint32_t>(static_cast<int>(small(g + (i >= 2 ? 8 : 0), 2 * t + i % 2, 5)));
  }
  auto d = runMma("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r30,%r31,%r32,%r33}, {%r10,%r11,%r12,%r13}, "
                  "{%r14,%r15}, {%r18,%r19,%r20,%r21};\n",
                  f, 4);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned i = 0; i < 4; ++i)
      EXPECT_EQ(static_cast<int>(d[lane * 16 + i]),
                static_cast<int>(product(lane / 4 + (i >= 2 ? 8 : 0), lane % 4 * 2 + i % 2, 32)));
}

/// e4m3 of a small integer: bias 7, three bits behind the point.
uint32_t toQuarter(float value) {
  uint32_t sign = value < 0 ? 0x80 : 0, exponent = 7;
  float rest = value < 0 ? -value : value;
  if (rest == 0)
    return sign;
  while (rest >= 2) {
    rest /= 2;
    ++exponent;
  }
  return sign | exponent << 3 | static_cast<uint32_t>((rest - 1) * 8);
}

TEST(Mma, QuarterFloatsOfDepth16) {
  Fragments f;
  fillC(f);
  for (unsigned lane = 0; lane < 32; ++lane) {
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 8; ++i)
      f.at(lane, i / 4) |= toQuarter(small(g + i / 4 * 8, 4 * t + i % 4, 1)) << (i % 4 * 8);
    for (unsigned i = 0; i < 4; ++i)
      f.at(lane, 4) |= toQuarter(small(4 * t + i, g, 2)) << (i * 8);
  }
  std::string moveIn, moveOut;
  for (int i = 0; i < 4; ++i) {
    moveIn += "mov.b32 %f" + std::to_string(i) + ", %r" + std::to_string(18 + i) + ";\n";
    moveOut += "mov.b32 %r" + std::to_string(30 + i) + ", %f" + std::to_string(i) + ";\n";
  }
  expectSingle(runMma(moveIn +
                          "mma.sync.aligned.m16n8k16.row.col.f32.e4m3.e4m3.f32 {%f0,%f1,%f2,%f3}, {%r10,%r11}, "
                          "{%r14}, {%f0,%f1,%f2,%f3};\n" +
                          moveOut,
                      f, 4),
               16);
}

TEST(Mma, Doubles) {
  std::vector<double> input(32 * 4);
  for (unsigned lane = 0; lane < 32; ++lane) {
    input[lane * 4] = small(lane / 4, lane % 4, 1);
    input[lane * 4 + 1] = small(lane % 4, lane / 4, 2);
    input[lane * 4 + 2] = small(lane / 4, lane % 4 * 2, 5);
    input[lane * 4 + 3] = small(lane / 4, lane % 4 * 2 + 1, 5);
  }
  Host host;
  CUfunction function =
      host.load(kernelText("mul.wide.u32 %rd6, %r0, 32;\nadd.s64 %rd7, %rd2, %rd6;\nadd.s64 %rd8, %rd1, %rd6;\n"
                           "ld.global.v2.f64 {%d1, %d2}, [%rd7];\nld.global.v2.f64 {%d3, %d4}, [%rd7+16];\n"
                           "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%d5, %d6}, {%d1}, {%d2}, {%d3, "
                           "%d4};\nst.global.v2.f64 [%rd8], {%d5, %d6};"));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr in = host.upload(input), out = host.allocate(1024);
  ASSERT_EQ(host.launch(function, 1, 32, 0, out, in), CUDA_SUCCESS) << host.report;
  auto d = host.download<double>(out, 128);
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned e = 0; e < 2; ++e)
      EXPECT_EQ(d[lane * 4 + e], product(lane / 4, lane % 4 * 2 + e, 4));
}

/// Shared memory holds 32 rows of 8 elements, element (row, column) = 8 * row + column.
std::vector<uint32_t> runLoadMatrix(const std::string &suffix) {
  Host host;
  CUfunction function =
      host.load(kernelText("mov.u32 %r1, tile;\nshl.b32 %r2, %r0, 4;\nadd.u32 %r3, %r1, %r2;\nshl.b32 %r4, %r0, 3;\n"
                           "mad.lo.u32 %r5, %r4, 65537, 0x10000;\nadd.u32 %r6, %r5, 0x20002;\nadd.u32 %r7, %r6, "
                           "0x20002;\nadd.u32 %r8, %r7, 0x20002;\n"
                           "st.shared.v4.u32 [%r3], {%r5, %r6, %r7, %r8};\nbar.sync 0;\n"
                           "ldmatrix.sync.aligned.m8n8.x4" +
                               suffix +
                               ".shared.b16 {%r10, %r11, %r12, %r13}, [%r3];\n"
                               "shl.b32 %r9, %r0, 4;\ncvt.u64.u32 %rd6, %r9;\nadd.s64 %rd7, %rd1, "
                               "%rd6;\nst.global.v4.u32 [%rd7], {%r10, %r11, %r12, %r13};",
                           ".shared .align 16 .b8 tile[512];\n"));
  EXPECT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr out = host.allocate(512);
  EXPECT_EQ(host.launch(function, 1, 32, 0, out, out), CUDA_SUCCESS) << host.report;
  return host.download<uint32_t>(out, 128);
}

TEST(LoadMatrix, Plain) {
  auto d = runLoadMatrix("");
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned m = 0; m < 4; ++m) {
      unsigned first = 8 * (8 * m + lane / 4) + 2 * (lane % 4);
      EXPECT_EQ(d[lane * 4 + m], first | (first + 1) << 16);
    }
}

TEST(LoadMatrix, Transposed) {
  auto d = runLoadMatrix(".trans");
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned m = 0; m < 4; ++m) {
      unsigned first = 8 * (8 * m + 2 * (lane % 4)) + lane / 4;
      EXPECT_EQ(d[lane * 4 + m], first | (first + 8) << 16);
    }
}

TEST(StoreMatrix, IsTheInverseOfLdmatrix) {
  for (std::string suffix : {"", ".trans"}) {
    auto out = runBody("mov.u32 %r1, tile;\nand.b32 %r2, %r0, 7;\nshl.b32 %r2, %r2, 4;\nadd.u32 %r3, %r1, "
                       "%r2;\nmul.lo.u32 %r4, %r0, 77777;\n"
                       "stmatrix.sync.aligned.m8n8.x1" +
                           suffix +
                           ".shared.b16 [%r3], {%r4};\nbar.sync 0;\n"
                           "ldmatrix.sync.aligned.m8n8.x1" +
                           suffix +
                           ".shared.b16 {%r5}, [%r3];\n"
                           "cvt.u64.u32 %rd6, %r5;\nst.global.u64 [%rd3], %rd6;",
                       {}, ".shared .align 16 .b8 tile[128];\n");
    for (uint64_t lane = 0; lane < 32; ++lane)
      EXPECT_EQ(out[lane], lane * 77777);
  }
}

TEST(CopyAsync, ZeroFillsAndIgnores) {
  auto run = [](const std::string &tail) {
    return runBody("mov.u32 %r1, tile;\nshl.b32 %r2, %r0, 3;\nadd.u32 %r3, %r1, %r2;\nsetp.gt.u32 %p1, %r0, "
                   "15;\nand.b32 %r5, %r0, 7;\n"
                   "cp.async.ca.shared.global.L2::128B [%r3], [%rd4], 8" +
                       tail +
                       ";\ncp.async.commit_group;\ncp.async.wait_group 0;\n"
                       "ld.shared.u64 %rd6, [%r3];\nst.global.u64 [%rd3], %rd6;",
                   std::vector<uint64_t>(32, 0x8877665544332211), ".shared .align 16 .b8 tile[256];\n");
  };
  auto full = run(""), sized = run(", %r5"), ignored = run(", %p1");
  for (uint64_t lane = 0; lane < 32; ++lane) {
    EXPECT_EQ(full[lane], 0x8877665544332211u);
    EXPECT_EQ(sized[lane], 0x8877665544332211u & ((uint64_t(1) << (8 * (lane % 8))) - 1));
    EXPECT_EQ(ignored[lane], lane > 15 ? 0u : 0x8877665544332211u);
  }
}

TEST(LoadMatrix, TheSpaceNamedIsTheSpaceMeant) {
  auto run = [](const std::string &instruction, const std::string &address) {
    Host host;
    CUfunction function = host.load(kernelText(
        "mov.u32 %r1, tile;\nshl.b32 %r2, %r0, 4;\nadd.u32 %r3, %r1, %r2;\nst.shared.v4.u32 [%r3], {0, 0, 0, 0};\n"
        "bar.sync 0;\ncvt.u64.u32 %rd6, %r3;\ncvta.shared.u64 %rd7, %rd6;\nsub.u32 %r4, %r3, 64;\n" +
            instruction + address,
        ".shared .align 16 .b8 tile[512];\n"));
    EXPECT_EQ(host.status, CUDA_SUCCESS) << host.log;
    CUdeviceptr memory = host.upload(std::vector<uint64_t>(64));
    return host.launch(function, 1, 32, 0, memory, memory);
  };
  std::string matrix = "ldmatrix.sync.aligned.m8n8.x1.b16 {%r10}, ",
              shared = "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r10}, ";
  EXPECT_EQ(run(matrix, "[%rd7];"), CUDA_SUCCESS);
  EXPECT_EQ(run(matrix, "[%rd6];"), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(run(shared, "[%rd7];"), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(run(shared, "[%rd6];"), CUDA_SUCCESS);
  EXPECT_EQ(run(shared, "[%r4+64];"), CUDA_SUCCESS); // 32-bit addresses wrap.
  std::string copy = "cp.async.ca.shared.global [", source = "], [%rd2], 16;\ncp.async.wait_all;";
  EXPECT_EQ(run(copy, "%rd7" + source), CUDA_ERROR_ILLEGAL_ADDRESS);
  EXPECT_EQ(run(copy, "%r4+64" + source), CUDA_SUCCESS);
}

} // namespace
