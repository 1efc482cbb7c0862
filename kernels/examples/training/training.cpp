//===- training.cpp - A layer of attention learns -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a training program does at each step: project, attend, compare, the gradient of attention, and a step down that
// of the weights. The loss must fall as plain C++ has it in double precision, and be the same in a second run, bit for
// bit.
//
//===----------------------------------------------------------------------===//

#include "layer.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <imbrex/imbrex.h>

using namespace imbrex;

namespace {

class Training {
public:
  Training(const Runtime &runtime, const Problem &problem);
  /// One step; the loss before it.
  double step();

private:
  Buffer room(size_t count) const { return runtime.allocate(count * 4).value(); }
  Buffer filled(const std::vector<float> &values) const {
    Buffer buffer = room(values.size());
    buffer.copyFrom(values.data(), values.size() * 4).value();
    return buffer;
  }
  View matrix(const Buffer &buffer) const {
    return View(buffer, DataType::F32, {int64_t(buffer.bytes()) / 4 / kFeatures, kFeatures});
  }
  View heads(const Buffer &buffer) const { return View(buffer, DataType::F32, {kBatch, kLength, kHeads, kDepth}); }
  View sums() const { return View(lse, DataType::F32, {kBatch, kHeads, kLength}); }
  attention::Forward forward() const {
    return {heads(projected[0]), heads(projected[1]), heads(projected[2]), heads(o), sums(), {.mask = "causal"}};
  }
  attention::Backward backward() const {
    return {heads(projected[0]), heads(projected[1]), heads(projected[2]), heads(o),          sums(),
            heads(dO),           heads(changed[0]),   heads(changed[1]),   heads(changed[2]), {.mask = "causal"}};
  }

  const Runtime &runtime;
  Kernel project, error, descend;
  Buffer x, y, weights[3], projected[3], changed[3], o, dO, lse, losses;
  attention::ForwardPlan attend;
  attention::BackwardPlan differentiate;
  Buffer workspace;
};

} // namespace

Training::Training(const Runtime &runtime, const Problem &problem)
    : runtime(runtime), project(runtime.load(LAYER).value().kernel("project").value()),
      error(runtime.load(LAYER).value().kernel("error").value()),
      descend(runtime.load(LAYER).value().kernel("descend").value()), x(filled(problem.x)), y(filled(problem.y)),
      weights{filled(problem.start[0]), filled(problem.start[1]), filled(problem.start[2])},
      projected{room(problem.x.size()), room(problem.x.size()), room(problem.x.size())},
      changed{room(problem.x.size()), room(problem.x.size()), room(problem.x.size())}, o(room(problem.x.size())),
      dO(room(problem.x.size())), lse(room(kRows * kHeads)), losses(room(kRows)),
      attend(attention::plan(runtime, forward()).value()), differentiate(attention::plan(runtime, backward()).value()),
      workspace(runtime.allocate(differentiate.workspaceBytes()).value()) {}

double Training::step() {
  const Stream &stream = runtime.stream();
  for (int i = 0; i < 3; ++i)
    project.launch(stream, {{"X", matrix(x)}, {"W", matrix(weights[i])}, {"Y", matrix(projected[i])}}).value();
  attend.run(stream, forward()).value();
  error
      .launch(stream,
              {{"O", matrix(o)}, {"Y", matrix(y)}, {"dO", matrix(dO)}, {"Loss", View(losses, DataType::F32, {kRows})}})
      .value();
  differentiate.run(stream, backward(), workspace).value();
  for (int i = 0; i < 3; ++i)
    descend.launch(stream, {{"X", matrix(x)}, {"dY", matrix(changed[i])}, {"W", matrix(weights[i])}, {"rate", kRate}})
        .value();
  std::vector<float> found(kRows);
  losses.copyToAsync(stream, found.data(), found.size() * 4).value();
  stream.synchronize().value();
  double sum = 0;
  for (float loss : found)
    sum += loss;
  return sum;
}

int main(int count, char **words) {
  RuntimeOptions options;
  options.device = count > 1 ? words[1] : ""; // the first GPU, else the simulated device
  Runtime runtime = Runtime::open(options).value();
  const Problem problem(7);
  const std::vector<double> plain = trainPlainly(problem);
  Training training(runtime, problem), again(runtime, problem);
  double worst = 0;
  bool isSame = true;
  for (int step = 0; step < kSteps; ++step) {
    const double loss = training.step();
    isSame &= again.step() == loss;
    worst = std::max(worst, std::abs(loss - plain[size_t(step)]) / plain[size_t(step)]);
    std::printf("step %2d  loss %.6f  plain %.6f\n", step, loss, plain[size_t(step)]);
  }
  const bool isGood = isSame && worst < 1e-4 && plain.back() < plain.front() / 4;
  std::printf("%s: the loss falls %sas plain C++ has it, within %.1e, %s in a second run\n",
              runtime.device().name.c_str(), isGood ? "" : "NOT ", worst, isSame ? "the same bits" : "OTHER bits");
  return isGood ? 0 : 1;
}
