//===- imbrex.h - All of Imbrex for C++ -------------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one header of an installed Imbrex: compile and launch kernels (runtime/Runtime.h is the place to begin), tune
// them, the kernels that come with the library, and attention (kernels/attention.h, kernels/context.h). C++20; for C
// and older C++ there is <imbrex/imbrex_c.h>.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_IMBREX_H
#define IMBREX_IMBREX_H

#include "kernels/NcclCommunicator.h"
#include "kernels/ShippedKernels.h"
#include "kernels/attention.h"
#include "kernels/context.h"
#include "runtime/Code.h"
#include "runtime/ImportFiles.h"
#include "runtime/KernelPack.h"
#include "runtime/Runtime.h"
#include "runtime/TunePack.h"
#include "runtime/TypedKernel.h"

#endif // IMBREX_IMBREX_H
