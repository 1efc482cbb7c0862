//===- SharedExperiment.cpp - ldmatrix, stmatrix and cp.async -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forms that move whole rows through shared memory. Every thread owns 16 bytes of it, a row of a matrix.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/KernelText.h"
#include <algorithm>
#include <charconv>

using namespace imbrex;
using namespace imbrex::recorded;

static constexpr unsigned kRow = 16; ///< bytes
static constexpr ValueType kWord = {ValueType::Bits, 32}, kHalves = {ValueType::Bits, 16};

/// The address of the row of the thread `mapped` in the block, in a register of that width.
static std::string rowAddress(KernelText &text, const std::string &mapped, unsigned bits) {
  std::string base = text.fresh(bits), row = text.fresh(bits), address = text.fresh(bits);
  std::string word = std::to_string(bits);
  text.line("mov.b" + word + " " + base + ", buffer");
  text.line((bits == 64 ? "mul.wide.u32 " : "mul.lo.u32 ") + row + ", " + mapped + ", " + std::to_string(kRow));
  text.line("add.u" + word + " " + address + ", " + base + ", " + row);
  return address;
}

static std::string threadOfBlock(KernelText &text) {
  std::string x = text.fresh(32);
  text.line("mov.u32 " + x + ", %tid.x");
  return x;
}

static std::string four(KernelText &text, std::string &list) {
  std::string first;
  for (unsigned i = 0; i < 4; ++i) {
    std::string reg = text.fresh(32);
    first = i == 0 ? reg : first;
    list += (i ? ", " : "") + reg;
  }
  return "{" + list + "}";
}

/// Copies 16 bytes a thread of a new input to its row.
static void fillRows(KernelText &text) {
  std::string list, values = four(text, list), from = text.inputAddress({kHalves}, kRow / 2);
  text.line("ld.global.v4.b32 " + values + ", [" + from + "]");
  text.line("st.shared.v4.b32 [" + rowAddress(text, threadOfBlock(text), 64) + "], " + values);
}

/// Stores `bytes` bytes of the neighbour's row as a new output.
static void storeRows(KernelText &text, unsigned bytes) {
  std::string neighbour = text.fresh(32), x = threadOfBlock(text);
  text.line("bar.sync 0");
  text.line("xor.b32 " + neighbour + ", " + x + ", 1");
  std::string from = rowAddress(text, neighbour, 64);
  for (unsigned i = 0; i < bytes / 4; ++i) {
    std::string reg = text.fresh(32);
    text.line("ld.shared.b32 " + reg + ", [" + from + "+" + std::to_string(4 * i) + "]");
    text.output(reg, kWord);
  }
}

/// The addresses are those of another lane's row: (5 lane + 3) mod 32 of the same warp.
static std::string permutedRow(KernelText &text, unsigned bits) {
  std::string x = threadOfBlock(text), scaled = text.fresh(32), lane = text.fresh(32), warp = text.fresh(32),
              row = text.fresh(32);
  text.line("mad.lo.s32 " + scaled + ", " + x + ", 5, 3");
  text.line("and.b32 " + lane + ", " + scaled + ", 31");
  text.line("and.b32 " + warp + ", " + x + ", -32");
  text.line("or.b32 " + row + ", " + warp + ", " + lane);
  return rowAddress(text, row, bits);
}

ExperimentResult recorded::matrixMemoryExperiment(const ListedForm &listed) {
  KernelText text(listed);
  const Form &form = text.form();
  bool loads = form.opcode == "ldmatrix";
  if (form.operands.size() != 2 || form.guarded || !form.has("m8n8"))
    return {std::nullopt, "no recipe for its operands"};
  const FormOperand &address = form.operands[loads ? 1 : 0], &fragments = form.operands[loads ? 0 : 1];
  if (address.kind != FormOperand::Address || address.bits == 0)
    return {std::nullopt, "no recipe for its address"};
  text.declareShared(KernelText::kBlock * kRow);
  fillRows(text);
  text.line("bar.sync 0");
  std::vector<std::string> registers;
  std::string list;
  for (size_t i = 0; i < std::max<size_t>(fragments.elements.size(), 1); ++i) {
    registers.push_back(loads ? text.fresh(32) : text.input({{ValueType::Bits, 16, 2}}));
    list += (i ? ", " : "") + registers.back();
  }
  list = fragments.elements.empty() ? list : "{" + list + "}";
  std::string row = "[" + permutedRow(text, address.bits) + "]";
  text.line(form.instruction() + " " + (loads ? list + ", " + row : row + ", " + list));
  for (const std::string &reg : registers)
    if (loads)
      text.output(reg, kWord);
  if (!loads)
    storeRows(text, kRow);
  return text.finish();
}

//===----------------------------------------------------------------------===//
// cp.async
//===----------------------------------------------------------------------===//

/// Two copies of 16 bytes in two groups; the first is read when at most one is under way.
static void copyTwoGroups(KernelText &text) {
  text.declareShared(KernelText::kBlock * kRow * 2);
  std::string to = rowAddress(text, threadOfBlock(text), 64), first = text.inputAddress({kWord}, 4),
              second = text.inputAddress({kWord}, 4);
  std::string above = std::to_string(KernelText::kBlock * kRow);
  auto read = [&](const std::string &offset) {
    std::string list;
    text.line("ld.shared.v4.b32 " + four(text, list) + ", [" + to + "+" + offset + "]");
    for (size_t at = 0; at != std::string::npos; at = list.find(", ", at)) {
      at += at ? 2 : 0;
      text.output(list.substr(at, list.find(", ", at) - at), kWord);
    }
  };
  text.line("cp.async.cg.shared.global [" + to + "], [" + first + "], 16");
  text.line("cp.async.commit_group");
  text.line("cp.async.cg.shared.global [" + to + "+" + above + "], [" + second + "], 16");
  text.line("cp.async.commit_group");
  text.line("cp.async.wait_group 1");
  read("0");
  text.line(text.form().has("wait_all") ? "cp.async.wait_all" : "cp.async.wait_group 0");
  read(above);
}

/// One copy of `size` bytes, of which `source` are read ("" if the form has no such operand).
static void copyOnce(KernelText &text, unsigned size, const std::string &source) {
  const Form &form = text.form();
  std::string to = rowAddress(text, threadOfBlock(text), form.operands[0].bits),
              from = text.inputAddress({{ValueType::Bits, 8}}, size);
  text.line(text.guard() + form.instruction() + " [" + to + "], [" + from + "], " + std::to_string(size) +
            (source.empty() ? "" : ", " + source));
  text.line("cp.async.commit_group");
  text.line("cp.async.wait_group 0");
  storeRows(text, size);
  text.line("bar.sync 0");
}

ExperimentResult recorded::asyncCopyExperiment(const ListedForm &listed) {
  KernelText text(listed);
  const Form &form = text.form();
  if (form.has("commit_group") || form.has("wait_group") || form.has("wait_all")) {
    copyTwoGroups(text);
    return text.finish();
  }
  bool known = form.has("shared") && form.operands.size() >= 3 && form.operands.size() <= 4 && !form.guarded &&
               form.operands[0].bits && form.operands[1].bits && form.operands[2].kind == FormOperand::Integer;
  if (!known)
    return {std::nullopt, "no recipe for its operands"};
  text.declareShared(KernelText::kBlock * kRow);
  for (unsigned size : {4u, 8u, 16u}) {
    if (form.has("cg") && size != 16)
      continue;
    if (form.operands.size() == 3) {
      copyOnce(text, size, "");
    } else if (form.operands[3].kind == FormOperand::Register) {
      OperandPlan bytes{kWord, OperandPlan::Count};
      bytes.most = size;
      copyOnce(text, size, text.input(bytes));
    } else {
      for (unsigned source : {0u, size / 4, size})
        copyOnce(text, size, std::to_string(source));
    }
  }
  return text.finish();
}
