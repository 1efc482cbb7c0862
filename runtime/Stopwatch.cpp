//===- Stopwatch.cpp - Launches timed by the device -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The end is asked for, first without a pause, then every fifty microseconds, so that nothing blocks for ever.
//
//===----------------------------------------------------------------------===//

#include "runtime/Stopwatch.h"
#include "compiler/Deadline.h"
#include <algorithm>
#include <deque>
#include <thread>

using namespace imbrex;
using Clock = std::chrono::steady_clock;

static constexpr std::chrono::microseconds kPause{50}, kEagerness{1000};
static constexpr std::chrono::milliseconds kSlow{250};

Result<std::unique_ptr<Stopwatch>> Stopwatch::make(const std::shared_ptr<DeviceContext> &device, const Stream &stream,
                                                   const Scratch &scratch, std::chrono::milliseconds patience) {
  Result<Event> begin = createEvent(device);
  if (!begin)
    return begin.takeError();
  Result<Event> end = createEvent(device);
  if (!end)
    return end.takeError();
  return std::unique_ptr<Stopwatch>(new Stopwatch(std::move(*begin), std::move(*end), stream, scratch, patience));
}

Result<void> Stopwatch::wait(const std::function<void()> &whenSlow) {
  Clock::time_point began = Clock::now();
  bool isTold = !whenSlow;
  for (;;) {
    Result<bool> done = end.isDone();
    if (!done)
      return done.takeError();
    if (*done)
      return stream.synchronize();
    Clock::duration waited = Clock::now() - began;
    if (isSpent(waited, patience)) {
      hung = true;
      return Error{ErrorKind::Fault, "a launch did not end within " + std::to_string(patience.count()) + " ms"};
    }
    if (waited > kSlow && !isTold)
      isTold = true, whenSlow();
    if (waited > kEagerness)
      std::this_thread::sleep_for(kPause);
  }
}

Result<double> Stopwatch::run(const KernelState &kernel, unsigned repeats, bool onFirst,
                              const std::function<void()> &whenSlow) {
  std::deque<Prepared> launches; // prepared before the clock starts, so that the device does not wait for the host
  for (unsigned i = 0; i < repeats; ++i) {
    unsigned copy = onFirst ? 0 : next++ % scratch.copies();
    if (Result<void> done = prepareLaunch(kernel, scratch.arguments(copy), launches.emplace_back()); !done)
      return done.takeError();
    (void)launches.back().keep();
  }
  if (Result<void> recorded = begin.record(stream); !recorded)
    return recorded.takeError();
  for (Prepared &launch : launches)
    if (Result<void> done = launchPrepared(kernel, stream, launch); !done)
      return done.takeError();
  if (Result<void> recorded = end.record(stream); !recorded)
    return recorded.takeError();
  if (Result<void> ended = wait(whenSlow); !ended)
    return ended.takeError();
  Result<float> elapsed = end.millisecondsSince(begin);
  if (!elapsed)
    return elapsed.takeError();
  constexpr double kResolution = 0.0005; // of an event, in milliseconds
  return std::max<double>(*elapsed, kResolution) / repeats;
}

Result<double> Stopwatch::time(const KernelState &kernel, unsigned repeats) { return run(kernel, repeats, false, {}); }
Result<double> Stopwatch::launchOnce(const KernelState &kernel, const std::function<void()> &whenSlow) {
  return run(kernel, 1, true, whenSlow);
}
