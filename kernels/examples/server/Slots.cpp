//===- Slots.cpp - Who is in the batch, and who has which page ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "Slots.h"
#include <algorithm>

Slots::Slots(std::deque<Request> waiting)
    : waiting(std::move(waiting)), active(kSlots), fed(kSlots, -1), pages(size_t(kSlots * kMostPages), -1),
      cached(kSlots, 0) {
  for (int32_t page = 0; page < kPool; ++page)
    freePages.push_back(page);
}

bool Slots::admit() {
  for (size_t slot = 0; slot < size_t(kSlots); ++slot) {
    if (fed[slot] >= 0 || waiting.empty())
      continue;
    const size_t needed = size_t((waiting.front().length + kPage - 1) / kPage);
    if (freePages.size() < needed)
      break; // first come, first served
    active[slot] = waiting.front();
    waiting.pop_front();
    fed[slot] = cached[slot] = 0;
    ++joined;
    std::copy(freePages.end() - long(needed), freePages.end(), pages.begin() + long(slot) * kMostPages);
    freePages.resize(freePages.size() - needed);
  }
  return std::any_of(fed.begin(), fed.end(), [](int count) { return count >= 0; });
}

void Slots::take(int64_t slot, char character) {
  const size_t at = size_t(slot);
  Request &request = active[at];
  ++cached[at];
  if (size_t(++fed[at]) == request.text.size())
    request.text += character;
  if (int(request.text.size()) < request.length || fed[at] + 1 < request.length)
    return;
  done.push_back(request);
  fed[at] = -1, cached[at] = 0;
  for (auto page = pages.begin() + slot * kMostPages; page != pages.begin() + (slot + 1) * kMostPages; ++page)
    if (*page >= 0) {
      freePages.push_back(*page);
      *page = -1;
    }
}
