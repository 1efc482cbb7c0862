//===- LineDiff.cpp - What lines two texts share --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// On diagonals k = x - y, the furthest x that d edits reach; the way back is read off the ends kept of every d.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/LineDiff.h"
#include <algorithm>

using namespace imbrex;
using Lines = std::vector<std::string>;
using Pairs = std::vector<std::pair<size_t, size_t>>;

namespace {

/// The middle of the two lists, without what both begin and end with.
class Edits {
public:
  Edits(const Lines &from, const Lines &to, size_t begin, size_t fromEnd, size_t toEnd)
      : from(from), to(to), begin(begin), n(long(fromEnd - begin)), m(long(toEnd - begin)) {}

  /// False if more than `most` edits are needed.
  bool find(long most) {
    std::vector<long> furthest(2 * size_t(most) + 3, 0);
    auto at = [&](long k) -> long & { return furthest[size_t(k + most + 1)]; };
    for (long d = 0; d <= most; ++d) {
      for (long k = -d; k <= d; k += 2) {
        long x = k == -d || (k != d && at(k - 1) < at(k + 1)) ? at(k + 1) : at(k - 1) + 1;
        while (x < n && x - k < m && from[begin + size_t(x)] == to[begin + size_t(x - k)])
          ++x;
        at(k) = x;
        if (x >= n && x - k >= m) {
          ends.emplace_back(furthest.begin() + (most + 1 - d), furthest.begin() + (most + 2 + d));
          return true;
        }
      }
      ends.emplace_back(furthest.begin() + (most + 1 - d), furthest.begin() + (most + 2 + d));
    }
    return false;
  }

  Pairs pairs() const {
    Pairs result;
    long x = n, y = m;
    for (long d = long(ends.size()) - 1; d >= 0; --d) {
      long k = x - y;
      auto end = [&](long diagonal) { return ends[size_t(d - 1)][size_t(diagonal + d - 1)]; };
      bool down = d > 0 && (k == -d || (k != d && end(k - 1) < end(k + 1)));
      long beforeX = d == 0 ? 0 : down ? end(k + 1) : end(k - 1);
      long beforeY = d == 0 ? 0 : beforeX - (down ? k + 1 : k - 1);
      long startX = d == 0 ? 0 : down ? beforeX : beforeX + 1;
      for (; x > startX; --x, --y)
        result.emplace_back(begin + size_t(x - 1), begin + size_t(y - 1));
      x = beforeX, y = beforeY;
    }
    std::reverse(result.begin(), result.end());
    return result;
  }

private:
  const Lines &from, &to;
  size_t begin;
  long n, m;
  std::vector<std::vector<long>> ends; ///< by d, of the diagonals -d .. d
};

} // namespace

std::optional<Pairs> tool::commonLines(const Lines &from, const Lines &to, size_t most) {
  size_t begin = 0, fromEnd = from.size(), toEnd = to.size();
  Pairs result;
  for (; begin < fromEnd && begin < toEnd && from[begin] == to[begin]; ++begin)
    result.emplace_back(begin, begin);
  while (fromEnd > begin && toEnd > begin && from[fromEnd - 1] == to[toEnd - 1])
    --fromEnd, --toEnd;
  Edits edits(from, to, begin, fromEnd, toEnd);
  if (!edits.find(long(std::min(most, fromEnd - begin + toEnd - begin))))
    return std::nullopt;
  Pairs middle = edits.pairs();
  result.insert(result.end(), middle.begin(), middle.end());
  for (size_t i = fromEnd; i < from.size(); ++i)
    result.emplace_back(i, toEnd + (i - fromEnd));
  return result;
}
