//===- Elementwise.h - Handlers that map lanes to lanes ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Templates for instructions whose result in a lane depends on that lane alone. An operation is a
// struct with a static `apply`; register types are unsigned integers, float or double, and 16-bit
// floating-point values travel as their bits.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_EXEC_ELEMENTWISE_H
#define IMBREX_RUNTIME_SIMULATOR_EXEC_ELEMENTWISE_H

#include "runtime/simulator/exec/Cta.h"
#include "runtime/simulator/exec/Decoder.h"

namespace imbrex::simulator {

/// op: d, a
template <class D, class A, class Operation> Step map1(Warp &warp, const Instruction &i, uint32_t lanes) {
  D *d = warp.reg<D>(i.op[0]);
  const A *a = warp.reg<A>(i.op[1]);
  forLanes(lanes, [&](unsigned lane) { d[lane] = Operation::apply(a[lane]); });
  return Step::Next;
}

/// op: d, a, b
template <class D, class A, class B, class Operation> Step map2(Warp &warp, const Instruction &i, uint32_t lanes) {
  D *d = warp.reg<D>(i.op[0]);
  const A *a = warp.reg<A>(i.op[1]);
  const B *b = warp.reg<B>(i.op[2]);
  forLanes(lanes, [&](unsigned lane) { d[lane] = Operation::apply(a[lane], b[lane]); });
  return Step::Next;
}

/// op: d, a, b, c
template <class D, class A, class B, class C, class Operation>
Step map3(Warp &warp, const Instruction &i, uint32_t lanes) {
  D *d = warp.reg<D>(i.op[0]);
  const A *a = warp.reg<A>(i.op[1]);
  const B *b = warp.reg<B>(i.op[2]);
  const C *c = warp.reg<C>(i.op[3]);
  forLanes(lanes, [&](unsigned lane) { d[lane] = Operation::apply(a[lane], b[lane], c[lane]); });
  return Step::Next;
}

/// map2 for the integer type of an instruction; null for any other type.
template <class Operation> Handler integerMap2(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return map2<uint16_t, uint16_t, uint16_t, Operation>;
  case Type::S16:
    return map2<int16_t, int16_t, int16_t, Operation>;
  case Type::U32:
  case Type::B32:
    return map2<uint32_t, uint32_t, uint32_t, Operation>;
  case Type::S32:
    return map2<int32_t, int32_t, int32_t, Operation>;
  case Type::U64:
  case Type::B64:
    return map2<uint64_t, uint64_t, uint64_t, Operation>;
  case Type::S64:
    return map2<int64_t, int64_t, int64_t, Operation>;
  default:
    return nullptr;
  }
}

template <class Operation> Handler integerMap1(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return map1<uint16_t, uint16_t, Operation>;
  case Type::S16:
    return map1<int16_t, int16_t, Operation>;
  case Type::U32:
  case Type::B32:
    return map1<uint32_t, uint32_t, Operation>;
  case Type::S32:
    return map1<int32_t, int32_t, Operation>;
  case Type::U64:
  case Type::B64:
    return map1<uint64_t, uint64_t, Operation>;
  case Type::S64:
    return map1<int64_t, int64_t, Operation>;
  default:
    return nullptr;
  }
}

template <class Operation> Handler integerMap3(Type type) {
  switch (type) {
  case Type::U16:
  case Type::B16:
    return map3<uint16_t, uint16_t, uint16_t, uint16_t, Operation>;
  case Type::S16:
    return map3<int16_t, int16_t, int16_t, int16_t, Operation>;
  case Type::U32:
  case Type::B32:
    return map3<uint32_t, uint32_t, uint32_t, uint32_t, Operation>;
  case Type::S32:
    return map3<int32_t, int32_t, int32_t, int32_t, Operation>;
  case Type::U64:
  case Type::B64:
    return map3<uint64_t, uint64_t, uint64_t, uint64_t, Operation>;
  case Type::S64:
    return map3<int64_t, int64_t, int64_t, int64_t, Operation>;
  default:
    return nullptr;
  }
}

/// Operands d, a, b ... of one type, then the handler.
inline bool finishUniform(Decoder &d, Type type, size_t count, Handler handler) {
  if (!d.operands(count) || !d.write(0, type))
    return false;
  for (size_t i = 1; i < count; ++i)
    if (!d.read(i, type))
      return false;
  return d.finish(handler);
}

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_EXEC_ELEMENTWISE_H
