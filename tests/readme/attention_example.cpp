//===- attention_example.cpp - A complete program: causal attention, checked -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a host program looks like. Usage: attention_example KERNEL.tile
//
//===----------------------------------------------------------------------===//

#include "runtime/Runtime.h"
#include <cmath>
#include <cstdio>
#include <vector>

using namespace imbrex;

constexpr int kLength = 100, kHeads = 2, kDim = 32; // batch 1, f32
constexpr float kScale = 0.17f;

static size_t at(int s, int h, int d) { return (size_t(s) * kHeads + h) * kDim + d; }

/// Element d of row i of head h, by the formula.
static double attention(const std::vector<float> &q, const std::vector<float> &k, const std::vector<float> &v, int i,
                        int h, int d) {
  double sum = 0, out = 0;
  for (int j = 0; j <= i; ++j) {
    double logit = 0;
    for (int x = 0; x < kDim; ++x)
      logit += double(q[at(i, h, x)]) * k[at(j, h, x)];
    double p = std::exp(logit * kScale);
    sum += p;
    out += p * v[at(j, h, d)];
  }
  return out / sum;
}

int main(int, char **words) {
  std::vector<float> q(kLength * kHeads * kDim), k(q.size()), v(q.size()), o(q.size());
  for (size_t i = 0; i < q.size(); ++i)
    q[i] = std::sin(0.37f * i), k[i] = std::cos(0.11f * i), v[i] = std::sin(0.05f * i + 1);

  Runtime runtime = Runtime::open().value(); // the first GPU, else the simulated device
  Kernel kernel = runtime.load(words[1]).value().kernel("attention_forward").value().hook("mask", "causal");
  Stream stream = runtime.createStream().value();
  auto upload = [&](const std::vector<float> &host) {
    Buffer buffer = runtime.allocate(host.size() * sizeof(float)).value();
    buffer.copyFromAsync(stream, host.data(), host.size() * sizeof(float)).value();
    return buffer;
  };
  auto view = [](const Buffer &buffer) { return View(buffer, DataType::F32, {1, kLength, kHeads, kDim}); };
  Buffer dq = upload(q), dk = upload(k), dv = upload(v), dout = upload(o);
  kernel.launch(stream, {{"Q", view(dq)}, {"K", view(dk)}, {"V", view(dv)}, {"O", view(dout)}, {"scale", kScale}})
      .value();
  dout.copyToAsync(stream, o.data(), o.size() * sizeof(float)).value();
  stream.synchronize().value();

  double worst = 0;
  for (int i : {0, 1, 31, 64, kLength - 1})
    for (int h = 0; h < kHeads; ++h)
      for (int d = 0; d < kDim; ++d)
        worst = std::fmax(worst, std::abs(o[at(i, h, d)] - attention(q, k, v, i, h, d)));
  std::printf("%s: largest error %.2e\n", runtime.device().name.c_str(), worst);
  return worst < 1e-5 ? 0 : 1;
}
