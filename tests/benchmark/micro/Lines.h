//===- Lines.h - What micro-benchmarks print ----------------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row of the table and a JSON line for one variant; the line's schema is in tests/benchmark/results/README.md.
// Neither holds a cycle of a simulated device.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_BENCHMARK_MICRO_LINES_H
#define IMBREX_TESTS_BENCHMARK_MICRO_LINES_H

#include "tests/benchmark/micro/Experiment.h"

namespace imbrex::micro {

/// What is the same for all lines of one run of the program.
struct Origin {
  std::string run, commit, clockNote;
  std::string device; ///< the JSON object; see deviceObject()
  bool simulated = false;
};

std::string deviceObject(const DeviceInfo &info, const std::string &clockNote);

/// Now, in UTC: "2026-05-01T10:00:00Z".
std::string timeNow();

/// `failure` is "" where `measured` holds.
std::string jsonLine(const Origin &origin, const std::string &experiment, const Variant &variant,
                     const Measurement &measured, const std::string &failure);

std::string tableRow(const Origin &origin, const Variant &variant, const Measurement &measured,
                     const std::string &failure);

} // namespace imbrex::micro

#endif // IMBREX_TESTS_BENCHMARK_MICRO_LINES_H
