//===- View.h - Device memory seen as an array -------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view is (address, element type, extents, strides in elements). The last stride is 1. Example: the K
// of a packed [B, S, 3, H, D] tensor of 16-bit elements at address p:
//
//   View k(p, DataType::BF16, {B, S, H, D}, {S * 3 * H * D, 3 * H * D, D, 1});
//   k.byteOffset = 2 * H * D;
//
// Plain values without heap memory. No LLVM type, no driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_VIEW_H
#define IMBREX_RUNTIME_VIEW_H

#include "compiler/DataType.h"
#include "compiler/Limits.h"
#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>

namespace imbrex {

class Buffer;

/// Up to 8 numbers, one a dimension. A longer list keeps its length, and is refused at launch.
class Dims {
public:
  static constexpr unsigned kMaxRank = kMaxViewRank;

  Dims() = default;
  Dims(std::initializer_list<int64_t> list) { assign(list.begin(), list.size()); }
  explicit Dims(std::span<const int64_t> list) { assign(list.data(), list.size()); }

  /// As of a std::vector; indices must be below size().
  unsigned size() const { return count; }
  bool empty() const { return count == 0; }
  int64_t &operator[](unsigned i) { return values[i]; }
  int64_t operator[](unsigned i) const { return values[i]; }
  const int64_t *begin() const { return values.data(); }
  const int64_t *end() const { return values.data() + (count < kMaxRank ? count : kMaxRank); }

private:
  void assign(const int64_t *list, size_t size) {
    count = unsigned(size);
    for (size_t i = 0; i < size && i < kMaxRank; ++i)
      values[i] = list[i];
  }

  std::array<int64_t, kMaxRank> values = {};
  unsigned count = 0;
};

/// Memory seen as an array. A View owns nothing: the memory must live until the stream has done the
/// work that uses it.
struct View {
  View() = default;
  View(uint64_t address, DataType type, Dims extents, Dims strides = {})
      : address(address), type(type), extents(extents), strides(strides) {}
  /// Of a buffer's memory: a launch then also checks that the view lies inside it, and that the buffer is of
  /// the launching runtime.
  View(const Buffer &buffer, DataType type, Dims extents, Dims strides = {});

  uint64_t address = 0; ///< may be 0 only if an extent is 0
  DataType type = DataType::F32;
  Dims extents;
  Dims strides;                           ///< in elements, not negative; empty: dense, last dimension fastest
  bool readOnly = false;                  ///< refused for an output
  uint64_t byteOffset = 0;                ///< added to the address
  std::optional<uint64_t> availableBytes; ///< from `address`; absent: unknown
  const void *owner = nullptr;            ///< tells whose buffer it is; null: unknown
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_VIEW_H
