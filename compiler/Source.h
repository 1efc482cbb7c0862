//===- Source.h - A text, and those it imports ----------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the compiler is given to read. It opens no file: what a text imports is put beside it by the host before,
// through a function of the host's that finds texts. A Source with its imports is a value like any other: equal ones
// compile to equal code. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_SOURCE_H
#define IMBREX_COMPILER_SOURCE_H

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace imbrex {

struct Source;

/// What a text calls by `word`: import "word";
struct Import {
  std::string word;
  std::shared_ptr<const Source> source = {}; ///< null: it is not to be had
  std::string why = {};                      ///< then: the reason, for the compiler's message
};

/// A kernel source: its text and the name that diagnostics, `.loc` lines and caches show for it.
struct Source {
  std::string name; ///< file path, or any label for a string
  std::string text;
  std::vector<Import> imports = {}; ///< in the order of the text; one Source for texts of one name
};

/// What a resolver found: a text, whose name tells it from others (its imports are not looked at), or why there is
/// none: "there is no masks.tile in kernels".
struct FoundText {
  std::optional<Source> source;
  std::string why = {};
};

/// Finds the text that `importer` calls `word`.
using ImportResolver = std::function<FoundText(const Source &importer, std::string_view word)>;

/// Texts that one source may import, those of imports among them.
inline constexpr size_t kMaxImports = 64;

/// `source` with what its text imports, and what that imports. A text that imports itself in the end, or that is not
/// found, is left to the compiler to tell, with its place.
Source withImports(Source source, const ImportResolver &resolver);

/// `word` beside the file `importer`, without `..` and `.`: "kernels/a.tile", "../b.tile" is "b.tile". A word from the
/// root is itself.
std::string besideFile(std::string_view importer, std::string_view word);

/// All of a source's texts: itself, then what it imports, each once. Bounded, whatever was put together.
std::vector<const Source *> textsOf(const Source &source);

} // namespace imbrex

#endif // IMBREX_COMPILER_SOURCE_H
