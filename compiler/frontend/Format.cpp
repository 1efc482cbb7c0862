//===- Format.cpp - One layout for all texts ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Works on tokens: what a `<`, `|`, `{` or `-` is follows from its neighbours (Spacing), how far a line is indented
// from the brackets that are open (Layout).
//
//===----------------------------------------------------------------------===//

#include "compiler/Format.h"
#include "compiler/frontend/Parser.h"

using namespace imbrex;
using llvm::StringRef;

static constexpr const char *kOpen = "{", *kClose = "}";

namespace {

/// Says between which tokens a blank stands.
class Spacing {
public:
  explicit Spacing(llvm::ArrayRef<Token> tokens) : tokens(tokens), roles(tokens.size(), Plain), inIndex(tokens.size()) {
    for (size_t i = 0; i < tokens.size(); ++i)
      mark(i);
  }

  /// Between a token and the next.
  bool after(size_t i) const;
  bool isBlock(size_t i) const {
    return tokens[i].is(kOpen) ? roles[i] != Open : tokens[i].is(kClose) && roles[i] != Close;
  }

private:
  /// Open and Close: brackets that only their place shows to be some, `<T>`, `|i, j|`, and `{1, 2}` of a choice.
  enum Role : uint8_t { Plain, Open, Close, Prefix };

  void mark(size_t i);
  bool opensTypes(size_t i) const;
  bool isItem(size_t i) const {
    return i == 0 || tokens[i - 1].is(";") || tokens[i - 1].is(kOpen) || tokens[i - 1].is(kClose);
  }
  bool isIndexBracket(size_t depth) const;
  bool isOperand(size_t i) const;
  bool takesArguments(size_t i) const;

  llvm::ArrayRef<Token> tokens;
  std::vector<Role> roles;
  std::vector<bool> inIndex;
  std::vector<size_t> brackets; ///< that are open: their places
  unsigned types = 0;           ///< `<` that are open
  bool inGrid = false, inNames = false;
};

/// A piece of a line: a token, or a comment at its end.
struct Line {
  size_t first = 0, last = 0; ///< its tokens
  bool hasBlankBefore = false;
  std::string text; ///< without indentation and comment
  unsigned indent = 0;
  std::string comment; ///< "// ..."
  size_t column = 0;   ///< of the comment, in the source
};

class Layout {
public:
  Layout(StringRef text, llvm::ArrayRef<Token> tokens) : text(text), tokens(tokens), spacing(tokens) {}
  std::string run();

private:
  void takeGap(size_t begin, size_t end, size_t next);
  void newLine(size_t next, bool hasBlankBefore, bool isComment = false);
  void takeToken(size_t i);
  unsigned indentOf(size_t next, bool isComment) const;
  void alignComments();
  size_t endOf(size_t i) const;

  StringRef text;
  llvm::ArrayRef<Token> tokens;
  Spacing spacing;
  std::vector<Line> lines;
  std::vector<bool> brackets; ///< that are open: whether they are a block's
};

} // namespace

//===----------------------------------------------------------------------===//
// Blanks
//===----------------------------------------------------------------------===//

/// True of the `<` of view<T>, cast<T>, dot<tf32>(..) and of a kernel's parameters.
bool Spacing::opensTypes(size_t i) const {
  if (i == 0 || !tokens[i].is("<"))
    return false;
  for (const char *word : {"view", "wide", "cast", "fill"})
    if (tokens[i - 1].is(word))
      return true;
  bool isMode = tokens[i - 1].is("dot") && i + 3 < tokens.size() && tokens[i + 2].is(">") && tokens[i + 3].is("(");
  return isMode || (i > 1 && tokens[i - 2].is("kernel"));
}

/// True if the innermost of `depth` open brackets holds indices of a view: [lo .. hi] or [.., (lo .. hi, :)].
bool Spacing::isIndexBracket(size_t depth) const {
  if (depth == 0)
    return false;
  size_t inner = brackets[depth - 1];
  if (tokens[inner].is("["))
    return true;
  bool isJoined = inner > 0 && tokens[inner].is("(") && (tokens[inner - 1].is("[") || tokens[inner - 1].is(","));
  return isJoined && isIndexBracket(depth - 1);
}

/// True of what an operator may follow.
bool Spacing::isOperand(size_t i) const {
  for (const char *word : {"return", "in", "if", "require", "when", "key"})
    if (tokens[i].is(word))
      return false;
  bool isBracket = tokens[i].is(")") || tokens[i].is("]");
  return isBracket || (tokens[i].kind != TokenKind::Symbol && !(tokens[i].is("where") && isItem(i)));
}

void Spacing::mark(size_t i) {
  const Token &token = tokens[i];
  inIndex[i] = isIndexBracket(brackets.size());
  if (opensTypes(i))
    roles[i] = Open, ++types;
  else if (token.is(">") && types != 0)
    roles[i] = Close, --types;
  else if (token.is(kOpen) && i > 0 && tokens[i - 1].is(":"))
    roles[i] = Open;
  else if (token.is(kClose) && !brackets.empty() && roles[brackets.back()] == Open)
    roles[i] = Close;
  else if (token.is("!") || (token.is("-") && (i == 0 || !isOperand(i - 1))))
    roles[i] = Prefix;
  else if (token.is("|") && inGrid && tokens[i - 1].is(")") && brackets.empty())
    roles[i] = Open, inNames = true, inGrid = false;
  else if (token.is("|") && inNames)
    roles[i] = Close, inNames = false;
  inGrid |= token.is("grid");
  if (token.is("(") || token.is("[") || token.is(kOpen))
    brackets.push_back(i);
  else if ((token.is(")") || token.is("]") || token.is(kClose)) && !brackets.empty())
    brackets.pop_back();
}

/// True of what brackets belong to: f(x), x[:, _], f(a)(b), cast<T>(x).
bool Spacing::takesArguments(size_t i) const {
  bool isWord = tokens[i].is("grid") || (tokens[i].kind == TokenKind::Name && !isOperand(i));
  return !isWord && (isOperand(i) || (tokens[i].is(">") && roles[i] == Close));
}

bool Spacing::after(size_t i) const {
  const Token &left = tokens[i], &right = tokens[i + 1];
  for (const char *symbol : {",", ";", ")", "]", ".", "?"})
    if (right.is(symbol))
      return false;
  if (left.is("(") || left.is("[") || left.is(".") || roles[i] == Prefix || roles[i] == Open || roles[i + 1] == Close)
    return false;
  if (roles[i + 1] == Open)
    return !right.is("<");
  if (left.is(">") && right.is(">")) // a shift
    return false;
  if (left.is(kOpen) && right.is(kClose))
    return false;
  if (right.is(":"))
    return left.is(",");
  if (left.is("..") || right.is(".."))
    return inIndex[i];
  return !(right.is("(") || right.is("[")) || !takesArguments(i);
}

//===----------------------------------------------------------------------===//
// Lines
//===----------------------------------------------------------------------===//

size_t Layout::endOf(size_t i) const {
  size_t quotes = tokens[i].kind == TokenKind::Text ? 2 : 0;
  return tokens[i].offset + tokens[i].text.size() + quotes;
}

/// Of a line that begins with the token `next`, or with a comment before it.
unsigned Layout::indentOf(size_t next, bool isComment) const {
  bool closes = !isComment && spacing.isBlock(next) && tokens[next].is(kClose);
  unsigned blocks = unsigned(llvm::count(brackets, true)) - (closes && !brackets.empty() ? 1 : 0);
  if (!brackets.empty() && !brackets.back())
    return 2 * blocks + 4;
  bool begins = next == 0 || tokens[next - 1].is(";") || spacing.isBlock(next - 1);
  for (const char *word : {"tune", "grid", kOpen, "else"})
    begins |= tokens[next].is(word);
  return 2 * blocks + (begins ? 0 : 2);
}

void Layout::newLine(size_t next, bool hasBlankBefore, bool isComment) {
  Line line;
  line.first = line.last = next;
  line.hasBlankBefore = hasBlankBefore && !lines.empty();
  line.indent = indentOf(next, isComment);
  lines.push_back(std::move(line));
}

/// What stands between two tokens: breaks of lines, and comments, each of which ends one.
void Layout::takeGap(size_t begin, size_t end, size_t next) {
  unsigned breaks = lines.empty() ? 1 : 0;
  bool hasComment = false; // the line has ended with one
  for (size_t at = begin; at < end;) {
    if (!text.substr(at).starts_with("//")) {
      breaks += text[at++] == '\n';
      continue;
    }
    if (breaks != 0 || hasComment)
      newLine(next, breaks > 1, /*isComment=*/true);
    size_t stop = std::min(text.find('\n', at), end);
    lines.back().comment = text.slice(at, stop).rtrim().str();
    lines.back().column = at - (text.rfind('\n', at) == StringRef::npos ? 0 : text.rfind('\n', at) + 1);
    at = stop;
    breaks = 0;
    hasComment = true;
  }
  if ((breaks != 0 || hasComment) && tokens[next].kind != TokenKind::End)
    newLine(next, breaks > 1);
}

void Layout::takeToken(size_t i) {
  Line &line = lines.back();
  if (!line.text.empty() && spacing.after(i - 1))
    line.text += " ";
  line.text += text.slice(tokens[i].offset, endOf(i));
  line.last = i;
  for (const char *symbol : {"(", "[", kOpen})
    if (tokens[i].is(symbol))
      brackets.push_back(spacing.isBlock(i));
  for (const char *symbol : {")", "]", kClose})
    if (tokens[i].is(symbol) && !brackets.empty())
      brackets.pop_back();
}

/// Comments of neighbouring lines in one column, unless that is too far to the right. Comments alone in their lines go
/// along if they stood below one of them.
void Layout::alignComments() {
  constexpr size_t kColumns = 120;
  auto endsWithComment = [&](size_t i) { return !lines[i].text.empty() && !lines[i].comment.empty(); };
  for (size_t begin = 0; begin < lines.size();) {
    size_t end = begin, column = 0, longest = 0;
    for (; end < lines.size() && (end == begin || !lines[end].hasBlankBefore); ++end) {
      const Line &line = lines[end];
      bool isBelow = end > begin && line.text.empty() && line.column == lines[end - 1].column;
      if (!endsWithComment(end) && !isBelow)
        break;
      column = std::max(column, line.text.empty() ? 0 : line.indent + line.text.size() + 2);
      longest = std::max(longest, line.comment.size());
    }
    bool isOneColumn = column + longest <= kColumns;
    for (size_t i = begin; i < end; ++i) {
      Line &line = lines[i];
      if (line.text.empty()) {
        line.indent = unsigned(column);
        continue;
      }
      size_t width = line.indent + line.text.size();
      column = isOneColumn ? column : width + 2;
      line.text.append(column - width, ' ');
    }
    begin = std::max(end, begin + 1);
  }
}

std::string Layout::run() {
  size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  for (size_t i = 0; i < tokens.size(); ++i) {
    size_t begin = i == 0 ? at : endOf(i - 1);
    takeGap(begin, tokens[i].offset, i);
    if (lines.empty() && tokens[i].kind != TokenKind::End)
      newLine(i, false);
    if (tokens[i].kind != TokenKind::End)
      takeToken(i);
  }
  alignComments();
  std::string result;
  for (const Line &line : lines)
    result += (line.hasBlankBefore ? "\n" : "") + std::string(line.indent, ' ') + line.text + line.comment + "\n";
  return result;
}

Formatted imbrex::format(const Source &source) {
  Diagnostics diagnostics(source);
  Parser(source.text, diagnostics).parseFile();
  Formatted result;
  if (!diagnostics.hasErrors()) {
    std::vector<Token> tokens = lex(source.text, diagnostics);
    result.text = Layout(source.text, tokens).run();
    const Source formatted{source.name, *result.text};
    Diagnostics again(formatted);
    Parser(formatted.text, again).parseFile();
    if (again.hasErrors()) {
      result.text.reset();
      diagnostics.errorWithoutPlace("this text cannot be laid out; please report it");
    }
  }
  result.diagnostics = diagnostics.take();
  return result;
}
