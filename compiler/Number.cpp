//===- Number.cpp - Numbers as text ---------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The length first, then LLVM's readers.
//
//===----------------------------------------------------------------------===//

#include "compiler/Number.h"
#include "llvm/ADT/StringRef.h"
#include <charconv>
#include <cmath>

using namespace imbrex;

std::optional<int64_t> imbrex::readInteger(std::string_view text) {
  int64_t value = 0;
  bool wrong = text.size() > kMaxNumberBytes || llvm::StringRef(text).getAsInteger(10, value);
  return wrong ? std::nullopt : std::optional(value);
}

std::optional<double> imbrex::readReal(std::string_view text) {
  double value = 0;
  if (text.size() > kMaxNumberBytes || llvm::StringRef(text).getAsDouble(value))
    return std::nullopt;
  bool beyond = std::isinf(value) && !llvm::StringRef(text).contains_insensitive("inf");
  return beyond ? std::nullopt : std::optional(value);
}

std::string imbrex::writeReal(double value) {
  char text[32];
  return std::string(text, std::to_chars(text, text + sizeof(text), value).ptr);
}
