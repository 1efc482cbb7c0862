//===- Diagnostics.h - The user's mistakes, with a place ------ -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Diagnostics of a compilation: what was expected, what was found, where, and the text around it.
// Mistakes of the machine are runtime Errors, ours are assertions. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_DIAGNOSTICS_H
#define IMBREX_COMPILER_DIAGNOSTICS_H

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace imbrex {

/// A kernel source: its text and the name that diagnostics, `.loc` lines and caches show for it.
struct Source {
  std::string name; ///< file path, or any label for a string
  std::string text;
};

enum class Severity { Error, Note, Remark };

struct Diagnostic {
  Severity severity = Severity::Error;
  std::string file;
  unsigned line = 0, column = 0; ///< from 1; 0: the whole file (a flag, a missing kernel)
  std::string message;
  std::string sourceLine; ///< the line's text, empty if line is 0

  /// "file:line:col: error: message\n  <line>\n  ^\n".
  std::string render() const;
};

/// Collects diagnostics for one source. Not thread-safe: one a compilation.
class Diagnostics {
public:
  explicit Diagnostics(const Source &source) : source(source) {}

  void error(uint32_t offset, std::string message) { add(Severity::Error, offset, std::move(message)); }
  void note(uint32_t offset, std::string message) { add(Severity::Note, offset, std::move(message)); }
  /// About the compilation as a whole: no place in the text.
  void errorWithoutPlace(std::string message);
  /// At line and column (from 1), as MLIR locations carry them. The same message at the same place is kept once.
  void addAt(Severity severity, unsigned line, unsigned column, std::string message);

  bool hasErrors() const { return errors > 0; }
  unsigned errorCount() const { return errors; }
  /// Name of the source.
  const std::string &file() const { return source.name; }
  const std::vector<Diagnostic> &all() const { return list; }
  std::vector<Diagnostic> take() { return std::move(list); }

  /// Line and column (from 1, columns in bytes) of a byte offset.
  std::pair<unsigned, unsigned> position(uint32_t offset) const;

private:
  void add(Severity severity, uint32_t offset, std::string message);
  const std::vector<uint32_t> &lines() const;

  const Source &source;
  mutable std::vector<uint32_t> lineStarts; ///< of every line; made when a position is first asked for
  std::vector<Diagnostic> list;
  unsigned errors = 0;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_DIAGNOSTICS_H
