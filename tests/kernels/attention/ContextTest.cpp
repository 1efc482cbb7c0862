//===- ContextTest.cpp - Attention over ranks beside attention of all -----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One to four ranks, each a thread with a simulated device of its own, which reach each other through host memory.
// Results are judged beside f64 over whole sequences, traffic beside the formulas of context.h.
//
//===----------------------------------------------------------------------===//

#include "kernels/context.h"
#include "tests/support/GradientOracle.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <barrier>
#include <cmath>
#include <gtest/gtest.h>
#include <thread>

using namespace imbrex;
using namespace imbrex::testing;

namespace {

/// Letters from each rank to the one that it names; all ranks meet twice an exchange.
struct Post {
  explicit Post(int ranks) : letters(size_t(ranks)), meeting(ranks) {}
  std::vector<std::vector<std::byte>> letters; ///< by receiver
  std::barrier<> meeting;
};

class ThreadRank : public attention::Communicator {
public:
  ThreadRank(Post &post, int rank) : post(post), self(rank) {}
  int rank() const override { return self; }
  int size() const override { return int(post.letters.size()); }
  Result<void> exchange(const Stream &stream, const Buffer &send, size_t sendOffset, int to, const Buffer &receive,
                        size_t receiveOffset, int, size_t bytes) override {
    stream.synchronize().value();
    std::vector<std::byte> letter(bytes);
    send.copyTo(letter.data(), bytes, sendOffset).value();
    post.letters[size_t(to)] = std::move(letter);
    count += bytes;
    post.meeting.arrive_and_wait();
    Result<void> received = receive.copyFrom(post.letters[size_t(self)].data(), bytes, receiveOffset);
    post.meeting.arrive_and_wait();
    return received;
  }
  uint64_t counted() const { return count; }

private:
  Post &post;
  int self;
  uint64_t count = 0;
};

struct World {
  int ranks;
  attention::ContextShape shape; ///< of a rank
  uint64_t seed = 1;

  int64_t length() const { return shape.rows * ranks; }
  /// The place in its sequence of a rank's row.
  int64_t placeOf(int rank, int64_t row) const {
    const int64_t half = shape.rows / 2;
    if (!shape.isCausal)
      return rank * shape.rows + row;
    return row < half ? rank * half + row : (2 * ranks - 1 - rank) * half + row - half;
  }
  std::string describe() const {
    return std::to_string(ranks) + " ranks of " + std::to_string(shape.rows) + " rows, " +
           std::string(imbrex::name(shape.type)) + (shape.isCausal ? ", causal" : "");
  }
};

/// The rows of a rank out of [batch][length, heads, features].
std::vector<double> dealt(const World &world, int rank, const std::vector<std::vector<double>> &all, int64_t width) {
  std::vector<double> mine;
  for (const std::vector<double> &sequence : all)
    for (int64_t row = 0; row < world.shape.rows; ++row) {
      const auto from = sequence.begin() + world.placeOf(rank, row) * width;
      mine.insert(mine.end(), from, from + width);
    }
  return mine;
}

/// What ranks found, put together again as dealt() took it apart.
void collect(const World &world, int rank, const std::vector<double> &mine, int64_t width,
             std::vector<std::vector<double>> &all) {
  for (size_t b = 0; b < all.size(); ++b)
    for (int64_t row = 0; row < world.shape.rows; ++row)
      std::copy_n(mine.begin() + (int64_t(b) * world.shape.rows + row) * width, width,
                  all[b].begin() + world.placeOf(rank, row) * width);
}

class WorldRun {
public:
  explicit WorldRun(const World &world) : world(world) {
    const attention::ContextShape &s = world.shape;
    Random random(world.seed);
    for (int64_t b = 0; b < s.batch; ++b) {
      AttentionShape whole = {1,
                              world.length(),
                              world.length(),
                              s.keyHeads,
                              s.heads / s.keyHeads,
                              s.features,
                              s.valueFeatures,
                              {s.isCausal ? Mask::Kind::Causal : Mask::Kind::Full}};
      whole.scale = roundTo(1 / std::sqrt(double(s.features)), wideType(s.type));
      GradientProblem problem = {whole, {}, {}, {}, {}, {}, {}};
      auto normals = [&](int64_t n) { return roundTo(random.normals(n), s.type); };
      problem.inputs = {normals(whole.sizeQ()), normals(whole.sizeK()), normals(whole.sizeV())};
      problem.dO = normals(whole.sizeO());
      problems.push_back(problem);
      q.push_back(problem.inputs.q), k.push_back(problem.inputs.k), v.push_back(problem.inputs.v);
      dO.push_back(problem.dO);
    }
    for (auto [to, like] : {std::pair(&o, &dO), {&gatheredO, &dO}, {&dq, &q}, {&dk, &k}, {&dv, &v}})
      for (const std::vector<double> &each : *like)
        to->push_back(std::vector<double>(each.size(), NAN));
  }

  void check() {
    Post post(world.ranks);
    std::vector<std::thread> threads;
    for (int rank = 0; rank < world.ranks; ++rank)
      threads.emplace_back([this, &post, rank] { runRank(post, rank); });
    for (std::thread &thread : threads)
      thread.join();
    const DataType type = world.shape.type;
    for (size_t b = 0; b < problems.size(); ++b) {
      const Gradients want = gradientsOf(problems[b], DataType::F64), base = gradientsOf(problems[b], type);
      EXPECT_EQ(judgeGradient(want.o, base.o, o[b], type), "") << "o of " << world.describe();
      EXPECT_EQ(judgeGradient(want.o, base.o, gatheredO[b], type), "") << "gathered o of " << world.describe();
      EXPECT_EQ(judgeGradient(want.dq, base.dq, dq[b], type), "") << "dq of " << world.describe();
      EXPECT_EQ(judgeGradient(want.dk, base.dk, dk[b], type), "") << "dk of " << world.describe();
      EXPECT_EQ(judgeGradient(want.dv, base.dv, dv[b], type), "") << "dv of " << world.describe();
    }
  }

private:
  void runRank(Post &post, int rank) {
    const attention::ContextShape &s = world.shape;
    Runtime runtime = Runtime::open({.device = "sim:a100", .simulatorThreads = 1}).value();
    ThreadRank communicator(post, rank);
    attention::Context context = attention::Context::create(runtime, communicator, s).value();
    auto array = [&](int64_t heads, int64_t features, const std::vector<double> *values) {
      return Tensor(runtime, s.type, denseLayout({s.batch, s.rows, heads, features}), values);
    };
    auto buffer = [&](const std::vector<double> &values) {
      std::vector<uint8_t> bytes;
      for (double x : values) {
        const uint64_t bits = imbrex::testing::encode(x, s.type);
        const auto *raw = reinterpret_cast<const uint8_t *>(&bits);
        bytes.insert(bytes.end(), raw, raw + byteSize(s.type));
      }
      Buffer made = runtime.allocate(bytes.size()).value();
      made.copyFrom(bytes.data(), bytes.size()).value();
      return made;
    };
    const int64_t wq = s.heads * s.features, wk = s.keyHeads * s.features, wv = s.keyHeads * s.valueFeatures,
                  wo = s.heads * s.valueFeatures;
    const std::vector<double> myQ = dealt(world, rank, q, wq), myDO = dealt(world, rank, dO, wo);
    Tensor queries = array(s.heads, s.features, &myQ), go = array(s.heads, s.valueFeatures, &myDO),
           result = array(s.heads, s.valueFeatures, nullptr), again = array(s.heads, s.valueFeatures, nullptr),
           toQ = array(s.heads, s.features, nullptr), toK = array(s.keyHeads, s.features, nullptr),
           toV = array(s.keyHeads, s.valueFeatures, nullptr);
    Tensor lse(runtime, wideType(s.type), denseLayout({s.batch, s.heads, s.rows}));
    const Buffer keys = buffer(dealt(world, rank, k, wk)), values = buffer(dealt(world, rank, v, wv));
    const uint64_t each = uint64_t(s.batch * s.rows * (wk + wv)), others = uint64_t(world.ranks - 1),
                   bytes = byteSize(s.type), wide = byteSize(wideType(s.type));
    const Stream &stream = runtime.stream();
    attention::ContextCall call = {queries.view(), keys, values, again.view(), lse.view()};
    context.forwardGathered(stream, call).value();
    EXPECT_EQ(context.bytesSent(), others * each * bytes);
    call.o = result.view();
    context.forward(stream, call).value();
    EXPECT_EQ(context.bytesSent(), 2 * others * each * bytes);
    context.backward(stream, call, {go.view(), toQ.view(), toK.view(), toV.view()}).value();
    EXPECT_EQ(context.bytesSent(), 3 * others * each * bytes + uint64_t(world.ranks) * each * wide);
    EXPECT_EQ(context.bytesSent(), communicator.counted());
    collect(world, rank, result.read(), wo, o), collect(world, rank, again.read(), wo, gatheredO);
    collect(world, rank, toQ.read(), wq, dq), collect(world, rank, toK.read(), wk, dk);
    collect(world, rank, toV.read(), wv, dv);
  }

  const World &world;
  std::vector<GradientProblem> problems;
  std::vector<std::vector<double>> q, k, v, dO, o, gatheredO, dq, dk, dv; ///< by sequence
};

} // namespace

TEST(AttentionContext, CausalInZigZag) {
  for (int ranks : {1, 2, 3, 4}) {
    World world = {ranks, {2, 12, 4, 2, 32, 32, DataType::F16, true}, uint64_t(ranks)};
    WorldRun(world).check();
  }
}

TEST(AttentionContext, Full) {
  for (int ranks : {2, 4}) {
    World world = {ranks, {1, 17, 2, 1, 16, 24, DataType::F32, false}, uint64_t(ranks)};
    WorldRun(world).check();
  }
}

TEST(AttentionContext, RefusesAnOddNumberOfCausalRows) {
  Post post(1);
  ThreadRank alone(post, 0);
  Runtime runtime = Runtime::open({.device = "sim:a100"}).value();
  Result<attention::Context> made = attention::Context::create(runtime, alone, {.rows = 7, .isCausal = true});
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("an even number, not 7"), std::string::npos);
}
