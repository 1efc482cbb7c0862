//===- BackwardTest.cpp - attention::backward beside whole rows in f64 ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sequences dense and ragged, with a bias, sinks, dropout and a gradient of the lse, in one pass and in two. Each
// sequence is judged by GradientOracle.h. The ordinary run takes a seeded sample and prints it; --long
// takes 400, and the grid that the forward pass is run over, 4,320 cases.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/attention/MaskOptions.h"
#include "tests/kernels/attention/StoredRows.h"
#include "tests/support/Devices.h"
#include "tests/support/GradientOracle.h"
#include "tests/support/Grid.h"
#include "tests/support/Storage.h"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

constexpr int64_t kSeed = 0x1234567890;
constexpr uint32_t kOffset = 11, kP16 = 13107;

struct BackwardCase {
  std::string device = "sim:h200";
  DataType type = DataType::F16;
  How how = {};
  std::optional<How> keysHow = {}; ///< absent: as the queries
  std::vector<int64_t> queries = {}, keys = {};
  AttentionShape shape = {}; ///< of all but the lengths
  bool hasBias = false, hasSinks = false, drops = false, hasDLse = false, adds = false;
  uint64_t seed = 1;
  Sides sides = Sides::InText;

  std::string describe() const {
    std::ostringstream out;
    out << device << " " << imbrex::name(type) << " " << how.describe() << (keysHow ? "/" + keysHow->describe() : "");
    for (size_t b = 0; b < queries.size(); ++b)
      out << " " << queries[b] << "x" << keys[b];
    out << " H" << shape.heads() << ":" << shape.keyHeads << " D" << shape.depth << " Dv" << shape.valueDepth << " "
        << shape.mask.hook() << (sides == Sides::Arguments ? " of arguments" : "") << " softcap " << shape.softcap
        << (hasBias ? " bias" : "") << (hasSinks ? " sinks" : "") << (drops ? " dropout" : "")
        << (hasDLse ? " dLse" : "") << (adds ? " one pass" : "") << " seed " << seed;
    return out.str();
  }
};

class BackwardRun {
public:
  explicit BackwardRun(const BackwardCase &run)
      : run(run), runtime(runtimeOf(run.device)), wide(wideType(run.type)), heads(run.shape.heads()) {
    Random random(run.seed);
    auto normals = [&](int64_t n, DataType type) { return roundTo(random.normals(n), type); };
    if (run.hasSinks)
      sinks = normals(heads, wide);
    longestQ = roomFor(run.queries), longestK = roomFor(run.keys);
    if (run.hasBias)
      table = normals(heads * longestQ * longestK, wide); // the same for every sequence
    for (size_t b = 0; b < run.queries.size(); ++b) {
      GradientProblem problem = {run.shape, {}, {}, {}, sinks, {}, {}};
      AttentionShape &shape = problem.shape;
      shape.batch = 1, shape.queries = run.queries[b], shape.keys = run.keys[b];
      shape.scale = roundTo(shape.scale, wide);
      problem.inputs = {normals(shape.sizeQ(), run.type), normals(shape.sizeK(), run.type),
                        normals(shape.sizeV(), run.type)};
      problem.dO = normals(shape.sizeO(), run.type);
      if (run.hasDLse)
        problem.dLse = normals(heads * shape.queries, wide);
      if (run.hasBias)
        problem.bias = [this](int64_t h, int64_t i, int64_t j) {
          return table[size_t((h * longestQ + i) * longestK + j)];
        };
      if (run.drops)
        problem.weight = [this, b](int64_t h, int64_t i, int64_t j) {
          const uint32_t row = uint32_t(int64_t(b) * heads + h);
          const bool isKept = attention::dropoutBits(kSeed, kOffset, uint32_t(i), uint32_t(j), row) >= kP16;
          return isKept ? 65536.0 / (65536 - kP16) : 0;
        };
      problems.push_back(problem);
    }
  }

  std::string check() {
    std::string wrong = launch();
    for (size_t b = 0; wrong.empty() && b < problems.size(); ++b)
      if (wrong = judgeSequence(b); !wrong.empty())
        wrong = "sequence " + std::to_string(b) + " " + wrong;
    return wrong.empty() ? judgeShared() : wrong;
  }

  std::vector<uint8_t> bytes() const {
    std::vector<uint8_t> all = dq->readBytes();
    for (const StoredRows *each : {&*dk, &*dv})
      for (uint8_t byte : each->readBytes())
        all.push_back(byte);
    return all;
  }

private:
  /// The rows that the longest sequence can have, as they are stored.
  int64_t roomFor(const std::vector<int64_t> &lengths) const {
    if (run.how.kind == How::Kind::Ragged)
      return *std::max_element(lengths.begin(), lengths.end());
    return StoredRows(runtime, run.type, run.how, lengths, 1, 1).rows() / int64_t(lengths.size());
  }

  const How &keysHow() const { return run.keysHow ? *run.keysHow : run.how; }

  StoredRows stored(DataType type, const std::vector<int64_t> &lengths, int64_t h, int64_t d,
                    const std::function<std::vector<double>(size_t)> &values) {
    const How &how = &lengths == &run.keys ? keysHow() : run.how;
    std::vector<std::vector<double>> all;
    for (size_t b = 0; b < lengths.size(); ++b)
      all.push_back(values(b));
    return StoredRows(runtime, type, how, lengths, h, d, all);
  }

  /// [B, H, Sq] or [H, rows] of what each sequence has, NaN elsewhere.
  Tensor rowsOf(const StoredRows &like, const std::function<double(size_t b, int64_t h, int64_t i)> &value) {
    const bool isRagged = run.how.kind == How::Kind::Ragged;
    const int64_t batch = int64_t(run.queries.size()), columns = isRagged ? like.rows() : like.rows() / batch;
    std::vector<double> all(size_t((isRagged ? 1 : batch) * heads * columns), NAN);
    for (size_t b = 0; b < run.queries.size(); ++b)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t i = 0; i < run.queries[b]; ++i)
          all[size_t(isRagged ? h * columns + like.rowOf(int64_t(b), i) : (int64_t(b) * heads + h) * columns + i)] =
              value(b, h, i);
    return Tensor(
        runtime, wide,
        denseLayout(isRagged ? std::vector<int64_t>{heads, columns} : std::vector<int64_t>{batch, heads, columns}),
        &all);
  }

  std::string launch() {
    const AttentionShape &s = run.shape;
    auto zeros = [&](size_t b) { return std::vector<double>(problems[b].inputs.q.size(), 0.0); };
    StoredRows q = stored(run.type, run.queries, heads, s.depth, [&](size_t b) { return problems[b].inputs.q; });
    StoredRows k = stored(run.type, run.keys, s.keyHeads, s.depth, [&](size_t b) { return problems[b].inputs.k; });
    StoredRows v = stored(run.type, run.keys, s.keyHeads, s.valueDepth, [&](size_t b) { return problems[b].inputs.v; });
    StoredRows dO = stored(run.type, run.queries, heads, s.valueDepth, [&](size_t b) { return problems[b].dO; });
    StoredRows o(runtime, run.type, run.how, run.queries, heads, s.valueDepth);
    dq.emplace(run.adds ? stored(wide, run.queries, heads, s.depth, zeros)
                        : StoredRows(runtime, run.type, run.how, run.queries, heads, s.depth));
    dk.emplace(runtime, run.type, keysHow(), run.keys, s.keyHeads, s.depth);
    dv.emplace(runtime, run.type, keysHow(), run.keys, s.keyHeads, s.valueDepth);
    Tensor lse = rowsOf(o, [](size_t, int64_t, int64_t) { return NAN; });
    Tensor dLse = rowsOf(o, [&](size_t b, int64_t h, int64_t i) {
      return run.hasDLse ? problems[b].dLse[size_t(h * run.queries[b] + i)] : NAN;
    });
    Tensor bias(runtime, wide, denseLayout({1, heads, longestQ, longestK}), run.hasBias ? &table : nullptr);
    Tensor sinkTensor(runtime, wide, denseLayout({heads}), run.hasSinks ? &sinks : nullptr);
    dBias.emplace(runtime, wide, denseLayout({1, heads, longestQ, longestK}));
    dSinks.emplace(runtime, wide, denseLayout({heads}));

    attention::Options options = {.scale = s.scale};
    setMask(options, s.mask, run.sides);
    const std::string cap = s.softcap != 0 ? "softcap(" + std::to_string(s.softcap) + ")(s, at)" : "s";
    options.score = cap;
    if (run.hasBias) { // one table for all sequences: dimension 0 of extent 1
      options.score =
          "fn own(t: view<wide<T>>[N, M, I, J])(s, at) = s + load t[0, at.h, at.q, at.k]; own(table)(" + cap + ", at)";
      options.captured.push_back({"table", bias.view()});
    }
    if (run.drops) {
      options.weight = "dropout(p16, seed, offset, Hk * G)";
      options.captured.insert(options.captured.end(),
                              {{"p16", int64_t(kP16)}, {"seed", kSeed}, {"offset", int64_t(kOffset)}});
    }
    attention::Forward forward = {q.tensor(), k.tensor(), v.tensor(), o.view(), lse.view(), options};
    attention::Backward call = {q.tensor(), k.tensor(), v.tensor(), o.view(),   lse.view(),
                                dO.view(),  dq->view(), dk->view(), dv->view(), options};
    if (run.hasSinks)
      forward.sinks = call.sinks = sinkTensor.view(), call.dSinks = dSinks->view();
    if (run.hasBias)
      call.dBias = dBias->view();
    if (run.hasDLse)
      call.dLse = dLse.view();
    call.adds = run.adds;
    if (Result<void> done = attention::forward(runtime, runtime.stream(), forward); !done)
      return done.error().render();
    Result<attention::BackwardPlan> plan = attention::plan(runtime, call);
    if (!plan)
      return plan.error().render();
    Buffer workspace = runtime.allocate(plan->workspaceBytes()).value();
    workspace.fill(runtime.stream(), 0xff).value();
    if (Result<void> done = plan->run(runtime.stream(), call, workspace); !done)
      return done.error().render();
    Result<void> done = runtime.stream().synchronize();
    return done ? "" : done.error().render();
  }

  std::string judgeSequence(size_t b) {
    const Gradients reference = gradientsOf(problems[b], DataType::F64), baseline = gradientsOf(problems[b], run.type);
    addShared(b, reference, shared), addShared(b, baseline, sharedBase);
    struct {
      const char *name;
      std::vector<double> Gradients::*which;
      const StoredRows *found;
    } all[] = {{"dq", &Gradients::dq, &*dq}, {"dk", &Gradients::dk, &*dk}, {"dv", &Gradients::dv, &*dv}};
    for (const auto &[name, which, found] : all)
      if (std::string wrong = judgeGradient(reference.*which, baseline.*which, found->read(int64_t(b)), run.type);
          !wrong.empty())
        return std::string(name) + " is " + wrong;
    return "";
  }

  /// Gradients of the bias and the sinks, which are sums over sequences.
  struct Shared {
    std::vector<double> bias, sinks;
  };

  void addShared(size_t b, const Gradients &found, Shared &to) const {
    if (!run.hasBias && !run.hasSinks)
      return;
    to.bias.resize(size_t(heads * longestQ * longestK)), to.sinks.resize(size_t(heads));
    for (int64_t h = 0; h < heads; ++h) {
      to.sinks[size_t(h)] += found.dSinks[size_t(h)];
      for (int64_t i = 0; i < run.queries[b]; ++i)
        for (int64_t j = 0; j < run.keys[b]; ++j)
          to.bias[size_t((h * longestQ + i) * longestK + j)] +=
              found.dBias[size_t((h * run.queries[b] + i) * run.keys[b] + j)];
    }
  }

  std::string judgeShared() {
    if (run.hasBias)
      if (std::string wrong = judgeGradient(shared.bias, sharedBase.bias, dBias->read(), run.type); !wrong.empty())
        return "dBias is " + wrong;
    if (run.hasSinks)
      if (std::string wrong = judgeGradient(shared.sinks, sharedBase.sinks, dSinks->read(), run.type); !wrong.empty())
        return "dSinks are " + wrong;
    return "";
  }

  const BackwardCase &run;
  const Runtime &runtime;
  DataType wide;
  int64_t heads, longestQ = 0, longestK = 0;
  std::vector<double> sinks, table;
  std::vector<GradientProblem> problems;
  Shared shared, sharedBase;
  std::optional<StoredRows> dq, dk, dv;
  std::optional<Tensor> dBias, dSinks;
};

BackwardCase randomCase(uint64_t seed) {
  static constexpr DataType kTypes[] = {DataType::F16, DataType::BF16, DataType::F32, DataType::F64};
  static constexpr int64_t kDepths[] = {64, 16, 40, 128};
  static const std::vector<std::pair<std::vector<int64_t>, std::vector<int64_t>>> kLengths = {
      {{33, 0, 5}, {40, 7, 5}}, {{64, 1}, {64, 70}}, {{20}, {75}}, {{45, 3}, {20, 3}}};
  Random random(seed);
  BackwardCase run;
  run.device = random.oneOf(oneOfEachKind());
  run.type = random.oneOf(kTypes);
  run.seed = seed;
  std::tie(run.queries, run.keys) = random.oneOf(kLengths);
  run.how.kind = random.below(2) ? How::Kind::Ragged : How::Kind::Padded;
  if (random.below(3) == 0) {
    run.how.kind = How::Kind::Dense;
    run.queries.assign(2, 1 + random.below(60)), run.keys.assign(2, 2 + random.below(60));
  }
  run.shape = {1, 0, 0, 1 + random.below(2), 1 + random.below(3), random.oneOf(kDepths), 0};
  run.shape.valueDepth = random.below(3) ? run.shape.depth : random.oneOf(kDepths);
  run.shape.scale = 1 / std::sqrt(double(run.shape.depth));
  run.shape.softcap = random.below(4) ? 0 : 15;
  run.shape.mask =
      random.oneOf(std::vector<Mask>{{Mask::Kind::Full}, {Mask::Kind::Causal}, {Mask::Kind::Window, 20, 2}});
  run.hasBias = random.below(3) == 0, run.hasSinks = random.below(3) == 0, run.drops = random.below(3) == 0;
  run.hasDLse = random.below(2) == 0, run.adds = random.below(3) == 0;
  return run;
}

/// The forward's grid of types, heads, softcap, masks, depths and lengths up to 1024. Some row of each case sees two
/// keys: where all see one, every gradient of a logit is zero, and the baseline's error, zero too, is no measure.
/// Devices take turns, each with all lengths of a meaning, which share what is compiled.
std::vector<BackwardCase> wholeGrid() {
  static constexpr int64_t kLengths[][2] = {
      {1, 2},     {64, 128},  {128, 192}, {256, 256}, {239, 2},   {799, 3},   {113, 203},   {113, 128},   {128, 217},
      {113, 211}, {108, 256}, {256, 512}, {384, 256}, {640, 128}, {512, 256}, {1024, 1024}, {1023, 1024}, {1024, 1023}};
  std::vector<BackwardCase> grid;
  const std::vector<std::string> devices = deviceNames();
  for (DataType type : {DataType::F16, DataType::BF16})
    for (auto [keyHeads, group] : {std::pair<int64_t, int64_t>{3, 1}, {1, 3}, {2, 3}})
      for (double softcap : {0.0, 15.0})
        for (int bits = 0; bits < 4; ++bits)
          for (int64_t depth : {64, 96, 128, 192, 256})
            for (const auto &[queries, keys] : kLengths) {
              Random random(grid.size());
              BackwardCase run;
              run.device = devices[grid.size() / std::size(kLengths) % devices.size()];
              run.type = type, run.seed = grid.size(), run.sides = Sides::Arguments;
              run.queries = {queries}, run.keys = {keys};
              run.shape = {1, 0, 0, keyHeads, group, depth, depth};
              run.shape.scale = 1 / std::sqrt(double(depth));
              run.shape.softcap = softcap;
              run.shape.mask = {bits & 2 ? Mask::Kind::Causal : Mask::Kind::Full};
              if (bits & 1)
                run.shape.mask = {bits & 2 ? Mask::Kind::CausalWindow : Mask::Kind::Window, 1 + random.below(keys),
                                  random.below(keys + 1)};
              grid.push_back(run);
            }
  return grid;
}

void expectRight(const BackwardCase &run) {
  std::printf("  %s\n", run.describe().c_str());
  std::fflush(stdout);
  EXPECT_EQ(BackwardRun(run).check(), "") << run.describe();
}

} // namespace

TEST(AttentionBackward, ASampleOrAllOfTheGrid) {
  const std::vector<BackwardCase> grid = wholeGrid();
  EXPECT_EQ(grid.size(), 4320u);
  const auto work = [](const BackwardCase &run) {
    return double(run.queries[0] * run.keys[0] * run.shape.heads() * run.shape.depth);
  };
  forEachTaken(grid, {6, 4, 4e6}, work, expectRight);
}

TEST(AttentionBackward, Sample) {
  for (uint64_t seed = 1; seed <= (isLongRun() ? 400u : 16u); ++seed)
    expectRight(randomCase(seed));
}

/// Keys, values and their gradients in pages, of one row up, beside padded and ragged queries.
TEST(AttentionBackward, KeysInPages) {
  uint64_t seed = 1;
  for (int64_t page : {1, 5, 16})
    for (How::Kind kind : {How::Kind::Padded, How::Kind::Ragged})
      for (bool adds : {false, true}) {
        BackwardCase run = {oneOfEachKind()[0],          DataType::BF16, {kind},
                            How{How::Kind::Paged, page}, {9, 0, 20},     {40, 7, 33}};
        run.shape = {1, 0, 0, 2, 2, 64, 64, {Mask::Kind::Causal}, 0.125};
        run.adds = adds, run.seed = seed++;
        expectRight(run);
      }
}

/// Two passes give the same bits each time.
TEST(AttentionBackward, TheSameBitsEachTime) {
  BackwardCase run = {oneOfEachKind()[0], DataType::BF16, {How::Kind::Ragged}, {}, {33, 0, 20}, {40, 7, 20}};
  run.shape = {1, 0, 0, 1, 2, 64, 64, {Mask::Kind::Causal}, 0.125};
  std::vector<uint8_t> first;
  for (int i = 0; i < 3; ++i) {
    BackwardRun again(run);
    EXPECT_EQ(again.check(), "");
    if (i == 0)
      first = again.bytes();
    EXPECT_EQ(again.bytes(), first);
  }
}

TEST(AttentionBackward, RefusesWhatItCannot) {
  const Runtime &runtime = runtimeOf(oneOfEachKind()[0]);
  Tensor x(runtime, DataType::F16, denseLayout({1, 4, 1, 16})), lse(runtime, DataType::F32, denseLayout({1, 1, 4})),
      sinks(runtime, DataType::F32, denseLayout({1}));
  attention::Backward call = {x.view(), x.view(), x.view(), x.view(), lse.view(),
                              x.view(), x.view(), x.view(), x.view()};
  call.adds = true;
  EXPECT_NE(attention::support(runtime, call).why.find("a gradient that is added to is of f32, dq is of f16"),
            std::string::npos);
  call.adds = false;
  Tensor table(runtime, DataType::I32, denseLayout({1, 1})), lengths(runtime, DataType::I32, denseLayout({1}));
  attention::Backward inPages = call;
  inPages.k = inPages.v = paged(x.view(), table.view(), lengths.view());
  inPages.dk.extents = {2, 2, 1, 16}, inPages.dk.strides = {64, 16, 16, 1};
  EXPECT_NE(attention::support(runtime, inPages).why.find("pages of a gradient follow each other without gaps"),
            std::string::npos);
  call.sinks = sinks.view();
  EXPECT_NE(attention::support(runtime, call).why.find("sinks and their gradient come together"), std::string::npos);
}
