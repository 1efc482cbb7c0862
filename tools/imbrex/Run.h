//===- Run.h - A kernel's launch, checked and written ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What `run` and `attention` share. The kernel of a KernelRun says what is to come out, whoever puts it out.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_RUN_H
#define IMBREX_TOOLS_IMBREX_RUN_H

#include "tools/imbrex/KernelRun.h"
#include <functional>

namespace imbrex::tool {

class Run : public KernelRun {
public:
  using KernelRun::KernelRun;
  /// Calls `put`, which puts work on the runtime's stream, waits for it and, where --check asks for it, compares the
  /// outputs with the kernel's by the interpreter.
  bool launch(const std::function<Result<void>()> &put);
  bool writeOutputs();

private:
  bool writeOutput(const NameValue &output);
};

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_RUN_H
