//===- ChildCompilerTest.cpp - Compilations in processes of their own -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What comes back of a child that compiles: the whole answer, or in words how it ended.
//
//===----------------------------------------------------------------------===//

#include "runtime/ChildCompiler.h"
#include "llvm/Support/ErrorHandling.h"
#include <csignal>
#include <gtest/gtest.h>
#include <thread>
#include <unistd.h>

using namespace imbrex;

static CompileResult inChildOnce(CompileFunction compile, int milliseconds = 60000, CompileOptions options = {}) {
  return inChild(std::move(compile), std::chrono::milliseconds(milliseconds))({"a.tile", "text"}, options);
}

static std::string words(const CompileResult &result) {
  return (result.kernel ? "a kernel" : result.diagnostics.at(0).message) + (result.isOutOfMemory ? ", of memory" : "");
}

TEST(ChildCompiler, AnAnswerComesBackWhole) {
  const std::string code(3 << 20, 'p');
  CompileResult result = inChildOnce([&](const Source &source, const CompileOptions &options) {
    CompileResult made;
    made.kernel.emplace();
    made.kernel->code = code + source.text + options.target;
    made.kernel->interface.kernel = "k";
    made.kernel->interface.sharedBytes = 77;
    made.diagnostics = {{Severity::Remark, "b.tile", 3, 4, "a remark", "a line", true, SizeLimit::Registers}};
    return made;
  });
  ASSERT_TRUE(result.kernel);
  EXPECT_EQ(result.kernel->code, code + "text" + CompileOptions().target);
  EXPECT_EQ(result.kernel->interface.kernel, "k");
  EXPECT_EQ(result.kernel->interface.sharedBytes, 77u);
  ASSERT_EQ(result.diagnostics.size(), 1u);
  const Diagnostic &said = result.diagnostics[0];
  EXPECT_EQ(said.render(), Diagnostic({Severity::Remark, "b.tile", 3, 4, "a remark", "a line"}).render());
  EXPECT_TRUE(said.ofCaller);
  EXPECT_EQ(said.limit, SizeLimit::Registers);
}

TEST(ChildCompiler, HowItEndedIsSaid) {
  auto ending = [](void (*end)()) {
    return words(inChildOnce([end](const Source &, const CompileOptions &) { return end(), CompileResult(); }));
  };
  EXPECT_EQ(ending([] { abort(); }), "the child that compiles was ended by signal 6 (Aborted)");
  EXPECT_EQ(ending([] { raise(SIGSEGV); }), "the child that compiles was ended by signal 11 (Segmentation fault)");
  EXPECT_EQ(ending([] { raise(SIGKILL); }), "the child that compiles was ended by signal 9 (Killed), of memory");
  EXPECT_EQ(ending([] { _exit(3); }), "the child that compiles was ended with status 3");
  const std::string noMemory = "host memory is short: the child that compiles could have no more, of memory";
  EXPECT_EQ(ending([] { llvm::report_bad_alloc_error("none"); }), noMemory);
  EXPECT_EQ(ending([] {
              volatile size_t most = SIZE_MAX / 4;
              [[maybe_unused]] char *volatile kept = new char[most];
            }),
            noMemory);
}

TEST(ChildCompiler, OneThatHangsIsEnded) {
  auto hang = [](const Source &, const CompileOptions &) -> CompileResult {
    for (;;)
      pause();
  };
  EXPECT_EQ(words(inChildOnce(hang, 100)), "the child that compiles gave no answer in 100 ms");
  CompileOptions options;
  Cancellation cancellation;
  options.budget.cancellation = cancellation;
  std::thread canceller([cancellation] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    cancellation.cancel();
  });
  EXPECT_EQ(words(inChildOnce(hang, 60000, options)), "compilation stopped in a child: it was cancelled");
  canceller.join();
}

TEST(ChildCompiler, AHostThatWaitsForAllItsChildrenDoesNoHarm) {
  signal(SIGCHLD, SIG_IGN);
  CompileResult result = inChildOnce([](const Source &, const CompileOptions &) {
    CompileResult made;
    made.diagnostics = {{Severity::Error, "a.tile", 0, 0, "no", ""}};
    return made;
  });
  signal(SIGCHLD, SIG_DFL);
  EXPECT_EQ(words(result), "no");
}
