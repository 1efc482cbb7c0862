//===- Stage.h - The stages of a compilation ------------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one table of stages: name, file suffix, what it holds. It drives --until and --from, dumps,
// timings, and the names of folders and tests. No LLVM type: public.
//
//   text --emit--> tile --distribute--> cta --lower--> nvvm --translate--> ptx --assemble--> cubin
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_STAGE_H
#define IMBREX_COMPILER_STAGE_H

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace imbrex {

/// In order. `Cubin` is reached by the runtime's assembler, all others by the compiler.
enum class Stage : uint8_t { Tile, Cta, Nvvm, Ptx, Cubin };

/// A stage and how the command line names it.
struct StageInfo {
  Stage stage;
  std::string_view name;   ///< as in --until
  std::string_view suffix; ///< of a dump: "tile.mlir", ..., "ptx", "cubin"
  std::string_view summary;
};

/// All stages in their order; the row of one; the one of a name, nullopt if there is none.
const std::array<StageInfo, 5> &stageTable();
inline const StageInfo &info(Stage stage) { return stageTable()[unsigned(stage)]; }
std::optional<Stage> parseStage(std::string_view name);

} // namespace imbrex

#endif // IMBREX_COMPILER_STAGE_H
