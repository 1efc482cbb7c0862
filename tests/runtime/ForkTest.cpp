//===- ForkTest.cpp - Forks beside threads that compile -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A process forks while its other threads compile and launch, each kernel another one. Every child opens a runtime of
// its own, compiles and launches. --long forks more often.
//
//===----------------------------------------------------------------------===//

#include "runtime/Runtime.h"
#include "tests/support/RunMode.h"
#include <atomic>
#include <cstdio>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::testing;

/// Compiles and launches a kernel that stores `value`.
static bool storesValue(const Runtime &runtime, int value) {
  const std::string text = "kernel k(O: out view<i32>[N]) tune { warps: {1} = 1; }\n"
                           "grid (cdiv(N, 32)) |i| { store O[i * 32 :+ 32] = fill<i32>[32](" +
                           std::to_string(value) + "); }\n";
  Result<Module> module = runtime.loadSource({"k.tile", text});
  Result<Buffer> buffer = runtime.allocate(4 * 32);
  if (!module || !buffer)
    return fputs((module ? buffer.error() : module.error()).render().c_str(), stderr), false;
  Kernel kernel = module->kernel().value();
  if (Result<void> done = kernel.launch(runtime.stream(), {{"O", View(*buffer, DataType::I32, {32})}}); !done)
    return fputs(done.error().render().c_str(), stderr), false;
  int32_t out[32] = {};
  return buffer->copyTo(out, sizeof out) && out[31] == value;
}

static Runtime openSimulated() { return Runtime::open({.device = "sim:h200", .simulatorThreads = 1}).value(); }

TEST(Forks, AChildCompilesWhileOtherThreadsCompile) {
  Runtime runtime = openSimulated();
  std::atomic<bool> isOver = false;
  std::atomic<unsigned> compiled = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back([&, i] {
      for (int value = i; !isOver; value += 2)
        compiled += storesValue(runtime, value);
    });
  unsigned good = 0, forks = isLongRun() ? 500 : 25;
  for (unsigned i = 0; i < forks; ++i) {
    pid_t child = fork();
    if (child == 0) {
      alarm(120);
      _exit(storesValue(openSimulated(), int(i)) ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    good += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (WIFSIGNALED(status))
      fprintf(stderr, "fork %u: ended by signal %d\n", i, WTERMSIG(status));
  }
  isOver = true;
  for (std::thread &thread : threads)
    thread.join();
  printf("%u forks beside %u compilations\n", forks, compiled.load());
  EXPECT_EQ(good, forks);
  EXPECT_GT(compiled, forks / 10);
}
