//===- CallTest.cpp - Device functions on the simulated device ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Calls, results, recursion, calls through registers, tables of branches, stack and heap, printf and assert.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

using namespace imbrex::simulator::testing;

namespace {

std::string store(const std::string &reg) { return "cvt.u64.u32 %rd6, " + reg + ";\nst.global.u64 [%rd3], %rd6;\n"; }

/// A call of `name` with one 32-bit argument and one 32-bit result.
std::string callOf(const std::string &name, const std::string &argument, const std::string &result,
                   const std::string &tail = "") {
  return "{\n.param .b32 a;\n.param .b32 r;\nst.param.b32 [a], " + argument + ";\ncall.uni (r), " + name + ", (a)" +
         tail + ";\nld.param.b32 " + result + ", [r];\n}\n";
}

std::string function(const std::string &name, const std::string &body) {
  return ".func (.param .b32 r) " + name +
         "(.param .b32 a)\n{\n.reg .pred %p<4>;\n.reg .b32 %r<8>;\n.reg .b64 %rd<4>;\n"
         "ld.param.b32 %r1, [a];\n" +
         body + "st.param.b32 [r], %r2;\nret;\n}\n";
}

TEST(Call, PassesAndReturns) {
  auto out = runBody(callOf("triple", "%r0", "%r2") + callOf("triple", "%r2", "%r2") + store("%r2"), {},
                     function("triple", "mul.lo.u32 %r2, %r1, 3;\n"));
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], 9 * i);
}

TEST(Call, DivergedLanesMeetBehindTheCall) {
  // The function returns early for some lanes; the caller is whole again.
  auto out = runBody(
      callOf("f", "%r0", "%r2") + "activemask.b32 %r3;\nsetp.ne.u32 %p1, %r3, -1;\n@%p1 trap;\n" + store("%r2"), {},
      function("f", "setp.lt.u32 %p1, %r1, 9;\nmov.b32 %r2, 1;\n@%p1 bra EARLY;\nadd.u32 %r2, %r1, 100;\n"
                    "EARLY:\n"));
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i < 9 ? 1 : i + 100);
}

TEST(Call, UnderAGuard) {
  auto out =
      runBody("mov.b32 %r2, 5;\nsetp.gt.u32 %p1, %r0, 20;\n{\n.param .b32 a;\n.param .b32 r;\nst.param.b32 [a], %r0;\n"
              "@%p1 call (r), triple, (a);\n@%p1 ld.param.b32 %r2, [r];\n}\n" +
                  store("%r2"),
              {}, function("triple", "mul.lo.u32 %r2, %r1, 3;\n"));
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i > 20 ? 3 * i : 5);
}

TEST(Call, RecursionKeepsRegisters) {
  // fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2), every lane to its own depth.
  std::string fib =
      function("fib", "mov.b32 %r2, %r1;\nsetp.lt.u32 %p1, %r1, 2;\n@%p1 bra DONE;\nsub.u32 %r3, %r1, 1;\n" +
                          callOf("fib", "%r3", "%r4") + "sub.u32 %r3, %r1, 2;\n" + callOf("fib", "%r3", "%r5") +
                          "add.u32 %r2, %r4, %r5;\nDONE:\n");
  auto out = runBody("and.b32 %r1, %r0, 15;\n" + callOf("fib", "%r1", "%r2") +
                         "activemask.b32 %r3;\nsetp.ne.u32 %p1, %r3, -1;\n@%p1 trap;\n" + store("%r2"),
                     {}, ".func (.param .b32 r) fib(.param .b32 a);\n" + fib);
  uint64_t expected[16] = {0, 1};
  for (unsigned i = 2; i < 16; ++i)
    expected[i] = expected[i - 1] + expected[i - 2];
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], expected[i % 16]);
}

TEST(Call, ThroughATableOfFunctions) {
  std::string table = ".global .u64 table[2] = {twice, square};\n";
  std::string body =
      "and.b32 %r1, %r0, 1;\nmul.wide.u32 %rd6, %r1, 8;\nmov.u64 %rd7, table;\nadd.s64 %rd7, %rd7, %rd6;\n"
      "ld.global.u64 %rd8, [%rd7];\n" +
      callOf("%rd8", "%r0", "%r2", ", proto") + "proto : .callprototype (.param .b32 _) _ (.param .b32 _);\n" +
      store("%r2");
  auto out = runBody(body, {},
                     function("twice", "add.u32 %r2, %r1, %r1;\n") + function("square", "mul.lo.u32 %r2, %r1, %r1;\n") +
                         table);
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i % 2 ? i * i : 2 * i);
}

TEST(Call, RegistersAsParameters) {
  auto out = runBody("call (%r2), sum, (%r0, 7);\n" + store("%r2"), {},
                     ".func (.reg .b32 %s) sum(.reg .b32 %a, .reg .b32 %b)\n{\nadd.u32 %s, %a, %b;\nret;\n}\n");
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i + 7);
}

TEST(Call, FramesAreApart) {
  // The callee fills its own array; the caller's pointer to its own stays good.
  std::string callee =
      ".func f(.param .b64 p)\n{\n.local .b32 mine[4];\n.reg .b64 %rd<4>;\nld.param.b64 %rd1, [p];\n"
      "mov.b64 %rd2, mine;\nst.local.b32 [mine], 1;\nst.local.b32 [%rd2+4], 2;\nst.b32 [%rd1], 77;\nret;\n}\n";
  auto out = runBody(".local .b32 own[4];\nst.local.b32 [own], 5;\nst.local.b32 [own+4], 6;\nmov.b64 %rd7, own;\n"
                     "cvta.local.u64 %rd8, %rd7;\n{\n.param .b64 p;\nst.param.b64 [p], %rd8;\ncall f, (p);\n}\n"
                     "ld.local.b32 %r1, [own];\nld.local.b32 %r2, [own+4];\nmad.lo.u32 %r2, %r1, 100, %r2;\n" +
                         store("%r2"),
                     {}, callee);
  EXPECT_EQ(out[3], 7706u);
}

TEST(Call, TablesOfBranches) {
  auto out =
      runBody("and.b32 %r1, %r0, 3;\nbrx.idx %r1, LIST;\nLIST: .branchtargets A, B, A, C;\nA:\nmov.b32 %r2, 10;\n"
              "bra JOIN;\nB:\nmov.b32 %r2, 20;\nbra JOIN;\nC:\nmov.b32 %r2, 30;\nJOIN:\nactivemask.b32 %r3;\n"
              "setp.ne.u32 %p1, %r3, -1;\n@%p1 trap;\n" +
                  store("%r2"),
              {});
  for (uint64_t i = 0; i < 32; ++i)
    EXPECT_EQ(out[i], i % 4 == 1 ? 20u : i % 4 == 3 ? 30u : 10u);
}

TEST(Call, StackOfTheThread) {
  auto out =
      runBody("mov.b64 %rd7, 64;\nstacksave.u64 %rd9;\nalloca.u64 %rd8, %rd7, 16;\nst.local.u32 [%rd8+60], %r0;\n"
              "ld.local.u32 %r2, [%rd8+60];\nstackrestore.u64 %rd9;\n" +
                  store("%r2"),
              {});
  EXPECT_EQ(out[9], 9u);
}

TEST(Call, VolatileBytesOfAThreadAreAlignedAsItsAddresses) {
  auto out =
      runBody(".local .align 8 .b8 mine[20];\nmov.u64 %rd7, mine;\ncvt.u64.u32 %rd8, %r0;\n"
              "st.volatile.local.u64 [%rd7+8], %rd8;\nld.volatile.local.u64 %rd9, [%rd7+8];\ncvt.u32.u64 %r2, %rd9;\n" +
                  store("%r2"),
              {});
  EXPECT_EQ(out[9], 9u);
}

/// Launches the body for one warp; the report of its fault, empty if there was none.
std::string reportOf(const std::string &body, const std::string &declarations) {
  Host host;
  CUfunction function = host.load(kernelText(body, declarations));
  EXPECT_EQ(host.status, CUDA_SUCCESS) << host.log;
  if (!function)
    return host.log;
  CUdeviceptr out = host.allocate(512);
  host.launch(function, 1, 32, 0, out, out);
  return host.report;
}

TEST(Call, DynamicParallelismIsRefusedByName) {
  std::string declaration = ".extern .func (.param .b32 r) __cudaCDP2LaunchDeviceV2(.param .b64 a, .param .b64 b);\n";
  Host host;
  EXPECT_EQ(host.load(kernelText("{\n.param .b32 r;\n.param .b64 a;\n.param .b64 b;\nst.param.b64 [a], %rd1;\n"
                                 "st.param.b64 [b], %rd1;\ncall.uni (r), __cudaCDP2LaunchDeviceV2, (a, b);\n}\n",
                                 declaration)),
            nullptr);
  EXPECT_NE(host.log.find("dynamic parallelism is not modelled"), std::string::npos) << host.log;
}

TEST(Call, EndlessRecursionExhaustsTheStack) {
  for (std::string variables : {".local .b8 pad[8192];\n", ""}) {
    std::string report = reportOf(callOf("f", "%r0", "%r2"), ".func (.param .b32 r) f(.param .b32 a);\n" +
                                                                 function("f", variables + callOf("f", "%r1", "%r2")));
    EXPECT_NE(report.find("exhausts the stack"), std::string::npos) << report;
  }
  EXPECT_NE(reportOf("call f, ();", ".func f()\n{\ncall f, ();\nret;\n}\n").find("exhausts the stack"),
            std::string::npos);
}

TEST(Call, UndefinedResultsAreTold) {
  std::string bad = function("f", "setp.gt.u32 %p1, %r1, 3;\n@%p1 bra SKIP;\nmov.b32 %r2, 1;\nSKIP:\n");
  std::string report = reportOf(callOf("f", "%r0", "%r2") + "add.u32 %r2, %r2, 1;\n" + store("%r2"), bad);
  EXPECT_NE(report.find("uninitialised read"), std::string::npos) << report;
}

TEST(Call, UnresolvedFunctionsAreRefused) {
  Host host;
  host.load(kernelText(callOf("elsewhere", "%r0", "%r2"), ".extern .func (.param .b32 r) elsewhere(.param .b32 a);\n"));
  EXPECT_EQ(host.status, CUDA_ERROR_INVALID_PTX);
  EXPECT_NE(host.log.find("'elsewhere' is declared, but nobody defines it"), std::string::npos) << host.log;
}

const std::string kPrintf =
    ".extern .func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a);\n"
    ".global .align 1 .b8 text[22] = {108, 97, 110, 101, 32, 37, 100, 58, 32, 37, 46, 50, 102, 32, 37, "
    "108, 108, 120, 37, 37, 10, 0};\n"; // "lane %d: %.2f %llx%%\n"

TEST(SystemCall, PrintsWithConversions) {
  std::string body =
      "setp.ne.u32 %p1, %r0, 3;\n@%p1 bra DONE;\n.local .align 8 .b8 args[24];\nst.local.u32 [args], %r0;\n"
      "mov.f64 %d1, 0d3FF4000000000000;\nst.local.f64 [args+8], %d1;\nst.local.u64 [args+16], 0xabcdef0123;\n"
      "mov.u64 %rd7, args;\ncvta.local.u64 %rd8, %rd7;\nmov.u64 %rd9, text;\n{\n.param .b64 f;\n.param .b64 a;\n"
      ".param .b32 r;\nst.param.b64 [f], %rd9;\nst.param.b64 [a], %rd8;\ncall.uni (r), vprintf, (f, a);\n"
      "ld.param.b32 %r1, [r];\n}\nsetp.ne.u32 %p1, %r1, 3;\n@%p1 trap;\nDONE:";
  ::testing::internal::CaptureStdout();
  std::string report = reportOf(body, kPrintf);
  std::fflush(stdout);
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "lane 3: 1.25 abcdef0123%\n");
  EXPECT_EQ(report, "");
}

TEST(SystemCall, AssertionsNameTheirPlace) {
  std::string text =
      ".global .b8 m[6] = {120, 32, 62, 32, 48, 0};\n.global .b8 f[5] = {107, 46, 99, 117, 0};\n"
      ".extern .func __assertfail(.param .b64 a, .param .b64 b, .param .b32 c, .param .b64 d, .param .b64 e);\n";
  std::string body =
      "mov.u64 %rd7, m;\nmov.u64 %rd8, f;\n{\n.param .b64 a;\n.param .b64 b;\n.param .b32 c;\n.param .b64 d;\n"
      ".param .b64 e;\nst.param.b64 [a], %rd7;\nst.param.b64 [b], %rd8;\nst.param.b32 [c], 42;\n"
      "st.param.b64 [d], %rd8;\nst.param.b64 [e], 1;\ncall.uni __assertfail, (a, b, c, d, e);\n}";
  std::string report = reportOf(body, text);
  EXPECT_NE(report.find("assertion failed in kernel 'k': 'x > 0' at k.cu:42"), std::string::npos) << report;
}

const std::string kHeap = ".extern .func (.param .b64 r) malloc(.param .b64 n);\n.extern .func free(.param .b64 p);\n";
const std::string kMalloc = "{\n.param .b64 n;\n.param .b64 r;\nst.param.b64 [n], 16;\ncall.uni (r), malloc, (n);\n"
                            "ld.param.b64 %rd7, [r];\n}\n";
const std::string kFree = "{\n.param .b64 p;\nst.param.b64 [p], %rd7;\ncall.uni free, (p);\n}\n";

TEST(SystemCall, HeapBlocksAreWatched) {
  std::string use = "st.u32 [%rd7+12], %r0;\nld.u32 %r1, [%rd7+12];\nsetp.ne.u32 %p1, %r1, %r0;\n@%p1 trap;\n";
  EXPECT_EQ(reportOf(kMalloc + use + kFree, kHeap), "");
  EXPECT_NE(reportOf(kMalloc + "st.u32 [%rd7+16], %r0;", kHeap).find("out of bounds"), std::string::npos);
  EXPECT_NE(reportOf(kMalloc + kFree + kFree, kHeap).find("freed before"), std::string::npos);
  EXPECT_NE(reportOf(kMalloc + kFree + "st.u32 [%rd7], %r0;", kHeap).find("out of bounds"), std::string::npos);
}

TEST(Driver, FindsVariablesOfAModule) {
  Host host;
  CUmodule module = nullptr;
  std::string text = kernelText("", ".global .u32 counts[3] = {4, 5, 6};\n.const .u64 c = 9;\n");
  ASSERT_EQ(host.driver.moduleLoadDataEx(&module, text.c_str(), 0, nullptr, nullptr), CUDA_SUCCESS);
  CUdeviceptr address = 0;
  size_t bytes = 0;
  ASSERT_EQ(host.driver.moduleGetGlobal(&address, &bytes, module, "counts"), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 12u);
  EXPECT_EQ(host.download<uint32_t>(address, 3), (std::vector<uint32_t>{4, 5, 6}));
  EXPECT_EQ(host.driver.moduleGetGlobal(nullptr, &bytes, module, "c"), CUDA_SUCCESS);
  EXPECT_EQ(bytes, 8u);
  EXPECT_EQ(host.driver.moduleGetGlobal(&address, &bytes, module, "nowhere"), CUDA_ERROR_NOT_FOUND);
}

} // namespace
