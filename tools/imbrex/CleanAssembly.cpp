//===- CleanAssembly.cpp - Machine code as a runtime would have it --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Assembles the kernel, then those near it until one has no faults.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/CleanAssembly.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::tool;

namespace {

/// A tuning near `kernel` and its code.
struct Found {
  Tuning tuning;
  AssemblyFaults faults;
  AssembledKernel code;
};

} // namespace

/// The code with the fewest faults of those near `kernel`; nullopt if none has fewer than `faults`.
static std::optional<Found> findNear(const Source &source, const CompileOptions &options, const CompiledKernel &kernel,
                                     const Assembler &assembler, bool lineTable, AssemblyFaults faults) {
  const CompilerFunctions compiler{
      .compile = {}, .describe = {}, .buildId = {}, .searchSpace = searchSpace, .estimate = estimate};
  auto compiled = [&](const CompileOptions &asked) { return compile(source, asked).kernel; };
  return takeCleanest(nearTunings(compiler, source, options, kernel.interface, compiled), faults,
                      [&](NearTuning near) -> std::optional<Found> {
                        Result<AssembledKernel> code =
                            assembler.assemble(near.kernel.code, near.kernel.interface.target, lineTable);
                        if (!code)
                          return std::nullopt;
                        return Found{std::move(near.tuning), faultsOf(*code), std::move(*code)};
                      });
}

/// `options` with every tuning parameter free that does not change what is meant.
static CompileOptions withoutTuning(const Source &source, const CompiledKernel &kernel, CompileOptions options) {
  for (const KernelSignature &each : describe(source).kernels)
    if (each.name == kernel.interface.kernel)
      for (const KernelSignature::Tunable &tunable : each.tunables)
        if (tunable.name != "tf32")
          options.set.erase(tunable.name);
  return options;
}

/// Those of `tuning` that `kernel` has otherwise.
static Tuning changesOf(const Tuning &tuning, const CompiledKernel &kernel) {
  Tuning changes;
  for (const auto &[name, value] : tuning)
    if (kernel.interface.constants.at(name) != value)
      changes[name] = value;
  return changes;
}

Result<CleanAssembly> tool::assembleClean(const Source &source, const CompileOptions &options,
                                          const CompiledKernel &kernel, const Assembler &assembler, bool lineTable) {
  Result<AssembledKernel> code = assembler.assemble(kernel.code, kernel.interface.target, lineTable);
  if (!code)
    return code.takeError();
  CleanAssembly result{std::move(*code)};
  const AssemblyFaults faults = faultsOf(result.code);
  if (!faults.any())
    return result;
  if (std::optional<Found> found = findNear(source, options, kernel, assembler, lineTable, faults)) {
    result.code = std::move(found->code);
    result.tuning = std::move(found->tuning);
    for (const auto &[name, value] : changesOf(result.tuning, kernel))
      result.replaced.settings[name] = kernel.interface.constants.at(name);
    result.replaced.faults = faults;
  }
  const AssemblyFaults left = faultsOf(result.code);
  if (!left.any())
    return result;
  const CompileOptions freed = withoutTuning(source, kernel, options);
  result.isDefault = freed.set == options.set;
  if (!result.isDefault)
    if (std::optional<Found> found = findNear(source, freed, kernel, assembler, lineTable, left))
      result.advice = {changesOf(found->tuning, kernel), found->faults};
  return result;
}

std::string tool::settingsText(const Tuning &settings) {
  std::string text;
  for (const auto &[name, value] : settings)
    text += (text.empty() ? "" : " ") + name + "=" + std::to_string(value);
  return text;
}

std::string tool::faultsText(const AssemblyFaults &faults) {
  std::string text = "spills " + (faults.spilledBytes ? std::to_string(faults.spilledBytes) + " bytes" : "nothing");
  if (faults.repairs)
    text += std::string(faults.spilledBytes ? ", and " : ", but ") + "the assembler makes " +
            std::to_string(faults.repairs) + " repairs";
  return text;
}
