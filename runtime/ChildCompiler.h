//===- ChildCompiler.h - Compilations in processes of their own --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A compile function whose work is done in a forked child, and whose answer comes through a pipe: code, interface and
// diagnostics (no report, no times). The child runs nothing but the compiler, needs none of the parent's threads, and
// ends by _exit: no destructor of the host's is run in it. What the parent's other threads hold at the fork stays held
// in the child: a lock of LLVM's, if a compilation in this process has it at that moment, so a child that has given no
// answer after kChildPatience is ended, and that is an Error. Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_CHILDCOMPILER_H
#define IMBREX_RUNTIME_CHILDCOMPILER_H

#include "compiler/Compiler.h"
#include <chrono>
#include <functional>

namespace imbrex {

using CompileFunction = std::function<CompileResult(const Source &, const CompileOptions &)>;

inline constexpr std::chrono::seconds kChildPatience{300};

CompileFunction inChild(CompileFunction compile, std::chrono::milliseconds patience = kChildPatience);

} // namespace imbrex

#endif // IMBREX_RUNTIME_CHILDCOMPILER_H
