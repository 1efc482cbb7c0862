//===- BarrierExperiment.cpp - mbarrier and what arrives at it ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A block's threads bring 16 bytes each into shared memory, by stores, cp.async or one tensor copy of all, meet at an
// mbarrier, and read their neighbour's; or send them to a tensor first. PTX ISA, "mbarrier",
// "cp.async.mbarrier.arrive", "cp.async.bulk.tensor".
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
  /// Where a box of a tensor lies: `others` is true of all threads but the first.
  struct Box {
    std::string others, shared, map, place;
    unsigned rank;
  };
  unsigned rankOfForm() const;
  Box boxOf(unsigned rank);
  void copyTensor(const Box &box);
  void writeRow(const std::vector<std::string> &values);
  void sendTensor();
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

unsigned Meeting::rankOfForm() const {
  for (unsigned rank = 2; is("cp") && rank <= 5; ++rank)
    if (form.has(std::to_string(rank) + "d"))
      return rank;
  return 2;
}

/// The block's part of a tensor of `rank` dimensions, and where it lies in shared memory.
Meeting::Box Meeting::boxOf(unsigned rank) {
  std::string map = text.tensorMap({kWord}, rank), symbol = text.fresh(64), block = text.fresh(32),
              step = text.fresh(32), zero = text.fresh(32);
  Box box = {text.fresh(1), text.fresh(32), text.fresh(64), "", rank};
  text.line("setp.ne.u32 " + box.others + ", " + x + ", 0");
  text.line("mov.b64 " + symbol + ", " + map);
  text.line("cvta.param.u64 " + box.map + ", " + symbol);
  text.line("mov.b32 " + box.shared + ", buffer");
  text.line("mov.u32 " + block + ", %ctaid.x");
  text.line("mul.lo.u32 " + step + ", " + block + ", " + std::to_string(TensorTile{0, rank}.box().back()));
  text.line("mov.b32 " + zero + ", 0");
  for (unsigned i = 0; i < rank; ++i)
    box.place += (i ? ", " : "") + (i + 1 < rank ? zero : step);
  return box;
}

void Meeting::copyTensor(const Box &box) {
  std::string state = text.fresh(64), bytes = text.fresh(32), meets = text.fresh(32);
  text.line("mov.b32 " + meets + ", barrier");
  text.line("mov.b32 " + bytes + ", " + std::to_string(KernelText::kBlock * kRow));
  text.line("@" + box.others + " bra started");
  bool expects = is("mbarrier", "expect_tx"), listed = is("cp", "mbarrier::complete_tx::bytes");
  text.line(spelled(expects, "mbarrier.arrive.expect_tx.shared.b64") + " " + state + ", " + barrierOperand(expects, 1) +
            ", " + bytes);
  const std::string usual =
      "cp.async.bulk.tensor." + std::to_string(box.rank) + "d.shared::cluster.global.tile.mbarrier::complete_tx::bytes";
  text.line(spelled(listed, usual.c_str()) + " [" + box.shared + "], [" + box.map + ", {" + box.place + "}], [" +
            meets + "]");
  text.label("started");
}

/// `values` to the thread's row, where the async proxy sees them.
void Meeting::writeRow(const std::vector<std::string> &values) {
  std::string to = rowOf(0);
  for (unsigned i = 0; i < kRow / 4; ++i)
    text.line("st.shared.b32 [" + to + "+" + std::to_string(4 * i) + "], " + values[i]);
  text.line("fence.proxy.async.shared::cta");
  text.line("bar.sync 0");
}

/// The rows go to the tensor, others take their place, and a copy brings them back.
void Meeting::sendTensor() {
  Box box = boxOf(rankOfForm());
  std::vector<std::string> values;
  for (unsigned i = 0; i < kRow / 4; ++i)
    values.push_back(text.input({kWord}));
  writeRow(values);
  text.line("@" + box.others + " bra sent");
  const std::string usual = "cp.async.bulk.tensor." + std::to_string(box.rank) + "d.global.shared::cta.tile.bulk_group";
  text.line(spelled(is("cp", "tensor"), usual.c_str()) + " [" + box.map + ", {" + box.place + "}], [" + box.shared +
            "]");
  text.line("cp.async.bulk.commit_group");
  text.line("cp.async.bulk.wait_group.read 0");
  text.line("cp.async.bulk.wait_group 0");
  text.label("sent");
  text.line("bar.sync 0");
  std::string none = text.fresh(32);
  text.line("mov.b32 " + none + ", 0");
  writeRow({none, none, none, none});
  copyTensor(box);
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
  bool sends = is("cp", "bulk") && (form.has("commit_group") || form.has("wait_group") ||
                                    (form.has("tensor") && form.has("bulk_group") && form.has("tile")));
  bool known = byThreads || sends ||
               (tensor && (!is("cp") || (form.has("tile") && !form.has("multicast::cluster") &&
                                         form.operands.size() == 3 && !form.has("1d")))) ||
               is("mbarrier", "init") || is("mbarrier", "arrive") || is("mbarrier", "try_wait") ||
               is("fence", "mbarrier_init");
  if (form.guarded || !known)
    return {std::nullopt, "no recipe for its operands"};
  initialise(tensor ? 1 : KernelText::kBlock);
  if (sends)
    sendTensor();
  else if (tensor)
    copyTensor(boxOf(rankOfForm()));
  else if (byThreads)
    copyByThreads();
  else
    store();
  await();
  return text.finish();
}

} // namespace

ExperimentResult recorded::barrierExperiment(const ListedForm &listed) { return Meeting(listed).make(); }
