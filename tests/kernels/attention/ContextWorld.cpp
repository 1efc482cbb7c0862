//===- ContextWorld.cpp - Attention over ranks beside attention of all ----===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A rank's rows are dealt out of whole sequences, and its results are put back among the right ones, so that they are
// judged by the bound of the whole.
//
//===----------------------------------------------------------------------===//

#include "ContextWorld.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include "tests/support/Tensor.h"
#include <cmath>

using namespace imbrex;
using namespace imbrex::testing;

/// Of its keys and values.
static int64_t elementsOfRank(const attention::ContextShape &shape) {
  return shape.batch * shape.rows * shape.keyHeads * (shape.features + shape.valueFeatures);
}

int64_t World::placeOf(int rank, int64_t row) const {
  const int64_t half = shape.rows / 2;
  if (!shape.isCausal)
    return rank * shape.rows + row;
  return row < half ? rank * half + row : (2 * ranks - 1 - rank) * half + row - half;
}

uint64_t World::sentForward() const {
  return uint64_t((ranks - 1) * elementsOfRank(shape)) * byteSize(shape.type);
}

uint64_t World::sentBackward() const {
  return sentForward() + uint64_t(ranks * elementsOfRank(shape)) * byteSize(wideType(shape.type));
}

std::string World::describe() const {
  return std::to_string(ranks) + " ranks of " + std::to_string(shape.rows) + " rows, " +
         std::string(imbrex::name(shape.type)) + (shape.isCausal ? ", causal" : "");
}

std::vector<World> imbrex::testing::worldsOf(int ranks) {
  return {{ranks, {2, 12, 4, 2, 32, 32, DataType::F16, true}, uint64_t(ranks)},
          {ranks, {1, 17, 2, 1, 16, 24, DataType::F32, false}, uint64_t(ranks)}};
}

WorldProblem::WorldProblem(const World &world) : world(world) {
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
    q.push_back(problem.inputs.q), k.push_back(problem.inputs.k), v.push_back(problem.inputs.v);
    dO.push_back(problem.dO);
    want.push_back(gradientsOf(problem, DataType::F64)), base.push_back(gradientsOf(problem, s.type));
  }
}

namespace imbrex::testing {

class RankRun {
public:
  RankRun(const WorldProblem &problem, const Runtime &runtime, attention::Communicator &ranks)
      : problem(problem), world(problem.world), s(world.shape), runtime(runtime), ranks(ranks),
        context(attention::Context::create(runtime, ranks, s).value()) {}

  std::string run() {
    const int64_t wq = s.heads * s.features, wk = s.keyHeads * s.features, wv = s.keyHeads * s.valueFeatures,
                  wo = s.heads * s.valueFeatures;
    const std::vector<double> myQ = dealt(problem.q, wq), myDO = dealt(problem.dO, wo);
    Tensor queries = array(s.heads, s.features, &myQ), go = array(s.heads, s.valueFeatures, &myDO),
           result = array(s.heads, s.valueFeatures, nullptr), again = array(s.heads, s.valueFeatures, nullptr),
           toQ = array(s.heads, s.features, nullptr), toK = array(s.keyHeads, s.features, nullptr),
           toV = array(s.keyHeads, s.valueFeatures, nullptr);
    Tensor lse(runtime, wideType(s.type), denseLayout({s.batch, s.heads, s.rows}));
    const Buffer keys = buffer(dealt(problem.k, wk)), values = buffer(dealt(problem.v, wv));
    const Stream &stream = runtime.stream();
    attention::ContextCall call = {queries.view(), keys, values, again.view(), lse.view()};
    context.forwardGathered(stream, call).value();
    expectSent(world.sentForward());
    call.o = result.view();
    context.forward(stream, call).value();
    expectSent(2 * world.sentForward());
    context.backward(stream, call, {go.view(), toQ.view(), toK.view(), toV.view()}).value();
    expectSent(2 * world.sentForward() + world.sentBackward());
    judge("gathered o", &Gradients::o, again, wo), judge("o", &Gradients::o, result, wo);
    judge("dq", &Gradients::dq, toQ, wq), judge("dk", &Gradients::dk, toK, wk), judge("dv", &Gradients::dv, toV, wv);
    return wrong;
  }

private:
  Tensor array(int64_t heads, int64_t features, const std::vector<double> *values) {
    return Tensor(runtime, s.type, denseLayout({s.batch, s.rows, heads, features}), values);
  }

  Buffer buffer(const std::vector<double> &values) {
    std::vector<uint8_t> bytes;
    for (double x : values) {
      const uint64_t bits = encode(x, s.type);
      const auto *raw = reinterpret_cast<const uint8_t *>(&bits);
      bytes.insert(bytes.end(), raw, raw + byteSize(s.type));
    }
    Buffer made = runtime.allocate(bytes.size()).value();
    made.copyFrom(bytes.data(), bytes.size()).value();
    return made;
  }

  std::vector<double> dealt(const WorldProblem::Sequences &all, int64_t width) const {
    std::vector<double> mine;
    for (const std::vector<double> &sequence : all)
      for (int64_t row = 0; row < s.rows; ++row) {
        const auto from = sequence.begin() + world.placeOf(ranks.rank(), row) * width;
        mine.insert(mine.end(), from, from + width);
      }
    return mine;
  }

  void expectSent(uint64_t bytes) {
    if (context.bytesSent() != bytes)
      wrong += world.describe() + ": " + std::to_string(context.bytesSent()) + " bytes sent, not " +
               std::to_string(bytes) + "\n";
  }

  void judge(const char *name, std::vector<double> Gradients::*which, Tensor &found, int64_t width) {
    const std::vector<double> mine = found.read();
    for (size_t b = 0; b < problem.want.size(); ++b) {
      std::vector<double> all = problem.want[b].*which;
      for (int64_t row = 0; row < s.rows; ++row)
        std::copy_n(mine.begin() + (int64_t(b) * s.rows + row) * width, width,
                    all.begin() + world.placeOf(ranks.rank(), row) * width);
      if (std::string told = judgeGradient(problem.want[b].*which, problem.base[b].*which, all, s.type); !told.empty())
        wrong += world.describe() + ", rank " + std::to_string(ranks.rank()) + ", " + name + ": " + told + "\n";
    }
  }

  const WorldProblem &problem;
  const World &world;
  const attention::ContextShape &s;
  const Runtime &runtime;
  attention::Communicator &ranks;
  attention::Context context;
  std::string wrong;
};

} // namespace imbrex::testing

std::string WorldProblem::run(const Runtime &runtime, attention::Communicator &communicator) const {
  return RankRun(*this, runtime, communicator).run();
}
