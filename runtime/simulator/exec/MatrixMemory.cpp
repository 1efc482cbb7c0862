//===- MatrixMemory.cpp - ldmatrix, stmatrix and movmatrix ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA: 8x8 matrices of 16-bit elements. Lane 8m + r names the address of row r (16 bytes) of
// matrix m; lane l holds elements (l / 4, 2 (l % 4)) and the next one, or with .trans elements
// (2 (l % 4), l / 4) and the one below. The accesses are made by the lanes that name addresses.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/exec/Access.h"

#include <cstring>

namespace imbrex::simulator {
namespace {

/// A row's address in shared memory: what the lane names, or where the instruction names no space, the
/// place of that generic address. A generic address elsewhere lies past the end of shared memory.
uint64_t rowAddress(Warp &warp, const Instruction &i, uint32_t base, unsigned lane) {
  uint64_t address = laneAddress(warp, i, base, lane);
  return spaceOf(i) == Space::Generic ? address - kSharedWindow : address;
}

/// Lane `lane`'s pair of elements of a matrix given as eight 16-byte rows.
uint32_t elementPair(const uint8_t *rows, unsigned lane, bool transposed) {
  uint32_t pair;
  if (!transposed) {
    std::memcpy(&pair, rows + 16 * (lane / 4) + 4 * (lane % 4), 4);
    return pair;
  }
  uint16_t first, second;
  std::memcpy(&first, rows + 32 * (lane % 4) + 2 * (lane / 4), 2);
  std::memcpy(&second, rows + 32 * (lane % 4) + 16 + 2 * (lane / 4), 2);
  return uint32_t(second) << 16 | first;
}

/// Rows that nothing wrote become undefined bits of the fragments.
void settleMatrices(Warp &warp, const Instruction &i) {
  uint8_t rows[4 * 128] = {};
  bool isComputed = false;
  for (const UnwrittenLoad &load : warp.unwritten) {
    isComputed |= load.isComputed;
    for (unsigned byte = 0; byte < 16; ++byte)
      rows[16 * load.lane + byte] = load.mask >> byte & 1 ? 255 : 0;
  }
  warp.unwritten.clear();
  for (unsigned u = 0; u < i.useCount; ++u)
    for (unsigned m = 0; m < i.count && i.uses[u].isResult; ++m)
      for (unsigned lane = 0; lane < 32 && i.op[m] == i.uses[u].slot; ++lane)
        warp.undefined.set(i.op[m], 4, lane, elementPair(rows + 128 * m, lane, i.bytes), isComputed, i.index);
}

/// op: destinations, base. count matrices; bytes 1 for .trans.
Step loadMatrix(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  alignas(16) uint8_t rows[4 * 128];
  SharedMemory &shared = warp.cta->shared;
  warp.unwritten.clear();
  uint32_t wanted = i.count == 4 ? ~0u : (1u << 8 * i.count) - 1, addresses[32];
  uint64_t all = 0;
  for (unsigned lane = 0; lane < 8u * i.count; ++lane) {
    uint64_t address = rowAddress(warp, i, i.op[i.count], lane);
    all |= address;
    addresses[lane] = static_cast<uint32_t>(address);
  }
  Accessor whole{accessor(warp, i, 0).bits | Accessor::kManyLanes};
  uint32_t done = (all & 15) == 0 && all >> 32 == 0 ? shared.readLanes(addresses, wanted, 16, whole) : 0;
  for (uint32_t rest = done; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    std::memcpy(rows + 16 * lane, shared.data() + addresses[lane], 16);
  }
  for (uint32_t rest = wanted & ~done; rest != 0; rest &= rest - 1) { // Those that need a closer look.
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t address = rowAddress(warp, i, i.op[i.count], lane);
    if (address >= shared.size() || 16 > shared.size() - address) [[unlikely]] {
      failBounds(warp, i, lane, Space::Shared, address, 16);
      return Step::Fault;
    }
    if (address & 15) [[unlikely]] {
      failMisaligned(warp, i, lane, Space::Shared, address, 16);
      return Step::Fault;
    }
    Accessor who{accessor(warp, i, lane).bits | Accessor::kManyLanes};
    if (!shared.read(static_cast<uint32_t>(address), 16, who) && !noteUnwrittenShared(warp, lane, address, 16))
        [[unlikely]] {
      failShared(warp, i, lane, address, 16, false);
      return Step::Fault;
    }
    std::memcpy(rows + 16 * lane, shared.data() + address, 16);
  }
  for (unsigned m = 0; m < i.count; ++m) {
    uint32_t *d = warp.reg<uint32_t>(i.op[m]);
    if (!i.bytes) {
      std::memcpy(d, rows + 128 * m, 128);
      continue;
    }
    for (unsigned lane = 0; lane < 32; ++lane)
      d[lane] = elementPair(rows + 128 * m, lane, true);
  }
  if (!warp.unwritten.empty()) [[unlikely]]
    settleMatrices(warp, i);
  return Step::Next;
}

/// op: sources, base.
Step storeMatrix(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  alignas(16) uint8_t rows[4 * 128];
  for (unsigned m = 0; m < i.count; ++m) {
    const uint32_t *source = warp.reg<uint32_t>(i.op[m]);
    for (unsigned lane = 0; lane < 32; ++lane) {
      if (!i.bytes) {
        std::memcpy(rows + 128 * m + 4 * lane, source + lane, 4);
        continue;
      }
      uint16_t halves[2] = {static_cast<uint16_t>(source[lane]), static_cast<uint16_t>(source[lane] >> 16)};
      for (unsigned e = 0; e < 2; ++e)
        std::memcpy(rows + 128 * m + 16 * (2 * (lane % 4) + e) + 2 * (lane / 4), &halves[e], 2);
    }
  }
  for (unsigned lane = 0; lane < 8u * i.count; ++lane) {
    uint64_t address = rowAddress(warp, i, i.op[i.count], lane);
    uint8_t *to = writeShared(warp, i, lane, address, 16, rows + 16 * lane);
    if (!to)
      return Step::Fault;
    std::memcpy(to, rows + 16 * lane, 16);
  }
  return Step::Next;
}

bool decodeMatrixAccess(Decoder &d, bool isStore) {
  if (!d.take("sync") || !d.take("aligned") || !d.take("m8n8"))
    return d.fail("only .sync.aligned.m8n8 is modelled");
  int count = d.takeOneOf({"x1", "x2", "x4"});
  d.out.bytes = d.take("trans");
  Space space = d.takeSpace();
  if (space != Space::Generic && space != Space::Shared)
    return d.fail("only shared memory holds matrices");
  d.out.flags = static_cast<uint32_t>(space) << kSpaceShift;
  if (count < 0 || d.takeType() != Type::B16)
    return d.fail("needs .x1, .x2 or .x4 and .b16");
  d.out.count = static_cast<uint16_t>(1u << count);
  d.noteSharedAccess(16);
  if (isStore)
    d.rule(Rule::Use);
  size_t value = isStore ? 1 : 0;
  return d.operands(2) &&
         (isStore ? d.readVector(value, Type::B32, d.out.count) : d.writeVector(value, Type::B32, d.out.count)) &&
         d.address(1 - value) && d.finish(isStore ? storeMatrix : loadMatrix);
}

bool decodeLoadMatrix(Decoder &d) { return decodeMatrixAccess(d, false); }
bool decodeStoreMatrix(Decoder &d) { return decodeMatrixAccess(d, true); }

/// op: d, a. The transpose of one 8x8 matrix held in registers.
Step moveMatrix(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireFull(i, lanes, step))
    return step;
  uint8_t rows[128];
  std::memcpy(rows, warp.reg<uint32_t>(i.op[1]), 128);
  for (unsigned lane = 0; lane < 32; ++lane)
    warp.reg<uint32_t>(i.op[0])[lane] = elementPair(rows, lane, true);
  return Step::Next;
}

bool decodeMoveMatrix(Decoder &d) {
  d.rule(Rule::Move);
  bool known = d.take("sync") && d.take("aligned") && d.take("m8n8") && d.take("trans") && d.takeType() == Type::B16;
  return d.operands(2) && d.write(0, Type::B32) && d.read(1, Type::B32) && d.finish(known ? moveMatrix : nullptr);
}

constexpr Opcode kOpcodes[] = {
    {"ldmatrix", decodeLoadMatrix}, {"stmatrix", decodeStoreMatrix}, {"movmatrix", decodeMoveMatrix}};

} // namespace

std::span<const Opcode> matrixMemoryOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
