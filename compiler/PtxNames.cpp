//===- PtxNames.cpp - Names in PTX ------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A `.file` line is `\t.file\t1 "name"`, alone on its line.
//
//===----------------------------------------------------------------------===//

#include "compiler/PtxNames.h"
#include <algorithm>

using namespace imbrex;

bool imbrex::isPtxName(std::string_view name) {
  constexpr size_t longest = 256;
  auto isLetter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  auto follows = [&](char c) { return isLetter(c) || (c >= '0' && c <= '9') || c == '_' || c == '$'; };
  bool begins = !name.empty() && (isLetter(name.front()) || (name.front() == '_' && name.size() > 1));
  return begins && name.size() <= longest && std::all_of(name.begin(), name.end(), follows) && name != "WARP_SZ";
}

std::string imbrex::nameInPtx(std::string_view name) {
  std::string result(name);
  std::replace_if(
      result.begin(), result.end(), [](char c) { return c < ' ' || c > '~' || c == '"' || c == '\\'; }, '_');
  return result;
}

std::string imbrex::renameSource(std::string ptx, std::string_view from, std::string_view to) {
  const std::string before = " \"" + nameInPtx(from) + "\"\n", after = " \"" + nameInPtx(to) + "\"\n";
  if (before == after)
    return ptx;
  constexpr std::string_view start = "\t.file\t";
  for (size_t line = ptx.find(start); line != std::string::npos; line = ptx.find(start, line + 1)) {
    size_t name = ptx.find(' ', line);
    if (name != std::string::npos && ptx.compare(name, before.size(), before) == 0)
      ptx.replace(name, before.size(), after);
  }
  return ptx;
}
