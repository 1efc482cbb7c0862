//===- DefinednessTest.cpp - What undefined bits may do, and what not -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bits that nobody wrote may be loaded, moved, stored and thrown away. A branch, an address, a product and an output
// that depend on them are faults, told with the line where they came from.
//
//===----------------------------------------------------------------------===//

#include "SimulatorTest.h"

using namespace imbrex::simulator::testing;

namespace {

const std::string kShared = ".shared .align 16 .b8 tile[4096];\n";

/// One warp; the report must hold `words`, or without words the launch must succeed. `out` holds nothing at first.
void check(const std::string &body, const std::vector<std::string> &words) {
  Host host;
  CUfunction function = host.load(kernelText(body, kShared));
  ASSERT_EQ(host.status, CUDA_SUCCESS) << host.log;
  CUdeviceptr in = host.upload(std::vector<uint64_t>(64, 5)), out = host.allocate(8192);
  CUresult status = host.launch(function, 1, 32, 0, out, in);
  EXPECT_EQ(status == CUDA_SUCCESS, words.empty()) << body << host.report;
  for (const std::string &word : words)
    EXPECT_NE(host.report.find(word), std::string::npos) << "no '" << word << "' in\n" << host.report;
}

const std::string kLoad = "ld.global.u32 %r1, [%rd3];\n";
const std::string kOut = "st.global.u32 [%rd3+512], %r2;\n";
const std::vector<std::string> kOutput = {"uninitialised read", "stores to global memory", "ld.global.u32 %r1"};

TEST(Definedness, ReadAndThrownAway) { check(kLoad + "add.u32 %r2, %r1, 1;\nmul.lo.u32 %r3, %r2, %r1;", {}); }

TEST(Definedness, CopiesCarryUndefinedBytes) {
  // struct { int a; char b; }: bytes 5 to 7 are padding, and stay so in a copy by way of shared and local memory.
  std::string copy =
      "cvt.u16.u32 %h1, %r0;\nst.global.u32 [%rd3], 1;\nst.global.u8 [%rd3+4], %h1;\n"
      ".local .align 8 .b8 mine[8];\nmov.u64 %rd9, mine;\nmov.u32 %r9, tile;\nmad.lo.u32 %r9, %r0, 8, %r9;\n"
      "ld.global.u64 %rd6, [%rd3];\nst.shared.u64 [%r9], %rd6;\nld.shared.v2.u32 {%r5, %r6}, [%r9];\n"
      "st.local.v2.u32 [%rd9], {%r5, %r6};\nld.local.u64 %rd7, [%rd9];\nst.global.u64 [%rd3+512], %rd7;\n"
      "ld.global.u64 %rd8, [%rd3+512];\n";
  check(copy + "mov.b64 {%r1, %r2}, %rd8;\nand.b32 %r2, %r2, 255;\nadd.u32 %r2, %r2, %r1;\n" + kOut, {});
  check(copy + "mov.b64 {%r1, %r2}, %rd8;\nadd.u32 %r2, %r2, %r1;\n" + kOut,
        {"uninitialised read", "ld.global.u64 %rd8"});
}

TEST(Definedness, AnOutputThatDependsOnThem) {
  check(kLoad + "mov.b32 %r2, %r1;\n" + kOut, {});
  check(kLoad + "add.u32 %r2, %r1, 1;\n" + kOut, kOutput);
  check(kLoad + "cvt.rn.f32.u32 %f1, %r1;\nmov.b32 %r2, %f1;\n" + kOut, kOutput);
  check(kLoad + "red.global.add.u32 [%rd2], %r1;", {"uninitialised read", "an operand", "ld.global.u32 %r1"});
}

TEST(Definedness, MasksAndMovesMakeBitsDefined) {
  // Byte 0 is written, the others are not.
  std::string byte = "cvt.u16.u32 %h1, %r0;\nst.global.u8 [%rd3], %h1;\n" + kLoad,
              use = "add.u32 %r2, %r2, 1;\n" + kOut;
  for (std::string defined :
       {"and.b32 %r2, %r1, 0x3f;", "bfe.u32 %r2, %r1, 2, 6;", "prmt.b32 %r2, %r1, 0, 0x4440;", "shl.b32 %r2, %r1, 24;",
        "cvt.u32.u8 %r2, %r1;", "lop3.b32 %r2, %r1, 255, 0, 0xc0;", "or.b32 %r2, %r1, 0xffffff00;",
        "bfi.b32 %r2, %r1, 0, 4, 8;", "shf.l.clamp.b32 %r2, %r1, 0, 24;\nshl.b32 %r2, %r1, 24;",
        "mov.b32 {%h2, %h3}, %r1;\nand.b16 %h2, %h2, 255;\ncvt.u32.u16 %r2, %h2;"})
    check(byte + defined + "\n" + use, {});
  for (std::string open : {"and.b32 %r2, %r1, 0x1ff;", "bfe.u32 %r2, %r1, 2, 7;", "prmt.b32 %r2, %r1, 0, 0x4441;",
                           "shl.b32 %r2, %r1, 23;", "cvt.u32.u16 %r2, %r1;", "lop3.b32 %r2, %r1, 255, 0, 0xfc;",
                           "xor.b32 %r2, %r1, 0xffffff00;", "not.b32 %r2, %r1;", "shr.u32 %r2, %r1, 8;"})
    check(byte + open + "\n" + use, kOutput);
}

TEST(Definedness, SelectionTakesTheDefinedSide) {
  std::string mine = "setp.lt.u32 %p1, %r0, 32;\n";
  check(kLoad + mine + "selp.u32 %r2, 7, %r1, %p1;\nadd.u32 %r2, %r2, 1;\n" + kOut, {});
  check(kLoad + mine + "selp.u32 %r2, %r1, 7, %p1;\nadd.u32 %r2, %r2, 1;\n" + kOut, kOutput);
  check(kLoad + "setp.eq.u32 %p1, %r1, 3;\nselp.u32 %r2, 1, 2, %p1;\n" + kOut, kOutput);
}

TEST(Definedness, ADecidedConditionIsDefined) {
  std::string test = kLoad + "setp.gt.u32 %p1, %r1, 3;\nsetp.gt.u32 %p2, %r0, 31;\n";
  check(test + "and.pred %p3, %p1, %p2;\n@%p3 trap;", {});
  check(test + "or.pred %p3, %p1, %p2;\n@%p3 trap;", {"uninitialised read", "which threads execute this"});
  check(kLoad + "setp.gt.u32 %p2, %r0, 31;\nsetp.gt.and.u32 %p3, %r1, 3, %p2;\n@%p3 trap;", {});
  check(kLoad + "setp.lt.u32 %p2, %r0, 32;\nsetp.gt.and.u32 %p3, %r1, 3, %p2;\n@%p3 trap;", {"uninitialised read"});
  check(kLoad + "setp.gt.u32 %p2, %r1, 3;\nsetp.gt.and.u32 %p3, %r0, 31, %p2;\n@%p3 trap;", {});
  check(kLoad + "setp.gt.u32 %p2, %r1, 3;\nsetp.lt.or.u32 %p3, %r0, 32, %p2;\n@!%p3 trap;", {});
}

TEST(Definedness, AnAddressThatDependsOnThem) {
  check(kLoad + "and.b32 %r2, %r1, 8;\ncvt.u64.u32 %rd6, %r2;\nadd.s64 %rd7, %rd2, %rd6;\nld.global.u64 %rd8, [%rd7];",
        {"uninitialised read", "the address", "ld.global.u32 %r1"});
}

TEST(Definedness, AProductThatDependsOnThem) {
  std::string product = "mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%f1,%f2,%f3,%f4}, {%r2,%r3}, {%r1}, "
                        "{%f1,%f2,%f3,%f4};\n";
  std::string zeros =
      "mov.b32 %r2, 0;\nmov.b32 %r3, 0;\nmov.f32 %f1, 0f00000000;\nmov.f32 %f2, %f1;\nmov.f32 %f3, %f1;\n"
      "mov.f32 %f4, %f1;\n";
  check(kLoad + zeros + product, {"uninitialised read", "an operand of this instruction", "ld.global.u32 %r1"});
  check("st.global.u32 [%rd3], 0;\n" + kLoad + zeros + product, {});
}

TEST(Definedness, RegistersThatOnePathLeavesUnwritten) {
  std::string path = "setp.ge.u32 %p1, %r0, 8;\n@%p1 bra SKIP;\nmov.u32 %r2, 5;\nSKIP:\n";
  check(path + kOut, {"uninitialised read", "register that nothing wrote", "thread (8, 0, 0)"});
  check(path + "setp.lt.u32 %p1, %r0, 8;\n@%p1 st.global.u32 [%rd3+512], %r2;", {});
  check("mov.b32 %r3, 5;\nprmt.b32 %r2, %r3, %r4, 0x3210;\n" + kOut, {}); // Takes bytes of %r3 only.
  check("mov.b32 %r3, 5;\nprmt.b32 %r2, %r3, %r4, 0x3216;\n" + kOut, {"register that nothing wrote"});
}

TEST(Definedness, ShufflesOutsideTheMask) {
  std::string shuffle = "setp.ge.u32 %p1, %r0, 16;\n@%p1 bra DONE;\nshfl.sync.down.b32 %r2|%p2, %r0, 8, 31, 0xffff;\n";
  check(shuffle + "setp.gt.u32 %p3, %r0, 7;\n@%p3 bra DONE;\n" + kOut + "DONE:", {});
  check(shuffle + kOut + "DONE:", {"uninitialised read", "shfl.sync.down"});
}

TEST(Definedness, WarpWideOperations) {
  std::string some = "setp.lt.u32 %p1, %r0, 31;\n@%p1 st.global.u32 [%rd3], 1;\n" + kLoad; // Lane 31 has nothing.
  check(some + "shfl.sync.idx.b32 %r2, %r1, 4, 31, -1;\nadd.u32 %r2, %r2, 1;\n" + kOut, {});
  check(some + "shfl.sync.idx.b32 %r2, %r1, 31, 31, -1;\nadd.u32 %r2, %r2, 1;\n" + kOut, {"uninitialised read"});
  check(some + "redux.sync.add.u32 %r2, %r1, -1;\n" + kOut, {"uninitialised read"});
  check(some +
            "setp.eq.u32 %p2, %r1, 1;\nvote.sync.all.pred %p3, %p2, -1;\n@%p3 bra DONE;\nDONE:\nadd.u32 %r5, %r0, 1;",
        {"uninitialised read"});
}

TEST(Definedness, CopiesInFlightCarryThemToo) {
  std::string copy = "mov.u32 %r9, tile;\nmad.lo.u32 %r9, %r0, 4, %r9;\ncp.async.ca.shared.global [%r9], [%rd3], 4;\n"
                     "cp.async.wait_all;\nld.shared.u32 %r1, [%r9];\n";
  check(copy, {});
  check(copy + "add.u32 %r2, %r1, 1;\n" + kOut, {"uninitialised read", "ld.shared.u32 %r1"});
}

} // namespace
