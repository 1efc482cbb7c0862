//===- Dropout.cpp - Which weights the hook dropout keeps -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Philox4x32-10: Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention.h"
#include <array>

uint32_t imbrex::attention::dropoutBits(int64_t seed, uint32_t offset, uint32_t query, uint32_t key, uint32_t row) {
  std::array<uint32_t, 4> c = {query, 4 * (key / 32) + key % 8 / 2, row, offset};
  std::array<uint32_t, 2> k = {uint32_t(uint64_t(seed)), uint32_t(uint64_t(seed) >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t low = uint64_t(0xd2511f53) * c[0], high = uint64_t(0xcd9e8d57) * c[2];
    c = {uint32_t(high >> 32) ^ c[1] ^ k[0], uint32_t(high), uint32_t(low >> 32) ^ c[3] ^ k[1], uint32_t(low)};
    k = {k[0] + 0x9e3779b9, k[1] + 0xbb67ae85};
  }
  return c[key % 32 / 8] >> 16 * (key % 2) & 0xffff;
}
