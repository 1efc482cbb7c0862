//===- FormatFiles.cpp - imbrex format ------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writes texts again in the layout of compiler/Format.h, and names those that changed; with --check it only names
// those that would.
//
//===----------------------------------------------------------------------===//

#include "compiler/Format.h"
#include "tools/imbrex/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;

/// False, told, if the text could not be read or written, is wrong, or (with --check) would change.
static bool formatFile(const std::string &path, bool isCheck) {
  std::optional<Source> source = readSource(path);
  if (!source)
    return false;
  Formatted formatted = format(*source);
  for (const Diagnostic &diagnostic : formatted.diagnostics)
    llvm::errs() << diagnostic.render();
  if (!formatted.text)
    return false;
  bool isStream = path == "-";
  if (isStream && !isCheck)
    return writeText("", *formatted.text);
  if (*formatted.text == source->text)
    return true;
  llvm::outs() << path << "\n";
  return !isCheck && writeText(path, *formatted.text);
}

int tool::formatFiles(const Request &request) {
  bool good = formatFile(request.file, request.check);
  for (const std::string &path : request.moreFiles)
    good &= formatFile(path, request.check);
  return good ? kSuccess : kUserError;
}
