//===- PtxEntry.cpp - PTX that goes on to machine code --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the assembler will be asked about PTX it is told by the assembler; here only what the compiler itself must
// know: which kernel, and that it is for the target asked for.
//
//===----------------------------------------------------------------------===//

#include "compiler/entry/StageEntry.h"
#include "llvm/ADT/StringExtras.h"

using namespace imbrex;
using llvm::StringRef;

/// The words behind each directive `name` that begins a line or follows a blank.
static std::vector<std::pair<uint32_t, StringRef>> wordsAfter(StringRef text, StringRef name) {
  std::vector<std::pair<uint32_t, StringRef>> found;
  for (size_t at = text.find(name); at != StringRef::npos; at = text.find(name, at + 1)) {
    StringRef line = text.take_front(at);
    line = line.substr(line.rfind('\n') + 1);
    size_t end = at + name.size();
    bool isDirective = (at == 0 || llvm::isSpace(text[at - 1])) && end < text.size() && llvm::isSpace(text[end]);
    if (!isDirective || line.contains("//"))
      continue;
    StringRef rest = text.substr(end).ltrim();
    found.emplace_back(uint32_t(at), rest.take_while([](char c) { return llvm::isAlnum(c) || c == '_' || c == '$'; }));
  }
  return found;
}

std::optional<std::string> imbrex::readPtxEntry(const Source &source, const Target &target, Diagnostics &diagnostics) {
  auto targets = wordsAfter(source.text, ".target"), entries = wordsAfter(source.text, ".entry");
  if (source.text.find('\0') != std::string::npos)
    diagnostics.error(uint32_t(source.text.find('\0')), "a byte of value 0 in the text");
  else if (wordsAfter(source.text, ".version").empty())
    diagnostics.error(0, "PTX begins with its .version");
  else if (targets.size() != 1)
    diagnostics.error(0, "PTX names one .target, found " + std::to_string(targets.size()));
  else if (targets[0].second != StringRef(target.name))
    diagnostics.error(targets[0].first,
                      "this PTX is made for '" + targets[0].second.str() + "', and " + target.name + " is asked for");
  else if (entries.size() != 1 || entries[0].second.empty())
    diagnostics.error(0, "expected one kernel (.entry), found " + std::to_string(entries.size()));
  else
    return entries[0].second.str();
  return std::nullopt;
}
