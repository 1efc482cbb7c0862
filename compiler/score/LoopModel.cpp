//===- LoopModel.cpp - A model of a hot loop's cycles ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Finds what runs beside the loop and whether the model knows all of it; the Quarter then runs it.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/LoopModel.h"
#include "compiler/score/Kinds.h"
#include "compiler/score/Quarter.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace imbrex::score;
using llvm::StringRef;

/// Waits for the barrier of a ring, and arrivals at it, in a pass.
static std::pair<unsigned, unsigned> countAt(const std::vector<Step> &program, const ModelRing &ring, bool ofRelease) {
  unsigned waits = 0, arrivals = 0;
  for (const Step &step : program) {
    bool isThere = ofRelease ? isRelease(ring, step.number) : isArrival(ring, step.number);
    waits += isThere && step.async == Step::Async::AwaitBarrier;
    arrivals += isThere && step.async == Step::Async::Arrive;
  }
  return {waits, arrivals};
}

/// Why the model does not know what a loop does with barriers; empty if it does.
static std::string unknownBarrier(const std::vector<Step> &program, const ModelOptions &options) {
  for (const Step &step : program) {
    bool isBarrier = step.async == Step::Async::AwaitBarrier || step.async == Step::Async::Arrive;
    bool isKnown = llvm::any_of(options.rings, [&](const ModelRing &ring) {
      return isArrival(ring, step.number) || isRelease(ring, step.number);
    });
    if (isBarrier && !isKnown)
      return "does not know what the barrier at byte " + std::to_string(step.number) + " is for";
  }
  return "";
}

static bool awaitsTiles(const std::vector<Step> &program, const ModelOptions &options) {
  return llvm::any_of(options.rings, [&](const ModelRing &ring) { return countAt(program, ring, false).first > 0; });
}

/// Why `copying` does not serve `computing`: each tile that a pass waits for is copied once a pass, and let go. Who
/// copies may wait for tiles too, which it writes anew into another ring.
static std::string mismatch(const std::vector<Step> &computing, const std::vector<Step> &copying,
                            const ModelOptions &options) {
  for (const ModelRing &ring : options.rings) {
    auto [restaged, copied] = countAt(copying, ring, false);
    auto [taken, given] = countAt(copying, ring, true);
    unsigned tiles = countAt(computing, ring, false).first + restaged;
    unsigned released = countAt(computing, ring, true).second + given;
    if (tiles != released || tiles != copied || tiles != taken)
      return "counts " + std::to_string(tiles) + " tiles of " + ring.holds + " used in a pass, " +
             std::to_string(released) + " let go, and in a pass of the copying warps " + std::to_string(copied) +
             " copied into " + std::to_string(taken) + " slots";
  }
  return "";
}

/// Where threads copy, each arrives when its copies have come and once more for itself: the first is the tile's.
static void joinArrivals(std::vector<Step> &copying, const ModelOptions &options) {
  for (const ModelRing &ring : options.rings) {
    auto arrivesThere = [&](const Step &step, bool expects) {
      return step.async == Step::Async::Arrive && step.expects == expects && isArrival(ring, step.number);
    };
    if (llvm::none_of(copying, [&](const Step &step) { return arrivesThere(step, true); }))
      continue;
    for (Step &step : copying)
      if (arrivesThere(step, false))
        step.async = Step::Async::None;
  }
}

/// The pass of the warps that copy for `computing`; empty, with `whyNot`, if there is none that the model knows.
static std::vector<Step> copyingFor(const std::vector<Step> &computing, const MachineKernel &kernel,
                                    const ModelOptions &options, std::string &whyNot) {
  whyNot = "finds no loop of the warps that copy";
  for (const Loop &loop : copyLoops(kernel)) {
    std::vector<Step> copying = stepsOf(kernel, loop.hot, options.productCycles);
    joinArrivals(copying, options);
    std::string here = unknownBarrier(copying, options);
    if (here.empty())
      here = mismatch(computing, copying, options);
    whyNot = here;
    if (here.empty())
      return copying;
  }
  return {};
}

std::optional<LoopModel> imbrex::score::modelLoop(const MachineKernel &kernel, const Loop &loop,
                                                  const ModelOptions &options, std::string &whyNot) {
  whyNot.clear();
  if (kernel.language != Language::Sass)
    whyNot = "needs machine code, not PTX";
  if (options.warps == 0 || options.passes < 3)
    whyNot = "needs a warp and three passes at least";
  if (!whyNot.empty())
    return std::nullopt;
  std::vector<Step> computing = stepsOf(kernel, loop.hot, options.productCycles), copying;
  whyNot = unknownBarrier(computing, options);
  if (whyNot.empty() && awaitsTiles(computing, options))
    copying = copyingFor(computing, kernel, options, whyNot);
  if (!whyNot.empty())
    return std::nullopt;
  Quarter quarter(computing, copying, options);
  if (!quarter.run()) {
    whyNot = "does not come to an end of this loop";
    return std::nullopt;
  }
  return quarter.result();
}
