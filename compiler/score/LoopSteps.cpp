//===- LoopSteps.cpp - Instructions as the model of a loop sees them ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operands by their places, pipes by the kind of the instruction.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/LoopSteps.h"
#include "compiler/score/Kinds.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include <set>

using namespace imbrex::score;
using llvm::StringRef;

/// Registers of one operand: "R12.reuse" of `width` registers is R12, R13, ...
static void addRegisters(StringRef operand, unsigned width, std::vector<std::string> &to) {
  for (size_t i = 0; i < operand.size(); ++i) {
    if (i > 0 && (llvm::isAlnum(operand[i - 1]) || operand[i - 1] == '_'))
      continue;
    StringRef rest = operand.drop_front(i),
              prefix = rest.take_while([](char c) { return c == 'U' || c == 'R' || c == 'P'; });
    unsigned number;
    StringRef digits = rest.drop_front(prefix.size());
    if ((prefix != "R" && prefix != "UR" && prefix != "P" && prefix != "UP") || digits.consumeInteger(10, number))
      continue;
    unsigned count = prefix.ends_with("P") ? 1 : operand.contains(".64") ? std::max(2u, width) : width;
    for (unsigned k = 0; k < count; ++k)
      to.push_back((prefix + llvm::Twine(number + k)).str());
  }
}

namespace {

/// Widths in registers of the destination and of operands 1, 2, 3 (0: one register).
struct Widths {
  unsigned destination = 1;
  unsigned sources[4] = {1, 1, 1, 1};
};

} // namespace

static Widths widthsOf(const Instruction &i) {
  Widths w;
  StringRef base = i.base();
  unsigned access = i.hasModifier("128") || i.hasModifier("4") ? 4 : i.hasModifier("64") || i.hasModifier("2") ? 2 : 1;
  if (base == "HMMA") {
    w.destination = 4, w.sources[1] = 4, w.sources[2] = 2, w.sources[3] = 4;
  } else if (base == "LDSM" || base == "LDS" || base == "LDG" || base == "LDL") {
    w.destination = access;
    w.sources[1] = base == "LDG" ? 2 : 1;
  } else if (base == "STS" || base == "STG" || base == "STSM" || base == "STL") {
    w.destination = 0, w.sources[0] = base == "STG" ? 2 : 1, w.sources[1] = access;
  } else if (base == "RED" || base == "REDG") {
    w.destination = 0, w.sources[0] = 2, w.sources[1] = i.hasModifier("F32x2") ? 2 : access;
  } else if (i.hasModifier("WIDE")) {
    w.destination = 2, w.sources[3] = 2;
  } else if (base.ends_with("64")) {
    w.destination = 2;
  }
  return w;
}

static bool writesNothing(StringRef base) {
  static const std::set<StringRef> kNothing = {"STS",       "STG",       "STSM",   "STL",  "BAR",   "BRA",      "EXIT",
                                               "LDGDEPBAR", "DEPBAR",    "LDGSTS", "CALL", "NOP",   "WARPSYNC", "RET",
                                               "MEMBAR",    "FENCE",     "ERRBAR", "CCTL", "SYNCS", "UTMALDG",  "BSSY",
                                               "BSYNC",     "WARPGROUP", "RED",    "REDG"};
  return kNothing.count(base) != 0;
}

static bool isPredicate(StringRef operand) {
  operand = operand.trim();
  operand.consume_front("U");
  return operand == "PT" || (operand.size() == 2 && operand[0] == 'P' && llvm::isDigit(operand[1]));
}

static void decodeRegisters(const Instruction &i, Step &step) {
  llvm::SmallVector<StringRef> operands;
  llvm::SplitString(i.operands, operands, ",");
  Widths widths = widthsOf(i);
  size_t next = 0;
  if (!writesNothing(i.base())) {
    for (; next < operands.size() && isPredicate(operands[next]); ++next)
      addRegisters(operands[next], 1, step.writes);
    bool onlyPredicates = i.base().contains("SETP") || i.base().ends_with("PLOP3");
    if (!onlyPredicates && next < operands.size())
      addRegisters(operands[next++], widths.destination, step.writes);
    for (; next < operands.size() && isPredicate(operands[next]) && !onlyPredicates && i.base() != "FSEL" &&
           i.base() != "SEL";
         ++next)
      addRegisters(operands[next], 1, step.writes); // a carry
  }
  for (unsigned k = writesNothing(i.base()) ? 0 : 1; next < operands.size(); ++next, ++k)
    addRegisters(operands[next], widths.sources[std::min(k, 3u)], step.reads);
  addRegisters(i.predicate, 1, step.reads);
}

/// The byte of a barrier, the constant of an address: "[R5+UR16+0x34020]".
static std::optional<int64_t> byteOf(StringRef operands) {
  int64_t byte;
  StringRef address = operands.split('[').second.split(']').first, last = address.rsplit('+').second;
  if (!(last.empty() ? address : last).getAsInteger(0, byte))
    return byte;
  return address.empty() ? std::nullopt : std::optional<int64_t>(0); // at the address itself
}

/// What wgmma and barriers in shared memory are to the model; false for all else. Accumulators are not tracked: code
/// waits for the products before it reads them.
static bool decodeAsync(const Instruction &i, Step &step) {
  StringRef base = i.base(), operands = i.operands;
  if (isWarpgroupProduct(i)) {
    step.writes.clear();
    step.reads.clear();
    StringRef second = operands.split(',').second.split(',').first.trim();
    constexpr unsigned kFactorRegisters = 4; // 64 x 16 of 16 bits, over four warps
    addRegisters(second, second.starts_with("R") ? kFactorRegisters : 1, step.reads);
    step.pipe = Pipe::Tensor, step.duration = warpgroupCycles(Language::Sass, i), step.latency = 0;
    step.shared = warpgroupSharedCycles(Language::Sass, i);
    step.async = Step::Async::Product, step.commits = operands.contains("gsb");
    return true;
  }
  const bool awaitsProducts = base == "WARPGROUP" && i.hasModifier("DEPBAR");
  // ARRIVES: when what the thread copied so far has come.
  const bool isArrival = base == "ARRIVES" || (base == "SYNCS" && i.hasModifier("ARRIVE"));
  if (!awaitsProducts && !isArrival && !isBarrierWait(i))
    return false;
  step.pipe = Pipe::None, step.duration = 0, step.latency = 1;
  step.async = awaitsProducts ? Step::Async::AwaitProducts
               : isArrival    ? Step::Async::Arrive
                              : Step::Async::AwaitBarrier;
  step.expects = isArrival && !i.hasModifier("A1T0"); // which adds no transactions
  if (!awaitsProducts)
    step.number = byteOf(operands).value_or(-1);
  else if (operands.rsplit(',').second.trim().getAsInteger(0, step.number))
    step.number = 0; // all of them
  return true;
}

/// Turns of warpgroups, at barriers with numbers of theirs: "BAR.SYNC.DEFER_BLOCKING R17, 0x100", "BAR.ARV R17, 0x100".
static bool decodeTurn(const Instruction &i, Step &step) {
  const bool passes = i.hasModifier("ARV");
  if (i.base() != "BAR" || (!passes && !llvm::StringRef(i.operands).starts_with("R")))
    return false;
  step.pipe = Pipe::None, step.duration = 0, step.latency = 1;
  step.async = passes ? Step::Async::PassTurn : Step::Async::TakeTurn;
  return true;
}

static Step decode(const Instruction &i, double productCycles) {
  Step step;
  decodeRegisters(i, step);
  StringRef base = i.base();
  if (decodeAsync(i, step) || decodeTurn(i, step))
    return step;
  auto set = [&](Pipe pipe, double duration, double latency) {
    step.pipe = pipe, step.duration = duration, step.latency = latency;
  };
  bool wide = i.hasModifier("128") || i.hasModifier("4"), half = i.hasModifier("64");
  switch (kindOf(Language::Sass, i)) {
  case Kind::Tensor:
    set(Pipe::Tensor, productCycles * tensorWork(Language::Sass, i) / 4096, 24);
    break;
  case Kind::Function:
    set(Pipe::Function, 8, 20);
    break;
  case Kind::Mul:
  case Kind::Fma:
  case Kind::Add:
    set(Pipe::Fma, 1, 4);
    break;
  case Kind::Shuffle:
    set(Pipe::Shared, 4, 24);
    break;
  case Kind::Ldmatrix:
    set(Pipe::Shared, wide ? 16 : 8, 30);
    break;
  case Kind::Shared:
    set(Pipe::Shared, i.predicate == "@!PT" ? 0 : wide ? 16 : half ? 8 : 4, 26);
    break;
  case Kind::Copy:
    set(base == "UTMALDG" ? Pipe::None : Pipe::Shared, 8, 4);
    break;
  case Kind::Global:
    set(Pipe::Shared, 16, 400);
    break;
  case Kind::Sync:
    set(base == "BAR" ? Pipe::Barrier : Pipe::None, 1, 1);
    break;
  case Kind::Branch:
    set(Pipe::Branch, 1, 1);
    break;
  default:
    if (base == "IMAD")
      set(Pipe::Fma, 1, 4);
    else if (base.starts_with("U") || base == "S2UR" || base == "R2UR")
      set(Pipe::Uniform, 2, base == "R2UR" ? 12 : 8);
  }
  return step;
}

std::vector<Step> imbrex::score::stepsOf(const MachineKernel &kernel, const std::vector<size_t> &numbers,
                                         double productCycles) {
  std::vector<Step> steps;
  for (size_t number : numbers) {
    steps.push_back(decode(kernel.instructions[number], productCycles));
    steps.back().instruction = unsigned(number);
  }
  return steps;
}
