//===- Setting.cpp - The value of a kernel's parameter --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading and writing of settings.
//
//===----------------------------------------------------------------------===//

#include "compiler/Setting.h"
#include "compiler/Number.h"

using namespace imbrex;

Setting::Setting(std::string_view text) : value(std::string(text.substr(0, kMaxNumberBytes))) {
  if (std::optional<DataType> type = parseDataType(text))
    value = *type;
  else if (std::optional<int64_t> integer = readInteger(text))
    value = *integer;
}

std::optional<int64_t> Setting::integer() const {
  const int64_t *integer = std::get_if<int64_t>(&value);
  return integer ? std::optional(*integer) : std::nullopt;
}

std::optional<DataType> Setting::type() const {
  const DataType *type = std::get_if<DataType>(&value);
  return type ? std::optional(*type) : std::nullopt;
}

std::string Setting::text() const {
  if (std::optional<int64_t> number = integer())
    return std::to_string(*number);
  if (std::optional<DataType> word = type())
    return std::string(name(*word));
  return std::get<std::string>(value);
}
