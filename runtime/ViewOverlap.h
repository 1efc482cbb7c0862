//===- ViewOverlap.h - Whether two views share memory -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal. What a kernel stores must not be what it reads or stores through another view: instances run
// in any order. Two views share a byte if and only if
//
//     a + sum i_d s_d + p = b + sum j_d t_d + q      0 <= i_d < extent, 0 <= p < bytes of an element, ...
//
// has a solution in integers. Interleaved views (the parts of a packed qkv tensor) have overlapping ranges
// of addresses but none.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_VIEWOVERLAP_H
#define IMBREX_RUNTIME_VIEWOVERLAP_H

#include "runtime/Argument.h"
#include "runtime/Result.h"

namespace imbrex {

enum class Overlap {
  None,
  Some,
  Unknown, ///< not decided within the bounded work: more strides than any layout of use has, none of which nest
};

/// A view in memory: extents and strides of `rank` dimensions, strides in elements and not negative.
struct MemoryRegion {
  uint64_t address;
  unsigned elementBytes;
  std::span<const int64_t> extents, strides;
};

/// Bytes from the first element to behind the last one, of extents from 1 on and strides of elements from 0 on; nullopt
/// if they overflow.
std::optional<uint64_t> spanBytes(std::span<const int64_t> extents, std::span<const int64_t> strides,
                                  unsigned elementBytes);

/// Exact but for Unknown. Spans must not wrap the address space. Regions apart cost two sums; others a search
/// of at most some ten thousand steps. Pure.
Overlap findOverlap(const MemoryRegion &a, const MemoryRegion &b);

/// What is told of the argument that is stored to and another one; `found` is not None.
Error overlapError(std::string_view stored, std::string_view other, Overlap found);

/// Memory that a launch or a call has by a name: from `address` to before `end`, which is both 0 of none.
struct NamedMemory {
  std::string_view name;
  uint64_t address = 0, end = 0;
  bool isStored = false;
};

/// That what is stored shares no byte with anything else, of `count` memories: else the Error that names the first two.
/// `memoryOf(i)` is a NamedMemory, `overlapOf(i, j)` the Overlap of two whose bytes from first to last meet, as at few
/// launches they do.
template <typename MemoryOf, typename OverlapOf>
Result<void> checkStoresApart(unsigned count, MemoryOf memoryOf, OverlapOf overlapOf) {
  for (unsigned i = 0; i < count; ++i) {
    const NamedMemory stored = memoryOf(i);
    if (!stored.isStored)
      continue;
    for (unsigned j = 0; j < count; ++j) {
      const NamedMemory other = memoryOf(j);
      const bool isSeen = i == j || (other.isStored && j < i);
      if (isSeen || stored.end <= other.address || other.end <= stored.address)
        continue;
      if (Overlap found = overlapOf(i, j); found != Overlap::None)
        return overlapError(stored.name, other.name, found);
    }
  }
  return {};
}

} // namespace imbrex

#endif // IMBREX_RUNTIME_VIEWOVERLAP_H
