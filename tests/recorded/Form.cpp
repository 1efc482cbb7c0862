//===- Form.cpp - An opcode with all that matters of it -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a parsed PTX instruction to a form, and between a form and its line.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/Form.h"
#include "runtime/simulator/ptx/Parser.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::recorded;
using simulator::ptx::Operand;

static std::string registerText(unsigned bits) { return bits == 1 ? "p" : "b" + std::to_string(bits); }

static std::string listText(const std::vector<FormOperand> &operands, const char *separator) {
  std::string text;
  for (const FormOperand &operand : operands)
    text += (&operand == operands.data() ? "" : separator) + operand.text();
  return text;
}

std::string FormOperand::text() const {
  switch (kind) {
  case Register:
    return (negated ? "!" : "") + registerText(bits);
  case Integer:
    return "0";
  case Float:
    return "0.0";
  case Special:
    return name;
  case Symbol:
    return "symbol";
  case Address:
    return "[" + (bits ? registerText(bits) : "symbol") + "]";
  case Vector:
    return "{" + listText(elements, ", ") + "}";
  case Pair:
    return listText(elements, "|");
  case Sink:
    return "_";
  }
  return {};
}

std::string Form::instruction() const {
  std::string text = opcode;
  for (const std::string &modifier : modifiers)
    text += "." + modifier;
  return text;
}

std::string Form::text() const {
  return (guarded ? "@" : "") + instruction() + (operands.empty() ? "" : " ") + listText(operands, ", ");
}

bool Form::has(std::string_view modifier) const {
  return std::find(modifiers.begin(), modifiers.end(), modifier) != modifiers.end();
}

namespace {

/// Reads a form's line from left to right.
struct Reader {
  std::string_view rest;
  bool good = true;

  bool accept(std::string_view text) {
    bool found = rest.starts_with(text);
    rest.remove_prefix(found ? text.size() : 0);
    return found;
  }
  std::string word() {
    size_t length = std::min(rest.find_first_of(" ,|]}"), rest.size());
    std::string text(rest.substr(0, length));
    rest.remove_prefix(length);
    good &= !text.empty();
    return text;
  }
  FormOperand simple();
  FormOperand operand();
  std::vector<FormOperand> list(std::string_view separator) {
    std::vector<FormOperand> operands;
    do
      operands.push_back(operand());
    while (good && accept(separator));
    return operands;
  }
};

unsigned bitsOf(const std::string &word) {
  static constexpr unsigned kBits[] = {1, 8, 16, 32, 64, 128};
  auto found = std::find_if(std::begin(kBits), std::end(kBits), [&](unsigned b) { return registerText(b) == word; });
  return found == std::end(kBits) ? 0 : *found;
}

FormOperand Reader::simple() {
  FormOperand made;
  made.negated = accept("!");
  std::string text = word();
  made.bits = bitsOf(text);
  if (made.bits)
    made.kind = FormOperand::Register;
  else if (text == "0" || text == "0.0")
    made.kind = text == "0" ? FormOperand::Integer : FormOperand::Float;
  else if (text == "symbol")
    made.kind = FormOperand::Symbol;
  else if (text.starts_with('%')) {
    made.kind = FormOperand::Special;
    made.name = text;
  } else
    good &= text == "_";
  return made;
}

FormOperand Reader::operand() {
  FormOperand made;
  if (accept("{")) {
    made.kind = FormOperand::Vector;
    made.elements = list(", ");
    good &= accept("}");
  } else if (accept("[")) {
    made.kind = FormOperand::Address;
    std::string base = word();
    made.bits = bitsOf(base);
    good &= (made.bits || base == "symbol") && accept("]");
  } else {
    made = simple();
    if (!accept("|"))
      return made;
    FormOperand pair;
    pair.kind = FormOperand::Pair;
    pair.elements = {made, simple()};
    made = pair;
  }
  return made;
}

FormOperand describe(const Operand &operand, const simulator::ptx::Kernel &kernel) {
  FormOperand made;
  auto widthOf = [&](int number) { return kernel.registers[size_t(number)].bits; };
  switch (operand.kind) {
  case Operand::Register:
    made.kind = FormOperand::Register;
    made.bits = widthOf(operand.number);
    made.negated = operand.negated;
    break;
  case Operand::Integer:
    made.kind = FormOperand::Integer;
    break;
  case Operand::Single:
  case Operand::Double:
    made.kind = FormOperand::Float;
    break;
  case Operand::Special:
    made.kind = FormOperand::Special;
    made.name = operand.name;
    break;
  case Operand::Symbol:
    made.kind = FormOperand::Symbol;
    break;
  case Operand::Address:
    made.kind = FormOperand::Address;
    made.bits = operand.baseIsRegister ? widthOf(operand.number) : 0;
    break;
  case Operand::Vector:
  case Operand::Pair:
    made.kind = operand.kind == Operand::Vector ? FormOperand::Vector : FormOperand::Pair;
    for (const Operand &element : operand.elements)
      made.elements.push_back(describe(element, kernel));
    break;
  case Operand::Sink:
    break;
  }
  return made;
}

} // namespace

std::optional<Form> Form::parse(std::string_view line) {
  Reader reader{line};
  Form form;
  form.guarded = reader.accept("@");
  std::string words = reader.word();
  size_t dot = words.find('.');
  form.opcode = words.substr(0, dot);
  while (dot != words.npos) {
    size_t next = words.find('.', dot + 1);
    form.modifiers.push_back(words.substr(dot + 1, next - dot - 1));
    dot = next;
  }
  if (reader.accept(" "))
    form.operands = reader.list(", ");
  if (!reader.good || !reader.rest.empty())
    return std::nullopt;
  return form;
}

std::optional<std::set<std::string>> recorded::formsOf(std::string_view ptx, std::string &error) {
  std::optional<simulator::ptx::Module> module = simulator::ptx::parseModule(ptx, error);
  if (!module)
    return std::nullopt;
  std::set<std::string> forms;
  for (const simulator::ptx::Kernel &kernel : module->kernels)
    for (const simulator::ptx::Instruction &instruction : kernel.body) {
      Form form;
      form.guarded = instruction.guard >= 0;
      form.opcode = instruction.opcode;
      form.modifiers = instruction.modifiers;
      for (const Operand &operand : instruction.operands)
        form.operands.push_back(describe(operand, kernel));
      forms.insert(form.text());
    }
  return forms;
}
