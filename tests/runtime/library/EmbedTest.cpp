//===- EmbedTest.cpp - A host program with an LLVM of its own -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Links libimbrex.so alone, or behind libLLVM (IMBREX_LLVM_FIRST). With either order of loading, both LLVMs
// must work, before and after each other.
//
//===----------------------------------------------------------------------===//

#include "runtime/Runtime.h"
#include <dlfcn.h>
#include <gtest/gtest.h>

using namespace imbrex;

static const char kText[] =
    "kernel twice(X: view<f32>[N], Y: out view<f32>[N])\n"
    "grid (cdiv(N, 128)) |i| { let x = load X[i * 128 :+ 128]; store Y[i * 128 :+ 128] = x + x; }\n";

/// Compiles and launches a kernel on the simulated device.
static void useImbrex() {
  RuntimeOptions options;
  options.device = "sim:a100";
  Runtime runtime = Runtime::open(std::move(options)).value();
  Kernel kernel = runtime.loadSource({"twice.tile", kText}).value().kernel().value();
  std::vector<float> host(300, 4);
  Buffer x = runtime.allocate(4 * host.size()).value(), y = runtime.allocate(4 * host.size()).value();
  x.copyFrom(host.data(), x.bytes()).value();
  kernel.launch(runtime.stream(), {{"X", View(x, DataType::F32, {300})}, {"Y", View(y, DataType::F32, {300})}}).value();
  y.copyTo(host.data(), y.bytes()).value();
  EXPECT_EQ(host[299], 8.0f);
}

/// Makes a module with the host's LLVM, by its C interface.
static void useHostLlvm() {
  void *library = dlopen(IMBREX_LLVM_LIBRARY, RTLD_NOW | RTLD_GLOBAL);
  ASSERT_TRUE(library) << dlerror();
  auto createContext = reinterpret_cast<void *(*)()>(dlsym(library, "LLVMContextCreate"));
  auto disposeContext = reinterpret_cast<void (*)(void *)>(dlsym(library, "LLVMContextDispose"));
  auto createModule =
      reinterpret_cast<void *(*)(const char *, void *)>(dlsym(library, "LLVMModuleCreateWithNameInContext"));
  auto printModule = reinterpret_cast<char *(*)(void *)>(dlsym(library, "LLVMPrintModuleToString"));
  ASSERT_TRUE(createContext && disposeContext && createModule && printModule);
  void *context = createContext();
  char *text = printModule(createModule("host", context));
  EXPECT_NE(std::string(text).find("ModuleID = 'host'"), std::string::npos);
  free(text);
  disposeContext(context);
}

TEST(Embed, BesideAnotherLlvm) {
#ifdef IMBREX_LLVM_FIRST
  useHostLlvm();
#endif
  useImbrex();
  useHostLlvm();
  useImbrex();
}
