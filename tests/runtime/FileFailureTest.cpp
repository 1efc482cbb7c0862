//===- FileFailureTest.cpp - Every file call made to fail -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The functions below stand before the C library's. A scenario of caches, packs and sources is run with each call of
// each of them failing in turn, with EIO and EMFILE, and by --long with ENOSPC and EACCES: a kernel is launched right
// all the same, or an Error says what could not be read or written; nothing is lost of what was stored before, and no
// descriptor stays open.
//
//===----------------------------------------------------------------------===//

#include "runtime/KernelPack.h"
#include "tests/runtime/FakeCompiler.h"
#include "tests/runtime/TemporaryDirectory.h"
#include "tests/support/RunMode.h"
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// Which call fails: the `call`-th of the function of this name, while `isOn`.
struct Plan {
  bool isOn = false;
  std::string function;
  int call = 0, code = 0;
  std::map<std::string, int> counts;

  bool fails(const char *name) {
    if (!isOn)
      return false;
    isOn = false; // what the map does itself is not counted
    bool now = ++counts[name] == call && function == name;
    isOn = true;
    if (now)
      errno = code;
    return now;
  }
};

Plan plan;

template <typename Function> Function *next(const char *name) {
  return reinterpret_cast<Function *>(dlsym(RTLD_NEXT, name));
}

} // namespace

// Each as the C library's, but for the plan.
#define FAILING(result, name, failure, parameters, arguments)                                                          \
  extern "C" result name parameters {                                                                                  \
    static auto *const real = next<result parameters>(#name);                                                          \
    return plan.fails(#name) ? failure : real arguments;                                                               \
  }
FAILING(ssize_t, read, -1, (int fd, void *to, size_t bytes), (fd, to, bytes))
FAILING(ssize_t, pread, -1, (int fd, void *to, size_t bytes, off_t at), (fd, to, bytes, at))
FAILING(ssize_t, write, -1, (int fd, const void *from, size_t bytes), (fd, from, bytes))
FAILING(int, fsync, -1, (int fd), (fd))
FAILING(int, fstat, -1, (int fd, struct stat *status) noexcept, (fd, status))
FAILING(int, renameat, -1, (int from, const char *a, int to, const char *b) noexcept, (from, a, to, b))
FAILING(int, rename, -1, (const char *a, const char *b) noexcept, (a, b))
FAILING(int, unlinkat, -1, (int fd, const char *name, int flags) noexcept, (fd, name, flags))
FAILING(int, mkdir, -1, (const char *path, mode_t mode) noexcept, (path, mode))
FAILING(int, flock, -1, (int fd, int operation) noexcept, (fd, operation))
FAILING(DIR *, fdopendir, nullptr, (int fd), (fd))

extern "C" int openat(int directory, const char *path, int flags, ...) {
  static auto *const real = next<int(int, const char *, int, ...)>("openat");
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  return plan.fails("openat") ? -1 : real(directory, path, flags, mode);
}

extern "C" int open(const char *path, int flags, ...) {
  static auto *const real = next<int(const char *, int, ...)>("open");
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  return plan.fails("open") ? -1 : real(path, flags, mode);
}

namespace {

/// One folder for all: a cache with an entry from before, a source, and a pack of the cache.
struct World {
  TemporaryDirectory directory;
  const std::string cache = directory.path() + "/cache", source = directory.path() + "/a.tile",
                    pack = directory.path() + "/kernels.pack";
  FakeDriver driver;
  FakeCompiler compiler;

  World() {
    addFakeKernels(driver);
    std::ofstream(source) << "a text";
    EXPECT_EQ(use(64), "");
    EXPECT_EQ(packKernels({cache}, pack).value(), 1u);
  }
  RuntimeOptions options() {
    RuntimeOptions options = fakeOptions(driver.table(), compiler);
    options.cacheDirectory = cache;
    return options;
  }
  /// What was said of a launch that could not be made; "" if its result is right.
  std::string use(int64_t block) {
    alignas(16) float x[4] = {1, 2, 3, 4}, z[4] = {};
    View in(uint64_t(x), DataType::F32, {4}), out(uint64_t(z), DataType::F32, {4});
    Result<Runtime> runtime = Runtime::openWith(options());
    Result<Module> module = runtime ? runtime->load(source) : runtime.takeError();
    if (!module)
      return module.error().render();
    Kernel kernel = module->kernel("scale_add").value().set("BLOCK", block);
    Result<void> done = kernel.launch(runtime->stream(), {{"X", in}, {"Y", in}, {"Z", out}, {"alpha", 2.0}});
    return !done ? done.error().render() : z[3] == 12 ? "" : "wrong result";
  }
  /// Finding, storing, listing, packing and reading a pack.
  std::string scenario() {
    std::string said = use(64) + use(128);
    Result<size_t> packed = packKernels({cache}, pack);
    if (!packed)
      said += packed.error().render();
    Result<KernelPack> read = KernelPack::open(pack);
    if (!read)
      said += read.error().render();
    Result<DiskCache> opened = DiskCache::open(cache);
    if (opened && !opened->verify())
      said += "not verified\n";
    return said;
  }
};

int openDescriptors() {
  int count = 0;
  DIR *folder = opendir("/proc/self/fd");
  while (folder && readdir(folder))
    ++count;
  closedir(folder);
  return count;
}

} // namespace

TEST(FileFailure, EveryCallWithEveryError) {
  {
    World counted;
    plan.isOn = true;
    EXPECT_EQ(counted.scenario(), "");
    plan.isOn = false;
  }
  const std::map<std::string, int> counts = plan.counts;
  for (const char *function : {"openat", "open", "read", "write", "fsync", "fstat", "renameat", "fdopendir"})
    EXPECT_TRUE(counts.contains(function)) << function << " is never called";
  std::vector<int> codes = {EIO, EMFILE};
  if (isLongRun())
    codes.insert(codes.end(), {ENOSPC, EACCES});
  unsigned runs = 0, told = 0;
  for (const auto &[function, calls] : counts)
    for (int call = 1; call <= calls; ++call)
      for (int code : codes) {
        World world;
        int descriptors = openDescriptors();
        plan = {true, function, call, code, {}};
        std::string said = world.scenario();
        plan = {};
        ++runs, told += !said.empty();
        EXPECT_EQ(said.find("wrong result"), std::string::npos) << function << " call " << call << ": " << said;
        EXPECT_EQ(openDescriptors(), descriptors) << function << " call " << call;
        EXPECT_EQ(world.scenario(), "") << function << " call " << call << ", afterwards";
      }
  std::printf("%u runs with a failing call, of which %u were told\n", runs, told);
  EXPECT_GT(runs, 100u);
  EXPECT_GT(told, 0u);
}

TEST(FileFailure, AShortWriteIsNoEntry) {
  World world;
  plan = {true, "write", 1, ENOSPC, {}};
  EXPECT_EQ(world.use(256), "");
  plan = {};
  unsigned before = world.compiler.compilations();
  EXPECT_EQ(world.use(256), "");
  EXPECT_EQ(world.compiler.compilations(), before + 1) << "it was not stored";
  EXPECT_EQ(world.use(256), "");
  EXPECT_EQ(world.compiler.compilations(), before + 1);
}
