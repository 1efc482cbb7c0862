//===- Document.cpp - What an editor may ask of a text --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A declaration is a name behind `let`, `fn` and their like, before a colon, or between the bars of a grid.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/lsp/Document.h"
#include "compiler/frontend/Lexer.h"
#include "compiler/frontend/Words.h"
#include "kernels/ShippedKernels.h"
#include "runtime/ImportFiles.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

static std::vector<Token> tokensOf(const Source &source) {
  Diagnostics ignored(source);
  return lex(source.text, ignored);
}

/// Types and integers that make one program of `kernel`: the first types, and integers of 64.
static CompileOptions guess(const KernelSignature &kernel) {
  constexpr int64_t kInteger = 64;
  CompileOptions options;
  options.kernel = kernel.name;
  for (const KernelSignature::TypeParameter &type : kernel.typeParameters)
    if (!type.allowed.empty())
      options.set[type.name] = std::string(name(type.allowed.front()));
  for (const std::string &integer : kernel.integerParameters)
    options.set[integer] = kInteger;
  for (const Parameter &parameter : kernel.parameters)
    if (parameter.isView && parameter.optional)
      options.given.insert(parameter.name);
  return options;
}

Document::Document(std::string path, std::string text)
    : content(withImports({std::move(path), std::move(text)}, importsBeside(shippedImport))) {
  Description description = describe(content);
  mistakes = description.diagnostics;
  if (llvm::any_of(mistakes, [](const Diagnostic &each) { return each.severity == Severity::Error; }))
    return;
  for (const KernelSignature &kernel : description.kernels) {
    compiled.push_back(compile(content, guess(kernel), Stage::Tile, {}, {}, {.explain = true}));
    for (const Diagnostic &each : compiled.back().diagnostics)
      if (each.severity != Severity::Remark && !each.ofCaller && each.line > 0)
        mistakes.push_back(each);
  }
}

Diagnostic Document::atImport(Diagnostic diagnostic) const {
  if (diagnostic.line > 0)
    diagnostic.message = diagnostic.file + ":" + std::to_string(diagnostic.line) + ":" +
                         std::to_string(diagnostic.column) + ": " + diagnostic.message;
  diagnostic.line = diagnostic.column = 1;
  std::vector<Token> tokens = tokensOf(content);
  size_t next = 0;
  for (const Import &import : content.imports) {
    while (next < tokens.size() && !tokens[next].is("import"))
      ++next;
    bool isThere = import.source && llvm::any_of(textsOf(*import.source), [&](const Source *text) {
                     StringRef name = text->name; // diagnostics name it as it lies to this text
                     return name == diagnostic.file || name.ends_with("/" + diagnostic.file);
                   });
    if (isThere && next + 1 < tokens.size()) {
      StringRef before = StringRef(content.text).take_front(tokens[next + 1].offset);
      diagnostic.line = unsigned(before.count('\n')) + 1;
      diagnostic.column = unsigned(before.size() - (before.rfind('\n') + 1)) + 1;
      break;
    }
    ++next;
  }
  return diagnostic;
}

std::vector<Diagnostic> Document::diagnostics() const {
  std::vector<Diagnostic> own;
  own.reserve(mistakes.size());
  for (const Diagnostic &each : mistakes)
    own.push_back(each.file == content.name && each.line > 0 ? each : atImport(each));
  return own;
}

/// Units of UTF-16 that the byte `c` begins: none inside of a character.
static unsigned unitsOf(char c) {
  unsigned char byte = static_cast<unsigned char>(c);
  return (byte & 0xc0) == 0x80 ? 0 : byte >= 0xf0 ? 2 : 1;
}

size_t Document::offsetOf(EditorPlace place) const {
  StringRef text = content.text;
  size_t at = 0;
  for (unsigned line = 0; line < place.line; ++line) {
    size_t end = text.find('\n', at);
    if (end == StringRef::npos)
      return text.size();
    at = end + 1;
  }
  unsigned character = 0;
  for (; at < text.size() && text[at] != '\n' && character + unitsOf(text[at]) <= place.character; ++at)
    character += unitsOf(text[at]);
  return at;
}

EditorPlace Document::placeOf(size_t offset) const {
  StringRef before = StringRef(content.text).take_front(offset);
  EditorPlace place{unsigned(before.count('\n')), 0};
  for (char c : before.drop_front(before.rfind('\n') + 1))
    place.character += unitsOf(c);
  return place;
}

static bool isWordCharacter(char c) { return llvm::isAlnum(c) || c == '_'; }

StringRef Document::wordAt(size_t offset) const {
  StringRef text = content.text;
  size_t begin = std::min(offset, text.size()), end = begin;
  while (begin > 0 && isWordCharacter(text[begin - 1]))
    --begin;
  while (end < text.size() && isWordCharacter(text[end]))
    ++end;
  StringRef word = text.slice(begin, end);
  return word.empty() || llvm::isDigit(word[0]) ? StringRef() : word;
}

/// Whether tokens[i], a name, is declared there.
static bool declares(llvm::ArrayRef<Token> tokens, size_t i) {
  if (tokens[i].kind != TokenKind::Name || findWord(tokens[i].text))
    return false;
  auto before = [&](size_t n) { return i >= n ? tokens[i - n].text : StringRef(); };
  if (llvm::is_contained({"let", "var", "for", "fn", "hook", "kernel"}, before(1)))
    return true;
  if (i + 1 < tokens.size() && tokens[i + 1].is(":") && llvm::is_contained({"(", ",", "<", "{", ";"}, before(1)))
    return true;
  size_t k = i; // |i, h, b|, let a, b = ..
  while (k >= 2 && tokens[k - 1].is(",") && tokens[k - 2].kind == TokenKind::Name)
    k -= 2;
  if (k >= 2 && tokens[k - 1].is("|") && tokens[k - 2].is(")"))
    return true;
  if (k != i && k >= 1 && (tokens[k - 1].is("let") || tokens[k - 1].is("var")))
    return true;
  // A parameter of a function without a type: fn f(s, at) = ..
  return k >= 2 && tokens[k - 1].is("(") && k >= 3 && (tokens[k - 3].is("fn") || tokens[k - 3].is("hook"));
}

/// The token that declares `name`: the last before `offset`, else the first.
static std::optional<size_t> declarationOf(llvm::ArrayRef<Token> tokens, StringRef name, size_t offset) {
  std::optional<size_t> found;
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i].text == name && declares(tokens, i) && (!found || tokens[i].offset <= offset))
      found = i;
  return found;
}

std::optional<FoundPlace> Document::definition(EditorPlace place) const {
  size_t offset = offsetOf(place);
  std::string word = wordAt(offset).str();
  if (word.empty())
    return std::nullopt;
  for (const Source *source : textsOf(content)) {
    std::vector<Token> tokens = tokensOf(*source);
    bool isOwn = source->name == content.name;
    std::optional<size_t> found = declarationOf(tokens, word, isOwn ? offset : 0);
    bool isFunction = found && *found > 0 && (tokens[*found - 1].is("fn") || tokens[*found - 1].is("hook"));
    if (!found || (!isOwn && !isFunction))
      continue;
    Document other = isOwn ? *this : Document(*source); // of another text only its lines are asked
    size_t begin = tokens[*found].offset;
    return FoundPlace{source->name, other.placeOf(begin), other.placeOf(begin + word.size())};
  }
  return std::nullopt;
}

std::string Document::typeOf(StringRef name, size_t declaration) const {
  // The value stands behind the "=" that follows the name.
  std::vector<Token> tokens = tokensOf(content);
  size_t i = 0;
  while (i < tokens.size() && tokens[i].offset != declaration)
    ++i;
  size_t end = i;
  while (end < tokens.size() && !tokens[end].is(";"))
    ++end;
  if (i + 2 >= tokens.size() || !tokens[i + 1].is("=") || end >= tokens.size())
    return "";
  // Of the expressions that begin inside it, the one that is computed last is all of it.
  for (const CompileResult &result : compiled) {
    std::string type;
    if (!result.kernel)
      continue;
    for (const KernelReport::TypedPlace &each : result.kernel->report.types) {
      if (result.kernel->report.texts[each.origin.text] != content.name)
        continue;
      size_t at = offsetOf({each.origin.line - 1, 0}) + each.column - 1;
      if (at > declaration && at < tokens[end].offset)
        type = each.type;
    }
    if (!type.empty())
      return type;
  }
  return "";
}

std::string Document::hover(EditorPlace place) const {
  size_t offset = offsetOf(place);
  StringRef word = wordAt(offset);
  std::vector<Token> tokens = tokensOf(content);
  std::optional<size_t> found = word.empty() ? std::nullopt : declarationOf(tokens, word, offset);
  if (found) {
    size_t begin = tokens[*found].offset;
    StringRef line =
        StringRef(content.text).drop_front(begin == 0 ? 0 : StringRef(content.text).rfind('\n', begin) + 1);
    std::string text = "```imbrex\n" + line.split('\n').first.trim().str() + "\n```";
    std::string type = typeOf(word, begin);
    return text + (type.empty() ? "" : "\n\n`" + word.str() + "`: " + type);
  }
  if (const Word *known = findWord(word))
    return "```imbrex\n" + known->form.str() + "\n```\n\n" + known->summary.str();
  for (const Source *source : textsOf(content))
    for (StringRef line : llvm::split(StringRef(source->text), '\n'))
      if (!word.empty() &&
          (line.starts_with(("fn " + word + "(").str()) || line.starts_with(("hook " + word + "(").str())))
        return "```imbrex\n" + line.trim().str() + "\n```\n\nof " + source->name;
  return "";
}

std::vector<std::string> Document::names() const {
  std::vector<std::string> names;
  for (const Source *source : textsOf(content)) {
    std::vector<Token> tokens = tokensOf(*source);
    for (size_t i = 0; i < tokens.size(); ++i) {
      bool isFunction = i > 0 && (tokens[i - 1].is("fn") || tokens[i - 1].is("hook"));
      if (declares(tokens, i) && (isFunction || source->name == content.name))
        names.push_back(tokens[i].text.str());
    }
  }
  llvm::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}
