//===- Explanation.h - All that can be told of a kernel ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compiled kernel with what the assembler and the disassembler make of it, and what a device would take of it: what
// `imbrex explain` prints, draws and compares.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_EXPLANATION_H
#define IMBREX_TOOLS_IMBREX_EXPLANATION_H

#include "compiler/StaticModel.h"
#include "compiler/score/MachineCode.h"
#include "runtime/Device.h"
#include "tools/imbrex/CleanAssembly.h"
#include "tools/imbrex/CommandLine.h"
#include "llvm/Support/JSON.h"

namespace imbrex::tool {

/// What it takes that a view is stored as it is: PTX of the hottest loop with products, a pass, beside a dense view's.
struct StorageCost {
  std::string view, storage;
  int64_t instructions = 0, dense = 0;
};

struct Explanation {
  Source source;
  CompileOptions options;
  CompiledKernel kernel;
  std::vector<Diagnostic> remarks;
  std::vector<StorageCost> storageCosts;  ///< one a view that is not dense
  std::optional<CleanAssembly> assembled; ///< `kernel` is the one that this is of
  score::MachineKernel ptx;               ///< of kernel.code
  std::string machineListing;             ///< what the disassembler printed; empty: there is none
  score::MachineKernel machine;           ///< of machineListing
  std::optional<DeviceInfo> device;       ///< that was chosen, else the first of the kernel's target
  std::optional<Occupancy> occupancy;     ///< on `device`; by what the assembler says of registers, else by the PTX
  std::map<std::string, int64_t, std::less<>> extents; ///< that were given: a grid can be told by them
};

/// How much to find out.
struct ExplainDetail {
  bool page = false; ///< listings, timelines, places of machine code
};

/// Compiles and looks. nullopt after printing why not.
std::optional<Explanation> explainKernel(const Request &request, const ExplainDetail &detail);

/// Instances of the grid where the extents that were given determine it.
std::optional<int64_t> instancesOf(const Explanation &explanation);

/// As `imbrex explain --json` prints it.
llvm::json::Object toJson(const Explanation &explanation);

/// The text of --tuning, what `imbrex tune --json` printed, as JSON; nullopt after printing why not.
std::optional<llvm::json::Value> readTuning(const std::string &path);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_EXPLANATION_H
