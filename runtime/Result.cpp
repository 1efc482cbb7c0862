//===- Result.cpp - Errors in words ---------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rendering of an Error, and the end of a program that took a value where there was none.
//
//===----------------------------------------------------------------------===//

#include "runtime/Result.h"
#include <cstdio>
#include <cstdlib>

using namespace imbrex;

std::string Error::render() const {
  std::string text = message;
  if (!call.empty())
    text += (text.empty() ? "" : ": ") + call + "(" + arguments + ") failed";
  if (!driverName.empty())
    text += " with " + driverName;
  if (!driverWords.empty())
    text += " (" + driverWords + ")";
  text += "\n";
  for (const Diagnostic &diagnostic : diagnostics)
    if (diagnostic.severity != Severity::Remark)
      text += diagnostic.render();
  if (!report.empty())
    text += report + (report.ends_with('\n') ? "" : "\n");
  return text;
}

void imbrex::dieOf(const Error &error) {
  std::fputs(("imbrex: error: " + error.render()).c_str(), stderr);
  std::exit(EXIT_FAILURE);
}
