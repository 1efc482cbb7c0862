//===- Clones.h - Functions compiled for two processors ------ -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// IMBREX_TEST_CLONES before a function: on x86-64 it is compiled for AVX2 too, without fused multiply-add, so that both
// find the same bits; the best one is picked when the program is loaded.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_CLONES_H
#define IMBREX_TESTS_SUPPORT_CLONES_H

#if defined(__x86_64__)
#define IMBREX_TEST_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define IMBREX_TEST_CLONES
#endif

#endif // IMBREX_TESTS_SUPPORT_CLONES_H
