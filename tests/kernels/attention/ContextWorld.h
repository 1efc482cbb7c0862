//===- ContextWorld.h - Attention over ranks beside attention of all ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one rank does, over any Communicator, and how its results are judged: beside f64 over whole sequences, which
// every rank makes from the same seed, with its traffic beside the formulas of context.h.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_KERNELS_ATTENTION_CONTEXTWORLD_H
#define IMBREX_TESTS_KERNELS_ATTENTION_CONTEXTWORLD_H

#include "kernels/context.h"
#include "tests/support/GradientOracle.h"

namespace imbrex::testing {

struct World {
  int ranks;
  attention::ContextShape shape; ///< of a rank
  uint64_t seed = 1;

  int64_t length() const { return shape.rows * ranks; }
  /// What a rank sends, by the formulas of kernels/context.h: in one forward pass of either kind, in one backward pass.
  uint64_t sentForward() const;
  uint64_t sentBackward() const;
  /// The place in its sequence of a rank's row.
  int64_t placeOf(int rank, int64_t row) const;
  std::string describe() const;
};

/// The worlds of `ranks` that are tried over every kind of communicator.
std::vector<World> worldsOf(int ranks);

/// Inputs, and what is right; made once, read by all ranks that are threads.
class WorldProblem {
public:
  explicit WorldProblem(const World &world);

  /// Both forward passes and the backward pass of one rank; "": all is right, else what is not, a line each.
  std::string run(const Runtime &runtime, attention::Communicator &communicator) const;

private:
  friend class RankRun;
  using Sequences = std::vector<std::vector<double>>; ///< [batch][length, heads, features]

  World world;
  Sequences q, k, v, dO;
  std::vector<Gradients> want, base;
};

} // namespace imbrex::testing

#endif // IMBREX_TESTS_KERNELS_ATTENTION_CONTEXTWORLD_H
