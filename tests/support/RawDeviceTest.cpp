//===- RawDeviceTest.cpp - PTX of one's own on the simulated device -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory, a launch with parameters of several sizes, and what is told where something is wrong.
//
//===----------------------------------------------------------------------===//

#include "tests/support/RawDevice.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace imbrex;
using namespace imbrex::testing;

/// out[thread] = a + b * thread, by 32 threads; `shift` is added to the address.
static const char kAffine[] = R"(.version 8.0
.target sm_80
.address_size 64
.visible .entry affine(.param .u64 out, .param .f32 a, .param .f32 b, .param .u32 shift)
{
  .reg .b32 %r<4>;
  .reg .f32 %f<6>;
  .reg .b64 %rd<6>;
  ld.param.u64 %rd1, [out];
  ld.param.f32 %f1, [a];
  ld.param.f32 %f2, [b];
  ld.param.u32 %r1, [shift];
  mov.u32 %r2, %tid.x;
  cvt.rn.f32.u32 %f3, %r2;
  fma.rn.f32 %f4, %f2, %f3, %f1;
  mad.wide.u32 %rd2, %r2, 4, %rd1;
  cvt.u64.u32 %rd3, %r1;
  add.s64 %rd2, %rd2, %rd3;
  st.global.f32 [%rd2], %f4;
  ret;
}
)";

TEST(RawDevice, LaunchesPtx) {
  RawDevice device = RawDevice::open("sim:h200").value();
  EXPECT_TRUE(device.info().simulated);
  EXPECT_EQ(device.info().major, 9u);
  RawDevice::Memory out = device.allocate(128).value();
  RawDevice::Kernel kernel = device.load(kAffine, "affine").value();
  std::vector<RawArgument> arguments = {out.address(), 1.5f, 0.25f, uint32_t(0)};
  device.launch(kernel, {}, arguments).value();
  std::vector<float> values(32);
  out.download(std::as_writable_bytes(std::span(values))).value();
  for (size_t i = 0; i < 32; ++i)
    EXPECT_EQ(values[i], 1.5f + 0.25f * float(i));
  EXPECT_TRUE(std::isnan(device.time(kernel, {}, arguments, 10).value()));
}

TEST(RawDevice, MemoryIsFilledAndCopied) {
  RawDevice device = RawDevice::open("sim:a100").value();
  RawDevice::Memory memory = device.allocate(16, 0x5a).value();
  std::vector<uint8_t> sent = {1, 2, 3}, found(16);
  memory.upload(std::as_bytes(std::span(sent))).value();
  memory.download(std::as_writable_bytes(std::span(found))).value();
  std::vector<uint8_t> expected(16, 0x5a);
  std::copy(sent.begin(), sent.end(), expected.begin());
  EXPECT_EQ(found, expected);
}

TEST(RawDevice, TellsWhatIsWrong) {
  for (const char *id : {"", "h200", "sim:h900", "cuda:zero", "gpu:0"}) {
    Result<RawDevice> none = RawDevice::open(id);
    ASSERT_FALSE(none) << id;
    EXPECT_EQ(none.error().kind, ErrorKind::NoDevice);
  }
  RawDevice device = RawDevice::open("sim:h200").value();
  Result<RawDevice::Kernel> damaged = device.load(std::string(kAffine) + "x", "affine");
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().kind, ErrorKind::Assemble);
  EXPECT_NE(damaged.error().report.find("line 22"), std::string::npos) << damaged.error().render();
  EXPECT_FALSE(device.load(kAffine, "other"));
}

TEST(RawDevice, AFaultIsAnError) {
  RawDevice device = RawDevice::open("sim:h200").value();
  RawDevice::Memory out = device.allocate(128).value();
  RawDevice::Kernel kernel = device.load(kAffine, "affine").value();
  Result<void> strayed = device.launch(kernel, {}, {out.address(), 1.0f, 1.0f, uint32_t(1 << 30)});
  ASSERT_FALSE(strayed);
  EXPECT_EQ(strayed.error().kind, ErrorKind::Fault);
  EXPECT_NE(strayed.error().report.find("out of bounds"), std::string::npos);
}
