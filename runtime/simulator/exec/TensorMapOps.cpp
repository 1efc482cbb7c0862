//===- TensorMapOps.cpp - tensormap.replace, tensormap.cp_fenceproxy ------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.9.28 and 9.7.13.4: a thread changes one field of a tensor map in shared or global memory; a warp copies
// a map from shared to global memory. Both read and write all 128 bytes, as ordinary accesses. What a changed map
// says is judged where a copy uses it, since fields may be changed in any order. A map need not come from the driver:
// 128 zero bytes are one whose fields are all 0, which is how kernels (Triton's) make a map of nothing.
//
//===----------------------------------------------------------------------===//

//|
//|   tensormap.replace.tile.rank.shared::cta.b1024.b32 [map], 1;            two dimensions: the field counts from 0
//|   tensormap.replace.tile.global_dim.shared::cta.b1024.b32 [map], 1, n;   n elements along dimension 1
//|   tensormap.replace.tile.global_stride.shared::cta.b1024.b64 [map], 0, s;  s bytes between elements of dimension 1

#include "runtime/simulator/TensorMap.h"
#include "runtime/simulator/exec/Access.h"

#include <algorithm>
#include <cstring>

namespace imbrex::simulator {
namespace {

/// In the order of decodeReplace's words.
enum class Field : uint8_t {
  Address,
  Rank,
  BoxDim,
  GlobalDim,
  GlobalStride,
  ElementStride,
  Type,
  Interleave,
  Swizzle,
  Fill
};

constexpr uint64_t kMapBytes = 128, kMapAlign = 64, kPieceBytes = 16;

/// Element types as the instruction numbers them.
constexpr TensorType kTypes[] = {TensorType::U8,         TensorType::U16, TensorType::U32,  TensorType::S32,
                                 TensorType::U64,        TensorType::S64, TensorType::F16,  TensorType::F32,
                                 TensorType::F32Flushed, TensorType::F64, TensorType::BF16, TensorType::TF32,
                                 TensorType::TF32Flushed};
constexpr uint8_t kRowBytes[] = {16, 32, 64, 128};

/// Reads the map at `address`; false with the fault.
bool readBytes(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, uint8_t *bytes) {
  if (address % kMapAlign != 0)
    return failMisaligned(warp, i, lane, space, address, kMapBytes) != nullptr;
  for (uint64_t at = 0; at < kMapBytes; at += kPieceBytes) {
    const uint8_t *piece = readAny(warp, i, lane, space, address + at, kPieceBytes);
    if (!piece)
      return false;
    std::memcpy(bytes + at, piece, kPieceBytes);
  }
  return true;
}

bool writeBytes(Warp &warp, const Instruction &i, unsigned lane, Space space, uint64_t address, const uint8_t *bytes) {
  if (address % kMapAlign != 0)
    return failMisaligned(warp, i, lane, space, address, kMapBytes) != nullptr;
  for (uint64_t at = 0; at < kMapBytes; at += kPieceBytes) {
    uint8_t *piece = writeAny(warp, i, lane, space, address + at, kPieceBytes, bytes + at);
    if (!piece)
      return false;
    std::memcpy(piece, bytes + at, kPieceBytes);
  }
  return true;
}

/// The map in `bytes`: one that was encoded, or a blank one. False where it is neither.
bool decodeMap(const uint8_t (&bytes)[kMapBytes], TensorMap &map) {
  std::memcpy(&map, bytes, sizeof(map));
  if (map.magic == TensorMap::kMagic)
    return true;
  if (std::any_of(std::begin(bytes), std::end(bytes), [](uint8_t byte) { return byte != 0; }))
    return false;
  map = TensorMap();
  map.rank = 1; // The field counts from 0.
  std::fill(std::begin(map.elementStride), std::end(map.elementStride), uint8_t(0));
  return true;
}

/// Empty, or why the map cannot say so.
std::string replaceField(TensorMap &map, Field field, unsigned dimension, uint64_t value) {
  auto outside = [&](const char *what) { return std::string(what) + " of " + std::to_string(value); };
  switch (field) {
  case Field::Address:
    map.base = value;
    return {};
  case Field::Rank:
    map.rank = static_cast<uint8_t>(value + 1);
    return value < 5 ? "" : outside("a rank field");
  case Field::BoxDim:
    map.lastInBox[dimension] = static_cast<uint8_t>(value - 1);
    return value - 1 < 256 ? "" : outside("a box dimension");
  case Field::GlobalDim:
    map.lastIndex[dimension] = static_cast<uint32_t>(value) - 1;
    return value != 0 ? "" : outside("a dimension");
  case Field::GlobalStride:
    map.strides[dimension] = value;
    return {};
  case Field::ElementStride:
    map.elementStride[dimension] = static_cast<uint8_t>(value);
    return value - 1 < 8 ? "" : outside("an element stride");
  case Field::Type:
    map.type = value < std::size(kTypes) ? kTypes[value] : map.type;
    return value < std::size(kTypes) ? "" : outside("an element type, which is not modelled,");
  case Field::Interleave:
    return value == 0 ? "" : outside("an interleaved layout, which is not modelled,");
  case Field::Swizzle:
    map.rowBytes = value < std::size(kRowBytes) ? kRowBytes[value] : map.rowBytes;
    return value < std::size(kRowBytes) ? "" : outside("a swizzle mode, which is not modelled,");
  case Field::Fill:
    map.fillsNan = value == 1;
    return value < 2 ? "" : outside("a fill mode");
  }
  return {};
}

/// op: base, value. target: field and dimension.
template <class T> Step replace(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    uint64_t address = laneAddress(warp, i, i.op[0], lane);
    uint8_t bytes[kMapBytes];
    if (!readBytes(warp, i, lane, spaceOf(i), address, bytes))
      return Step::Fault;
    TensorMap map;
    if (!decodeMap(bytes, map))
      return warp.fail(FaultKind::BadTensorMap, i, lane,
                       "the address holds neither a tensor map that this device's driver encoded nor 128 zero bytes");
    std::string wrong = replaceField(map, static_cast<Field>(i.target & 15), i.target >> 4, warp.reg<T>(i.op[1])[lane]);
    if (!wrong.empty())
      return warp.fail(FaultKind::BadTensorMap, i, lane, wrong);
    map.isReplaced = true;
    std::memcpy(bytes, &map, sizeof(map));
    if (!writeBytes(warp, i, lane, spaceOf(i), address, bytes))
      return Step::Fault;
  }
  return Step::Next;
}

/// op: destination and source, base and offset each. The first lane's addresses are the warp's.
Step copyMap(Warp &warp, const Instruction &i, uint32_t lanes) {
  Step step;
  if (!warp.requireWhole(i, lanes, step))
    return step;
  unsigned lane = static_cast<unsigned>(__builtin_ctz(lanes));
  auto address = [&](unsigned at) {
    return laneAddress(warp, i.op[at], static_cast<uint64_t>(static_cast<int32_t>(i.op[at + 1])), lane);
  };
  uint8_t bytes[kMapBytes];
  return readBytes(warp, i, lane, Space::Shared, address(2), bytes) &&
                 writeBytes(warp, i, lane, Space::Global, address(0), bytes)
             ? Step::Next
             : Step::Fault;
}

bool decodeReplace(Decoder &d) {
  if (!d.take("tile"))
    return d.fail("only .tile is modelled");
  int field = d.takeOneOf({"global_address", "rank", "box_dim", "global_dim", "global_stride", "element_stride",
                           "elemtype", "interleave_layout", "swizzle_mode", "fill_mode"});
  Space space = d.takeSpace();
  if (field < 0 || !d.take("b1024") || (space != Space::Generic && space != Space::Global && space != Space::Shared))
    return d.fail("this field or space is not modelled");
  Type type = d.takeType();
  Field which = static_cast<Field>(field);
  bool isWide = which == Field::Address || which == Field::GlobalStride;
  if (type != (isWide ? Type::B64 : Type::B32))
    return d.fail(isWide ? "the field has 64 bits" : "the field has 32 bits");
  bool hasDimension = which >= Field::BoxDim && which <= Field::ElementStride;
  uint64_t dimension = 0;
  if (!d.operands(hasDimension ? 3 : 2) || (hasDimension && !d.immediate(1, dimension)))
    return false;
  if (dimension >= (which == Field::GlobalStride ? 4u : 5u))
    return d.fail("has no dimension " + std::to_string(dimension));
  d.rule(Rule::Use);
  d.out.flags = static_cast<uint32_t>(space) << kSpaceShift;
  d.out.target = static_cast<uint32_t>(field) | static_cast<uint32_t>(dimension) << 4;
  if (space != Space::Global)
    d.noteSharedAccess(kPieceBytes);
  return d.address(0) && d.read(hasDimension ? 2 : 1, type) && d.finish(isWide ? replace<uint64_t> : replace<uint32_t>);
}

/// tensormap.cp_fenceproxy.global.shared::cta.tensormap::generic.release.scope.sync.aligned [dst], [src], 128.
bool decodeCopyMap(Decoder &d) {
  uint64_t size = 0;
  if (!d.take("global") || !d.take("shared::cta") || !d.take("tensormap::generic") || !d.take("release") ||
      d.takeOneOf({"cta", "cluster", "gpu", "sys"}) < 0 || !d.take("sync") || !d.take("aligned"))
    return d.fail("needs .global.shared::cta.tensormap::generic.release, a scope, .sync.aligned");
  d.rule(Rule::Use);
  d.noteSharedAccess(kPieceBytes);
  return d.operands(3) && d.addressWithOffset(0) && d.addressWithOffset(1) && d.immediate(2, size) &&
         (size == kMapBytes || d.fail("the size must be 128")) && d.finish(copyMap);
}

bool decodeTensorMap(Decoder &d) {
  int kind = d.takeOneOf({"replace", "cp_fenceproxy"});
  return kind < 0 ? d.fail("is neither replace nor cp_fenceproxy") : kind == 0 ? decodeReplace(d) : decodeCopyMap(d);
}

constexpr Opcode kOpcodes[] = {{"tensormap", decodeTensorMap}};

} // namespace

std::span<const Opcode> tensorMapOpcodes() { return kOpcodes; }

} // namespace imbrex::simulator
