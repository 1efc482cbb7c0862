//===- LoopModel.cpp - A model of a hot loop's cycles ---------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decodes which registers an instruction reads and writes and what pipe it takes how long, then issues round robin.
// Latencies are those that micro-benchmarks of Ampere and Hopper agree on, to a few cycles.
//
//===----------------------------------------------------------------------===//

#include "compiler/score/LoopModel.h"
#include "compiler/score/Kinds.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include <set>

using namespace imbrex::score;
using llvm::StringRef;

namespace {

enum class Pipe { Fma, Alu, Function, Shared, Uniform, Tensor, Barrier, Branch, None };
constexpr unsigned kPipes = unsigned(Pipe::None);
constexpr StringRef kPipeNames[] = {"fma", "alu", "function", "shared", "uniform", "tensor"};

/// One instruction of the loop as the model sees it.
struct Step {
  std::vector<std::string> reads, writes; ///< registers: "R12", "UR4", "P0"
  Pipe pipe = Pipe::Alu;
  double duration = 2, latency = 4; ///< cycles on the pipe; from issue to a result that may be read
  unsigned instruction = 0;         ///< number in the kernel
};

/// Registers of one operand: "R12.reuse" of `width` registers is R12, R13, ...
void addRegisters(StringRef operand, unsigned width, std::vector<std::string> &to) {
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

/// Widths in registers of the destination and of operands 1, 2, 3 (0: one register).
struct Widths {
  unsigned destination = 1;
  unsigned sources[4] = {1, 1, 1, 1};
};

Widths widthsOf(const Instruction &i) {
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
  } else if (i.hasModifier("WIDE")) {
    w.destination = 2, w.sources[3] = 2;
  } else if (base.ends_with("64")) {
    w.destination = 2;
  }
  return w;
}

bool writesNothing(StringRef base) {
  static const std::set<StringRef> kNothing = {
      "STS", "STG",      "STSM", "STL",    "BAR",   "BRA",    "EXIT", "LDGDEPBAR", "DEPBAR",  "LDGSTS", "CALL",
      "NOP", "WARPSYNC", "RET",  "MEMBAR", "FENCE", "ERRBAR", "CCTL", "SYNCS",     "UTMALDG", "BSSY",   "BSYNC"};
  return kNothing.count(base) != 0;
}

bool isPredicate(StringRef operand) {
  operand = operand.trim();
  operand.consume_front("U");
  return operand == "PT" || (operand.size() == 2 && operand[0] == 'P' && llvm::isDigit(operand[1]));
}

void decodeRegisters(const Instruction &i, Step &step) {
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

Step decode(const Instruction &i, const ModelOptions &options) {
  Step step;
  decodeRegisters(i, step);
  StringRef base = i.base();
  auto set = [&](Pipe pipe, double duration, double latency) {
    step.pipe = pipe, step.duration = duration, step.latency = latency;
  };
  bool wide = i.hasModifier("128") || i.hasModifier("4"), half = i.hasModifier("64");
  switch (kindOf(Language::Sass, i)) {
  case Kind::Tensor:
    set(Pipe::Tensor, options.productCycles * double(flops(Language::Sass, i)) / 4096, 24);
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
    set(Pipe::Shared, 8, 4);
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

struct Warp {
  size_t next = 0;
  unsigned passes = 0;
  int64_t blockedUntil = 0;
  bool atBarrier = false;
  llvm::StringMap<int64_t> readyAt; ///< register -> the cycle from which it may be read
  std::vector<int64_t> passEnds;
  int64_t idleFrom = 0;    ///< the cycle behind the one in which it issued last
  StringRef why = "start"; ///< it did not issue in the last cycle
};

/// The quarter of an SM: its warps, when its pipes are free, and what they have been busy for.
class Quarter {
public:
  Quarter(const std::vector<Step> &program, const ModelOptions &options)
      : program(program), options(options), warps(options.warps) {
    for (unsigned w = 0; w < warps.size(); ++w)
      warps[w].blockedUntil = 7 * w; // warps do not start in step
  }

  bool run() {
    constexpr int64_t kMostCycles = 4'000'000;
    while (llvm::any_of(warps, [&](const Warp &warp) { return warp.passes < options.passes; })) {
      issueOne();
      if (++now > kMostCycles)
        return false;
    }
    return true;
  }

  LoopModel result(size_t instructions) const {
    unsigned first = options.passes / 3;
    int64_t begin = 0, end = 0;
    for (const Warp &warp : warps) {
      begin = std::max(begin, warp.passEnds[first]);
      end = std::max(end, warp.passEnds.back());
    }
    LoopModel result;
    result.warps = warps.size();
    result.cycles = double(end - begin) / (options.passes - 1 - first);
    for (unsigned pipe = 0; pipe < std::size(kPipeNames); ++pipe)
      result.busy[kPipeNames[pipe].str()] = busy[pipe] / double(now);
    result.tensorShare = busy[unsigned(Pipe::Tensor)] / options.passes / result.cycles;
    result.issueShare = double(instructions) * warps.size() / result.cycles;
    if (options.timeline)
      cutTimeline(result, double(warps.front().passEnds[first]),
                  double(warps.front().passEnds[std::min(first + 2, options.passes - 1)]));
    return result;
  }

private:
  /// What lies between two cycles.
  void cutTimeline(LoopModel &result, double begin, double end) const {
    result.timelineBegin = begin, result.timelineEnd = end;
    for (const LoopModel::Event &event : events)
      if (event.end > begin && event.begin < end)
        result.timeline.push_back(event);
  }

  /// `warp` issues now, behind what it waited for.
  void note(Warp &warp, const Step &step, double begin, double end) {
    if (!options.timeline)
      return;
    unsigned number = unsigned(&warp - warps.data());
    constexpr int64_t kLeastWait = 4; // shorter ones are how issue alternates
    if (now - warp.idleFrom >= kLeastWait)
      events.push_back({number, step.instruction, ("wait: " + warp.why).str(), double(warp.idleFrom), double(now)});
    if (unsigned(step.pipe) < std::size(kPipeNames))
      events.push_back({number, step.instruction, kPipeNames[unsigned(step.pipe)].str(), begin, end});
    warp.idleFrom = now + 1;
  }

  void issueOne() {
    for (unsigned k = 1; k <= warps.size(); ++k) {
      unsigned index = (last + k) % warps.size();
      if (tryIssue(warps[index])) {
        last = index;
        return;
      }
    }
  }

  bool tryIssue(Warp &warp) {
    if (warp.passes >= options.passes || warp.blockedUntil > now || warp.atBarrier)
      return false;
    const Step &step = program[warp.next];
    for (const std::vector<std::string> *registers : {&step.reads, &step.writes})
      for (const std::string &name : *registers)
        if (warp.readyAt.lookup(name) > now)
          return warp.why = "register", false;
    if (step.pipe == Pipe::Barrier) {
      meet(warp);
      return true;
    }
    /// What a pipe's queue holds before issue stalls.
    constexpr double kQueue = 8;
    double start = double(now);
    if (unsigned(step.pipe) < std::size(kPipeNames)) {
      double &free = freeAt[unsigned(step.pipe)];
      bool queued = step.pipe == Pipe::Function || step.pipe == Pipe::Shared || step.pipe == Pipe::Tensor;
      if (free > double(now) + (queued ? kQueue : 0))
        return warp.why = "pipe", false;
      start = std::max(free, start);
      free = start + step.duration;
      busy[unsigned(step.pipe)] += step.duration;
    }
    for (const std::string &name : step.writes)
      warp.readyAt[name] = int64_t(start + (step.pipe == Pipe::Fma ? 0 : step.duration - 1) + step.latency);
    note(warp, step, start, start + step.duration);
    if (step.pipe == Pipe::Branch)
      warp.blockedUntil = now + 2;
    advance(warp);
    return true;
  }

  void meet(Warp &warp) {
    constexpr int64_t kBarrierCycles = 20;
    warp.atBarrier = true;
    bool all =
        llvm::all_of(warps, [&](const Warp &other) { return other.atBarrier || other.passes >= options.passes; });
    if (!all)
      return;
    for (Warp &other : warps)
      if (std::exchange(other.atBarrier, false)) {
        other.blockedUntil = now + kBarrierCycles;
        other.why = "barrier";
        advance(other);
      }
  }

  void advance(Warp &warp) {
    if (++warp.next < program.size())
      return;
    warp.next = 0;
    ++warp.passes;
    warp.passEnds.push_back(now);
  }

  const std::vector<Step> &program;
  const ModelOptions &options;
  std::vector<Warp> warps;
  unsigned last = 0;
  int64_t now = 0;
  double freeAt[kPipes] = {}, busy[kPipes] = {};
  std::vector<LoopModel::Event> events;
};

} // namespace

std::optional<LoopModel> imbrex::score::modelLoop(const MachineKernel &kernel, const Loop &loop,
                                                  const ModelOptions &options, std::string &whyNot) {
  whyNot.clear();
  if (kernel.language != Language::Sass)
    whyNot = "needs machine code, not PTX";
  if (options.warps == 0 || options.passes < 3)
    whyNot = "needs a warp and three passes at least";
  for (size_t number : loop.hot)
    if (StringRef(kernel.instructions[number].base()).ends_with("GMMA"))
      whyNot = "does not know products of warpgroups";
  if (!whyNot.empty())
    return std::nullopt;
  std::vector<Step> program;
  for (size_t number : loop.hot) {
    program.push_back(decode(kernel.instructions[number], options));
    program.back().instruction = unsigned(number);
  }
  Quarter quarter(program, options);
  if (!quarter.run()) {
    whyNot = "the loop does not come to an end in the model";
    return std::nullopt;
  }
  return quarter.result(program.size());
}
