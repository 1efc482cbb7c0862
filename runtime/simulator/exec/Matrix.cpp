//===- Matrix.cpp - mma.sync ----------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.15: mma.sync.aligned with row-major A and column-major B. Fragments: MatrixFragment.h.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Access.h"
#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/MatrixFragment.h"
#include "runtime/simulator/exec/MatrixMath.h"

#include <algorithm>
#include <cstring>

namespace imbrex::simulator {
namespace {

/// B[K][8], row-major.
template <class Element, unsigned K> void gatherB(Warp &warp, const uint32_t *slots, typename Element::Value *b) {
  constexpr unsigned e = Element::count;
  for (unsigned r = 0; r < K / e / 4; ++r) {
    const uint32_t *source = warp.reg<uint32_t>(slots[r]);
    auto *to = b + r * 4 * e * 8;
    for (unsigned t = 0; t < 4; ++t)
      for (unsigned i = 0; i < e; ++i)
        for (unsigned g = 0; g < 8; ++g)
          to[(t * e + i) * 8 + g] = Element::get(source[4 * g + t], i);
  }
}

/// op: D, A, B, C registers. K is the instruction's; HalfC for f16 accumulators.
template <class A, class B, unsigned K, bool HalfC> Step multiply(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  constexpr unsigned accumulators = HalfC ? 2 : 4, aRegisters = K / A::count / 2, bRegisters = aRegisters / 2;
  const uint32_t *a = i.op + accumulators, *b = a + aRegisters, *c = b + bRegisters;
  alignas(64) float left[16 * K], right[K * 8], sums[16 * 8];
  gatherA<A, K>(warp, a, left);
  gatherB<B, K>(warp, b, right);
  if constexpr (HalfC)
    gatherHalfC(warp, c, sums);
  else
    gatherC(warp, c, sums);
  multiplyAdd(sums, left, right, K);
  for (float &sum : sums)
    sum = canonical(sum);
  if constexpr (HalfC)
    scatterHalfD(warp, i.op, sums);
  else
    scatterD(warp, i.op, sums);
  return Step::Next;
}

template <class A, class B, unsigned K> Step multiplyBytes(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  constexpr unsigned aRegisters = K / 8, bRegisters = K / 16;
  int32_t left[16 * K], right[K * 8], sums[16 * 8];
  gatherA<ByteElement<A>, K>(warp, i.op + 4, left);
  gatherB<ByteElement<B>, K>(warp, i.op + 4 + aRegisters, right);
  gatherC(warp, i.op + 4 + aRegisters + bRegisters, sums);
  for (unsigned row = 0; row < 16; ++row)
    for (unsigned k = 0; k < K; ++k)
      for (unsigned column = 0; column < 8; ++column) {
        uint32_t product = static_cast<uint32_t>(left[row * K + k] * right[k * 8 + column]);
        int32_t &sum = sums[row * 8 + column];
        sum = static_cast<int32_t>(static_cast<uint32_t>(sum) + product);
      }
  scatterD(warp, i.op, sums);
  return Step::Next;
}

/// m8n8k4.f64: A (g, t), B (t, g), C (g, 2t) and (g, 2t + 1); fused steps, k ascending.
Step multiplyDouble(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  const double *a = warp.reg<double>(i.op[2]), *b = warp.reg<double>(i.op[3]);
  double results[2][32];
  for (unsigned lane = 0; lane < 32; ++lane)
    for (unsigned e = 0; e < 2; ++e) {
      unsigned row = lane / 4, column = lane % 4 * 2 + e;
      double sum = warp.reg<double>(i.op[4 + e])[lane];
      for (unsigned k = 0; k < 4; ++k)
        sum = std::fma(a[row * 4 + k], b[column * 4 + k], sum);
      results[e][lane] = canonical(sum);
    }
  for (unsigned e = 0; e < 2; ++e)
    std::memcpy(warp.reg<double>(i.op[e]), results[e], sizeof(results[e]));
  return Step::Next;
}

template <class A, bool HalfC> Handler pickQuarterB(Type b, unsigned k) {
  if (b == Type::E4M3)
    return k == 32 ? multiply<A, E4M3Element, 32, HalfC> : k == 16 ? multiply<A, E4M3Element, 16, HalfC> : nullptr;
  if (b == Type::E5M2)
    return k == 32 ? multiply<A, E5M2Element, 32, HalfC> : k == 16 ? multiply<A, E5M2Element, 16, HalfC> : nullptr;
  return nullptr;
}

/// 8-bit floats: m16n8k16 and m16n8k32, sums of f32 or f16.
template <bool HalfC> Handler pickQuarter(Type a, Type b, unsigned k) {
  return a == Type::E4M3   ? pickQuarterB<E4M3Element, HalfC>(b, k)
         : a == Type::E5M2 ? pickQuarterB<E5M2Element, HalfC>(b, k)
                           : nullptr;
}

Handler pickFloat(Type a, Type b, unsigned k, bool halfC) {
  if (a == Type::BF16 && b == a && !halfC)
    return k == 16  ? multiply<BFloatElement, BFloatElement, 16, false>
           : k == 8 ? multiply<BFloatElement, BFloatElement, 8, false>
                    : nullptr;
  if (a == Type::F16 && b == a && k == 16)
    return halfC ? multiply<HalfElement, HalfElement, 16, true> : multiply<HalfElement, HalfElement, 16, false>;
  if (a == Type::F16 && b == a && k == 8)
    return halfC ? multiply<HalfElement, HalfElement, 8, true> : multiply<HalfElement, HalfElement, 8, false>;
  if (a == Type::TF32 && b == a && !halfC)
    return k == 8   ? multiply<Tf32Element, Tf32Element, 8, false>
           : k == 4 ? multiply<Tf32Element, Tf32Element, 4, false>
                    : nullptr;
  return halfC ? pickQuarter<true>(a, b, k) : pickQuarter<false>(a, b, k);
}

template <unsigned K> Handler pickBytes(Type a, Type b) {
  if (a == Type::S8)
    return b == Type::S8   ? multiplyBytes<int8_t, int8_t, K>
           : b == Type::U8 ? multiplyBytes<int8_t, uint8_t, K>
                           : nullptr;
  if (a == Type::U8)
    return b == Type::S8   ? multiplyBytes<uint8_t, int8_t, K>
           : b == Type::U8 ? multiplyBytes<uint8_t, uint8_t, K>
                           : nullptr;
  return nullptr;
}

/// How many registers of which type D, A, B and C take.
bool readFragments(Decoder &d, Type accumulator, unsigned accumulators, Type element, unsigned a, unsigned b) {
  return d.operands(4) && d.writeVector(0, accumulator, accumulators) && d.readVector(1, element, a) &&
         d.readVector(2, element, b) && d.readVector(3, accumulator, accumulators);
}

/// s8 and u8 of 16 rows without .satfinite.
bool hasFastLoop(const Decoder &d) {
  auto names = [&](std::string_view word) { return std::ranges::count(d.source.modifiers, word) != 0; };
  return (names("m16n8k16") || names("m16n8k32")) && (names("s8") || names("u8")) && !names("satfinite");
}

bool decodeMma(Decoder &d) {
  if (std::ranges::any_of(d.source.modifiers, [](const std::string &word) { return word.starts_with("sp"); }))
    return d.fail("sparse matrices are not modelled");
  d.rule(Rule::Use);
  if (!d.take("sync") || !d.take("aligned"))
    return d.fail("only mma.sync.aligned is modelled");
  if (isGeneralProduct(d) && !hasFastLoop(d))
    return decodeGeneralProduct(d);
  if (isQuadProduct(d))
    return decodeQuadProduct(d);
  int shape = d.takeOneOf({"m16n8k4", "m16n8k8", "m16n8k16", "m16n8k32", "m8n8k4"});
  if (shape < 0 || !d.take("row") || !d.take("col"))
    return d.fail("this shape or layout is not modelled");
  Type to = d.takeType(), a = d.takeType(), b = d.takeType(), from = d.takeType();
  unsigned k = shape == 4 ? 4 : 4u << shape;
  if (to != from)
    return d.fail("D and C of different types are not modelled");
  if (shape == 4)
    return readFragments(d, Type::F64, 2, Type::F64, 1, 1) &&
           d.finish(to == Type::F64 && a == to && b == to ? multiplyDouble : nullptr);
  if (to == Type::S32) {
    Handler handler = k == 32 ? pickBytes<32>(a, b) : k == 16 ? pickBytes<16>(a, b) : nullptr;
    return readFragments(d, to, 4, Type::B32, k / 8, k / 16) && d.finish(handler);
  }
  unsigned bits = a == Type::TF32 ? 32 : bitsOf(a);
  if (bits == 0 || (to != Type::F32 && to != Type::F16))
    return d.finish(nullptr);
  Handler handler = pickFloat(a, b, k, to == Type::F16);
  unsigned registers = k * bits / 64;
  return handler ? readFragments(d, to == Type::F16 ? Type::B32 : to, to == Type::F16 ? 2 : 4, Type::B32, registers,
                                 registers / 2) &&
                       d.finish(handler)
                 : d.finish(nullptr);
}

constexpr Opcode kOpcodes[] = {{"mma", decodeMma}};

} // namespace

std::span<const Opcode> matrixOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
