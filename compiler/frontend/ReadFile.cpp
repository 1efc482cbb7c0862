//===- ReadFile.cpp - A source and what it imports, as trees --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each text is parsed once. In messages an imported one has the name that the text which imports it calls it by, so
// that they, and the lines in the code, do not depend on where files lie.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Frontend.h"
#include "compiler/frontend/Parser.h"

using namespace imbrex;
using namespace imbrex::ast;

std::vector<const Function *> File::visibleFunctions() const {
  std::vector<const Function *> visible;
  for (const Function &function : functions)
    visible.push_back(&function);
  for (const FileImport &import : imports)
    if (import.file)
      for (const Function &function : import.file->functions)
        visible.push_back(&function);
  if (outer)
    for (const Function *function : outer->visibleFunctions())
      visible.push_back(function);
  return visible;
}

const Function *File::findFunction(std::string_view name) const {
  auto find = [&](const File &file) -> const Function * {
    auto it = llvm::find_if(file.functions, [&](const Function &function) { return function.name == name; });
    return it == file.functions.end() ? nullptr : &*it;
  };
  if (const Function *own = find(*this))
    return own;
  for (const FileImport &import : imports)
    if (const Function *imported = import.file ? find(*import.file) : nullptr)
      return imported;
  return outer ? outer->findFunction(name) : nullptr;
}

namespace {

class FileReader {
public:
  explicit FileReader(Diagnostics &diagnostics) : diagnostics(diagnostics) {}

  std::unique_ptr<File> read(const Source &source, uint32_t begin);

private:
  std::shared_ptr<const File> readImport(const FileImport &import, const Source &importer);
  void checkNames(const File &file);

  Diagnostics &diagnostics;
  std::map<const Source *, std::shared_ptr<const File>> known;
};

} // namespace

std::unique_ptr<File> FileReader::read(const Source &source, uint32_t begin) {
  std::unique_ptr<File> file = Parser(source.text, diagnostics, begin).parseFile();
  for (FileImport &import : file->imports)
    import.file = readImport(import, source);
  checkNames(*file);
  return file;
}

/// Null, reported, if there is no such text.
std::shared_ptr<const File> FileReader::readImport(const FileImport &import, const Source &importer) {
  auto it = llvm::find_if(importer.imports, [&](const Import &each) { return each.word == import.word; });
  const Source *source = it == importer.imports.end() ? nullptr : it->source.get();
  if (auto read = known.find(source); source && read != known.end())
    return read->second;
  std::string why = it == importer.imports.end() ? "this text was handed over without what it imports" : it->why;
  if (source && known.size() >= kMaxImports)
    why = "a source may import " + std::to_string(kMaxImports) + " texts", source = nullptr;
  if (!source) {
    report(diagnostics, import.offset, Message::ImportNotFound, import.word, why);
    return nullptr;
  }
  known[source]; // counts while it is read
  std::shared_ptr<const File> file =
      read(*source, diagnostics.addText({import.word, source->text}, /*ofCaller=*/false));
  return known[source] = file;
}

/// No name twice among the file's own functions and those it imports.
void FileReader::checkNames(const File &file) {
  std::map<std::string_view, std::string> seen;
  for (const Function &function : file.functions)
    seen.emplace(function.name, "this file");
  for (const FileImport &import : file.imports) {
    if (!import.file)
      continue;
    for (const Function &function : import.file->functions)
      if (auto [it, isNew] = seen.emplace(function.name, "'" + import.word + "'"); !isNew)
        report(diagnostics, import.offset, Message::ImportClash, function.name, it->second, "'" + import.word + "'");
  }
}

std::unique_ptr<File> imbrex::parseFile(const Source &source, Diagnostics &diagnostics) {
  return FileReader(diagnostics).read(source, 0);
}
