//===- KernelParser.h - One body while it is parsed -------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The state of one `.entry` or `.func`: its scopes, and the statements that fill it. Private to
// ParseKernel.cpp (declarations, scopes) and ParseInstruction.cpp (operands, instructions, calls).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_PTX_KERNELPARSER_H
#define IMBREX_RUNTIME_SIMULATOR_PTX_KERNELPARSER_H

#include "runtime/simulator/ptx/ParserState.h"

namespace imbrex::simulator::ptx {

/// Names declared between one "{" and its "}".
struct Scope {
  std::map<std::string, int, std::less<>> registers;
  std::map<std::string, unsigned, std::less<>> vectors;      ///< Vector registers and their lengths.
  std::map<std::string, std::string, std::less<>> variables; ///< Name to its unique name in Kernel::variables.
  std::map<std::string, uint32_t> labels;
  size_t firstInstruction = 0;
};

constexpr const char *kComponents[] = {".x", ".y", ".z", ".w"};

struct KernelParser {
  ParserState &state;
  Kernel kernel;
  SourcePlace place;
  uint64_t registerBytes = 0;
  unsigned closedScopes = 0; ///< Those with labels.
  std::vector<Scope> scopes{1};

  std::optional<int> findRegister(std::string_view name) const;
  /// The unique name of a variable of the body, or the name itself.
  std::string findVariable(std::string_view name) const;
  /// Elements of the vector register of that name, 0 if there is none. Element i is the register name + kComponents[i].
  unsigned vectorLength(std::string_view name) const;
  Operand registerOperand(const std::string &name) const;
  bool declareRegister(const std::string &name, unsigned bits);

  bool parseRegisters();
  /// "(.param .b32 a, .reg .b32 b)", or nothing.
  bool parseParams(std::vector<Variable> &into);
  bool parseTuning();
  bool parseBody();
  bool parseStatement();
  bool parseBodyVariable(Space space);
  bool parseLabel();
  /// The names after ".branchtargets".
  bool parseBranchTargets(const std::string &label);
  void closeScope();
  bool parseDirective(std::string_view word);
  bool parseInstruction();
  bool parseCall(Instruction &call);
  bool parseCallList(Operand &out);
  bool parseOperand(Operand &out, unsigned depth = 0);
  bool parseSimpleOperand(Operand &out);
  bool parseSelected(Operand &out);
  bool parseAddress(Operand &out, unsigned depth);
  bool parseOffset(int64_t &offset);
};

} // namespace imbrex::simulator::ptx

#endif // IMBREX_RUNTIME_SIMULATOR_PTX_KERNELPARSER_H
