//===- TensorMap.cpp - Views as the copy engine sees them ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The driver counts dimensions the other way round, and strides in bytes.
//
//===----------------------------------------------------------------------===//

#include "runtime/TensorMap.h"
#include "runtime/DeviceContext.h"

using namespace imbrex;
using namespace imbrex::cuda;

namespace {

/// The last map that a thread has encoded of a kind of shapes.
struct Encoded {
  TensorMapShape shape;
  CUtensorMap map;
};

} // namespace

/// Maps that a thread keeps: of a few kernels with three or four views each.
static constexpr size_t kKept = 16;
/// The longest step between elements, in bytes (CUDA Driver API, "cuTensorMapEncodeTiled").
static constexpr int64_t kLongestStride = int64_t(1) << 40;

/// CUtensorMapDataType. Elements of 8 bits are bytes to the copy engine, whatever they stand for.
static int dataTypeOf(DataType type) {
  switch (type) {
  case DataType::F16:
    return 6;
  case DataType::BF16:
    return 9;
  case DataType::F32:
    return 7;
  case DataType::F64:
    return 8;
  default: // UINT8, UINT16, UINT32, UINT64
    return byteSize(type) == 1 ? 0 : byteSize(type) == 2 ? 1 : byteSize(type) == 4 ? 2 : 4;
  }
}

bool imbrex::hasTensorMap(DataType type, std::span<const int64_t> extents, std::span<const int64_t> strides) {
  if (extents.empty() || extents.size() > kTensorMapRank)
    return false;
  const int64_t longest = kLongestStride / byteSize(type);
  for (size_t i = 0; i < extents.size(); ++i)
    if (extents[i] == 0 || (extents[i] > 1 && (strides[i] <= 0 || strides[i] >= longest)))
      return false;
  return true;
}

template <typename Number> static std::string joined(std::span<const Number> numbers) {
  std::string text;
  for (Number number : numbers)
    text += (text.empty() ? "" : " x ") + std::to_string(number);
  return text;
}

static Result<void> encode(const DriverTable &driver, const TensorMapShape &shape, std::string_view view,
                           CUtensorMap &map) {
  std::array<unsigned long long, kTensorMapRank> extents{}, strides{};
  std::array<unsigned, kTensorMapRank> box{}, steps;
  steps.fill(1);
  const unsigned long long unit = 16; // what strides are multiples of, also those that lead to no element
  for (unsigned i = 0; i < shape.rank; ++i) {
    unsigned dimension = shape.rank - 1 - i;
    extents[i] = static_cast<unsigned long long>(shape.extents[dimension]);
    box[i] = shape.box[dimension];
    if (i > 0)
      strides[i - 1] = shape.extents[dimension] > 1
                           ? static_cast<unsigned long long>(shape.strides[dimension]) * byteSize(shape.type)
                           : unit;
  }
  // CU_TENSOR_MAP_SWIZZLE_NONE, 32B, 64B, 128B are 0, 1, 2, 3; L2 promotion of 256 bytes is 3; no interleaving, zeros
  // outside.
  const int swizzle = shape.span == 128 ? 3 : shape.span == 64 ? 2 : shape.span == 32 ? 1 : 0, promotion = 3;
  if (!driver.tensorMapEncodeTiled)
    return Error{ErrorKind::Driver,
                 "view '" + std::string(view) +
                     "' is copied by TMA, and the driver is too old: it lacks cuTensorMapEncodeTiled"};
  CUresult result =
      driver.tensorMapEncodeTiled(&map, dataTypeOf(shape.type), shape.rank, reinterpret_cast<void *>(shape.address),
                                  extents.data(), strides.data(), box.data(), steps.data(), 0, swizzle, promotion, 0);
  if (result == CUDA_SUCCESS)
    return {};
  const std::string elements = joined(std::span(shape.extents).first(shape.rank)) + " " + std::string(name(shape.type));
  Error error = DeviceContext::driverError(
      driver, result, "cuTensorMapEncodeTiled",
      elements + ", strides " + joined(std::span(shape.strides).first(shape.rank)) + ", box " +
          joined(std::span(shape.box).first(shape.rank)) + ", swizzle " + std::to_string(shape.span));
  error.message = "the driver makes no tensor map of view '" + std::string(view) + "'";
  return error;
}

Result<void> imbrex::encodeTensorMap(const DriverTable &driver, const TensorMapShape &shape, std::string_view view,
                                     CUtensorMap &map) {
  thread_local std::array<Encoded, kKept> kept;
  Encoded &place = kept[(shape.address / 16 ^ shape.address / 4096 ^ shape.box[0]) % kKept];
  if (place.shape == shape) {
    map = place.map;
    return {};
  }
  if (Result<void> encoded = encode(driver, shape, view, map); !encoded)
    return encoded;
  place = {shape, map};
  return {};
}
