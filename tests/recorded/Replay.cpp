//===- Replay.cpp - A recording against the simulated device --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One simulated device for all forms, opened anew after a fault.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/Replay.h"
#include "runtime/simulator/SimulatedDriver.h"
#include "tests/recorded/Models.h"
#include <optional>
#include <set>

using namespace imbrex;
using namespace imbrex::recorded;

static std::optional<testing::RawDevice> simulatedDevice(unsigned major, unsigned minor) {
  for (const std::string &name : simulator::simulatedDeviceNames()) {
    Result<testing::RawDevice> device = testing::RawDevice::open("sim:" + name);
    if (device && device->info().major == major && device->info().minor == minor)
      return *device;
  }
  return std::nullopt;
}

/// "" or what is wrong with a recorded form.
static std::string replayForm(const RecordedForm &recorded, const testing::RawDevice &device, Replay &replay,
                              bool &lost) {
  if (!recorded.failure.empty())
    return "it failed on the device: " + recorded.failure;
  ExperimentResult made = makeExperiment(recorded.listed);
  if (!made.experiment)
    return made.reason;
  const Experiment &experiment = *made.experiment;
  if (experiment.kernelChecksum() != recorded.kernelChecksum)
    return "it was recorded with another kernel: record it again";
  if (experiment.operandChecksum() != recorded.operandChecksum)
    return "it was recorded with other operands: record it again";
  if (experiment.outputBytes() != recorded.results.size())
    return std::to_string(recorded.results.size()) + " bytes of results, not " +
           std::to_string(experiment.outputBytes());
  Result<Bytes> simulated = runExperiment(device, experiment);
  if (!simulated) {
    lost = true;
    return simulated.error().render();
  }
  Comparison comparison = compareResults(experiment, recorded.results, *simulated);
  replay.values += comparison.values;
  if (comparison.largest > 0)
    replay.errors.push_back(recorded.listed.form + ": at most " + std::to_string(uint64_t(comparison.largest)) +
                            " units in the last place");
  return comparison.different ? comparison.describe() : "";
}

Replay recorded::replayRecording(const Recording &recording, const std::vector<ListedForm> &listed) {
  Replay replay;
  const RecordingHeader &header = recording.header;
  if (!recording.problem.empty() || !recording.complete)
    replay.problems.push_back(recording.problem.empty() ? "the recording has no end: record on with --resume"
                                                        : recording.problem);
  std::optional<testing::RawDevice> device = simulatedDevice(header.major, header.minor);
  if (!device) {
    replay.problems.push_back("no simulated device of compute capability " + std::to_string(header.major) + "." +
                              std::to_string(header.minor));
    return replay;
  }
  std::set<std::string> missing;
  for (const ListedForm &form : listed)
    if (runsOn(form, header.major, header.minor))
      missing.insert(form.form);
  for (const RecordedForm &form : recording.forms) {
    bool lost = false;
    std::string problem = replayForm(form, *device, replay, lost);
    if (!problem.empty())
      replay.problems.push_back(form.listed.form + ": " + problem);
    if (lost)
      device = simulatedDevice(header.major, header.minor);
    missing.erase(form.listed.form);
    ++replay.forms;
  }
  replay.missing.assign(missing.begin(), missing.end());
  return replay;
}
