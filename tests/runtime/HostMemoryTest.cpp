//===- HostMemoryTest.cpp - Compilations where host memory is short -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A process compiles under one bound on its address space after the other, from none left to enough. It may say that
// memory is short, or succeed; it may not end. --long takes more kernels and smaller steps.
//
//===----------------------------------------------------------------------===//

#include "compiler/HostMemory.h"
#include "runtime/MemoryRoom.h"
#include "runtime/Runtime.h"
#include "tests/support/RunMode.h"
#include "llvm/Support/ErrorHandling.h"
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

constexpr size_t kMiB = 1 << 20;
enum Outcome { Done, Short, Otherwise };

/// A kernel of the tree with arguments of these shapes, all of f16 on a simulated device.
struct Work {
  const char *file, *kernel;
  std::vector<std::pair<std::string, Dims>> views;
  std::vector<std::pair<std::string, double>> scalars = {};
};

size_t addressSpace() {
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * size_t(sysconf(_SC_PAGESIZE));
}

Result<KernelInfo> loadAndPrepare(const Runtime &runtime, const Work &work, const std::vector<Argument> &arguments) {
  Result<Module> module = runtime.load(inRoot(work.file));
  if (!module)
    return module.takeError();
  Result<Kernel> kernel = module->kernel(work.kernel);
  if (!kernel)
    return kernel.takeError();
  return kernel->prepare(arguments);
}

/// Loads and prepares the kernel with `room` bytes of address space more than there are when all but the compilation is
/// done.
Outcome prepareWithin(const Work &work, size_t room, std::optional<bool> inChild) {
  RuntimeOptions options;
  options.device = "sim:h200";
  options.simulatorThreads = 1;
  options.compilesInChild = inChild;
  Runtime runtime = Runtime::open(std::move(options)).value();
  std::vector<Buffer> buffers;
  std::vector<Argument> arguments;
  for (const auto &[name, extents] : work.views) {
    size_t elements = 1;
    for (int64_t extent : extents)
      elements *= size_t(extent);
    buffers.push_back(runtime.allocate(4 * elements).value());
    bool isStatistics = name == "L" || name == "Delta";
    arguments.emplace_back(name, View(buffers.back(), isStatistics ? DataType::F32 : DataType::F16, extents));
  }
  for (const auto &[name, value] : work.scalars)
    arguments.emplace_back(name, value);
  malloc_trim(0);
  rlimit limit{addressSpace() + room, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &limit);
  Result<KernelInfo> info = loadAndPrepare(runtime, work, arguments);
  limit.rlim_cur = RLIM_INFINITY;
  setrlimit(RLIMIT_AS, &limit);
  if (info)
    return Done;
  if (info.error().kind == ErrorKind::OutOfMemory && info.error().message.find("memory is short") != std::string::npos)
    return Short;
  fputs(info.error().render().c_str(), stderr);
  return Otherwise;
}

/// What became of a process with that room; nullopt if it ended otherwise than by itself.
std::optional<Outcome> inProcess(const Work &work, size_t room, std::optional<bool> inChild) {
  pid_t child = fork();
  if (child == 0) {
    alarm(300);
    _exit(prepareWithin(work, room, inChild));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) <= Otherwise ? std::optional(Outcome(WEXITSTATUS(status)))
                                                               : std::nullopt;
}

std::vector<Work> works() {
  const Dims tensor = {1, 200, 2, 64}, statistics = {1, 2, 200};
  std::vector<Work> list = {{"kernels/lessons/vector_add.tile", "", {{"X", {1000}}, {"Y", {1000}}, {"Z", {1000}}}},
                            {"kernels/attention_forward.tile",
                             "",
                             {{"Q", tensor}, {"K", tensor}, {"V", tensor}, {"O", tensor}, {"L", statistics}},
                             {{"scale", 0.125}}}};
  if (isLongRun())
    list.push_back({"kernels/attention_backward.tile",
                    "attention_dkdv",
                    {{"Q", tensor},
                     {"K", tensor},
                     {"V", tensor},
                     {"dO", tensor},
                     {"L", statistics},
                     {"Delta", statistics},
                     {"dK", tensor},
                     {"dV", tensor}},
                    {{"scale", 0.125}}});
  return list;
}

void goThroughLimits(std::optional<bool> inChild) {
  const size_t step = isLongRun() ? kMiB : 16 * kMiB, most = 512 * kMiB;
  for (const Work &work : works()) {
    unsigned counts[3] = {}, ended = 0;
    size_t enough = 0;
    for (size_t room = 0; room <= most && counts[Done] < 3; room += step) {
      std::optional<Outcome> outcome = inProcess(work, room, inChild);
      if (outcome)
        ++counts[*outcome];
      else
        ++ended, fprintf(stderr, "%s ended with %zu MiB of room\n", work.file, room / kMiB);
      if (outcome == Done && !enough)
        enough = room;
    }
    printf("%s%s: %u bounds too small, done from %zu MiB on, %u ended\n", work.file,
           !inChild   ? ""
           : *inChild ? ", in a child"
                      : ", never in a child",
           counts[Short], enough / kMiB, ended);
    EXPECT_EQ(ended, 0u) << work.file;
    EXPECT_EQ(counts[Otherwise], 0u) << work.file;
    EXPECT_GT(counts[Short], 3u) << work.file;
    EXPECT_EQ(counts[Done], 3u) << work.file;
  }
}

} // namespace

TEST(HostMemory, NoBoundOnAddressSpaceEndsTheProcess) { goThroughLimits(/*inChild=*/{}); }

TEST(HostMemory, NorWhereCompilationsAreChildren) { goThroughLimits(/*inChild=*/true); }

TEST(HostMemory, NorWhereTheyNeverAre) { goThroughLimits(/*inChild=*/false); }

/// What the room for a compilation is under a bound on address space of so much more than there is.
static size_t roomUnder(size_t bound) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  pid_t child = fork();
  if (child == 0) {
    rlimit limit{addressSpace() + bound, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
    size_t room = memoryRoom();
    _exit(write(ends[1], &room, sizeof room) == sizeof room ? 0 : 1);
  }
  size_t room = 0;
  EXPECT_EQ(read(ends[0], &room, sizeof room), ssize_t(sizeof room));
  waitpid(child, nullptr, 0);
  close(ends[0]), close(ends[1]);
  return room;
}

TEST(HostMemory, TheRoomIsWhatTheTightestBoundLeaves) {
  const size_t all = memoryRoom();
  ASSERT_GT(all, 300 * kMiB) << "this machine is too small for the test";
  EXPECT_LT(all, size_t(1) << 50) << "a machine has an end";
  EXPECT_NEAR(double(roomUnder(200 * kMiB)), double(200 * kMiB), double(16 * kMiB));
}

/// Compiles with a step that takes all there is. Exits with 0 if that is an Error of kind OutOfMemory.
[[noreturn]] static void takeEverything(std::optional<bool> inChild) noexcept {
  RuntimeOptions options{.device = "sim:h200", .compilesInChild = inChild, .simulatorThreads = 1};
  options.compiler = CompilerFunctions{[](const Source &, const CompileOptions &) -> CompileResult {
                                         for (void *volatile taken = stderr; taken;)
                                           taken = std::malloc(kMiB);
                                         llvm::report_bad_alloc_error("all is taken");
                                       },
                                       describe, "greedy"};
  Runtime runtime = Runtime::open(std::move(options)).value();
  Kernel kernel = runtime.load(inRoot("kernels/lessons/vector_add.tile")).value().kernel().value();
  Buffer in = runtime.allocate(4000).value(), out = runtime.allocate(4000).value();
  View view(in, DataType::F32, {1000});
  std::vector<Argument> arguments = {{"X", view}, {"Y", view}, {"Z", View(out, DataType::F32, {1000})}};
  rlimit none{0, 0}, limit{addressSpace() + 300 * kMiB, RLIM_INFINITY};
  setrlimit(RLIMIT_CORE, &none);
  setrlimit(RLIMIT_AS, &limit);
  Result<KernelInfo> info = kernel.prepare(arguments);
  if (!info)
    fputs(info.error().render().c_str(), stderr);
  _exit(!info && info.error().kind == ErrorKind::OutOfMemory ? 0 : 1);
}

TEST(HostMemory, AStepThatTakesEverythingEndsAChildAtMost) {
  auto endOf = [](std::optional<bool> inChild) {
    pid_t child = fork();
    if (child == 0)
      takeEverything(inChild);
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  };
  EXPECT_EQ(endOf({}), 0) << "an Error of kind OutOfMemory";
  EXPECT_EQ(endOf(true), 0);
  EXPECT_TRUE(WIFSIGNALED(endOf(false))) << "what the others are for";
}

TEST(HostMemory, AShortageIsNotRemembered) {
  pid_t child = fork();
  if (child == 0) {
    Runtime runtime = Runtime::open({.device = "sim:h200", .simulatorThreads = 1}).value();
    Kernel kernel = runtime.load(inRoot("kernels/lessons/vector_add.tile")).value().kernel().value();
    Buffer buffer = runtime.allocate(4096).value(), out = runtime.allocate(4096).value();
    View view(buffer, DataType::F32, {1000});
    std::vector<Argument> arguments = {{"X", view}, {"Y", view}, {"Z", View(out, DataType::F32, {1000})}};
    rlimit limit{addressSpace() + kStepBytes / 2, RLIM_INFINITY};
    setrlimit(RLIMIT_AS, &limit);
    bool wasShort = !kernel.prepare(arguments);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_AS, &limit);
    _exit(wasShort && kernel.prepare(arguments) ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
