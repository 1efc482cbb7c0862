//===- WgmmaTile.cpp - The arithmetic of one wgmma ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A becomes a[64][K]; B becomes b[N / 8][K][8], so that the eight columns of a block are one vector.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/WgmmaTile.h"

#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/MatrixFragment.h"
#include "runtime/simulator/exec/MatrixMath.h"

#include <algorithm>
#include <cstring>
#include <limits>

namespace imbrex::simulator {
namespace {

constexpr unsigned kMostK = 32, kMostN = 256;

/// The elements of a chunk as numbers.
template <class Element> void expand(const uint8_t *chunk, typename Element::Value *out) {
  uint32_t words[4];
  std::memcpy(words, chunk, sizeof(words));
  for (unsigned w = 0; w < 4; ++w)
    for (unsigned e = 0; e < Element::count; ++e)
      out[w * Element::count + e] = Element::get(words[w], e);
}

template <class Element> void loadA(const WgmmaShape &shape, const uint8_t *const *chunks, typename Element::Value *a) {
  constexpr unsigned e = 4 * Element::count;
  unsigned k = shape.k;
  if (!shape.aColumns) {
    for (unsigned number = 0; number < 64 * k / e; ++number)
      expand<Element>(chunks[number], a + number * e);
    return;
  }
  typename Element::Value column[e];
  for (unsigned chunk = 0; chunk < 8; ++chunk)
    for (unsigned i = 0; i < k; ++i) {
      expand<Element>(*chunks++, column);
      for (unsigned m = 0; m < e; ++m)
        a[(chunk * e + m) * k + i] = column[m];
    }
}

template <class Element> void loadB(const WgmmaShape &shape, const uint8_t *const *chunks, typename Element::Value *b) {
  constexpr unsigned e = 4 * Element::count;
  unsigned k = shape.k;
  if (shape.bColumns) { // A chunk is a row of a block.
    for (unsigned number = 0; number < shape.n / 8 * k; ++number)
      expand<Element>(chunks[number], b + number * 8);
    return;
  }
  for (unsigned block = 0; block < shape.n / 8; ++block, b += k * 8)
    for (unsigned along = 0; along < k / e; ++along) {
      typename Element::Value rows[8][e];
      for (unsigned row = 0; row < 8; ++row)
        expand<Element>(chunks[(block * 8 + row) * (k / e) + along], rows[row]);
      for (unsigned i = 0; i < e; ++i)
        for (unsigned row = 0; row < 8; ++row)
          b[(along * e + i) * 8 + row] = rows[row][i];
    }
}

/// One warp's 16 rows of floating-point results.
void multiplyFloats(Warp &warp, const WgmmaShape &shape, const WgmmaOperands &operands, const float *a,
                    const float *b) {
  bool half = shape.accumulator == Type::F16;
  for (unsigned block = 0; block < shape.n / 8; ++block) {
    alignas(64) float sums[128] = {};
    const uint32_t *slots = operands.accumulators + (half ? 2 : 4) * block;
    if (operands.accumulate) {
      if (half)
        gatherHalfC(warp, slots, sums);
      else
        gatherC(warp, slots, sums);
    }
    multiplyAdd(sums, a, b + block * shape.k * 8, shape.k);
    for (float &sum : sums)
      sum = canonical(sum);
    if (half)
      scatterHalfD(warp, slots, sums);
    else
      scatterD(warp, slots, sums);
  }
}

int32_t clamped(int64_t value) {
  return static_cast<int32_t>(
      std::clamp<int64_t>(value, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
}

/// One warp's 16 rows of integers. The exact sum of an instruction fits 64 bits.
void multiplyIntegers(Warp &warp, const WgmmaShape &shape, const WgmmaOperands &operands, const int32_t *a,
                      const int32_t *b) {
  for (unsigned block = 0; block < shape.n / 8; ++block, b += shape.k * 8) {
    int32_t sums[128] = {}, before[128] = {};
    if (operands.accumulate)
      gatherC(warp, operands.accumulators + 4 * block, before);
    for (unsigned row = 0; row < 16; ++row)
      for (unsigned k = 0; k < shape.k; ++k)
        for (unsigned column = 0; column < 8; ++column)
          sums[row * 8 + column] += a[row * shape.k + k] * b[k * 8 + column];
    for (unsigned at = 0; at < 128; ++at)
      sums[at] = shape.saturate
                     ? clamped(int64_t(sums[at]) + before[at])
                     : static_cast<int32_t>(static_cast<uint32_t>(sums[at]) + static_cast<uint32_t>(before[at]));
    scatterD(warp, operands.accumulators + 4 * block, sums);
  }
}

template <class A, class B>
void multiplyTyped(Warp *const (&warps)[4], const WgmmaShape &shape, const WgmmaOperands &operands) {
  using Value = typename A::Value;
  alignas(64) Value a[64 * kMostK], b[kMostN * kMostK];
  if (shape.aInRegisters)
    for (unsigned w = 0; w < 4; ++w)
      gatherA<A, 8 * A::count>(*warps[w], operands.aRegisters, a + w * 16 * shape.k);
  else
    loadA<A>(shape, operands.aChunks, a);
  if (shape.negated)
    for (unsigned at = 0; at < 64 * shape.k; ++at)
      a[at] = -a[at];
  loadB<B>(shape, operands.bChunks, b);
  for (unsigned w = 0; w < 4; ++w) {
    if constexpr (std::is_same_v<Value, float>)
      multiplyFloats(*warps[w], shape, operands, a + w * 16 * shape.k, b);
    else
      multiplyIntegers(*warps[w], shape, operands, a + w * 16 * shape.k, b);
  }
}

template <class A> void multiplyBytes(Warp *const (&warps)[4], const WgmmaShape &shape, const WgmmaOperands &operands) {
  switch (shape.b) {
  case Type::E4M3:
    if constexpr (std::is_same_v<typename A::Value, float>)
      multiplyTyped<A, E4M3Element>(warps, shape, operands);
    return;
  case Type::E5M2:
    if constexpr (std::is_same_v<typename A::Value, float>)
      multiplyTyped<A, E5M2Element>(warps, shape, operands);
    return;
  case Type::S8:
    if constexpr (!std::is_same_v<typename A::Value, float>)
      multiplyTyped<A, ByteElement<int8_t>>(warps, shape, operands);
    return;
  default:
    if constexpr (!std::is_same_v<typename A::Value, float>)
      multiplyTyped<A, ByteElement<uint8_t>>(warps, shape, operands);
    return;
  }
}

} // namespace

void multiplyTiles(Warp *const (&warps)[4], const WgmmaShape &shape, const WgmmaOperands &operands) {
  switch (shape.a) {
  case Type::BF16:
    return multiplyTyped<BFloatElement, BFloatElement>(warps, shape, operands);
  case Type::F16:
    return multiplyTyped<HalfElement, HalfElement>(warps, shape, operands);
  case Type::TF32:
    return multiplyTyped<Tf32Element, Tf32Element>(warps, shape, operands);
  case Type::E4M3:
    return multiplyBytes<E4M3Element>(warps, shape, operands);
  case Type::E5M2:
    return multiplyBytes<E5M2Element>(warps, shape, operands);
  case Type::S8:
    return multiplyBytes<ByteElement<int8_t>>(warps, shape, operands);
  default:
    return multiplyBytes<ByteElement<uint8_t>>(warps, shape, operands);
  }
}

namespace {

constexpr uint32_t kARegisters = 1, kAColumns = 2, kBColumns = 4, kNegated = 8, kSaturate = 16;

} // namespace

void storeShape(const WgmmaShape &shape, Instruction &out) {
  out.flags = (shape.aInRegisters ? kARegisters : 0) | (shape.aColumns ? kAColumns : 0) |
              (shape.bColumns ? kBColumns : 0) | (shape.negated ? kNegated : 0) | (shape.saturate ? kSaturate : 0);
  out.count = static_cast<uint16_t>(shape.n);
  out.bytes = static_cast<uint16_t>(shape.k);
  out.imm = uint64_t(shape.accumulator) | uint64_t(shape.a) << 8 | uint64_t(shape.b) << 16;
}

WgmmaShape loadShape(const Instruction &i) {
  WgmmaShape shape;
  shape.accumulator = static_cast<Type>(i.imm & 0xFF);
  shape.a = static_cast<Type>(i.imm >> 8 & 0xFF);
  shape.b = static_cast<Type>(i.imm >> 16 & 0xFF);
  shape.n = i.count;
  shape.k = i.bytes;
  shape.aInRegisters = i.flags & kARegisters;
  shape.aColumns = i.flags & kAColumns;
  shape.bColumns = i.flags & kBColumns;
  shape.negated = i.flags & kNegated;
  shape.saturate = i.flags & kSaturate;
  return shape;
}

} // namespace imbrex::simulator
