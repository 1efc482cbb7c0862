//===- ViewOverlap.cpp - Whether two views share memory -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With j counted from its end, all coefficients are positive and the question is whether
//
//     sum c_k x_k = total,   0 <= x_k <= most_k
//
// has a solution. Equal coefficients are one. The search goes from the largest down: what the smaller ones
// can reach, and what they all divide, leaves one or two values where strides nest, as those of tensors do.
// The last two variables are solved by the extended Euclidean algorithm.
//
//===----------------------------------------------------------------------===//

#include "runtime/ViewOverlap.h"
#include "llvm/ADT/SmallVector.h"
#include <algorithm>
#include <numeric>

using namespace imbrex;

using Wide = __int128;
static constexpr unsigned kMostSteps = 1 << 14;

namespace {

struct Term {
  Wide coefficient, most;
};

class Search {
public:
  explicit Search(llvm::SmallVector<Term, 18> given) : terms(std::move(given)) {
    reach.assign(terms.size() + 1, 0);
    divisor.assign(terms.size() + 1, 0);
    for (size_t k = terms.size(); k-- > 0;) {
      reach[k] = reach[k + 1] + terms[k].coefficient * terms[k].most;
      divisor[k] = gcd(terms[k].coefficient, divisor[k + 1]);
    }
  }
  Overlap run(Wide total) { return solve(0, total); }

private:
  static Wide gcd(Wide a, Wide b) {
    while (b != 0)
      a = std::exchange(b, a % b);
    return a;
  }
  Overlap solve(size_t k, Wide total);
  bool solveTwo(const Term &x, const Term &y, Wide total) const;

  llvm::SmallVector<Term, 18> terms;          ///< coefficients falling, all different
  llvm::SmallVector<Wide, 19> reach, divisor; ///< of the terms from k on: their largest sum, what divides it
  unsigned steps = 0;
};

} // namespace

/// The x of least x >= 0 with a x = total modulo m, where gcd(a, m) divides total.
static Wide leastSolution(Wide a, Wide m, Wide total) {
  Wide oldR = a, r = m, oldS = 1, s = 0; // oldS a = oldR modulo m
  while (r != 0) {
    Wide q = oldR / r;
    oldR = std::exchange(r, oldR - q * r);
    oldS = std::exchange(s, oldS - q * s);
  }
  Wide period = m / oldR;
  Wide x = oldS % period * (total / oldR % period) % period;
  return x < 0 ? x + period : x;
}

/// x.coefficient x + y.coefficient y = total; the coefficients' divisor divides total.
bool Search::solveTwo(const Term &x, const Term &y, Wide total) const {
  Wide low = total - y.coefficient * y.most; // what x must bring at least
  low = low <= 0 ? 0 : (low + x.coefficient - 1) / x.coefficient;
  Wide high = std::min(x.most, total / x.coefficient);
  Wide period = y.coefficient / gcd(x.coefficient, y.coefficient);
  Wide first = leastSolution(x.coefficient, y.coefficient, total);
  if (first < low)
    first += (low - first + period - 1) / period * period;
  return first <= high;
}

Overlap Search::solve(size_t k, Wide total) {
  if (total < 0 || total > reach[k] || (divisor[k] != 0 && total % divisor[k] != 0))
    return Overlap::None;
  if (k == terms.size() || total == 0)
    return Overlap::Some;
  if (++steps > kMostSteps)
    return Overlap::Unknown;
  const Term &term = terms[k];
  if (k + 1 == terms.size())
    return Overlap::Some; // its coefficient divides total, which is within reach
  if (k + 2 == terms.size())
    return solveTwo(term, terms[k + 1], total) ? Overlap::Some : Overlap::None;
  Wide least = total - reach[k + 1];
  least = least <= 0 ? 0 : (least + term.coefficient - 1) / term.coefficient;
  for (Wide x = std::min(term.most, total / term.coefficient); x >= least; --x)
    if (Overlap found = solve(k + 1, total - x * term.coefficient); found != Overlap::None)
      return found;
  return Overlap::None;
}

/// Adds coefficient * (0 .. most), in bytes.
static void addTerm(llvm::SmallVectorImpl<Term> &terms, Wide coefficient, Wide most) {
  if (coefficient == 0 || most == 0)
    return;
  for (Term &term : terms)
    if (term.coefficient == coefficient) {
      term.most += most;
      return;
    }
  terms.push_back({coefficient, most});
}

static Wide lastByte(const MemoryRegion &region) {
  Wide last = region.elementBytes - 1;
  for (size_t d = 0; d < region.extents.size(); ++d)
    last += Wide(region.extents[d] - 1) * region.strides[d] * region.elementBytes;
  return last;
}

std::optional<uint64_t> imbrex::spanBytes(std::span<const int64_t> extents, std::span<const int64_t> strides,
                                          unsigned elementBytes) {
  int64_t last = 0;
  for (size_t i = 0; i < extents.size(); ++i) {
    int64_t reach = 0;
    if (__builtin_mul_overflow(extents[i] - 1, strides[i], &reach) || __builtin_add_overflow(last, reach, &last))
      return std::nullopt;
  }
  int64_t bytes = 0;
  if (__builtin_add_overflow(last, int64_t(1), &last) || __builtin_mul_overflow(last, int64_t(elementBytes), &bytes))
    return std::nullopt;
  return uint64_t(bytes);
}

Overlap imbrex::findOverlap(const MemoryRegion &a, const MemoryRegion &b) {
  for (const MemoryRegion *region : {&a, &b})
    if (std::ranges::count(region->extents, 0) != 0)
      return Overlap::None;
  Wide distance = Wide(b.address) - Wide(a.address); // a's sum less b's
  if (distance > lastByte(a) || -distance > lastByte(b))
    return Overlap::None;
  llvm::SmallVector<Term, 18> terms;
  for (const MemoryRegion *region : {&a, &b})
    for (size_t d = 0; d < region->extents.size(); ++d)
      addTerm(terms, Wide(region->strides[d]) * region->elementBytes, region->extents[d] - 1);
  addTerm(terms, 1, Wide(a.elementBytes) + b.elementBytes - 2);
  std::ranges::sort(terms, [](const Term &x, const Term &y) { return x.coefficient > y.coefficient; });
  return Search(std::move(terms)).run(distance + lastByte(b));
}

Error imbrex::overlapError(std::string_view stored, std::string_view other, Overlap found) {
  const char *does = found == Overlap::Some ? "overlaps" : "has strides that may let it meet";
  return Error{ErrorKind::Argument, "argument '" + std::string(stored) + "' is stored to, but " + does + " argument '" +
                                        std::string(other) + "' in memory: give it memory of its own"};
}
