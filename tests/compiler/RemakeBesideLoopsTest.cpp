//===- RemakeBesideLoopsTest.cpp - What full loops hold unread ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where an innermost loop holds many registers, what it does not read in every pass is made where it is read; where it
// holds few, before.
//
//===----------------------------------------------------------------------===//

#include "compiler/nvvm_to_ptx/RemakeBesideLoops.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SourceMgr.h"
#include "gtest/gtest.h"

using namespace imbrex;

namespace {

constexpr const char *kFew = "{ float, [3 x float] }", *kMany = "{ float, [120 x float] }";

/// A kernel whose loop reads an element of a `type` in each pass, with instructions at its start, in each pass, in some
/// passes, behind the loop, and behind all. The loop runs in another one, or once.
struct Kernel {
  std::string type = kMany, start{}, pass{}, branch{}, latch{}, end{};
  bool isOnce = false;
};

std::string textOf(const Kernel &kernel) {
  return "declare { double, double } @llvm.nvvm.mma.m8n8k4.row.col.f64(double, double, double, double)\n"
         "declare void @llvm.nvvm.setmaxnreg.inc.sync.aligned.u32(i32)\n"
         "declare void @llvm.nvvm.setmaxnreg.dec.sync.aligned.u32(i32)\n"
         "define void @k(ptr %p, i32 %n, i32 %x) {\n"
         "entry:\n"
         "  %s = load " +
         kernel.type + ", ptr %p\n" + kernel.start +
         "  %c = mul i32 %x, 3\n"
         "  br label %outer\n"
         "outer:\n"
         "  %i = phi i32 [ 0, %entry ]" +
         (kernel.isOnce ? "" : ", [ %i1, %latch ]") +
         "\n"
         "  br label %inner\n"
         "inner:\n"
         "  %j = phi i32 [ 0, %outer ], [ %j1, %next ]\n"
         "  %e = extractvalue " +
         kernel.type +
         " %s, 0\n"
         "  store float %e, ptr %p\n" +
         kernel.pass +
         "  %odd = trunc i32 %j to i1\n"
         "  br i1 %odd, label %branch, label %next\n"
         "branch:\n" +
         kernel.branch +
         "  br label %next\n"
         "next:\n"
         "  %j1 = add i32 %j, 1\n"
         "  %more = icmp slt i32 %j1, %n\n"
         "  br i1 %more, label %inner, label %latch\n"
         "latch:\n" +
         kernel.latch +
         "  %i1 = add i32 %i, 1\n"
         "  %again = icmp slt i32 %i1, %n\n"
         "  br " +
         (kernel.isOnce ? "label %end\n" : "i1 %again, label %outer, label %end\n") + "end:\n" + kernel.end +
         "  ret void\n"
         "}\n";
}

/// True if what it is made from, or it itself, is hidden from later passes.
bool isHidden(const llvm::Instruction &product) {
  auto isAssembly = [](const llvm::Value *value) {
    const auto *call = llvm::dyn_cast<llvm::CallInst>(value);
    return call && call->isInlineAsm();
  };
  return llvm::any_of(product.operand_values(), isAssembly) ||
         (product.hasOneUse() && isAssembly(*product.user_begin()));
}

/// The blocks in which what `isAsked` for is made, in their order; those where it is made again have a *.
std::string blocksOf(const Kernel &kernel, llvm::function_ref<bool(const llvm::Instruction &)> isAsked) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic mistake;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(textOf(kernel), mistake, context);
  if (!module)
    return mistake.getMessage().str();
  llvm::PassBuilder builder;
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  llvm::Function &function = *module->getFunction("k");
  RemakeBesideLoopsPass().run(function, functions);
  std::string found;
  for (llvm::BasicBlock &block : function)
    for (llvm::Instruction &op : block)
      if (isAsked(op))
        found += (found.empty() ? "" : " ") + block.getName().str() + (isHidden(op) ? "*" : "");
  return found;
}

std::string blocksOfProducts(const Kernel &kernel) {
  return blocksOf(kernel, [](const llvm::Instruction &op) { return op.getOpcode() == llvm::Instruction::Mul; });
}

std::string blocksOfMma(const Kernel &kernel) {
  return blocksOf(
      kernel, [](const llvm::Instruction &op) { return llvm::isa<llvm::CallInst>(op) && op.getType()->isStructTy(); });
}

const std::string kStore = "  store i32 %c, ptr %p\n", kOther = "  store i32 %d, ptr %p\n";
const std::string kDealt = "  call void @llvm.nvvm.setmaxnreg.inc.sync.aligned.u32(i32 160)\n";

/// Instructions that make a branch long.
std::string longer(const std::string &branch) {
  std::string text = branch;
  for (unsigned i = 0; i < 12; ++i)
    text += "  store i32 %n, ptr %p\n";
  return text;
}

} // namespace

TEST(RemakeBesideLoops, InOuterLoops) {
  EXPECT_EQ(blocksOfProducts({.type = kFew, .latch = kStore}), "entry");
  EXPECT_EQ(blocksOfProducts({.latch = kStore}), "latch*") << "each part of a struct takes a register";
  EXPECT_EQ(blocksOfProducts({.type = "{ float, [60 x ptr] }", .latch = kStore}), "latch*") << "a pointer takes two";
  EXPECT_EQ(blocksOfProducts({.latch = kStore, .end = kStore}), "latch* end*");
}

TEST(RemakeBesideLoops, BehindLoopsThatRunOnce) {
  EXPECT_EQ(blocksOfProducts({.end = kStore, .isOnce = true}), "entry") << "others can have more registers";
  EXPECT_EQ(blocksOfProducts({.start = kDealt, .end = kStore, .isOnce = true}), "end*");
  EXPECT_EQ(blocksOfProducts({.type = kFew, .start = kDealt, .end = kStore, .isOnce = true}), "entry");
}

TEST(RemakeBesideLoops, InBranches) {
  EXPECT_EQ(blocksOfProducts({.branch = longer(kStore)}), "entry");
  EXPECT_EQ(blocksOfProducts({.start = kDealt, .branch = kStore}), "entry") << "each pass runs a short branch";
  EXPECT_EQ(blocksOfProducts({.start = kDealt, .branch = longer(kStore)}), "branch*");
  EXPECT_EQ(blocksOfProducts({.start = kDealt, .pass = kStore, .branch = longer(kStore)}), "entry") << "all read it";
  EXPECT_EQ(blocksOfProducts({.start = kDealt, .pass = "  %d = mul i32 %c, %j\n", .branch = longer(kOther)}),
            "branch* branch*")
      << "what each pass makes for some is made in those";
}

TEST(RemakeBesideLoops, NoProductOfAWarp) {
  const std::string product = "  %f = sitofp i32 %j to double\n"
                              "  %m = call { double, double } @llvm.nvvm.mma.m8n8k4.row.col.f64(double %f, double %f, "
                              "double %f, double %f)\n"
                              "  %d = mul i32 %c, %j\n";
  const std::string reader = "  %g = extractvalue { double, double } %m, 0\n  store double %g, ptr %p\n";
  EXPECT_EQ(blocksOfMma({.start = kDealt, .pass = product, .branch = longer(reader + kOther)}), "inner")
      << "all threads of a warp have to take part";
}

TEST(RemakeBesideLoops, FromWhatIsInRegisters) {
  const std::string load = "  %y = load i32, ptr %p\n  %d = mul i32 %y, 5\n";
  EXPECT_EQ(blocksOfProducts({.start = load, .end = kOther}), "entry entry")
      << "a register is kept for one or for the other";
  EXPECT_EQ(blocksOfProducts({.start = load, .pass = "  store i32 %y, ptr %p\n", .end = kOther}), "entry end*");
}

TEST(RemakeBesideLoops, WhereARoleHasFewRegisters) {
  const std::string few = "  call void @llvm.nvvm.setmaxnreg.dec.sync.aligned.u32(i32 40)\n";
  const std::string type = "{ float, [13 x float] }";
  EXPECT_EQ(blocksOfProducts({.type = type, .latch = kStore}), "entry");
  EXPECT_EQ(blocksOfProducts({.type = type, .start = few, .latch = kStore}), "latch*");
  EXPECT_EQ(blocksOfProducts({.start = few, .branch = longer(kStore)}), "entry") << "those who copy share addresses";
}
