//===- KernelReport.cpp - What the compiler made of a kernel --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pipes' names.
//
//===----------------------------------------------------------------------===//

#include "compiler/KernelReport.h"
#include <iterator>

using namespace imbrex;

static constexpr std::string_view kPipeNames[] = {"tensor",        "exp and other functions", "FMA and ALU",
                                                  "shared memory", "global memory",           "control"};
static_assert(std::size(kPipeNames) == KernelReport::kPipes);

std::string_view imbrex::name(KernelReport::Pipe pipe) { return kPipeNames[unsigned(pipe)]; }
