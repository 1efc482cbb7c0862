//===- StoredArgument.h - ragged(k.npy, cu.npy) ----------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An argument of the command line that is stored by sequences, as the parts that a kernel of that storage takes:
//
//   padded(VIEW.npy, LENGTHS.npy)   ragged(VIEW.npy, OFFSETS.npy)   paged(POOL.npy, TABLE.npy, LENGTHS.npy)
//   scaled(X, SCALES.npy[, TYPE][, POSITIONS])   X a file or one of these; TYPE of raw bytes, POSITIONS that share a
//   scale
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_STOREDARGUMENT_H
#define IMBREX_TOOLS_IMBREX_STOREDARGUMENT_H

#include "compiler/KernelInterface.h"
#include "compiler/Storage.h"
#include "tools/imbrex/Npy.h"

namespace imbrex::tool {

struct StoredArgument {
  Storage storage;
  std::vector<std::pair<std::string, npy::Array>> arrays; ///< the view's own first, the others by their parameters
  std::vector<std::pair<std::string, int64_t>> scalars;
  std::vector<int64_t> fileShape; ///< of the view's own file: of a pool [pages, P, ..], where the array has its rows
};

/// True of a text of that form.
bool isStoredArgument(std::string_view text);

/// Reads the files of such a text for a view parameter of a signature. nullopt with the reason in `error`.
std::optional<StoredArgument> readStoredArgument(const Parameter &parameter, std::string_view text, std::string &error);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_STOREDARGUMENT_H
