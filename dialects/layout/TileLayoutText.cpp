//===- TileLayoutText.cpp - Tile layouts as text and as pictures -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// TileLayout::toString, its inverse parse (which trusts nothing), and draw.
//
//===----------------------------------------------------------------------===//

#include "dialects/layout/TileLayout.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace imbrex::layout {
namespace {

using Numbers = llvm::SmallVector<unsigned, 4>;

void printBits(llvm::raw_ostream &os, llvm::ArrayRef<AtomBit> bits, unsigned rank) {
  for (const AtomBit &bit : bits) {
    Numbers steps(rank, 0);
    if (bit.step != 0)
      steps[bit.dim] = bit.step;
    os << " (";
    llvm::interleave(steps, os, ",");
    os << ")";
  }
}

/// "8x1"; a tile of rank 0 has "-".
void printNumbers(llvm::raw_ostream &os, llvm::StringRef name, llvm::ArrayRef<unsigned> numbers) {
  os << " " << name << " ";
  if (numbers.empty())
    os << "-";
  llvm::interleave(numbers, os, "x");
}

std::optional<Numbers> parseNumbers(llvm::StringRef text, char separator) {
  Numbers numbers;
  if (text == "-" || text.empty())
    return numbers;
  for (llvm::StringRef part : llvm::split(text, separator)) {
    unsigned number;
    if (part.getAsInteger(10, number))
      return std::nullopt;
    numbers.push_back(number);
  }
  return numbers;
}

/// The words of the text, one at a time.
struct Words {
  llvm::SmallVector<llvm::StringRef, 32> words;
  size_t next = 0;

  bool eat(llvm::StringRef word) {
    if (next == words.size() || words[next] != word)
      return false;
    ++next;
    return true;
  }

  /// `name 8x1`
  std::optional<Numbers> numbers(llvm::StringRef name) {
    if (!eat(name) || next == words.size())
      return std::nullopt;
    return parseNumbers(words[next++], 'x');
  }

  /// `name (0,1) (8,0)`, as many as there are, each moving at most one of `rank` coordinates.
  std::optional<llvm::SmallVector<AtomBit, 8>> bits(llvm::StringRef name, size_t &rank) {
    llvm::SmallVector<AtomBit, 8> bits;
    if (!eat(name))
      return std::nullopt;
    for (; next < words.size() && words[next].starts_with("("); ++next) {
      llvm::StringRef word = words[next].drop_front();
      std::optional<Numbers> steps = word.consume_back(")") ? parseNumbers(word, ',') : std::nullopt;
      if (!steps || llvm::count_if(*steps, [](unsigned step) { return step != 0; }) > 1)
        return std::nullopt;
      rank = steps->size();
      bits.push_back({});
      for (auto [dim, step] : llvm::enumerate(*steps))
        if (step != 0)
          bits.back() = {unsigned(dim), step};
    }
    return bits;
  }
};

} // namespace

std::string TileLayout::toString() const {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "reg";
  printBits(os, regBits, rank());
  os << " lane";
  printBits(os, lnBits, rank());
  printNumbers(os, "warps", warpCount);
  printNumbers(os, "stride", warpStride);
  printNumbers(os, "repeat", repeatCount);
  // The usual order, last dimension fastest, goes without saying.
  if (!llvm::is_sorted(repeatOrder, std::greater<unsigned>()))
    printNumbers(os, "order", fullRepeatOrder());
  return text;
}

std::optional<TileLayout> TileLayout::parse(llvm::StringRef text) {
  Words in;
  llvm::SplitString(text, in.words);
  size_t registerRank = 0, laneRank = 0;
  auto registers = in.bits("reg", registerRank);
  auto lanes = in.bits("lane", laneRank);
  std::optional<Numbers> warps = in.numbers("warps"), stride = in.numbers("stride"), repeat = in.numbers("repeat");
  if (!registers || !lanes || !warps || !stride || !repeat)
    return std::nullopt;
  Numbers order;
  if (in.next != in.words.size()) {
    std::optional<Numbers> given = in.numbers("order");
    if (!given || in.next != in.words.size())
      return std::nullopt;
    order = *given;
  }
  bool ranksAgree = laneRank == warps->size() && (registers->empty() || registerRank == laneRank);
  if (!ranksAgree || !isValid(*registers, *lanes, *warps, *stride, *repeat, order))
    return std::nullopt;
  return TileLayout(*registers, *lanes, *warps, *stride, *repeat, order);
}

std::string TileLayout::draw() const {
  if (rank() > 2)
    return "(only tiles of rank 1 and 2 are drawn)\n";
  std::string text;
  llvm::raw_string_ostream os(text);
  int64_t rows = rank() == 2 ? extent(0) : 1, columns = rank() == 0 ? 1 : extent(rank() - 1);
  auto ownerOf = [&](int64_t row, int64_t column) {
    Coord coord;
    if (rank() == 2)
      coord.push_back(uint32_t(row));
    if (rank() >= 1)
      coord.push_back(uint32_t(column));
    return find(coord);
  };
  for (int64_t row = 0; row < rows; ++row) {
    if (ownerOf(row, 0).warp != 0)
      continue;
    os << llvm::formatv("{0,5}:", row);
    for (int64_t column = 0; column < columns; ++column)
      if (Owner owner = ownerOf(row, column); owner.warp == 0)
        os << llvm::formatv(" {0,2}:{1,-3}", owner.lane, owner.reg);
    os << "\n";
  }
  return text;
}

} // namespace imbrex::layout
