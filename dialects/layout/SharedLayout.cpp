//===- SharedLayout.cpp - Which byte of shared memory holds which element --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Panels, their swizzle, and the count of bank conflicts of one access.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/SharedLayout.h"
#include "dialects/layout/Warp.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <array>
#include <cassert>

namespace imbrex::layout {

SharedLayout SharedLayout::swizzled(int64_t rows, int64_t columns, unsigned elementBytes, int64_t leastRows,
                                    int64_t leastColumns) {
  int64_t rowBytes = llvm::alignTo(std::max(columns, leastColumns) * elementBytes, 32);
  unsigned span = rowBytes % 128 == 0 ? 128 : rowBytes % 64 == 0 ? 64 : 32;
  return SharedLayout(rows, columns, elementBytes, span, leastRows, leastColumns);
}

SharedLayout::SharedLayout(int64_t rows, int64_t columns, unsigned elementBytes, unsigned span, int64_t leastRows,
                           int64_t leastColumns)
    : rowCount(rows), columnCount(columns), storedRows(std::max(rows, leastRows)), bytes(elementBytes),
      panelSpan(span) {
  assert(rows > 0 && columns > 0 && "a tile has elements");
  assert((bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) && "elements of 1, 2, 4 or 8 bytes");
  assert((span == 128 || span == 64 || span == 32) && "the spans of TMA's swizzles");
  storedColumns = int64_t(llvm::alignTo(std::max(columns, leastColumns) * bytes, span)) / bytes;
}

int64_t SharedLayout::offset(int64_t row, int64_t column) const {
  assert(row >= 0 && row < storedRows && column >= 0 && column < storedColumns && "element outside of the tile");
  int64_t byte = column * bytes;
  int64_t panel = byte / panelSpan;
  int64_t inRow = (byte % panelSpan) ^ swizzle(row);
  return (panel * storedRows + row) * panelSpan + inRow;
}

/// Of shared memory, and the bytes of a word of one (CUDA C++ Programming Guide, "Shared Memory").
static constexpr unsigned kBanks = 32, kBankBytes = 4;

/// Wavefronts of one phase of an access: the most different words that fall into one bank.
static unsigned wavefronts(llvm::ArrayRef<int64_t> offsets, unsigned width) {
  llvm::SmallVector<int64_t, 64> words;
  for (int64_t offset : offsets)
    for (int64_t word = offset / kBankBytes, end = (offset + width + kBankBytes - 1) / kBankBytes; word < end; ++word)
      words.push_back(word);
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::array<unsigned, kBanks> perBank{};
  for (int64_t word : words)
    ++perBank[word % kBanks];
  return *std::max_element(perBank.begin(), perBank.end());
}

unsigned bankConflicts(llvm::ArrayRef<int64_t> offsets, unsigned width) {
  assert(llvm::isPowerOf2_32(width) && width <= 16 && "accesses of 1, 2, 4, 8 or 16 bytes");
  size_t lanesPerPhase = std::min(kWarpThreads, kBanks * kBankBytes / width);
  unsigned conflicts = 0;
  for (; !offsets.empty(); offsets = offsets.drop_front(std::min(lanesPerPhase, offsets.size())))
    conflicts += wavefronts(offsets.take_front(lanesPerPhase), width) - 1;
  return conflicts;
}

} // namespace imbrex::layout
