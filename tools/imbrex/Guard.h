//===- Guard.h - A compiler that fails, reproduced ------------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The command runs in a child. If the child ends by a signal (an assertion, a bad access, no memory), that is our
// fault and not the user's: the source and the command are kept in one file that repeats it, and the file is named.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_GUARD_H
#define IMBREX_TOOLS_IMBREX_GUARD_H

#include "tools/imbrex/CommandLine.h"

namespace imbrex::tool {

/// The exit code of `command`, run in a child; kCompilerFailed if a signal ended it. `words` are the command line,
/// for the reproducer. Call it before anything starts threads.
int runGuarded(const Request &request, int count, const char *const *words, int (*command)(const Request &));

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_GUARD_H
