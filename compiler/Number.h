//===- Number.h - Numbers as text ------------------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a number that a person wrote is read, wherever one is: in a kernel's text, a hook's binding, a setting, an
// argument of the command line. One rule for its length, so that no text takes long. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_NUMBER_H
#define IMBREX_COMPILER_NUMBER_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imbrex {

/// A longer number is refused before it is looked at. (Decimal conversion takes time with the square of the length.)
inline constexpr size_t kMaxNumberBytes = 256;

/// A decimal integer with or without a minus; nullopt if it is none, is too long, or does not fit 64 bits.
std::optional<int64_t> readInteger(std::string_view text);

/// A number of f64, rounded to nearest: decimal, or "inf", "nan" with or without a sign; nullopt if it is none, is
/// too long, or is beyond f64.
std::optional<double> readReal(std::string_view text);

/// The shortest decimal that reads back as `value`.
std::string writeReal(double value);

} // namespace imbrex

#endif // IMBREX_COMPILER_NUMBER_H
