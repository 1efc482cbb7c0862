//===- Grammar.cpp - imbrex grammar ---------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A TextMate grammar made from the language's own list of words (compiler/frontend/Words.h).
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Words.h"
#include "tools/imbrex/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
namespace json = llvm::json;

/// "\\b(a|b)\\b" of the words of one kind.
static json::Object wordsRule(Word::Kind kind, const char *scope, const char *behind = "") {
  std::string words;
  for (const Word &word : languageWords())
    if (word.kind == kind)
      words += (words.empty() ? "" : "|") + word.name.str();
  return json::Object{{"name", scope}, {"match", "\\b(" + words + ")\\b" + behind}};
}

static json::Object rule(const char *scope, const char *pattern) {
  return json::Object{{"name", scope}, {"match", pattern}};
}

int tool::printGrammar(const Request &) {
  json::Object declaration{{"match", "\\b(kernel|fn|hook)\\s+([A-Za-z_]\\w*)"},
                           {"captures", json::Object{{"1", json::Object{{"name", "keyword.other.imbrex"}}},
                                                     {"2", json::Object{{"name", "entity.name.function.imbrex"}}}}}};
  json::Array patterns{rule("comment.line.double-slash.imbrex", "//.*$"),
                       rule("string.quoted.double.imbrex", "\"[^\"]*\""),
                       std::move(declaration),
                       wordsRule(Word::Builtin, "support.function.imbrex", "(?=\\s*[(<])"),
                       wordsRule(Word::Keyword, "keyword.control.imbrex"),
                       wordsRule(Word::Contextual, "keyword.other.imbrex"),
                       wordsRule(Word::Type, "storage.type.imbrex"),
                       wordsRule(Word::Number, "constant.language.imbrex"),
                       rule("constant.numeric.imbrex", "\\b\\d+(\\.\\d+)?([eE][+-]?\\d+)?\\b"),
                       rule("keyword.operator.imbrex", ":\\+|\\.\\.|&&|\\|\\||[-+*/%<>=!&^|]=?")};
  json::Object grammar{{"name", "Imbrex"},
                       {"scopeName", "source.imbrex"},
                       {"fileTypes", json::Array{"tile"}},
                       {"patterns", std::move(patterns)}};
  llvm::outs() << llvm::formatv("{0:2}\n", json::Value(std::move(grammar)));
  return kSuccess;
}
