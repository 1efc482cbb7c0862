//===- ScriptedDevice.h - A device whose times are known --------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fake driver and compiler for tests of tuning. The kernel `tuned` (Z = 2 X) has 500 candidates, A and B of 0 to 9
// and C of 0 to 4; untuned it is A = 5, B = 5, C = 2. Each takes a time that the test can tell, on a clock that only
// launches move, with noise. Candidates can be scripted to go wrong. Thread-safe once it is set up.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_RUNTIME_SCRIPTEDDEVICE_H
#define IMBREX_TESTS_RUNTIME_SCRIPTEDDEVICE_H

#include "runtime/Runtime.h"
#include "tests/runtime/FakeDriver.h"
#include <random>

namespace imbrex::testing {

class ScriptedDevice {
public:
  enum class Behaviour { Right, Wrong, OtherBits, Hangs, Faults, NoMemory };
  static constexpr unsigned kCandidates = 500;

  explicit ScriptedDevice(double noise = 0, bool simulated = false);
  /// A runtime on it; "" without a disk cache.
  Runtime open(const std::string &cacheDirectory);

  /// Milliseconds of a candidate, without noise: least at A = 3, B = 7, C = 1, the next one 5 % above.
  static double time(const Tuning &tuning);
  static Tuning best() { return {{"A", 3}, {"B", 7}, {"C", 1}}; }

  void script(const Tuning &tuning, Behaviour behaviour);
  unsigned launches(const Tuning &tuning) const;
  unsigned launches() const;
  unsigned compilations() const;
  /// Of the last launch.
  Tuning lastLaunched() const;
  /// Heals a device that hung or faulted, as a new process finds it.
  void reset();

private:
  struct State;
  CompilerFunctions compiler() const;
  cuda::DriverTable table() const;

  FakeDriver driver;
  std::shared_ptr<State> state;
};

} // namespace imbrex::testing

#endif // IMBREX_TESTS_RUNTIME_SCRIPTEDDEVICE_H
