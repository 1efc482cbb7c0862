//===- Timeline.cpp - What warps do in two passes, as text ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A line a role and a kind of work, a column a share of the cycles.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/Score.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex::score;
using llvm::StringRef;

static constexpr unsigned kColumns = 64;

/// Cycles of each column that events of `warp` fill which `letterOf` knows, by letter.
static std::vector<std::map<char, double>> filledBy(const LoopModel &model, unsigned warp,
                                                    llvm::function_ref<char(StringRef)> letterOf) {
  std::vector<std::map<char, double>> columns(kColumns);
  double width = (model.timelineEnd - model.timelineBegin) / kColumns;
  for (const LoopModel::Event &event : model.timeline) {
    char letter = event.warp == warp ? letterOf(event.what) : 0;
    if (!letter)
      continue;
    double begin = (std::max(event.begin, model.timelineBegin) - model.timelineBegin) / width;
    double end = (std::min(event.end, model.timelineEnd) - model.timelineBegin) / width;
    for (unsigned column = unsigned(begin); column < kColumns && column < end; ++column)
      columns[column][letter] += std::min(end, column + 1.0) - std::max(begin, double(column));
  }
  return columns;
}

/// '#' where a column is busy by half, '+' by a tenth; a letter other than '#' where that much of it is that.
static std::string lineOf(const std::vector<std::map<char, double>> &columns) {
  std::string line;
  for (const std::map<char, double> &column : columns) {
    char most = '#';
    double share = 0;
    for (auto [letter, cycles] : column)
      if (cycles > share)
        most = letter, share = cycles;
    line += share >= 0.5 ? most : share < 0.1 ? '.' : most == '#' ? '+' : most;
  }
  return line;
}

static char waitLetter(StringRef what) {
  if (!what.consume_front("wait: "))
    return 0;
  return what == "pipe" ? 'i' : what.front(); // p, c, s, t, b, r
}

void imbrex::score::printTimeline(llvm::raw_ostream &os, const LoopModel &model) {
  if (!llvm::is_contained(model.roles, "copies"))
    return;
  os << llvm::formatv(
      "    two passes of the model from left to right, {0:F0} cycles a column: # busy, + in part, . not; waits "
      "for p products, c a copy, s a slot, t a turn, b a barrier, r a register, i a pipe\n",
      (model.timelineEnd - model.timelineBegin) / kColumns);
  for (auto [warp, role] : llvm::enumerate(model.roles)) {
    auto lane = [&](StringRef name, llvm::function_ref<char(StringRef)> letterOf) {
      os << llvm::formatv("      {0,-11} {1,-13} ", role, name) << lineOf(filledBy(model, unsigned(warp), letterOf))
         << "\n";
    };
    auto busy = [](StringRef wanted) { return [wanted](StringRef what) { return what == wanted ? '#' : char(0); }; };
    if (role == "copies") {
      lane("copies", busy("copy"));
    } else {
      lane("products", busy("tensor"));
      lane("functions", busy("function"));
    }
    lane("waits", waitLetter);
  }
}
