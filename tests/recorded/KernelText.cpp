//===- KernelText.cpp - Writing one experiment's kernel -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registers are declared where they are first named; parameters are gathered and put in front.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/KernelText.h"
#include "compiler/Target.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::recorded;

KernelText::KernelText(const ListedForm &listed) : target(listed.target) {
  made.form = *Form::parse(listed.form);
  made.shape.block = {kBlock, 1, 1};
  std::string x = fresh(32), block = fresh(32), size = fresh(32);
  threadRegister = fresh(32);
  line("mov.u32 " + x + ", %tid.x");
  line("mov.u32 " + block + ", %ctaid.x");
  line("mov.u32 " + size + ", %ntid.x");
  line("mad.lo.s32 " + threadRegister + ", " + block + ", " + size + ", " + x);
}

void KernelText::useThreeDimensions() {
  made.shape.block = {32, 2, 2};
  made.shape.grid = {4, 3, 2};
  auto step = [&](const char *count, const char *index) {
    std::string c = fresh(32), i = fresh(32), next = fresh(32);
    line("mov.u32 " + c + ", " + count);
    line("mov.u32 " + i + ", " + index);
    line("mad.lo.s32 " + next + ", " + threadRegister + ", " + c + ", " + i);
    threadRegister = next;
  };
  threadRegister = fresh(32);
  line("mov.u32 " + threadRegister + ", %ctaid.z");
  step("%nctaid.y", "%ctaid.y");
  step("%nctaid.x", "%ctaid.x");
  step("%ntid.z", "%tid.z");
  step("%ntid.y", "%tid.y");
  step("%ntid.x", "%tid.x");
}

std::string KernelText::fresh(unsigned bits) {
  std::string name = (bits == 1 ? "%p" : "%b" + std::to_string(bits) + "_") + std::to_string(++names);
  declarations += "  .reg ." + (bits == 1 ? "pred" : "b" + std::to_string(bits)) + " " + name + ";\n";
  return name;
}

void KernelText::declareShared(unsigned bytes) {
  declarations += "  .shared .align 128 .b8 buffer[" + std::to_string(bytes) + "];\n";
}

void KernelText::declareBarrier(const std::string &name) { declarations += "  .shared .align 8 .b64 " + name + ";\n"; }

void KernelText::limitRegisters(unsigned count) {
  directives += ".reqntid " + std::to_string(kBlock) + "\n.maxnreg " + std::to_string(count) + "\n";
}

std::string KernelText::tensorMap(const OperandPlan &plan, unsigned rank) {
  plans.push_back(plan);
  made.inputs.push_back({plan.type, 16 * 8 / plan.type.bits});
  made.tensor = TensorTile{made.inputs.size() - 1, rank};
  valueParameters += "  .param .align 64 .b8 map[128],\n";
  return "map";
}

std::string KernelText::pointer(bool output) {
  std::string base = fresh(64);
  line("ld.param.u64 " + base + ", [array" + std::to_string(made.pointerIsOutput.size()) + "]");
  made.pointerIsOutput.push_back(output);
  return base;
}

static std::string place(KernelText &text, const std::string &base, const Array &array) {
  std::string address = text.fresh(64);
  text.line("mad.wide.u32 " + address + ", " + text.thread() + ", " + std::to_string(array.slotBytes()) + ", " + base);
  return address;
}

std::string KernelText::inputAddress(const OperandPlan &plan, unsigned perThread) {
  plans.push_back(plan);
  made.inputs.push_back({plan.type, perThread});
  return place(*this, pointer(false), made.inputs.back());
}

std::string KernelText::outputAddress(const Array &array) {
  made.outputs.push_back(array);
  return place(*this, pointer(true), array);
}

std::string KernelText::input(const OperandPlan &plan) {
  std::string address = inputAddress(plan);
  unsigned bits = plan.type.totalBits();
  std::string value = fresh(std::max(bits, 16u));
  line("ld.global.b" + std::to_string(bits) + " " + value + ", [" + address + "]");
  if (plan.role != OperandPlan::Predicate)
    return value;
  std::string predicate = fresh(1);
  line("setp.ne.b16 " + predicate + ", " + value + ", 0");
  return predicate;
}

void KernelText::output(const std::string &reg, ValueType type, const std::string &literals) {
  std::string value = reg;
  if (reg.starts_with("%p")) {
    value = fresh(16);
    line("selp.b16 " + value + ", 1, 0, " + reg);
    type = {ValueType::Bits, 8};
  }
  line("st.global.b" + std::to_string(type.totalBits()) + " [" + outputAddress({type, 1, {}, literals}) + "], " +
       value);
}

std::string KernelText::guard() {
  if (!form().guarded)
    return "";
  return "@" + input({{ValueType::Bits, 8}, OperandPlan::Predicate}) + " ";
}

std::string KernelText::parameter(const std::string &type, testing::RawArgument value) {
  std::string name = "value" + std::to_string(made.values.size());
  made.values.push_back(value);
  valueParameters += "  .param ." + type + " " + name + ",\n";
  return name;
}

void KernelText::fillInputs(size_t threads) {
  uint64_t seed = checksum(form().text());
  for (size_t i = 0; i < plans.size(); ++i)
    made.inputs[i].data.resize(threads * made.inputs[i].slotBytes());
  // Inputs of one value are rows of one table, so that operands of one row belong together.
  std::vector<std::vector<uint64_t>> table = makeOperands(plans, threads, seed);
  for (size_t i = 0; i < plans.size(); ++i) {
    Array &array = made.inputs[i];
    if (array.perThread > 1)
      table[i] = makeOperands({plans[i]}, threads * array.perThread, seed + i)[0];
    unsigned bytes = array.type.totalBits() / 8;
    for (size_t row = 0; row < table[i].size(); ++row)
      for (unsigned byte = 0; byte < bytes; ++byte)
        array.data[row * bytes + byte] = uint8_t(table[i][row] >> (8 * byte));
  }
}

ExperimentResult KernelText::finish() {
  size_t threadBytes = 0;
  for (const Array &array : made.outputs)
    threadBytes += array.slotBytes();
  if (made.shape.block[1] == 1) {
    size_t threads = std::min(kMostOutputBytes / threadBytes, kMostThreads);
    made.shape.grid[0] = unsigned(std::max<size_t>(threads / kBlock, 1));
  }
  fillInputs(made.threads());
  constexpr unsigned kWithBytes = 84; // products of floats of 8 bits and red of vectors on compute capability 9.0
  unsigned version = Target::parse(target)->ptxVersion;
  if (Target::parse(target)->sm == 90)
    version = std::max(version, kWithBytes);
  made.ptx = ".version " + std::to_string(version / 10) + "." + std::to_string(version % 10) + "\n.target " + target +
             "\n.address_size 64\n.visible .entry k(\n";
  for (size_t i = 0; i < made.pointerIsOutput.size(); ++i)
    made.ptx += "  .param .u64 array" + std::to_string(i) + ",\n";
  made.ptx += valueParameters;
  made.ptx.erase(made.ptx.size() - 2, 1); // the last comma
  made.ptx += ")\n" + directives + "{\n" + declarations + body + "  ret;\n}\n";
  return {std::move(made), ""};
}
