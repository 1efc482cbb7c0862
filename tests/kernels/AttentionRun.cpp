//===- AttentionRun.cpp - One attention case, run and judged --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Outputs start as NaN, as does every byte between the elements of a tensor.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/AttentionRun.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include "tests/support/Storage.h"
#include <limits>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

std::string AttentionCase::describe() const {
  std::ostringstream out;
  out << device << " " << imbrex::name(type) << " B" << shape.batch << " Sq" << shape.queries << " Sk" << shape.keys
      << " H" << shape.heads() << ":" << shape.keyHeads << " D" << shape.depth << " Dv" << shape.valueDepth << " "
      << shape.mask.hook();
  if (shape.softcap != 0)
    out << " softcap " << shape.softcap;
  out << " " << testing::name(placeQ) << "/" << testing::name(placeK) << "/" << testing::name(placeV) << "/"
      << testing::name(placeO) << " seed " << seed;
  for (const auto &[parameter, value] : tuning)
    out << " " << parameter << "=" << value;
  return out.str();
}

/// Fills keys and values that no row sees with NaN and infinities.
static void poisonUnseen(const AttentionCase &run, AttentionInputs &inputs) {
  const AttentionShape &shape = run.shape;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  for (int64_t j = 0; j < shape.keys; ++j) {
    bool isSeen = false;
    for (int64_t i = 0; i < shape.queries && !isSeen; ++i)
      isSeen = shape.mask.sees(i, j, shape.queries, shape.keys);
    if (isSeen)
      continue;
    for (int64_t b = 0; b < shape.batch; ++b) {
      int64_t rowK = shape.keyHeads * shape.depth, rowV = shape.keyHeads * shape.valueDepth;
      std::fill_n(inputs.k.begin() + (b * shape.keys + j) * rowK, rowK, j % 2 ? nan : infinity);
      std::fill_n(inputs.v.begin() + (b * shape.keys + j) * rowV, rowV, j % 2 ? -infinity : nan);
    }
  }
}

AttentionInputs testing::seededInputs(const AttentionCase &run) {
  Random random(run.seed);
  AttentionInputs inputs = {roundTo(random.normals(run.shape.sizeQ()), run.type),
                            roundTo(random.normals(run.shape.sizeK()), run.type),
                            roundTo(random.normals(run.shape.sizeV()), run.type)};
  poisonUnseen(run, inputs);
  return inputs;
}

AttentionOutcome testing::launchAttention(const AttentionCase &run, const AttentionInputs &inputs) {
  const AttentionShape &shape = run.shape;
  const Runtime &runtime = runtimeOf(run.device);
  const DataType lseType = wideType(run.type);
  auto tensor = [&](int64_t sequence, int64_t heads, int64_t depth, Placement place,
                    const std::vector<double> *values) {
    return Tensor(runtime, run.type, placed({shape.batch, sequence, heads, depth}, place), values);
  };
  Tensor q = tensor(shape.queries, shape.heads(), shape.depth, run.placeQ, &inputs.q);
  Tensor k = tensor(shape.keys, shape.keyHeads, shape.depth, run.placeK, &inputs.k);
  Tensor v = tensor(shape.keys, shape.keyHeads, shape.valueDepth, run.placeV, &inputs.v);
  Tensor o = tensor(shape.queries, shape.heads(), shape.valueDepth, run.placeO, nullptr);
  Tensor l(runtime, lseType, denseLayout({shape.batch, shape.heads(), shape.queries}));
  Kernel kernel = kernelOf(run.device, "attention_forward.tile").hook("mask", shape.mask.hook());
  if (shape.softcap != 0)
    kernel.hook("score", "softcap(" + std::to_string(shape.softcap) + ")");
  for (const auto &[parameter, value] : run.tuning)
    kernel.set(parameter, value);
  Result<void> done = kernel.launch(
      runtime.stream(),
      {{"Q", q.view()}, {"K", k.view()}, {"V", v.view()}, {"O", o.view()}, {"L", l.view()}, {"scale", shape.scale}});
  if (done)
    done = runtime.stream().synchronize();
  if (!done)
    return {done.error().render(), {}};
  if (!o.isPaddingUntouched())
    return {"bytes between the output's rows were written", {}};
  return {"", {o.read(), l.read()}};
}

std::string testing::checkAttention(const AttentionCase &run, const AttentionInputs &inputs, bool extreme) {
  AttentionOutcome outcome = launchAttention(run, inputs);
  if (!outcome.error.empty())
    return outcome.error;
  AttentionShape shape = run.shape;
  shape.scale = roundTo(shape.scale, wideType(run.type));
  return judge(shape, inputs, outcome.result, run.type, extreme);
}
