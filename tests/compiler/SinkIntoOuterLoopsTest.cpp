//===- SinkIntoOuterLoopsTest.cpp - What is kept through inner loops ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where an inner loop holds many registers, what it does not read is made behind it; where it holds few, before.
//
//===----------------------------------------------------------------------===//

#include "compiler/nvvm_to_ptx/SinkIntoOuterLoops.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/SourceMgr.h"
#include "gtest/gtest.h"

using namespace imbrex;

namespace {

/// The block in which `%c` is made, of a kernel whose inner loop reads an element of a `type`.
std::string blockOfProduct(const std::string &type, const std::string &index) {
  const std::string text = "define void @k(ptr %p, i32 %n, i32 %tid) {\n"
                           "entry:\n"
                           "  %s = load " +
                           type +
                           ", ptr %p\n"
                           "  %c = mul i32 %tid, 3\n"
                           "  br label %outer\n"
                           "outer:\n"
                           "  %i = phi i32 [ 0, %entry ], [ %i1, %latch ]\n"
                           "  br label %inner\n"
                           "inner:\n"
                           "  %j = phi i32 [ 0, %outer ], [ %j1, %inner ]\n"
                           "  %e = extractvalue " +
                           type + " %s, " + index +
                           "\n"
                           "  store float %e, ptr %p\n"
                           "  %j1 = add i32 %j, 1\n"
                           "  %more = icmp slt i32 %j1, %n\n"
                           "  br i1 %more, label %inner, label %latch\n"
                           "latch:\n"
                           "  store i32 %c, ptr %p\n"
                           "  %i1 = add i32 %i, 1\n"
                           "  %again = icmp slt i32 %i1, %n\n"
                           "  br i1 %again, label %outer, label %end\n"
                           "end:\n"
                           "  ret void\n"
                           "}\n";
  llvm::LLVMContext context;
  llvm::SMDiagnostic mistake;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, mistake, context);
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
  const Budget budget;
  const Deadline deadline(budget);
  PassGate gate(*module, deadline);
  llvm::Function &kernel = *module->getFunction("k");
  SinkIntoOuterLoopsPass(gate).run(kernel, functions);
  for (llvm::BasicBlock &block : kernel)
    for (llvm::Instruction &op : block)
      if (op.getOpcode() == llvm::Instruction::Mul)
        return block.getName().str();
  return "none";
}

} // namespace

TEST(SinkIntoOuterLoops, WhereInnerOnesHoldMuch) {
  EXPECT_EQ(blockOfProduct("{ float, [3 x float] }", "0"), "entry");
  EXPECT_EQ(blockOfProduct("{ float, [120 x float] }", "0"), "latch") << "each part of a struct takes a register";
  EXPECT_EQ(blockOfProduct("{ float, [60 x ptr] }", "0"), "latch") << "a pointer takes two";
}
