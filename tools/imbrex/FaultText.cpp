//===- FaultText.cpp - A simulated fault as a compiler's error ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads the report line by line: the first one says what happened, "at" and "and" lines where.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/FaultText.h"
#include "compiler/Diagnostics.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace imbrex;
using llvm::StringRef;

static std::string lineOf(StringRef text, unsigned number) {
  for (unsigned i = 1; i < number; ++i)
    text = text.split('\n').second;
  return text.split('\n').first.rtrim('\r').str();
}

/// "PTX line 19: ..." after a word; 0 for another line.
static unsigned ptxLine(StringRef line) {
  unsigned number = 0;
  StringRef rest = line.substr(line.find("PTX line "));
  return rest.consume_front("PTX line ") && !rest.consumeInteger(10, number) ? number : 0;
}

static Diagnostic at(Severity severity, const std::string &file, unsigned line, unsigned column, std::string message,
                     StringRef text) {
  Diagnostic diagnostic;
  diagnostic.severity = severity;
  diagnostic.file = file;
  diagnostic.line = line;
  diagnostic.sourceLine = lineOf(text, line);
  size_t indent = diagnostic.sourceLine.find_first_not_of(" \t");
  diagnostic.column = column ? column : static_cast<unsigned>(indent == std::string::npos ? 1 : indent + 1);
  diagnostic.message = std::move(message);
  return diagnostic;
}

/// "source: FILE:LINE:COLUMN", with the file's line if it can be read.
static std::string renderSource(StringRef place) {
  auto [fileAndLine, columnText] = place.rsplit(':');
  auto [file, lineText] = fileAndLine.rsplit(':');
  unsigned line = 0, column = 0;
  lineText.getAsInteger(10, line);
  columnText.getAsInteger(10, column);
  auto buffer = llvm::MemoryBuffer::getFile(file);
  return at(Severity::Note, file.str(), line, column, "from here", buffer ? (*buffer)->getBuffer() : StringRef())
      .render();
}

std::string tool::renderFault(const std::string &report, const std::string &file, const std::string &text) {
  auto [headline, places] = StringRef(report).split('\n');
  headline.consume_front("simulated device: ");
  bool isNote = headline.consume_front("note: ");
  Severity severity = isNote ? Severity::Note : Severity::Error;
  std::string out, tail, message = headline.str();
  bool any = false;
  for (StringRef rest = places; !rest.empty();) {
    StringRef line;
    std::tie(line, rest) = rest.split('\n');
    StringRef words = line.trim();
    if (unsigned number = words.starts_with("at ") || words.starts_with("and ") ? ptxLine(words) : 0) {
      out += at(any ? Severity::Note : severity, file, number, 0, any ? "the other access" : message, text).render();
      any = true;
    } else if (words.consume_front("source: ")) {
      out += renderSource(words);
    } else {
      tail += (words.starts_with("thread ") ? "note: " : "  ") + words.str() + "\n";
    }
  }
  if (any)
    return out + tail;
  unsigned number = ptxLine(headline); // A module that does not load names its line in the first line.
  out =
      number ? at(severity, file, number, 0, message, text).render() : (isNote ? "note: " : "error: ") + message + "\n";
  return out + tail;
}
