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

/// Line `number` (from 1) without its line break; empty past the end.
std::string_view Diagnostics::Text::line(unsigned number) const {
  if (number == 0 || number > lines().size())
    return {};
  std::string_view text = source->text;
  text.remove_prefix(lines()[number - 1]);
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

static bool isInsideCharacter(std::string_view line, size_t at) {
  return at < line.size() && (static_cast<unsigned char>(line[at]) & 0xC0) == 0x80;
}

/// The line and the caret below it; of a long line what stands around the caret.
static std::string renderLine(std::string_view line, unsigned column) {
  constexpr size_t kShown = 100; // bytes on either side
  size_t at = std::min<size_t>(column == 0 ? 0 : column - 1, line.size());
  size_t begin = at > kShown ? at - kShown : 0, end = std::min(at + kShown, line.size());
  while (isInsideCharacter(line, begin))
    ++begin;
  while (isInsideCharacter(line, end))
    ++end;
  std::string head = begin > 0 ? "..." : "", tail = end < line.size() ? "..." : "";
  std::string shown = head + std::string(line.substr(begin, end - begin));
  return "  " + shown + tail + "\n  " + caretIndent(shown, unsigned(head.size() + at - begin) + 1) + "^\n";
}

std::string Diagnostic::render() const {
  std::string text = file;
  if (line != 0)
    text += ":" + std::to_string(line) + ":" + std::to_string(column);
  text += text.empty() ? "" : ": ";
  text += std::string(severityName(severity)) + ": " + message + "\n";
  if (sourceLine.empty())
    return text;
  return text + renderLine(sourceLine, column);
}

const std::vector<uint32_t> &Diagnostics::Text::lines() const {
  if (!lineStarts.empty())
    return lineStarts;
  lineStarts.push_back(0);
  for (size_t i = 0; i < source->text.size(); ++i)
    if (source->text[i] == '\n')
      lineStarts.push_back(uint32_t(i + 1));
  return lineStarts;
}

uint32_t Diagnostics::addText(Source text, bool ofCaller) {
  // One byte between two texts: the end of one is not the beginning of the next.
  uint32_t begin = texts.back().begin + uint32_t(texts.back().source->text.size()) + 1;
  texts.push_back({&added.emplace_back(std::move(text)), begin, ofCaller, {}});
  return begin;
}

const Diagnostics::Text &Diagnostics::textAt(uint32_t offset) const {
  auto after = std::upper_bound(texts.begin(), texts.end(), offset,
                                [](uint32_t at, const Text &text) { return at < text.begin; });
  return *std::prev(after);
}

Place Diagnostics::position(uint32_t offset) const {
  const Text &text = textAt(offset);
  uint32_t at = uint32_t(std::min<size_t>(offset - text.begin, text.source->text.size()));
  auto next = std::upper_bound(text.lines().begin(), text.lines().end(), at);
  return {text.source->name, unsigned(next - text.lines().begin()), at - *std::prev(next) + 1};
}

void Diagnostics::add(Severity severity, uint32_t offset, std::string message, bool ofCaller) {
  addAt(severity, position(offset), std::move(message), ofCaller || textAt(offset).ofCaller);
}

void Diagnostics::addAt(Severity severity, const Place &place, std::string message, bool ofCaller, SizeLimit limit) {
  bool known = std::any_of(list.begin(), list.end(), [&](const Diagnostic &other) {
    return Place{other.file, other.line, other.column} == place && other.message == message;
  });
  if (known)
    return;
  errors += severity == Severity::Error;
  auto text =
      std::find_if(texts.begin(), texts.end(), [&](const Text &each) { return each.source->name == place.file; });
  std::string line(text == texts.end() ? std::string_view() : text->line(place.line));
  list.push_back({severity, std::string(place.file), place.line, place.column, std::move(message), std::move(line),
                  ofCaller, limit});
}

void Diagnostics::errorWithoutPlace(std::string message, bool ofCaller) {
  addAt(Severity::Error, {file(), 0, 0}, std::move(message), ofCaller);
}
