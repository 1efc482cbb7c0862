//===- RunMode.h - Ordinary and long runs -------------------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two modes: `kernels_test --long` runs whole lists where the ordinary run takes a sample.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_KERNELS_RUNMODE_H
#define IMBREX_TESTS_KERNELS_RUNMODE_H

namespace imbrex::testing {

bool isLongRun();

} // namespace imbrex::testing

#endif // IMBREX_TESTS_KERNELS_RUNMODE_H
