//===- EntryText.cpp - What is refused before it is parsed ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pass over the bytes that knows strings, comments, brackets and numbers of MLIR's text.
//
//===----------------------------------------------------------------------===//

#include "compiler/Number.h"
#include "compiler/entry/EntryCheck.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

namespace {

class Scanner {
public:
  Scanner(StringRef text, StringRef file, MLIRContext &context) : text(text), file(file), context(context) {}

  LogicalResult run() {
    if (text.size() > kMaxEntryBytes)
      return fail("a stage's text may have " + std::to_string(kMaxEntryBytes) + " bytes");
    for (unsigned depth = 0; at < text.size();) {
      if (text.substr(at).starts_with("//"))
        skipTo(text.find('\n', at));
      else if (text[at] == '"')
        skipString();
      else if (text[at] == '\0')
        return fail("a byte of value 0 in the text");
      else if (text.substr(at).starts_with("{-#"))
        return fail("resources are not supported");
      else if (text.substr(at).starts_with("->"))
        at += 2;
      else if (isWord(text[at])) {
        if (failed(skipWord()))
          return failure();
      } else {
        depth += StringRef("([{<").contains(text[at]);
        depth -= depth > 0 && StringRef(")]}>").contains(text[at]);
        if (depth > kMaxEntryNesting)
          return fail("brackets nested more than " + std::to_string(kMaxEntryNesting) + " deep");
        ++at;
      }
    }
    return success();
  }

private:
  static bool isWord(char c) { return llvm::isAlnum(c) || c == '_'; }
  void skipTo(size_t end) { at = std::min(end, text.size()); }

  void skipString() {
    for (++at; at < text.size() && text[at] != '"' && text[at] != '\n'; ++at)
      at += text[at] == '\\';
    skipTo(at + 1);
  }

  LogicalResult skipWord() {
    size_t end = text.find_if_not(isWord, at);
    StringRef word = text.slice(at, end);
    if (word.starts_with("affine_"))
      return fail("affine maps are not supported");
    if (llvm::isDigit(word.front()) && word.size() > kMaxNumberBytes)
      return fail("a number may have " + std::to_string(kMaxNumberBytes) + " characters, this one has " +
                  std::to_string(word.size()));
    skipTo(end);
    return success();
  }

  LogicalResult fail(const std::string &message) {
    StringRef before = text.take_front(at);
    size_t line = before.rfind('\n') + 1;
    return emitError(FileLineColLoc::get(&context, file, before.count('\n') + 1, at - line + 1), message);
  }

  StringRef text, file;
  MLIRContext &context;
  size_t at = 0;
};

} // namespace

LogicalResult imbrex::checkEntryText(StringRef text, StringRef file, MLIRContext &context) {
  return Scanner(text, file, context).run();
}
