//===- Knowledge.cpp - What a thread has learnt of other blocks -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Merging sorted entries; see the header for the bound.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/memory/Knowledge.h"

#include <algorithm>

namespace imbrex::simulator {
namespace {

std::shared_ptr<const Clocks::Row> laterOf(const std::shared_ptr<const Clocks::Row> &a,
                                           const std::shared_ptr<const Clocks::Row> &b) {
  if (a == b)
    return a;
  Clocks::Row row;
  for (size_t column = 0; column < row.size(); ++column)
    row[column] = std::max((*a)[column], (*b)[column]);
  return row == *a ? a : row == *b ? b : std::make_shared<const Clocks::Row>(row);
}

} // namespace

KnowledgePtr Knowledge::with(const KnowledgePtr &base, uint32_t run, const Clocks::Row &row) {
  auto one = std::make_shared<Knowledge>();
  one->entries.push_back({run, std::make_shared<const Clocks::Row>(row)});
  return base ? merge(base, one) : one;
}

KnowledgePtr Knowledge::merge(const KnowledgePtr &a, const KnowledgePtr &b) {
  if (!a || a == b)
    return b;
  if (!b)
    return a;
  auto both = std::make_shared<Knowledge>();
  both->everything = a->everything || b->everything;
  both->entries.reserve(a->entries.size() + b->entries.size());
  auto left = a->entries.begin(), right = b->entries.begin();
  while (left != a->entries.end() || right != b->entries.end()) {
    if (right == b->entries.end() || (left != a->entries.end() && left->run < right->run)) {
      both->entries.push_back(*left++);
    } else if (left == a->entries.end() || right->run < left->run) {
      both->entries.push_back(*right++);
    } else {
      both->entries.push_back({left->run, laterOf(left->row, right->row)});
      ++left;
      ++right;
    }
  }
  if (both->entries.size() > kMostBlocks) {
    both->everything = true;
    both->entries.clear();
  }
  return both;
}

const Clocks::Row *Knowledge::rowOf(uint32_t run) const {
  auto found = std::ranges::lower_bound(entries, run, {}, &Entry::run);
  return found != entries.end() && found->run == run ? found->row.get() : nullptr;
}

bool Knowledge::covers(uint32_t run, unsigned warp, uint32_t stamp) const {
  if (everything)
    return true;
  const Clocks::Row *row = rowOf(run);
  return row && stamp <= (*row)[warp];
}

} // namespace imbrex::simulator
