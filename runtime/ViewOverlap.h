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

/// Exact but for Unknown. Spans must not wrap the address space. Regions apart cost two sums; others a search
/// of at most some ten thousand steps. Pure.
Overlap findOverlap(const MemoryRegion &a, const MemoryRegion &b);

/// What is told of the argument that is stored to and another one; `found` is not None.
Error overlapError(std::string_view stored, std::string_view other, Overlap found);

} // namespace imbrex

#endif // IMBREX_RUNTIME_VIEWOVERLAP_H
