//===- DiskCache.h - Compiled kernels on disk -------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One file an entry, `<sha256 of its key>.imbrex`, in a directory that only its owner can write: the user, or root.
// Kernels are run from it, so what anybody else could have written is not read. Others may read it, and one that
// cannot be written (an image, a mount, root's) serves what it holds. Entries
// are written beside, synced and renamed into place, and never read back by their writer. Every fault of
// an entry is a miss, and the entry is removed; no fault is ever a wrong kernel. Several processes and
// threads may use one directory at once. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_DISKCACHE_H
#define IMBREX_RUNTIME_DISKCACHE_H

#include "runtime/CacheEntry.h"
#include "runtime/Result.h"
#include <cstdint>
#include <memory>
#include <utility>

namespace imbrex {

class DiskCache {
public:
  /// What the directory holds, the entries of all programs.
  struct Statistics {
    uint64_t entries = 0, bytes = 0;
    uint64_t damaged = 0; ///< only from verify()
  };

  /// Makes the directory (mode 0700, parents too) if needed. An Error if it is not a directory, is a symbolic link,
  /// belongs to somebody else than us and root, or can be written by others: the caller then runs uncached.
  static Result<DiskCache> open(const std::string &directory, uint64_t maximumBytes = uint64_t(1) << 30);
  DiskCache(DiskCache &&) noexcept;
  DiskCache &operator=(DiskCache &&) noexcept;
  ~DiskCache();

  /// The entry of this key, marked as used now; nullopt if there is none or it is damaged.
  std::optional<CacheEntry> find(const CacheKey &key) const;
  /// Publishes an entry; now and then, when a 64th of the size bound, or 64 entries and a 16th of those there, are new,
  /// removes the least recently used ones beyond the bound, which is passed by no more than that. An Error here (of a
  /// directory that cannot be written, say) is never a reason to fail a launch.
  Result<void> store(const CacheKey &key, const CacheEntry &entry) const;
  void evict(const CacheKey &key) const;

  /// Every whole entry with its key's bytes, in no order; none of them is marked as used.
  std::vector<std::pair<std::string, CacheEntry>> all() const;

  /// The right to do the work that `key` names: held by one process at a time, and within it by one object. Ends with
  /// the object, or with the process however that ends.
  class Claim {
  public:
    Claim(Claim &&other) noexcept : fd(std::exchange(other.fd, -1)) {}
    Claim &operator=(Claim &&other) noexcept {
      std::swap(fd, other.fd);
      return *this;
    }
    ~Claim();

  private:
    friend class DiskCache;
    explicit Claim(int fd) : fd(fd) {}
    int fd;
  };
  /// nullopt while another has it (unless `wait`). Where files cannot be made or locked everybody gets it.
  std::optional<Claim> claim(const CacheKey &key, bool wait) const;

  /// Counted now, by reading the directory.
  Result<Statistics> statistics() const;
  /// Reads every entry and removes the damaged ones.
  Result<Statistics> verify() const;
  /// Removes all entries; files that are not the cache's stay. Tells what was removed.
  Result<Statistics> clear() const;

  /// Where its files are.
  const std::string &directory() const;

private:
  struct State;
  explicit DiskCache(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_DISKCACHE_H
