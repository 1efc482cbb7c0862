//===- WgmmaTest.cpp - wgmma, its layouts and its faults ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One warpgroup multiplies matrices of small integers, which are exact in every type. The test lays the
// operands out in an image of shared memory, element by element from the PTX ISA's figures; the kernel copies
// the image, multiplies and stores its registers.
//
//===----------------------------------------------------------------------===//

#include "HopperText.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>

using namespace imbrex::simulator::testing;

namespace {

constexpr unsigned kB = 16384, kImage = 65536; ///< Where B begins; bytes of the image.

int valueA(unsigned m, unsigned k) { return static_cast<int>((m * 5 + k * 3) % 7) - 3; }
int valueB(unsigned k, unsigned n) { return static_cast<int>((k * 2 + n * 7) % 5) - 2; }
int valueC(unsigned m, unsigned n) { return static_cast<int>((m + 3 * n) % 11) - 5; }

/// A multiply of the test.
struct Case {
  std::string types = "f32.bf16.bf16"; ///< D, A, B.
  unsigned n = 64, k = 16, bytes = 2;  ///< Bytes of an element of A and B.
  unsigned swizzle = 0;                ///< Bytes of a row; 0 without.
  unsigned base = 0;                   ///< Bytes before each operand: a multiple of 128.
  bool aColumns = false, bColumns = false, aInRegisters = false;
  bool accumulate = true;
  int signA = 1, signB = 1;
  std::function<uint32_t(int)> encodeA, encodeB;

  bool isInteger() const { return types[0] == 's'; }
  bool halfResult() const { return types.substr(0, 3) == "f16"; }
  unsigned registers() const { return halfResult() ? n / 4 : n / 2; }
};

uint32_t toBFloat(int value) { return std::bit_cast<uint32_t>(static_cast<float>(value)) >> 16; }
uint32_t toHalf(int value) { return std::bit_cast<uint16_t>(static_cast<_Float16>(value)); }
uint32_t toSingle(int value) { return std::bit_cast<uint32_t>(static_cast<float>(value)); }
uint32_t toByte(int value) { return static_cast<uint8_t>(value); }
/// Small integers in e4m3 (bias 7) and e5m2 (bias 15).
uint32_t toE4M3(int value) {
  static constexpr uint32_t kMagnitudes[] = {0x00, 0x38, 0x40, 0x44};
  return kMagnitudes[std::abs(value)] | (value < 0 ? 0x80 : 0);
}
uint32_t toE5M2(int value) {
  static constexpr uint32_t kMagnitudes[] = {0x00, 0x3C, 0x40, 0x42};
  return kMagnitudes[std::abs(value)] | (value < 0 ? 0x80 : 0);
}

/// Strides of the canonical layout that the test chooses for an operand of `outer` rows (m or n).
struct Layout {
  unsigned leading = 0, stride = 0;
};
Layout layoutOf(const Case &c, bool columns, unsigned outer) {
  if (!columns)
    return c.swizzle ? Layout{16, 8 * c.swizzle} : Layout{outer * 16, 128};
  // Panels of one swizzled row; the 8-row groups of a panel follow each other.
  return c.swizzle ? Layout{c.k * c.swizzle, 8 * c.swizzle} : Layout{outer * 16, 128};
}

/// Byte of element (outer, k), before the base of the operand is added.
unsigned place(const Case &c, bool columns, Layout layout, unsigned outer, unsigned k) {
  unsigned per = 16 / c.bytes, row = c.swizzle ? c.swizzle : 16, at;
  if (!columns && c.swizzle)
    at = outer / 8 * layout.stride + outer % 8 * row + k * c.bytes;
  else if (!columns)
    at = outer / 8 * layout.stride + outer % 8 * 16 + k / per * layout.leading + k % per * c.bytes;
  else if (c.swizzle)
    at = outer * 2 / row * layout.leading + k / 8 * layout.stride + k % 8 * row + outer * 2 % row;
  else
    at = outer / 8 * layout.stride + k / 8 * layout.leading + k % 8 * 16 + outer % 8 * 2;
  // 16-byte chunk number xor number of the 128-byte line: the lowest one, two or three bits of it.
  at += c.base;
  unsigned mask = c.swizzle == 128 ? 7 : c.swizzle == 64 ? 3 : c.swizzle == 32 ? 1 : 0;
  return at ^ (at / 128 & mask) * 16;
}

std::vector<uint8_t> makeImage(const Case &c) {
  std::vector<uint8_t> image(kImage, 0x55);
  auto put = [&](unsigned at, uint32_t bits) { std::memcpy(image.data() + at, &bits, c.bytes); };
  Layout a = layoutOf(c, c.aColumns, 64), b = layoutOf(c, c.bColumns, c.n);
  for (unsigned k = 0; k < c.k; ++k) {
    for (unsigned m = 0; m < 64; ++m)
      put(place(c, c.aColumns, a, m, k), c.encodeA(valueA(m, k)));
    for (unsigned n = 0; n < c.n; ++n)
      put(kB + place(c, c.bColumns, b, n, k), c.encodeB(valueB(k, n)));
  }
  return image;
}

/// The descriptor, but for the address.
uint64_t descriptor(const Case &c, Layout layout) {
  uint64_t mode = c.swizzle == 128 ? 1 : c.swizzle == 64 ? 2 : c.swizzle == 32 ? 3 : 0;
  return uint64_t(layout.leading / 16) << 16 | uint64_t(layout.stride / 16) << 32 | mode << 62;
}

/// C as 32-bit words per thread; then A's four registers per thread.
std::vector<uint32_t> makeRegisters(const Case &c) {
  std::vector<uint32_t> words(128 * 132);
  for (unsigned thread = 0; thread < 128; ++thread) {
    unsigned warp = thread / 32, g = thread % 32 / 4, t = thread % 4;
    auto element = [&](unsigned i) { // Element i of the accumulator fragment.
      return valueC(16 * warp + g + (i & 2 ? 8 : 0), i / 4 * 8 + 2 * t + i % 2);
    };
    uint32_t *to = words.data() + thread * 132;
    for (unsigned i = 0; i < c.n / 2; ++i) {
      if (c.halfResult())
        to[i / 2] |= toHalf(element(i)) << (i % 2 * 16);
      else
        to[i] = c.isInteger() ? static_cast<uint32_t>(element(i)) : toSingle(element(i));
    }
    unsigned per = 4 / c.bytes;
    for (unsigned r = 0; r < 4; ++r)
      for (unsigned e = 0; e < per; ++e)
        to[128 + r] |= c.encodeA(valueA(16 * warp + g + (r & 1 ? 8 : 0), (r / 2 * 4 + t) * per + e))
                       << (8 * c.bytes * e);
  }
  return words;
}

std::string registerList(unsigned first, unsigned count) {
  std::string list = "{";
  for (unsigned i = 0; i < count; ++i)
    list += (i ? ", %x" : "%x") + std::to_string(first + i);
  return list + "}";
}

/// The instruction; accumulators %x0.., A %x128.., descriptors %rd20 and %rd21, scale-d %p1.
std::string multiply(const Case &c) {
  std::string text = "wgmma.mma_async.sync.aligned.m64n" + std::to_string(c.n) + "k" + std::to_string(c.k) + "." +
                     c.types + " " + registerList(0, c.registers()) + ", " +
                     (c.aInRegisters ? registerList(128, 4) : "%rd20") + ", %rd21, %p1";
  if (!c.isInteger())
    text += ", " + std::to_string(c.signA) + ", " + std::to_string(c.signB);
  if (c.bytes == 2)
    text += (c.aInRegisters ? "" : c.aColumns ? ", 1" : ", 0") + std::string(c.bColumns ? ", 1" : ", 0");
  return text + ";\n";
}

const std::string kFill = "mov.u32 %r3, %r0;\nFILL:\nmul.wide.u32 %rd6, %r3, 16;\nadd.u64 %rd7, %rd2, %rd6;\n"
                          "ld.global.v4.u32 {%r4, %r5, %r6, %r7}, [%rd7];\ncvt.u32.u64 %r8, %rd6;\nmov.u32 %r9, "
                          "image;\nadd.u32 %r9, %r9, %r8;\nst.shared.v4.u32 [%r9], {%r4, %r5, %r6, %r7};\n"
                          "add.u32 %r3, %r3, 128;\nsetp.lt.u32 %p2, %r3, 4096;\n@%p2 bra FILL;\n";

/// Everything but the middle: `order` between the fill and the multiply, `after` behind it.
std::string kernel(const Case &c, const std::string &order, const std::string &body) {
  std::string text = ".version 8.0\n.target sm_90a\n.address_size 64\n.extern .shared .align 1024 .b8 image[];\n"
                     ".visible .entry k(.param .u64 out, .param .u64 in, .param .u64 regs)\n{\n.reg .pred "
                     "%p<4>;\n.reg .b32 %r<16>;\n.reg .b64 %rd<24>;\n.reg ." +
                     std::string(c.halfResult() || c.isInteger() ? "b32" : "f32") +
                     " %x<128>;\n.reg .b32 %x128, "
                     "%x129, %x130, %x131;\n"
                     "ld.param.u64 %rd1, [out];\nld.param.u64 %rd2, [in];\nld.param.u64 %rd3, [regs];\nmov.u32 %r0, "
                     "%tid.x;\nmul.wide.u32 %rd4, %r0, 528;\nadd.u64 %rd3, %rd3, %rd4;\nadd.u64 %rd1, %rd1, %rd4;\n" +
                     kFill;
  for (unsigned i = 0; i < 132; ++i)
    if (i < c.registers() || i >= 128)
      text += "ld.global.b32 %x" + std::to_string(i) + ", [%rd3+" + std::to_string(4 * i) + "];\n";
  Layout a = layoutOf(c, c.aColumns, 64), b = layoutOf(c, c.bColumns, c.n);
  text += "mov.u32 %r9, image;\nshr.u32 %r10, %r9, 4;\ncvt.u64.u32 %rd20, %r10;\nadd.u64 %rd20, %rd20, " +
          std::to_string(c.base / 16) + ";\nadd.u64 %rd21, %rd20, " + std::to_string(kB / 16) + ";\nmov.u64 %rd22, " +
          std::to_string(static_cast<int64_t>(descriptor(c, a))) + ";\nor.b64 %rd20, %rd20, %rd22;\nmov.u64 %rd22, " +
          std::to_string(static_cast<int64_t>(descriptor(c, b))) + ";\nor.b64 %rd21, %rd21, %rd22;\nsetp.eq.u32 %p1, " +
          (c.accumulate ? "0" : "1") + ", 0;\n" + order + body;
  for (unsigned i = 0; i < c.registers(); ++i)
    text += "st.global.b32 [%rd1+" + std::to_string(4 * i) + "], %x" + std::to_string(i) + ";\n";
  return text + "ret;\n}\n";
}

const std::string kOrder = "fence.proxy.async.shared::cta;\nbar.sync 0;\nwgmma.fence.sync.aligned;\n";
const std::string kWait = "wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 0;\n";

struct Ran {
  std::vector<uint32_t> words;
  std::string report, notes = "";
};
Ran run(const Case &c, const std::string &text, unsigned seed = 0) {
  imbrex::simulator::SimulatorOptions options;
  options.schedulingSeed = seed;
  std::string notes;
  options.note = [&](const std::string &text) { notes += text + "\n"; };
  Host host(options, "h100");
  CUfunction function = host.load(text);
  if (!function)
    return {{}, "load: " + host.log};
  host.driver.funcSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, kImage);
  CUdeviceptr in = host.upload(makeImage(c)), registers = host.upload(makeRegisters(c)), out = host.allocate(128 * 528);
  host.launch(function, 1, 128, kImage, out, in, registers);
  if (host.status != CUDA_SUCCESS)
    return {{}, host.report, notes};
  return {host.download<uint32_t>(out, 128 * 132), "", notes};
}

/// D of the whole multiply at thread and fragment element.
int expected(const Case &c, unsigned thread, unsigned i) {
  unsigned m = 16 * (thread / 32) + thread % 32 / 4 + (i & 2 ? 8 : 0), n = i / 4 * 8 + thread % 4 * 2 + i % 2;
  int sum = 0;
  for (unsigned k = 0; k < c.k; ++k)
    sum += valueA(m, k) * valueB(k, n);
  return sum * c.signA * c.signB + (c.accumulate ? valueC(m, n) : 0);
}

void expectProduct(const Case &c, unsigned seed = 0) {
  Ran ran = run(c, kernel(c, kOrder, multiply(c) + kWait), seed);
  ASSERT_EQ(ran.report, "") << multiply(c);
  for (unsigned thread = 0; thread < 128; ++thread)
    for (unsigned i = 0; i < c.n / 2; ++i) {
      int want = expected(c, thread, i);
      uint32_t word = ran.words[thread * 132 + (c.halfResult() ? i / 2 : i)];
      uint32_t bits = c.halfResult() ? toHalf(want) : c.isInteger() ? static_cast<uint32_t>(want) : toSingle(want);
      ASSERT_EQ(c.halfResult() ? word >> (i % 2 * 16) & 0xFFFF : word, bits)
          << multiply(c) << " swizzle " << c.swizzle << " thread " << thread << " element " << i;
    }
}

Case bfloats() {
  Case c;
  c.encodeA = c.encodeB = toBFloat;
  return c;
}

TEST(Wgmma, EveryN) {
  for (unsigned n = 8; n <= 256; n += 8) {
    Case c = bfloats();
    c.n = n;
    c.swizzle = 128;
    expectProduct(c, n);
  }
}

TEST(Wgmma, LayoutsOf16Bits) {
  for (unsigned swizzle : {0u, 32u, 64u, 128u})
    for (unsigned majors = 0; majors < 4; ++majors) {
      Case c = bfloats();
      c.swizzle = swizzle;
      c.aColumns = majors & 1;
      c.bColumns = majors & 2;
      c.n = 128;
      expectProduct(c);
    }
}

TEST(Wgmma, AInRegisters) {
  for (bool columns : {false, true}) {
    Case c = bfloats();
    c.aInRegisters = true;
    c.bColumns = columns;
    c.swizzle = 64;
    expectProduct(c, 3);
  }
}

TEST(Wgmma, HalfTypes) {
  for (std::string types : {"f32.f16.f16", "f16.f16.f16"})
    for (bool inRegisters : {false, true}) {
      Case c;
      c.types = types;
      c.encodeA = c.encodeB = toHalf;
      c.aInRegisters = inRegisters;
      c.swizzle = 128;
      expectProduct(c);
    }
}

TEST(Wgmma, Tf32) {
  for (unsigned swizzle : {0u, 32u, 64u, 128u}) {
    Case c;
    c.types = "f32.tf32.tf32";
    c.encodeA = c.encodeB = [](int value) { return toSingle(value) | 0x1FFF; }; // Ignored bits.
    c.bytes = 4;
    c.k = 8;
    c.swizzle = swizzle;
    c.aInRegisters = swizzle == 64;
    expectProduct(c);
  }
}

TEST(Wgmma, Bytes) {
  struct Pair {
    const char *types;
    uint32_t (*a)(int), (*b)(int);
  };
  for (const Pair &pair : {Pair{"f32.e4m3.e4m3", toE4M3, toE4M3}, Pair{"f32.e4m3.e5m2", toE4M3, toE5M2},
                           Pair{"f32.e5m2.e4m3", toE5M2, toE4M3}, Pair{"f32.e5m2.e5m2", toE5M2, toE5M2},
                           Pair{"f16.e4m3.e4m3", toE4M3, toE4M3}, Pair{"s32.s8.s8", toByte, toByte}})
    for (bool inRegisters : {false, true}) {
      Case c;
      c.types = pair.types;
      c.encodeA = pair.a;
      c.encodeB = pair.b;
      c.bytes = 1;
      c.k = 32;
      c.swizzle = 32;
      c.aInRegisters = inRegisters;
      expectProduct(c);
    }
}

TEST(Wgmma, UnsignedBytes) {
  Case c;
  c.types = "s32.u8.s8";
  c.encodeA = [](int value) { return static_cast<uint32_t>(value) & 3; };
  c.encodeB = toByte;
  c.bytes = 1;
  c.k = 32;
  Ran ran = run(c, kernel(c, kOrder, multiply(c) + kWait));
  ASSERT_EQ(ran.report, "");
  int sum = valueC(0, 0);
  for (unsigned k = 0; k < 32; ++k)
    sum += (valueA(0, k) & 3) * valueB(k, 0);
  EXPECT_EQ(static_cast<int>(ran.words[0]), sum);
}

TEST(Wgmma, ScaleAndSigns) {
  for (int signs = 0; signs < 8; ++signs) {
    Case c = bfloats();
    c.accumulate = signs & 4;
    c.signA = signs & 1 ? -1 : 1;
    c.signB = signs & 2 ? -1 : 1;
    expectProduct(c);
  }
}

TEST(Wgmma, ChainOfTwo) {
  Case c = bfloats();
  Ran ran = run(c, kernel(c, kOrder, multiply(c) + multiply(c) + kWait), 5);
  ASSERT_EQ(ran.report, "");
  EXPECT_EQ(ran.words[0], toSingle(2 * expected(c, 0, 0) - valueC(0, 0)));
}

/// Under several schedules the fault `name` with the words.
void expectTold(const Case &c, const std::string &text, const std::string &name, const std::string &words = "") {
  for (unsigned seed : {0u, 1u, 9u}) {
    std::string report = run(c, text, seed).report;
    EXPECT_NE(report.find("simulated device: " + name), report.npos) << report;
    EXPECT_NE(report.find(words), report.npos) << report;
  }
}

TEST(Wgmma, MissingProxyFence) {
  Case c = bfloats();
  expectTold(c, kernel(c, "bar.sync 0;\nwgmma.fence.sync.aligned;\n", multiply(c) + kWait), "missing proxy fence");
}

TEST(Wgmma, MissingBarrier) {
  Case c = bfloats();
  std::string text = kernel(c, "fence.proxy.async.shared::cta;\nwgmma.fence.sync.aligned;\n", multiply(c) + kWait);
  for (unsigned seed : {0u, 1u, 9u})
    EXPECT_NE(run(c, text, seed).report.find("shared-memory race"), std::string::npos);
}

/// Each thread writes again one chunk of row threadIdx / 2 + shift of A.
std::string writeAgain(unsigned shift) {
  return "shr.u32 %r3, %r0, 1;\nadd.u32 %r3, %r3, " + std::to_string(shift) +
         ";\nand.b32 %r3, %r3, 63;\nshr.u32 %r4, %r3, 3;\nshl.b32 %r4, %r4, 7;\nand.b32 %r5, %r3, 7;\nshl.b32 %r5, "
         "%r5, 4;\nadd.u32 %r4, %r4, %r5;\nand.b32 %r5, %r0, 1;\nshl.b32 %r5, %r5, 10;\nadd.u32 %r4, %r4, %r5;\n"
         "mov.u32 %r9, image;\nadd.u32 %r9, %r9, %r4;\nld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r9];\n"
         "st.shared.v4.u32 [%r9], {%r4, %r5, %r6, %r7};\n";
}

/// FlashAttention stores P so: a warp's quarter of the product reads only the 16 rows of A that the warp itself wrote.
TEST(Wgmma, AWarpReadsItsOwnRowsOfA) {
  Case c = bfloats();
  auto text = [&](unsigned shift) {
    std::string meet = "fence.proxy.async.shared::cta;\nbar.warp.sync -1;\nwgmma.fence.sync.aligned;\n";
    return kernel(c, "fence.proxy.async.shared::cta;\nbar.sync 0;\n" + writeAgain(shift) + meet, multiply(c) + kWait);
  };
  for (unsigned seed : {0u, 1u, 9u})
    EXPECT_EQ(run(c, text(0), seed).report, "");
  expectTold(c, text(16), "shared-memory race");
}

TEST(Wgmma, WrittenByLanesThatDidNotJoin) {
  // A lane of each warp arrives, and what all lanes wrote is read by other warps.
  Case c = bfloats();
  auto text = [&](const std::string &join) {
    return kernel(c,
                  "{\n.reg .pred %p<8>;\n.shared .align 8 .b64 bar[1];\nfence.proxy.async.shared::cta;\n" +
                      initBarrier(0, 4) + kSync + writeAgain(16) + "fence.proxy.async.shared::cta;\n" + join +
                      "and.b32 %r3, %r0, 31;\nsetp.eq.u32 %p1, %r3, 0;\n@%p1 " + arrive(0) + waitBarrier(0, "0") +
                      "wgmma.fence.sync.aligned;\n}\n",
                  multiply(c) + kWait);
  };
  for (unsigned seed : {0u, 1u, 9u})
    EXPECT_EQ(run(c, text("bar.warp.sync -1;\n"), seed).report, "");
  expectTold(c, text(""), "shared-memory race");
}

/// The same kernel with the image copied by cp.async.
std::string copied(std::string text) {
  auto replace = [&](const std::string &from, const std::string &to) {
    size_t at = text.find(from);
    text.replace(at, from.size(), to);
  };
  replace("ld.global.v4.u32 {%r4, %r5, %r6, %r7}, [%rd7];\n", "");
  replace("st.shared.v4.u32 [%r9], {%r4, %r5, %r6, %r7};\n", "cp.async.cg.shared.global [%r9], [%rd7], 16;\n");
  return text;
}

TEST(Wgmma, CopiesWithoutAProxyFence) {
  // Triton and CUTLASS (sm90_mma_multistage_gmma_ss) hand what cp.async wrote to wgmma without one: worth a note.
  Case c = bfloats();
  std::string wait = "cp.async.wait_all;\n", meet = "bar.sync 0;\nwgmma.fence.sync.aligned;\n";
  Ran ran = run(c, copied(kernel(c, wait + meet, multiply(c) + kWait)));
  ASSERT_EQ(ran.report, "");
  EXPECT_EQ(ran.words[0], toSingle(expected(c, 0, 0)));
  EXPECT_NE(ran.notes.find("cp.async without a proxy fence"), std::string::npos) << ran.notes;
  ran = run(c, copied(kernel(c, wait + kOrder, multiply(c) + kWait)));
  EXPECT_EQ(ran.report + ran.notes, "");
  expectTold(c, copied(kernel(c, wait + "wgmma.fence.sync.aligned;\n", multiply(c) + kWait)), "shared-memory race",
             "is not ordered after a write");
  expectTold(c, copied(kernel(c, meet, multiply(c) + kWait)), "cp.async destination read before its wait", "in flight");
}

TEST(Wgmma, MissingFence) {
  Case c = bfloats();
  expectTold(c, kernel(c, "fence.proxy.async.shared::cta;\nbar.sync 0;\n", multiply(c) + kWait),
             "wgmma register touched in flight", "missing: wgmma.fence");
  expectTold(c, kernel(c, kOrder, "add.f32 %x3, %x3, %x3;\n" + multiply(c) + kWait), "wgmma register touched in flight",
             "since the last wgmma.fence");
}

TEST(Wgmma, ConstantsAfterTheFence) {
  // A constant may come between fence and wgmma, but some fence must come first.
  Case c = bfloats();
  std::string zeros;
  for (unsigned i = 0; i < c.registers(); ++i)
    zeros += "mov.f32 %x" + std::to_string(i) + ", 0f00000000;\n";
  Ran ran = run(c, kernel(c, kOrder, zeros + multiply(c) + kWait));
  ASSERT_EQ(ran.report, "");
  EXPECT_EQ(ran.words[0], toSingle(expected(c, 0, 0) - valueC(0, 0)));
  expectTold(c, kernel(c, "fence.proxy.async.shared::cta;\nbar.sync 0;\n", zeros + multiply(c) + kWait),
             "wgmma register touched in flight", "no wgmma.fence before it");
}

TEST(Wgmma, AccumulatorReadEarly) {
  Case c = bfloats();
  expectTold(c, kernel(c, kOrder, multiply(c) + "wgmma.commit_group.sync.aligned;\n"),
             "wgmma register touched in flight", "reads an accumulator");
  expectTold(c, kernel(c, kOrder, multiply(c) + "wgmma.commit_group.sync.aligned;\nwgmma.wait_group.sync.aligned 1;\n"),
             "wgmma register touched in flight", "missing: wgmma.wait_group");
}

TEST(Wgmma, ARegisterOverwrittenInFlight) {
  Case c = bfloats();
  c.aInRegisters = true;
  expectTold(c, kernel(c, kOrder, multiply(c) + "mov.b32 %x129, 0;\n" + kWait), "wgmma register touched in flight",
             "holds A");
  Ran fine = run(c, kernel(c, kOrder, multiply(c) + "add.u32 %r12, %x129, 1;\n" + kWait));
  EXPECT_EQ(fine.report, "") << "reading A in flight is allowed";
}

TEST(Wgmma, SharedMemoryOverwrittenInFlight) {
  Case c = bfloats();
  expectTold(c,
             kernel(c, kOrder,
                    multiply(c) + "bar.sync 0;\nsetp.ne.u32 %p3, %r0, 0;\n@!%p3 st.shared.u32 [image], 0;\n" + kWait),
             "overwritten while an asynchronous operation reads it");
  Ran fine =
      run(c, kernel(c, kOrder,
                    multiply(c) + kWait + "bar.sync 0;\nsetp.ne.u32 %p3, %r0, 0;\n@!%p3 st.shared.u32 [image], 0;\n"));
  EXPECT_EQ(fine.report, "");
}

/// The base offset follows from where the swizzle's pattern begins, and that of a tensor's copy begins at a multiple of
/// 1024 bytes wherever the matrix does: CUTLASS keeps its tiles at multiples of 128.
TEST(Wgmma, AMatrixMayBeginInsideTheSwizzlesPattern) {
  for (unsigned swizzle : {64u, 128u})
    for (unsigned base : {128u, 896u, 1152u})
      for (bool columns : {false, true}) {
        Case c = bfloats();
        c.swizzle = swizzle;
        c.base = base;
        c.aColumns = c.bColumns = columns;
        expectProduct(c);
      }
}

TEST(Wgmma, BadDescriptors) {
  Case c = bfloats();
  expectTold(c, kernel(c, kOrder, "or.b64 %rd21, %rd21, 16383;\n" + multiply(c) + kWait), "bad matrix descriptor");
  c.swizzle = 128;
  expectTold(c, kernel(c, kOrder, "cvt.u64.u32 %rd22, %r0;\nadd.u64 %rd21, %rd21, %rd22;\n" + multiply(c) + kWait),
             "bad matrix descriptor", "differs between the threads");
}

TEST(Wgmma, NotTheWholeWarpgroup) {
  Case c = bfloats();
  expectTold(c, kernel(c, kOrder, "setp.ge.u32 %p3, %r0, 96;\n@%p3 bra END;\n" + multiply(c) + kWait + "END:\n"),
             "deadlock", "wgmma of the other warps");
}

TEST(Wgmma, RegistersMovedAround) {
  // A copy between the fence and the wgmma is none of the program's touches; a computation is.
  Case c = bfloats();
  std::string copies = multiply(c) + "mov.f32 %x127, %x0;\n" + kWait + "mov.f32 %x0, %x127;\n";
  for (unsigned seed : {0u, 1u, 9u}) {
    Ran ran = run(c, kernel(c, kOrder, copies), seed);
    ASSERT_EQ(ran.report, "");
    EXPECT_EQ(ran.words[0], toSingle(expected(c, 0, 0)));
  }
  EXPECT_EQ(
      run(c, kernel(c, "add.f32 %x127, %x1, %x2;\n" + kOrder, "mov.f32 %x0, %x127;\n" + multiply(c) + kWait)).report,
      "");
  expectTold(c, kernel(c, kOrder, "add.f32 %x0, %x0, %x1;\n" + multiply(c) + kWait), "wgmma register touched in flight",
             "missing: wgmma.fence");
}

TEST(RegisterPool, MovesBetweenWarpgroups) {
  std::string declarations = kHopperShared;
  std::string body = "setp.ge.u32 %p1, %r0, 128;\n@%p1 bra SMALL;\nsetmaxnreg.inc.sync.aligned.u32 240;\nbra "
                     "END;\nSMALL:\nsetmaxnreg.dec.sync.aligned.u32 24;\nEND:\nmov.u64 %rd10, 3;\nst.global.u64 "
                     "[%rd3], %rd10;\n";
  auto text = [&](const std::string &middle) {
    std::string text = kernelText(middle, declarations, "sm_90a");
    return text.replace(text.find("\n{\n"), 1, "\n.maxntid 384, 1, 1\n.minnctapersm 1\n");
  };
  Host host({}, "h100");
  CUfunction function = host.load(text(body));
  ASSERT_NE(function, nullptr) << host.log;
  CUdeviceptr out = host.allocate(384 * 8);
  EXPECT_EQ(host.launch(function, 1, 384, 0, out, out), CUDA_SUCCESS) << host.report;
  std::string greedy = body;
  greedy.replace(greedy.find("dec.sync.aligned.u32 24"), 23, "inc.sync.aligned.u32 240");
  Host other({}, "h100");
  function = other.load(text(greedy));
  out = other.allocate(384 * 8);
  EXPECT_NE(other.launch(function, 1, 384, 0, out, out), CUDA_SUCCESS);
  EXPECT_NE(other.report.find("free registers (setmaxnreg)"), std::string::npos) << other.report;
}

} // namespace
