//===- DrawnArray.h - Arrays of a shape, as if drawn ------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes as the command line spells them, and elements for arrays of which only the shape is given.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_DRAWNARRAY_H
#define IMBREX_TOOLS_IMBREX_DRAWNARRAY_H

#include "compiler/DataType.h"
#include "tools/imbrex/Npy.h"
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace imbrex::tool {

/// "2x64x8" as extents.
std::optional<std::vector<int64_t>> parseShape(std::string_view text);

/// The number of elements; nullopt beyond 2 to the 40.
std::optional<int64_t> elementsOf(const std::vector<int64_t> &shape);

/// Elements of a type, the same for the same seed: floats from -1 to 1, integers from 0 to 7.
std::vector<char> drawElements(DataType type, int64_t count, uint64_t seed);

/// An array of such elements; empty beyond the bound of elementsOf.
npy::Array drawnArray(DataType type, const std::vector<int64_t> &shape, uint64_t seed);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_DRAWNARRAY_H
