//===- MemoryExperiment.cpp - ld, st and red ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Loads and stores of global and shared memory and loads of parameters. A slot of shared memory is written by
// one thread and read by its neighbour, with a barrier between. Addresses have an offset where they can.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/KernelText.h"

using namespace imbrex;
using namespace imbrex::recorded;

namespace {

class MemoryAccess {
public:
  explicit MemoryAccess(const ListedForm &listed) : text(listed), form(text.form()) {}

  ExperimentResult make() {
    bool loads = form.opcode == "ld";
    if (form.operands.size() != 2)
      return {std::nullopt, "no recipe for " + std::to_string(form.operands.size()) + " operands"};
    std::optional<ValueType> type = valueType(form.modifiers.back());
    if (!type)
      return {std::nullopt, "no recipe for its type"};
    bool isPair = std::string_view(form.modifiers.back()).ends_with("x2"); // two of 16 bits in a register
    element = isPair ? ValueType{ValueType::Bits, 32} : *type;
    const FormOperand &value = form.operands[loads ? 0 : 1], &address = form.operands[loads ? 1 : 0];
    elements = value.elements.empty() ? std::vector<FormOperand>{value} : value.elements;
    vector = !value.elements.empty();
    slot = element.bits / 8 * unsigned(elements.size());
    bool shared = form.has("shared") || form.has("shared::cta");
    if (!shared && !form.has("global"))
      return {std::nullopt, "no recipe for its state space"};
    if (address.kind != FormOperand::Address || (address.bits == 0 && !shared))
      return {std::nullopt, "no recipe for its address"};
    if (shared)
      text.declareShared(KernelText::kBlock * slot);
    if (loads)
      shared ? loadShared(address) : loadGlobal();
    else
      shared ? storeShared(address) : storeGlobal();
    return text.finish();
  }

private:
  void loadGlobal();
  void loadShared(const FormOperand &address);
  void storeGlobal();
  void storeShared(const FormOperand &address);
  std::vector<std::string> registers(bool initialised);
  void load(const std::string &address);
  void store(const std::string &address);
  std::string bare(const std::string &prefix) const { return prefix + ".b" + std::to_string(element.bits) + " "; }
  std::string at(const std::string &base, unsigned i) const {
    return "[" + base + "+" + std::to_string(i * element.bits / 8) + "]";
  }
  std::string sharedSlot(unsigned bits, int turn, unsigned before);

  KernelText text;
  const Form &form;
  ValueType element;
  std::vector<FormOperand> elements;
  bool vector = false;
  unsigned slot = 0; ///< bytes
};

constexpr unsigned kBefore = 16; ///< what an address register lacks and the offset adds

static std::string joined(const std::vector<std::string> &parts, bool vector) {
  std::string list;
  for (const std::string &part : parts)
    list += (list.empty() ? "" : ", ") + part;
  return vector ? "{" + list + "}" : list;
}

/// A register with `before` less than the address of slot (thread of the block ^ turn).
std::string MemoryAccess::sharedSlot(unsigned bits, int turn, unsigned before) {
  std::string x = text.fresh(32), turned = text.fresh(32), word = std::to_string(bits);
  text.line("mov.u32 " + x + ", %tid.x");
  text.line("xor.b32 " + turned + ", " + x + ", " + std::to_string(turn));
  std::string base = text.fresh(bits), scaled = text.fresh(bits), sum = text.fresh(bits), address = text.fresh(bits);
  text.line("mov.b" + word + " " + base + ", buffer");
  text.line((bits == 64 ? "mul.wide.u32 " : "mul.lo.u32 ") + scaled + ", " + turned + ", " + std::to_string(slot));
  text.line("add.u" + word + " " + sum + ", " + base + ", " + scaled);
  text.line("sub.u" + word + " " + address + ", " + sum + ", " + std::to_string(before));
  return address;
}

std::vector<std::string> MemoryAccess::registers(bool initialised) {
  std::vector<std::string> names;
  for (const FormOperand &operand : elements) {
    names.push_back(text.fresh(operand.bits));
    if (initialised)
      text.line("mov.b" + std::to_string(operand.bits) + " " + names.back() + ", 0x5a5a");
  }
  return names;
}

/// The form itself, its results stored.
void MemoryAccess::load(const std::string &address) {
  std::string guard = text.guard();
  std::vector<std::string> names = registers(!guard.empty());
  text.line(guard + form.instruction() + " " + joined(names, vector) + ", [" + address + "]");
  for (size_t i = 0; i < names.size(); ++i)
    text.output(names[i], {element.kind, elements[i].bits});
}

/// The form itself, of inputs and of literals.
void MemoryAccess::store(const std::string &address) {
  std::string guard = text.guard();
  std::vector<std::string> values;
  for (size_t i = 0; i < elements.size(); ++i)
    if (elements[i].kind == FormOperand::Register)
      values.push_back(text.input({{element.kind, elements[i].bits}}));
    else
      values.push_back(elements[i].kind == FormOperand::Float ? literal(element, ~uint64_t(0) / 3 * (i + 1))
                                                              : std::to_string(i + (element.bits > 8 ? 300 : 100)));
  text.line(guard + form.instruction() + " [" + address + "], " + joined(values, vector));
}

void MemoryAccess::loadGlobal() {
  std::string address = text.inputAddress({{element.kind, element.bits}}, unsigned(elements.size()));
  std::string before = text.fresh(64);
  text.line("sub.u64 " + before + ", " + address + ", " + std::to_string(kBefore));
  load(before + "+" + std::to_string(kBefore));
}

void MemoryAccess::storeGlobal() {
  std::string address = text.outputAddress({{element.kind, element.bits}, unsigned(elements.size()), {}, {}});
  std::string before = text.fresh(64);
  text.line("sub.u64 " + before + ", " + address + ", " + std::to_string(kBefore));
  store(before + "+" + std::to_string(kBefore));
}

void MemoryAccess::loadShared(const FormOperand &address) {
  std::string from = text.inputAddress({{element.kind, element.bits}}, unsigned(elements.size()));
  std::string to = sharedSlot(64, 0, 0);
  for (unsigned i = 0; i < elements.size(); ++i) {
    std::string value = text.fresh(std::max(element.bits, 16u));
    text.line(bare("ld.global") + value + ", " + at(from, i));
    text.line(bare("st.shared") + at(to, i) + ", " + value);
  }
  text.line("bar.sync 0");
  load(address.bits ? sharedSlot(address.bits, 1, kBefore) + "+" + std::to_string(kBefore) : "buffer");
}

void MemoryAccess::storeShared(const FormOperand &address) {
  if (form.guarded || address.bits == 0) { // not all of the slot is written by the form
    std::string filled = sharedSlot(64, 0, 0), zero = text.fresh(std::max(element.bits, 16u));
    text.line("mov.b" + std::to_string(std::max(element.bits, 16u)) + " " + zero + ", 0");
    for (unsigned i = 0; i < elements.size(); ++i)
      text.line(bare("st.shared") + at(filled, i) + ", " + zero);
    text.line("bar.sync 0");
  }
  if (address.bits) {
    store(sharedSlot(address.bits, 0, kBefore) + "+" + std::to_string(kBefore));
  } else { // one place: one thread of the block
    std::string x = text.fresh(32), first = text.fresh(1);
    text.line("mov.u32 " + x + ", %tid.x");
    text.line("setp.ne.u32 " + first + ", " + x + ", 0");
    text.line("@" + first + " bra others");
    store("buffer");
    text.label("others");
  }
  text.line("bar.sync 0");
  std::string from = sharedSlot(64, 1, 0);
  for (unsigned i = 0; i < elements.size(); ++i) {
    std::string value = text.fresh(std::max(element.bits, 16u));
    text.line(bare("ld.shared") + value + ", " + at(from, i));
    text.output(value, {ValueType::Bits, std::max(element.bits, 16u)});
  }
}

/// A parameter's value, as the launch takes it.
testing::RawArgument argument(unsigned bits, uint64_t value) {
  switch (bits) {
  case 8:
    return uint8_t(value);
  case 16:
    return uint16_t(value);
  case 32:
    return uint32_t(value);
  default:
    return value;
  }
}

} // namespace

ExperimentResult recorded::memoryExperiment(const ListedForm &listed) { return MemoryAccess(listed).make(); }

ExperimentResult recorded::parameterExperiment(const ListedForm &listed) {
  static constexpr size_t kParameters = 8;
  KernelText text(listed);
  const Form &form = text.form();
  std::optional<ValueType> type = valueType(form.modifiers.back());
  if (!type || form.operands.size() != 2 || form.operands[0].kind != FormOperand::Register)
    return {std::nullopt, "no recipe for its operands"};
  std::string guard = text.guard();
  std::string word =
      (type->kind == ValueType::Bits ? "u" : form.modifiers.back().substr(0, 1)) + std::to_string(type->bits);
  std::vector<uint64_t> values = makeOperands({{*type}}, kParameters, checksum(listed.form))[0];
  for (uint64_t value : values) {
    std::string name = text.parameter(word, argument(type->bits, value)), reg = text.fresh(form.operands[0].bits);
    if (form.guarded)
      text.line("mov.b" + std::to_string(form.operands[0].bits) + " " + reg + ", 0x5a5a");
    text.line(guard + form.instruction() + " " + reg + ", [" + name + "]");
    text.output(reg, {ValueType::Bits, form.operands[0].bits});
  }
  return text.finish();
}
