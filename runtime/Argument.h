//===- Argument.h - What a kernel is launched with --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Views of device memory and scalars, by parameter name. Plain values without heap memory: an argument
// list on the stack costs nothing. Names must live until the call returns. No LLVM type, no driver
// handle: public.
//
// A view is (address, element type, extents, strides in elements). The last stride is 1. Example: the K
// of a packed [B, S, 3, H, D] tensor of 16-bit elements at address p:
//
//   View k(p, DataType::BF16, {B, S, H, D}, {S * 3 * H * D, 3 * H * D, D, 1});
//   k.byteOffset = 2 * H * D;
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_ARGUMENT_H
#define IMBREX_RUNTIME_ARGUMENT_H

#include "compiler/DataType.h"
#include "compiler/Limits.h"
#include <array>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#if __has_cpp_attribute(clang::lifetimebound)
#define IMBREX_LIFETIMEBOUND [[clang::lifetimebound]]
#else
#define IMBREX_LIFETIMEBOUND
#endif

namespace imbrex {

class Buffer;

/// Up to 8 numbers, one a dimension. A longer list keeps its length, and is refused at launch.
class Dims {
public:
  static constexpr unsigned kMaxRank = kMaxViewRank;

  Dims() = default;
  Dims(std::initializer_list<int64_t> list) { assign(list.begin(), list.size()); }
  explicit Dims(std::span<const int64_t> list) { assign(list.data(), list.size()); }

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

/// A scalar argument: exact for bool and integers, f64 for floats. Converted to the parameter's type at
/// launch; a value that does not fit (300 for i8, 1e300 for f32, 0.5 for i32, 2^63 for i64) is refused.
struct Scalar {
  enum class Kind : uint8_t { Bool, Integer, Float } kind = Kind::Integer;
  int64_t integer = 0;
  double real = 0;
};

struct Argument {
  Argument(std::string_view name, const View &view) : name(name), isView(true), view(view) {}
  template <typename T>
    requires std::integral<T> || std::floating_point<T>
  Argument(std::string_view name, T value) : name(name) {
    if constexpr (std::same_as<T, bool>)
      scalar = {Scalar::Kind::Bool, value, 0};
    else if constexpr (std::integral<T>)
      scalar = std::in_range<int64_t>(value) ? Scalar{Scalar::Kind::Integer, int64_t(value), 0}
                                             : Scalar{Scalar::Kind::Float, 0, double(value)};
    else
      scalar = {Scalar::Kind::Float, 0, double(value)};
  }

  std::string_view name;
  bool isView = false;
  View view;
  Scalar scalar;
};

/// An argument list: `{{"Q", q}, {"scale", 0.1f}}`, a vector or an array of Argument. It only refers to the
/// list: a braced list must stand in the call itself; what is to be kept belongs in a vector.
class Arguments : public std::span<const Argument> {
public:
  Arguments(std::initializer_list<Argument> list IMBREX_LIFETIMEBOUND) : span(list.begin(), list.size()) {}
  Arguments(std::span<const Argument> list) : span(list) {}
  Arguments(const std::vector<Argument> &list) : span(list) {}
};

} // namespace imbrex

#undef IMBREX_LIFETIMEBOUND

#endif // IMBREX_RUNTIME_ARGUMENT_H
