//===- PtxComments.cpp - PTX with the text beside it ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files by the module's own .file lines, which stand at its end.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/PtxComments.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include <map>

using namespace imbrex;
using llvm::StringRef;

/// The lines of the texts that .file names, by its number.
static std::map<unsigned, llvm::SmallVector<StringRef>> linesOf(StringRef ptx, const Source &source) {
  std::map<unsigned, llvm::SmallVector<StringRef>> lines;
  for (StringRef line : llvm::split(ptx, '\n')) {
    line = line.trim();
    unsigned number;
    if (!line.consume_front(".file") || (line = line.ltrim()).consumeInteger(10, number))
      continue;
    StringRef name = line.split('"').second.split('"').first;
    for (const Source *text : textsOf(source))
      if (text->name == name)
        StringRef(text->text).split(lines[number], '\n');
  }
  return lines;
}

std::string tool::withTextBeside(StringRef ptx, const Source &source) {
  std::map<unsigned, llvm::SmallVector<StringRef>> lines = linesOf(ptx, source);
  std::pair<unsigned, unsigned> last = {0, 0};
  std::string result;
  for (StringRef rest = ptx; !rest.empty();) {
    auto [line, behind] = rest.split('\n');
    bool isWhole = line.size() < rest.size();
    result += line;
    StringRef place = line.trim();
    unsigned file = 0, number = 0;
    if (place.consume_front(".loc") && !(place = place.ltrim()).consumeInteger(10, file) &&
        !(place = place.ltrim()).consumeInteger(10, number) && number > 0 && std::pair(file, number) != last) {
      last = {file, number};
      auto found = lines.find(file);
      if (found != lines.end() && number <= found->second.size())
        result += "  // " + found->second[number - 1].trim().str();
    }
    result += isWhole ? "\n" : "";
    rest = behind;
  }
  return result;
}
