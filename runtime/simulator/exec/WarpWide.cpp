//===- WarpWide.cpp - shfl, vote, match, redux, activemask, elect ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instructions that exchange registers between the lanes of a warp (PTX ISA, 9.7.9 and 9.7.14). The
// .sync forms wait until every lane of their mask executes them. None of them orders memory.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Access.h"

namespace imbrex::simulator {
namespace {

/// Waits for all lanes of the members' masks. False: parked, or a fault in `step`.
bool gatherMembers(Warp &warp, const Instruction &i, uint32_t &lanes, uint32_t maskSlot, Step &step) {
  const uint32_t *masks = warp.reg<uint32_t>(maskSlot);
  uint32_t needed = 0;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    needed |= masks[lane];
    if (!(masks[lane] >> lane & 1)) {
      step = warp.fail(FaultKind::DivergentBarrier, i, lane, "the executing thread is not in its own member mask");
      return false;
    }
  }
  step = Step::Switch;
  if (!warp.gather(i, lanes, needed, i.index))
    return false;
  step = Step::Next;
  return true;
}

/// After an operation of `lanes` whose results depend on the values of them all.
void settle(Warp &warp, const Instruction &i, uint32_t lanes) {
  Definedness &undefined = warp.undefined;
  uint32_t bad = 0, origin = Definedness::kNeverWritten;
  for (unsigned u = 0; u < i.useCount; ++u)
    if (uint32_t here = i.uses[u].isResult ? 0 : undefined.lanes(i.uses[u].slot) & lanes) {
      bad |= here;
      origin = undefined.origin(i.uses[u].slot);
    }
  for (unsigned u = 0; u < i.useCount; ++u) {
    const RegisterUse &use = i.uses[u];
    if (!use.isResult)
      continue;
    undefined.define(use.slot, use.bytes, lanes);
    for (uint32_t rest = bad ? lanes : 0; rest != 0; rest &= rest - 1)
      undefined.set(use.slot, use.bytes, static_cast<unsigned>(__builtin_ctz(rest)), allBits(use.bytes), true, origin);
  }
}

Step finish(Warp &warp, const Instruction &i, uint32_t lanes) {
  if (warp.undefined.any()) [[unlikely]]
    settle(warp, i, lanes);
  return Step::Next;
}

const RegisterUse *resultAt(const Instruction &i, uint32_t slot) {
  for (unsigned u = 0; u < i.useCount; ++u)
    if (i.uses[u].isResult && i.uses[u].slot == slot)
      return &i.uses[u];
  return nullptr;
}

enum class Shuffle : uint16_t { Up, Down, Butterfly, Index };

/// Source lane of `lane`, and whether it is inside the segment (PTX ISA, shfl.sync's pseudo code).
bool shuffleSource(Shuffle mode, unsigned lane, uint32_t b, uint32_t c, unsigned &source) {
  uint32_t clamp = c & 31, segment = c >> 8 & 31;
  b &= 31;
  int least = static_cast<int>(lane & segment), most = least | static_cast<int>(clamp & ~segment);
  int from = 0;
  bool inside = false;
  switch (mode) {
  case Shuffle::Up:
    from = static_cast<int>(lane) - static_cast<int>(b);
    inside = from >= most;
    break;
  case Shuffle::Down:
    from = static_cast<int>(lane + b);
    inside = from <= most;
    break;
  case Shuffle::Butterfly:
    from = static_cast<int>(lane ^ b);
    inside = from <= most;
    break;
  case Shuffle::Index:
    from = least | static_cast<int>(b & ~segment);
    inside = from <= most;
    break;
  }
  source = inside ? static_cast<unsigned>(from) : lane;
  return inside;
}

/// Undefined bits move with the values; lanes that read one that takes no part, `strangers`, get undefined ones.
void settleShuffle(Warp &warp, const Instruction &i, uint32_t lanes, uint32_t strangers, const unsigned *sources) {
  Definedness &undefined = warp.undefined;
  uint64_t bits[32] = {};
  uint32_t open = undefined.lanes(i.op[2]), isComputed = undefined.computedLanes(i.op[2]);
  uint32_t origin = open ? undefined.origin(i.op[2]) : i.index;
  for (unsigned lane = 0; lane < 32; ++lane)
    bits[lane] = open >> lane & 1 ? undefined.bits(i.op[2], 4, lane) : 0;
  if (resultAt(i, i.op[1]))
    undefined.define(i.op[1], 0, lanes);
  for (uint32_t rest = resultAt(i, i.op[0]) ? lanes : 0; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    if (strangers >> lane & 1)
      undefined.set(i.op[0], 4, lane, allBits(4), true, i.index);
    else
      undefined.set(i.op[0], 4, lane, bits[sources[lane]], isComputed >> sources[lane] & 1, origin);
  }
}

/// op: d, p, a, b, c, mask. What a lane reads from one that does not take part is unpredictable (9.7.9.6): undefined.
Step shuffle(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!gatherMembers(warp, i, lanes, i.op[5], step))
    return step;
  uint32_t *d = warp.reg<uint32_t>(i.op[0]);
  const uint32_t *a = warp.reg<uint32_t>(i.op[2]), *b = warp.reg<uint32_t>(i.op[3]), *c = warp.reg<uint32_t>(i.op[4]);
  uint32_t values[32], inside = 0, strangers = 0;
  unsigned sources[32] = {};
  std::copy(a, a + 32, values);
  Shuffle mode = static_cast<Shuffle>(i.count);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest)), source = 0;
    inside |= uint32_t(shuffleSource(mode, lane, b[lane], c[lane], source)) << lane;
    strangers |= uint32_t(!(lanes >> source & 1)) << lane;
    sources[lane] = source;
    d[lane] = values[source];
  }
  uint32_t &p = warp.pred(i.op[1]);
  p = (p & ~lanes) | inside;
  if (strangers != 0 || warp.undefined.any()) [[unlikely]]
    settleShuffle(warp, i, lanes, strangers, sources);
  return Step::Next;
}

bool decodeShfl(Decoder &d) {
  d.rule(Rule::Own);
  bool sync = d.take("sync");
  int mode = d.takeOneOf({"up", "down", "bfly", "idx"});
  Type type = d.takeType();
  if (!sync || mode < 0 || type != Type::B32)
    return d.fail("only shfl.sync.{up,down,bfly,idx}.b32 is modelled");
  d.out.count = static_cast<uint16_t>(mode);
  if (!d.operands(5))
    return false;
  bool pair = d.operand(0).kind == ptx::Operand::Pair;
  return d.write(pair ? d.operand(0).elements[0] : d.operand(0), Type::B32) &&
         d.write(pair ? d.operand(0).elements[1] : ptx::Operand(), Type::Pred) && d.read(1, Type::B32) &&
         d.read(2, Type::B32) && d.read(3, Type::B32) && d.read(4, Type::B32) && d.finish(shuffle);
}

enum class Vote : uint16_t { All, Any, Uniform, Ballot };

/// The form without .sync: the members are the lanes that are together.
constexpr uint32_t kOfActive = 1;

/// op: d, predicate, flip, mask.
Step vote(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!(i.flags & kOfActive) && !gatherMembers(warp, i, lanes, i.op[3], step))
    return step;
  uint32_t values = warp.pred(i.op[1]) ^ i.op[2];
  const uint32_t *masks = warp.reg<uint32_t>(i.op[3]);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t members = i.flags & kOfActive ? lanes : masks[lane] & lanes, set = values & members;
    if (static_cast<Vote>(i.count) == Vote::Ballot) {
      warp.reg<uint32_t>(i.op[0])[lane] = set;
      continue;
    }
    bool result = static_cast<Vote>(i.count) == Vote::All   ? set == members
                  : static_cast<Vote>(i.count) == Vote::Any ? set != 0
                                                            : set == members || set == 0;
    uint32_t &d = warp.pred(i.op[0]);
    d = (d & ~(1u << lane)) | uint32_t(result) << lane;
  }
  return finish(warp, i, lanes);
}

bool decodeVote(Decoder &d) {
  d.rule(Rule::Own);
  bool sync = d.take("sync");
  int mode = d.takeOneOf({"all", "any", "uni", "ballot"});
  Type type = d.takeType();
  if (mode < 0 || type != (mode == 3 ? Type::B32 : Type::Pred))
    return d.fail("only vote.{all,any,uni}.pred and .ballot.b32 are modelled");
  d.out.count = static_cast<uint16_t>(mode);
  d.out.flags = sync ? 0 : kOfActive;
  if (!sync) {
    if (!d.operands(2) || !d.write(0, type) || !d.readPredicate(1))
      return false;
    d.extra(0);
    return d.finish(vote);
  }
  return d.operands(3) && d.write(0, type) && d.readPredicate(1) && d.read(2, Type::B32) && d.finish(vote);
}

Step activeMask(Warp &warp, const Instruction &i, uint32_t lanes) {
  forLanes(lanes, [&](unsigned lane) { warp.reg<uint32_t>(i.op[0])[lane] = lanes; });
  return Step::Next;
}

bool decodeActivemask(Decoder &d) {
  return d.takeType() == Type::B32 && d.operands(1) && d.write(0, Type::B32) && d.finish(activeMask);
}

/// op: d, p, a, mask. count: 1 for match.all.
template <class T> Step match(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!gatherMembers(warp, i, lanes, i.op[3], step))
    return step;
  T values[32];
  std::copy(warp.reg<T>(i.op[2]), warp.reg<T>(i.op[2]) + 32, values);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t members = warp.reg<uint32_t>(i.op[3])[lane] & lanes, same = 0;
    for (unsigned other = 0; other < 32; ++other)
      same |= uint32_t(values[other] == values[lane]) << other;
    same &= members;
    bool all = same == members;
    warp.reg<uint32_t>(i.op[0])[lane] = i.count && !all ? 0 : same;
    uint32_t &p = warp.pred(i.op[1]);
    p = (p & ~(1u << lane)) | uint32_t(all) << lane;
  }
  return finish(warp, i, lanes);
}

bool decodeMatch(Decoder &d) {
  d.rule(Rule::Own);
  bool all = d.take("all");
  if (!all && !d.take("any"))
    return d.fail("needs .any or .all");
  if (!d.take("sync"))
    return d.fail("needs .sync");
  Type type = d.takeType();
  d.out.count = all;
  if (!d.operands(3))
    return false;
  bool pair = d.operand(0).kind == ptx::Operand::Pair;
  return d.write(pair ? d.operand(0).elements[0] : d.operand(0), Type::B32) &&
         d.write(pair ? d.operand(0).elements[1] : ptx::Operand(), Type::Pred) && d.read(1, type) &&
         d.read(2, Type::B32) && d.finish(bitsOf(type) == 64 ? match<uint64_t> : match<uint32_t>);
}

enum class Reduce : uint16_t { Add, Min, Max, And, Or, Xor };

template <class T> T reduce(Reduce operation, T a, T b) {
  switch (operation) {
  case Reduce::Add:
    return static_cast<T>(uint32_t(a) + uint32_t(b));
  case Reduce::Min:
    return a < b ? a : b;
  case Reduce::Max:
    return a > b ? a : b;
  case Reduce::And:
    return a & b;
  case Reduce::Or:
    return a | b;
  case Reduce::Xor:
    return a ^ b;
  }
  return a;
}

/// op: d, a, mask.
template <class T> Step redux(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!gatherMembers(warp, i, lanes, i.op[2], step))
    return step;
  T values[32];
  std::copy(warp.reg<T>(i.op[1]), warp.reg<T>(i.op[1]) + 32, values);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t members = warp.reg<uint32_t>(i.op[2])[lane] & lanes & ~(1u << lane);
    T result = values[lane];
    for (; members != 0; members &= members - 1)
      result = reduce(static_cast<Reduce>(i.count), result, values[__builtin_ctz(members)]);
    warp.reg<T>(i.op[0])[lane] = result;
  }
  return finish(warp, i, lanes);
}

bool decodeRedux(Decoder &d) {
  d.rule(Rule::Own);
  bool sync = d.take("sync");
  int operation = d.takeOneOf({"add", "min", "max", "and", "or", "xor"});
  Type type = d.takeType();
  if (!sync || operation < 0 || (type != Type::U32 && type != Type::S32 && type != Type::B32))
    return d.fail("only redux.sync of 32-bit integers is modelled");
  d.out.count = static_cast<uint16_t>(operation);
  return d.operands(3) && d.write(0, type) && d.read(1, type) && d.read(2, Type::B32) &&
         d.finish(type == Type::S32 ? redux<int32_t> : redux<uint32_t>);
}

/// op: d, p, mask.
Step elect(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!gatherMembers(warp, i, lanes, i.op[2], step))
    return step;
  uint32_t leader = static_cast<uint32_t>(__builtin_ctz(lanes));
  forLanes(lanes, [&](unsigned lane) { warp.reg<uint32_t>(i.op[0])[lane] = leader; });
  uint32_t &p = warp.pred(i.op[1]);
  p = (p & ~lanes) | 1u << leader;
  return finish(warp, i, lanes);
}

bool decodeElect(Decoder &d) {
  d.rule(Rule::Own);
  if (!d.take("sync") || !d.operands(2) || d.operand(0).kind != ptx::Operand::Pair)
    return d.fail("only elect.sync d|p, mask is modelled");
  return d.write(d.operand(0).elements[0], Type::B32) && d.write(d.operand(0).elements[1], Type::Pred) &&
         d.read(1, Type::B32) && d.finish(elect);
}

constexpr Opcode kOpcodes[] = {{"shfl", decodeShfl},   {"vote", decodeVote},   {"activemask", decodeActivemask},
                               {"match", decodeMatch}, {"redux", decodeRedux}, {"elect", decodeElect}};

} // namespace

std::span<const Opcode> warpOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
