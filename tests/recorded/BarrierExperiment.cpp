//===- BarrierExperiment.cpp - mbarrier and what arrives at it ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block's threads bring 16 bytes each into shared memory, by stores, cp.async or one tensor copy of all, meet at an
// mbarrier, and read their neighbour's. PTX ISA, "mbarrier", "cp.async.mbarrier.arrive", "cp.async.bulk.tensor".
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/KernelText.h"

using namespace imbrex;
using namespace imbrex::recorded;

namespace {

constexpr ValueType kWord = {ValueType::Bits, 32};
constexpr unsigned kRow = 16; ///< bytes a thread

class Meeting {
public:
  explicit Meeting(const ListedForm &listed) : text(listed), form(text.form()) {}
  ExperimentResult make();

private:
  bool is(std::string_view instruction, std::string_view modifier = "") const {
    return form.opcode == instruction && (modifier.empty() || form.has(modifier));
  }
  /// The listed form where it is of that kind, else the usual one.
  std::string spelled(bool listed, const char *usual) const { return listed ? form.instruction() : usual; }
  std::string barrierOperand(bool listed, size_t operand);
  std::string rowOf(int turn);
  void initialise(unsigned arrivals);
  void store();
  void copyByThreads();
  void copyTensor();
  void await();

  KernelText text;
  const Form &form;
  std::string x;
};

/// "[barrier]", or a register with its address where the listed form has one.
std::string Meeting::barrierOperand(bool listed, size_t operand) {
  unsigned bits = listed ? form.operands[operand].bits : 0;
  if (bits == 0)
    return "[barrier]";
  std::string address = text.fresh(bits);
  text.line("mov.b" + std::to_string(bits) + " " + address + ", barrier");
  return "[" + address + "]";
}

/// The shared address of the row of thread (own ^ turn).
std::string Meeting::rowOf(int turn) {
  std::string other = text.fresh(32), base = text.fresh(32), row = text.fresh(32);
  text.line("xor.b32 " + other + ", " + x + ", " + std::to_string(turn));
  text.line("mov.b32 " + base + ", buffer");
  text.line("mad.lo.s32 " + row + ", " + other + ", " + std::to_string(kRow) + ", " + base);
  return row;
}

void Meeting::initialise(unsigned arrivals) {
  text.declareShared(KernelText::kBlock * kRow);
  text.declareBarrier("barrier");
  x = text.fresh(32);
  std::string others = text.fresh(1), count = text.fresh(32);
  text.line("mov.u32 " + x + ", %tid.x");
  text.line("setp.ne.u32 " + others + ", " + x + ", 0");
  text.line("mov.b32 " + count + ", " + std::to_string(arrivals));
  text.line("@" + others + " bra begun");
  bool listed = is("mbarrier", "init");
  text.line(spelled(listed, "mbarrier.init.shared.b64") + " " + barrierOperand(listed, 0) + ", " + count);
  text.line(spelled(is("fence", "mbarrier_init"), "fence.mbarrier_init.release.cluster"));
  text.label("begun");
  text.line("bar.sync 0");
}

void Meeting::store() {
  std::string to = rowOf(0), state = text.fresh(64);
  for (unsigned i = 0; i < kRow / 4; ++i)
    text.line("st.shared.b32 [" + to + "+" + std::to_string(4 * i) + "], " + text.input({kWord}));
  bool listed = is("mbarrier", "arrive");
  text.line(spelled(listed, "mbarrier.arrive.shared.b64") + " " + state + ", " + barrierOperand(listed, 1));
}

void Meeting::copyByThreads() {
  std::string from = text.inputAddress({kWord}, kRow / 4);
  text.line("cp.async.cg.shared.global [" + rowOf(0) + "], [" + from + "], 16");
  text.line(form.instruction() + " " + barrierOperand(true, 0));
}

void Meeting::copyTensor() {
  bool listed = is("cp");
  unsigned rank = 2;
  for (unsigned i = 2; i <= 5; ++i)
    rank = listed && form.has(std::to_string(i) + "d") ? i : rank;
  std::string map = text.tensorMap({kWord}, rank), others = text.fresh(1), state = text.fresh(64), to = text.fresh(32),
              place = text.fresh(64), symbol = text.fresh(64), block = text.fresh(32), step = text.fresh(32),
              zero = text.fresh(32), bytes = text.fresh(32), meets = text.fresh(32);
  text.line("setp.ne.u32 " + others + ", " + x + ", 0");
  text.line("mov.b64 " + symbol + ", " + map);
  text.line("cvta.param.u64 " + place + ", " + symbol);
  text.line("mov.b32 " + to + ", buffer");
  text.line("mov.b32 " + meets + ", barrier");
  text.line("mov.u32 " + block + ", %ctaid.x");
  text.line("mul.lo.u32 " + step + ", " + block + ", " + std::to_string(TensorTile{0, rank}.box().back()));
  text.line("mov.b32 " + zero + ", 0");
  text.line("mov.b32 " + bytes + ", " + std::to_string(KernelText::kBlock * kRow));
  text.line("@" + others + " bra started");
  bool expects = is("mbarrier", "expect_tx");
  text.line(spelled(expects, "mbarrier.arrive.expect_tx.shared.b64") + " " + state + ", " + barrierOperand(expects, 1) +
            ", " + bytes);
  std::string coordinates;
  for (unsigned i = 0; i < rank; ++i)
    coordinates += (i ? ", " : "") + (i + 1 < rank ? zero : step);
  text.line(spelled(listed, "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes") + " [" +
            to + "], [" + place + ", {" + coordinates + "}], [" + meets + "]");
  text.label("started");
}

void Meeting::await() {
  bool listed = is("mbarrier", "try_wait") || is("mbarrier", "test_wait");
  std::string parity = text.fresh(32), done = text.fresh(1), operand = barrierOperand(listed, 1);
  text.line("mov.b32 " + parity + ", 0");
  text.label("waiting");
  text.line(spelled(listed, "mbarrier.try_wait.parity.shared.b64") + " " + done + ", " + operand + ", " + parity);
  text.line("@!" + done + " bra waiting");
  std::string from = rowOf(1);
  for (unsigned i = 0; i < kRow / 4; ++i) {
    std::string found = text.fresh(32);
    text.line("ld.shared.b32 " + found + ", [" + from + "+" + std::to_string(4 * i) + "]");
    text.output(found, kWord);
  }
}

ExperimentResult Meeting::make() {
  bool tensor = is("cp", "bulk") || is("mbarrier", "expect_tx");
  bool byThreads = is("cp", "arrive") && form.has("noinc");
  bool known = byThreads ||
               (tensor && (!is("cp") || (form.has("tile") && !form.has("multicast::cluster") &&
                                         form.operands.size() == 3 && !form.has("1d")))) ||
               is("mbarrier", "init") || is("mbarrier", "arrive") || is("mbarrier", "try_wait") ||
               is("fence", "mbarrier_init");
  if (form.guarded || !known)
    return {std::nullopt, "no recipe for its operands"};
  initialise(tensor ? 1 : KernelText::kBlock);
  if (tensor)
    copyTensor();
  else if (byThreads)
    copyByThreads();
  else
    store();
  await();
  return text.finish();
}

} // namespace

ExperimentResult recorded::barrierExperiment(const ListedForm &listed) { return Meeting(listed).make(); }
