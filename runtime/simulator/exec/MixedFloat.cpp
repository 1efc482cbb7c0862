//===- MixedFloat.cpp - add, sub and fma of 16-bit floats into f32 --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA 9.7.5, mixed precision floating-point instructions (sm_100 and later): add.f32.f16 and its
// like. The 16-bit operands are widened exactly; the operation is f32's.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Arithmetic.h"
#include "runtime/simulator/exec/Elementwise.h"
#include "runtime/simulator/exec/FloatLanes.h"
#include "runtime/simulator/exec/FloatMath.h"
#include "runtime/simulator/exec/Half.h"

namespace imbrex::simulator {
namespace {

template <Type Narrow> float widened(uint16_t bits) {
  return Narrow == Type::F16 ? halfToFloat(bits) : bfloatToFloat(bits);
}

float finished(float value, uint32_t flags) {
  value = canonical(value);
  return flags & kSat ? saturated(value) : value;
}

/// d = a + c or a - c, a narrow.
template <Type Narrow, bool Subtract> Step mixed2(Warp &warp, const Instruction &i, uint32_t lanes) {
  float *d = warp.reg<float>(i.op[0]);
  const uint16_t *a = warp.reg<uint16_t>(i.op[1]);
  const float *c = warp.reg<float>(i.op[2]);
  forLanes(lanes, [&](unsigned lane) {
    float x = widened<Narrow>(a[lane]);
    d[lane] = finished(Subtract ? x - c[lane] : x + c[lane], i.flags);
  });
  return Step::Next;
}

/// d = a b + c, a and b narrow. Their product is exact in double; the one rounding is fma's.
template <Type Narrow> Step mixed3(Warp &warp, const Instruction &i, uint32_t lanes) {
  float *d = warp.reg<float>(i.op[0]);
  const uint16_t *a = warp.reg<uint16_t>(i.op[1]), *b = warp.reg<uint16_t>(i.op[2]);
  const float *c = warp.reg<float>(i.op[3]);
  forLanes(lanes, [&](unsigned lane) {
    d[lane] = finished(std::fma(widened<Narrow>(a[lane]), widened<Narrow>(b[lane]), c[lane]), i.flags);
  });
  return Step::Next;
}

template <Type Narrow> Handler pickMixed(Operator op) {
  if (op == Operator::Mad)
    return mixed3<Narrow>;
  return op == Operator::Add ? mixed2<Narrow, false> : mixed2<Narrow, true>;
}

} // namespace

bool decodeMixedFloat(Decoder &d, Operator op, Type narrow, bool directed) {
  if (directed || (op != Operator::Add && op != Operator::Sub && op != Operator::Mad))
    return d.fail("this mixed precision form is not modelled");
  size_t count = op == Operator::Mad ? 4 : 3;
  if (!d.operands(count) || !d.write(0, Type::F32))
    return false;
  for (size_t i = 1; i + 1 < count; ++i)
    if (!d.read(i, narrow))
      return false;
  if (!d.read(count - 1, Type::F32))
    return false;
  return d.finish(narrow == Type::F16 ? pickMixed<Type::F16>(op) : pickMixed<Type::BF16>(op));
}

} // namespace imbrex::simulator
