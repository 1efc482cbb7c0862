//===- Form.h - An opcode with all that matters of it --------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A form is a PTX instruction without its names and numbers: opcode and modifiers as they stand in the text,
// and of every operand its kind. It is written as one line:
//
//   add.s32 b32, b32, 0                     registers of 32 bits, an integer literal
//   fma.rn.f32 b32, b32, 0.0, b32           a floating-point literal
//   setp.lt.and.s32 p, b32, b32, !p         predicates, one of them negated
//   @ld.global.v4.b32 {b32, b32, b32, b32}, [b64]       guarded by a predicate; an address, offset or not
//   mov.u32 b32, %tid.x                     a special register by its name
//   bra symbol;  ld.param.b64 b64, [symbol];  mov.b64 b64, symbol;  shfl.sync.bfly.b32 b32|p, b32, 0, 0, 0;  _
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_FORM_H
#define IMBREX_TESTS_RECORDED_FORM_H

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace imbrex::recorded {

struct FormOperand {
  enum Kind { Register, Integer, Float, Special, Symbol, Address, Vector, Pair, Sink };
  Kind kind = Sink;
  unsigned bits = 0;                 ///< Register: 1 for a predicate; Address: of its register, 0 for a symbol
  bool negated = false;              ///< a predicate after "!"
  std::string name;                  ///< Special
  std::vector<FormOperand> elements; ///< Vector and Pair

  bool isPredicate() const { return kind == Register && bits == 1; }
  std::string text() const;
};

struct Form {
  bool guarded = false;
  std::string opcode;                 ///< "ld" of "ld.global.f32"
  std::vector<std::string> modifiers; ///< "global", "f32"
  std::vector<FormOperand> operands;

  /// "ld.global.f32".
  std::string instruction() const;
  /// The whole line.
  std::string text() const;
  bool has(std::string_view modifier) const;
  /// nullopt unless the line is what text() of a form gives.
  static std::optional<Form> parse(std::string_view line);
};

/// The forms in a module's kernels, as text. nullopt, with `error` set, if the PTX does not parse.
std::optional<std::set<std::string>> formsOf(std::string_view ptx, std::string &error);

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_FORM_H
