//===- SimulatorBenchmark.cpp - How fast the simulated device runs --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Prints warp-instructions a second of a loop shaped like an attention kernel's: per matrix product
// one ldmatrix.x4 and a few scalar instructions, with every check on. A program to run by hand; its
// numbers are the host's, never a device's.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/SimulatedDriver.h"

#include <chrono>
#include <cstdio>

using namespace imbrex::cuda;

namespace {

/// Eight products, four ldmatrix, eight exponentials and some address arithmetic an iteration.
std::string benchmarkText() {
  std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n.extern .shared .align 16 .b8 tile[];\n"
                     ".visible .entry k(.param .u64 out, .param .u32 count)\n{\n.reg .pred %p<4>;\n.reg .b32 "
                     "%r<64>;\n.reg .f32 %f<64>;\n"
                     ".reg .b64 %rd<8>;\nld.param.u64 %rd1, [out];\nld.param.u32 %r1, [count];\nmov.u32 %r2, "
                     "%tid.x;\nmov.u32 %r3, tile;\n"
                     "shl.b32 %r4, %r2, 4;\nadd.u32 %r5, %r3, %r4;\nst.shared.v4.u32 [%r5], {0, 0, 0, "
                     "0};\nst.shared.v4.u32 [%r5+2048], {0, 0, 0, 0};\n"
                     "and.b32 %r6, %r4, 511;\nadd.u32 %r6, %r3, %r6;\n";
  for (int i = 0; i < 32; ++i)
    text += "mov.f32 %f" + std::to_string(i) + ", 0f00000000;\n";
  text += "LOOP:\nbar.sync 0;\n";
  for (int i = 0; i < 8; ++i) {
    std::string d = std::to_string(4 * i), e = std::to_string(4 * i + 1), f = std::to_string(4 * i + 2),
                g = std::to_string(4 * i + 3);
    if (i % 2 == 0)
      text += "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r6+" +
              std::to_string(512 * (i / 2)) + "];\n";
    text += "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%f" + d + ", %f" + e + ", %f" + f + ", %f" + g +
            "}, {%r10, %r11, %r12, %r13}, {%r10, %r11}, {%f" + d + ", %f" + e + ", %f" + f + ", %f" + g + "};\n";
    text += "ex2.approx.ftz.f32 %f40, %f" + d + ";\nfma.rn.f32 %f41, %f40, %f" + e + ", %f" + f + ";\n";
  }
  return text + "sub.u32 %r1, %r1, 1;\nsetp.ne.u32 %p1, %r1, 0;\n@%p1 bra LOOP;\nret;\n}\n";
}

} // namespace

int main() {
  auto driver = *imbrex::simulator::makeSimulatedDriver("a100");
  CUcontext context;
  CUmodule module;
  CUfunction function;
  driver.init(0);
  driver.primaryContextRetain(&context, 0);
  driver.contextPushCurrent(context);
  if (driver.moduleLoadDataEx(&module, benchmarkText().c_str(), 0, nullptr, nullptr) != CUDA_SUCCESS) {
    std::printf("%s\n", driver.faultReport().c_str());
    return 1;
  }
  driver.moduleGetFunction(&function, module, "k");
  constexpr unsigned kBlocks = 32, kWarps = 4, kRounds = 500;
  CUdeviceptr out = 0;
  unsigned rounds = kRounds;
  void *arguments[] = {&out, &rounds};
  auto start = std::chrono::steady_clock::now();
  CUresult status = driver.launchKernel(function, kBlocks, 1, 1, 32 * kWarps, 1, 1, 4096, nullptr, arguments, nullptr);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (status != CUDA_SUCCESS) {
    std::printf("%s\n", driver.faultReport().c_str());
    return 1;
  }
  double products = double(kBlocks) * kWarps * kRounds * 8, instructions = double(kBlocks) * kWarps * kRounds * 32;
  std::printf(
      "host time %.3f s: %.2f million warp-instructions/s, %.2f million mma.m16n8k16/s, %.2f simulated GFLOP/s\n",
      seconds, instructions / seconds / 1e6, products / seconds / 1e6, products * 4096 / seconds / 1e9);
  return 0;
}
