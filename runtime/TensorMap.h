//===- TensorMap.h - Views as the copy engine sees them --------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel that copies by TMA takes a CUtensorMap of a view: its address, extents and strides, and the box that is
// copied at once (CUDA Driver API, "Tensor Map Object Management"). The driver encodes it; a thread keeps the last ones
// it has encoded. Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_TENSORMAP_H
#define IMBREX_RUNTIME_TENSORMAP_H

#include "compiler/DataType.h"
#include "runtime/CudaDriver.h"
#include "runtime/Result.h"
#include <array>
#include <cstdint>
#include <span>

namespace imbrex {

/// The most dimensions that a tensor map has.
inline constexpr unsigned kTensorMapRank = 5;

/// What a map is encoded from. The arrays count dimensions as a view does, the last one first in memory.
struct TensorMapShape {
  uint64_t address = 0; ///< of the first element: a multiple of 16
  DataType type = DataType::F32;
  unsigned rank = 0;                             ///< 1 to kTensorMapRank
  std::array<int64_t, kTensorMapRank> extents{}; ///< in elements
  std::array<int64_t, kTensorMapRank> strides{}; ///< in elements, the last 1
  std::array<unsigned, kTensorMapRank> box{};    ///< in elements
  unsigned span = 0;                             ///< bytes of the swizzle: 32, 64 or 128; 16 for none

  bool operator==(const TensorMapShape &) const = default;
};

/// True if a view of these extents and strides has a map: no extent is 0, and strides between elements are positive,
/// and below 2^40 bytes. What the address and the strides are multiples of is another question
/// (CompileOptions::alignment).
bool hasTensorMap(DataType type, std::span<const int64_t> extents, std::span<const int64_t> strides);

/// Encodes it. An Error of kind Driver says what the driver refused; `view` is named.
Result<void> encodeTensorMap(const cuda::DriverTable &driver, const TensorMapShape &shape, std::string_view view,
                             cuda::CUtensorMap &map);

} // namespace imbrex

#endif // IMBREX_RUNTIME_TENSORMAP_H
