//===- TensorMap.h - The 128 bytes that describe a tensor -------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What cuTensorMapEncodeTiled makes and cp.async.bulk.tensor reads. The bytes are opaque to programs; these
// are the simulated device's own. Checks are those of the CUDA Driver API manual, cuTensorMapEncodeTiled.
//
//===----------------------------------------------------------------------===//

//|
//| Dimension 0 is the contiguous one. A box of a copy is boxDim elements, every elementStride-th of them kept,
//| at coordinates that may be negative or past the end: what lies outside the tensor is filled, and is not
//| stored. In shared memory a box is packed, dimension 0 fastest; with a swizzle of S bytes dimension 0 is
//| one row of S bytes, and addresses go through the function in exec/MatrixDescriptor.h.

#ifndef IMBREX_RUNTIME_SIMULATOR_TENSORMAP_H
#define IMBREX_RUNTIME_SIMULATOR_TENSORMAP_H

#include <cstdint>
#include <string>

namespace imbrex::simulator {

/// CUtensorMapDataType, in its order.
enum class TensorType : uint8_t {
  U8,
  U16,
  U32,
  S32,
  U64,
  S64,
  F16,
  F32,
  F64,
  BF16,
  F32Flushed,
  TF32,
  TF32Flushed,
};

struct TensorMap {
  static constexpr uint64_t kMagic = 0x70614D726F736E65; ///< "ensorMap"
  uint64_t magic = kMagic;
  /// Means nothing: CUTLASS works around a fault of drivers up to 13.1 by clearing bit 21 of the encoded map's second
  /// word where the tensor is smaller than 128 KiB (cute/atom/copy_traits_sm90_tma.hpp).
  uint64_t reserved = 0;
  uint64_t base = 0;          ///< Global address.
  uint64_t strides[4] = {};   ///< Bytes from one element of dimension 1 ... to the next.
  uint32_t lastIndex[5] = {}; ///< Extent minus one.
  uint8_t lastInBox[5] = {};  ///< boxDim minus one.
  uint8_t elementStride[5] = {1, 1, 1, 1, 1};
  uint8_t rank = 0;
  TensorType type = TensorType::U8;
  uint8_t rowBytes = 16; ///< S of the swizzle; 16 without.
  bool fillsNan = false;
  bool isReplaced = false; ///< A kernel changed a field: wrongWith has yet to be asked.

  uint64_t extent(unsigned d) const { return uint64_t(lastIndex[d]) + 1; }
  unsigned box(unsigned d) const { return lastInBox[d] + 1u; }
  /// Elements of dimension d in shared memory.
  unsigned kept(unsigned d) const { return (box(d) + elementStride[d] - 1) / elementStride[d]; }
  unsigned elementBytes() const;
  /// Of a whole box in shared memory.
  uint64_t boxBytes() const;
};
static_assert(sizeof(TensorMap) <= 128);

/// Empty, or why the fields do not fit each other; what a single field may hold is not asked.
std::string wrongWith(const TensorMap &map);

/// The arguments of cuTensorMapEncodeTiled; enumerations as numbers of the driver's.
struct TensorMapRequest {
  int type = 0;
  uint32_t rank = 0;
  uint64_t base = 0;
  const uint64_t *extents = nullptr, *strides = nullptr;    ///< `rank` and `rank` - 1 of them.
  const uint32_t *box = nullptr, *elementStrides = nullptr; ///< `rank` of them.
  int interleave = 0, swizzle = 0, promotion = 0, fill = 0;
};

/// Empty with `out` filled, or the reason why the driver would refuse.
std::string encodeTensorMap(const TensorMapRequest &request, TensorMap &out);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_TENSORMAP_H
