//===- Stopwatch.h - Launches timed by the device ---------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Launches of a prepared argument list between two events, over copies in turn, waited for with patience: what does not
// end in time is an Error that says so, and the device must be given up. One thread at a time. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_STOPWATCH_H
#define IMBREX_RUNTIME_STOPWATCH_H

#include "runtime/Prepare.h"
#include "runtime/Scratch.h"

namespace imbrex {

class Stopwatch {
public:
  static Result<std::unique_ptr<Stopwatch>> make(const std::shared_ptr<DeviceContext> &device, const Stream &stream,
                                                 const Scratch &scratch, std::chrono::milliseconds patience);

  /// Milliseconds of one launch, of `repeats` in a row.
  Result<double> time(const KernelState &kernel, unsigned repeats);
  /// One launch on the first copy; waits for it. Calls `whenSlow` once if it takes long enough for somebody to lose
  /// patience and end the process.
  Result<double> launchOnce(const KernelState &kernel, const std::function<void()> &whenSlow = {});
  /// The last launch did not end within the patience.
  bool isHung() const { return hung; }

private:
  Stopwatch(Event begin, Event end, const Stream &stream, const Scratch &scratch, std::chrono::milliseconds patience)
      : begin(std::move(begin)), end(std::move(end)), stream(stream), scratch(scratch), patience(patience) {}
  Result<double> run(const KernelState &kernel, unsigned repeats, bool onFirst, const std::function<void()> &whenSlow);
  Result<void> wait(const std::function<void()> &whenSlow);

  Event begin, end;
  const Stream &stream;
  const Scratch &scratch;
  std::chrono::milliseconds patience;
  unsigned next = 0; ///< copy to launch on
  bool hung = false;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_STOPWATCH_H
