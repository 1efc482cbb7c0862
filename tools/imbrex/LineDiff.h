//===- LineDiff.h - What lines two texts share ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The shortest edit from one list of lines to another (Myers, "An O(ND) Difference Algorithm and Its Variations",
// 1986).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_LINEDIFF_H
#define IMBREX_TOOLS_IMBREX_LINEDIFF_H

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace imbrex::tool {

/// Pairs (i, j) with from[i] == to[j], ascending in both: a longest list of such pairs. nullopt where the texts differ
/// in more than `most` lines: its time and memory grow as the square of that.
std::optional<std::vector<std::pair<size_t, size_t>>> commonLines(const std::vector<std::string> &from,
                                                                  const std::vector<std::string> &to, size_t most);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_LINEDIFF_H
