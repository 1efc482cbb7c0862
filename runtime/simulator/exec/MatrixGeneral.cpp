//===- MatrixGeneral.cpp - mma of integers, bits and doubles --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// mma.sync of the shapes that no fast loop has (PTX ISA, 9.7.15.5): s8, u8, s4, u4 with or without .satfinite, single
// bits with .xor.popc and .and.popc, and f64 of 16 rows. One loop over elements; the fragments of all of them follow
// one rule.
//
//===----------------------------------------------------------------------===//

//|
//| g = lane / 4, t = lane % 4, e = elements a register holds (1 for f64, which has 64-bit registers). Register r,
//element i: |   A of 16 rows: row g + 8 (r % 2), column t e + i + 4 e (r / 2);   A of 8 rows: row g, column t e + i + 4
//e r |   B: row t e + i + 4 e r, column g |   C, D: row g + 8 (r / 2), column 2 t + r % 2

#include "runtime/simulator/exec/Access.h"
#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/MatrixMath.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace imbrex::simulator {
namespace {

struct Shape {
  std::string_view name;
  unsigned m, k; ///< n is 8.
};
constexpr Shape kShapes[] = {{"m8n8k16", 8, 16},     {"m8n8k32", 8, 32},    {"m8n8k128", 8, 128}, {"m16n8k4", 16, 4},
                             {"m16n8k8", 16, 8},     {"m16n8k16", 16, 16},  {"m16n8k32", 16, 32}, {"m16n8k64", 16, 64},
                             {"m16n8k128", 16, 128}, {"m16n8k256", 16, 256}};

struct Element {
  std::string_view name;
  unsigned bits;
  bool isSigned;
};
constexpr Element kElements[] = {{"s8", 8, true},  {"u8", 8, false}, {"s4", 4, true},
                                 {"u4", 4, false}, {"b1", 1, false}, {"f64", 64, false}};

enum class Bits : uint8_t { None, Xor, And };

// Instruction::imm.
struct Product {
  uint8_t shape, left, right;
  Bits bits;
  bool satfinite;
};

Product productOf(const Instruction &i) {
  Product product;
  std::memcpy(&product, &i.imm, sizeof(product));
  return product;
}

unsigned perRegister(const Element &element) { return element.bits == 64 ? 1 : 32 / element.bits; }
unsigned registersOfA(const Shape &s, const Element &e) { return s.m / 8 * s.k / (4 * perRegister(e)); }
unsigned registersOfB(const Shape &s, const Element &e) { return s.k / (4 * perRegister(e)); }
unsigned registersOfC(const Shape &s) { return s.m / 4; }

int32_t integerElement(uint32_t bits, unsigned i, const Element &element) {
  uint32_t field = bits >> (i * element.bits) & ((1u << element.bits) - 1);
  unsigned spare = 32 - element.bits;
  return element.isSigned ? static_cast<int32_t>(field << spare) >> spare : static_cast<int32_t>(field);
}

/// visit(register, lane, element in it, row, column) for all places of A, B or C.
template <class Visit> void forA(const Shape &s, unsigned e, unsigned registers, Visit visit) {
  for (unsigned r = 0; r < registers; ++r)
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < e; ++i)
        visit(r, lane, i, lane / 4 + (s.m == 16 ? r % 2 * 8 : 0), lane % 4 * e + i + 4 * e * (s.m == 16 ? r / 2 : r));
}
template <class Visit> void forB(unsigned e, unsigned registers, Visit visit) {
  for (unsigned r = 0; r < registers; ++r)
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned i = 0; i < e; ++i)
        visit(r, lane, i, lane % 4 * e + i + 4 * e * r, lane / 4);
}
template <class Visit> void forC(const Shape &s, Visit visit) {
  for (unsigned r = 0; r < registersOfC(s); ++r)
    for (unsigned lane = 0; lane < 32; ++lane)
      visit(r, lane, lane / 4 + r / 2 * 8, lane % 4 * 2 + r % 2);
}

/// op: D, A, B, C registers. A sum that does not fit wraps, or with .satfinite is clamped when it is complete.
Step multiplyIntegers(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  Product product = productOf(i);
  const Shape &s = kShapes[product.shape];
  const Element &left = kElements[product.left], &right = kElements[product.right];
  const uint32_t *a = i.op + registersOfC(s), *b = a + registersOfA(s, left), *c = b + registersOfB(s, right);
  std::array<std::array<int32_t, 256>, 16> rows;
  std::array<std::array<int32_t, 256>, 8> columns;
  forA(s, perRegister(left), registersOfA(s, left),
       [&](unsigned r, unsigned lane, unsigned e, unsigned row, unsigned k) {
         rows[row][k] = integerElement(warp.reg<uint32_t>(a[r])[lane], e, left);
       });
  forB(perRegister(right), registersOfB(s, right), [&](unsigned r, unsigned lane, unsigned e, unsigned k, unsigned n) {
    columns[n][k] = integerElement(warp.reg<uint32_t>(b[r])[lane], e, right);
  });
  int32_t results[4][32];
  forC(s, [&](unsigned r, unsigned lane, unsigned row, unsigned column) {
    int64_t sum = warp.reg<int32_t>(c[r])[lane];
    for (unsigned k = 0; k < s.k; ++k) {
      int32_t x = rows[row][k], y = columns[column][k];
      sum += product.bits == Bits::Xor ? x ^ y : x * y; // Of single bits x * y is x & y.
    }
    if (product.satfinite)
      sum = std::clamp<int64_t>(sum, INT32_MIN, INT32_MAX);
    results[r][lane] = static_cast<int32_t>(static_cast<uint32_t>(sum));
  });
  forC(s, [&](unsigned r, unsigned lane, unsigned, unsigned) { warp.reg<int32_t>(i.op[r])[lane] = results[r][lane]; });
  return Step::Next;
}

/// Fused steps, k ascending.
Step multiplyDoubles(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  const Shape &s = kShapes[productOf(i).shape];
  const Element &f64 = kElements[productOf(i).left];
  const uint32_t *a = i.op + registersOfC(s), *b = a + registersOfA(s, f64), *c = b + registersOfB(s, f64);
  double rows[16][16], columns[8][16], results[4][32];
  forA(s, 1, registersOfA(s, f64), [&](unsigned r, unsigned lane, unsigned, unsigned row, unsigned k) {
    rows[row][k] = warp.reg<double>(a[r])[lane];
  });
  forB(1, registersOfB(s, f64), [&](unsigned r, unsigned lane, unsigned, unsigned k, unsigned n) {
    columns[n][k] = warp.reg<double>(b[r])[lane];
  });
  forC(s, [&](unsigned r, unsigned lane, unsigned row, unsigned column) {
    double sum = warp.reg<double>(c[r])[lane];
    for (unsigned k = 0; k < s.k; ++k)
      sum = std::fma(rows[row][k], columns[column][k], sum);
    results[r][lane] = canonical(sum);
  });
  forC(s, [&](unsigned r, unsigned lane, unsigned, unsigned) { warp.reg<double>(i.op[r])[lane] = results[r][lane]; });
  return Step::Next;
}

int elementNumber(std::string_view word) {
  for (size_t i = 0; i < std::size(kElements); ++i)
    if (kElements[i].name == word)
      return static_cast<int>(i);
  return -1;
}

/// The types of D, A, B and C, in order.
std::vector<std::string> typeWords(const Decoder &d) {
  std::vector<std::string> words;
  for (const std::string &word : d.source.modifiers)
    if (word == "s32" || elementNumber(word) >= 0)
      words.push_back(word);
  return words;
}

/// The shapes of each element type (9.7.15.5, table).
bool isShape(const Shape &s, const Element &e) {
  if (e.bits == 64)
    return s.m == 16 && s.k <= 16;
  unsigned least = 128 / e.bits; // K of the shape with one register of A for each 8 rows.
  return s.k == least || (s.m == 16 && s.k == 2 * least);
}

} // namespace

bool isGeneralProduct(const Decoder &d) {
  std::vector<std::string> words = typeWords(d);
  bool isDouble = std::ranges::count(words, "f64") == 4;
  return words.size() == 4 &&
         (!isDouble || std::ranges::find(d.source.modifiers, "m8n8k4") == d.source.modifiers.end());
}

bool decodeGeneralProduct(Decoder &d) {
  std::vector<std::string> words = typeWords(d);
  for (const std::string &word : words)
    d.take(word);
  Product product{};
  size_t shape = 0;
  while (shape < std::size(kShapes) && !d.take(kShapes[shape].name))
    ++shape;
  int left = elementNumber(words[1]), right = elementNumber(words[2]);
  if (shape == std::size(kShapes) || left < 0 || right < 0 || !d.take("row") || !d.take("col"))
    return d.fail("this shape or layout is not modelled");
  const Element &a = kElements[left], &b = kElements[right];
  const Shape &s = kShapes[shape];
  bool isDouble = a.bits == 64;
  d.take("rn");
  product = {static_cast<uint8_t>(shape), static_cast<uint8_t>(left), static_cast<uint8_t>(right), Bits::None,
             !isDouble && d.take("satfinite")};
  if (a.bits == 1)
    product.bits = d.takeOneOf({"xor", "and"}) == 1 ? Bits::And : Bits::Xor;
  std::string_view accumulator = isDouble ? "f64" : "s32";
  bool fine = a.bits == b.bits && isShape(s, a) && words[0] == accumulator && words[3] == accumulator &&
              (a.bits != 1 || d.take("popc"));
  std::memcpy(&d.out.imm, &product, sizeof(product));
  Type sum = isDouble ? Type::F64 : Type::B32;
  return d.operands(4) && d.writeVector(0, sum, registersOfC(s)) && d.readVector(1, sum, registersOfA(s, a)) &&
         d.readVector(2, sum, registersOfB(s, b)) && d.readVector(3, sum, registersOfC(s)) &&
         d.finish(!fine      ? nullptr
                  : isDouble ? multiplyDoubles
                             : multiplyIntegers);
}

} // namespace imbrex::simulator
