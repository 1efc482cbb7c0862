//===- ReplayForms.cpp - What the simulated device does otherwise ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// replay_forms RECORDING FORMS: replays a recording, perhaps a part of one, on the simulated device and lists every
// difference. Exits 0 if there is none.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/Replay.h"
#include <cstdio>

using namespace imbrex;
using namespace imbrex::recorded;

static int refuse(const std::string &message) {
  std::fprintf(stderr, "replay_forms: %s\n", message.c_str());
  return 2;
}

int main(int argc, char **argv) {
  if (argc != 3)
    return refuse("RECORDING FORMS are needed");
  std::string bytes, list, error;
  if (!readFile(argv[1], bytes))
    return refuse(std::string("cannot read ") + argv[1]);
  if (!readFile(argv[2], list))
    return refuse(std::string("cannot read ") + argv[2]);
  std::vector<ListedForm> forms = parseFormList(list, error);
  if (!error.empty())
    return refuse(argv[2] + (": " + error));
  Recording recording = parseRecording(bytes);
  Replay replay = replayRecording(recording, forms);
  for (const std::string &line : replay.errors)
    std::printf("%s\n", line.c_str());
  for (const std::string &form : replay.missing)
    std::printf("not recorded: %s\n", form.c_str());
  for (const std::string &problem : replay.problems)
    std::printf("DIFFERENT: %s\n", problem.c_str());
  std::printf("%s, driver %d: %zu forms replayed, %zu values, %zu different, %zu not recorded\n",
              recording.header.device.c_str(), recording.header.driverVersion, replay.forms, replay.values,
              replay.problems.size(), replay.missing.size());
  return replay.problems.empty() ? 0 : 1;
}
