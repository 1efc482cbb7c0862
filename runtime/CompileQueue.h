//===- CompileQueue.h - Candidates compiled in parallel ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Threads that take candidates from a list, in its order, and hand back what became of each. No more wait to be taken
// than a few, so that a long list does not fill memory. Stopped and joined by the destructor. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_COMPILEQUEUE_H
#define IMBREX_RUNTIME_COMPILEQUEUE_H

#include "runtime/Prepare.h"
#include <condition_variable>
#include <mutex>
#include <thread>

namespace imbrex {

class CompileQueue {
public:
  struct Job {
    size_t index; ///< of the candidate
    std::shared_ptr<const KernelState> kernel;
  };
  struct Built {
    size_t index;
    std::shared_ptr<const KernelState> kernel;
    Result<Ready> ready;
    LaunchPlan::Grid grid = {};
  };

  /// `next` gives the next job, nullopt at the end; called by one thread at a time. `arguments` outlives the queue.
  CompileQueue(unsigned threads, const std::vector<Argument> &arguments, std::function<std::optional<Job>()> next);
  ~CompileQueue();

  /// What is ready now, at most `most`; waits for the first until `deadline`. Empty: none is to come, or time is up.
  std::vector<Built> take(size_t most, std::chrono::steady_clock::time_point deadline);

private:
  static constexpr size_t kMostWaiting = 16;
  void work();

  const std::vector<Argument> &arguments;
  std::function<std::optional<Job>()> next;
  std::mutex nextMutex, mutex;
  std::condition_variable changed;
  std::vector<Built> built;
  size_t working = 0;
  bool isStopped = false;
  std::vector<std::thread> threads;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_COMPILEQUEUE_H
