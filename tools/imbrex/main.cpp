//===- main.cpp - The command-line program --------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Picks the sub-command.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/CommandLine.h"

using namespace imbrex;
using namespace imbrex::tool;

int main(int count, char **words) {
  std::optional<Request> request = parseCommandLine(count, words);
  if (!request)
    return kWrongFlags;
  if (request->help) {
    printHelp();
    return kSuccess;
  }
  if (request->command == "build")
    return build(*request);
  if (request->command == "run")
    return run(*request);
  if (request->command == "explain")
    return explain(*request);
  if (request->command == "devices")
    return devices(*request);
  if (request->command == "stages")
    return stages(*request);
  return cache(*request);
}
