//===- DecodeTest.cpp - attention::decode against attention's definition --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keys dense, padded, ragged and paged, queries dense, padded and ragged, split or not, each sequence judged beside
// attention in f64 (AttentionJudge.h). The ordinary run takes a seeded sample and prints it.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/attention/StoredRows.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/Random.h"
#include "tests/support/RunMode.h"
#include "tests/support/Storage.h"
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

struct DecodeCase {
  std::string device = "sim:h200";
  DataType type = DataType::F16;
  How queriesHow = {}, keysHow = {};
  std::vector<int64_t> queries = {}, keys = {}; ///< lengths
  AttentionShape shape = {};                    ///< of all but the lengths
  int64_t parts = 0;
  uint64_t seed = 1;
  double size = 1; ///< of the queries, beside normals

  std::string describe() const {
    std::ostringstream out;
    out << device << " " << imbrex::name(type) << " q " << queriesHow.describe();
    for (int64_t n : queries)
      out << " " << n;
    out << " k " << keysHow.describe();
    for (int64_t n : keys)
      out << " " << n;
    out << " H" << shape.heads() << ":" << shape.keyHeads << " D" << shape.depth << " Dv" << shape.valueDepth << " "
        << shape.mask.hook() << " softcap " << shape.softcap << " parts " << parts << " seed " << seed;
    return out.str();
  }
};

/// One sequence of a case.
struct Sequence {
  AttentionShape shape;
  AttentionInputs inputs;
};

std::vector<Sequence> sequencesOf(const DecodeCase &run) {
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

StoredRows store(const Runtime &runtime, const DecodeCase &run, const std::vector<Sequence> &sequences,
                 std::vector<double> AttentionInputs::*which, int64_t heads, int64_t depth) {
  std::vector<std::vector<double>> values;
  for (const Sequence &sequence : sequences)
    values.push_back(sequence.inputs.*which);
  const bool isQ = which == &AttentionInputs::q;
  return StoredRows(runtime, run.type, isQ ? run.queriesHow : run.keysHow, isQ ? run.queries : run.keys, heads, depth,
                    values);
}

/// The lse of one sequence, [H, Sq], out of [B, H, Sq] or [H, rows].
std::vector<double> lseOf(const DecodeCase &run, const StoredRows &o, const std::vector<double> &all, int64_t b) {
  const bool isRagged = run.queriesHow.kind == How::Kind::Ragged;
  const int64_t heads = run.shape.heads(), most = isRagged ? o.rows() : o.rows() / int64_t(run.queries.size());
  std::vector<double> values;
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < run.queries[size_t(b)]; ++i)
      values.push_back(all[size_t(isRagged ? h * most + o.rowOf(b, i) : (b * heads + h) * most + i)]);
  return values;
}

struct Outcome {
  std::string error;
  std::vector<uint8_t> bytes;
};

/// Runs and judges; `error` is "" if all is well.
Outcome check(const DecodeCase &run, bool extreme = false) {
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
  attention::Decode call = {.q = q.tensor(), .k = k.tensor(), .v = v.tensor(), .o = o.view(), .lse = lse.view()};
  call.options.mask = shape.mask.hook();
  if (shape.softcap != 0)
    call.options.score = "softcap(" + std::to_string(shape.softcap) + ")";
  call.options.scale = shape.scale;
  call.parts = run.parts;
  Result<attention::DecodePlan> plan = attention::plan(runtime, call);
  if (!plan)
    return {plan.error().render(), {}};
  Buffer workspace = runtime.allocate(plan->workspaceBytes()).value();
  workspace.fill(runtime.stream(), 0xff).value();
  if (Result<void> done = plan->run(runtime.stream(), call, workspace); !done)
    return {done.error().render(), {}};
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

DecodeCase randomCase(uint64_t seed) {
  static constexpr DataType kTypes[] = {DataType::F16,  DataType::BF16, DataType::F16,
                                        DataType::BF16, DataType::F32,  DataType::F64};
  static constexpr int64_t kDepths[] = {64, 128, 40}, kGroups[] = {1, 3, 8}, kPages[] = {1, 5, 16},
                           kQueries[] = {1, 1, 2, 5, 16};
  static constexpr int64_t kParts[] = {1, 2, 3, 7};
  static const std::vector<std::vector<int64_t>> kKeys = {{37, 0, 5}, {64, 1, 150}, {16, 33}, {0, 0}, {131}};
  Random random(seed);
  DecodeCase run;
  run.device = random.oneOf(oneOfEachKind());
  run.type = random.oneOf(kTypes);
  run.seed = seed;
  run.keysHow = {How::Kind(random.below(4)), 0};
  if (run.keysHow.kind == How::Kind::Paged)
    run.keysHow.page = random.oneOf(kPages);
  run.keys = random.oneOf(kKeys);
  if (run.keysHow.kind == How::Kind::Dense)
    run.keys.assign(2, 1 + random.below(150));
  run.queriesHow = {How::Kind(random.below(3)), 0};
  run.queries.assign(run.keys.size(), random.oneOf(kQueries));
  if (run.queriesHow.kind != How::Kind::Dense)
    for (int64_t &n : run.queries)
      n = random.below(n + 1);
  run.shape = {1, 0, 0, 1 + random.below(2), random.oneOf(kGroups), random.oneOf(kDepths), 0};
  run.shape.valueDepth = random.below(3) ? run.shape.depth : random.oneOf(kDepths);
  run.shape.scale = 1 / std::sqrt(double(run.shape.depth));
  run.shape.softcap = random.below(4) ? 0 : 15;
  run.shape.mask =
      random.oneOf(std::vector<Mask>{{Mask::Kind::Full}, {Mask::Kind::Causal}, {Mask::Kind::Window, 20, 2}});
  run.parts = random.oneOf(kParts);
  return run;
}

} // namespace

TEST(AttentionDecode, StoragesTypesAndParts) {
  for (uint64_t seed = 1; seed <= (isLongRun() ? 500u : 24u); ++seed) {
    DecodeCase run = randomCase(seed);
    std::printf("  %s\n", run.describe().c_str());
    std::fflush(stdout);
    EXPECT_EQ(check(run).error, "") << run.describe();
  }
}

/// Every group, number of queries and depth of decoding, over pages whose last is not full.
TEST(AttentionDecode, GroupsAndQueriesOverPages) {
  for (const std::string &device : oneOfEachKind())
    for (int64_t group : {1, 3, 8})
      for (int64_t queries : isLongRun() ? std::vector<int64_t>{1, 2, 3, 4, 7, 8, 12, 16} : std::vector<int64_t>{1, 6})
        for (int64_t page : {1, 5, 16}) {
          if (!isLongRun() && (group + queries + page) % 3 != 0)
            continue;
          DecodeCase run = {device, DataType::BF16, {}, {How::Kind::Paged, page}, {queries, queries}, {75, 203}};
          run.shape = {1, 0, 0, 2, group, 128, 128, {Mask::Kind::Causal}, 0.1};
          run.parts = 4;
          EXPECT_EQ(check(run).error, "") << run.describe();
        }
}

/// Logits around -1e4 to -2e5: of one sign, so that every maximum is far from zero.
TEST(AttentionDecode, ExtremeLogits) {
  for (DataType type : {DataType::F16, DataType::BF16})
    for (double size : {300.0, 6000.0}) {
      DecodeCase run = {oneOfEachKind()[0], type, {}, {How::Kind::Paged, 16}, {1, 2}, {150, 40}};
      run.queries = {2, 2};
      run.shape = {1, 0, 0, 1, 8, 64, 64, {}, 1};
      run.parts = 3;
      run.size = size;
      EXPECT_EQ(check(run, true).error, "") << run.describe();
    }
}

TEST(AttentionDecode, TheSameBitsEachTime) {
  DecodeCase run = {oneOfEachKind()[0],    DataType::BF16, {How::Kind::Ragged},
                    {How::Kind::Paged, 5}, {1, 3, 0},      {150, 40, 9}};
  run.shape = {1, 0, 0, 2, 3, 64, 64, {Mask::Kind::Causal}, 0.125};
  run.parts = 5;
  const Outcome first = check(run);
  EXPECT_EQ(first.error, "");
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(check(run).bytes, first.bytes);
}
