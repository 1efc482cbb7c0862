//===- EntryTest.cpp - What a stage's text must have ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One row a rule: a text, and the error that it gives.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "gtest/gtest.h"

using namespace imbrex;

namespace {

struct Row {
  Stage stage;
  std::string text, expected;
};

} // namespace

static const std::string kAttributes = "tile.kernel = #tile.request<\"sm_80\", warps 1, stages 2>";
static const std::string kArguments = "%x: !tile.view<?xf32> {tile.alignment = 16 : i32, tile.name = \"X\"}, "
                                      "%y: !tile.view<?xf32, out> {tile.alignment = 16 : i32, tile.name = \"Y\"}";

static std::string kernel(const std::string &body, const std::string &attributes = kAttributes,
                          const std::string &name = "k", const std::string &arguments = kArguments) {
  return "module { func.func @" + name + "(" + arguments + ") attributes {" + attributes +
         "} {\n%c0 = arith.constant 0 : i32\n" + body + "\nreturn } }";
}

static std::string cta(const std::string &body, const std::string &launch = "threads 32, shared 4096, registers 255",
                       const std::string &target = "sm_80") {
  return kernel(body, kAttributes + ", cta.launch = #cta.launch<\"" + target + "\", " + launch + ">");
}

static const std::string kLayout = "#cta.layout<\"reg lane (1) (2) (4) (8) (16) warps 1 stride 1 repeat 1\">";

static std::vector<Row> textRows() {
  return {
      {Stage::Tile, "", "t:1:1: error: expected one module of stage 'tile'"},
      {Stage::Tile, "module {} module {}", "expected one module of stage 'tile'"},
      {Stage::Cta, "module {}", "expected one kernel: a func.func with the attribute tile.kernel"},
      {Stage::Nvvm, "module {}", "expected one kernel: an llvm.func with the attribute nvvm.kernel"},
      {Stage::Tile, "module attributes {llvm.data_layout = \"e\"} {}", "has no attributes"},
      {Stage::Tile, "module {}\n {-# dialect_resources: {} #-}", "t:2:2: error: resources are not supported"},
      {Stage::Tile, "module {}" + std::string(100, '('), "brackets nested more than 64 deep"},
      {Stage::Tile, kernel("%a = arith.constant " + std::string(300, '1') + " : i32"),
       "a number may have 256 characters"},
      {Stage::Tile, "#m = affine_map<(d0) -> (d0)>\nmodule {}", "affine maps are not supported"},
      {Stage::Tile, kernel("%a = foo.bar : i32"), "t:3:6: error:"},
  };
}

static std::vector<Row> kernelRows() {
  return {
      {Stage::Tile, kernel("", ""), "expected one kernel"},
      {Stage::Tile, kernel("", kAttributes, "\"a b\""), "a kernel's name must be an identifier"},
      {Stage::Tile, kernel("", kAttributes, "_"), "a kernel's name must be an identifier"},
      {Stage::Tile, kernel("", kAttributes + ", tile.x"), "the tile dialect has no attribute 'tile.x'"},
      {Stage::Tile, kernel("", "tile.kernel"), "'tile.kernel' is the #tile.request of a function"},
      {Stage::Tile, kernel("", "tile.kernel = #tile.request<\"sm_80\", warps 33, stages 1>"),
       "a kernel has at most 32 warps, this one has 33"},
      {Stage::Tile, kernel("", "tile.kernel = #tile.request<\"sm_80\", warps 1, stages 9>"),
       "(3) expected 1 to 8 stages, found 9"},
      {Stage::Tile, kernel("", "tile.kernel = #tile.request<\"sm_90\", warps 1, stages 1>"),
       "this kernel is made for 'sm_90', and sm_80 is asked for"},
      {Stage::Tile, kernel("", kAttributes, "k", "%x: i32"), "argument 0 needs the attribute tile.name"},
      {Stage::Tile, kernel("", kAttributes, "k", "%x: index {tile.name = \"x\"}"), "argument 0: found 'index'"},
      {Stage::Tile, kernel("", kAttributes, "k", "%x: !tile.view<?xf32> {tile.alignment = 3 : i32, tile.name = \"X\"}"),
       "tile.alignment must be 1, 2, 4, 8 or 16"},
      {Stage::Tile, kernel("", kAttributes, "k", "%x: !tile.view<0xf32> {tile.alignment = 4 : i32, tile.name = \"X\"}"),
       "no view can be"},
      {Stage::Tile, kernel("%a = tile.load %x[%c0] dims [0] : !tile.view<?xf32> -> tensor<?xf32>"),
       "t:3:6: error: a tile has 1 or 2 extents"},
      {Stage::Tile, kernel("%a = arith.constant dense<1.0> : tensor<0xf32>"), "a tile has 1 or 2 extents"},
      {Stage::Tile, kernel("%a = arith.constant dense<1.0> : tensor<70000xf32>"), "a tile has 1 or 2 extents"},
      {Stage::Tile, kernel("%a = arith.constant dense<1.0> : tensor<f32>"), "a tile has 1 or 2 extents"},
      {Stage::Tile, kernel("%a = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>"), "one value in all its elements"},
      {Stage::Tile, kernel("%a = arith.constant dense<1.0> : tensor<32xf32, " + kLayout + ">"), "has no layout"},
      {Stage::Tile, kernel("%a = arith.constant 1 : i16"), "expected scalars"},
      {Stage::Tile, kernel("%a = arith.addi %c0, %c0 {x = 1 : i32} : i32"), "unknown attribute 'x'"},
      {Stage::Tile, kernel("scf.for %j = %c0 to %c0 step %c0 : i32 { }"),
       "a loop counts in i32, by a positive constant"},
      {Stage::Tile, kernel("%b = cta.alloc : !cta.buffer<8, 8, f32, span 32>"), "no operation of this stage"},
      {Stage::Tile, cta(""), "a kernel of stage tile has no cta.launch"},
      {Stage::Tile, kernel("%a = func.call @k(%x, %y) : (!tile.view<?xf32>, !tile.view<?xf32, out>) -> i32"), "error"},
      {Stage::Tile, "module { func.func private @k() attributes {" + kAttributes + "} }", "a kernel is not private"},
      {Stage::Tile,
       "module { func.func @k() -> i32 attributes {" + kAttributes +
           "} {\n%a = arith.constant 0 : i32\n"
           "return %a : i32 } }",
       "a kernel gives nothing and has one block"},
      {Stage::Tile,
       kernel("", kAttributes, "k",
              "%x: !tile.view<?xf32> {tile.alignment = 4 : i32, tile.name = \"X\", "
              "tile.extents = []}"),
       "tile.extents has one text a dimension"},
  };
}

static std::vector<Row> ctaRows() {
  auto alloc = [](const std::string &where, const std::string &type = "8, 8, f32, span 32") {
    return "%b = cta.alloc " + where + " : !cta.buffer<" + type + ">";
  };
  const std::string tile = "tensor<32xf32, " + kLayout + ">";
  return {
      {Stage::Cta, kernel(""), "the kernel needs the attribute cta.launch"},
      {Stage::Cta, cta("", "threads 32, shared 170000, registers 255"),
       "a kernel has at most 166912 bytes of shared memory, this one has 170000"},
      {Stage::Cta, cta("", "threads 64, shared 0, registers 255"), "1 warps are asked for, 2 are launched"},
      {Stage::Cta, cta("", "threads 2048, shared 0, registers 255"), "a kernel has at most 32 warps, this one has 64"},
      {Stage::Cta, cta("", "threads 32, shared 0, registers 255", "sm_90"), "this kernel is made for 'sm_90'"},
      {Stage::Cta, cta(alloc("")), "a buffer of stage cta has its place"},
      {Stage::Cta, cta(alloc("at 2147483648")), "does not lie in the 4096 bytes"},
      {Stage::Cta, cta(alloc("at 4096")), "the buffer of 256 bytes at 4096 does not lie"},
      {Stage::Cta, cta(alloc("at -256")), "'at' to be a multiple of 256, found -256"},
      {Stage::Cta, cta(alloc("at 8")), "'at' to be a multiple of 256, found 8"},
      {Stage::Cta, cta(alloc("at 0", "9000000000000000000, 8, f32, span 32")), "at most 65536 rows"},
      {Stage::Cta, cta("%a = arith.constant dense<1.0> : tensor<32xf32>"), "every tile of stage cta has a #cta.layout"},
      {Stage::Cta, cta("%a = arith.constant dense<1.0> : tensor<64xf32, " + kLayout + ">"),
       "the layout does not cover this shape"},
      {Stage::Cta,
       cta("%a = arith.constant dense<1.0> : tensor<64xf32, #cta.layout<\"reg lane (1) (2) (4) (8) (16) warps 2 stride "
           "1 "
           "repeat 1\">>"),
       "the layout takes 2 warps"},
      {Stage::Cta,
       cta("%t = arith.constant true\n%a = cta.alloc at 0 : !cta.buffer<8, 8, f32, span 32>\n"
           "%b = arith.select %t, %a, %a : !cta.buffer<8, 8, f32, span 32>"),
       "a buffer must come from cta.alloc, cta.get, cta.acquire or cta.clear, a ring from cta.ring"},
      {Stage::Cta,
       cta("%a = arith.constant dense<1.0> : " + tile + "\n%r = tile.expand_dims %a at 0 : " + tile +
           " -> tensor<1x32xf32, #cta.layout<\"reg (0,1) (0,2) lane (0,4) (0,8) (0,16) (0,0) (0,0) warps 1x1 stride "
           "1x1 "
           "repeat 1x1\">>"),
       "not the projection of the result's"},
  };
}

static std::vector<Row> ptxRows() {
  const std::string head = ".version 8.0\n.target sm_80\n.address_size 64\n";
  return {
      {Stage::Ptx, "", "PTX begins with its .version"},
      {Stage::Ptx, ".version 8.0\n", "PTX names one .target, found 0"},
      {Stage::Ptx, ".version 8.0\n.target sm_90a\n.visible .entry k() { ret; }\n",
       "t:2:1: error: this PTX is made for 'sm_90a', and sm_80 is asked for"},
      {Stage::Ptx, head, "expected one kernel (.entry), found 0"},
      {Stage::Ptx, head + "// .entry k\n", "found 0"},
      {Stage::Ptx, head + ".entry a() { ret; }\n.entry b() { ret; }\n", "found 2"},
  };
}

static const std::string kNvvmAttributes = "cta.launch = #cta.launch<\"sm_80\", threads 32, shared 0, registers 255>, "
                                           "nvvm.kernel, nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 32>";

/// `body` stands from line 2 on.
static std::string nvvm(const std::string &body, const std::string &arguments = "%x: i32",
                        const std::string &attributes = kNvvmAttributes, const std::string &before = "") {
  return "module { " + before + "llvm.func @k(" + arguments + ") attributes {" + attributes + "} {\n" + body +
         "\nllvm.return } }";
}

static std::vector<Row> nvvmRows() {
  auto global = [](const std::string &text) { return nvvm("", "", kNvvmAttributes, text + "\n"); };
  const std::string pointer = "%p: !llvm.ptr<1>", unknownType = "t:2:6: error: unknown type";
  return {
      {Stage::Nvvm, nvvm("llvm.fence acq_rel"), "t:2:1: error: 'llvm.fence' is no operation of this stage"},
      {Stage::Nvvm, nvvm("llvm.call_intrinsic \"llvm.nvvm.fence.mbarrier_init.release.cluster\"() : () -> ()"),
       "sm_80 has no llvm.nvvm.fence.mbarrier_init.release.cluster"},
      {Stage::Nvvm, nvvm("%a = llvm.zext %x : i32 to i128"), unknownType + " 'i128'"},
      {Stage::Nvvm, nvvm("", "%x: i128"), "t:1:10: error: unknown type 'i128'"},
      {Stage::Nvvm, nvvm("%a = llvm.mlir.constant(1.0 : f32) : i32"), "a constant is a number of its own type"},
      {Stage::Nvvm, nvvm("%a = llvm.load %p atomic monotonic {alignment = 4 : i64} : !llvm.ptr<1> -> i32", pointer),
       "loads are plain"},
      {Stage::Nvvm,
       nvvm("llvm.store %x, %p atomic monotonic {alignment = 4 : i64} : i32, !llvm.ptr<1>", "%x: i32, " + pointer),
       "stores are plain"},
      {Stage::Nvvm, nvvm("%a = llvm.getelementptr %p[1] : (!llvm.ptr<1>) -> !llvm.ptr<1>, i32", pointer),
       "addresses are counted in bytes: one index, of i8"},
      {Stage::Nvvm, nvvm("%a = llvm.bitcast %x : i32 to vector<2xi32>"), "no conversion of 'i32' to 'vector<2xi32>'"},
      {Stage::Nvvm, nvvm("%a = llvm.inttoptr %x : i32 to !llvm.ptr<1>"), "no conversion of 'i32' to '!llvm.ptr<1>'"},
      {Stage::Nvvm, nvvm("", "%x: i32", kNvvmAttributes + ", passthrough = [\"noinline\"]"),
       "a kernel is an external function that gives nothing"},
      {Stage::Nvvm, nvvm("", "%x: i32 {llvm.noundef}"), "a kernel is an external function that gives nothing"},
      {Stage::Nvvm,
       nvvm("", "%x: i32",
            "cta.launch = #cta.launch<\"sm_80\", threads 32, shared 0, registers 255>, nvvm.kernel, "
            "nvvm.minctasm = 1 : i32, nvvm.reqntid = array<i32: 64>"),
       "nvvm.reqntid must be the 32 threads of cta.launch, and nvvm.minctasm 1"},
      {Stage::Nvvm,
       global("llvm.mlir.global external @other() {addr_space = 3 : i32, alignment = 1024 : i64} : "
              "!llvm.array<0 x i8>"),
       "t:1:10: error: shared memory is external @KERNEL_shared()"},
      {Stage::Nvvm,
       global("llvm.mlir.global external @k_shared() {addr_space = 3 : i32, alignment = 16 : i64} : "
              "!llvm.array<0 x i8>"),
       "alignment = 1024"},
      {Stage::Nvvm, global("llvm.func @other()"), "expected one kernel and its shared memory, and nothing else"},
  };
}

static std::vector<Row> assemblyRows() {
  auto assembly = [](const std::string &words, const std::string &more = "") {
    return nvvm("%a = llvm.inline_asm " + words, "%x: f32, %y: f64" + more);
  };
  auto addition = [](const std::string &words) {
    return nvvm("llvm.inline_asm has_side_effects \"" + words + " -> ()", "%x: f32, %y: f64");
  };
  const std::string expected = "t:2:6: error: inline assembly is the empty text that pins";
  const std::string unexpected = "t:2:1: error: inline assembly is the empty text that pins";
  return {
      {Stage::Nvvm, assembly("has_side_effects \"trap;\", \"=f,0\" %x : (f32) -> f32"), expected},
      {Stage::Nvvm, assembly("has_side_effects \"\", \"=f,0\" %y : (f64) -> f64"), expected},
      {Stage::Nvvm, assembly("has_side_effects \"\", \"=f,f\" %x : (f32) -> f32"), expected},
      {Stage::Nvvm, assembly("\"\", \"=f,0\" %x : (f32) -> f32"), expected},
      {Stage::Nvvm, assembly("\"mul.wide.u32 $0, $1, $2;\", \"=l,r,r\" %x, %x : (f32, f32) -> i64"), expected},
      {Stage::Nvvm,
       assembly("has_side_effects \"mul.wide.u32 $0, $1, $2;\", \"=l,r,r\" %i, %i : (i32, i32) -> i64", ", %i: i32"),
       expected},
      {Stage::Nvvm, assembly("has_side_effects is_align_stack \"\", \"=f,0\" %x : (f32) -> f32"),
       "'llvm.inline_asm' has an unknown attribute 'is_align_stack'"},
      {Stage::Nvvm, addition("red.global.add.f32 [$0], $1;\", \"f,f\" %x, %x : (f32, f32)"), unexpected},
      {Stage::Nvvm, addition("red.global.max.u64 [$0], $1;\", \"l,d\" %x, %y : (f32, f64)"), unexpected},
  };
}

/// More than LLVM compiles in a sensible time; and tiles that only rename registers, which take memory.
static std::vector<Row> sizeRows() {
  std::string adds, constants, splats;
  for (unsigned i = 0; i < 40000; ++i)
    adds += "%a" + std::to_string(i) + " = llvm.add %x, %x : i32\n";
  for (unsigned i = 0; i < 60000; ++i)
    constants += "%a" + std::to_string(i) + " = llvm.mlir.constant(1 : i32) : i32\n";
  for (unsigned i = 0; i < 1100; ++i)
    splats += "%a" + std::to_string(i) +
              " = tile.splat %c0 : i32 -> tensor<32768xi32, #cta.layout<\"reg lane (1) (2) (4) (8) (16) warps 1 "
              "stride 1 repeat 1024\">>\n";
  return {
      {Stage::Nvvm, nvvm(adds), "t:36002:11: error: this kernel takes more than 36000 instructions of each thread"},
      {Stage::Nvvm, nvvm(constants), "t:60003:1: error: this kernel takes more than 60000 operations"},
      {Stage::Cta, cta(splats), "takes 1048577 named registers of each thread, more than 1048576"},
  };
}

TEST(Entry, EveryRuleGivesItsErrorAtItsPlace) {
  for (auto part : {textRows, kernelRows, ctaRows, nvvmRows, assemblyRows, ptxRows, sizeRows})
    for (const Row &row : part()) {
      CompileResult result = compileFrom(row.stage, {"t", row.text}, {});
      EXPECT_FALSE(result.kernel) << row.text;
      EXPECT_NE(result.errors().find(row.expected), std::string::npos)
          << row.text << "\nexpected: " << row.expected << "\nfound:    " << result.errors();
      EXPECT_TRUE(result.errors().starts_with("t")) << result.errors();
    }
}

TEST(Entry, PtxIsHandedOnAsItIs) {
  const std::string text = ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k() { ret; }\n";
  CompileResult result = compileFrom(Stage::Ptx, {"t", text}, {});
  ASSERT_TRUE(result.kernel) << result.errors();
  EXPECT_EQ(result.kernel->code, text);
  EXPECT_EQ(result.kernel->interface.entry, "k");
}

TEST(Entry, AQuoteInASourcesNameDoesNotSpoilThePtx) {
  const std::string text = "kernel k(Y: out view<f32>[N]) grid (1) |i| { store Y[i :+ 64] = fill<f32>[64](1.0); }";
  CompileResult plain = compile({"a_b__c_.tile", text}, {});
  CompileResult odd = compile({"a\"b\n\\c\x7f.tile", text}, {});
  ASSERT_TRUE(plain.kernel && odd.kernel) << odd.errors();
  EXPECT_EQ(odd.kernel->code, plain.kernel->code);
  EXPECT_NE(odd.kernel->code.find("\t.file\t1 \"a_b__c_.tile\"\n"), std::string::npos);
}
