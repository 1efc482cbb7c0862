//===- Recording.h - What a device computed, as a file -------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The file of tests/data/recorded/README.md: a header, then a form after the other, written as they are run,
// then an end. Results only; operands and kernels are made anew from the form and known by their checksums.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RECORDED_RECORDING_H
#define IMBREX_TESTS_RECORDED_RECORDING_H

#include "tests/recorded/Experiment.h"

namespace imbrex::recorded {

struct RecordedForm {
  ListedForm listed;
  uint64_t kernelChecksum = 0, operandChecksum = 0;
  Bytes results;
  std::string failure; ///< why there are no results; one line
};

struct RecordingHeader {
  std::string device; ///< the driver's name of it
  unsigned major = 0, minor = 0;
  int driverVersion = 0;
  std::string date; ///< "2026-11-27"
  bool simulated = false;

  /// All but the date.
  bool sameDevice(const RecordingHeader &other) const;
};

struct Recording {
  RecordingHeader header;
  std::vector<RecordedForm> forms;
  bool complete = false; ///< the end is there
  size_t wholeBytes = 0; ///< of header and forms that are whole: where writing goes on
  std::string problem;   ///< what is wrong behind them; "" if nothing, or nothing yet
};

std::string writeHeader(const RecordingHeader &header);
std::string writeForm(const RecordedForm &form);
std::string writeEnd(size_t forms);

/// What of the bytes is whole. No header: `problem` says so and wholeBytes is 0.
Recording parseRecording(std::string_view bytes);

RecordingHeader headerOf(const DeviceInfo &device, std::string date);

/// Runs the form's experiment. A failure that is the device's end is told by `lost`.
RecordedForm recordForm(const testing::RawDevice &device, const ListedForm &listed, bool &lost);

} // namespace imbrex::recorded

#endif // IMBREX_TESTS_RECORDED_RECORDING_H
