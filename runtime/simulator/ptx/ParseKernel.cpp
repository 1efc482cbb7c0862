//===- ParseKernel.cpp - Kernel level of PTX ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One `.entry`: parameters, performance directives, nested scopes, labels and instructions.
// Register names resolve through a stack of scopes to indices into Kernel::registers; a name such
// as %r<10> declares %r0 to %r9. Labels belong to their scope too.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/ptx/ParserState.h"

#include <algorithm>
#include <optional>

namespace imbrex::simulator::ptx {
namespace {

/// Bytes of registers a warp may have: 65536 of 32 bits. A predicate counts as 16 bits.
constexpr uint64_t kMostRegisterBytes = uint64_t(8) << 20;
constexpr size_t kMostModifiers = 32;

/// Names declared between one "{" and its "}".
struct Scope {
  std::map<std::string, int, std::less<>> registers;
  std::map<std::string, uint32_t> labels;
  size_t firstInstruction = 0;
};

struct KernelParser {
  ParserState &state;
  Kernel kernel;
  SourcePlace place;
  uint64_t registerBytes = 0;
  unsigned closedScopes = 0; ///< Those with labels.
  std::vector<Scope> scopes{1};

  std::optional<int> findRegister(std::string_view name) const {
    for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
      if (auto found = scope->registers.find(name); found != scope->registers.end())
        return found->second;
    return std::nullopt;
  }

  bool declareRegister(const std::string &name, unsigned bits) {
    registerBytes += 32 * std::max(bits, 16u) / 8;
    if (registerBytes > kMostRegisterBytes)
      return state.fail("too many registers");
    scopes.back().registers[name] = static_cast<int>(kernel.registers.size());
    kernel.registers.push_back({name, bits});
    return true;
  }

  bool parseRegisters();
  bool parseParams();
  bool parseTuning();
  bool parseBody();
  bool parseStatement();
  void closeScope();
  bool parseDirective(std::string_view word);
  bool parseInstruction();
  bool parseOperand(Operand &out, unsigned depth = 0);
  bool parseSimpleOperand(Operand &out);
  bool parseAddress(Operand &out, unsigned depth);
  bool parseOffset(int64_t &offset);
};

bool KernelParser::parseRegisters() {
  unsigned bits = typeBits(state.peek().text);
  if (bits == 0)
    return state.fail("unknown register type '" + std::string(state.peek().text) + "'");
  ++state.at;
  do {
    std::string name(state.peek().text);
    if (state.peek().kind != Token::Word)
      return state.fail("expected a register name");
    ++state.at;
    if (!state.accept("<")) {
      if (!declareRegister(name, bits))
        return false;
      continue;
    }
    uint64_t count;
    if (!state.parseUnsigned(count) || !state.expect(">"))
      return false;
    for (uint64_t i = 0; i < count; ++i)
      if (!declareRegister(name + std::to_string(i), bits))
        return false;
  } while (state.accept(","));
  return state.expect(";");
}

bool KernelParser::parseParams() {
  if (!state.accept("("))
    return true;
  while (!state.accept(")")) {
    if (!kernel.params.empty() && !state.expect(","))
      return false;
    Variable param;
    param.space = Space::Param;
    if (!state.expect(".param") || !state.parseVariable(param))
      return false;
    kernel.params.push_back(std::move(param));
  }
  return true;
}

bool KernelParser::parseTuning() {
  while (!state.is("{") && state.peek().kind == Token::Word) {
    std::string_view word = state.peek().text;
    ++state.at;
    if (word == ".pragma") {
      ++state.at;
      if (!state.expect(";"))
        return false;
      continue;
    }
    bool known = word == ".maxntid" || word == ".reqntid" || word == ".minnctapersm" || word == ".maxnreg" ||
                 word == ".maxnctapersm" || word == ".noreturn" || word == ".explicitcluster" ||
                 word == ".reqnctapercluster" || word == ".maxclusterrank";
    if (!known)
      return state.fail("kernel directive '" + std::string(word) + "' is not modelled");
    uint64_t values[3] = {1, 1, 1};
    int count = 0;
    while (state.peek().kind == Token::Number && count < 3) {
      if (!state.parseUnsigned(values[count++]))
        return false;
      state.accept(",");
    }
    for (int i = 0; i < 3; ++i) {
      if (word == ".maxntid")
        kernel.maxThreads[i] = static_cast<uint32_t>(values[i]);
      if (word == ".reqntid")
        kernel.requiredThreads[i] = static_cast<uint32_t>(values[i]);
      if (word == ".reqnctapercluster")
        kernel.cluster.required[i] = static_cast<uint32_t>(values[i]);
    }
    kernel.cluster.isExplicit |= word == ".explicitcluster";
    if (word == ".maxclusterrank")
      kernel.cluster.most = static_cast<uint32_t>(values[0]);
    if (word == ".minnctapersm")
      kernel.minBlocks = static_cast<uint32_t>(values[0]);
    if (word == ".maxnreg")
      kernel.maxRegisters = static_cast<uint32_t>(values[0]);
  }
  return true;
}

bool KernelParser::parseDirective(std::string_view word) {
  ++state.at;
  if (word == ".reg")
    return parseRegisters();
  if (word == ".loc")
    return state.parseLocation(place);
  if (std::optional<bool> parsed = state.parseAnywhere(word))
    return *parsed;
  if (word == ".shared" || word == ".local") {
    Variable variable;
    variable.space = word == ".shared" ? Space::Shared : Space::Local;
    if (!state.parseVariable(variable))
      return false;
    kernel.variables.push_back(std::move(variable));
    return state.expect(";");
  }
  --state.at;
  return state.fail("directive '" + std::string(word) + "' is not modelled inside a kernel");
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

bool KernelParser::parseSimpleOperand(Operand &out) {
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
  } else if (out.name[0] == '%' || out.name == "WARP_SZ") {
    out.kind = Operand::Special;
  } else {
    out.kind = Operand::Symbol;
  }
  ++state.at;
  return out.kind != Operand::Symbol || parseOffset(out.offset);
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
  if (instruction.opcode == "call")
    return state.fail("calls of device functions are not modelled");
  while (!state.accept(";")) {
    if (!instruction.operands.empty() && !state.expect(","))
      return false;
    if (!parseOperand(instruction.operands.emplace_back()))
      return false;
  }
  kernel.body.push_back(std::move(instruction));
  return true;
}

bool KernelParser::parseStatement() {
  const Token &token = state.peek();
  if (token.kind == Token::End)
    return state.fail("the kernel '" + kernel.name + "' is not closed");
  if (state.accept("{")) {
    scopes.emplace_back().firstInstruction = kernel.body.size();
    return true;
  }
  if (token.kind == Token::Word && token.text[0] == '.')
    return parseDirective(token.text);
  if (token.kind == Token::Word && state.peek(1).text == ":" && state.peek(1).kind == Token::Punctuation) {
    if (!scopes.back().labels.emplace(token.text, static_cast<uint32_t>(kernel.body.size())).second)
      return state.fail("label '" + std::string(token.text) + "' is defined twice");
    state.at += 2;
    return true;
  }
  if (state.accept(";"))
    return true;
  return parseInstruction();
}

/// Makes the scope's labels known to the kernel. Branches to one of an inner scope get its unique name:
/// inner scopes close first, so the innermost label wins.
void KernelParser::closeScope() {
  Scope scope = std::move(scopes.back());
  scopes.pop_back();
  if (scopes.empty()) {
    kernel.labels.insert(scope.labels.begin(), scope.labels.end());
    return;
  }
  if (scope.labels.empty())
    return;
  std::string suffix = "@" + std::to_string(closedScopes++); // No PTX name has an "@".
  for (const auto &[name, index] : scope.labels)
    kernel.labels.emplace(name + suffix, index);
  for (size_t i = scope.firstInstruction; i < kernel.body.size(); ++i) {
    Instruction &instruction = kernel.body[i];
    if (instruction.opcode == "bra" && instruction.operands.size() == 1 &&
        scope.labels.count(instruction.operands[0].name) != 0)
      instruction.operands[0].name += suffix;
  }
}

bool KernelParser::parseBody() {
  if (!state.expect("{"))
    return false;
  while (!scopes.empty()) {
    if (state.accept("}")) {
      closeScope();
      continue;
    }
    if (!parseStatement())
      return false;
  }
  return true;
}

} // namespace

bool ParserState::parseKernel() {
  KernelParser parser{*this, {}, {}};
  parser.kernel.name = peek().text;
  parser.kernel.line = peek().line;
  ++at;
  if (!parser.parseParams() || !parser.parseTuning() || !parser.parseBody())
    return false;
  module.kernels.push_back(std::move(parser.kernel));
  return true;
}

} // namespace imbrex::simulator::ptx
