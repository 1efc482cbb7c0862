//===- TensorCopy.cpp - cp.async.bulk.tensor ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// PTX ISA, 9.7.9.25.5: boxes of tensors of one to five dimensions, tile mode; loads, stores, reductions and
// prefetches. Geometry is TensorMap.h's. A load counts the bytes of the whole box, filled ones included.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/TensorMap.h"
#include "runtime/simulator/exec/AsyncCopy.h"
#include "runtime/simulator/exec/MatrixDescriptor.h"

#include <array>
#include <cstring>

namespace imbrex::simulator {
namespace {

constexpr unsigned kReductionShift = 12;
constexpr unsigned kTensorAlign = 128, kMapAlign = 64;

using Coordinates = std::array<int64_t, 5>;

bool failMap(Warp &warp, const Instruction &i, unsigned lane, std::string detail) {
  warp.fail(FaultKind::BadTensorMap, i, lane, std::move(detail));
  return false;
}

/// The map at a generic address: a parameter, constant or global memory.
bool readMap(Warp &warp, const Instruction &i, unsigned lane, uint64_t address, TensorMap &map) {
  const uint8_t *bytes = nullptr;
  if (address % kMapAlign != 0)
    return failMap(warp, i, lane, "a tensor map lies at a multiple of 64 bytes");
  if (address - kParamWindow < kWindowBytes) {
    const std::vector<uint8_t> &params = warp.cta->launch->params;
    uint64_t offset = address - kParamWindow;
    if (offset >= params.size() || 128 > params.size() - offset)
      return failMap(warp, i, lane, "the tensor map's address lies outside the parameters");
    bytes = params.data() + offset;
  } else {
    bytes = readGlobalRange(warp, i, lane, address, sizeof(TensorMap));
  }
  if (!bytes)
    return false;
  std::memcpy(&map, bytes, sizeof(map));
  if (map.magic != TensorMap::kMagic)
    return failMap(
        warp, i, lane,
        "the address holds no tensor map that this device's driver encoded; one that a program encodes itself, as "
        "CuTe DSL's do, is not modelled");
  std::string wrong = map.isReplaced ? wrongWith(map) : std::string();
  return wrong.empty() || failMap(warp, i, lane, "after tensormap.replace: " + wrong);
}

/// op points at the map's base and offset, then the coordinates; count: dimensions.
bool readTensor(Warp &warp, const Instruction &i, unsigned lane, const uint32_t *op, TensorMap &map, Coordinates &at) {
  if (!readMap(warp, i, lane, addressAt(warp, op, lane), map))
    return false;
  if (map.rank != i.count)
    return failMap(warp, i, lane,
                   "the tensor map has " + std::to_string(map.rank) + " dimensions, the instruction " +
                       std::to_string(i.count));
  if (map.rowBytes > 16 && map.kept(0) * map.elementBytes() != map.rowBytes)
    return failMap(warp, i, lane, "a box row narrower than its swizzle is not modelled");
  for (unsigned d = 0; d < map.rank; ++d)
    at[d] = warp.reg<int32_t>(op[2 + d])[lane];
  return true;
}

/// One row of a box: elements of dimension 0 whose other coordinates are fixed.
struct Row {
  uint64_t address = 0; ///< Global address of coordinate 0 of dimension 0.
  bool inside = false;  ///< Whether the other coordinates lie in the tensor.
};

/// Calls f(number, row) for the rows of the box at `at`, in the order of shared memory.
template <class F> bool eachRow(const TensorMap &map, const Coordinates &at, F f) {
  unsigned rows = 1;
  for (unsigned d = 1; d < map.rank; ++d)
    rows *= map.kept(d);
  for (unsigned number = 0; number < rows; ++number) {
    Row row{map.base, true};
    unsigned rest = number;
    for (unsigned d = 1; d < map.rank; ++d) {
      int64_t index = at[d] + int64_t(rest % map.kept(d)) * map.elementStride[d];
      rest /= map.kept(d);
      row.inside &= index >= 0 && static_cast<uint64_t>(index) < map.extent(d);
      row.address += static_cast<uint64_t>(index) * map.strides[d - 1];
    }
    if (!f(number, row))
      return false;
  }
  return true;
}

/// Elements of the row that lie in the tensor: [first, end) of those in shared memory.
void clip(const TensorMap &map, int64_t start, unsigned &first, unsigned &end) {
  int64_t step = map.elementStride[0], count = map.kept(0), extent = static_cast<int64_t>(map.extent(0));
  int64_t low = start >= 0 ? 0 : (-start + step - 1) / step;
  int64_t high = start >= extent ? 0 : std::min(count, (extent - start + step - 1) / step);
  first = static_cast<unsigned>(std::min(low, count));
  end = static_cast<unsigned>(std::max<int64_t>(high, first));
}

/// The value outside the tensor: zero, or a NaN of the type.
void fill(const TensorMap &map, uint8_t *row, unsigned count) {
  unsigned bytes = map.elementBytes();
  std::memset(row, 0, size_t(count) * bytes);
  if (!map.fillsNan)
    return;
  constexpr uint64_t kDouble = 0x7FFFFFFFFFFFFFFF;
  uint64_t pattern = bytes == 8 ? kDouble : bytes == 4 ? 0x7FFFFFFF : 0x7FFF;
  for (unsigned e = 0; e < count; ++e)
    std::memcpy(row + size_t(e) * bytes, &pattern, bytes);
}

/// Elements [first, end) of a row between global memory and packed bytes. False with the fault.
template <class F>
bool eachRun(Warp &warp, const Instruction &i, unsigned lane, const TensorMap &map, uint64_t address, unsigned first,
             unsigned end, bool isWrite, F f) {
  unsigned bytes = map.elementBytes(), step = map.elementStride[0];
  unsigned length = step == 1 ? end - first : 1;
  for (unsigned e = first; e < end; e += length) {
    uint64_t from = address + uint64_t(e) * step * bytes;
    uint8_t *place = isWrite ? writeGlobalRange(warp, i, lane, from, uint64_t(length) * bytes)
                             : const_cast<uint8_t *>(readGlobalRange(warp, i, lane, from, uint64_t(length) * bytes));
    if (!place)
      return false;
    f(place, e * bytes, length * bytes);
  }
  return true;
}

/// Moves one packed row to or from its swizzled place; `offset` is the row's in shared memory.
template <bool ToShared>
void moveRow(uint8_t *shared, uint32_t offset, uint32_t rowBytes, uint8_t *row, unsigned bytes) {
  for (unsigned at = 0; at < bytes; at += 16) {
    uint8_t *place = shared + swizzled(offset + at, rowBytes);
    std::memcpy(ToShared ? place : row + at, ToShared ? row + at : place, 16);
  }
}

constexpr unsigned kMostRowBytes = 256 * 8;

/// The box in global memory as packed bytes. False with the fault.
bool readBox(Warp &warp, const Instruction &i, unsigned lane, const TensorMap &map, const Coordinates &at,
             std::vector<uint8_t> &box) {
  unsigned bytes = map.kept(0) * map.elementBytes(), first, end;
  box.resize(map.boxBytes());
  clip(map, at[0], first, end);
  return eachRow(map, at, [&](unsigned number, const Row &row) {
    uint8_t *to = box.data() + size_t(number) * bytes;
    if (!row.inside || end - first != map.kept(0))
      fill(map, to, map.kept(0));
    uint64_t start = row.address + static_cast<uint64_t>(at[0]) * map.elementBytes();
    return !row.inside || eachRun(warp, i, lane, map, start, first, end, false,
                                  [&](const uint8_t *from, unsigned offset, unsigned length) {
                                    std::memcpy(to + offset, from, length);
                                  });
  });
}

/// op: destination, mbarrier (base and offset each), map (base and offset), coordinates, mask. Global to shared.
Step loadTensor(Warp &warp, const Instruction &i, uint32_t lanes) {
  std::vector<uint8_t> &box = warp.cta->scratch;
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest));
    TensorMap map;
    Coordinates at;
    if (!readTensor(warp, i, lane, i.op + 4, map, at) || !readBox(warp, i, lane, map, at, box))
      return Step::Fault;
    uint64_t to = addressAt(warp, i.op, lane), mbarrier = addressAt(warp, i.op + 2, lane);
    unsigned bytes = map.kept(0) * map.elementBytes();
    bool good = eachTarget(warp, i, lane, i.op[6 + i.count], [&](int rank) {
      SharedTarget target;
      if (!beginSharedWrite(warp, i, lane, inBlock(to, rank), inBlock(mbarrier, rank), box.size(), kTensorAlign,
                            target))
        return false;
      for (size_t offset = 0; offset < box.size(); offset += bytes)
        moveRow<true>(target.place.home->shared.data(), target.place.offset + static_cast<uint32_t>(offset),
                      map.rowBytes, box.data() + offset, bytes);
      return endSharedWrite(warp, i, lane, target, box.size());
    });
    if (!good)
      return Step::Fault;
  }
  return Step::Next;
}

/// The type in which a tensor's elements are reduced.
Type elementType(const TensorMap &map, Reduction operation) {
  bool bits = operation >= Reduction::And;
  switch (map.type) {
  case TensorType::U32:
    return bits ? Type::B32 : Type::U32;
  case TensorType::S32:
    return bits ? Type::B32 : Type::S32;
  case TensorType::U64:
    return bits ? Type::B64 : Type::U64;
  case TensorType::S64:
    return bits ? Type::B64 : Type::S64;
  case TensorType::F16:
    return Type::F16;
  case TensorType::BF16:
    return Type::BF16;
  case TensorType::F64:
    return Type::F64;
  case TensorType::U8:
  case TensorType::U16:
    return Type::None;
  default:
    return Type::F32;
  }
}

/// Checks what a store reads of shared memory: of the box at `from` the rows that lie in the tensor.
bool readRows(Warp &warp, const Instruction &i, unsigned lane, uint64_t from, const TensorMap &map,
              const Coordinates &at) {
  SharedPlace place;
  if (!resolveShared(warp, i, lane, from, map.boxBytes(), kTensorAlign, place))
    return false;
  unsigned bytes = map.kept(0) * map.elementBytes(), inside = 0, rows = 0;
  auto flush = [&](unsigned end) {
    uint64_t begin = from + uint64_t(end - inside) * bytes;
    return inside == 0 || readSharedForGroup(warp, i, lane, begin, uint64_t(std::exchange(inside, 0)) * bytes, 1);
  };
  return eachRow(map, at,
                 [&](unsigned number, const Row &row) {
                   rows = number + 1;
                   return row.inside ? (++inside, true) : flush(number);
                 }) &&
         flush(rows);
}

/// op: source, map (base and offset each), coordinates. Shared to global, or a reduction (bytes 1).
Step storeTensor(Warp &warp, const Instruction &i, uint32_t lanes) {
  bool isReduction = i.bytes != 0;
  Reduction operation = static_cast<Reduction>(i.flags >> kReductionShift & 15);
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    unsigned lane = static_cast<unsigned>(__builtin_ctz(rest)), first, end;
    TensorMap map;
    Coordinates at;
    if (!readTensor(warp, i, lane, i.op + 2, map, at))
      return Step::Fault;
    Type type = elementType(map, operation);
    if (isReduction && !reduces(operation, type))
      return failMap(warp, i, lane, "the tensor's type is not reduced so"), Step::Fault;
    uint64_t from = addressAt(warp, i.op, lane);
    clip(map, at[0], first, end);
    if (first != end && !readRows(warp, i, lane, from, map, at))
      return Step::Fault;
    unsigned bytes = map.kept(0) * map.elementBytes();
    bool good = eachRow(map, at, [&](unsigned number, const Row &row) {
      if (!row.inside)
        return true;
      uint8_t packed[kMostRowBytes];
      moveRow<false>(warp.cta->shared.data(), static_cast<uint32_t>(from & ((1u << kRankShift) - 1)) + number * bytes,
                     map.rowBytes, packed, bytes);
      uint64_t start = row.address + static_cast<uint64_t>(at[0]) * map.elementBytes();
      return eachRun(warp, i, lane, map, start, first, end, true, [&](uint8_t *to, unsigned offset, unsigned length) {
        if (isReduction)
          reduceInto(to, packed + offset, length, operation, type);
        else
          std::memcpy(to, packed + offset, length);
      });
    });
    if (!good)
      return Step::Fault;
  }
  return Step::Next;
}

/// op: map (base and offset), coordinates.
Step prefetchTensor(Warp &warp, const Instruction &i, uint32_t lanes) {
  for (uint32_t rest = lanes; rest != 0; rest &= rest - 1) {
    TensorMap map;
    Coordinates at;
    if (!readTensor(warp, i, static_cast<unsigned>(__builtin_ctz(rest)), i.op, map, at))
      return Step::Fault;
  }
  return Step::Next;
}

bool decodeLoad(Decoder &d) {
  if (d.takeOneOf({"shared::cluster", "shared::cta"}) < 0 || !d.take("global"))
    return d.fail("needs a destination in shared memory");
  if (!d.take("mbarrier::complete_tx::bytes"))
    return d.fail("needs .mbarrier::complete_tx::bytes");
  d.noteSharedAccess(16);
  return d.operands(3, 5) && d.addressWithOffset(0) && d.addressWithOffset(2) && d.tensorAddress(1, d.out.count) &&
         takeTrailing(d, 3) && d.finish(loadTensor);
}

bool decodeStore(Decoder &d, bool isReduction) {
  if (!d.take("global") || !d.take("shared::cta") || !d.take("bulk_group"))
    return d.fail("needs .global.shared::cta and .bulk_group");
  Reduction operation = Reduction::Add;
  if (isReduction && !takeReduction(d, operation))
    return false;
  d.out.bytes = isReduction;
  d.out.flags |= static_cast<uint32_t>(operation) << kReductionShift;
  bool policy = d.take("L2::cache_hint");
  d.noteSharedAccess(16);
  return d.operands(2 + policy) && d.addressWithOffset(1) && d.tensorAddress(0, d.out.count) &&
         (!policy || d.read(2, Type::B64)) && d.finish(storeTensor);
}

} // namespace

bool decodeTensorCopy(Decoder &d, bool isReduction, bool isPrefetch) {
  int rank = d.takeOneOf({"1d", "2d", "3d", "4d", "5d"});
  if (rank < 0)
    return d.fail("needs a number of dimensions");
  d.take("tile");
  d.out.count = static_cast<uint16_t>(rank + 1);
  if (isPrefetch) {
    if (!d.take("L2") || !d.take("global"))
      return d.fail("only .prefetch.tensor in .L2.global is modelled");
    bool policy = d.take("L2::cache_hint");
    return d.operands(1 + policy) && d.tensorAddress(0, d.out.count) && (!policy || d.read(1, Type::B64)) &&
           d.finish(prefetchTensor);
  }
  bool store = isReduction || d.has("bulk_group");
  return store ? decodeStore(d, isReduction) : decodeLoad(d);
}

} // namespace imbrex::simulator
