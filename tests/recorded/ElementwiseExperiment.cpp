//===- ElementwiseExperiment.cpp - Registers in, registers out ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic, comparisons, conversions, moves, exchanges between lanes, mma.sync: forms whose operands are
// registers, literals and special registers. Whole warps run, so warp-wide forms are not different.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/KernelText.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::recorded;

static constexpr size_t kVariants = 8; ///< choices of literals
static constexpr ValueType kMask = {ValueType::Signed, 32};

static bool isOneOf(const std::string &word, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

static std::vector<ValueType> typesOf(const Form &form) {
  std::vector<ValueType> types;
  for (const std::string &modifier : form.modifiers)
    if (std::optional<ValueType> type = valueType(modifier))
      types.push_back(*type);
  return types;
}

/// The first of the types that a register of that width holds.
static ValueType typeOfWidth(const std::vector<ValueType> &types, unsigned bits) {
  for (const ValueType &type : types)
    if (type.totalBits() == bits)
      return type;
  return {ValueType::Bits, bits};
}

static ValueType sourceType(const Form &form, size_t source, const FormOperand &operand) {
  std::vector<ValueType> types = typesOf(form);
  unsigned bits = operand.bits;
  if (form.opcode == "mma" && types.size() == 4) { // D, A, B, C
    ValueType type = types[source + 1];
    type.count = bits / type.bits;
    return type;
  }
  if (form.opcode == "mma" && (form.has("e4m3") || form.has("e5m2")) && source < 2) // A, B
    return {ValueType::Bits, bits};
  if (form.opcode == "cvt")
    std::reverse(types.begin(), types.end());
  if (operand.kind == FormOperand::Register)
    return typeOfWidth(types, bits);
  return types.empty() ? ValueType{ValueType::Bits, 32} : types.front();
}

static OperandPlan::Role roleOf(const Form &form, size_t source, const ValueType &type) {
  const std::string &opcode = form.opcode;
  if ((isOneOf(opcode, {"shl", "shr"}) && source == 1) || (opcode == "shf" && source == 2) ||
      (opcode == "bfe" && source > 0) || (opcode == "bfi" && source > 1) || (opcode == "shfl" && source == 1) ||
      (opcode == "lop3" && source == 3))
    return OperandPlan::Count;
  if (opcode == "prmt" && source == 2)
    return OperandPlan::Selector;
  if (isOneOf(opcode, {"div", "rem"}) && source == 1 && !type.isFloat())
    return OperandPlan::Divisor;
  return opcode == "mma" ? OperandPlan::Moderate : OperandPlan::Value;
}

static OperandPlan planOf(const Form &form, size_t source, const FormOperand &operand) {
  if (operand.isPredicate())
    return {{ValueType::Bits, 8}, OperandPlan::Predicate};
  OperandPlan plan{sourceType(form, source, operand)};
  plan.role = roleOf(form, source, plan.type);
  if (form.opcode == "shfl")
    plan.most = 31;
  return plan;
}

static bool isLiteral(const FormOperand &operand) {
  return operand.kind == FormOperand::Integer || operand.kind == FormOperand::Float;
}

namespace {

/// Writes the instruction once for each choice of literals.
class Elementwise {
public:
  explicit Elementwise(const ListedForm &listed) : text(listed), form(text.form()) {}

  ExperimentResult make() {
    if (form.operands.size() < 2)
      return {std::nullopt, "it has no source"};
    sources.assign(form.operands.begin() + 1, form.operands.end());
    if (std::string reason = refuse(); !reason.empty())
      return {std::nullopt, reason};
    guard = text.guard();
    prepareSources();
    for (size_t variant = 0; variant < (literals.empty() ? 1 : kVariants); ++variant)
      writeVariant(variant);
    return text.finish();
  }

private:
  std::string refuse();
  void prepareSources();
  std::string prepare(size_t source, const FormOperand &operand);
  std::string fixed(size_t source) const;
  void writeVariant(size_t variant);
  std::string sourceText(size_t variant, const FormOperand &operand, size_t &next, std::string &shown) const;

  KernelText text;
  const Form &form;
  std::vector<FormOperand> sources;
  std::string guard;
  std::vector<std::string> prepared;              ///< of every simple operand, in order; "" for a chosen literal
  std::vector<std::vector<std::string>> literals; ///< choices, of each literal in order
};

std::string Elementwise::refuse() {
  for (const FormOperand &operand : sources) {
    if (operand.kind == FormOperand::Special) {
      static constexpr std::string_view kRepeatable[] = {"%tid", "%ntid", "%ctaid", "%nctaid", "%laneid"};
      std::string base = operand.name.substr(0, operand.name.find('.'));
      if (std::find(std::begin(kRepeatable), std::end(kRepeatable), base) == std::end(kRepeatable))
        return "the value of " + operand.name + " differs from run to run";
      text.useThreeDimensions();
    } else if (operand.kind == FormOperand::Symbol || operand.kind == FormOperand::Address) {
      return "no recipe for an operand '" + operand.text() + "'";
    }
  }
  return {};
}

/// Operands that cannot vary: the member mask of a warp-wide form, the clamp of shfl. "" for any other.
std::string Elementwise::fixed(size_t source) const {
  if (isOneOf(form.opcode, {"shfl", "vote", "redux", "match"}) && source + 1 == sources.size())
    return literal(kMask, ~uint64_t(0));
  if (form.opcode == "shfl" && source == 2)
    return form.has("up") ? "0" : "31";
  return {};
}

std::string Elementwise::prepare(size_t source, const FormOperand &operand) {
  OperandPlan plan = planOf(form, source, operand);
  std::string constant = fixed(source);
  if (isLiteral(operand)) {
    if (!constant.empty())
      return constant;
    std::vector<std::string> &choices = literals.emplace_back();
    std::vector<uint64_t> values = makeOperands({plan}, kVariants, checksum(form.text()) + literals.size())[0];
    for (uint64_t bits : values)
      choices.push_back(form.has("pred") ? std::to_string(bits & 1) : literal(plan.type, bits));
    return {};
  }
  if (operand.kind == FormOperand::Special)
    return operand.name;
  if (constant.empty())
    return text.input(plan);
  std::string reg = text.fresh(32);
  text.line("mov.b32 " + reg + ", " + constant);
  return reg;
}

void Elementwise::prepareSources() {
  for (size_t i = 0; i < sources.size(); ++i) {
    if (sources[i].elements.empty())
      prepared.push_back(prepare(i, sources[i]));
    for (const FormOperand &element : sources[i].elements)
      prepared.push_back(prepare(i, element));
  }
}

std::string Elementwise::sourceText(size_t variant, const FormOperand &operand, size_t &next,
                                    std::string &shown) const {
  if (operand.kind == FormOperand::Vector) {
    std::string list;
    for (const FormOperand &element : operand.elements)
      list += (list.empty() ? "" : ", ") + sourceText(variant, element, next, shown);
    return "{" + list + "}";
  }
  std::string found = prepared[next++];
  if (found.empty()) {
    size_t number = size_t(std::count(prepared.begin(), prepared.begin() + std::ptrdiff_t(next) - 1, std::string()));
    found = literals[number][variant];
    shown += (shown.empty() ? "" : ", ") + found;
  }
  return (operand.negated ? "!" : "") + found;
}

void Elementwise::writeVariant(size_t variant) {
  struct Result {
    std::string reg;
    ValueType type;
  };
  std::vector<Result> results;
  auto destination = [&](const FormOperand &operand) -> std::string {
    if (operand.kind == FormOperand::Sink)
      return "_";
    ValueType type = typeOfWidth(typesOf(form), operand.bits);
    if (guard.size() && !operand.isPredicate())
      text.line("mov.b" + std::to_string(operand.bits) + " " +
                results.emplace_back(Result{text.fresh(operand.bits), type}).reg + ", 0x5a5a");
    else
      results.push_back({text.fresh(operand.bits), type});
    return results.back().reg;
  };
  const FormOperand &target = form.operands[0];
  std::string list;
  for (const FormOperand &element : target.elements)
    list += (list.empty() ? "" : target.kind == FormOperand::Pair ? "|" : ", ") + destination(element);
  std::string instruction = target.elements.empty()            ? destination(target)
                            : target.kind == FormOperand::Pair ? list
                                                               : "{" + list + "}";
  size_t next = 0;
  std::string shown;
  for (const FormOperand &source : sources)
    instruction += ", " + sourceText(variant, source, next, shown);
  text.line(guard + form.instruction() + " " + instruction);
  for (const Result &result : results)
    text.output(result.reg, result.type, shown);
}

} // namespace

ExperimentResult recorded::elementwiseExperiment(const ListedForm &listed) { return Elementwise(listed).make(); }
