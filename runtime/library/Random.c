//===- Random.c - LLVM's random numbers without the newest libc ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's support library names glibc 2.36's arc4random (for names of temporary files). With this libimbrex.so
// loads from glibc 2.34 on: the distributions of 2022.
//
//===----------------------------------------------------------------------===//

#include <stdint.h>
#include <sys/random.h>

uint32_t arc4random(void) {
  uint32_t value = 0;
  while (getrandom(&value, sizeof value, 0) != (ssize_t)sizeof value)
    ;
  return value;
}
