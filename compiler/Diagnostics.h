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

#include "compiler/Source.h"
#include <cstdint>
#include <deque>

namespace imbrex {

enum class Severity { Error, Note, Remark };

/// Bounds on a kernel's size: more cannot be launched, or not be compiled in sensible time.
enum class SizeLimit : uint8_t {
  None,
  Instructions, ///< of a thread
  Registers,    ///< that a thread holds of one tile
  SharedMemory, ///< of a CTA
  Parameters    ///< bytes of the launch values
};

/// One sentence about a place of a text.
struct Diagnostic {
  Severity severity = Severity::Error;
  std::string file;
  unsigned line = 0, column = 0; ///< from 1; 0: the whole file (a flag, a missing kernel)
  std::string message;
  std::string sourceLine; ///< the line's text, empty if line is 0 or the file's text is not at hand
  bool ofCaller = false;  ///< about what the caller chose (a setting, a hook, a shape), not about the kernel's text
  SizeLimit limit = SizeLimit::None; ///< which bound the kernel exceeds, if the error is about that

  /// "file:line:col: error: message\n  <line>\n  ^\n"; the last two only where there is a line, of a long one a part.
  std::string render() const;
};

/// A line and a column (from 1, in bytes) of a text. Line 0: the text as a whole.
struct Place {
  std::string_view file;
  unsigned line = 0, column = 0;
  bool operator==(const Place &) const = default;
};

/// Collects diagnostics for one source and the texts that come with it (the hooks' bindings, imports). All texts
/// stand one after another in one space of byte offsets: the first one's offsets are its own, those of a text
/// added later begin at what addText returned. Not thread-safe: one a compilation.
class Diagnostics {
public:
  explicit Diagnostics(const Source &source) { texts.push_back({&source, 0, false, {}}); }
  Diagnostics(const Diagnostics &) = delete;

  /// Keeps a copy of `added`; the offset of its first byte. Errors in a text `ofCaller` are in what the caller chose.
  uint32_t addText(Source added, bool ofCaller);

  /// Adds one about the text at `offset` bytes.
  void error(uint32_t offset, std::string message) { add(Severity::Error, offset, std::move(message)); }
  void note(uint32_t offset, std::string message) { add(Severity::Note, offset, std::move(message)); }
  /// An error in what the caller chose.
  void callerError(uint32_t offset, std::string message) { add(Severity::Error, offset, std::move(message), true); }
  /// About the compilation as a whole: no place in the text.
  void errorWithoutPlace(std::string message, bool ofCaller = false);
  /// At a place as MLIR locations carry them; a file that is none of the texts is only named. The same message
  /// at the same place is kept once.
  void addAt(Severity severity, const Place &place, std::string message, bool ofCaller = false,
             SizeLimit limit = SizeLimit::None);

  /// Notes and remarks do not count.
  bool hasErrors() const { return errors > 0; }
  unsigned errorCount() const { return errors; }
  /// Name of the first text.
  const std::string &file() const { return texts.front().source->name; }
  const std::vector<Diagnostic> &all() const { return list; }
  std::vector<Diagnostic> take() { return std::move(list); }

  /// The place of a byte offset; its file's name lives as long as the texts.
  Place position(uint32_t offset) const;

private:
  struct Text {
    const Source *source;
    uint32_t begin; ///< offset of its first byte
    bool ofCaller;
    mutable std::vector<uint32_t> lineStarts; ///< of every line, from its own first byte; made when first asked for
    const std::vector<uint32_t> &lines() const;
    std::string_view line(unsigned number) const;
  };
  const Text &textAt(uint32_t offset) const;
  void add(Severity severity, uint32_t offset, std::string message, bool ofCaller = false);

  std::deque<Source> added; ///< what `texts` points to, but for the first
  std::vector<Text> texts;  ///< in the order of their offsets
  std::vector<Diagnostic> list;
  unsigned errors = 0;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_DIAGNOSTICS_H
