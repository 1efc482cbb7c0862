//===- Arithmetic.cpp - add, mul and their kin, by type -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Arithmetic.h"

namespace imbrex::simulator {
namespace {

template <Operator Op> bool decode(Decoder &d) {
  Type type = d.takeType();
  if (isBits(type) || (d.source.opcode == "fma" && isInteger(type)))
    return d.fail("needs a type that it can count with");
  if (isInteger(type) || type == Type::U16x2 || type == Type::S16x2)
    return decodeIntegerOperator(d, Op, type);
  if (isFloat(type) || type == Type::F16x2 || type == Type::BF16x2)
    return decodeFloatOperator(d, Op, type);
  return d.fail("this type is not modelled");
}

constexpr Opcode kOpcodes[] = {{"add", decode<Operator::Add>}, {"sub", decode<Operator::Sub>},
                               {"mul", decode<Operator::Mul>}, {"mad", decode<Operator::Mad>},
                               {"fma", decode<Operator::Mad>}, {"div", decode<Operator::Div>},
                               {"min", decode<Operator::Min>}, {"max", decode<Operator::Max>},
                               {"neg", decode<Operator::Neg>}, {"abs", decode<Operator::Abs>}};

} // namespace

std::span<const Opcode> arithmeticOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
