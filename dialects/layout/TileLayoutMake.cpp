//===- TileLayoutMake.cpp - The tile layouts there are ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The layouts of matrix instructions, and those that a search finds: of all ways to deal the bits of lanes
// and the warps to the dimensions, the one that costs a thread least; of equals, the first tried.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/TileLayout.h"
#include "dialects/layout/Warp.h"
#include "dialects/layout/WgmmaOperand.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cassert>

namespace imbrex::layout {
namespace {

using Counts = llvm::SmallVector<unsigned, 4>;

/// A way to spread a shape: consecutive elements, lanes and warps along each dimension.
struct Split {
  Counts vector, lanes, warps;

  int64_t repeat(llvm::ArrayRef<int64_t> shape, unsigned dim) const {
    return llvm::divideCeil(shape[dim], int64_t(vector[dim]) * lanes[dim] * warps[dim]);
  }
  int64_t registers(llvm::ArrayRef<int64_t> shape) const {
    int64_t count = 1;
    for (unsigned dim = 0; dim < shape.size(); ++dim)
      count *= vector[dim] * repeat(shape, dim);
    return count;
  }
};

/// Tries every way to deal lanes and warps to the dimensions, along the first ones most first.
class Search {
public:
  Search(llvm::ArrayRef<int64_t> shape, unsigned warps, unsigned vector, llvm::ArrayRef<unsigned> warpOrder)
      : shape(shape), warps(warps), warpOrder(warpOrder) {
    Counts ones(shape.size(), 1);
    split = {ones, ones, ones};
    if (shape.empty())
      return;
    while (split.vector.back() < vector && shape.back() % (2 * split.vector.back()) == 0)
      split.vector.back() *= 2;
  }

  /// Goes through `dim` in order: consecutive elements of it lie in a lane, and what that costs counts.
  void goInOrder(unsigned dim) {
    orderedDim = dim;
    split.vector.assign(shape.size(), 1);
  }

  /// Registers that it costs to have the warps lie along `dim`, besides the parts of their rows.
  void addCost(unsigned dim, int64_t registers) { costlyDim = dim, extraCost = registers; }

  /// Tries all that has at most `mostLanes` along each dimension.
  void run(llvm::ArrayRef<unsigned> mostLanes) {
    most = mostLanes;
    dealLanes(shape.size(), kWarpThreads);
  }

  /// `laneOrder`: the dimensions, the one that neighbouring lanes lie along first.
  TileLayout layout(llvm::ArrayRef<unsigned> laneOrder) const { return layout(best, laneOrder); }

private:
  TileLayout layout(const Split &split, llvm::ArrayRef<unsigned> laneOrder) const;
  /// A row of fewer lanes than this would leave a 32-byte sector of global memory half used.
  static constexpr unsigned kFewestInRow = 4;

  void dealLanes(unsigned dims, unsigned left);
  void dealWarps(unsigned at, unsigned left);
  void judge();

  llvm::ArrayRef<int64_t> shape;
  unsigned warps;
  llvm::ArrayRef<unsigned> warpOrder, most;
  std::optional<unsigned> costlyDim, orderedDim;
  int64_t extraCost = 0, bestCost = INT64_MAX;
  Split split, best;
};

} // namespace

/// The last of the first `dims` dimensions gets lanes, then those before it.
void Search::dealLanes(unsigned dims, unsigned left) {
  if (dims == 0)
    return dealWarps(0, warps);
  unsigned dim = dims - 1;
  int64_t useful = llvm::PowerOf2Ceil(llvm::divideCeil(shape[dim], split.vector[dim]));
  unsigned highest = unsigned(std::min<int64_t>({left, most[dim], useful}));
  unsigned lowest = dims == shape.size() && dims > 1 ? std::min(highest, kFewestInRow) : 1;
  for (unsigned count = highest; count >= lowest; count /= 2) {
    split.lanes[dim] = count;
    dealLanes(dim, left / count);
  }
}

void Search::dealWarps(unsigned at, unsigned left) {
  if (at == warpOrder.size())
    return judge();
  unsigned dim = warpOrder[at];
  int64_t useful = llvm::divideCeil(shape[dim], int64_t(split.vector[dim]) * split.lanes[dim]);
  for (unsigned count = left; count > 0; --count) {
    if (left % count != 0 || count > useful)
      continue;
    split.warps[dim] = count;
    dealWarps(at + 1, left / count);
  }
}

/// Dimensions, last first.
static Counts backwards(size_t rank) {
  Counts order;
  for (unsigned dim = rank; dim-- > 0;)
    order.push_back(dim);
  return order;
}

void Search::judge() {
  if (orderedDim) {
    split.vector[*orderedDim] = 1;
    split.vector[*orderedDim] = llvm::PowerOf2Ceil(split.repeat(shape, *orderedDim));
  }
  int64_t registers = split.registers(shape), cost = registers;
  if (costlyDim && split.warps[*costlyDim] > 1) // each thread reads the parts of all its rows
    cost +=
        extraCost + registers / (split.vector[*costlyDim] * split.repeat(shape, *costlyDim)) * split.warps[*costlyDim];
  if (orderedDim)
    cost = layout(split, backwards(shape.size())).orderCost(*orderedDim);
  if (cost < bestCost) {
    bestCost = cost;
    best = split;
  }
  if (orderedDim)
    split.vector[*orderedDim] = 1;
}

TileLayout Search::layout(const Split &split, llvm::ArrayRef<unsigned> laneOrder) const {
  llvm::SmallVector<AtomBit, 8> registers, lanes;
  Counts atom(shape.size(), 1), stride(shape.size(), 1), repeat;
  auto spread = [&](llvm::SmallVectorImpl<AtomBit> &bits, unsigned dim, unsigned count) {
    for (; count > 1; count /= 2, atom[dim] *= 2)
      bits.push_back({dim, atom[dim]});
  };
  for (unsigned dim = shape.size(); dim-- > 0;)
    spread(registers, dim, split.vector[dim]);
  for (unsigned dim : laneOrder)
    spread(lanes, dim, split.lanes[dim]);
  lanes.resize(kLaneBits);
  unsigned used = 1;
  for (unsigned dim : warpOrder) {
    stride[dim] = used;
    used *= split.warps[dim];
  }
  for (unsigned dim = 0; dim < shape.size(); ++dim)
    repeat.push_back(unsigned(split.repeat(shape, dim)));
  return TileLayout(registers, lanes, split.warps, stride, repeat);
}

TileLayout TileLayout::blocked(llvm::ArrayRef<int64_t> shape, unsigned warps, unsigned vector) {
  Counts order = backwards(shape.size());
  Search search(shape, warps, vector, order);
  search.run(Counts(shape.size(), kWarpThreads));
  return search.layout(backwards(shape.size()));
}

TileLayout TileLayout::reduction(llvm::ArrayRef<int64_t> shape, unsigned dim, unsigned warps, unsigned vector) {
  assert(dim < shape.size() && "no such dimension");
  /// A write, a barrier and a read take about as long as combining so many elements.
  constexpr int64_t kCostOfParts = 8;
  Counts order = backwards(shape.size());
  llvm::erase(order, dim);
  order.push_back(dim);
  Search search(shape, warps, vector, order);
  search.addCost(dim, kCostOfParts);
  search.run(Counts(shape.size(), kWarpThreads));
  return search.layout(backwards(shape.size()));
}

TileLayout TileLayout::inOrder(llvm::ArrayRef<int64_t> shape, unsigned dim, unsigned warps) {
  assert(dim < shape.size() && "no such dimension");
  Counts order = backwards(shape.size());
  llvm::erase(order, dim);
  order.push_back(dim);
  Search search(shape, warps, /*vector=*/1, order);
  search.goInOrder(dim);
  search.run(Counts(shape.size(), kWarpThreads));
  return search.layout(backwards(shape.size()));
}

TileLayout TileLayout::mmaAccumulator(llvm::ArrayRef<int64_t> shape, unsigned warpsM, unsigned warpsN) {
  assert(shape.size() == 2 && "an accumulator is a matrix");
  AtomBit registers[] = {{1, 1}, {0, 8}};
  AtomBit lanes[] = {{1, 2}, {1, 4}, {0, 1}, {0, 2}, {0, 4}};
  return TileLayout(
      registers, lanes, {warpsM, warpsN}, {1, warpsM},
      {unsigned(llvm::divideCeil(shape[0], 16 * warpsM)), unsigned(llvm::divideCeil(shape[1], 8 * warpsN))});
}

TileLayout TileLayout::wgmmaAccumulator(llvm::ArrayRef<int64_t> shape, unsigned warpsM, unsigned warpsN) {
  if (warpsN == 1)
    return mmaAccumulator(shape, warpsM, warpsN);
  const int64_t own = wgmmaShare(shape[1], warpsN);
  llvm::SmallVector<AtomBit, 8> registers{{1, 1}, {0, 8}};
  for (unsigned column = 8; column < own; column *= 2)
    registers.push_back({1, column});
  AtomBit lanes[] = {{1, 2}, {1, 4}, {0, 1}, {0, 2}, {0, 4}};
  return TileLayout(registers, lanes, {warpsM, warpsN}, {1, warpsM},
                    {unsigned(llvm::divideCeil(shape[0], 16 * warpsM)), 1});
}

TileLayout TileLayout::mmaOperandA(llvm::ArrayRef<int64_t> shape, unsigned warpsM, unsigned elementBytes,
                                   KOrder order) {
  assert(shape.size() == 2 && "an operand is a matrix");
  assert(order != KOrder::Crossed && "no layout: its lanes do not add up");
  unsigned depth = mmaDepth(elementBytes);
  // What moves k by so much: an element of a word, the half, or a bit of t.
  auto step = [&](unsigned half, unsigned t, unsigned element) { return mmaK(order, elementBytes, half, t, element); };
  llvm::SmallVector<AtomBit, 4> registers;
  for (unsigned element = 1; element < mmaPacked(elementBytes); element *= 2)
    registers.push_back({1, step(0, 0, element)});
  registers.push_back({1, step(1, 0, 0)});
  // Rows before the half, or, as an accumulator has them, behind the first columns.
  registers.insert(order == KOrder::Chunks ? registers.end() - 1 : registers.begin() + 1, AtomBit{0, 8});
  AtomBit lanes[] = {{1, step(0, 1, 0)}, {1, step(0, 2, 0)}, {0, 1}, {0, 2}, {0, 4}};
  // Warps along N are replicas, which the map does not mention.
  return TileLayout(registers, lanes, {warpsM, 1}, {1, 1},
                    {unsigned(llvm::divideCeil(shape[0], 16 * warpsM)), unsigned(llvm::divideCeil(shape[1], depth))});
}

TileLayout TileLayout::copyRows(int64_t rows, unsigned across, unsigned warps) {
  llvm::SmallVector<AtomBit, 8> lanes;
  unsigned laneRows = 1;
  for (unsigned lane = 1; lane < kWarpThreads; lane *= 2) {
    lanes.push_back(lane < across ? AtomBit() : AtomBit{0, laneRows});
    laneRows *= lane < across ? 1 : 2;
  }
  unsigned side = std::max(1u, across / kWarpThreads), warpRows = warps / side; // warps side by side, under one another
  return TileLayout({}, lanes, {warpRows, 1}, {side, 1},
                    {unsigned(llvm::divideCeil(rows, int64_t(laneRows) * warpRows)), 1});
}

TileLayout TileLayout::rowsOfLanes(int64_t rows) {
  llvm::SmallVector<AtomBit, 8> lanes;
  for (unsigned row = 1; row < kWarpThreads; row *= 2)
    lanes.push_back({0, row});
  return TileLayout({}, lanes, {1, 1}, {1, 1}, {unsigned(llvm::divideCeil(rows, kWarpThreads)), 1});
}

TileLayout TileLayout::fmaAccumulator(llvm::ArrayRef<int64_t> shape, unsigned warps, unsigned vector) {
  assert(shape.size() == 2 && "an accumulator is a matrix");
  const unsigned order[] = {0, 1};
  Search search(shape, warps, vector, order);
  search.run(Counts{8, 4});
  search.run(Counts{kWarpThreads, kWarpThreads});
  return search.layout(order); // eight lanes that access shared memory together are in eight rows: no two in one bank
}

} // namespace imbrex::layout
