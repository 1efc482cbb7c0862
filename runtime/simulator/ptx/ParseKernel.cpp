//===- ParseKernel.cpp - Kernel level of PTX ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One `.entry` or `.func`: parameters, performance directives, nested scopes, labels and instructions.
// Register names resolve through a stack of scopes to indices into Kernel::registers; a name such
// as %r<10> declares %r0 to %r9. Labels belong to their scope too.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/ptx/KernelParser.h"

#include <algorithm>

namespace imbrex::simulator::ptx {
namespace {

/// Bytes of registers a warp may have: 65536 of 32 bits. A predicate counts as 16 bits.
constexpr uint64_t kMostRegisterBytes = uint64_t(8) << 20;
} // namespace

std::optional<int> KernelParser::findRegister(std::string_view name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto found = scope->registers.find(name); found != scope->registers.end())
      return found->second;
  return std::nullopt;
}

std::string KernelParser::findVariable(std::string_view name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto found = scope->variables.find(name); found != scope->variables.end())
      return found->second;
  return std::string(name);
}

unsigned KernelParser::vectorLength(std::string_view name) const {
  for (auto scope = scopes.rbegin(); scope != scopes.rend(); ++scope)
    if (auto found = scope->vectors.find(name); found != scope->vectors.end())
      return found->second;
  return 0;
}

bool KernelParser::declareRegister(const std::string &name, unsigned bits) {
  registerBytes += 32 * std::max(bits, 16u) / 8;
  if (registerBytes > kMostRegisterBytes)
    return state.fail("too many registers");
  if (!scopes.back().registers.emplace(name, static_cast<int>(kernel.registers.size())).second)
    return state.fail("the register '" + name + "' is declared twice");
  kernel.registers.push_back({name, bits});
  return true;
}

bool KernelParser::parseRegisters() {
  unsigned lanes = state.accept(".v2") ? 2 : state.accept(".v4") ? 4 : 0;
  unsigned bits = typeBits(state.peek().text);
  if (bits == 0)
    return state.fail("unknown register type '" + std::string(state.peek().text) + "'");
  ++state.at;
  do {
    std::string name(state.peek().text);
    if (state.peek().kind != Token::Word)
      return state.fail("expected a register name");
    ++state.at;
    auto declare = [&](const std::string &full) {
      if (lanes == 0)
        return declareRegister(full, bits);
      scopes.back().vectors[full] = lanes;
      return std::ranges::all_of(kComponents, kComponents + lanes,
                                 [&](const char *component) { return declareRegister(full + component, bits); });
    };
    if (!state.accept("<")) {
      if (!declare(name))
        return false;
      continue;
    }
    uint64_t count;
    if (!state.parseUnsigned(count) || !state.expect(">"))
      return false;
    for (uint64_t i = 0; i < count; ++i)
      if (!declare(name + std::to_string(i)))
        return false;
  } while (state.accept(","));
  return state.expect(";");
}

bool KernelParser::parseParams(std::vector<Variable> &into) {
  if (!state.accept("("))
    return true;
  while (!state.accept(")")) {
    if (!into.empty() && !state.expect(","))
      return false;
    Variable param;
    param.space = Space::Param;
    bool inRegister = state.accept(".reg");
    if ((!inRegister && !state.expect(".param")) || !state.parseVariable(param, inRegister))
      return false;
    if (inRegister) {
      param.registerNumber = static_cast<int>(kernel.registers.size());
      if (!declareRegister(param.name, param.registerBits))
        return false;
    }
    into.push_back(std::move(param));
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
    if (!known && kernel.refused.empty())
      kernel.refused = "PTX line " + std::to_string(state.peek().line) + ": kernel directive '" + std::string(word) +
                       "' is not modelled";
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

/// A variable's unique name is its own in the body's outermost scope; no PTX name has an "@".
bool KernelParser::parseBodyVariable(Space space) {
  Variable variable;
  variable.space = space;
  if (!state.parseVariable(variable))
    return false;
  std::string name = variable.name;
  if (scopes.size() > 1)
    variable.name += "@" + std::to_string(kernel.variables.size());
  scopes.back().variables[name] = variable.name;
  kernel.variables.push_back(std::move(variable));
  return state.expect(";");
}

bool KernelParser::parseDirective(std::string_view word) {
  ++state.at;
  if (word == ".reg")
    return parseRegisters();
  if (word == ".loc")
    return state.parseLocation(place);
  if (std::optional<bool> parsed = state.parseAnywhere(word))
    return *parsed;
  if (word == ".shared")
    return parseBodyVariable(Space::Shared);
  if (word == ".local")
    return parseBodyVariable(Space::Local);
  if (word == ".param")
    return parseBodyVariable(Space::Param);
  if (word == ".global" || word == ".const") {
    Variable variable;
    variable.space = word == ".global" ? Space::Global : Space::Const;
    if (!state.parseVariable(variable))
      return false;
    state.module.variables.push_back(std::move(variable));
    return state.expect(";");
  }
  --state.at;
  return state.fail("directive '" + std::string(word) + "' is not modelled inside a kernel");
}

bool KernelParser::parseBranchTargets(const std::string &label) {
  std::vector<std::string> &targets = kernel.branchTargets[label];
  do {
    targets.emplace_back(state.peek().text);
    ++state.at;
  } while (state.accept(","));
  return state.expect(";");
}

/// "L:", or a name before ".branchtargets", ".calltargets" or ".callprototype". Which functions a call through a
/// register may reach, and their parameters, is known from the functions themselves.
bool KernelParser::parseLabel() {
  std::string name(state.peek().text);
  state.at += 2;
  if (state.accept(".branchtargets"))
    return parseBranchTargets(name);
  if (state.is(".callprototype") || state.is(".calltargets")) {
    while (!state.is(";") && state.peek().kind != Token::End)
      ++state.at;
    return state.expect(";");
  }
  return scopes.back().labels.emplace(name, static_cast<uint32_t>(kernel.body.size())).second ||
         state.fail("label '" + name + "' is defined twice");
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
  if (token.kind == Token::Word && state.peek(1).text == ":" && state.peek(1).kind == Token::Punctuation)
    return parseLabel();
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
  for (auto &[list, targets] : kernel.branchTargets)
    for (std::string &target : targets)
      if (scope.labels.count(target) != 0)
        target += suffix;
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

namespace {

/// Moves behind the brace that closes the one at token `open`; false if none does.
bool skipBody(ParserState &state, size_t open) {
  int depth = 0;
  for (state.at = open; state.peek().kind != Token::End; ++state.at) {
    depth += state.is("{") ? 1 : state.is("}") ? -1 : 0;
    if (depth == 0) {
      ++state.at;
      return true;
    }
  }
  return false;
}

/// Declarations may come as often as they like, a body once.
bool isDefinedTwice(const Module &module, const Kernel &kernel) {
  return !kernel.declaredOnly && std::any_of(module.kernels.begin(), module.kernels.end(), [&](const Kernel &other) {
    return !other.declaredOnly && other.name == kernel.name;
  });
}

} // namespace

bool ParserState::parseKernel(bool isFunction, Linkage linkage) {
  KernelParser parser{*this, {}, {}};
  Kernel &kernel = parser.kernel;
  kernel.isFunction = isFunction;
  kernel.linkage = linkage;
  if (isFunction && !parser.parseParams(kernel.results))
    return false;
  kernel.name = peek().text;
  kernel.line = peek().line;
  ++at;
  if (!parser.parseParams(kernel.params) || !parser.parseTuning())
    return false;
  kernel.declaredOnly = isFunction && accept(";");
  if (!kernel.declaredOnly) {
    size_t open = at;
    if (!parser.parseBody()) {
      if (!skipBody(*this, open))
        return false;
      if (kernel.refused.empty())
        kernel.refused = error;
      error.clear();
      kernel.body.clear();
    }
  }
  if (isDefinedTwice(module, kernel))
    return fail(std::string(isFunction ? "the function '" : "the kernel '") + kernel.name + "' is defined twice");
  module.kernels.push_back(std::move(kernel));
  return true;
}

} // namespace imbrex::simulator::ptx
