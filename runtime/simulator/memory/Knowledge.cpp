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

bool holds(const View &all, const View &part) {
  for (size_t column = 0; column < all.row.size(); ++column)
    if (part.row[column] > all.row[column])
      return false;
  return std::ranges::all_of(part.claims, [&](const Claim &claim) {
    return claim.time <= all.row[claim.warp] || std::ranges::any_of(all.claims, [&](const Claim &other) {
             return other.warp == claim.warp && other.lanes == claim.lanes && claim.time <= other.time;
           });
  });
}

std::shared_ptr<const View> both(const std::shared_ptr<const View> &a, const std::shared_ptr<const View> &b) {
  if (a == b || holds(*a, *b))
    return a;
  if (holds(*b, *a))
    return b;
  auto all = std::make_shared<View>(*a);
  all->add(*b);
  return all;
}

} // namespace

KnowledgePtr Knowledge::with(const KnowledgePtr &base, uint32_t run, View view) {
  auto one = std::make_shared<Knowledge>();
  one->entries.push_back({run, std::make_shared<const View>(std::move(view))});
  return base ? merge(base, one) : one;
}

KnowledgePtr Knowledge::merge(const KnowledgePtr &a, const KnowledgePtr &b) {
  if (!a || a == b)
    return b;
  if (!b)
    return a;
  auto sum = std::make_shared<Knowledge>();
  sum->everything = a->everything || b->everything;
  sum->entries.reserve(a->entries.size() + b->entries.size());
  auto left = a->entries.begin(), right = b->entries.begin();
  while (left != a->entries.end() || right != b->entries.end()) {
    if (right == b->entries.end() || (left != a->entries.end() && left->run < right->run)) {
      sum->entries.push_back(*left++);
    } else if (left == a->entries.end() || right->run < left->run) {
      sum->entries.push_back(*right++);
    } else {
      sum->entries.push_back({left->run, both(left->view, right->view)});
      ++left;
      ++right;
    }
  }
  if (sum->entries.size() > kMostBlocks) {
    sum->everything = true;
    sum->entries.clear();
  }
  return sum;
}

std::shared_ptr<const View> Knowledge::viewOf(uint32_t run) const {
  auto found = std::ranges::lower_bound(entries, run, {}, &Entry::run);
  return found != entries.end() && found->run == run ? found->view : nullptr;
}

bool Knowledge::covers(uint32_t run, unsigned warp, unsigned lane, uint32_t stamp) const {
  if (everything)
    return true;
  auto found = std::ranges::lower_bound(entries, run, {}, &Entry::run);
  return found != entries.end() && found->run == run && found->view->covers(warp, lane, stamp);
}

} // namespace imbrex::simulator
