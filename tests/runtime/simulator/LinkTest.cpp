//===- LinkTest.cpp - Several PTX texts as one module ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// External functions and variables stand for the definitions of another text, internal names stay apart, weak
// definitions give way, and what is defined twice or nowhere is told.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

#include "runtime/simulator/DeviceExtras.h"

using namespace imbrex::simulator;
using namespace imbrex::simulator::testing;

namespace {

const std::string kHead = ".version 8.0\n.target sm_90\n.address_size 64\n";

/// A kernel that stores what `value` puts into %r1.
std::string kernelThat(const std::string &declarations, const std::string &value) {
  return kHead + declarations +
         ".visible .entry k(.param .u64 out)\n{\n.reg .b32 %r<4>;\n.reg .b64 %rd<2>;\nld.param.u64 %rd1, [out];\n" +
         value + "st.global.u32 [%rd1], %r1;\nret;\n}\n";
}

std::string functionThat(const std::string &linkage, const std::string &name, const std::string &value) {
  return linkage + " .func (.param .b32 result) " + name + "()\n{\n.reg .b32 %r<4>;\n" + value +
         "st.param.b32 [result], %r1;\nret;\n}\n";
}

const std::string kCall = "{\n.param .b32 got;\ncall (got), f, ();\nld.param.b32 %r1, [got];\n}\n";
const std::string kDeclared = ".extern .func (.param .b32 result) f();\n";

/// What kernel `k` of the linked texts stores, or the device's words.
std::string runLinked(const std::vector<std::string> &texts) {
  SimulatedDevice device = *makeSimulatedDevice("h100");
  DriverTable &driver = device.table;
  CUcontext context;
  driver.init(0);
  driver.primaryContextRetain(&context, 0);
  driver.contextPushCurrent(context);
  CUmodule module;
  CUfunction function;
  CUdeviceptr out;
  unsigned value = 0;
  driver.memAlloc(&out, 4);
  void *arguments[] = {&out};
  bool right = device.extras.loadLinked(&module, texts) == CUDA_SUCCESS &&
               driver.moduleGetFunction(&function, module, "k") == CUDA_SUCCESS &&
               driver.launchKernel(function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr) == CUDA_SUCCESS &&
               driver.memcpyDtoHAsync(&value, out, 4, nullptr) == CUDA_SUCCESS;
  std::string report = right ? std::to_string(value) : driver.faultReport();
  driver.contextPopCurrent(nullptr);
  return report;
}

void expectWords(const std::string &report, const std::vector<std::string> &words) {
  for (const std::string &word : words)
    EXPECT_NE(report.find(word), std::string::npos) << "no '" << word << "' in: " << report;
}

} // namespace

/// numba-cuda calls functions that return nothing as if they returned a word.
TEST(Link, AResultOfAFunctionThatReturnsNothing) {
  std::string nothing = kHead + ".visible .func f()\n{\nret;\n}\n";
  EXPECT_EQ(runLinked({kernelThat(kDeclared, "mov.b32 %r1, 7;\n" + kCall + "mov.b32 %r1, 7;\n"), nothing}), "7");
  std::string used = runLinked({kernelThat(kDeclared, kCall + "add.u32 %r1, %r1, 1;\n"), nothing});
  expectWords(used, {"uninitialised read", "st.global"});
}

TEST(Link, FunctionsAndVariablesOfOtherTexts) {
  std::string function =
      kHead + ".extern .global .u32 v;\n" + functionThat(".visible", "f", "ld.global.u32 %r1, [v];\n");
  std::string variable = kHead + ".visible .global .u32 v = 42;\n";
  std::string kernel = kernelThat(kDeclared, kCall);
  EXPECT_EQ(runLinked({kernel, function, variable}), "42");
  EXPECT_EQ(runLinked({variable, function, kernel}), "42");
}

TEST(Link, InternalNamesStayApart) {
  auto text = [](const std::string &name, const std::string &value) {
    return ".global .u32 own = " + value + ";\n" + functionThat(".visible", name, "ld.global.u32 %r1, [own];\n");
  };
  std::string add = ".extern .func (.param .b32 result) g();\n";
  std::string both = kCall + "mov.u32 %r2, %r1;\n{\n.param .b32 got;\ncall (got), g, ();\nld.param.b32 %r1, [got];\n}\n"
                             "mad.lo.u32 %r1, %r2, 100, %r1;\n";
  EXPECT_EQ(runLinked({kernelThat(kDeclared + add, both), kHead + text("f", "7"), kHead + text("g", "9")}), "709");
}

TEST(Link, WeakDefinitionsGiveWay) {
  std::string weak = kHead + functionThat(".weak", "f", "mov.u32 %r1, 1;\n");
  std::string strong = kHead + functionThat(".visible", "f", "mov.u32 %r1, 2;\n");
  std::string kernel = kernelThat(kDeclared, kCall);
  EXPECT_EQ(runLinked({weak, kernel, strong}), "2");
  EXPECT_EQ(runLinked({strong, kernel, weak}), "2");
  EXPECT_EQ(runLinked({weak, kernel, weak}), "1");
}

/// 5.4.x, .common: the largest of several stays.
TEST(Link, CommonVariablesAreOne) {
  std::string store = ".common .global .u32 v[2];\n";
  std::string kernel = kernelThat(".common .global .u32 v;\n",
                                  "mov.u32 %r1, 5;\nst.global.u32 [v+4], %r1;\nld.global.u32 %r1, [v+4];\n");
  EXPECT_EQ(runLinked({kernel, kHead + store}), "5");
}

TEST(Link, TellsWhatIsDefinedTwiceOrNowhere) {
  std::string one = kHead + functionThat(".visible", "f", "mov.u32 %r1, 1;\n");
  std::string kernel = kernelThat(kDeclared, kCall);
  expectWords(runLinked({kernel, one, one}), {"'f'", "inputs 2 and 3"});
  expectWords(runLinked({kernel, kHead}), {"PTX line", "f"});
  expectWords(runLinked({kernelThat(".extern .global .u32 v;\n", "ld.global.u32 %r1, [v];\n"), kHead}),
              {"unresolved external variable 'v'"});
}

/// Lines are those of the texts one behind the other: a fault in the second shows its own instruction.
TEST(Link, FaultsNameTheLineOfTheWhole) {
  std::string bad =
      kHead + functionThat(".visible", "f", ".reg .b64 %rd<2>;\nmov.u64 %rd1, 64;\nld.global.u32 %r1, [%rd1];\n");
  std::string report = runLinked({kernelThat(kDeclared, kCall), bad});
  expectWords(report, {"out of bounds", "ld.global.u32 %r1, [%rd1];", "PTX line 26"});
}
