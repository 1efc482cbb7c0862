//===- ParserState.h - What the parser's files share ------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The token cursor, the first error and the small helpers that ParseModule.cpp and ParseKernel.cpp
// both need. Private to the parser. A parse function returns false after `fail`; the first error wins.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_PTX_PARSERSTATE_H
#define IMBREX_RUNTIME_SIMULATOR_PTX_PARSERSTATE_H

#include "runtime/simulator/ptx/Lexer.h"
#include "runtime/simulator/ptx/Module.h"
#include <optional>

namespace imbrex::simulator::ptx {

struct ParserState {
  std::vector<Token> tokens;
  size_t at = 0;
  std::string error;
  Module module;

  const Token &peek(size_t ahead = 0) const { return at + ahead < tokens.size() ? tokens[at + ahead] : tokens.back(); }
  bool is(std::string_view text) const { return peek().kind != Token::String && peek().text == text; }
  bool accept(std::string_view text);
  bool expect(std::string_view text);
  bool fail(const std::string &message);

  /// A literal with its optional sign, into an Integer, Single or Double operand.
  bool parseLiteral(Operand &out);
  /// A non-negative integer.
  bool parseUnsigned(uint64_t &out);
  /// What follows a state space: ".align 16 .b8 name[64] = {...}". The closing ';' is not taken.
  bool parseVariable(Variable &out, bool inRegister = false);
  /// ".loc" and ".file", whose word has been taken.
  bool parseLocation(SourcePlace &place);
  bool parseFile();
  /// ".section .debug_x { ... }", whose word has been taken.
  bool skipSection();
  /// The rest of ".file", ".section" and ".pragma", which stand in a module and in a kernel; nullopt if `word`
  /// is none of them.
  std::optional<bool> parseAnywhere(std::string_view word);
  /// One ".entry" or ".func" from its name (or its results) to its closing brace. What the body says that is not
  /// known refuses this kernel alone: Kernel::refused.
  bool parseKernel(bool isFunction, Linkage linkage);
};

/// Bits of ".u32", ".f16x2", ".pred" and the like; 0 if the word is no type.
unsigned typeBits(std::string_view word);

} // namespace imbrex::simulator::ptx

#endif // IMBREX_RUNTIME_SIMULATOR_PTX_PARSERSTATE_H
