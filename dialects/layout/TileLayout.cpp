//===- TileLayout.cpp - Which thread and register holds which element ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The canonical form that makes equal maps equal objects, the questions, and new layouts from old.
// TileLayoutMake.cpp makes the layouts there are, TileLayoutText.cpp text and pictures of them.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/TileLayout.h"
#include "dialects/layout/Warp.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cassert>

namespace imbrex::layout {
//===--- Construction and canonical form -----------------------------------===//

static bool atomIsValid(llvm::ArrayRef<AtomBit> registers, llvm::ArrayRef<AtomBit> lanes, unsigned rank) {
  if (lanes.size() != kLaneBits || registers.size() > 24)
    return false;
  llvm::SmallVector<unsigned, 4> steps(rank, 0);
  for (const AtomBit &bit : llvm::concat<const AtomBit>(registers, lanes)) {
    if (bit.step == 0)
      continue;
    if (bit.dim >= rank || !llvm::isPowerOf2_32(bit.step) || (steps[bit.dim] & bit.step) != 0)
      return false;
    steps[bit.dim] |= bit.step;
  }
  return llvm::none_of(registers, [](const AtomBit &bit) { return bit.step == 0; }) &&
         llvm::all_of(steps, [](unsigned s) { return s == 0 || llvm::isMask_32(s); });
}

bool TileLayout::isValid(llvm::ArrayRef<AtomBit> registers, llvm::ArrayRef<AtomBit> lanes,
                         llvm::ArrayRef<unsigned> warps, llvm::ArrayRef<unsigned> warpStride,
                         llvm::ArrayRef<unsigned> repeat, llvm::ArrayRef<unsigned> repeatOrder) {
  size_t rank = warps.size();
  if (warpStride.size() != rank || repeat.size() != rank || !atomIsValid(registers, lanes, rank))
    return false;
  // Warp digits must not overlap: each stride is a multiple of the stride below times its count.
  constexpr uint64_t maxElements = uint64_t(1) << 31, maxWarps = 1024;
  uint64_t elements = uint64_t(1) << (registers.size() + lanes.size());
  llvm::SmallVector<std::pair<uint64_t, uint64_t>, 4> digits;
  for (unsigned d = 0; d < rank; ++d) {
    if (warps[d] == 0 || warps[d] > maxWarps || warpStride[d] == 0 || warpStride[d] > maxWarps || repeat[d] == 0 ||
        repeat[d] > maxElements / elements)
      return false;
    elements *= repeat[d];
    if (warps[d] > maxElements / elements)
      return false;
    elements *= warps[d];
    if (warps[d] > 1)
      digits.push_back({warpStride[d], warps[d]});
  }
  llvm::sort(digits);
  for (unsigned i = 1; i < digits.size(); ++i)
    if (digits[i].first % (digits[i - 1].first * digits[i - 1].second) != 0)
      return false;
  // The order is absent or a permutation.
  llvm::SmallVector<unsigned, 4> sorted(repeatOrder);
  llvm::sort(sorted);
  return sorted.empty() || llvm::equal(sorted, llvm::seq<unsigned>(0, unsigned(rank)));
}

TileLayout::TileLayout(llvm::ArrayRef<AtomBit> registers, llvm::ArrayRef<AtomBit> lanes, llvm::ArrayRef<unsigned> warps,
                       llvm::ArrayRef<unsigned> warpStride, llvm::ArrayRef<unsigned> repeat,
                       llvm::ArrayRef<unsigned> repeatOrder)
    : regBits(registers), lnBits(lanes), atom(warps.size(), 1), warpCount(warps), warpStride(warpStride),
      repeatCount(repeat) {
  assert(isValid(registers, lanes, warps, warpStride, repeat, repeatOrder) && "not a layout");
  for (AtomBit &bit : llvm::concat<AtomBit>(regBits, lnBits)) {
    if (bit.step == 0)
      bit.dim = 0;
    else
      atom[bit.dim] *= 2;
  }
  for (unsigned i = 0; i < rank(); ++i) {
    unsigned dim = repeatOrder.empty() ? rank() - 1 - i : repeatOrder[i];
    if (repeatCount[dim] > 1)
      this->repeatOrder.push_back(dim);
    if (warpCount[i] == 1)
      this->warpStride[i] = 1;
  }
  foldRepeats();
}

/// 16 x 48 of m16n8 atoms: repeat 1x6 becomes one more register bit (0,8), atom 16 x 16, repeat 1x3.
/// Only the fastest repeat continues the register numbering, and only where no warps lie between.
void TileLayout::foldRepeats() {
  while (!repeatOrder.empty()) {
    unsigned dim = repeatOrder.front();
    if (warpCount[dim] != 1 || repeatCount[dim] % 2 != 0)
      return;
    regBits.push_back({dim, atom[dim]});
    atom[dim] *= 2;
    repeatCount[dim] /= 2;
    if (repeatCount[dim] == 1)
      repeatOrder.erase(repeatOrder.begin());
  }
}

//===--- Questions ----------------------------------------------------------===//

llvm::SmallVector<int64_t, 4> TileLayout::shape() const {
  llvm::SmallVector<int64_t, 4> extents;
  for (unsigned d = 0; d < rank(); ++d)
    extents.push_back(extent(d));
  return extents;
}

unsigned TileLayout::registersPerThread() const {
  unsigned count = 1u << regBits.size();
  for (unsigned r : repeatCount)
    count *= r;
  return count;
}

Coord TileLayout::coordOf(unsigned reg, unsigned lane, unsigned warp) const {
  assert(reg < registersPerThread() && lane < kWarpThreads && "no such register or lane");
  Coord coord(rank(), 0);
  for (auto [i, bit] : llvm::enumerate(regBits))
    coord[bit.dim] += (reg >> i) & 1 ? bit.step : 0;
  for (auto [i, bit] : llvm::enumerate(lnBits))
    if (bit.step != 0)
      coord[bit.dim] += (lane >> i) & 1 ? bit.step : 0;
  for (unsigned d = 0; d < rank(); ++d)
    coord[d] += atom[d] * ((warp / warpStride[d]) % warpCount[d]);
  unsigned rest = reg >> regBits.size();
  for (unsigned d : repeatOrder) {
    coord[d] += atom[d] * warpCount[d] * (rest % repeatCount[d]);
    rest /= repeatCount[d];
  }
  return coord;
}

Owner TileLayout::find(llvm::ArrayRef<uint32_t> coord) const {
  assert(coord.size() == rank() && "one coordinate a dimension");
  Owner owner{0, 0, 0};
  unsigned repeatIndex = 0, scale = 1;
  for (unsigned d : repeatOrder) {
    repeatIndex += scale * (coord[d] / (atom[d] * warpCount[d]));
    scale *= repeatCount[d];
  }
  owner.reg = repeatIndex << regBits.size();
  for (unsigned d = 0; d < rank(); ++d) {
    assert(coord[d] < extent(d) && "element outside of the tile");
    owner.warp += warpStride[d] * (coord[d] / atom[d] % warpCount[d]);
  }
  // Atom extents are powers of two and steps are below them: coord & step is the atom coordinate's bit.
  for (auto [i, bit] : llvm::enumerate(regBits))
    owner.reg |= (coord[bit.dim] & bit.step) != 0 ? 1u << i : 0;
  for (auto [i, bit] : llvm::enumerate(lnBits))
    if (bit.step != 0)
      owner.lane |= (coord[bit.dim] & bit.step) != 0 ? 1u << i : 0;
  return owner;
}

unsigned TileLayout::replicatedLanes() const {
  unsigned mask = 0;
  for (auto [i, bit] : llvm::enumerate(lnBits))
    mask |= bit.step == 0 ? 1u << i : 0;
  return mask;
}

unsigned TileLayout::lanesAlong(unsigned dim) const {
  unsigned mask = 0;
  for (auto [i, bit] : llvm::enumerate(lnBits))
    mask |= bit.step != 0 && bit.dim == dim ? 1u << i : 0;
  return mask;
}

bool TileLayout::replicatesWarps(unsigned warpsInCta) const {
  unsigned different = 1;
  for (unsigned count : warpCount)
    different *= count;
  return different < warpsInCta;
}

bool TileLayout::covers(llvm::ArrayRef<int64_t> shape) const {
  return shape.size() == rank() &&
         llvm::all_of(llvm::seq<unsigned>(0, rank()), [&](unsigned dim) { return shape[dim] <= extent(dim); });
}

uint32_t TileLayout::threadReach(unsigned dim) const {
  uint32_t reach = atom[dim] * (warpCount[dim] - 1);
  for (const AtomBit &bit : lnBits)
    reach += bit.dim == dim ? bit.step : 0;
  return reach;
}

int64_t TileLayout::orderCost(unsigned dim) const {
  constexpr int64_t kMeeting = 4;  // a shuffle, two choices and the function
  constexpr int64_t kExchange = 8; // a write, a barrier and a read
  constexpr int64_t kAround = 4;   // what is done to each register besides
  int64_t lines = registersPerThread(), runs = repeatCount[dim], cost = 0;
  for (const AtomBit &bit : regBits)
    runs *= bit.dim == dim ? 2 : 1;
  lines /= runs;
  for (unsigned step = 1; step < atom[dim]; step *= 2) {
    bool isLane = llvm::any_of(lnBits, [&](const AtomBit &bit) { return bit.step == step && bit.dim == dim; });
    runs /= isLane ? 1 : 2;
    cost += runs * (isLane ? kMeeting : 1);
  }
  cost += warpCount[dim] > 1 ? runs * warpCount[dim] : runs - 1;
  return lines * cost + (warpCount[dim] > 1 ? kExchange : 0) + kAround * registersPerThread();
}

unsigned TileLayout::contiguous(unsigned dim) const {
  unsigned length = 1;
  for (const AtomBit &bit : regBits) {
    if (bit.dim != dim || bit.step != length)
      break;
    length *= 2;
  }
  return length;
}

//===--- New layouts from old ------------------------------------------------===//

TileLayout TileLayout::collapse(unsigned dim) const {
  assert(dim < rank() && "no such dimension");
  llvm::SmallVector<AtomBit, 8> registers, lanes(lnBits);
  llvm::copy_if(regBits, std::back_inserter(registers), [&](const AtomBit &bit) { return bit.dim != dim; });
  for (AtomBit &bit : lanes)
    if (bit.dim == dim)
      bit = AtomBit{};
  llvm::SmallVector<unsigned, 2> counts(warpCount), strides(warpStride), repeats(repeatCount);
  counts[dim] = strides[dim] = repeats[dim] = 1;
  return TileLayout(registers, lanes, counts, strides, repeats, fullRepeatOrder());
}

TileLayout TileLayout::warpParts(unsigned dim) const {
  assert(dim < rank() && "no such dimension");
  TileLayout one = collapse(dim);
  llvm::SmallVector<unsigned, 2> counts(one.warpCount), strides(one.warpStride);
  counts[dim] = warpCount[dim];
  strides[dim] = warpStride[dim];
  return TileLayout(one.regBits, one.lnBits, counts, strides, one.repeatCount, one.fullRepeatOrder());
}

TileLayout TileLayout::runParts(unsigned dim) const {
  TileLayout parts = warpParts(dim);
  llvm::SmallVector<unsigned, 2> repeats(parts.repeatCount);
  repeats[dim] = repeatCount[dim];
  return TileLayout(parts.regBits, parts.lnBits, parts.warpCount, parts.warpStride, repeats, fullRepeatOrder());
}

TileLayout TileLayout::laneParts(unsigned dim) const {
  TileLayout parts = warpParts(dim);
  llvm::SmallVector<AtomBit, 8> lanes(lnBits);
  unsigned step = 1;
  for (AtomBit &bit : lanes)
    if (bit.step != 0 && bit.dim == dim) {
      bit.step = step;
      step *= 2;
    }
  return TileLayout(parts.regBits, lanes, parts.warpCount, parts.warpStride, parts.repeatCount,
                    parts.fullRepeatOrder());
}

TileLayout TileLayout::gathered(unsigned dim) const {
  assert(dim < rank() && lanesAlong(dim) == 0 && "the layout of warps' or runs' parts");
  llvm::SmallVector<unsigned, 2> counts(warpCount), strides(warpStride), repeats(repeatCount);
  counts[dim] = strides[dim] = 1;
  repeats[dim] = extent(dim);
  llvm::SmallVector<AtomBit, 8> registers; // the parts of one element lie in registers in a row
  for (unsigned step = 1; repeats[dim] % 2 == 0; step *= 2, repeats[dim] /= 2)
    registers.push_back({dim, step});
  llvm::copy_if(regBits, std::back_inserter(registers), [&](const AtomBit &bit) { return bit.dim != dim; });
  return TileLayout(registers, lnBits, counts, strides, repeats, fullRepeatOrder());
}

TileLayout TileLayout::slice(unsigned dim) const {
  TileLayout result = collapse(dim);
  auto close = [&](unsigned &d) { d -= d > dim ? 1 : 0; };
  for (AtomBit &bit : llvm::concat<AtomBit>(result.regBits, result.lnBits))
    close(bit.dim);
  llvm::for_each(result.repeatOrder, close);
  for (auto *perDim : {&result.atom, &result.warpCount, &result.warpStride, &result.repeatCount})
    perDim->erase(perDim->begin() + dim);
  return result;
}

TileLayout TileLayout::expand(unsigned dim) const {
  assert(dim <= rank() && "a place among the dimensions");
  TileLayout result = *this;
  auto open = [&](unsigned &d) { d += d >= dim ? 1 : 0; };
  for (AtomBit &bit : llvm::concat<AtomBit>(result.regBits, result.lnBits))
    if (bit.step != 0)
      open(bit.dim);
  llvm::for_each(result.repeatOrder, open);
  for (auto *perDim : {&result.atom, &result.warpCount, &result.warpStride, &result.repeatCount})
    perDim->insert(perDim->begin() + dim, 1);
  return result;
}

TileLayout TileLayout::transposed() const {
  assert(rank() == 2 && "transposition is of matrices");
  TileLayout result = *this;
  auto swap = [](unsigned &d) { d = 1 - d; };
  for (AtomBit &bit : llvm::concat<AtomBit>(result.regBits, result.lnBits))
    if (bit.step != 0)
      swap(bit.dim);
  llvm::for_each(result.repeatOrder, swap);
  for (auto *perDim : {&result.atom, &result.warpCount, &result.warpStride, &result.repeatCount})
    std::swap((*perDim)[0], (*perDim)[1]);
  return result;
}

bool TileLayout::operator==(const TileLayout &other) const {
  return regBits == other.regBits && lnBits == other.lnBits && warpCount == other.warpCount &&
         warpStride == other.warpStride && repeatCount == other.repeatCount && repeatOrder == other.repeatOrder;
}

llvm::hash_code hash_value(const TileLayout &layout) {
  auto range = [](const auto &values) { return llvm::hash_combine_range(values.begin(), values.end()); };
  llvm::hash_code hash = llvm::hash_combine(range(layout.warpCount), range(layout.warpStride),
                                            range(layout.repeatCount), range(layout.repeatOrder));
  for (const AtomBit &bit : llvm::concat<const AtomBit>(layout.regBits, layout.lnBits))
    hash = llvm::hash_combine(hash, bit.dim, bit.step);
  return llvm::hash_combine(hash, layout.regBits.size());
}

llvm::SmallVector<unsigned, 2> TileLayout::fullRepeatOrder() const {
  llvm::SmallVector<unsigned, 2> order(repeatOrder);
  for (unsigned d = 0; d < rank(); ++d)
    if (repeatCount[d] == 1)
      order.push_back(d);
  return order;
}

} // namespace imbrex::layout
