//===- Reference.h - The reference interpreter's door -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the text of the tile stage (what `compile(..., Stage::Tile)` gives) on arrays in host memory, without
// a device and without the lowering: the oracle that a launch is compared with. What the operations mean is
// said in Interpreter.h. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_REFERENCE_H
#define IMBREX_COMPILER_REFERENCE_REFERENCE_H

#include "compiler/DataType.h"
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace imbrex::reference {

/// An array in host memory, owned by the caller. Every element inside `extents` must be addressable.
struct ViewData {
  void *data = nullptr;
  DataType type = DataType::F32;
  std::vector<int64_t> extents;
  std::vector<int64_t> strides; ///< in elements, one a dimension; any sign
  /// If given for any view, errors are bounded along (some times the work), and of an output this becomes, row-major
  /// over the extents, how far a device may be from each element that rounds every operation to its type.
  std::vector<double> *errors = nullptr;
};

/// A kernel argument: a view, a float scalar or an integer scalar (bool: 0 or 1).
using Argument = std::variant<ViewData, double, int64_t>;

struct InterpreterOptions {
  /// Bound on work: one an operation, one an element of its results, one a product of tile.dot.
  uint64_t maxOperations = uint64_t(1) << 33;
};

/// Parses and verifies `tileText`, one kernel, and runs every program instance of grid [x, y, z] with one
/// argument a parameter that is present; stores write through the views. Returns nullopt, or a text that says
/// what went wrong: "text: " and diagnostics where the text is no tile program, else as `interpret` tells it. After an
/// error the views may be half written. Pure but for the views: any number of threads may interpret at once.
std::optional<std::string> interpretText(std::string_view tileText, std::array<int64_t, 3> grid,
                                         const std::vector<Argument> &arguments,
                                         const InterpreterOptions &options = {});

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_REFERENCE_H
