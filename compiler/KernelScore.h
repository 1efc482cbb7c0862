//===- KernelScore.h - Static figures of a kernel's hot loops ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What one pass round a loop executes, and the least time that each pipe of an SM needs for it. Counts are facts;
// bounds follow from the rates in this header; nothing here is a measurement. No LLVM type: public.
//
// Rates of a quarter of an SM (sm_80 to sm_120; CUDA C++ Programming Guide, "Arithmetic Instructions"): 1 warp
// instruction issued a cycle; 16 lanes of integer, comparison and selection; 32 of float multiply and add; 4 of
// functions; 128 bytes a cycle of shared memory for the four together. A 16 x 8 x 16 product of 16-bit floats (4,096
// FLOP) takes 8 cycles of sm_80's tensor pipe; a wgmma's 4,096 FLOP (8,192 of 8 bits) take one cycle of a
// whole SM of sm_90.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_KERNELSCORE_H
#define IMBREX_COMPILER_KERNELSCORE_H

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace imbrex::score {

enum class Language { Ptx, Sass };

/// What an instruction does.
enum class Kind {
  Tensor,   ///< matrix products
  Ldmatrix, ///< fragments from shared memory
  Shared,   ///< other loads and stores of shared memory
  Global,   ///< loads and stores of global memory
  Copy,     ///< asynchronous copies, global to shared memory
  Function, ///< exponentials, reciprocals and the like
  Mul,
  Fma,
  Add,
  MaxMin,
  Convert,
  Select, ///< selections and comparisons of floats, logic of predicates
  Shuffle,
  Integer,
  Integer64,
  Move,
  Sync, ///< barriers, waits, fences
  Branch,
  Local, ///< spills and arrays of a thread
  Other,
};
/// How many kinds of instruction are told apart.
inline constexpr unsigned kKinds = unsigned(Kind::Other) + 1;

/// Cycles that one pass of one warp keeps a pipe of its quarter of the SM busy.
struct PipeBounds {
  double tensor = 0, function = 0, fma = 0, alu = 0, shared = 0, issue = 0;
  /// The bound that counts: the busiest pipe.
  double largest() const { return std::max({tensor, function, fma, alu, shared, issue}); }
};

/// What a simulation of in-order issue says of a loop (compiler/score/LoopModel.h): a model, not a measurement.
struct LoopModel {
  unsigned warps = 0;                 ///< that share a quarter of the SM and compute
  double cycles = 0;                  ///< of a pass
  double tensorShare = 0;             ///< of the cycles in which the tensor pipe is busy, 0 to 1
  double issueShare = 0;              ///< of the cycles in which an instruction is issued
  std::map<std::string, double> busy; ///< pipe -> share of the cycles
  /// What a warp does from cycle `begin` to `end`: an instruction that keeps a pipe busy, or a wait to issue the next.
  struct Event {
    unsigned warp;        ///< number in `roles`
    unsigned instruction; ///< number in the kernel; of a wait the one that waits
    /// A pipe: "tensor", "function", ...; "copy": a tile by TMA, from its turn until it has arrived; a wait: "wait:
    /// register", "wait: pipe", "wait: barrier", "wait: products", "wait: copy", "wait: slot".
    std::string what;
    double begin, end;
  };
  std::vector<Event> timeline = {}; ///< of two passes, from `timelineBegin` on; empty unless asked for
  double timelineBegin = 0, timelineEnd = 0;
  /// What the warps of the timeline do: "computes 0", "computes 1", "copies".
  std::vector<std::string> roles = {};
};

/// One loop of a kernel, by its instructions.
struct LoopScore {
  std::array<unsigned, kKinds> counts{}; ///< of the usual pass
  unsigned hot = 0;                      ///< instructions of the usual pass
  unsigned whole = 0;                    ///< of all blocks
  int64_t flops = 0;                     ///< of a warp (of a warpgroup for wgmma), in the usual pass
  int64_t copiedBytes = 0;               ///< global to shared memory, by a warp
  int64_t sharedBytes = 0;               ///< shared memory to registers and back, by a warp
  PipeBounds bounds;
  /// Functions issued while an asynchronous product of the same warp is in flight; of how many `counts` says.
  unsigned overlappedFunctions = 0;
  std::optional<LoopModel> model;
  std::string whyNoModel; ///< where it was asked for and there is none

  /// Instructions of this kind in one turn of the loop.
  unsigned count(Kind kind) const { return counts[unsigned(kind)]; }
  /// Instructions a million floating-point operations; nullopt without products.
  std::optional<double> perMegaflop() const;
};

/// A kernel and its loops.
struct KernelScore {
  std::string name;
  Language language;
  unsigned instructions = 0, spills = 0; ///< of the whole kernel; spills: loads and stores of local memory
  std::vector<LoopScore> loops;          ///< the hottest first
};

} // namespace imbrex::score

#endif // IMBREX_COMPILER_KERNELSCORE_H
