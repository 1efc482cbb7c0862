//===- KernelPack.h - Kernels compiled ahead, in one file --------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A read-only layer before the disk cache: the entries of a cache in one file, which ships with a program (`imbrex
// pack`, RuntimeOptions::packs). Its keys leave the assembler out: a server needs none to take what another machine
// assembled; compiler, text, settings and target must be the same. A file is read once, at opening; an entry is checked
// when it is found, and a damaged one is none. Written beside and renamed into place. Immutable, thread-safe. No LLVM
// type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_KERNELPACK_H
#define IMBREX_RUNTIME_KERNELPACK_H

#include "runtime/CacheEntry.h"
#include "runtime/Result.h"
#include <map>
#include <memory>

namespace imbrex {

class KernelPack {
public:
  /// An Error of kind File if it cannot be read, or is no pack or cut off.
  static Result<KernelPack> open(const std::string &path);
  std::optional<CacheEntry> find(const CacheKey &key) const;
  size_t size() const { return entries.size(); }

private:
  std::shared_ptr<const std::string> bytes;
  std::map<std::string_view, std::string_view> entries; ///< by the digest of their keys; views into `bytes`
};

/// Writes every kernel in the cache directories as one pack, and tells how many; of one that is in several the last is
/// taken. An Error if there is none.
Result<size_t> packKernels(const std::vector<std::string> &cacheDirectories, const std::string &path);

} // namespace imbrex

#endif // IMBREX_RUNTIME_KERNELPACK_H
