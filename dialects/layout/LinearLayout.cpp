//===- LinearLayout.cpp - Linear maps over bits ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bit algebra behind LinearLayout. Coordinate tuples are flattened into one 64-bit word (dimension 0
// in the low bits), so that elimination over F2 is XOR of words.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/LinearLayout.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <array>
#include <bit>
#include <cassert>

namespace imbrex::layout {
namespace {

unsigned sum(llvm::ArrayRef<unsigned> bits) {
  unsigned total = 0;
  for (unsigned b : bits)
    total += b;
  return total;
}

uint64_t flatten(llvm::ArrayRef<uint32_t> coord, llvm::ArrayRef<unsigned> bits) {
  uint64_t word = 0;
  unsigned shift = 0;
  for (auto [value, width] : llvm::zip_equal(coord, bits)) {
    word |= width == 0 ? 0 : uint64_t(value) << shift;
    shift += width;
  }
  return word;
}

Coord unflatten(uint64_t word, llvm::ArrayRef<unsigned> bits) {
  Coord coord;
  for (unsigned width : bits) {
    coord.push_back(uint32_t(word & llvm::maskTrailingOnes<uint64_t>(width)));
    word = width >= 64 ? 0 : word >> width;
  }
  return coord;
}

/// The span of some columns in echelon form: `vector[b]` has highest bit b and is the image of the
/// inputs in `inputs[b]` (0: no such vector).
struct Echelon {
  std::array<uint64_t, 64> vector{}, inputs{};
  unsigned rank = 0;

  /// XORs span vectors onto `word` until it is 0 or irreducible; `used` collects their inputs.
  void reduce(uint64_t &word, uint64_t &used) const {
    for (uint64_t rest = word; rest != 0;) {
      unsigned top = 63 - std::countl_zero(rest);
      if (vector[top] == 0)
        return;
      word ^= vector[top];
      used ^= inputs[top];
      rest = word;
    }
  }

  /// Adds column number `index` unless the columns before it already span it.
  void add(uint64_t column, unsigned index) {
    uint64_t used = uint64_t(1) << index;
    reduce(column, used);
    if (column == 0)
      return;
    unsigned top = 63 - std::countl_zero(column);
    vector[top] = column;
    inputs[top] = used;
    ++rank;
  }
};

Echelon eliminate(const LinearLayout &map) {
  Echelon echelon;
  unsigned index = 0;
  for (auto [dim, bits] : llvm::enumerate(map.inBits()))
    for (unsigned bit = 0; bit < bits; ++bit)
      echelon.add(flatten(map.basis(dim, bit), map.outBits()), index++);
  return echelon;
}

} // namespace

LinearLayout::LinearLayout(llvm::ArrayRef<unsigned> inBits, llvm::ArrayRef<unsigned> outBits,
                           llvm::ArrayRef<Coord> bases)
    : ins(inBits), outs(outBits), bases(bases) {
  assert(bases.size() == sum(inBits) && "one basis an input bit");
  assert(sum(inBits) <= 64 && sum(outBits) <= 64 && "at most 64 bits on either side");
  assert(llvm::all_of(outBits, [](unsigned bits) { return bits <= 32; }) && "a coordinate has 32 bits");
  for ([[maybe_unused]] const Coord &basis : bases) {
    assert(basis.size() == outBits.size() && "a basis has one coordinate an output dimension");
    for ([[maybe_unused]] auto [value, bits] : llvm::zip(basis, outBits))
      assert((uint64_t(value) >> bits) == 0 && "basis outside of its output dimension");
  }
}

LinearLayout LinearLayout::identity(unsigned bits) {
  llvm::SmallVector<Coord, 16> bases;
  for (unsigned bit = 0; bit < bits; ++bit)
    bases.push_back({uint32_t(1) << bit});
  return LinearLayout({bits}, {bits}, bases);
}

LinearLayout LinearLayout::zero(unsigned bits, unsigned outBits) {
  return LinearLayout({bits}, {outBits}, llvm::SmallVector<Coord, 16>(bits, Coord{0}));
}

const Coord &LinearLayout::basis(unsigned dim, unsigned bit) const {
  assert(dim < ins.size() && bit < ins[dim] && "no such input bit");
  return bases[sum(llvm::ArrayRef(ins).take_front(dim)) + bit];
}

Coord LinearLayout::apply(llvm::ArrayRef<uint32_t> in) const {
  assert(in.size() == ins.size() && "one number an input dimension");
  Coord out(outs.size(), 0);
  const Coord *basis = bases.begin();
  for (auto [value, bits] : llvm::zip(in, ins)) {
    assert((uint64_t(value) >> bits) == 0 && "input out of range");
    for (unsigned bit = 0; bit < bits; ++bit, ++basis)
      if ((value >> bit) & 1)
        for (unsigned d = 0; d < out.size(); ++d)
          out[d] ^= (*basis)[d];
  }
  return out;
}

LinearLayout LinearLayout::compose(const LinearLayout &outer) const {
  assert(llvm::equal(outs, outer.ins) && "output dimensions must be the outer map's input dimensions");
  llvm::SmallVector<Coord, 16> images;
  for (const Coord &basis : bases)
    images.push_back(outer.apply(basis));
  return LinearLayout(ins, outer.outs, images);
}

std::optional<LinearLayout> LinearLayout::invert() const {
  if (sum(ins) != sum(outs))
    return std::nullopt;
  return rightInverse();
}

std::optional<LinearLayout> LinearLayout::rightInverse() const {
  Echelon echelon = eliminate(*this);
  llvm::SmallVector<Coord, 16> inverse;
  for (unsigned bit = 0, total = sum(outs); bit < total; ++bit) {
    uint64_t word = uint64_t(1) << bit, used = 0;
    echelon.reduce(word, used);
    if (word != 0)
      return std::nullopt;
    inverse.push_back(unflatten(used, ins));
  }
  return LinearLayout(outs, ins, inverse);
}

LinearLayout LinearLayout::product(const LinearLayout &high) const {
  assert(ins.size() == high.ins.size() && outs.size() == high.outs.size() && "same number of dimensions");
  llvm::SmallVector<unsigned, 4> newIns, newOuts;
  llvm::SmallVector<Coord, 16> newBases;
  for (unsigned e = 0; e < outs.size(); ++e)
    newOuts.push_back(outs[e] + high.outs[e]);
  for (unsigned d = 0; d < ins.size(); ++d) {
    newIns.push_back(ins[d] + high.ins[d]);
    for (unsigned bit = 0; bit < ins[d]; ++bit)
      newBases.push_back(basis(d, bit));
    for (unsigned bit = 0; bit < high.ins[d]; ++bit) {
      Coord shifted = high.basis(d, bit);
      for (unsigned e = 0; e < outs.size(); ++e)
        shifted[e] = uint32_t(uint64_t(shifted[e]) << outs[e]);
      newBases.push_back(shifted);
    }
  }
  return LinearLayout(newIns, newOuts, newBases);
}

std::optional<LinearLayout> LinearLayout::divide(const LinearLayout &low) const {
  if (ins.size() != low.ins.size() || outs.size() != low.outs.size())
    return std::nullopt;
  llvm::SmallVector<unsigned, 4> newIns, newOuts;
  llvm::SmallVector<Coord, 16> newBases;
  for (unsigned e = 0; e < outs.size(); ++e) {
    if (outs[e] < low.outs[e])
      return std::nullopt;
    newOuts.push_back(outs[e] - low.outs[e]);
  }
  for (unsigned d = 0; d < ins.size(); ++d) {
    if (ins[d] < low.ins[d])
      return std::nullopt;
    newIns.push_back(ins[d] - low.ins[d]);
    for (unsigned bit = low.ins[d]; bit < ins[d]; ++bit) {
      Coord shifted = basis(d, bit);
      for (unsigned e = 0; e < outs.size(); ++e)
        shifted[e] = uint32_t(uint64_t(shifted[e]) >> low.outs[e]);
      newBases.push_back(shifted);
    }
  }
  // The shifts above lose what crosses between low and high bits; multiplying back finds out.
  LinearLayout high(newIns, newOuts, newBases);
  if (low.product(high) == *this)
    return high;
  return std::nullopt;
}

bool LinearLayout::isInjective() const { return eliminate(*this).rank == sum(ins); }
bool LinearLayout::isSurjective() const { return eliminate(*this).rank == sum(outs); }

bool LinearLayout::operator==(const LinearLayout &other) const {
  return ins == other.ins && outs == other.outs && bases == other.bases;
}

std::string LinearLayout::toString(llvm::ArrayRef<llvm::StringRef> inNames) const {
  assert(inNames.size() == ins.size() && "one name an input dimension");
  std::string text;
  llvm::raw_string_ostream os(text);
  for (unsigned d = 0; d < ins.size(); ++d) {
    os << inNames[d] << ":";
    for (unsigned bit = 0; bit < ins[d]; ++bit) {
      os << " (";
      llvm::interleave(basis(d, bit), os, ",");
      os << ")";
    }
    os << "\n";
  }
  return text;
}

} // namespace imbrex::layout
