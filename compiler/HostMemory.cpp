//===- HostMemory.cpp - Whether the host has memory left ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Mapped and given back: no page is touched.
//
//===----------------------------------------------------------------------===//

#include "compiler/HostMemory.h"
#include <sys/mman.h>

bool imbrex::hostHas(size_t bytes) {
  void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    return false;
  munmap(memory, bytes);
  return true;
}

std::string imbrex::hostIsShort(size_t bytes) {
  return "host memory is short: less than " + std::to_string(bytes >> 20) + " MiB more can be had";
}
