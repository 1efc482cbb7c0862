//===- MatrixQuad.cpp - mma m8n8k4 of f16 ---------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.15.5.1: four products at once, each by eight lanes: product q by lanes 4q to 4q + 3, which hold the
// upper four rows of D, and 16 lanes behind, which hold the lower four. Either factor by rows or by columns.
//
//===----------------------------------------------------------------------===//

//|
//|   Lane l, h = 4 (l / 16), element i of its registers:
//|   A by rows: row l % 4 + h, column i;      by columns: row i + h, column l % 4
//|   B by rows: row l % 4, column i + h;      by columns: row i, column l % 4 + h
//|   C and D of f16: row l % 4 + h, column i
//|   C and D of f32: row l % 2 + (i & 2) + h, column (i & 4) + (l & 2) + i % 2
//|   So lane 21 holds row 5 of A of product 1, and of D in f32, for i = 6, row 7, column 4.

#include "runtime/simulator/exec/Access.h"
#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/Half.h"
#include "runtime/simulator/exec/MatrixMath.h"

#include <algorithm>
#include <bit>

namespace imbrex::simulator {
namespace {

// Instruction::flags.
constexpr uint32_t kColumnA = 1, kRowB = 2, kHalfC = 4, kHalfD = 8;

struct Place {
  unsigned row, column;
};

Place placeOfSum(unsigned lane, unsigned i, bool isHalf) {
  unsigned h = lane / 16 * 4;
  return isHalf ? Place{lane % 4 + h, i} : Place{lane % 2 + (i & 2) + h, (i & 4) + (lane & 2) + i % 2};
}

unsigned registersOfSum(bool isHalf) { return isHalf ? 4 : 8; }

float halfElement(Warp &warp, const uint32_t *slots, unsigned lane, unsigned i) {
  return halfToFloat(static_cast<uint16_t>(warp.reg<uint32_t>(slots[i / 2])[lane] >> (i % 2 * 16)));
}

/// The factors of the four products.
struct Factors {
  float a[4][8][4], b[4][4][8];

  Factors(Warp &warp, const Instruction &i) {
    const uint32_t *left = i.op + registersOfSum(i.flags & kHalfD), *right = left + 2;
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned e = 0; e < 4; ++e) {
        unsigned q = lane / 4 % 4, l = lane % 4, h = lane / 16 * 4;
        float x = halfElement(warp, left, lane, e), y = halfElement(warp, right, lane, e);
        i.flags &kColumnA ? a[q][e + h][l] = x : a[q][l + h][e] = x;
        i.flags &kRowB ? b[q][l][e + h] = y : b[q][e][l + h] = y;
      }
  }
};

/// op: D, A, B, C. Exact products are added to C one by one in f32, k ascending, as for the other shapes.
Step multiply(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  bool halfC = i.flags & kHalfC, halfD = i.flags & kHalfD;
  Factors factors(warp, i);
  const uint32_t *c = i.op + registersOfSum(halfD) + 4;
  float sums[4][8][8];
  auto forSums = [](bool isHalf, auto visit) {
    for (unsigned lane = 0; lane < 32; ++lane)
      for (unsigned e = 0; e < 8; ++e) {
        Place place = placeOfSum(lane, e, isHalf);
        visit(lane, e, lane / 4 % 4, place.row, place.column);
      }
  };
  forSums(halfC, [&](unsigned lane, unsigned e, unsigned q, unsigned row, unsigned column) {
    float sum = halfC ? halfElement(warp, c, lane, e) : warp.reg<float>(c[e])[lane];
    for (unsigned k = 0; k < 4; ++k)
      sum += factors.a[q][row][k] * factors.b[q][k][column];
    sums[q][row][column] = canonical(sum);
  });
  forSums(halfD, [&](unsigned lane, unsigned e, unsigned q, unsigned row, unsigned column) {
    float sum = sums[q][row][column];
    uint32_t &to = warp.reg<uint32_t>(i.op[halfD ? e / 2 : e])[lane];
    unsigned shift = e % 2 * 16;
    to = halfD ? (to & ~(0xFFFFu << shift)) | uint32_t(floatToHalf(sum)) << shift : std::bit_cast<uint32_t>(sum);
  });
  return Step::Next;
}

} // namespace

bool isQuadProduct(const Decoder &d) {
  auto names = [&](std::string_view word) { return std::ranges::count(d.source.modifiers, word) != 0; };
  return names("m8n8k4") && names("f16");
}

bool decodeQuadProduct(Decoder &d) {
  // takeOneOf knows no order: where both words are there, the first one is A's.
  int left = d.takeOneOf({"row", "col"}), right = d.takeOneOf({"row", "col"});
  if (left != right && std::ranges::find(d.source.modifiers, "col") < std::ranges::find(d.source.modifiers, "row"))
    std::swap(left, right);
  d.take("m8n8k4");
  Type to = d.takeType(), a = d.takeType(), b = d.takeType(), from = d.takeType();
  auto isSum = [](Type type) { return type == Type::F16 || type == Type::F32; };
  if (left < 0 || right < 0 || a != Type::F16 || b != Type::F16 || !isSum(to) || !isSum(from) ||
      (to == Type::F32 && from == Type::F16))
    return d.fail("this layout or these types are not modelled");
  bool halfC = from == Type::F16, halfD = to == Type::F16;
  d.out.flags = (left == 1 ? kColumnA : 0) | (right == 0 ? kRowB : 0) | (halfC ? kHalfC : 0) | (halfD ? kHalfD : 0);
  return d.operands(4) && d.writeVector(0, halfD ? Type::B32 : to, registersOfSum(halfD)) &&
         d.readVector(1, Type::B32, 2) && d.readVector(2, Type::B32, 2) &&
         d.readVector(3, halfC ? Type::B32 : from, registersOfSum(halfC)) && d.finish(multiply);
}

} // namespace imbrex::simulator
