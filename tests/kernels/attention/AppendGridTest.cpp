//===- AppendGridTest.cpp - The grid of steps over growing caches ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The grid that FlashAttention's tests run with a cache and new rows, 11,520 cases: types, heads, masks, as many new
// rows as queries or fewer, rotary of half and of all features in both orders, caches that are padded, in pages or
// picked by an index, rows to be left out at their beginnings, lengths. Each case goes both ways, by Append and then
// Decode, and in one launch. Rows that turned are compared with rotation in double precision, results with attention to
// what the cache then holds. The ordinary run takes a seeded sample; `attention_test --long` takes all.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/attention/StoredRows.h"
#include "tests/support/AttentionJudge.h"
#include "tests/support/Devices.h"
#include "tests/support/Grid.h"
#include "tests/support/Storage.h"
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <sstream>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

using Rows = std::vector<std::vector<double>>; ///< of each sequence

struct AppendCase {
  std::string device;
  DataType type = DataType::F16;
  AttentionShape shape = {}; ///< of all but the lengths
  How cache = {};
  int64_t queries = 1, room = 128, fresh = 1;
  double turnedShare = 0; ///< of the features
  bool isInterleaved = false, skipsFirst = false;
  uint64_t seed = 0;

  int64_t turned() const { return int64_t(turnedShare * double(shape.depth)) / 16 * 16; }
  double work() const { return double(queries * room * shape.heads() * shape.depth); }
  std::string describe() const {
    std::ostringstream out;
    out << device << " " << imbrex::name(type) << " H" << shape.heads() << ":" << shape.keyHeads << " D" << shape.depth
        << " q " << queries << " new " << fresh << " room " << room << " " << cache.describe() << " "
        << shape.mask.hook() << " rotary " << turned() << (isInterleaved ? " interleaved" : "")
        << (skipsFirst ? " from a first row on" : "") << " seed " << seed;
    return out.str();
  }
};

std::vector<AppendCase> wholeGrid() {
  static constexpr int64_t kLengths[][2] = {{1, 128}, {1, 339}, {3, 1024}, {64, 800}, {64, 256}, {3, 799}};
  static constexpr int64_t kDepths[] = {64, 96, 128, 192, 256};
  static constexpr std::pair<double, bool> kTurns[] = {{0, false}, {0.5, false}, {0.5, true}, {1, false}, {1, true}};
  static constexpr std::pair<int64_t, int64_t> kHeads[] = {{3, 1}, {1, 3}, {2, 3}};
  const Mask masks[] = {
      {Mask::Kind::Full}, {Mask::Kind::Causal}, {Mask::Kind::Window, 60, 20}, {Mask::Kind::CausalWindow, 100}};
  const std::vector<std::string> devices = deviceNames();
  std::vector<AppendCase> grid;
  for (DataType type : {DataType::F16, DataType::BF16})
    for (auto [keyHeads, group] : kHeads)
      for (const Mask &mask : masks)
        for (auto [share, isInterleaved] : kTurns) {
          // Devices and depths take turns, each with all that shares what is compiled.
          const size_t meaning = grid.size() / 96;
          const int64_t depth = kDepths[(meaning + meaning / 5) % 5];
          for (bool isFewer : {false, true})
            for (int storage = 0; storage < 4; ++storage)
              for (bool skips : {false, true})
                for (const auto &[queries, room] : kLengths) {
                  Random random(grid.size());
                  AppendCase run = {
                      devices[meaning % devices.size()], type, {1, 0, 0, keyHeads, group, depth, depth, mask}};
                  run.shape.scale = roundTo(1 / std::sqrt(double(depth)), DataType::F32);
                  // A page as long as a cache: the table is the index of a sequence's cache.
                  run.cache = storage == 0 ? How{How::Kind::Padded}
                                           : How{How::Kind::Paged, storage == 1   ? 16
                                                                   : storage == 2 ? 256
                                                                                  : room + 1};
                  run.queries = queries, run.room = room;
                  run.fresh = isFewer ? 1 + random.below(queries) : queries;
                  run.turnedShare = share, run.isInterleaved = isInterleaved, run.skipsFirst = skips;
                  run.seed = grid.size();
                  grid.push_back(run);
                }
        }
  return grid;
}

/// A case's numbers, and the runs of it.
class AppendRun {
public:
  explicit AppendRun(const AppendCase &run)
      : run(run), shape(run.shape), runtime(runtimeOf(run.device)), random(run.seed) {
    for (int b = 0; b < 2; ++b) {
      before.push_back(b == 0 ? run.room - run.fresh : random.below(run.room - run.fresh + 1));
      after.push_back(before.back() + run.fresh);
      firsts.push_back(run.skipsFirst ? double(random.below(after.back())) : 0);
      for (Rows &each : old)
        each.push_back(normals(before.back() * shape.keyHeads));
    }
    fresh[0] = normals(2 * run.fresh * shape.keyHeads), fresh[1] = normals(2 * run.fresh * shape.keyHeads);
    queries = normals(2 * run.queries * shape.heads());
    first.emplace(runtime, DataType::I32, denseLayout({2}), &firsts);
  }

  std::string check() {
    std::string inTwo = appendThenDecode();
    return inTwo.empty() ? inOneLaunch() : "append, then decode: " + inTwo;
  }

private:
  std::vector<double> normals(int64_t rows) { return roundTo(random.normals(rows * shape.depth), run.type); }
  Tensor dense(int64_t rows, int64_t heads, const std::vector<double> *values = nullptr) const {
    return Tensor(runtime, run.type, denseLayout({2, rows, heads, shape.depth}), values);
  }
  /// The old rows; the rest is NaN.
  StoredRows cacheOf(int which) const {
    return StoredRows(runtime, run.type, run.cache, after, shape.keyHeads, shape.depth, old[which]);
  }
  attention::Rotary rotary() const { return {.features = run.turned(), .isInterleaved = run.isInterleaved}; }

  attention::Options options() const {
    attention::Options options = {.mask = shape.mask.hook(), .scale = shape.scale};
    if (run.skipsFirst) {
      options.mask = "fn from(first: view<i32>[B])(at) = at.k >= load first[at.b]; " + shape.mask.hook() +
                     "(at) && from(first)(at)";
      options.captured = {{"first", first->view()}};
    }
    return options;
  }

  std::string appendThenDecode() {
    Tensor q = dense(run.queries, shape.heads(), &queries), turnedQ = dense(run.queries, shape.heads()),
           o = dense(run.queries, shape.heads()), newK = dense(run.fresh, shape.keyHeads, &fresh[0]),
           newV = dense(run.fresh, shape.keyHeads, &fresh[1]);
    StoredRows k = cacheOf(0), v = cacheOf(1);
    attention::Append append = {newK.view(), newV.view(), k.tensor(), v.tensor(), rotary()};
    if (run.turned() != 0)
      append.q = q.view(), append.turnedQ = turnedQ.view();
    if (run.seed % 2 != 0) { // keys and values share an array of lengths
      k.setLengths(before);
      append.k = k.tensor();
      append.v = withLengths(v.tensor(), *append.k.sequences());
      append.advances = true;
    }
    attention::append(runtime, runtime.stream(), append).value();
    const std::vector<int32_t> lengths = k.readLengths();
    if (!std::equal(lengths.begin(), lengths.end(), after.begin(), after.end()))
      return "the lengths did not grow by the new rows";
    k.setLengths(after);
    attendedQ = run.turned() != 0 ? turnedQ.read() : queries;
    if (run.turned() != 0)
      if (std::string told = judgeTurned("q", queries, attendedQ, run.queries, shape.heads()); !told.empty())
        return told;
    appendedKeys = k.readBytes();
    return decodeAndJudge(k, v, {.q = run.turned() != 0 ? turnedQ.view() : q.view()}, o);
  }

  /// Rounds what it turns as the other way does: it is judged by the queries that were turned there.
  std::string inOneLaunch() {
    Tensor q = dense(run.queries, shape.heads(), &queries), o = dense(run.queries, shape.heads()),
           newK = dense(run.fresh, shape.keyHeads, &fresh[0]), newV = dense(run.fresh, shape.keyHeads, &fresh[1]);
    StoredRows k = cacheOf(0), v = cacheOf(1);
    std::string told =
        decodeAndJudge(k, v, {.q = q.view(), .newK = newK.view(), .newV = newV.view(), .rotary = rotary()}, o);
    if (told.empty() && k.readBytes() != appendedKeys)
      told = "other bits of keys than by cache_append";
    return told.empty() ? "" : "in one launch: " + told;
  }

  static attention::Tensor withLengths(const attention::Tensor &tensor, const Sequences &other) {
    Sequences sequences = *tensor.sequences();
    sequences.lengths = other.lengths;
    return sequences;
  }

  std::string decodeAndJudge(const StoredRows &k, const StoredRows &v, attention::Decode call, Tensor &o) {
    Tensor lse(runtime, DataType::F32, denseLayout({2, shape.heads(), run.queries}));
    call.k = k.tensor(), call.v = v.tensor(), call.o = o.view(), call.lse = lse.view();
    call.options = options();
    call.parts = int64_t(run.seed % 4);
    Result<attention::DecodePlan> plan = attention::plan(runtime, call);
    if (!plan)
      return plan.error().render();
    Buffer workspace = runtime.allocate(plan->workspaceBytes()).value();
    workspace.fill(runtime.stream(), 0xff).value();
    plan->run(runtime.stream(), call, workspace).value();
    runtime.stream().synchronize().value();
    if (!k.isElsewhereNan() || !v.isElsewhereNan())
      return "rows that are no sequence's were written";
    const std::vector<double> results = o.read(), sums = lse.read();
    for (int64_t b = 0; b < 2; ++b) {
      const std::vector<double> keys = k.read(b), values = v.read(b);
      if (std::string told = judgeCache(b, keys, values); !told.empty())
        return told;
      if (std::string told = judgeSequence(b, keys, values, results, sums); !told.empty())
        return "sequence " + std::to_string(b) + ": " + told;
    }
    return "";
  }

  /// Old rows are as they were, new values as they came, new keys turned.
  std::string judgeCache(int64_t b, const std::vector<double> &keys, const std::vector<double> &values) const {
    const size_t was = old[0][size_t(b)].size(), now = size_t(run.fresh * shape.keyHeads * shape.depth);
    const auto *newK = &fresh[0][size_t(b) * now], *newV = &fresh[1][size_t(b) * now];
    if (!std::equal(old[0][size_t(b)].begin(), old[0][size_t(b)].end(), keys.begin()) ||
        !std::equal(old[1][size_t(b)].begin(), old[1][size_t(b)].end(), values.begin()))
      return "an old row changed";
    if (!std::equal(values.begin() + int64_t(was), values.end(), newV, newV + now))
      return "a new value is not what came";
    return judgeRows("k", newK, &keys[was], run.fresh, shape.keyHeads, before[size_t(b)]);
  }

  std::string judgeTurned(const char *name, const std::vector<double> &from, const std::vector<double> &found,
                          int64_t rows, int64_t heads) const {
    for (int64_t b = 0; b < 2; ++b)
      if (std::string told =
              judgeRows(name, &from[size_t(b * rows * heads * shape.depth)],
                        &found[size_t(b * rows * heads * shape.depth)], rows, heads, after[size_t(b)] - rows);
          !told.empty())
        return told;
    return "";
  }

  /// Rows [rows, heads, depth] from `position` on, turned in double precision and then rounded: to one step of the
  /// type, and what f32 makes of the angle.
  std::string judgeRows(const char *name, const double *from, const double *found, int64_t rows, int64_t heads,
                        int64_t position) const {
    const int64_t depth = shape.depth, features = run.turned();
    const double step = run.type == DataType::F16 ? 0x1p-10 : 0x1p-7;
    for (int64_t i = 0; i < rows * heads * depth; ++i) {
      const int64_t feature = i % depth;
      double want = from[i], size = 0;
      if (feature < features) {
        const int64_t pair = run.isInterleaved ? feature / 2 : feature % (features / 2);
        const bool isFirst = run.isInterleaved ? feature % 2 == 0 : feature < features / 2;
        const int64_t apart = run.isInterleaved ? 1 : features / 2;
        const double other = from[isFirst ? i + apart : i - apart];
        const double angle =
            double(position + i / (heads * depth)) * std::pow(10000.0, -2 * double(pair) / double(features));
        want = std::cos(angle) * from[i] + (isFirst ? -1 : 1) * std::sin(angle) * other;
        size = std::hypot(from[i], other);
      }
      if (!(std::fabs(found[i] - want) <= size * (step + 3e-4)))
        return std::string(name) + " at row " + std::to_string(i / (heads * depth)) + ", feature " +
               std::to_string(feature) + ": " + std::to_string(found[i]) + ", not " + std::to_string(want);
    }
    return "";
  }

  /// Beside attention to the rows that are not left out: their positions are counted from the end, so that leaving
  /// some out at the beginning changes no mask.
  std::string judgeSequence(int64_t b, const std::vector<double> &keys, const std::vector<double> &values,
                            const std::vector<double> &results, const std::vector<double> &sums) const {
    const int64_t skipped = int64_t(firsts[size_t(b)]), width = shape.keyHeads * shape.depth,
                  wide = run.queries * shape.heads() * shape.depth, heads = shape.heads() * run.queries;
    AttentionShape one = shape;
    one.queries = run.queries, one.keys = after[size_t(b)] - skipped;
    const AttentionInputs inputs = {{attendedQ.begin() + b * wide, attendedQ.begin() + (b + 1) * wide},
                                    {keys.begin() + skipped * width, keys.end()},
                                    {values.begin() + skipped * width, values.end()}};
    return judge(one, inputs,
                 {{results.begin() + b * wide, results.begin() + (b + 1) * wide},
                  {sums.begin() + b * heads, sums.begin() + (b + 1) * heads}},
                 run.type);
  }

  const AppendCase &run;
  const AttentionShape &shape;
  const Runtime &runtime;
  Random random;
  std::vector<int64_t> before, after; ///< lengths of the sequences
  std::vector<double> firsts;         ///< rows that are left out
  Rows old[2];                        ///< of keys and values
  std::vector<double> fresh[2], queries;
  std::vector<double> attendedQ;     ///< the queries, turned
  std::vector<uint8_t> appendedKeys; ///< the cache's, by cache_append
  std::optional<Tensor> first;
};

void expectRight(const AppendCase &run) {
  std::printf("  %s\n", run.describe().c_str());
  std::fflush(stdout);
  EXPECT_EQ(AppendRun(run).check(), "") << run.describe();
}

} // namespace

TEST(AttentionAppendGrid, ASampleOrAll) {
  const std::vector<AppendCase> grid = wholeGrid();
  EXPECT_EQ(grid.size(), 11520u);
  forEachTaken(grid, {10, 7, 4e6}, [](const AppendCase &run) { return run.work(); }, expectRight);
}
