//===- ControlExperiment.cpp - Branches, barriers and addresses -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Forms without a value of their own, inside a kernel whose results depend on them: loops whose threads part
// and meet again, a value handed round a block with barriers, a store through a symbol's address.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/KernelText.h"

using namespace imbrex;
using namespace imbrex::recorded;

static constexpr ValueType kWord = {ValueType::Bits, 32};

/// Steps of the Collatz sequence from (input mod 255) + 1 to 1, at most 100; odd and even steps are branches.
static void parting(KernelText &text) {
  std::string start = text.input({kWord}), low = text.fresh(32), n = text.fresh(32), steps = text.fresh(32);
  std::string done = text.fresh(1), many = text.fresh(1), odd = text.fresh(1), bit = text.fresh(32);
  text.line("and.b32 " + low + ", " + start + ", 255");
  text.line("add.s32 " + n + ", " + low + ", 1");
  text.line("mov.b32 " + steps + ", 0");
  text.label("loop");
  text.line("setp.eq.b32 " + done + ", " + n + ", 1");
  text.line("@" + done + " bra end");
  text.line("setp.ge.s32 " + many + ", " + steps + ", 100");
  text.line("@" + many + " bra end");
  text.line("add.s32 " + steps + ", " + steps + ", 1");
  text.line("and.b32 " + bit + ", " + n + ", 1");
  text.line("setp.ne.b32 " + odd + ", " + bit + ", 0");
  text.line("@!" + odd + " bra even");
  text.line("mad.lo.s32 " + n + ", " + n + ", 3, 1");
  text.line("bra loop");
  text.label("even");
  text.line("shr.u32 " + n + ", " + n + ", 1");
  text.line("bra.uni loop");
  text.label("end");
  text.output(steps, kWord);
  text.output(n, kWord);
}

/// Four rounds: every thread adds to its value that of the thread `far` places further on, of `among` that follow
/// each other.
static void handingRound(KernelText &text, const std::string &barrier, unsigned far = 37,
                         unsigned among = KernelText::kBlock) {
  text.declareShared(KernelText::kBlock * 4);
  std::string value = text.input({kWord}), x = text.fresh(32), next = text.fresh(32), part = text.fresh(32),
              first = text.fresh(32), other = text.fresh(32), base = text.fresh(32), mine = text.fresh(32),
              theirs = text.fresh(32), found = text.fresh(32);
  text.line("mov.u32 " + x + ", %tid.x");
  text.line("add.s32 " + next + ", " + x + ", " + std::to_string(far));
  text.line("and.b32 " + part + ", " + next + ", " + std::to_string(among - 1));
  text.line("and.b32 " + first + ", " + x + ", " + std::to_string(-int(among)));
  text.line("or.b32 " + other + ", " + first + ", " + part);
  text.line("mov.b32 " + base + ", buffer");
  text.line("mad.lo.s32 " + mine + ", " + x + ", 4, " + base);
  text.line("mad.lo.s32 " + theirs + ", " + other + ", 4, " + base);
  for (int round = 0; round < 4; ++round) {
    text.line("st.shared.b32 [" + mine + "], " + value);
    text.line(barrier);
    text.line("ld.shared.b32 " + found + ", [" + theirs + "]");
    text.line(barrier);
    text.line("add.s32 " + value + ", " + value + ", " + found);
  }
  text.output(value, kWord);
}

/// The number of a barrier as the form has it: a constant, or a register that holds it.
static std::string barrierNumber(KernelText &text, const FormOperand &operand) {
  if (operand.kind == FormOperand::Integer)
    return "1";
  std::string number = text.fresh(32);
  text.line("mov.b32 " + number + ", 1");
  return number;
}

/// The first half of the block stores and arrives; the second half waits for it, and adds what its partner stored.
static void passingOn(KernelText &text) {
  constexpr unsigned kHalf = KernelText::kBlock / 2;
  text.declareShared(KernelText::kBlock * 4);
  std::string value = text.input({kWord}), x = text.fresh(32), part = text.fresh(32), base = text.fresh(32),
              mine = text.fresh(32), theirs = text.fresh(32), found = text.fresh(32), waits = text.fresh(1);
  std::string operands = barrierNumber(text, text.form().operands[0]) + ", " + std::to_string(KernelText::kBlock);
  text.line("mov.u32 " + x + ", %tid.x");
  text.line("and.b32 " + part + ", " + x + ", " + std::to_string(kHalf - 1));
  text.line("mov.b32 " + base + ", buffer");
  text.line("mad.lo.s32 " + mine + ", " + x + ", 4, " + base);
  text.line("mad.lo.s32 " + theirs + ", " + part + ", 4, " + base);
  text.line("st.shared.b32 [" + mine + "], " + value);
  text.line("setp.ge.u32 " + waits + ", " + x + ", " + std::to_string(kHalf));
  text.line("@" + waits + " bra wait");
  text.line(text.form().instruction() + " " + operands);
  text.line("bra.uni end");
  text.label("wait");
  text.line("bar.sync " + operands);
  text.line("ld.shared.b32 " + found + ", [" + theirs + "]");
  text.line("add.s32 " + value + ", " + value + ", " + found);
  text.label("end");
  text.output(value, kWord);
}

/// Fewer registers, then more, as the form says; the values that are kept are not changed by it.
static void changingRegisters(KernelText &text) {
  constexpr unsigned kMost = 128, kLeast = 64;
  text.limitRegisters(kMost);
  std::string value = text.input({kWord}), sum = text.fresh(32);
  if (text.form().has("inc"))
    text.line("setmaxnreg.dec.sync.aligned.u32 " + std::to_string(kLeast));
  text.line(text.form().instruction() + " " + std::to_string(text.form().has("inc") ? kMost : kLeast));
  text.line("add.s32 " + sum + ", " + value + ", 1");
  text.output(sum, kWord);
}

/// mov of a symbol: the address itself differs from device to device, what is stored through it does not.
static void throughSymbol(KernelText &text) {
  unsigned bits = text.form().operands[0].bits;
  text.declareShared(KernelText::kBlock * 4);
  std::string value = text.input({kWord}), base = text.fresh(bits), x = text.fresh(32), scaled = text.fresh(bits),
              address = text.fresh(bits), found = text.fresh(32);
  text.line(text.form().instruction() + " " + base + ", buffer");
  text.line("mov.u32 " + x + ", %tid.x");
  text.line((bits == 64 ? "mul.wide.u32 " : "mul.lo.u32 ") + scaled + ", " + x + ", 4");
  text.line("add.u" + std::to_string(bits) + " " + address + ", " + base + ", " + scaled);
  text.line("st.shared.b32 [" + address + "], " + value);
  text.line("ld.shared.b32 " + found + ", [" + address + "]");
  text.output(found, kWord);
}

ExperimentResult recorded::controlExperiment(const ListedForm &listed) {
  KernelText text(listed);
  const Form &form = text.form();
  std::string words = form.text();
  if (words == "@bra symbol" || words == "bra symbol" || words == "bra.uni symbol" || words == "ret") {
    parting(text);
  } else if (words == "bar.sync 0" || words == "barrier.sync 0" || words == "barrier.sync.aligned 0") {
    handingRound(text, form.instruction() + " 0");
  } else if (words == "bar.sync 0, 0" || words == "barrier.sync.aligned 0, 0") {
    handingRound(text, form.instruction() + " 1, " + std::to_string(KernelText::kBlock));
  } else if (words == "bar.sync b32, 0") {
    std::string number = barrierNumber(text, form.operands[0]);
    handingRound(text, form.instruction() + " " + number + ", " + std::to_string(KernelText::kBlock));
  } else if (form.opcode == "bar" && form.has("arrive")) {
    passingOn(text);
  } else if (words == "bar.warp.sync 0") {
    handingRound(text, form.instruction() + " -1", 5, 32);
  } else if ((form.opcode == "membar" && form.operands.empty()) || words == "@pmevent 0") {
    std::string guard = text.guard();
    handingRound(text, guard + form.instruction() + (form.operands.empty() ? "" : " 0") + ";\n  bar.sync 0");
  } else if (form.opcode == "setmaxnreg" && !form.guarded) {
    changingRegisters(text);
  } else if (form.opcode == "mov" && form.operands.size() == 2 && !form.guarded &&
             form.operands[1].kind == FormOperand::Symbol) {
    throughSymbol(text);
  } else {
    return {std::nullopt, "no recipe"};
  }
  return text.finish();
}
