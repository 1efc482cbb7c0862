//===- Captures.h - Which threads capture graphs on a device ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The captures of a device that Graph has begun and not yet ended. A launch asks here whether it goes into one; while
// there is none that is one atomic load. What is launched meanwhile, on whatever stream, is kept for every open
// capture: a stream may have joined it by an event. The driver says of which capture a launch became a node
// (GraphState.h, noteLaunch): there its place is kept too. Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_CAPTURES_H
#define IMBREX_RUNTIME_CAPTURES_H

#include "runtime/CudaDriver.h"
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

/// What a graph must keep as long as it lives: a kernel that is launched in it, or may be.
struct CapturedLaunch {
  std::shared_ptr<const void> kept;
  std::string kernel;
  cuda::CUgraphNode node = nullptr; ///< of the captured graph; null: it is of another capture, or of none
  cuda::CUstream stream = nullptr;  ///< tells branches apart
  bool programmatic = false;        ///< it was launched as DependentLaunch.h says
};

class Captures {
public:
  /// An open capture of the thread that made it; ends with the object. `id` is the driver's.
  class Open {
  public:
    Open(Captures &captures, unsigned long long id) : captures(captures), id(id), thread(std::this_thread::get_id()) {
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
    /// All launches since it began, in their order.
    std::vector<CapturedLaunch> take() {
      std::lock_guard lock(captures.mutex);
      return std::move(launches);
    }

  private:
    friend class Captures;
    Captures &captures;
    const unsigned long long id;
    const std::thread::id thread;
    std::vector<CapturedLaunch> launches;
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
  /// `id`: of the capture whose node the launch is; 0 if there is none.
  void keep(const CapturedLaunch &launch, unsigned long long id) {
    std::lock_guard lock(mutex);
    for (Open *each : open) {
      each->launches.push_back(launch);
      if (each->id != id)
        each->launches.back().node = nullptr;
    }
  }

private:
  mutable std::mutex mutex;
  std::vector<Open *> open;
  std::atomic<unsigned> count = 0;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_CAPTURES_H
