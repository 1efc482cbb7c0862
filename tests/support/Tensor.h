//===- Tensor.h - Strided arrays on a device, in a sea of NaN  -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A tensor as a kernel gets it: a place in memory with strides. Its image on the host starts as all ones,
// which is a NaN in every float type; only the elements themselves are ever written. After a run the image
// is read back, and whatever lies between the elements must still be all ones.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_TENSOR_H
#define IMBREX_TESTS_SUPPORT_TENSOR_H

#include "runtime/Runtime.h"
#include <vector>

namespace imbrex::testing {

/// How [batch, sequence, heads, depth] lies in memory.
enum class Placement {
  Dense,      ///< C order
  PaddedRows, ///< a row has 8 elements more than it shows, and a sequence two rows more
  HeadsFirst, ///< memory order is [batch, heads, sequence, depth]
  Packed,     ///< the middle one of three heads-by-depth blocks of a row, as in a packed qkv tensor
  Unaligned,  ///< dense, one element after an aligned address
  OddRows,    ///< a row has one element more than it shows: rows are aligned to one element
};
inline constexpr Placement kPlacements[] = {Placement::Dense,  Placement::PaddedRows, Placement::HeadsFirst,
                                            Placement::Packed, Placement::Unaligned,  Placement::OddRows};
const char *name(Placement placement);

/// Where elements are: strides in elements, the first element's place, elements in all.
struct Layout {
  std::vector<int64_t> extents, strides;
  int64_t first = 0, span = 0;
};
Layout denseLayout(std::vector<int64_t> extents);
/// Of a rank 4 tensor [batch, sequence, heads, depth].
Layout placed(std::vector<int64_t> extents, Placement placement);

class Tensor {
public:
  /// Without values every element is NaN. Values are given in C order and rounded to `type`.
  Tensor(const Runtime &runtime, DataType type, Layout layout, const std::vector<double> *values = nullptr);

  View view() const;
  /// The elements in C order, as they are on the device now. Waits for the device.
  std::vector<double> read() const;
  /// All bytes on the device, also between elements.
  std::vector<uint8_t> readBytes() const;
  /// Whether the bytes between elements are as they were.
  bool isPaddingUntouched() const;

private:
  /// Calls visit(byte offset of the element, its number in C order).
  template <typename Visit> void forEach(Visit visit) const;

  DataType type;
  Layout layout;
  Buffer buffer;
};

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_TENSOR_H
