//===- Demo.cpp - The five-minute tour as a program -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiles attention from its tile text, launches it on the first GPU or else on the simulated device,
// and checks the result against plain attention in double precision. Shows each step.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "runtime/ImportFiles.h"
#include "runtime/Runtime.h"
#include "tools/imbrex/Npy.h"
#include <cmath>
#include <cstdio>
#include <fstream>
#include <random>
#include <sstream>

using namespace imbrex;

namespace {

constexpr int kBatch = 1, kHeads = 2, kLength = 256, kDim = 64;
constexpr double kScale = 0.125;
constexpr DataType kType = DataType::BF16;

/// [B, S, H, D] in bf16, and the same values in double.
struct Tensor {
  std::vector<char> elements = std::vector<char>(size_t(kBatch) * kLength * kHeads * kDim * 2);

  static size_t index(int b, int s, int h, int d) { return ((size_t(b) * kLength + s) * kHeads + h) * kDim + d; }
  double at(int b, int s, int h, int d) const { return npy::decode(&elements[2 * index(b, s, h, d)], kType); }
  void randomise(unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    for (size_t i = 0; i < elements.size(); i += 2)
      npy::encode(normal(generator), kType, &elements[i]);
  }
};

} // namespace

static double roundToType(double value) {
  char element[2];
  npy::encode(value, kType, element);
  return npy::decode(element, kType);
}

/// One row of causal attention; `rounded`: each step rounded to bf16, as an eager framework does it.
static std::vector<double> attentionRow(const Tensor &q, const Tensor &k, const Tensor &v, int b, int h, int i,
                                        bool rounded) {
  auto round = [&](double x) { return rounded ? roundToType(x) : x; };
  std::vector<double> p(i + 1), out(kDim, 0);
  double largest = -INFINITY, sum = 0;
  for (int j = 0; j <= i; ++j) {
    double dot = 0;
    for (int d = 0; d < kDim; ++d)
      dot += q.at(b, i, h, d) * k.at(b, j, h, d);
    p[j] = round(round(dot) * kScale);
    largest = std::max(largest, p[j]);
  }
  for (double &x : p)
    sum += x = std::exp(x - largest);
  for (int j = 0; j <= i; ++j)
    for (int d = 0; d < kDim; ++d)
      out[d] += round(p[j] / sum) * v.at(b, j, h, d);
  for (double &x : out)
    x = round(x);
  return out;
}

/// The largest error, and the limit: twice the error of plain attention in bf16, and two roundings.
static std::pair<double, double> judge(const Tensor &q, const Tensor &k, const Tensor &v, const Tensor &o) {
  double error = 0, baseline = 0, rounding = 0;
  for (int b = 0; b < kBatch; ++b)
    for (int h = 0; h < kHeads; ++h)
      for (int i = 0; i < kLength; ++i) {
        std::vector<double> exact = attentionRow(q, k, v, b, h, i, false), eager = attentionRow(q, k, v, b, h, i, true);
        for (int d = 0; d < kDim; ++d) {
          double got = o.at(b, i, h, d), r = roundToType(exact[d]);
          error = std::isfinite(got) ? std::max(error, std::abs(got - exact[d])) : INFINITY;
          baseline = std::max(baseline, std::abs(eager[d] - exact[d]));
          rounding = std::max(rounding, std::abs(roundToType(roundToType(r + 0.3) - 0.3) - r));
        }
      }
  return {error, 2 * baseline + 2 * rounding};
}

static void showText(const std::string &text) {
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number)
    std::printf("  %3d  %s\n", number, line.c_str());
}

static CompileOptions optionsFor(const DeviceInfo &device) {
  CompileOptions options;
  std::string d = std::to_string(kDim);
  options.set = {{"T", "bf16"}, {"DQK", d}, {"DV", d}, {"G", "1"}};
  options.hooks = {{"mask", "causal"}};
  options.target = device.target;
  return options;
}

/// Compiles once more by hand, to show the stages and leave the PTX to read.
static void showStages(const Source &source, const DeviceInfo &device) {
  CompileResult result = compile(source, optionsFor(device));
  std::fputs(result.errors().c_str(), stderr);
  if (!result.kernel)
    return;
  std::printf("\n2. It is lowered in stages, in this process:\n");
  for (const StageTime &time : result.kernel->times)
    std::printf("  %-6s %7.1f ms   %s\n", time.name.c_str(), time.milliseconds,
                std::string(info(*parseStage(time.name)).summary).c_str());
  const char *path = IMBREX_OUTPUT "/attention_forward.ptx";
  std::ofstream(path) << result.kernel->code;
  std::printf("  the PTX is in %s (%zu bytes, %u warps and %u bytes of shared memory a CTA)\n", path,
              result.kernel->code.size(), result.kernel->interface.warps, result.kernel->interface.sharedBytes);
}

int main(int count, char **words) {
  std::string path = count > 1 ? words[1] : IMBREX_KERNELS "/attention_forward.tile";
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  const Source source = withImports({path, text.str()}, importsBeside());
  std::printf("1. A kernel is text (%s):\n", path.c_str());
  showText(source.text);

  Runtime runtime = Runtime::open().value();
  const DeviceInfo &device = runtime.device();
  showStages(source, device);

  Tensor q, k, v, o;
  q.randomise(1), k.randomise(2), v.randomise(3);
  auto upload = [&](const Tensor &tensor) {
    Buffer buffer = runtime.allocate(tensor.elements.size()).value();
    buffer.copyFrom(tensor.elements.data(), tensor.elements.size()).value();
    return buffer;
  };
  Buffer bq = upload(q), bk = upload(k), bv = upload(v), bo = upload(o);
  auto view = [](const Buffer &buffer) { return View(buffer, kType, {kBatch, kLength, kHeads, kDim}); };
  Kernel kernel = runtime.loadSource(source).value().kernel().value().hook("mask", "causal");
  kernel
      .launch(runtime.stream(), {{"Q", view(bq)}, {"K", view(bk)}, {"V", view(bv)}, {"O", view(bo)}, {"scale", kScale}})
      .value();
  runtime.stream().synchronize().value();
  bo.copyTo(o.elements.data(), o.elements.size()).value();

  std::printf("\n3. It ran on %s (%s)%s.\n", device.id.c_str(), device.name.c_str(),
              device.simulated ? ", which executes the PTX on the CPU and checks every access; its times mean nothing"
                               : "");
  auto [error, limit] = judge(q, k, v, o);
  std::printf("   causal attention, bf16, batch %d, heads %d, length %d, head_dim %d\n", kBatch, kHeads, kLength, kDim);
  std::printf("   largest error %.5f, limit %.5f: %s\n", error, limit, error <= limit ? "right" : "WRONG");
  std::printf(
      "\n4. What to try next:\n"
      "   build/bin/imbrex explain kernels/attention_forward.tile --set T=bf16 --set DQK=64 --set DV=64 --set G=1\n"
      "   build/bin/imbrex build kernels/lessons/matmul.tile --set T=f16 --target sm_90 --until cta\n"
      "   change the kernel (a window: --hook 'mask=window(64, 0)'), read kernels/lessons/, then README.md\n");
  return error <= limit ? 0 : 1;
}
