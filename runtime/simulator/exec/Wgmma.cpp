//===- Wgmma.cpp - wgmma.mma_async, fence, commit_group, wait_group -------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.15. Issue, ordering and checks; arithmetic is in WgmmaTile.cpp, the rules for registers in
// MatrixPlan.h. A wgmma reads shared memory as the warpgroup's channel of the clocks, when its fourth warp
// issues it; what it reads must be ordered before all four, with a proxy fence behind ordinary stores.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/MatrixPlan.h"
#include "runtime/simulator/exec/Mbarrier.h"
#include "runtime/simulator/exec/WgmmaTile.h"

#include <algorithm>

namespace imbrex::simulator {
namespace {

Step failAt(Warp &warp, const Instruction &i, FaultKind kind, std::string detail) {
  return warp.fail(kind, i, 0, std::move(detail));
}

Warpgroup &groupOf(Warp &warp) {
  Cta &cta = *warp.cta;
  if (cta.warpgroups.size() < (cta.warpCount + 3) / 4)
    cta.warpgroups.resize((cta.warpCount + 3) / 4);
  return cta.warpgroups[warp.index / 4];
}

template <class T> bool isUniform(const T *values) {
  return std::all_of(values, values + 32, [&](T value) { return value == values[0]; });
}

/// The operands that must be the same in all threads: descriptors and scale-d. op as decodeMultiply adds them.
bool readOperands(Warp &warp, const Instruction &i, const WgmmaShape &shape, MatrixOperation &out, Step &step) {
  const uint32_t *rest = i.op + shape.accumulatorRegisters() + shape.aRegisters();
  if (!shape.aInRegisters) {
    const uint64_t *a = warp.reg<uint64_t>(*rest++);
    out.a = a[0];
    if (!isUniform(a)) {
      step = failAt(warp, i, FaultKind::BadDescriptor, "A's descriptor differs between the threads of a warp");
      return false;
    }
  }
  const uint64_t *b = warp.reg<uint64_t>(rest[0]);
  out.b = b[0];
  uint32_t scale = warp.pred(rest[1]) ^ rest[2];
  out.accumulate = scale != 0;
  if (isUniform(b) && (scale == 0 || scale == ~0u))
    return true;
  step = failAt(warp, i, FaultKind::BadDescriptor, "B's descriptor or scale-d differs between the threads of a warp");
  return false;
}

/// Undefined bits of an operand are a fault, of an accumulator only where it is added to; results are defined.
bool useDefined(Warp &warp, const Instruction &i, bool accumulate, Step &step) {
  if (!warp.undefined.any())
    return true;
  for (unsigned u = 0; u < i.useCount; ++u) {
    const RegisterUse &use = i.uses[u];
    if (uint32_t bad = use.isResult && !accumulate ? 0 : warp.undefined.lanes(use.slot)) {
      step = warp.failUndefined(i, use.slot, bad, "a matrix product");
      return false;
    }
    if (use.isResult)
      warp.undefined.define(use.slot, use.bytes, ~0u);
  }
  return true;
}

uint32_t shapeKey(const Instruction &i) { return static_cast<uint32_t>(i.count) << 24 ^ static_cast<uint32_t>(i.imm); }

bool failFence(Warp &warp, const Instruction &i, const MatrixState::Register &reg, Step &step) {
  step = failAt(warp, i, FaultKind::MatrixRegister,
                "a register of this wgmma was touched by another instruction since the last wgmma.fence; missing: "
                "wgmma.fence before this instruction");
  warp.cta->fault.other = reg.by;
  return false;
}

/// Rules 1 to 3 of MatrixPlan.h for the wgmma numbered `number`.
bool useRegisters(Warp &warp, const Instruction &i, uint64_t number, Step &step) {
  const MatrixPlan &plan = *warp.cta->program->matrix;
  const MatrixPlan::Operands &operands = plan.operands[plan.numberOf[i.index]];
  MatrixState &state = warp.matrix;
  if (!state.fenced) {
    step = failAt(warp, i, FaultKind::MatrixRegister,
                  "the warp's first wgmma has no wgmma.fence before it; missing: wgmma.fence before this instruction");
    return false;
  }
  for (uint32_t at : operands.accumulators) {
    MatrixState::Register &reg = state.registers[at];
    if (reg.touched == state.epoch)
      return failFence(warp, i, reg, step);
    bool unordered = reg.written == state.epoch && reg.shape != shapeKey(i);
    if (unordered || reg.reader > state.waited || (reg.writer > state.waited && reg.shape != shapeKey(i))) {
      step = failAt(warp, i, FaultKind::MatrixRegister,
                    "an accumulator is in use by an earlier wgmma of another shape, or as its A; missing: "
                    "wgmma.wait_group and wgmma.fence between the two");
      return false;
    }
    reg.writer = number;
    reg.written = state.epoch;
    reg.shape = shapeKey(i);
  }
  for (uint32_t at : operands.a) {
    MatrixState::Register &reg = state.registers[at];
    if (reg.touched == state.epoch)
      return failFence(warp, i, reg, step);
    if (reg.writer > state.waited) {
      step = failAt(warp, i, FaultKind::MatrixRegister,
                    "A is an accumulator of a wgmma in flight; missing: wgmma.wait_group before this instruction");
      return false;
    }
    reg.reader = number;
  }
  return true;
}

/// The chunks of one operand, checked and recorded as read. False with the fault.
struct ChunkReader {
  Warp &warp;
  const Instruction &i;
  Accessor who;
  const View *known;
  std::vector<const uint8_t *> &out;
  bool good = true;
  uint32_t noticedAt = 0; ///< The last chunk that SharedMemory noticed something at.

  void operator()(uint32_t address) {
    SharedMemory &shared = warp.cta->shared;
    if (!good)
      return;
    if (address >= shared.size() || 16 > shared.size() - address) {
      good = false;
      failBounds(warp, i, 0, Space::Shared, address, 16);
      warp.cta->fault.kind = FaultKind::BadDescriptor;
      return;
    }
    good = shared.readAsync(address, 16, who, *known);
    if (!good)
      failShared(warp, i, 0, *warp.cta, address, 16, false);
    else if (shared.hasNotice())
      noticedAt = address;
    out.push_back(shared.data() + address);
  }
};

/// Tells what was noticed of an operand, once.
bool finishOperand(const ChunkReader &reader) {
  if (reader.good && reader.warp.cta->shared.hasNotice())
    noteShared(reader.warp, reader.i, 0, reader.noticedAt, 16);
  return reader.good;
}

bool readMatrices(Warp &warp, const Instruction &i, const WgmmaShape &shape, const MatrixOperation &operation,
                  unsigned channel, std::vector<const uint8_t *> &a, std::vector<const uint8_t *> &b) {
  Accessor who = Accessor::make(channel, 0, i.index, false);
  MatrixDescriptor descriptor;
  const char *wrong = shape.aInRegisters ? nullptr : descriptor.decode(operation.a);
  if (!wrong && !shape.aInRegisters) {
    ChunkReader reader{warp, i, who, operation.knownBy.data(), a};
    // Both orders of eachChunkOfA go through the rows of one warp after the other.
    unsigned ofAWarp = shape.aColumns ? 2 * shape.k : 16 * (shape.k / shape.chunkElements()), number = 0;
    eachChunkOfA(shape, descriptor, [&](uint32_t address) {
      reader.known = &operation.knownBy[number++ / ofAWarp];
      reader(address);
    });
    if (!finishOperand(reader))
      return false;
  }
  if (!wrong)
    wrong = descriptor.decode(operation.b);
  if (wrong) {
    failAt(warp, i, FaultKind::BadDescriptor, wrong);
    return false;
  }
  ChunkReader reader{warp, i, who, &operation.known, b};
  eachChunkOfB(shape, descriptor, std::ref(reader));
  return finishOperand(reader);
}

/// All four warps have issued the first pending one.
bool carryOut(Warp &warp, Warpgroup &group) {
  MatrixOperation operation = group.pending.front();
  group.pending.pop_front();
  Cta &cta = *warp.cta;
  const Instruction &i = *operation.instruction;
  WgmmaShape shape = loadShape(i);
  if (group.channel == 0)
    group.channel = cta.shared.clocks.addChannel();
  if (group.channel == 0) {
    failAt(warp, i, FaultKind::NotModelled, "more asynchronous channels in one block than the clocks have room for");
    return false;
  }
  std::vector<const uint8_t *> &a = group.chunksOfA, &b = group.chunksOfB;
  a.clear();
  b.clear();
  if (!readMatrices(warp, i, shape, operation, group.channel, a, b))
    return false;
  Warp *warps[4];
  for (unsigned w = 0; w < 4; ++w)
    warps[w] = cta.warps[warp.index / 4 * 4 + w].get();
  multiplyTiles(warps, shape, {i.op, i.op + shape.accumulatorRegisters(), a.data(), b.data(), operation.accumulate});
  ++group.executed;
  group.times.push_back(cta.shared.clocks.release());
  cta.noteEvent();
  for (Warp *each : warps)
    each->wakeEvent(kMatrixEvent);
  return true;
}

/// op: accumulators, A's registers or descriptor, B's descriptor, scale-d and its flip.
Step multiply(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step = Step::Next;
  if (!warp.requireWarpgroup(i, lanes, step))
    return step;
  Warpgroup &group = groupOf(warp);
  MatrixOperation mine;
  mine.instruction = &i;
  WgmmaShape shape = loadShape(i);
  if (!readOperands(warp, i, shape, mine, step) || !useDefined(warp, i, mine.accumulate, step) ||
      !useRegisters(warp, i, warp.matrix.issued + 1, step))
    return step;
  Clocks &clocks = warp.cta->shared.clocks;
  clocks.finishReads(warp.index);
  mine.known = clocks.issueView(warp.index);
  size_t at = warp.matrix.issued++ - group.executed;
  if (at == group.pending.size()) {
    group.pending.push_back(mine);
    group.pending[at].knownBy[warp.index % 4] = mine.known;
  } else {
    MatrixOperation &first = group.pending[at];
    if (first.instruction != &i || first.a != mine.a || first.b != mine.b || first.accumulate != mine.accumulate) {
      step = failAt(warp, i, first.instruction != &i ? FaultKind::DivergentBarrier : FaultKind::BadDescriptor,
                    "the warps of a warpgroup do not execute the same wgmma with the same descriptors");
      warp.cta->fault.other = first.instruction->index;
      return step;
    }
    first.knownBy[warp.index % 4] = mine.known;
    first.known.keepCommon(mine.known);
  }
  clocks.publish(warp.index, group.gathered);
  group.pending[at].issuers |= 1u << warp.index % 4;
  if (group.pending.front().issuers == 15 && !carryOut(warp, group))
    return Step::Fault;
  return Step::Next;
}

Step fence(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step = Step::Next;
  if (warp.requireWarpgroup(i, lanes, step))
    ++warp.matrix.epoch, warp.matrix.fenced = true;
  return step;
}

Step commit(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step = Step::Next;
  if (warp.requireWarpgroup(i, lanes, step))
    warp.matrix.groups.push_back(warp.matrix.issued);
  return step;
}

/// imm: groups that may stay in flight.
Step wait(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step = Step::Next;
  if (!warp.requireWarpgroup(i, lanes, step))
    return step;
  MatrixState &state = warp.matrix;
  if (state.groups.size() <= i.imm)
    return Step::Next;
  uint64_t target = state.groups[state.groups.size() - 1 - i.imm];
  Warpgroup &group = groupOf(warp);
  if (target > group.executed)
    return warp.park(lanes, i.index, Fragment::AtEvent, kMatrixEvent);
  if (target <= state.waited)
    return Step::Next;
  state.waited = target;
  Clocks &clocks = warp.cta->shared.clocks;
  clocks.learn(warp.index, group.gathered);
  clocks.learnChannel(warp.index, group.channel, group.times[target - 1]);
  return Step::Next;
}

/// -1 or 1 as an immediate.
bool takeSign(Decoder &d, size_t operand, WgmmaShape &shape) {
  uint64_t value = 0;
  if (!d.immediate(operand, value) || (value != 1 && value != ~uint64_t(0)))
    return d.fail("imm-scale must be 1 or -1");
  shape.negated ^= value != 1;
  return true;
}

bool takeColumns(Decoder &d, size_t operand, bool &columns) {
  uint64_t value = 0;
  if (!d.immediate(operand, value) || value > 1)
    return d.fail("imm-trans must be 0 or 1");
  columns = value == 1;
  return true;
}

/// Whether these types multiply, and with which K.
bool checkTypes(Decoder &d, WgmmaShape &shape) {
  bool floats = shape.accumulator == Type::F32 || shape.accumulator == Type::F16;
  bool bytes = shape.a == Type::E4M3 || shape.a == Type::E5M2;
  unsigned k = 0;
  if ((shape.a == Type::F16 && shape.b == Type::F16 && floats) ||
      (shape.a == Type::BF16 && shape.b == Type::BF16 && shape.accumulator == Type::F32))
    k = 16;
  else if (shape.a == Type::TF32 && shape.b == Type::TF32 && shape.accumulator == Type::F32)
    k = 8;
  else if (bytes && (shape.b == Type::E4M3 || shape.b == Type::E5M2) && floats)
    k = 32;
  else if ((shape.a == Type::S8 || shape.a == Type::U8) && (shape.b == Type::S8 || shape.b == Type::U8) &&
           shape.accumulator == Type::S32)
    k = 32;
  return (k != 0 && k == shape.k) || d.fail("these types and shape do not multiply");
}

/// m64nNkK.
bool takeShape(Decoder &d, WgmmaShape &shape) {
  for (unsigned n = 8; n <= 256; n += 8)
    for (unsigned k : {8u, 16u, 32u})
      if (d.take("m64n" + std::to_string(n) + "k" + std::to_string(k))) {
        shape.n = n;
        shape.k = k;
        return true;
      }
  return d.fail("this shape does not exist");
}

/// PTX ISA, 9.7.15.5.2: imm-scale-a, imm-scale-b for floats; imm-trans for 16 bits, of A only in shared memory.
bool takeImmediates(Decoder &d, WgmmaShape &shape) {
  bool floats = shape.accumulator != Type::S32, halves = shape.k == 16;
  size_t count = 4 + (floats ? 2 : 0) + (halves ? (shape.aInRegisters ? 1 : 2) : 0);
  if (!d.operands(count))
    return false;
  if (floats && (!takeSign(d, 4, shape) || !takeSign(d, 5, shape)))
    return false;
  if (!halves)
    return true;
  return shape.aInRegisters ? takeColumns(d, 6, shape.bColumns)
                            : takeColumns(d, 6, shape.aColumns) && takeColumns(d, 7, shape.bColumns);
}

bool decodeMultiply(Decoder &d) {
  WgmmaShape shape;
  if (d.take("sp"))
    return d.fail("sparse matrices are not modelled");
  if (!d.take("sync") || !d.take("aligned") || !takeShape(d, shape))
    return d.fail("needs .sync.aligned and a shape");
  shape.accumulator = d.takeType();
  shape.a = d.takeType();
  shape.b = d.takeType();
  shape.saturate = d.take("satfinite");
  if (!d.operands(4, 8) || !checkTypes(d, shape))
    return false;
  if (shape.accumulator == Type::S32 && shape.n > 32 && shape.n % 16 != 0)
    return d.fail("this shape does not exist for integers");
  shape.aInRegisters = d.operand(1).kind == ptx::Operand::Vector;
  if (!takeImmediates(d, shape))
    return false;
  Type accumulator = shape.accumulator == Type::F16 ? Type::B32 : shape.accumulator;
  storeShape(shape, d.out);
  d.rule(Rule::Own);
  d.noteSharedAccess(16);
  return d.writeVector(0, accumulator, shape.accumulatorRegisters()) &&
         (shape.aInRegisters ? d.readVector(1, Type::B32, 4) : d.read(1, Type::B64)) && d.read(2, Type::B64) &&
         d.readPredicate(3) && d.finish(multiply);
}

bool decodeWgmma(Decoder &d) {
  if (d.take("mma_async"))
    return decodeMultiply(d);
  int kind = d.takeOneOf({"fence", "commit_group", "wait_group"});
  if (kind < 0 || !d.take("sync") || !d.take("aligned"))
    return d.fail("only mma_async, fence, commit_group and wait_group are modelled");
  if (kind == 2)
    return d.operands(1) && d.immediate(0, d.out.imm) && d.finish(wait);
  return d.operands(0) && d.finish(kind == 0 ? fence : commit);
}

constexpr Opcode kOpcodes[] = {{"wgmma", decodeWgmma}};

} // namespace

std::span<const Opcode> warpgroupOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
