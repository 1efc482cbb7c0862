//===- outside.cpp - A program with an installed Imbrex -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Adds two vectors on a simulated device: with the kernel inside the library, with the one that was installed, and by
// a header made of that.
//
//===----------------------------------------------------------------------===//

#include "attention_forward.h"
#include "vector_add.h"
#include <cstdio>
#include <imbrex/imbrex.h>

using namespace imbrex;

static bool add(const Runtime &runtime, const Module &module) {
  const std::vector<float> x(1000, 1), y(1000, 2);
  std::vector<float> z(1000, 0);
  Buffer xs = runtime.allocate(4000).value(), ys = runtime.allocate(4000).value(), zs = runtime.allocate(4000).value();
  xs.copyFrom(x.data(), 4000).value();
  ys.copyFrom(y.data(), 4000).value();
  auto view = [](const Buffer &buffer) { return View(buffer, DataType::F32, {1000}); };
  Kernel kernel = module.kernel().value();
  kernel.launch(runtime.stream(), {{"X", view(xs)}, {"Y", view(ys)}, {"Z", view(zs)}}).value();
  zs.copyTo(z.data(), 4000).value();
  return z[0] == 3 && z[999] == 3;
}

/// The same by a header that was made of the kernel: wrong names, ranks and types do not compile.
static bool addTyped(const Runtime &runtime) {
  const std::vector<float> x(1000, 1);
  std::vector<float> z(1000, 0);
  Buffer xs = runtime.allocate(4000).value(), zs = runtime.allocate(4000).value();
  xs.copyFrom(x.data(), 4000).value();
  auto kernel = imbrex_kernels::vector_add::VectorAdd::load(runtime).value();
  kernel
      .launch(runtime.stream(),
              {.X = {xs, DataType::F32, {1000}}, .Y = {xs, DataType::F32, {1000}}, .Z = {zs, DataType::F32, {1000}}})
      .value();
  zs.copyTo(z.data(), 4000).value();
  return z[0] == 2 && z[999] == 2;
}

/// Whether arguments of a kernel could be made so.
template <typename Array>
concept TakesRankTwo = requires(const Buffer &memory) { Array(memory, DataType::F32, {1000, 1}); };
using AddArguments = imbrex_kernels::vector_add::VectorAdd::Arguments;
static_assert(!TakesRankTwo<decltype(AddArguments::X)> && !std::is_default_constructible_v<AddArguments>);
using AttentionArguments = imbrex_kernels::attention_forward::AttentionForward::Arguments;
static_assert(std::is_same_v<decltype(AttentionArguments::L), std::optional<typed::Array<3>>>);

int main(int count, char **words) {
  const std::string kernels = count > 1 ? words[1] : KERNELS; // where they are when it runs
  RuntimeOptions options;
  options.device = "sim:h200";
  Runtime runtime = Runtime::open(options).value();
  bool inside = add(runtime, runtime.loadSource(*shippedKernel("lessons/vector_add.tile")).value());
  bool installed = add(runtime, runtime.load(kernels + "/lessons/vector_add.tile").value());
  bool byHeader = addTyped(runtime);
  std::printf("%s: inside the library %s, installed %s, by its header %s; %zu kernels\n", runtime.device().name.c_str(),
              inside ? "right" : "wrong", installed ? "right" : "wrong", byHeader ? "right" : "wrong",
              shippedKernels().size());
  return inside && installed && byHeader ? 0 : 1;
}
