//===- Video.cpp - SIMD video instructions --------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// vadd2, vadd4 and their kin (PTX ISA, 9.7.17.2): one operation on the two halves or four bytes of a register,
// saturated on request, with the sum of the results added to c for .add. Selectors (%r1.b3210) and result masks are
// refused. The scalar forms: VideoScalar.cpp.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Cta.h"
#include "runtime/simulator/exec/Decoder.h"

#include <algorithm>

namespace imbrex::simulator {
namespace {

enum Operation : uint32_t { Add, Sub, Average, AbsoluteDifference, Min, Max };

constexpr uint32_t kSignedA = 8, kSignedB = 16, kSignedD = 32, kSaturate = 64, kAccumulate = 128;

int32_t part(uint32_t value, unsigned k, unsigned bits, bool isSigned) {
  uint32_t field = value >> (k * bits) & ((1u << bits) - 1);
  return isSigned ? static_cast<int32_t>(field << (32 - bits)) >> (32 - bits) : static_cast<int32_t>(field);
}

int32_t operate(uint32_t operation, int32_t a, int32_t b) {
  switch (operation) {
  case Add:
    return a + b;
  case Sub:
    return a - b;
  case Average:
    return (a + b + (a + b >= 0)) >> 1;
  case AbsoluteDifference:
    return a > b ? a - b : b - a;
  case Min:
    return std::min(a, b);
  default:
    return std::max(a, b);
  }
}

/// op: d, a, b, c. bytes: bits of a part; flags: what is done.
Step video(Warp &warp, const Instruction &i, uint32_t lanes) {
  unsigned bits = i.bytes;
  int32_t low = i.flags & kSignedD ? -(1 << (bits - 1)) : 0, high = (1 << (i.flags & kSignedD ? bits - 1 : bits)) - 1;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t a = warp.reg<uint32_t>(i.op[1])[lane], b = warp.reg<uint32_t>(i.op[2])[lane], packed = 0;
    uint32_t sum = warp.reg<uint32_t>(i.op[3])[lane];
    for (unsigned k = 0; k < 32 / bits; ++k) {
      int32_t value = operate(i.flags & 7, part(a, k, bits, i.flags & kSignedA), part(b, k, bits, i.flags & kSignedB));
      if (i.flags & kSaturate)
        value = std::clamp(value, low, high);
      uint32_t field = static_cast<uint32_t>(value) & ((1u << bits) - 1);
      packed |= field << (k * bits);
      sum += static_cast<uint32_t>(part(field, 0, bits, i.flags & kSignedD));
    }
    warp.reg<uint32_t>(i.op[0])[lane] = i.flags & kAccumulate ? sum : packed;
  }
  return Step::Next;
}

template <Operation Op, unsigned Bits> bool decodeVideo(Decoder &d) {
  d.out.flags = Op | (d.take("sat") ? kSaturate : 0) | (d.take("add") ? kAccumulate : 0);
  Type to = d.takeType(), a = d.takeType(), b = d.takeType();
  auto is32 = [](Type type) { return type == Type::U32 || type == Type::S32; };
  if (!is32(to) || !is32(a) || !is32(b))
    return d.fail("needs .u32 or .s32 three times");
  d.out.flags |= (a == Type::S32 ? kSignedA : 0) | (b == Type::S32 ? kSignedB : 0) | (to == Type::S32 ? kSignedD : 0);
  d.out.bytes = Bits;
  return d.operands(4) && d.write(0, Type::U32) && d.read(1, Type::U32) && d.read(2, Type::U32) &&
         d.read(3, Type::U32) && d.finish(video);
}

constexpr Opcode kOpcodes[] = {{"vadd2", decodeVideo<Add, 16>},
                               {"vadd4", decodeVideo<Add, 8>},
                               {"vsub2", decodeVideo<Sub, 16>},
                               {"vsub4", decodeVideo<Sub, 8>},
                               {"vavrg2", decodeVideo<Average, 16>},
                               {"vavrg4", decodeVideo<Average, 8>},
                               {"vabsdiff2", decodeVideo<AbsoluteDifference, 16>},
                               {"vabsdiff4", decodeVideo<AbsoluteDifference, 8>},
                               {"vmin2", decodeVideo<Min, 16>},
                               {"vmin4", decodeVideo<Min, 8>},
                               {"vmax2", decodeVideo<Max, 16>},
                               {"vmax4", decodeVideo<Max, 8>}};

} // namespace

std::span<const Opcode> videoOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
