//===- Setting.h - The value of a kernel's parameter ------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a type, integer or tuning parameter is set to: an integer or an element type. A text is read where it comes in,
// once; one that is neither is kept for the message that refuses it. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SETTING_H
#define IMBREX_COMPILER_SETTING_H

#include "compiler/DataType.h"
#include <concepts>
#include <string>
#include <variant>

namespace imbrex {

class Setting {
public:
  Setting() : value(int64_t(0)) {}
  Setting(std::integral auto integer) : value(int64_t(integer)) {}
  Setting(DataType type) : value(type) {}
  /// Reads "64" and "bf16".
  Setting(std::string_view text);
  Setting(const std::string &text) : Setting(std::string_view(text)) {}
  Setting(const char *text) : Setting(std::string_view(text)) {}

  /// As the kind that is asked for; nullopt if it is none.
  std::optional<int64_t> integer() const;
  std::optional<DataType> type() const;
  /// As it would be read; of a text that is neither, its first kMaxNumberBytes bytes.
  std::string text() const;
  bool operator==(const Setting &) const = default;

private:
  std::variant<int64_t, DataType, std::string> value;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_SETTING_H
