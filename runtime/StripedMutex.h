//===- StripedMutex.h - A mutex that readers do not contend for --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// As std::shared_mutex, for what is read at every launch and written seldom. A reader locks one of several mutexes,
// each in a cache line of its own, chosen by its thread: readers on different threads write no memory in common, but
// where two threads have the same stripe. A writer locks all of them. Whoever locks shared must unlock on the same
// thread, and may not lock again meanwhile. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_STRIPEDMUTEX_H
#define IMBREX_RUNTIME_STRIPEDMUTEX_H

#include <array>
#include <cstdint>
#include <shared_mutex>
#include <thread>

namespace imbrex {

inline constexpr unsigned kCacheLine = 64;

/// A number of so many bits for the calling thread, the same at every call.
template <unsigned Bits> size_t threadStripe() {
  // A thread's id is an address in its stack: the upper bits of a product depend on all of its bits.
  uint64_t id = std::hash<std::thread::id>()(std::this_thread::get_id());
  return (id * 0x9E3779B97F4A7C15u) >> (64 - Bits);
}

class StripedMutex {
public:
  void lock() {
    for (Stripe &stripe : stripes)
      stripe.mutex.lock();
  }
  /// False if somebody holds one of them.
  bool try_lock() {
    for (size_t i = 0; i < stripes.size(); ++i)
      if (!stripes[i].mutex.try_lock()) {
        while (i-- > 0)
          stripes[i].mutex.unlock();
        return false;
      }
    return true;
  }
  void unlock() {
    for (Stripe &stripe : stripes)
      stripe.mutex.unlock();
  }
  void lock_shared() { mine().lock_shared(); }
  void unlock_shared() { mine().unlock_shared(); }

private:
  static constexpr unsigned kStripeBits = 5;
  struct alignas(kCacheLine) Stripe {
    std::shared_mutex mutex;
  };
  std::shared_mutex &mine() { return stripes[threadStripe<kStripeBits>()].mutex; }

  std::array<Stripe, 1u << kStripeBits> stripes;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_STRIPEDMUTEX_H
