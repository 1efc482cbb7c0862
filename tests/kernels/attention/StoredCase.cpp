//===- StoredCase.cpp - Attention over stored sequences, judged -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/attention/StoredCase.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include <cstdio>
#include <gtest/gtest.h>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

std::string StoredCase::describe() const {
  std::ostringstream out;
  out << (isForward ? "forward " : "decode ") << device << " " << imbrex::name(type) << " q " << queriesHow.describe();
  for (int64_t n : queries)
    out << " " << n;
  out << " k " << keysHow.describe();
  for (int64_t n : keys)
    out << " " << n;
  out << " H" << shape.heads() << ":" << shape.keyHeads << " D" << shape.depth << " Dv" << shape.valueDepth << " "
      << shape.mask.hook() << (sides == Sides::Arguments ? " of arguments" : "") << " softcap " << shape.softcap
      << " parts " << parts << " seed " << seed;
  return out.str();
}

namespace {

/// One sequence of a case.
struct Sequence {
  AttentionShape shape;
  AttentionInputs inputs;
};

std::vector<Sequence> sequencesOf(const StoredCase &run) {
  Random random(run.seed);
  std::vector<Sequence> sequences;
  for (size_t b = 0; b < run.keys.size(); ++b) {
    AttentionShape shape = run.shape;
    shape.batch = 1, shape.queries = run.queries[b], shape.keys = run.keys[b];
    std::vector<double> q = random.normals(shape.sizeQ());
    for (double &x : q)
      x *= run.size;
    AttentionInputs inputs = {roundTo(q, run.type), roundTo(random.normals(shape.sizeK()), run.type),
                              roundTo(random.normals(shape.sizeV()), run.type)};
    sequences.push_back({shape, inputs});
  }
  return sequences;
}

StoredRows store(const Runtime &runtime, const StoredCase &run, const std::vector<Sequence> &sequences,
                 std::vector<double> AttentionInputs::*which, int64_t heads, int64_t depth) {
  std::vector<std::vector<double>> values;
  for (const Sequence &sequence : sequences)
    values.push_back(sequence.inputs.*which);
  const bool isQ = which == &AttentionInputs::q;
  return StoredRows(runtime, run.type, isQ ? run.queriesHow : run.keysHow, isQ ? run.queries : run.keys, heads, depth,
                    values);
}

/// The lse of one sequence, [H, Sq], out of [B, H, Sq] or [H, rows].
std::vector<double> lseOf(const StoredCase &run, const StoredRows &o, const std::vector<double> &all, int64_t b) {
  const bool isRagged = run.queriesHow.kind == How::Kind::Ragged;
  const int64_t heads = run.shape.heads(), most = isRagged ? o.rows() : o.rows() / int64_t(run.queries.size());
  std::vector<double> values;
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < run.queries[size_t(b)]; ++i)
      values.push_back(all[size_t(isRagged ? h * most + o.rowOf(b, i) : (b * heads + h) * most + i)]);
  return values;
}

/// With a workspace that holds NaN.
Result<void> runDecode(const Runtime &runtime, const attention::Decode &call) {
  Result<attention::DecodePlan> plan = attention::plan(runtime, call);
  if (!plan)
    return plan.takeError();
  Buffer workspace = runtime.allocate(plan->workspaceBytes()).value();
  workspace.fill(runtime.stream(), 0xff).value();
  Result<void> done = plan->run(runtime.stream(), call, workspace);
  return done ? runtime.stream().synchronize() : done;
}

} // namespace

StoredOutcome imbrex::testing::check(const StoredCase &run, bool extreme) {
  const Runtime &runtime = runtimeOf(run.device);
  const std::vector<Sequence> sequences = sequencesOf(run);
  const AttentionShape &shape = run.shape;
  StoredRows q = store(runtime, run, sequences, &AttentionInputs::q, shape.heads(), shape.depth);
  StoredRows k = store(runtime, run, sequences, &AttentionInputs::k, shape.keyHeads, shape.depth);
  StoredRows v = store(runtime, run, sequences, &AttentionInputs::v, shape.keyHeads, shape.valueDepth);
  StoredRows o(runtime, run.type, run.queriesHow, run.queries, shape.heads(), shape.valueDepth);
  const bool isRagged = run.queriesHow.kind == How::Kind::Ragged;
  const int64_t batch = int64_t(run.queries.size());
  Tensor lse(runtime, wideType(run.type),
             denseLayout(isRagged ? std::vector<int64_t>{shape.heads(), o.rows()}
                                  : std::vector<int64_t>{batch, shape.heads(), o.rows() / batch}));
  attention::Options options = {.scale = shape.scale};
  setMask(options, shape.mask, run.sides);
  if (shape.softcap != 0)
    options.score = "softcap(" + std::to_string(shape.softcap) + ")";
  Result<void> launched;
  if (run.isForward)
    launched = attention::forward(runtime, runtime.stream(),
                                  {q.tensor(), k.tensor(), v.tensor(), o.view(), lse.view(), options});
  else
    launched = runDecode(runtime, {.q = q.tensor(),
                                   .k = k.tensor(),
                                   .v = v.tensor(),
                                   .o = o.view(),
                                   .lse = lse.view(),
                                   .options = options,
                                   .parts = run.parts});
  if (!launched)
    return {launched.error().render(), {}};
  if (Result<void> done = runtime.stream().synchronize(); !done)
    return {done.error().render(), {}};
  const std::vector<double> allLse = lse.read();
  for (int64_t b = 0; b < batch; ++b) {
    Sequence sequence = sequences[size_t(b)];
    sequence.shape.scale = roundTo(shape.scale, wideType(run.type));
    std::string problem =
        judge(sequence.shape, sequence.inputs, {o.read(b), lseOf(run, o, allLse, b)}, run.type, extreme);
    if (!problem.empty())
      return {"sequence " + std::to_string(b) + ": " + problem, {}};
  }
  return {o.isElsewhereNan() ? "" : "rows that are no sequence's were written", o.readBytes()};
}

void imbrex::testing::expectRight(const StoredCase &run) {
  std::printf("  %s\n", run.describe().c_str());
  std::fflush(stdout);
  EXPECT_EQ(check(run).error, "") << run.describe();
}
