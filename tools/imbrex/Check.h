//===- Check.h - Comparing a run with the reference interpreter - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// imbrex run --check: the same kernel on the same arrays by the reference interpreter, in double precision.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_CHECK_H
#define IMBREX_TOOLS_IMBREX_CHECK_H

#include "runtime/Kernel.h"
#include "tools/imbrex/CommandLine.h"

namespace imbrex::tool {

/// An array argument before and after the run.
struct CheckedArray {
  std::string name;
  DataType type;
  std::vector<int64_t> shape;
  std::vector<char> before, result;
};

/// Interprets the kernel that `interface` describes and compares every element of every output with a bound
/// that follows from the magnitudes of what it was computed from (compiler/reference/ErrorBounds.h).
/// `shapes`: what the arguments determine. `report` has a line an output. False if an element is beyond its bound, or
/// the interpreter refuses.
bool checkAgainstInterpreter(const Request &request, const KernelInterface &interface, const InferredShapes &shapes,
                             const std::vector<Argument> &arguments, std::vector<CheckedArray> &arrays,
                             std::string &report);

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_CHECK_H
