//===- TreeSource.h - Kernels of the tree with their imports ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For tests that compile texts without a runtime. Files are read once a process.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_TREESOURCE_H
#define IMBREX_TESTS_SUPPORT_TREESOURCE_H

#include "compiler/Source.h"
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>

namespace imbrex::testing {

/// The text of a file; nullopt if it cannot be read.
inline std::optional<std::string> textOfFile(const std::string &path) {
  static std::mutex mutex;
  static std::map<std::string, std::string> known;
  std::lock_guard<std::mutex> lock(mutex);
  if (auto it = known.find(path); it != known.end())
    return it->second;
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return file.good() ? std::optional(known.emplace(path, text.str()).first->second) : std::nullopt;
}

/// An ImportResolver: the file beside the importing one, whose name is its path.
inline FoundText besideInTree(const Source &importer, std::string_view word) {
  const std::string path = besideFile(importer.name, word);
  std::optional<std::string> text = textOfFile(path);
  return text ? FoundText{Source{path, *text}} : FoundText{{}, "there is no " + path};
}

/// The file with what it imports; without a text if it cannot be read.
inline Source treeSource(const std::string &path) {
  return withImports({path, textOfFile(path).value_or("")}, besideInTree);
}

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_TREESOURCE_H
