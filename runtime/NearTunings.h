//===- NearTunings.h - What to take where a default spills ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tune block says what an untuned kernel takes by its types and extents; what an assembler makes of that for every
// hook, storage and target, no text can say. Where it must spill, or must make asynchronous products wait one by one, a
// tuning near the text's is taken that it makes clean code of. A runtime does so by itself; this is for those who
// assemble without one. Any thread may call it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_NEARTUNINGS_H
#define IMBREX_RUNTIME_NEARTUNINGS_H

#include "runtime/Assemble.h"
#include "runtime/Runtime.h"
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace imbrex {

/// What an assembler should not have had to do.
struct AssemblyFaults {
  size_t repairs = 0; ///< AssembledKernel::repairs
  unsigned spilledBytes = 0;

  bool any() const { return repairs > 0 || spilledBytes > 0; }
  /// Fewer repairs come before fewer bytes.
  auto operator<=>(const AssemblyFaults &) const = default;
};

AssemblyFaults faultsOf(const AssembledKernel &kernel);

struct NearTuning {
  Tuning tuning; ///< every tuning parameter
  CompiledKernel kernel;
};

/// nullopt: a tuning that cannot be compiled.
using CompileTuning = std::function<std::optional<CompiledKernel>(const CompileOptions &)>;

/// The tunings near that of `kernel`, which `source` with `options` gave, compiled: one or two parameters by a step
/// each, tiles only to smaller ones; the fastest by the static model comes first, at most kMostNearTunings. What
/// `options` sets stays as it is; so do parameters that change the bits of results where they must not differ
/// (CompileOptions::deterministic), and none requires of a launch what depends on a parameter that it changes. They
/// depend on nothing else: every process finds the same.
std::vector<NearTuning> nearTunings(const CompilerFunctions &compiler, const Source &source,
                                    const CompileOptions &options, const KernelInterface &kernel,
                                    const CompileTuning &compile);

/// Each takes the assembler about a second, once.
inline constexpr size_t kMostNearTunings = 12;

/// What `assemble` makes of the first of these without faults, else of the one with the fewest; nullopt if none has
/// fewer than `faults`. It takes a NearTuning, and gives something with `faults`, or what is false.
template <typename Assemble> auto takeCleanest(std::vector<NearTuning> near, AssemblyFaults faults, Assemble assemble) {
  std::optional<std::decay_t<decltype(*assemble(std::declval<NearTuning>()))>> best;
  for (NearTuning &each : near) {
    auto made = assemble(std::move(each));
    if (!made || made->faults >= faults)
      continue;
    faults = made->faults;
    best = std::move(*made);
    if (!faults.any())
      break;
  }
  return best;
}

} // namespace imbrex

#endif // IMBREX_RUNTIME_NEARTUNINGS_H
