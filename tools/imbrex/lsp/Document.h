//===- Document.h - What an editor may ask of a text ------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One text as an editor has it, and answers about it: from its tokens, which are there whatever state the text is in,
// and, where it compiles with the first types that it allows, from what the compiler made of it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TOOLS_IMBREX_LSP_DOCUMENT_H
#define IMBREX_TOOLS_IMBREX_LSP_DOCUMENT_H

#include "compiler/Compiler.h"
#include "llvm/ADT/StringRef.h"

namespace imbrex::tool {

/// A place in a text, from 0, the character in UTF-16 units: as the protocol counts.
struct EditorPlace {
  unsigned line = 0, character = 0;
};

struct FoundPlace {
  std::string path;
  EditorPlace begin, end;
};

class Document {
public:
  /// `text` of the file `path`; imports are looked for beside it and among the kernels that come along.
  Document(std::string path, std::string text);

  /// Mistakes in the text itself, and at its imports those that lie behind them; of those that depend on how it is
  /// specialised, what the first allowed types show.
  std::vector<Diagnostic> diagnostics() const;
  /// What the word at `place` is; "" if there is nothing to say.
  std::string hover(EditorPlace place) const;
  /// Where the name at `place` is declared.
  std::optional<FoundPlace> definition(EditorPlace place) const;
  /// Names of the text: functions, parameters, values.
  std::vector<std::string> names() const;

  const Source &source() const { return content; }
  size_t offsetOf(EditorPlace place) const;
  EditorPlace placeOf(size_t offset) const;

private:
  /// A text of which only places are asked.
  explicit Document(Source source) : content(std::move(source)) {}

  /// A mistake of another text, or of none, as one of the import that leads there, else of the first line.
  Diagnostic atImport(Diagnostic diagnostic) const;
  /// The name that holds byte `offset`; empty if none does.
  llvm::StringRef wordAt(size_t offset) const;
  std::string typeOf(llvm::StringRef name, size_t declaration) const;

  Source content;
  std::vector<CompileResult> compiled; ///< of each kernel, with the first types that it allows
  std::vector<Diagnostic> mistakes;
};

} // namespace imbrex::tool

#endif // IMBREX_TOOLS_IMBREX_LSP_DOCUMENT_H
