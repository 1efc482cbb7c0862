//===- NearTunings.cpp - What to take where a default spills --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The points of the search space around one, compiled and ranked by their time for extents of no launch: which one asks
// first is no matter.
//
//===----------------------------------------------------------------------===//

#include "runtime/NearTunings.h"
#include "compiler/Target.h"
#include <algorithm>
#include <set>
#include <tuple>

using namespace imbrex;

/// Of extents, for the model: of those that the grid and the loops go through by tiles, and of those that are a grid's
/// instances themselves, as sequences and heads are.
static constexpr int64_t kTiledExtent = 4096, kCountedExtent = 16;
/// CTAs of a launch, for the model: a grid of products of extents may have more than can be counted.
static constexpr int64_t kMostCtas = kTiledExtent * kTiledExtent;
static constexpr size_t kMostChanges = 2;

AssemblyFaults imbrex::faultsOf(const AssembledKernel &kernel) {
  return {kernel.repairs.size(), kernel.spilledBytes()};
}

using Values = std::map<std::string, int64_t, std::less<>>;

/// The names of a launch, each with an extent.
static Values nominalExtents(const KernelInterface &interface) {
  Values extents;
  auto add = [&](const Expression &expression) {
    for (const std::string &name : expression.unknowns(interface.constants))
      extents[name] = kTiledExtent;
  };
  for (const Parameter &parameter : interface.parameters)
    std::for_each(parameter.extents.begin(), parameter.extents.end(), add);
  std::for_each(interface.grid.begin(), interface.grid.end(), add);
  for (const Expression &axis : interface.grid)
    if (auto counted = extents.find(axis.postfix); counted != extents.end())
      counted->second = kCountedExtent;
  return extents;
}

namespace {

/// The values that each parameter goes through, and steps between them.
class Steps {
public:
  explicit Steps(const std::vector<TunePoint> &points) {
    for (const TunePoint &point : points)
      for (const auto &[name, value] : point.tuning)
        values[name].insert(value);
  }

  /// Parameters that differ between `from` and `to`, if they are near.
  std::optional<size_t> changes(const Values &from, const Tuning &to) const {
    size_t changes = 0;
    for (const auto &[name, value] : to) {
      auto now = from.find(name);
      if (now == from.end() || (now->second != value && !isStep(name, now->second, value)))
        return std::nullopt;
      changes += now->second != value;
    }
    return changes == 0 || changes > kMostChanges ? std::nullopt : std::optional(changes);
  }

private:
  /// More warps have more registers together, and fewer or more stages another order of loads; all else is a tile's
  /// size, or grows with it.
  bool isStep(const std::string &name, int64_t from, int64_t to) const {
    const std::set<int64_t> &all = values.at(name);
    auto upper = all.upper_bound(from), lower = all.lower_bound(from);
    if (lower != all.begin() && *std::prev(lower) == to)
      return true;
    return (name == "warps" || name == "stages") && upper != all.end() && *upper == to;
  }

  std::map<std::string, std::set<int64_t>, std::less<>> values;
};

struct Ranked {
  double cycles;
  size_t changes;
  NearTuning near;
};

} // namespace

/// True if a launch must meet what depends on a parameter that `made` has otherwise: it may be refused arguments that
/// the text's own tuning takes.
static bool requiresOther(const KernelInterface &made, const KernelInterface &standard) {
  auto changes = [&](const std::string &name) {
    auto now = made.constants.find(name), before = standard.constants.find(name);
    return now != made.constants.end() && before != standard.constants.end() && now->second != before->second;
  };
  return std::any_of(made.requirements.begin(), made.requirements.end(), [&](const Expression &requirement) {
    const std::vector<std::string> names = requirement.unknowns({});
    return std::any_of(names.begin(), names.end(), changes);
  });
}

/// By the static model, of a launch with these extents, in CTAs one after the other.
static StaticEstimate estimateOf(const CompilerFunctions &compiler, const CompiledKernel &kernel, const Values &extents,
                                 int64_t passes) {
  Values values = extents;
  values.insert(kernel.interface.constants.begin(), kernel.interface.constants.end());
  int64_t ctas = 1;
  for (const Expression &extent : kernel.interface.grid)
    ctas = std::min(ctas * std::clamp<int64_t>(extent.evaluate(values).value_or(1), 1, kMostCtas), kMostCtas);
  std::optional<Target> target = Target::parse(kernel.interface.target);
  return compiler.estimate(kernel, {1, target ? target->sharedBytes + kReservedSharedBytes : 0}, {ctas, passes});
}

std::vector<NearTuning> imbrex::nearTunings(const CompilerFunctions &compiler, const Source &source,
                                            const CompileOptions &options, const KernelInterface &kernel,
                                            const CompileTuning &compile) {
  if (!compiler.searchSpace || !compiler.estimate)
    return {};
  const Values extents = nominalExtents(kernel);
  SearchSpace space = compiler.searchSpace(source, {options, /*rounding=*/!options.deterministic, extents});
  const Steps steps(space.points);
  std::vector<Ranked> ranked;
  for (const TunePoint &point : space.points) {
    std::optional<size_t> changes = steps.changes(kernel.constants, point.tuning);
    if (!changes || !point.refusal.empty())
      continue;
    CompileOptions asked = options;
    for (const auto &[name, value] : point.tuning)
      asked.set[name] = value;
    std::optional<CompiledKernel> made = compile(asked);
    if (!made || requiresOther(made->interface, kernel))
      continue;
    StaticEstimate estimate = estimateOf(compiler, *made, extents, point.passes);
    if (!estimate.spills)
      ranked.push_back({estimate.cycles, *changes, {point.tuning, std::move(*made)}});
  }
  std::sort(ranked.begin(), ranked.end(), [](const Ranked &a, const Ranked &b) {
    return std::tie(a.cycles, a.changes, a.near.tuning) < std::tie(b.cycles, b.changes, b.near.tuning);
  });
  ranked.resize(std::min(ranked.size(), kMostNearTunings));
  std::vector<NearTuning> result;
  for (Ranked &each : ranked)
    result.push_back(std::move(each.near));
  return result;
}
