//===- Argument.h - What a kernel is launched with --------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Views of device memory and scalars, by parameter name. Plain values without heap memory: an argument
// list on the stack costs nothing. Names must live until the call returns. No LLVM type, no driver
// handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_ARGUMENT_H
#define IMBREX_RUNTIME_ARGUMENT_H

#include "runtime/Sequences.h"
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

/// A scalar argument: exact for bool and integers, f64 for floats. Converted to the parameter's type at
/// launch; a value that does not fit (300 for i8, 1e300 for f32, 0.5 for i32, 2^63 for i64) is refused.
struct Scalar {
  /// Which of the numbers counts.
  enum class Kind : uint8_t { Bool, Integer, Float } kind = Kind::Integer;
  int64_t integer = 0;
  double real = 0;
};

/// A parameter's name with its view, sequences or scalar.
struct Argument {
  Argument(std::string_view name, const View &view) : name(name), isView(true), view(view) {}
  /// `sequences` must live as long as the argument.
  Argument(std::string_view name, const Sequences &sequences IMBREX_LIFETIMEBOUND)
      : name(name), isView(true), sequences(&sequences) {}
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
  const Sequences *sequences = nullptr; ///< not null: in place of `view`
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
