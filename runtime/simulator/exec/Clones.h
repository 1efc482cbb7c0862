//===- Clones.h - Functions compiled for several processors -----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// IMBREX_CLONES before a function: on x86-64 it is compiled for AVX2 with fused multiply-add too, and the
// best one is picked when the program is loaded.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_CLONES_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_CLONES_H

#if defined(__x86_64__)
#define IMBREX_CLONES __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define IMBREX_CLONES
#endif

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_CLONES_H
