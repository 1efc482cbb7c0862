//===- Captures.h - Which threads capture graphs on a device ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The captures of a device that Graph has begun and not yet ended. A launch asks here whether it goes into one; while
// there is none that is one atomic load. What is launched meanwhile, on whatever stream, is kept for every open
// capture: a stream may have joined it by an event. Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_CAPTURES_H
#define IMBREX_RUNTIME_CAPTURES_H

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace imbrex {

class Captures {
public:
  /// What a graph must keep, each with the kernel's name.
  using Kept = std::vector<std::pair<std::shared_ptr<const void>, std::string>>;

  /// An open capture of the thread that made it; ends with the object.
  class Open {
  public:
    explicit Open(Captures &captures) : captures(captures), thread(std::this_thread::get_id()) {
      std::lock_guard lock(captures.mutex);
      captures.open.push_back(this);
      ++captures.count;
    }
    ~Open() {
      std::lock_guard lock(captures.mutex);
      std::erase(captures.open, this);
      --captures.count;
    }
    Open(const Open &) = delete;
    Kept take() {
      std::lock_guard lock(captures.mutex);
      return std::move(kept);
    }

  private:
    friend class Captures;
    Captures &captures;
    const std::thread::id thread;
    Kept kept;
  };

  bool any() const { return count.load(std::memory_order_relaxed) != 0; }
  /// Whether this thread captures.
  bool isMine() const {
    if (!any())
      return false;
    std::lock_guard lock(mutex);
    return std::any_of(open.begin(), open.end(),
                       [](const Open *each) { return each->thread == std::this_thread::get_id(); });
  }
  void keep(const std::shared_ptr<const void> &what, std::string_view kernel) {
    std::lock_guard lock(mutex);
    for (Open *each : open)
      each->kept.emplace_back(what, kernel);
  }

private:
  mutable std::mutex mutex;
  std::vector<Open *> open;
  std::atomic<unsigned> count = 0;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_CAPTURES_H
