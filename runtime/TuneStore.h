//===- TuneStore.h - What tuning found, kept --------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One folder for each kernel on a device, named by a digest of all that its times depend on: text, hooks, settings,
// target, compiler, assembler, the device's name, SMs, driver and clock. In it a cache entry for each candidate and
// evaluated key (runtime/DiskCache.h: written beside, synced, renamed, checksummed), so a process may die at any
// moment. Several may use one folder: who works on a candidate claims it, who times holds the claim on the device.
//
// When a candidate's first launch takes long, an entry says that it was attempted; who finds two such attempts and no
// result takes it that the candidate hangs, and that whoever watched lost patience. Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_TUNESTORE_H
#define IMBREX_RUNTIME_TUNESTORE_H

#include "runtime/Device.h"
#include "runtime/DiskCache.h"
#include "runtime/Tune.h"

namespace imbrex {

struct KernelState;

/// Where below a cache directory the folders of records lie.
inline std::string tuningFolder(const std::string &cacheDirectory) { return cacheDirectory + "/tuning"; }

/// What the times of a kernel depend on, but for the key and the tuning.
CacheKey tuneIdentity(const KernelState &kernel);

class TuneStore {
public:
  struct Record {
    std::string key; ///< evaluated, as bytes
    TuneCandidate candidate;
    unsigned attempts = 0; ///< slow launches that no outcome followed
  };

  /// Below `cacheDirectory`; an Error as DiskCache::open gives.
  static Result<TuneStore> open(const std::string &cacheDirectory, CacheKey identity);

  /// Every whole entry, of all keys.
  std::vector<Record> all() const;
  std::optional<Record> find(std::string_view key, const Tuning &tuning) const;
  Result<void> store(const Record &record) const;
  /// The right to work on a candidate; nullopt while another process has it. Ends with the object, or the process.
  std::optional<DiskCache::Claim> claim(std::string_view key, const Tuning &tuning) const;
  /// The right to use the device for timing; waits for it.
  std::optional<DiskCache::Claim> claimDevice(const DeviceInfo &device) const;

private:
  TuneStore(DiskCache cache, DiskCache devices, CacheKey identity)
      : cache(std::move(cache)), devices(std::move(devices)), identity(std::move(identity)) {}
  CacheKey keyOf(std::string_view key, const Tuning &tuning) const;

  DiskCache cache;
  DiskCache devices; ///< the folder of all kernels, for claims on devices
  CacheKey identity;
};

/// Of the records of each key the fastest that is faster than the kernel untuned beyond doubt: key and tuning.
std::vector<std::pair<std::string, Tuning>> bestOf(const std::vector<TuneStore::Record> &records);

} // namespace imbrex

#endif // IMBREX_RUNTIME_TUNESTORE_H
