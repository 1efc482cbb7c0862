//===- TensorCopyTest.cpp - Tensor maps and copies of boxes ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Boxes of one to five dimensions against nested loops: swizzles, strides, what lies outside, stores and
// reductions; and what cuTensorMapEncodeTiled refuses.
//
//===----------------------------------------------------------------------===//

#include "HopperText.h"

#include <cstring>

using namespace imbrex::simulator::testing;

namespace {

constexpr int kU8 = 0, kU16 = 1, kU32 = 2, kF32 = 7;

/// A tensor, a box of it and where the box is.
struct Case {
  int type = kU32;
  unsigned bytes = 4;
  std::vector<unsigned long long> extents;
  std::vector<unsigned> box;
  std::vector<int> at;
  int swizzle = 0; ///< The driver's number: 0 none, 1 32 bytes, 2 64, 3 128.
  std::vector<unsigned> elementStrides;
  int fill = 0;
  bool hostClearsBit = false; ///< After encoding; see TheHostMayClearABitOfTheSecondWord.

  unsigned rank() const { return static_cast<unsigned>(extents.size()); }
  unsigned stride(unsigned d) const { return elementStrides.empty() ? 1 : elementStrides[d]; }
  unsigned kept(unsigned d) const { return (box[d] + stride(d) - 1) / stride(d); }
  /// Bytes from one element of dimension d to the next; rows are padded to 16.
  unsigned long long pitch(unsigned d) const {
    unsigned long long pitch = bytes;
    for (unsigned i = 0; i < d; ++i)
      pitch = (pitch * extents[i] + 15) / 16 * 16;
    return d == 0 ? bytes : pitch;
  }
  size_t tensorBytes() const { return (pitch(rank() - 1) * extents[rank() - 1] + 15) / 16 * 16; }
  size_t boxBytes() const {
    size_t total = bytes;
    for (unsigned d = 0; d < rank(); ++d)
      total *= kept(d);
    return total;
  }
};

CUresult encode(Host &host, const Case &c, CUdeviceptr base, CUtensorMap &map) {
  std::vector<unsigned long long> strides;
  for (unsigned d = 1; d < c.rank(); ++d)
    strides.push_back(c.pitch(d));
  std::vector<unsigned> steps(c.rank(), 1);
  for (unsigned d = 0; d < c.rank(); ++d)
    steps[d] = c.stride(d);
  return host.driver.tensorMapEncodeTiled(&map, c.type, c.rank(), reinterpret_cast<void *>(base), c.extents.data(),
                                          strides.data(), c.box.data(), steps.data(), 0, c.swizzle, 0, c.fill);
}

/// For each element of the box: f(byte in shared memory, byte in the tensor or -1).
template <class F> void eachElement(const Case &c, F f) {
  unsigned index[5] = {};
  static constexpr unsigned kMask[] = {0, 1, 3, 7};
  for (size_t number = 0; number < c.boxBytes() / c.bytes; ++number) {
    size_t rest = number;
    long long from = 0;
    for (unsigned d = 0; d < c.rank(); ++d) {
      index[d] = static_cast<unsigned>(rest % c.kept(d));
      rest /= c.kept(d);
      long long coordinate = c.at[d] + static_cast<long long>(index[d]) * c.stride(d);
      bool inside = coordinate >= 0 && coordinate < static_cast<long long>(c.extents[d]);
      from = from < 0 || !inside ? -1 : from + coordinate * static_cast<long long>(c.pitch(d));
    }
    size_t packed = number * c.bytes, line = packed / 128;
    f(packed ^ ((line & kMask[c.swizzle]) << 4), from);
  }
}

std::string coordinates(const Case &c) {
  std::string list = "{";
  for (unsigned d = 0; d < c.rank(); ++d)
    list += (d ? ", " : "") + std::to_string(c.at[d]);
  return list + "}";
}

/// A kernel of 32 threads with a map and a buffer of 32 KiB in shared memory at `tile`.
std::string kernel(const std::string &body) {
  return ".version 8.6\n.target sm_90a\n.address_size 64\n.shared .align 1024 .b8 tile[32768];\n.shared .align 8 .b64 "
         "bar[4];\n.visible .entry k(.param .align 64 .b8 map[128], .param .u64 buffer)\n{\n.reg .pred %p<8>;\n.reg "
         ".b32 %r<32>;\n.reg .b64 %rd<16>;\nmov.u64 %rd1, map;\ncvta.param.u64 %rd1, %rd1;\nld.param.u64 %rd2, "
         "[buffer];\nmov.u32 %r0, %tid.x;\n" +
         body + "ret;\n}\n";
}

/// Copies `bytes` bytes, 16 a thread, between tile and buffer.
std::string copyAll(size_t bytes, bool toTile) {
  std::string text = "mul.lo.u32 %r1, %r0, 16;\n{\nLOOP:\nsetp.ge.u32 %p1, %r1, " + std::to_string(bytes) +
                     ";\n@%p1 bra DONE;\nmov.u32 %r2, tile;\nadd.u32 %r2, %r2, %r1;\ncvt.u64.u32 %rd3, %r1;\nadd.u64 "
                     "%rd3, %rd2, %rd3;\n";
  text += toTile ? "ld.global.v4.u32 {%r4, %r5, %r6, %r7}, [%rd3];\nst.shared.v4.u32 [%r2], {%r4, %r5, %r6, %r7};\n"
                 : "ld.shared.v4.u32 {%r4, %r5, %r6, %r7}, [%r2];\nst.global.v4.u32 [%rd3], {%r4, %r5, %r6, %r7};\n";
  return text + "add.u32 %r1, %r1, 512;\nbra LOOP;\nDONE:\n}\n";
}

std::vector<uint8_t> pattern(size_t bytes, unsigned seed) {
  std::vector<uint8_t> values(bytes);
  for (size_t i = 0; i < bytes; ++i)
    values[i] = static_cast<uint8_t>((i * 7 + i / 251 + seed) % 253);
  return values;
}

constexpr uint64_t kClearedBit = uint64_t(1) << 21;

void expectLoad(const Case &c, const std::string &space = "shared::cluster") {
  Host host({}, "h100");
  std::vector<uint8_t> tensor = pattern(c.tensorBytes(), 1);
  CUdeviceptr base = host.upload(tensor), buffer = host.allocate(c.boxBytes());
  for (unsigned seed = 2; c.hostClearsBit && !(base & kClearedBit); ++seed)
    base = host.upload(tensor = pattern(c.tensorBytes(), seed));
  CUtensorMap map;
  ASSERT_EQ(encode(host, c, base, map), CUDA_SUCCESS) << host.driver.faultReport();
  if (c.hostClearsBit)
    reinterpret_cast<uint64_t *>(&map)[1] &= ~kClearedBit;
  std::string rank = std::to_string(c.rank()) + "d";
  CUfunction function = host.load(kernel(
      initBarrier(0, 1) + kSync +
      byFirst(expectBytes(0, static_cast<unsigned>(c.boxBytes())) + "cp.async.bulk.tensor." + rank + "." + space +
              ".global.tile.mbarrier::complete_tx::bytes [tile], [%rd1, " + coordinates(c) + "], [bar];\n") +
      waitBarrier(0, "0") + copyAll(c.boxBytes(), false)));
  ASSERT_NE(function, nullptr) << host.log;
  ASSERT_EQ(host.launch(function, 1, 32, 0, map, buffer), CUDA_SUCCESS) << host.report;
  std::vector<uint8_t> got = host.download<uint8_t>(buffer, c.boxBytes());
  eachElement(c, [&](size_t shared, long long from) {
    for (unsigned b = 0; b < c.bytes; ++b) {
      uint8_t outside = c.fill ? (b + 1 == c.bytes ? 0x7F : 0xFF) : 0;
      ASSERT_EQ(got[shared + b], from < 0 ? outside : tensor[static_cast<size_t>(from) + b]) << shared;
    }
  });
}

/// Stores the box over a tensor of another pattern; or adds to it.
/// Stores the box at `tile`, of which the first `written` bytes were written out of `buffer`.
CUresult launchStore(Host &host, const Case &c, bool adds, size_t written, CUdeviceptr base, CUdeviceptr buffer) {
  CUtensorMap map;
  EXPECT_EQ(encode(host, c, base, map), CUDA_SUCCESS) << host.driver.faultReport();
  std::string rank = std::to_string(c.rank()) + "d";
  std::string store = adds ? "cp.reduce.async.bulk.tensor." + rank + ".global.shared::cta.add.tile.bulk_group"
                           : "cp.async.bulk.tensor." + rank + ".global.shared::cta.bulk_group";
  CUfunction function = host.load(kernel(copyAll(written, true) + "fence.proxy.async.shared::cta;\n" + kSync +
                                         byFirst(store + " [%rd1, " + coordinates(c) +
                                                 "], [tile];\ncp.async.bulk.commit_group;\n"
                                                 "cp.async.bulk.wait_group 0;\n")));
  EXPECT_NE(function, nullptr) << host.log;
  return function ? host.launch(function, 1, 32, 0, map, buffer) : CUDA_ERROR_NOT_FOUND;
}

void expectStore(const Case &c, bool adds) {
  Host host({}, "h100");
  std::vector<uint8_t> tensor = pattern(c.tensorBytes(), 1), box = pattern(c.boxBytes(), 9);
  CUdeviceptr base = host.upload(tensor), buffer = host.upload(box);
  ASSERT_EQ(launchStore(host, c, adds, c.boxBytes(), base, buffer), CUDA_SUCCESS) << host.report;
  std::vector<uint8_t> got = host.download<uint8_t>(base, tensor.size()), want = tensor;
  eachElement(c, [&](size_t shared, long long to) {
    if (to < 0)
      return;
    uint32_t sum = 0, value = 0;
    std::memcpy(&sum, want.data() + to, c.bytes);
    std::memcpy(&value, box.data() + shared, c.bytes);
    sum = adds ? sum + value : value;
    std::memcpy(want.data() + to, &sum, c.bytes);
  });
  EXPECT_EQ(got, want);
}

Case plane(int swizzle, std::vector<int> at) {
  Case c;
  c.extents = {40, 30};
  c.box = {swizzle ? 4u << swizzle : 16u, 20};
  c.at = std::move(at);
  c.swizzle = swizzle;
  return c;
}

TEST(TensorCopy, Swizzles) {
  for (int swizzle = 0; swizzle < 4; ++swizzle) {
    expectLoad(plane(swizzle, {4, 3}));
    expectLoad(plane(swizzle, {0, 0}), "shared::cta");
    expectStore(plane(swizzle, {4, 3}), false);
  }
}

TEST(TensorCopy, OutsideTheTensor) {
  for (int swizzle : {0, 3})
    for (const std::vector<int> &at : {std::vector<int>{-3, -5}, {36, 25}, {-40, 0}, {40, 30}, {0, -20}}) {
      expectLoad(plane(swizzle, at));
      expectStore(plane(swizzle, at), false);
    }
  Case c = plane(3, {-3, 25});
  c.type = kF32;
  c.fill = 1;
  expectLoad(c);
}

TEST(TensorCopy, RowsOutsideTheTensorAreNotRead) {
  Case c = plane(0, {0, 20}); // Ten of the box's twenty rows lie inside.
  for (size_t rows : {10u, 9u}) {
    Host host({}, "h100");
    CUdeviceptr base = host.upload(pattern(c.tensorBytes(), 1)), buffer = host.upload(pattern(c.boxBytes(), 9));
    launchStore(host, c, false, c.boxBytes() / 20 * rows, base, buffer);
    EXPECT_EQ(host.report.find("uninitialised read") != std::string::npos, rows == 9) << host.report;
  }
}

TEST(TensorCopy, OneToFiveDimensions) {
  Case c;
  c.extents = {12};
  c.box = {8};
  c.at = {2};
  unsigned extra[] = {5, 3, 4, 2};
  for (unsigned d = 0;; ++d) {
    expectLoad(c);
    expectStore(c, false);
    expectStore(c, true);
    if (d == 4)
      break;
    c.extents.push_back(extra[d]);
    c.box.push_back(2);
    c.at.push_back(d % 2 ? -1 : 1);
  }
}

TEST(TensorCopy, NarrowTypesAndElementStrides) {
  for (auto [type, bytes] : {std::pair{kU8, 1u}, {kU16, 2u}, {kU32, 4u}}) {
    Case c;
    c.type = type;
    c.bytes = bytes;
    c.extents = {80, 9};
    c.box = {32, 4};
    c.at = {7, 6};
    expectLoad(c);
    c.elementStrides = {2, 3};
    expectLoad(c);
    expectStore(c, false);
  }
}

/// CUTLASS does so for small tensors and drivers up to 13.1. Where that word was the tensor's address, a kernel of two
/// tensors multiplied the first by itself.
TEST(TensorCopy, TheHostMayClearABitOfTheSecondWord) {
  Case c = plane(3, {4, 3});
  c.hostClearsBit = true;
  expectLoad(c);
}

TEST(TensorCopy, WhatTheDriverRefuses) {
  Host host({}, "h100");
  CUdeviceptr base = host.allocate(1 << 16);
  CUtensorMap map;
  auto refused = [&](const Case &c, CUdeviceptr at, const std::string &words) {
    EXPECT_EQ(encode(host, c, at, map), CUDA_ERROR_INVALID_VALUE) << words;
    EXPECT_NE(host.driver.faultReport().find(words), std::string::npos) << host.driver.faultReport();
  };
  EXPECT_EQ(encode(host, plane(3, {0, 0}), base, map), CUDA_SUCCESS);
  refused(plane(3, {0, 0}), base + 8, "globalAddress");
  Case c = plane(0, {0, 0});
  c.box[1] = 257;
  refused(c, base, "boxDim");
  c = plane(0, {0, 0});
  c.box[0] = 6;
  refused(c, base, "not a multiple of 16");
  c = plane(1, {0, 0});
  c.box[0] = 16;
  refused(c, base, "of the swizzle");
  c = plane(0, {0, 0});
  c.extents[1] = 0;
  refused(c, base, "globalDim");
  c = plane(0, {0, 0});
  c.elementStrides = {9, 1};
  refused(c, base, "elementStrides");
  c = plane(0, {0, 0});
  c.fill = 1;
  refused(c, base, "oobFill");
  c = plane(0, {0, 0});
  c.type = 99;
  refused(c, base, "tensorDataType");
  Host old({}, "a100");
  EXPECT_NE(encode(old, plane(0, {0, 0}), base, map), CUDA_SUCCESS);
}

TEST(TensorCopy, BadMaps) {
  Host host({}, "h100");
  CUdeviceptr buffer = host.allocate(4096);
  CUtensorMap map = {};
  std::string load = initBarrier(0, 1) + kSync +
                     byFirst(expectBytes(0, 1280) + "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_"
                                                    "tx::bytes [tile], [%rd1, {0, 0}], [bar];\n");
  CUfunction function = host.load(kernel(load));
  ASSERT_NE(function, nullptr) << host.log;
  EXPECT_NE(host.launch(function, 1, 32, 0, map, buffer), CUDA_SUCCESS);
  EXPECT_NE(host.report.find("bad tensor map"), std::string::npos) << host.report;

  Host other({}, "h100");
  Case c = plane(0, {0, 0});
  c.extents.push_back(3);
  c.box.push_back(1);
  ASSERT_EQ(encode(other, c, other.upload(pattern(c.tensorBytes(), 1)), map), CUDA_SUCCESS);
  function = other.load(kernel(load));
  EXPECT_NE(other.launch(function, 1, 32, 0, map, buffer), CUDA_SUCCESS);
  EXPECT_NE(other.report.find("has 3 dimensions, the instruction 2"), std::string::npos) << other.report;
}

/// Makes a map of `first`, or of zeros, one of `second`, field by field in shared memory, and loads a box by it. The
/// buffer holds the address of the second tensor, the map at 128 and the box at 256.
std::string replaceAndLoad(const Case &second, unsigned stride, bool fromZeros = false) {
  std::string text, map = "tensormap.replace.tile.";
  for (unsigned piece = 0; piece < 128; piece += 8)
    text += (fromZeros ? "mov.u64 %rd4, 0;\n" : "ld.u64 %rd4, [%rd1+" + std::to_string(piece) + "];\n") +
            "st.shared.u64 [tile+" + std::to_string(piece) + "], %rd4;\n";
  text += "ld.global.u64 %rd4, [%rd2];\n" + map + "global_address.shared::cta.b1024.b64 [tile], %rd4;\n" + map +
          "rank.shared::cta.b1024.b32 [tile], 1;\nmov.u64 %rd5, " + std::to_string(stride) + ";\n" + map +
          "global_stride.shared::cta.b1024.b64 [tile], 0, %rd5;\n" + map +
          "elemtype.shared::cta.b1024.b32 [tile], 2;\n" + map + "swizzle_mode.shared::cta.b1024.b32 [tile], 1;\n" +
          map + "interleave_layout.shared::cta.b1024.b32 [tile], 0;\n" + map +
          "fill_mode.shared::cta.b1024.b32 [tile], 0;\n";
  for (unsigned d = 0; d < 2; ++d) {
    std::string number = std::to_string(d), end = std::to_string(second.extents[d]);
    text += map + "box_dim.shared::cta.b1024.b32 [tile], " + number + ", " + std::to_string(second.box[d]) + ";\n" +
            "mov.u32 %r3, " + end + ";\n" + map + "global_dim.shared::cta.b1024.b32 [tile], " + number + ", %r3;\n" +
            map + "element_stride.shared::cta.b1024.b32 [tile], " + number + ", 1;\n";
  }
  return initBarrier(0, 1) + byFirst(text) +
         "bar.warp.sync -1;\nadd.u64 %rd5, %rd2, 128;\ntensormap.cp_fenceproxy.global.shared::cta.tensormap::generic."
         "release.gpu.sync.aligned [%rd5], [tile], 128;\nfence.proxy.tensormap::generic.acquire.gpu [%rd5], 128;\n" +
         "fence.proxy.async;\n" + kSync +
         byFirst(
             expectBytes(0, static_cast<unsigned>(second.boxBytes())) +
             "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [tile+1024], [%rd5, " +
             coordinates(second) + "], [bar];\n") +
         waitBarrier(0, "0") +
         "setp.lt.u32 %p1, %r0, 24;\nmul.lo.u32 %r1, %r0, 4;\nmov.u32 %r2, tile;\nadd.u32 %r2, "
         "%r2, %r1;\nmul.wide.u32 %rd6, %r0, 4;\nadd.u64 %rd6, %rd6, %rd2;\n@%p1 ld.shared.u32 "
         "%r4, [%r2+1024];\n@%p1 st.global.u32 [%rd6+256], %r4;\n";
}

/// 20 x 10 words, of which a box of 8 x 3 hangs over two edges.
Case replacement() {
  Case c;
  c.extents = {20, 10};
  c.box = {8, 3};
  c.at = {16, 8};
  c.swizzle = 1;
  return c;
}

/// Launches `text`, a replaceAndLoad; empty if the box is right, else the device's report.
std::string runReplaced(const Case &second, const std::string &text) {
  Host host({}, "h100");
  Case first = plane(3, {0, 0});
  first.type = kF32;
  std::vector<uint8_t> tensor = pattern(second.tensorBytes(), 4);
  CUdeviceptr base = host.upload(pattern(first.tensorBytes(), 1)), other = host.upload(tensor);
  CUdeviceptr buffer = host.allocate(512);
  host.driver.memcpyHtoDAsync(buffer, &other, 8, nullptr);
  CUtensorMap map;
  EXPECT_EQ(encode(host, first, base, map), CUDA_SUCCESS) << host.driver.faultReport();
  CUfunction function = host.load(kernel(text));
  EXPECT_NE(function, nullptr) << host.log;
  if (host.launch(function, 1, 32, 0, map, buffer) != CUDA_SUCCESS)
    return host.report;
  std::vector<uint8_t> got = host.download<uint8_t>(buffer + 256, second.boxBytes());
  eachElement(second, [&](size_t shared, long long from) {
    for (unsigned b = 0; b < 4; ++b)
      EXPECT_EQ(got[shared + b], from < 0 ? 0 : tensor[static_cast<size_t>(from) + b]) << shared;
  });
  return {};
}

TEST(TensorCopy, ReplacedFields) {
  Case second = replacement();
  EXPECT_EQ(runReplaced(second, replaceAndLoad(second, 80)), "");
  std::string report = runReplaced(second, replaceAndLoad(second, 24));
  EXPECT_NE(report.find("bad tensor map"), std::string::npos) << report;
  EXPECT_NE(report.find("after tensormap.replace: globalStrides"), std::string::npos) << report;
}

/// Triton makes its maps so: 128 zero bytes, then every field that is not 0.
TEST(TensorCopy, AMapMadeOfZeros) {
  Case second = replacement();
  std::string text = replaceAndLoad(second, 80, true);
  EXPECT_EQ(runReplaced(second, text), "");

  std::string forgotten = text, line = "tensormap.replace.tile.element_stride.shared::cta.b1024.b32 [tile], 1, 1;\n";
  forgotten.erase(forgotten.find(line), line.size());
  std::string report = runReplaced(second, forgotten);
  EXPECT_NE(report.find("elementStrides of dimension 1 was not set"), std::string::npos) << report;

  size_t zero = text.find("mov.u64 %rd4, 0;");
  report = runReplaced(second, text.replace(zero, 16, "mov.u64 %rd4, 9;"));
  EXPECT_NE(report.find("neither a tensor map"), std::string::npos) << report;
}

} // namespace
