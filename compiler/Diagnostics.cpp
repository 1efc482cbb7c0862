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
static std::string_view lineText(std::string_view text, const std::vector<uint32_t> &lineStarts, unsigned line) {
  if (line == 0 || line > lineStarts.size())
    return {};
  text.remove_prefix(lineStarts[line - 1]);
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
  offset = std::min<size_t>(offset, source.text.size());
  auto next = std::upper_bound(lines().begin(), lines().end(), offset);
  return {unsigned(next - lines().begin()), offset - *std::prev(next) + 1};
}

const std::vector<uint32_t> &Diagnostics::lines() const {
  if (!lineStarts.empty())
    return lineStarts;
  lineStarts.push_back(0);
  for (size_t i = 0; i < source.text.size(); ++i)
    if (source.text[i] == '\n')
      lineStarts.push_back(i + 1);
  return lineStarts;
}

void Diagnostics::add(Severity severity, uint32_t offset, std::string message) {
  auto [line, column] = position(offset);
  addAt(severity, line, column, std::move(message));
}

void Diagnostics::addAt(Severity severity, unsigned line, unsigned column, std::string message) {
  bool known = std::any_of(list.begin(), list.end(), [&](const Diagnostic &other) {
    return other.line == line && other.column == column && other.message == message;
  });
  if (known)
    return;
  errors += severity == Severity::Error;
  std::string text(lineText(source.text, lines(), line));
  list.push_back({severity, source.name, line, column, std::move(message), std::move(text)});
}

void Diagnostics::errorWithoutPlace(std::string message) { addAt(Severity::Error, 0, 0, std::move(message)); }
