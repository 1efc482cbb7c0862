//===- Slots.h - Who is in the batch, and who has which page ---*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Host memory alone. A request joins when a slot and all pages that it will need are free, and leaves when its text is
// as long as it asked for; its pages then go to others.
//
//===----------------------------------------------------------------------===//

#ifndef SERVER_SLOTS_H
#define SERVER_SLOTS_H

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

constexpr int64_t kSlots = 3, kPage = 4, kMostPages = 10, kPool = 14; ///< the pool is too small for three long texts

struct Request {
  std::string text; ///< the prompt, and what was generated
  int length;       ///< of the whole text
};

class Slots {
public:
  explicit Slots(std::deque<Request> waiting);

  /// Lets in who can come; false when nobody is left.
  bool admit();
  bool isBusy(int64_t slot) const { return fed[size_t(slot)] >= 0; }
  /// The character that a busy slot feeds now.
  char next(int64_t slot) const { return active[size_t(slot)].text[size_t(fed[size_t(slot)])]; }
  /// What the model thinks comes next: taken where the text ends here. Who is done leaves.
  void take(int64_t slot, char character);

  const std::vector<int32_t> &table() const { return pages; }    ///< [slots, most pages]
  const std::vector<int32_t> &lengths() const { return cached; } ///< of the cache, before this step
  const std::vector<Request> &finished() const { return done; }
  int64_t joins() const { return joined; }

private:
  std::deque<Request> waiting;
  std::vector<Request> active, done;
  std::vector<int> fed; ///< characters so far; -1: the slot is free
  std::vector<int32_t> pages, cached, freePages;
  int64_t joined = 0;
};

#endif // SERVER_SLOTS_H
