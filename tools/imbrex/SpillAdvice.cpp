//===- SpillAdvice.cpp - What to set so that nothing is spilled -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lists the changes of one parameter, then tries them in turn.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/SpillAdvice.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::tool;

/// Each takes the compiler and the assembler about a second.
static constexpr size_t kMostTries = 8;

static std::vector<KernelSignature::Tunable> tunablesOf(const Source &source, const std::string &kernel) {
  for (KernelSignature &each : describe(source).kernels)
    if (each.name == kernel)
      return std::move(each.tunables);
  return {};
}

/// The changes worth a try, the most promising first; of each, what it spills is not yet known.
static std::vector<SpillAdvice> changesOf(const Source &source, const KernelInterface &interface) {
  std::vector<SpillAdvice> moreWarps, smaller;
  for (KernelSignature::Tunable &tunable : tunablesOf(source, interface.kernel)) {
    auto now = interface.constants.find(tunable.name);
    if (now == interface.constants.end() || tunable.name == "tf32") // other results are no advice
      continue;
    bool isWarps = tunable.name == "warps";
    std::sort(tunable.choices.begin(), tunable.choices.end());
    if (!isWarps)
      std::reverse(tunable.choices.begin(), tunable.choices.end());
    for (int64_t choice : tunable.choices)
      if (isWarps ? choice > now->second : choice < now->second)
        (isWarps ? moreWarps : smaller).push_back({tunable.name, choice});
  }
  moreWarps.insert(moreWarps.end(), smaller.begin(), smaller.end());
  moreWarps.resize(std::min(moreWarps.size(), kMostTries));
  return moreWarps;
}

/// What the kernel spills with `change`; nullopt if that cannot be compiled.
static std::optional<unsigned> spilledWith(const Source &source, CompileOptions options, const SpillAdvice &change,
                                           const KernelInterface &interface, const Assembler &assembler) {
  for (const auto &[name, value] : interface.constants) // what `when` chose by the parameter stays as it was
    options.set[name] = value;
  options.set[change.parameter] = change.value;
  CompileResult result = compile(source, options);
  if (!result.kernel)
    return std::nullopt;
  Result<AssembledKernel> code = assembler.assemble(result.kernel->code, interface.target);
  return code ? std::optional(code->spilledBytes()) : std::nullopt;
}

std::optional<SpillAdvice> tool::adviseOnSpills(const Source &source, const CompileOptions &options,
                                                const CompiledKernel &kernel, const Assembler &assembler,
                                                unsigned bytes) {
  std::optional<SpillAdvice> best;
  for (SpillAdvice &change : changesOf(source, kernel.interface)) {
    std::optional<unsigned> found = spilledWith(source, options, change, kernel.interface, assembler);
    if (!found || *found >= (best ? best->bytes : bytes))
      continue;
    change.bytes = *found;
    best = change;
    if (*found == 0)
      break;
  }
  return best;
}

std::string tool::toString(const std::optional<SpillAdvice> &advice) {
  if (!advice)
    return "no other setting of its tuning that was tried spills less: make the tiles smaller";
  std::string setting = advice->parameter + "=" + std::to_string(advice->value) + " spills ";
  if (advice->bytes == 0)
    return setting + "nothing";
  return setting + std::to_string(advice->bytes) +
         " bytes, the fewest that one setting leads to; make the tiles smaller";
}
