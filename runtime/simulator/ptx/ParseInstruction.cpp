//===- ParseInstruction.cpp - Instructions and operands of PTX ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One instruction: guard, words, operands. Names are resolved to registers and to the variables of the
// enclosing scopes. `call` has a syntax of its own (PTX ISA, "Control Flow Instructions: call").
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/ptx/KernelParser.h"

namespace imbrex::simulator::ptx {
namespace {

constexpr size_t kMostModifiers = 32;

} // namespace

Operand KernelParser::registerOperand(const std::string &name) const {
  Operand operand;
  operand.kind = Operand::Register;
  operand.name = name;
  operand.number = *findRegister(name);
  return operand;
}

bool KernelParser::parseOffset(int64_t &offset) {
  bool negative = state.accept("-");
  if (!negative && !state.accept("+"))
    return true;
  Operand literal;
  if (!state.parseLiteral(literal))
    return false;
  if (literal.kind != Operand::Integer)
    return state.fail("an address offset must be an integer");
  offset = static_cast<int64_t>(negative ? 0 - literal.bits : literal.bits);
  return true;
}

bool KernelParser::parseAddress(Operand &out, unsigned depth) {
  out.kind = Operand::Address;
  if (state.peek().kind == Token::Word) {
    out.name = state.peek().text;
    ++state.at;
    if (auto number = findRegister(out.name)) {
      out.baseIsRegister = true;
      out.number = *number;
    } else {
      out.name = findVariable(out.name);
    }
    if (!parseOffset(out.offset))
      return false;
  } else {
    Operand literal;
    if (!state.parseLiteral(literal))
      return false;
    out.offset = static_cast<int64_t>(literal.bits);
  }
  while (state.accept(",")) // Coordinates of a tensor operand.
    if (!parseOperand(out.elements.emplace_back(), depth + 1))
      return false;
  return state.expect("]");
}

/// "%r.b0", "%r.h10": a register and a selector (9.7.17).
bool KernelParser::parseSelected(Operand &out) {
  size_t dot = out.name.rfind('.');
  auto number = dot == out.name.npos ? std::nullopt : findRegister(std::string_view(out.name).substr(0, dot));
  if (!number || dot + 1 == out.name.size() || (out.name[dot + 1] != 'b' && out.name[dot + 1] != 'h'))
    return false;
  out.kind = Operand::Register;
  out.number = *number;
  out.selector = out.name.substr(dot + 1);
  out.name.resize(dot);
  return true;
}

bool KernelParser::parseSimpleOperand(Operand &out) {
  bool isNegative = state.peek(1).kind == Token::Word && state.accept("-");
  out.negated |= isNegative;
  if (state.peek().kind != Token::Word)
    return state.parseLiteral(out);
  out.name = state.peek().text;
  if (out.name == "_") {
    ++state.at;
    return true;
  }
  if (auto number = findRegister(out.name)) {
    out.kind = Operand::Register;
    out.number = *number;
  } else if (unsigned count = vectorLength(out.name)) {
    out.kind = Operand::Vector;
    for (unsigned i = 0; i < count; ++i)
      out.elements.push_back(registerOperand(out.name + kComponents[i]));
  } else if (parseSelected(out)) {
    ; // Is a register now.
  } else if (out.name[0] == '%' || out.name == "WARP_SZ") {
    out.kind = Operand::Special;
  } else {
    out.kind = Operand::Symbol;
    out.name = findVariable(out.name);
  }
  if (isNegative && out.kind != Operand::Register)
    return state.fail("a sign stands before numbers and registers only");
  ++state.at;
  if (out.kind != Operand::Symbol)
    return true;
  if (!state.accept("["))
    return parseOffset(out.offset);
  // "a[0]": the address of an element (6.4.2), which is the array's for the first one.
  uint64_t index;
  return state.parseUnsigned(index) && state.expect("]") &&
         (index == 0 || state.fail("of elements in brackets only the first is read; give a byte offset: name + 4"));
}

/// An address may hold a vector of coordinates; nothing nests deeper.
bool KernelParser::parseOperand(Operand &out, unsigned depth) {
  if (depth > 2)
    return state.fail("the operand nests too deep");
  if (state.accept("{")) {
    out.kind = Operand::Vector;
    do
      if (!parseOperand(out.elements.emplace_back(), depth + 1))
        return false;
    while (state.accept(","));
    return state.expect("}");
  }
  if (state.accept("["))
    return parseAddress(out, depth);
  out.negated = state.accept("!");
  if (!parseSimpleOperand(out))
    return false;
  if (!state.accept("|"))
    return true;
  Operand pair;
  pair.kind = Operand::Pair;
  pair.elements = {std::move(out), Operand()};
  out = std::move(pair);
  return parseSimpleOperand(out.elements[1]);
}

/// "(a, b)" as a Vector; "(_)" and "()" are empty.
bool KernelParser::parseCallList(Operand &out) {
  out.kind = Operand::Vector;
  if (!state.expect("("))
    return false;
  while (!state.accept(")")) {
    if (!out.elements.empty() && !state.expect(","))
      return false;
    if (!parseOperand(out.elements.emplace_back(), 1))
      return false;
  }
  return true;
}

/// Operands: results, target, arguments, and where given the prototype or the list of targets.
bool KernelParser::parseCall(Instruction &call) {
  call.operands.resize(3);
  call.operands[0].kind = call.operands[2].kind = Operand::Vector;
  if (state.is("(") && (!parseCallList(call.operands[0]) || !state.expect(",")))
    return false;
  if (!parseOperand(call.operands[1]))
    return false;
  while (state.accept(",")) {
    if (state.is("(") ? !parseCallList(call.operands[2]) : !parseOperand(call.operands.emplace_back()))
      return false;
  }
  return state.expect(";");
}

bool KernelParser::parseInstruction() {
  Instruction instruction;
  instruction.line = state.peek().line;
  instruction.place = place;
  if (state.accept("@")) {
    instruction.guardNegated = state.accept("!");
    auto number = findRegister(state.peek().text);
    if (!number || kernel.registers[*number].bits != 1)
      return state.fail("'" + std::string(state.peek().text) + "' is not a predicate register");
    instruction.guard = *number;
    ++state.at;
  }
  if (state.peek().kind != Token::Word)
    return state.fail("expected an instruction before '" + std::string(state.peek().text) + "'");
  std::string_view words = state.peek().text;
  ++state.at;
  size_t dot = words.find('.');
  instruction.opcode = words.substr(0, dot);
  while (dot != words.npos) {
    size_t next = words.find('.', dot + 1);
    instruction.modifiers.emplace_back(words.substr(dot + 1, next == words.npos ? words.npos : next - dot - 1));
    dot = next;
  }
  if (instruction.modifiers.size() > kMostModifiers)
    return state.fail("'" + instruction.opcode + "' has too many modifiers");
  if (instruction.opcode == "call") {
    if (!parseCall(instruction))
      return false;
    kernel.body.push_back(std::move(instruction));
    return true;
  }
  while (!state.accept(";")) {
    if (!instruction.operands.empty() && !state.expect(","))
      return false;
    if (!parseOperand(instruction.operands.emplace_back()))
      return false;
  }
  kernel.body.push_back(std::move(instruction));
  return true;
}

} // namespace imbrex::simulator::ptx
