//===- TensorMap.cpp - The 128 bytes that describe a tensor ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver's checks; see the header.
//
//===----------------------------------------------------------------------===//

#include "runtime/simulator/TensorMap.h"

namespace imbrex::simulator {
namespace {

constexpr int kTypes = 13, kSwizzles = 4, kPromotions = 4;
constexpr unsigned kElementBytes[kTypes] = {1, 2, 4, 4, 8, 8, 2, 4, 8, 2, 4, 4, 4};
constexpr uint32_t kRowBytes[kSwizzles] = {16, 32, 64, 128};

bool isFloatType(int type) { return type >= int(TensorType::F16); }

/// The checks that look at one dimension.
std::string checkDimension(const TensorMapRequest &r, uint32_t d) {
  std::string name = "dimension " + std::to_string(d);
  if (r.extents[d] == 0 || r.extents[d] > uint64_t(1) << 32)
    return "globalDim of " + name + " is " + std::to_string(r.extents[d]) + ", not 1 to 2^32";
  if (r.box[d] == 0 || r.box[d] > 256)
    return "boxDim of " + name + " is " + std::to_string(r.box[d]) + ", not 1 to 256";
  if (r.elementStrides[d] == 0 || r.elementStrides[d] > 8)
    return "elementStrides of " + name + " is " + std::to_string(r.elementStrides[d]) + ", not 1 to 8";
  return {};
}

std::string checkKinds(const TensorMapRequest &r) {
  if (r.type < 0 || r.type >= kTypes)
    return "tensorDataType " + std::to_string(r.type) + " is unknown";
  if (r.rank < 1 || r.rank > 5)
    return "tensorRank " + std::to_string(r.rank) + " is not 1 to 5";
  if (r.interleave != 0)
    return "interleaved layouts are not modelled";
  if (r.swizzle < 0 || r.swizzle >= kSwizzles)
    return "swizzle " + std::to_string(r.swizzle) + " is unknown";
  if (r.promotion < 0 || r.promotion >= kPromotions)
    return "l2Promotion " + std::to_string(r.promotion) + " is unknown";
  if (r.fill < 0 || r.fill > 1)
    return "oobFill " + std::to_string(r.fill) + " is unknown";
  if (!r.extents || (r.rank > 1 && !r.strides) || !r.box || !r.elementStrides)
    return "an array is null";
  return {};
}

} // namespace

unsigned TensorMap::elementBytes() const { return kElementBytes[unsigned(type)]; }

uint64_t TensorMap::boxBytes() const {
  uint64_t bytes = elementBytes();
  for (unsigned d = 0; d < rank; ++d)
    bytes *= kept(d);
  return bytes;
}

std::string wrongWith(const TensorMap &map) {
  if (map.base % 16 != 0 || map.base == 0)
    return "globalAddress is not a multiple of 16 bytes";
  for (unsigned d = 1; d < map.rank; ++d)
    if (map.strides[d - 1] % 16 != 0 || map.strides[d - 1] >= uint64_t(1) << 40)
      return "globalStrides of dimension " + std::to_string(d) + " is " + std::to_string(map.strides[d - 1]) +
             " bytes, not a multiple of 16 below 2^40";
  for (unsigned d = 0; d < map.rank; ++d)
    if (map.elementStride[d] == 0)
      return "elementStrides of dimension " + std::to_string(d) + " was not set";
  if (map.fillsNan && !isFloatType(int(map.type)))
    return "oobFill does not fit the type";
  uint64_t row = uint64_t(map.kept(0)) * map.elementBytes();
  if (row % 16 != 0)
    return "a row of the box has " + std::to_string(row) + " bytes, not a multiple of 16";
  if (map.rowBytes != kRowBytes[0] && row > map.rowBytes)
    return "a row of the box has " + std::to_string(row) + " bytes, more than the " + std::to_string(map.rowBytes) +
           " of the swizzle";
  return {};
}

std::string encodeTensorMap(const TensorMapRequest &r, TensorMap &out) {
  std::string wrong = checkKinds(r);
  for (uint32_t d = 0; wrong.empty() && d < r.rank; ++d)
    wrong = checkDimension(r, d);
  if (!wrong.empty())
    return wrong;
  TensorMap map;
  map.base = r.base;
  map.rank = static_cast<uint8_t>(r.rank);
  map.type = static_cast<TensorType>(r.type);
  map.rowBytes = static_cast<uint8_t>(kRowBytes[r.swizzle]);
  map.fillsNan = r.fill == 1;
  for (uint32_t d = 0; d < r.rank; ++d) {
    map.lastIndex[d] = static_cast<uint32_t>(r.extents[d] - 1);
    map.lastInBox[d] = static_cast<uint8_t>(r.box[d] - 1);
    map.elementStride[d] = static_cast<uint8_t>(r.elementStrides[d]);
    if (d > 0)
      map.strides[d - 1] = r.strides[d - 1];
  }
  wrong = wrongWith(map);
  out = wrong.empty() ? map : out;
  return wrong;
}

} // namespace imbrex::simulator
