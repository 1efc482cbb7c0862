//===- TileLayout.h - Which thread and register holds which element -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a tile of any extents (not only powers of two) is spread over the registers, lanes and warps of
// a CTA: a linear *atom* on a power-of-two block held by one warp, laid side by side over the warps,
// and the whole repeated into further registers.
//
//   mma.sync's m16n8 accumulator (PTX ISA, "Matrix Fragments for mma.m16n8k16"), g = lane / 4, t = lane % 4:
//
//            columns 0..7: t=0 t=0 t=1 t=1 t=2 t=2 t=3 t=3      atom 16 x 8
//       row g      (0..7):  r0  r1  r0  r1  r0  r1  r0  r1      registers: bit 0 -> (0,1), bit 1 -> (8,0)
//       row g + 8       :   r2  r3  r2  r3  r2  r3  r2  r3      lanes: (0,2) (0,4) (1,0) (2,0) (4,0)
//
//   A 128 x 64 accumulator over 8 warps: atom 16 x 8, warps 8 x 1, repeat 1 x 8: warp w holds rows
//   16 w .. 16 w + 15; register 4 n + r is register r of the atom at columns 8 n .. 8 n + 7.
//
// In words: coord[d] = atomCoord[d] + atom[d] * (warpIndex[d] + warps[d] * repeatIndex[d]), with
// warpIndex[d] = (warp / warpStride[d]) % warps[d], and
// register = atomRegister + atomRegisters * (repeatIndex[last] + repeat[last] * (repeatIndex[last-1] + ...)).
// (A transposed layout counts its repeats in another order; see the constructor.)
//
// In an atom each bit of register and lane moves one coordinate by one power of two (or moves nothing:
// the element is *replicated*), and no two bits move the same one: so coordinates add up, and an
// address splits into a part of the lane, a part of the warp and a constant of the register.
// Swizzles belong to shared memory (SharedLayout.h).
//
// A layout may cover more than its tile: 100 columns lie on 13 blocks of 8, 1021 elements on 8 times 128
// threads. What it covers beyond the tile is its *margin*. Registers there hold anything; they are computed
// with like all others, and left out where elements leave their register: by stores, writes to shared memory,
// reductions, and the K of a product.
//
//   5 columns on 4 lanes:   lane 0    1    2    3            coordinates 5, 6, 7 are the margin
//                    r0      0    1    2    3
//                    r1      4    5    6    7
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_LAYOUT_TILELAYOUT_H
#define IMBREX_DIALECTS_LAYOUT_TILELAYOUT_H

#include "dialects/layout/MmaOrder.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace imbrex::layout {

/// Coordinates of an element, one number a dimension.
using Coord = llvm::SmallVector<uint32_t, 4>;

/// Who holds an element.
struct Owner {
  unsigned reg, lane, warp;
};

/// What one bit of a register or lane index does: moves coordinate `dim` by `step` (a power of two),
/// or nothing (`step` 0: replicated).
struct AtomBit {
  unsigned dim = 0;
  unsigned step = 0;
  bool operator==(const AtomBit &o) const { return step == o.step && (step == 0 || dim == o.dim); }
};

class TileLayout {
public:
  TileLayout() = default;

  /// `registers`: low bit first, none replicated. `lanes`: exactly kLaneBits. `warps`, `warpStride`, `repeat`: one
  /// a dimension. The atom's extents follow from the bits. The layout is brought into canonical form:
  /// equal maps compare equal (factors of two of `repeat` move into the atom's registers where the
  /// register numbering allows it; the stride of one warp is 1).
  /// `repeatOrder`: dimensions, the one whose repeat index runs fastest first; empty: last dimension first.
  TileLayout(llvm::ArrayRef<AtomBit> registers, llvm::ArrayRef<AtomBit> lanes, llvm::ArrayRef<unsigned> warps,
             llvm::ArrayRef<unsigned> warpStride, llvm::ArrayRef<unsigned> repeat,
             llvm::ArrayRef<unsigned> repeatOrder = {});

  //===--- The layouts there are -------------------------------------------===//

  // Each covers `shape`; its extents are `shape` rounded up to what the spread needs.

  /// For element-wise work and global memory: `vector` consecutive elements of the last dimension a
  /// register run (a power of two, lowered to the largest that divides the last extent), then lanes and
  /// warps so that a thread has the fewest registers: along the last dimension first where that costs none.
  /// What a tile has too little of is replicated.
  static TileLayout blocked(llvm::ArrayRef<int64_t> shape, unsigned warps, unsigned vector);

  /// For a reduction along `dim`: as blocked, but warps lie along `dim` only where that saves more registers
  /// than it costs to combine the warps' parts.
  static TileLayout reduction(llvm::ArrayRef<int64_t> shape, unsigned dim, unsigned warps, unsigned vector);

  /// For what goes through `dim` in order: consecutive elements of it in the registers of a lane, then lanes, then
  /// warps, dealt so that orderCost is least.
  static TileLayout inOrder(llvm::ArrayRef<int64_t> shape, unsigned dim, unsigned warps);

  /// Accumulator of m16n8 instructions: `shape` M x N, warps `warpsM` along M and `warpsN` along N.
  static TileLayout mmaAccumulator(llvm::ArrayRef<int64_t> shape, unsigned warpsM, unsigned warpsN);

  /// Accumulator of wgmma: as mmaAccumulator where all columns are a warp's, else each warp has columns that follow one
  /// another, a power of two of them.
  static TileLayout wgmmaAccumulator(llvm::ArrayRef<int64_t> shape, unsigned warpsM, unsigned warpsN);

  /// A operand of mma (MmaOrder.h): `shape` M x K, `order` Chunks or Pairs; rows spread as in mmaAccumulator, every
  /// warp along N holds all of K. In the order Chunks the registers are the elements of the instruction's words a0 to
  /// a3, k-step after k-step: of 16 bits register 8 k + r is half r % 2 of a(r / 2) at k-step k. In the order Pairs it
  /// is the accumulator of M x K.
  static TileLayout mmaOperandA(llvm::ArrayRef<int64_t> shape, unsigned warpsM, unsigned elementBytes = 2,
                                KOrder order = KOrder::Chunks);

  /// Accumulator of the plain multiply-add product: 8 x 4 lanes where that leaves a thread the fewest
  /// registers, `vector` consecutive columns a lane, rows split over the warps first.
  static TileLayout fmaAccumulator(llvm::ArrayRef<int64_t> shape, unsigned warps, unsigned vector);

  /// For a table, `rows` x 1, with an index for each row of a tile that threads copy, `across` of them (a power of two,
  /// of which the threads are a multiple) side by side: thread t holds rows t / across, and those a multiple of threads
  /// / across on.
  static TileLayout copyRows(int64_t rows, unsigned across, unsigned warps);

  /// For a table, `rows` x 1, of which every warp has all: lane l rows l, l + 32 and so on.
  static TileLayout rowsOfLanes(int64_t rows);

  //===--- Questions --------------------------------------------------------===//

  unsigned rank() const { return atom.size(); }
  /// What is covered along a dimension, the margin included.
  int64_t extent(unsigned dim) const { return int64_t(atom[dim]) * warpCount[dim] * repeatCount[dim]; }
  llvm::SmallVector<int64_t, 4> shape() const;
  llvm::ArrayRef<unsigned> atomShape() const { return atom; }
  llvm::ArrayRef<AtomBit> registerBits() const { return regBits; }
  llvm::ArrayRef<AtomBit> laneBits() const { return lnBits; }
  llvm::ArrayRef<unsigned> warps() const { return warpCount; }
  llvm::ArrayRef<unsigned> warpStrides() const { return warpStride; }
  llvm::ArrayRef<unsigned> repeat() const { return repeatCount; }
  /// All dimensions, the one whose repeat index runs fastest first; those repeated once come last.
  llvm::SmallVector<unsigned, 2> fullRepeatOrder() const;

  /// Elements of the tile that one thread holds.
  unsigned registersPerThread() const;
  /// Coordinates of what register `reg` of lane `lane` of warp `warp` holds.
  Coord coordOf(unsigned reg, unsigned lane, unsigned warp) const;
  /// The part of coordOf that only depends on the register (lane 0, warp 0).
  Coord registerCoord(unsigned reg) const { return coordOf(reg, 0, 0); }
  /// One owner of an element: the lowest replica.
  Owner find(llvm::ArrayRef<uint32_t> coord) const;

  /// Lane bits (a mask over lane indices) along which elements are replicated.
  unsigned replicatedLanes() const;
  /// Lane bits that move coordinate `dim`.
  unsigned lanesAlong(unsigned dim) const;
  /// True if, with `warpsInCta` warps, warp w and some other warp hold the same elements.
  bool replicatesWarps(unsigned warpsInCta) const;
  /// True if every element of a tile of `shape` has an owner.
  bool covers(llvm::ArrayRef<int64_t> shape) const;
  /// The most that lane and warp add to coordinate `dim` of a register.
  uint32_t threadReach(unsigned dim) const;
  /// About how many instructions it costs a thread to go through `dim` in the order of the coordinates, by a function
  /// of one instruction: registers of neighbours meet, then lanes, then the runs of one warp or of several.
  /// Each register counts for some more, by which it is loaded and what is around is done.
  int64_t orderCost(unsigned dim) const;
  /// Number of consecutive registers, starting at multiples of it, that hold consecutive elements
  /// along `dim`: a power of two. 16-byte accesses ask whether this times the element size is 16.
  unsigned contiguous(unsigned dim) const;

  //===--- New layouts from old ----------------------------------------------===//

  /// Layout of the result of a reduction along `dim`: that dimension disappears, its registers too,
  /// its lanes and warps become replicas.
  TileLayout slice(unsigned dim) const;
  /// As slice, but the dimension stays, with extent 1.
  TileLayout collapse(unsigned dim) const;
  /// As collapse, but the warps along `dim` stay: one element a warp, its part of a reduction.
  TileLayout warpParts(unsigned dim) const;
  /// As warpParts, but the lanes along `dim` stay too: one element a lane and warp. Lane parts of a warp are
  /// numbered first, in the order of the lanes' bits.
  TileLayout laneParts(unsigned dim) const;
  /// As collapse, but the warps and the repeats along `dim` stay: one element a run, which is as many elements in a row
  /// as one warp holds.
  TileLayout runParts(unsigned dim) const;
  /// Of a layout of warps' or runs' parts: every warp holds all of them, in its registers.
  TileLayout gathered(unsigned dim) const;
  /// A dimension of extent 1 inserted at `dim`.
  TileLayout expand(unsigned dim) const;
  /// Two dimensions swapped, register numbering kept: the same registers seen as the transposed tile.
  /// Only for rank 2. (The result may be a layout that no constructor above makes.)
  TileLayout transposed() const;

  bool operator==(const TileLayout &other) const;
  friend llvm::hash_code hash_value(const TileLayout &layout);

  /// "reg (0,1) (8,0) lane (0,2) (0,4) (1,0) (2,0) (4,0) warps 8x1 stride 1x1 repeat 1x5", then "order 0x1"
  /// where it is not the usual one. parse reads it back; nullopt where the text is no layout.
  std::string toString() const;
  static std::optional<TileLayout> parse(llvm::StringRef text);

  /// A picture for people: one cell an element, "lane:register" of warp 0 (see the header of this file).
  std::string draw() const;

private:
  static bool isValid(llvm::ArrayRef<AtomBit> registers, llvm::ArrayRef<AtomBit> lanes, llvm::ArrayRef<unsigned> warps,
                      llvm::ArrayRef<unsigned> warpStride, llvm::ArrayRef<unsigned> repeat,
                      llvm::ArrayRef<unsigned> repeatOrder);
  void foldRepeats();

  llvm::SmallVector<AtomBit, 8> regBits, lnBits;
  llvm::SmallVector<unsigned, 2> atom, warpCount, warpStride, repeatCount;
  /// The dimensions with repeat > 1 only, fastest first: the others do not matter.
  llvm::SmallVector<unsigned, 2> repeatOrder;
};

} // namespace imbrex::layout

#endif // IMBREX_DIALECTS_LAYOUT_TILELAYOUT_H
