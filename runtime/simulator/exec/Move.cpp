//===- Move.cpp - mov: copies, packing and clocks -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, mov: a register, immediate, address or special register; and the forms that pack a vector
// into one register or unpack it. The clocks count executed warp-instructions: they grow, and mean
// nothing else.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Elementwise.h"

#include <cstring>
#include <type_traits>

namespace imbrex::simulator {
namespace {

struct Same {
  template <class T> static T apply(T a) { return a; }
};

Step movePredicate(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint32_t value = warp.pred(i.op[1]);
  uint32_t &d = warp.pred(i.op[0]);
  d = (d & ~lanes) | (value & lanes);
  return Step::Next;
}

template <class T> Step readClock(Warp &warp, const Instruction &i, uint32_t lanes) {
  uint64_t now = warp.executed + i.index;
  forLanes(lanes, [&](unsigned lane) { warp.reg<T>(i.op[0])[lane] = static_cast<T>(now); });
  warp.executed += 1;
  return Step::Next;
}

/// What a register of Element's width lies in: bytes have a slot of 16 bits a lane.
template <class Element> using SlotOf = std::conditional_t<sizeof(Element) == 1, uint16_t, Element>;

/// op: d, elements from the lowest.
template <class Whole, class Element> Step pack(Warp &warp, const Instruction &i, uint32_t lanes) {
  Whole *d = warp.reg<Whole>(i.op[0]);
  forLanes(lanes, [&](unsigned lane) {
    Whole value = 0;
    for (unsigned e = 0; e < sizeof(Whole) / sizeof(Element); ++e) {
      Element element = static_cast<Element>(warp.reg<SlotOf<Element>>(i.op[1 + e])[lane]);
      value = static_cast<Whole>(value | Whole(element) << (8 * sizeof(Element) * e));
    }
    d[lane] = value;
  });
  return Step::Next;
}

/// op: source, elements from the lowest.
template <class Whole, class Element> Step unpack(Warp &warp, const Instruction &i, uint32_t lanes) {
  const Whole *a = warp.reg<Whole>(i.op[0]);
  forLanes(lanes, [&](unsigned lane) {
    Whole value = a[lane];
    for (unsigned e = 0; e < sizeof(Whole) / sizeof(Element); ++e)
      warp.reg<SlotOf<Element>>(i.op[1 + e])[lane] = static_cast<Element>(value >> (8 * sizeof(Element) * e));
  });
  return Step::Next;
}

/// The address of a variable in the frame of a function.
Step offset(Warp &warp, const Instruction &i, uint32_t lanes) {
  forLanes(lanes,
           [&](unsigned lane) { warp.reg<uint64_t>(i.op[0])[lane] = warp.reg<uint64_t>(i.op[1])[lane] + i.imm; });
  return Step::Next;
}

Type elementType(unsigned bits) { return bits == 8 ? Type::B8 : bits == 16 ? Type::B16 : Type::B32; }

bool decodePacking(Decoder &d, Type type, bool packs) {
  size_t vector = packs ? 1 : 0, count = d.operand(vector).elements.size();
  unsigned bits = count ? bitsOf(type) / static_cast<unsigned>(count) : 0;
  Handler handler = nullptr;
  if (bitsOf(type) == 16 && bits == 8)
    handler = packs ? pack<uint16_t, uint8_t> : unpack<uint16_t, uint8_t>;
  if (bitsOf(type) == 32 && bits == 8)
    handler = packs ? pack<uint32_t, uint8_t> : unpack<uint32_t, uint8_t>;
  if (bitsOf(type) == 32 && bits == 16)
    handler = packs ? pack<uint32_t, uint16_t> : unpack<uint32_t, uint16_t>;
  if (bitsOf(type) == 64 && bits == 32)
    handler = packs ? pack<uint64_t, uint32_t> : unpack<uint64_t, uint32_t>;
  if (bitsOf(type) == 64 && bits == 16)
    handler = packs ? pack<uint64_t, uint16_t> : unpack<uint64_t, uint16_t>;
  d.rule(Rule::Move);
  bool good = packs ? d.write(0, type) && d.readVector(1, elementType(bits), count)
                    : d.read(1, type) && d.writeVector(0, elementType(bits), count);
  return good && d.finish(handler);
}

bool decodeMov(Decoder &d) {
  Type type = d.takeType();
  if (!d.operands(2))
    return false;
  if (d.operand(1).kind == ptx::Operand::Vector)
    return decodePacking(d, type, true);
  if (d.operand(0).kind == ptx::Operand::Vector)
    return decodePacking(d, type, false);
  if (!d.write(0, type))
    return false;
  const std::string &name = d.operand(1).name;
  if (d.operand(1).kind == ptx::Operand::Special && (name == "%clock" || name == "%clock_hi" || name == "%clock64" ||
                                                     name == "%globaltimer" || name == "%globaltimer_lo"))
    return d.finish(bitsOf(type) == 64 ? readClock<uint64_t> : readClock<uint32_t>);
  d.rule(Rule::Move);
  if (!d.readValue(1, type))
    return false;
  if (d.out.imm != 0)
    return d.finish(bitsOf(type) == 64 ? offset : nullptr);
  switch (bitsOf(type)) {
  case 1:
    return d.finish(movePredicate);
  case 16:
    return d.finish(map1<uint16_t, uint16_t, Same>);
  case 32:
    return d.finish(map1<uint32_t, uint32_t, Same>);
  case 64:
    return d.finish(map1<uint64_t, uint64_t, Same>);
  default:
    return d.finish(nullptr);
  }
}

constexpr Opcode kOpcodes[] = {{"mov", decodeMov}};

} // namespace

std::span<const Opcode> moveOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
