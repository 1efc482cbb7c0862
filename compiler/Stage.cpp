//===- Stage.cpp - The stages of a compilation ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of stages, in the order of the enumeration: names for the command line, suffixes for files,
// one sentence each for `imbrex stages`.
//
//===----------------------------------------------------------------------===//

#include "compiler/Stage.h"

using namespace imbrex;

const std::array<StageInfo, 5> &imbrex::stageTable() {
  static constexpr std::array<StageInfo, 5> table = {{
      {Stage::Tile, "tile", "tile.mlir", "what the user said, as emitted: whole tiles, hooks inlined, no thread"},
      {Stage::Cta, "cta", "cta.mlir", "how one CTA does it: layouts, shared memory, copies, barriers"},
      {Stage::Nvvm, "nvvm", "nvvm.mlir", "one thread's program: LLVM and NVVM operations"},
      {Stage::Ptx, "ptx", "ptx", "PTX text"},
      {Stage::Cubin, "cubin", "cubin", "machine code"},
  }};
  return table;
}

std::optional<Stage> imbrex::parseStage(std::string_view name) {
  for (const StageInfo &row : stageTable())
    if (row.name == name)
      return row.stage;
  return std::nullopt;
}
