//===- BuildId.cpp - Which compiler this is -------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A source of its own: it changes with every other source of the compiler.
//
//===----------------------------------------------------------------------===//

#include "compiler/BuildId.h"
#include "compiler/Compiler.h"

std::string_view imbrex::compilerBuildId() { return IMBREX_BUILD_ID; }
