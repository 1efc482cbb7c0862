//===- LastCalls.h - What threads launched last of a kernel -----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Most launches have the shapes of the launch before. Each of several places, chosen by thread as a StripedMutex
// chooses, keeps one BoundCall for them. Nobody waits: who finds a place in use goes without one.
//
//   if (LastCalls::Lease last = calls.mine())
//     return last->launch(kernel, stream, arguments);
//
// Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_LASTCALLS_H
#define IMBREX_RUNTIME_LASTCALLS_H

#include "runtime/StripedMutex.h"
#include <atomic>
#include <memory>

namespace imbrex {

struct BoundCall;

class LastCalls {
public:
  LastCalls();
  ~LastCalls();

  /// A place that is one's own until the end of the lease; false if it is in use.
  class Lease {
  public:
    Lease(BoundCall *call, std::atomic<bool> *inUse) : call(call), inUse(inUse) {}
    Lease(const Lease &) = delete;
    ~Lease() {
      if (call)
        inUse->store(false, std::memory_order_release);
    }
    explicit operator bool() const { return call != nullptr; }
    BoundCall *operator->() const { return call; }

  private:
    BoundCall *call;
    std::atomic<bool> *inUse;
  };
  Lease mine() {
    Place &place = places[threadStripe<kPlaceBits>()];
    if (place.inUse.exchange(true, std::memory_order_acquire))
      return {nullptr, nullptr};
    if (!place.call) [[unlikely]]
      makeCall(place.call);
    return {place.call.get(), &place.inUse};
  }

private:
  static constexpr unsigned kPlaceBits = 4;
  struct alignas(kCacheLine) Place {
    std::atomic<bool> inUse = false;
    std::unique_ptr<BoundCall> call; ///< of who has the place
  };
  static void makeCall(std::unique_ptr<BoundCall> &call);

  std::array<Place, 1u << kPlaceBits> places;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_LASTCALLS_H
