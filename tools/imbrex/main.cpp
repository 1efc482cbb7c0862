//===- main.cpp - The command-line program --------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Picks the sub-command, and sees to it that what could not be printed is no success.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/Guard.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;

static int dispatch(int count, char **words) {
  std::optional<Request> request = parseCommandLine(count, words);
  if (!request)
    return kWrongFlags;
  if (request->help) {
    printHelp();
    return kSuccess;
  }
  if (request->version) {
    llvm::outs() << compilerBuildId() << "\n";
    return kSuccess;
  }
  static constexpr std::pair<const char *, int (*)(const Request &)> kCompiling[] = {
      {"build", build},        {"run", run},      {"attention", attention}, {"explain", explain},
      {"layout", drawLayouts}, {"mask", drawMask}};
  for (auto [name, command] : kCompiling)
    if (request->command == name)
      return request->inProcess ? command(*request) : runGuarded(*request, count, words, command);
  if (request->command == "tune")
    return request->inProcess ? tune(*request) : tuneInChildren(*request, count, words);
  if (request->command == "pack")
    return request->inProcess ? pack(*request) : runGuarded(*request, count, words, pack);
  if (request->command == "header")
    return header(*request);
  if (request->command == "simulate")
    return simulate(*request);
  if (request->command == "sample")
    return sample(*request);
  if (request->command == "score")
    return tool::score(*request);
  if (request->command == "format")
    return formatFiles(*request);
  if (request->command == "devices")
    return devices(*request);
  if (request->command == "stages")
    return stages(*request);
  if (request->command == "opcodes")
    return opcodes(*request);
  if (request->command == "grammar")
    return printGrammar(*request);
  if (request->command == "lsp")
    return serveEditor(*request);
  return cache(*request);
}

int main(int count, char **words) {
  int code = dispatch(count, words);
  llvm::outs().flush();
  if (!llvm::outs().has_error())
    return code;
  llvm::errs() << "error: cannot write: " << llvm::outs().error().message() << "\n";
  llvm::outs().clear_error();
  return kUserError;
}
