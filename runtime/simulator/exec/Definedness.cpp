//===- Definedness.cpp - Bits of registers that nothing wrote -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bookkeeping, and how an instruction is executed while a warp has undefined bits.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Access.h"

#include <cstring>
#include <utility>

namespace imbrex::simulator {

void Definedness::begin(size_t registerBytes) {
  size = registerBytes;
  if (slots == 0)
    return;
  slots = 0;
  shadow.clear(); // Allocated again, and cleared, by the first undefined bit.
  undefined.clear();
}

uint64_t Definedness::bits(uint32_t slot, unsigned bytes, unsigned lane) const {
  if (bytes == 0)
    return undefined[slot >> 2] >> lane & 1;
  uint64_t value = 0;
  std::memcpy(&value, shadow.data() + slot + size_t(lane) * bytes, bytes < 8 ? bytes : 8);
  return value;
}

void Definedness::set(uint32_t slot, unsigned bytes, unsigned lane, uint64_t bits, bool isComputed, uint32_t origin) {
  if (bits == 0)
    return define(slot, bytes, 1u << lane);
  if (slots == 0 && undefined.size() != size / 4) {
    shadow.assign(size, 0);
    undefined.assign(size / 4, 0);
    computed.assign(size / 4, 0);
    origins.assign(size / 4, kNeverWritten);
  }
  uint32_t index = slot >> 2, bit = 1u << lane;
  slots += undefined[index] == 0;
  undefined[index] |= bit;
  computed[index] = isComputed ? computed[index] | bit : computed[index] & ~bit;
  origins[index] = origin;
  if (bytes == 0) {
    std::memcpy(shadow.data() + slot, &undefined[index], 4);
    return;
  }
  for (unsigned at = 0; at < bytes; at += 8)
    std::memcpy(shadow.data() + slot + size_t(lane) * bytes + at, &bits, bytes - at < 8 ? bytes - at : 8);
}

void Definedness::clear(uint32_t slot, unsigned bytes, uint32_t which) {
  uint32_t &mask = undefined[slot >> 2];
  uint32_t gone = mask & which;
  mask &= ~which;
  computed[slot >> 2] &= ~which;
  slots -= mask == 0;
  if (bytes == 0)
    std::memcpy(shadow.data() + slot, &mask, 4);
  else
    for (; gone != 0; gone &= gone - 1)
      std::memset(shadow.data() + slot + size_t(__builtin_ctz(gone)) * bytes, 0, bytes);
}

void Definedness::adopt(uint32_t slot, unsigned bytes, uint32_t which, uint32_t computedLanes, uint32_t origin) {
  uint32_t wanted = 0;
  if (bytes == 0) {
    std::memcpy(&wanted, shadow.data() + slot, 4);
    wanted &= which;
  } else {
    for (uint32_t rest = which; rest != 0; rest &= rest - 1) {
      unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
      bool isUndefined = false;
      for (unsigned at = 0; at < bytes; ++at)
        isUndefined |= shadow[slot + size_t(lane) * bytes + at] != 0;
      wanted |= uint32_t(isUndefined) << lane;
    }
  }
  uint32_t index = slot >> 2, before = undefined[index];
  undefined[index] = (before & ~which) | wanted;
  slots += (before == 0) - (undefined[index] == 0);
  computed[index] = (computed[index] & ~which) | (computedLanes & wanted);
  if (wanted != 0)
    origins[index] = origin;
}

namespace {

/// What the undefined sources of an instruction have in common.
struct Sources {
  uint32_t lanes = 0; ///< Lanes with undefined bits in any of them.
  uint32_t computed = 0;
  uint32_t blamed = 0; ///< Slot of one.
  uint32_t origin = Definedness::kNeverWritten;
};

Sources undefinedSources(const Definedness &undefined, const Instruction &i, uint32_t lanes) {
  Sources found;
  for (unsigned u = 0; u < i.useCount; ++u) {
    const RegisterUse &use = i.uses[u];
    uint32_t here = use.isResult ? 0 : undefined.lanes(use.slot) & lanes;
    if (here == 0)
      continue;
    found.lanes |= here;
    found.computed |= undefined.computedLanes(use.slot) & lanes;
    found.blamed = use.slot;
    found.origin = undefined.origin(use.slot);
  }
  return found;
}

/// Bits of the result that change with the undefined bits u of v, by lop3's truth table.
uint64_t variesWith(uint64_t table, const uint64_t (&v)[3], const uint64_t (&u)[3]) {
  uint64_t everSet = 0, everClear = 0;
  for (unsigned k = 0; k < 8; ++k) { // Each setting of the three inputs, where the defined bits allow it.
    uint64_t possible = ~uint64_t(0);
    for (unsigned input = 0; input < 3; ++input) {
      uint64_t wanted = k >> (2 - input) & 1 ? v[input] : ~v[input];
      possible &= wanted | u[input];
    }
    (table >> k & 1 ? everSet : everClear) |= possible;
  }
  return everSet & everClear;
}

void setResults(Definedness &undefined, const Instruction &i, uint32_t lanes, const Sources &sources) {
  for (unsigned u = 0; u < i.useCount; ++u) {
    const RegisterUse &use = i.uses[u];
    if (!use.isResult)
      continue;
    undefined.define(use.slot, use.bytes, lanes & ~sources.lanes);
    for (uint32_t rest = lanes & sources.lanes; rest != 0; rest &= rest - 1)
      undefined.set(use.slot, use.bytes, static_cast<unsigned>(__builtin_ctz(rest)), allBits(use.bytes), true,
                    sources.origin);
  }
}

/// Rule::Logic: one result, up to three sources, all of one width or all predicates. A missing source is an immediate.
Step runLogic(Warp &warp, const Instruction &i, uint32_t lanes, const Sources &sources) {
  const RegisterUse *result = nullptr;
  for (unsigned u = 0; u < i.useCount; ++u)
    if (i.uses[u].isResult)
      result = &i.uses[u];
  unsigned bytes = result ? result->bytes : 4;
  // Operands: d, a, b, c; for predicates d, a, flip, b, flip.
  unsigned inputs = i.controls;
  uint64_t varies[32] = {};
  for (uint32_t rest = lanes & sources.lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t v[3] = {}, u[3] = {};
    for (unsigned input = 0; input < inputs; ++input) {
      uint32_t slot = i.op[1 + input * (bytes == 0 ? 2 : 1)];
      if (bytes == 0)
        v[input] = (warp.pred(slot) ^ i.op[2 + 2 * input]) >> lane & 1;
      else
        std::memcpy(&v[input], warp.registers.data() + slot + size_t(lane) * bytes, bytes);
      u[input] = warp.undefined.lanes(slot) >> lane & 1 ? warp.undefined.bits(slot, bytes, lane) : 0;
    }
    varies[lane] = variesWith(i.imm, v, u) & allBits(bytes);
  }
  Step step = i.run(warp, i, lanes);
  if (result)
    for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
      unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
      warp.undefined.set(result->slot, bytes, lane, varies[lane], sources.computed >> lane & 1, sources.origin);
    }
  return step;
}

/// Rule::Move: the handler runs on the registers, then on their undefined bits; operands that say what to move keep
/// their values for the second run.
Step runMove(Warp &warp, const Instruction &i, uint32_t lanes, const Sources &sources) {
  struct Control {
    uint32_t slot;
    uint8_t values[128], shadow[128];
  };
  Control controls[4];
  unsigned count = 0;
  uint32_t open = 0; // Lanes where it is not known what is moved.
  for (unsigned k = 0; k < 15; ++k) {
    if (!(i.controls >> k & 1))
      continue;
    Control &control = controls[count++];
    control.slot = i.op[k];
    size_t bytes = i.controls & kPredicateControl ? 4 : 128;
    std::memcpy(control.values, warp.registers.data() + control.slot, bytes);
    open |= warp.undefined.lanes(control.slot) & lanes;
  }
  Step step = i.run(warp, i, lanes);
  if (step == Step::Fault)
    return step;
  size_t bytes = i.controls & kPredicateControl ? 4 : 128;
  for (unsigned c = 0; c < count; ++c) {
    std::memcpy(controls[c].shadow, warp.undefined.shadow.data() + controls[c].slot, bytes);
    std::memcpy(warp.undefined.shadow.data() + controls[c].slot, controls[c].values, bytes);
  }
  std::swap(warp.registers, warp.undefined.shadow);
  i.run(warp, i, lanes);
  std::swap(warp.registers, warp.undefined.shadow);
  for (unsigned u = 0; u < i.useCount; ++u) {
    const RegisterUse &use = i.uses[u];
    if (!use.isResult)
      continue;
    for (unsigned c = 0; c < count; ++c)
      if (controls[c].slot == use.slot) // The result's bits outside `lanes` are the control's own.
        for (unsigned lane = 0; lane < 32 && use.bytes != 0; ++lane)
          if (!(lanes >> lane & 1))
            std::memcpy(warp.undefined.shadow.data() + use.slot + size_t(lane) * use.bytes,
                        controls[c].shadow + size_t(lane) * use.bytes, use.bytes);
    warp.undefined.adopt(use.slot, use.bytes, lanes, sources.computed, sources.origin);
    for (uint32_t rest = open; rest != 0; rest &= rest - 1)
      warp.undefined.set(use.slot, use.bytes, static_cast<unsigned>(__builtin_ctz(rest)), allBits(use.bytes), true,
                         sources.origin);
  }
  for (unsigned c = 0; c < count; ++c) {
    bool isResult = false;
    for (unsigned u = 0; u < i.useCount; ++u)
      isResult |= i.uses[u].isResult && i.uses[u].slot == controls[c].slot;
    if (!isResult)
      std::memcpy(warp.undefined.shadow.data() + controls[c].slot, controls[c].shadow, bytes);
  }
  return step;
}

/// Rule::Test, setp: where the predicate c is undefined, the instruction is tried with c true and with c false; where
/// the comparison is, only a c that decides alone helps. op, count: exec/Compare.cpp.
Step runTest(Warp &warp, const Instruction &i, uint32_t lanes, const Sources &sources) {
  if (i.count != 1 && i.count != 2) {
    Step step = i.run(warp, i, lanes);
    setResults(warp.undefined, i, lanes, sources);
    return step;
  }
  uint32_t before = warp.pred(i.op[4]), c = before ^ i.op[5];
  uint32_t openC = warp.undefined.lanes(i.op[4]) & lanes;
  uint32_t openTest = (warp.undefined.lanes(i.op[2]) | warp.undefined.lanes(i.op[3])) & lanes;
  uint32_t tried[2][2]; // [c][p or q]
  for (uint32_t value : {0u, ~0u}) {
    warp.pred(i.op[4]) = value ^ i.op[5];
    i.run(warp, i, lanes);
    tried[value & 1][0] = warp.pred(i.op[0]);
    tried[value & 1][1] = warp.pred(i.op[1]);
    warp.pred(i.op[4]) = before;
  }
  Step step = i.run(warp, i, lanes);
  uint32_t undecided = openTest & ~((i.count == 1 ? ~c : c) & ~openC);
  for (unsigned result = 0; result < 2; ++result) {
    Sources here = sources;
    here.lanes = undecided | (openC & (tried[0][result] ^ tried[1][result]));
    for (unsigned u = 0; u < i.useCount; ++u)
      if (i.uses[u].isResult && i.uses[u].slot == i.op[result])
        for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
          unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
          warp.undefined.set(i.op[result], 0, lane, here.lanes >> lane & 1, true, here.origin);
        }
  }
  return step;
}

/// Rule::Store: the bytes go to memory, and stay as if nobody had written them.
Step runStore(Warp &warp, const Instruction &i, uint32_t lanes, const Sources &sources) {
  Step step = i.run(warp, i, lanes);
  if (step != Step::Next)
    return step;
  for (uint32_t rest = lanes & sources.lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint32_t mask = 0;
    for (unsigned e = 0; e < i.count; ++e)
      for (unsigned u = 0; u < i.useCount; ++u) {
        const RegisterUse &use = i.uses[u];
        if (use.slot != i.op[e] || use.isAddress || !(warp.undefined.lanes(use.slot) >> lane & 1))
          continue;
        uint64_t bits = warp.undefined.bits(use.slot, use.bytes, lane);
        for (unsigned byte = 0; byte < i.bytes; ++byte)
          mask |= uint32_t((bits >> (8 * (byte & 7)) & 255) != 0) << (e * i.bytes + byte);
        break;
      }
    if (!forgetBytes(warp, i, lane, mask, sources.computed >> lane & 1, sources.blamed))
      return Step::Fault;
  }
  return step;
}

} // namespace

Step Warp::failUndefined(const Instruction &i, uint32_t slot, uint32_t lanes, const std::string &what) {
  unsigned lane = static_cast<unsigned>(__builtin_ctz(lanes));
  uint32_t origin = undefined.origin(slot);
  std::string from = origin == Definedness::kNeverWritten
                         ? "of a register that nothing wrote on this path"
                         : "that came in by the other instruction (never written, or only later: then a barrier is "
                           "missing before it, such as bar.sync)";
  Step step = fail(FaultKind::Uninitialised, i, lane, what + " depends on undefined bits " + from);
  cta->fault.other = origin;
  return step;
}

Step Warp::runTracked(const Instruction &i) {
  if (uint32_t bad = i.guard == 0 ? 0 : undefined.lanes(i.guard) & active)
    return failUndefined(i, i.guard, bad, "which threads execute this");
  uint32_t lanes = active & (pred(i.guard) ^ i.guardFlip), bad = 0;
  if (lanes == 0)
    return Step::Next;
  for (unsigned u = 0; u < i.useCount; ++u)
    bad |= i.uses[u].isResult ? 0 : undefined.lanes(i.uses[u].slot);
  if ((bad & lanes) != 0)
    return runUndefined(i, lanes);
  if (i.rule != Rule::Own)
    for (unsigned u = 0; u < i.useCount; ++u)
      if (i.uses[u].isResult)
        undefined.define(i.uses[u].slot, i.uses[u].bytes, lanes);
  return i.run(*this, i, lanes);
}

Step Warp::runUndefined(const Instruction &i, uint32_t lanes) {
  Sources sources = undefinedSources(undefined, i, lanes);
  for (unsigned u = 0; u < i.useCount; ++u)
    if (uint32_t bad = i.uses[u].isAddress ? undefined.lanes(i.uses[u].slot) & lanes : 0)
      return failUndefined(i, i.uses[u].slot, bad, "the address");
  switch (i.rule) {
  case Rule::Use:
    return failUndefined(i, sources.blamed, sources.lanes, "an operand of this instruction");
  case Rule::Move:
    return runMove(*this, i, lanes, sources);
  case Rule::Logic:
    return runLogic(*this, i, lanes, sources);
  case Rule::Test:
    return runTest(*this, i, lanes, sources);
  case Rule::Store:
    return runStore(*this, i, lanes, sources);
  case Rule::Own:
    return i.run(*this, i, lanes);
  case Rule::Compute:
    break;
  }
  Step step = i.run(*this, i, lanes);
  if (step == Step::Next)
    setResults(undefined, i, lanes, sources);
  return step;
}

} // namespace imbrex::simulator
