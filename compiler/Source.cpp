//===- Source.cpp - A text, and those it imports --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Imports stand at the head of a text, so that they are found without reading the language: blanks, comments and
// `import "word";`. What is malformed there the parser tells.
//
//===----------------------------------------------------------------------===//

#include "compiler/Source.h"
#include <algorithm>
#include <filesystem>
#include <map>

using namespace imbrex;

static void skipBlanks(std::string_view &text) {
  while (!text.empty())
    if (text.starts_with("//"))
      text.remove_prefix(std::min(text.find('\n'), text.size()));
    else if (std::string_view(" \t\r\n\v\f").find(text[0]) != std::string_view::npos)
      text.remove_prefix(1);
    else
      return;
}

static bool accept(std::string_view &text, std::string_view word) {
  skipBlanks(text);
  if (!text.starts_with(word))
    return false;
  text.remove_prefix(word.size());
  return true;
}

/// The words that the head of `text` imports.
static std::vector<std::string> importWords(std::string_view text) {
  std::vector<std::string> words;
  if (text.starts_with("\xEF\xBB\xBF"))
    text.remove_prefix(3);
  while (accept(text, "import") && accept(text, "\"")) {
    std::string_view word = text.substr(0, text.find_first_of("\"\n"));
    words.emplace_back(word);
    text.remove_prefix(word.size());
    if (!accept(text, "\"") || !accept(text, ";"))
      break;
  }
  return words;
}

namespace {

/// Reads texts, each once.
class Reader {
public:
  explicit Reader(const ImportResolver &resolver) : resolver(resolver) {}

  void complete(Source &source) {
    path.push_back(source.name);
    source.imports.clear();
    for (std::string &word : importWords(source.text))
      source.imports.push_back(find(source, std::move(word)));
    path.pop_back();
  }

private:
  Import find(const Source &importer, std::string word) {
    if (!resolver)
      return {std::move(word), {}, "this text was handed over without a way to find others"};
    FoundText found = resolver(importer, word);
    if (!found.source)
      return {std::move(word), {}, std::move(found.why)};
    if (auto begin = std::find(path.begin(), path.end(), found.source->name); begin != path.end()) {
      std::string circle;
      for (; begin != path.end(); ++begin)
        circle += *begin + " imports ";
      return {std::move(word), {}, "it leads in a circle: " + circle + found.source->name};
    }
    if (auto it = known.find(found.source->name); it != known.end())
      return {std::move(word), it->second};
    if (known.size() >= kMaxImports)
      return {std::move(word), {}, "a source may import " + std::to_string(kMaxImports) + " texts"};
    auto text = std::make_shared<Source>(std::move(*found.source));
    known[text->name] = text;
    complete(*text);
    return {std::move(word), std::move(text)};
  }

  const ImportResolver &resolver;
  std::map<std::string, std::shared_ptr<const Source>> known; ///< by their names
  std::vector<std::string> path; ///< names of what is being read, each imported by the one before
};

} // namespace

Source imbrex::withImports(Source source, const ImportResolver &resolver) {
  Reader(resolver).complete(source);
  return source;
}

std::string imbrex::besideFile(std::string_view importer, std::string_view word) {
  return (std::filesystem::path(importer).parent_path() / word).lexically_normal().string();
}

std::vector<const Source *> imbrex::textsOf(const Source &source) {
  std::vector<const Source *> texts{&source};
  for (size_t i = 0; i < texts.size() && texts.size() <= kMaxImports; ++i)
    for (const Import &import : texts[i]->imports)
      if (import.source && std::find(texts.begin(), texts.end(), import.source.get()) == texts.end())
        texts.push_back(import.source.get());
  return texts;
}
