//===- Diagnostics.cpp - The user's mistakes, with a place ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Positions in a text, and the rendering of a diagnostic with its line and caret.
//
//===----------------------------------------------------------------------===//

#include "compiler/Diagnostics.h"
#include <algorithm>

using namespace imbrex;

static std::string_view severityName(Severity severity) {
  switch (severity) {
  case Severity::Error:
    return "error";
  case Severity::Note:
    return "note";
  case Severity::Remark:
    return "remark";
  }
  return "error";
}

/// The text of line `line` (from 1) without its line break; empty past the end.
static std::string_view lineText(std::string_view text, unsigned line) {
  for (unsigned i = 1; i < line; ++i) {
    size_t end = text.find('\n');
    if (end == std::string_view::npos)
      return {};
    text.remove_prefix(end + 1);
  }
  text = text.substr(0, text.find('\n'));
  if (text.ends_with('\r'))
    text.remove_suffix(1);
  return text;
}

/// What stands before the caret: tabs stay, so that it lines up; a UTF-8 character takes one column.
static std::string caretIndent(std::string_view line, unsigned column) {
  std::string indent;
  for (size_t i = 0; i + 1 < column; ++i) {
    char c = i < line.size() ? line[i] : ' ';
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80)
      indent += c == '\t' ? '\t' : ' ';
  }
  return indent;
}

std::string Diagnostic::render() const {
  std::string text = file;
  if (line != 0)
    text += ":" + std::to_string(line) + ":" + std::to_string(column);
  text += text.empty() ? "" : ": ";
  text += std::string(severityName(severity)) + ": " + message + "\n";
  if (line == 0)
    return text;
  return text + "  " + sourceLine + "\n  " + caretIndent(sourceLine, column) + "^\n";
}

std::pair<unsigned, unsigned> Diagnostics::position(uint32_t offset) const {
  std::string_view before = std::string_view(source.text).substr(0, std::min<size_t>(offset, source.text.size()));
  size_t lineStart = before.rfind('\n') + 1; // npos + 1 is 0: the first line
  return {unsigned(std::count(before.begin(), before.end(), '\n')) + 1, unsigned(before.size() - lineStart) + 1};
}

void Diagnostics::add(Severity severity, uint32_t offset, std::string message) {
  auto [line, column] = position(offset);
  addAt(severity, line, column, std::move(message));
}

void Diagnostics::addAt(Severity severity, unsigned line, unsigned column, std::string message) {
  errors += severity == Severity::Error;
  std::string text(line == 0 ? std::string_view() : lineText(source.text, line));
  list.push_back({severity, source.name, line, column, std::move(message), std::move(text)});
}

void Diagnostics::errorWithoutPlace(std::string message) { addAt(Severity::Error, 0, 0, std::move(message)); }
