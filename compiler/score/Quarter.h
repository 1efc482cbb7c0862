//===- Quarter.h - The quarter of an SM, cycle by cycle ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Its warps, when its pipes are free and what they have been busy for, and the queues of tiles between its roles. The
// model that LoopModel.h tells of.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SCORE_QUARTER_H
#define IMBREX_COMPILER_SCORE_QUARTER_H

#include "compiler/score/LoopModel.h"
#include "compiler/score/LoopSteps.h"
#include "llvm/ADT/StringMap.h"

namespace imbrex::score {

class Quarter {
public:
  /// `copying` is empty where no warp copies for others.
  Quarter(const std::vector<Step> &computing, const std::vector<Step> &copying, const ModelOptions &options);

  /// Until all that compute have made their passes; false if they do not within a bound.
  bool run();
  LoopModel result() const;

private:
  struct Warp {
    const std::vector<Step> *program = nullptr;
    bool computes = true;
    size_t next = 0;
    unsigned passes = 0;
    int64_t blockedUntil = 0;
    bool atBarrier = false;
    llvm::StringMap<int64_t> readyAt; ///< register -> the cycle from which it may be read
    std::vector<int64_t> passEnds;
    std::vector<double> groups;                                   ///< of products: when each is done
    double lastProduct = 0;                                       ///< when it is done
    std::vector<unsigned> waited = {}, released = {}, taken = {}; ///< by ring: tiles waited for, let go; slots taken
    int64_t idleFrom = 0;                                         ///< behind the cycle in which it issued last
    llvm::StringRef why = "start";                                ///< it did not issue in the last cycle
  };

  bool isDone(const Warp &warp) const { return warp.computes && warp.passes >= options.passes; }
  void issueOne();
  bool tryIssue(Warp &warp);
  bool isReady(Warp &warp, const Step &step);
  bool mayGoOn(Warp &warp, const Step &step);
  bool hasPipe(Warp &warp, const Step &step, double &start, double &end);
  double lengthOf(const Step &step, double start) const;
  bool blockUntil(Warp &warp, double cycle, llvm::StringRef why);
  bool awaitRing(Warp &warp, int64_t barrier);
  void arrive(Warp &warp, const Step &step);
  void meet(Warp &warp);
  void advance(Warp &warp);
  void note(Warp &warp, const Step &step, double begin, double end);
  void cutTimeline(LoopModel &result, double begin, double end) const;

  /// Who reads a ring lets its tiles go.
  bool reads(const Warp &warp, size_t ring) const { return warp.computes != restaged[ring]; }

  const ModelOptions &options;
  std::vector<Warp> warps;
  std::vector<bool> restaged;                ///< by ring: whether the warps that copy read it
  std::vector<std::vector<double>> arrivals; ///< by ring: when each tile is there
  double copyFree = 0;
  size_t turns = 0; ///< passed so far
  unsigned last = 0;
  int64_t now = 0;
  double freeAt[kPipes] = {}, busy[kPipes] = {};
  std::vector<LoopModel::Event> events;
};

/// Whether a byte is a barrier of `ring`, and of which kind.
inline bool isArrival(const ModelRing &ring, int64_t byte) {
  return byte >= ring.barriers && byte < ring.barriers + 8 * int64_t(ring.slots);
}
inline bool isRelease(const ModelRing &ring, int64_t byte) { return isArrival(ring, byte - 8 * int64_t(ring.slots)); }

} // namespace imbrex::score

#endif // IMBREX_COMPILER_SCORE_QUARTER_H
