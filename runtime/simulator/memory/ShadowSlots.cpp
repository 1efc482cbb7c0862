//===- ShadowSlots.cpp - The last access to each granule ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows that are no longer even; see the header.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/ShadowSlots.h"

namespace imbrex::simulator {

void ShadowSlots::Entries::make(uint32_t count) {
  words = std::make_unique<uint32_t[]>(size_t(3) * count);
  run = words.get();
  time = run + count;
  who = time + count;
}

uint64_t ShadowSlots::make(uint32_t granules, unsigned log2) {
  count = granules;
  rowLog2 = log2;
  uint32_t rows = granules >> log2;
  heads.make(rows);
  shift = std::make_unique<uint8_t[]>(rows);
  return uint64_t(13) * rows;
}

uint64_t ShadowSlots::makeUneven(uint32_t row) {
  bool isFirst = !fine.words;
  if (isFirst)
    fine.make(count);
  Touch touch = heads.at(row);
  for (uint32_t k = 0, begin = rowBegin(row); k < rowSize(); ++k)
    fine.set(begin + k, {touch.run, touch.time, touch.who + (k >> shift[row])});
  heads.run[row] = kUneven;
  return isFirst ? uint64_t(12) * count : 0;
}

uint64_t ShadowSlots::clear(uint32_t first, uint32_t last) {
  uint64_t more = 0;
  for (uint32_t i = first; i <= last; ++i) {
    if (uint32_t row = rowOf(i); i == rowBegin(row) && last - i >= rowSize() - 1) {
      setRow(row, {}, 0);
      i += rowSize() - 1;
    } else if (at(i).run != 0) {
      more += set(i, {});
    }
  }
  return more;
}

} // namespace imbrex::simulator
