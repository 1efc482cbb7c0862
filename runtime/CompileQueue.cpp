//===- CompileQueue.cpp - Candidates compiled in parallel -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A thread ends when there is no job, or when the queue is stopped.
//
//===----------------------------------------------------------------------===//

#include "runtime/CompileQueue.h"
#include <algorithm>

using namespace imbrex;

CompileQueue::CompileQueue(unsigned count, const std::vector<Argument> &arguments,
                           std::function<std::optional<Job>()> next)
    : arguments(arguments), next(std::move(next)), working(count) {
  for (unsigned i = 0; i < count; ++i)
    threads.emplace_back([this] { work(); });
}

CompileQueue::~CompileQueue() {
  {
    std::lock_guard lock(mutex);
    isStopped = true;
  }
  changed.notify_all();
  for (std::thread &thread : threads)
    thread.join();
}

void CompileQueue::work() {
  for (bool more = true; more;) {
    std::optional<Job> job;
    {
      std::lock_guard lock(nextMutex);
      job = next();
    }
    more = job.has_value();
    std::optional<Built> result;
    if (job) {
      Prepared prepared;
      Result<void> done = prepareLaunch(*job->kernel, arguments, prepared);
      Result<Ready> ready = done ? Result<Ready>(prepared.keep()) : Result<Ready>(done.takeError());
      result = Built{job->index, job->kernel, std::move(ready), prepared.grid};
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return isStopped || built.size() < kMostWaiting; });
    more &= !isStopped;
    if (result)
      built.push_back(std::move(*result));
    working -= !more;
    changed.notify_all();
  }
}

std::vector<CompileQueue::Built> CompileQueue::take(size_t most, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex);
  changed.wait_until(lock, deadline, [&] { return !built.empty() || working == 0; });
  size_t count = std::min(most, built.size());
  std::vector<Built> taken(std::make_move_iterator(built.begin()), std::make_move_iterator(built.begin() + count));
  built.erase(built.begin(), built.begin() + count);
  changed.notify_all();
  return taken;
}
