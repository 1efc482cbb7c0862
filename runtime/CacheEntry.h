//===- CacheEntry.h - One cache entry as bytes ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The content of one cache file: magic "IMBREXC1", u64 length of the key, key, u64 length of the payload,
// payload, SHA-256 of all before. The payload is four fields, each with its u64 length. Little endian.
// Decoding accepts exactly what encoding writes; anything else is nullopt. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_CACHEENTRY_H
#define IMBREX_RUNTIME_CACHEENTRY_H

#include "runtime/CacheKey.h"
#include <optional>

namespace imbrex {

struct CacheEntry {
  std::string sourceName; ///< of the text it was compiled from: in the PTX's `.file` lines
  std::string interface;  ///< KernelInterface::toJson()
  std::string ptx;
  std::string machineCode; ///< empty where PTX is loaded
  std::string log;         ///< the assembler's
};

/// The bytes of an entry's file, its checksum included.
std::string encodeCacheEntry(const std::string &key, const CacheEntry &entry);

/// The entry, if `bytes` are whole, undamaged, and of `key`.
std::optional<CacheEntry> decodeCacheEntry(std::string_view bytes, const std::string &key);
/// The key of an entry, if `bytes` are whole and undamaged.
std::optional<std::string> keyOfCacheEntry(std::string_view bytes);

/// SHA-256 as 64 lower-case hex digits.
std::string sha256Hex(std::string_view bytes);

} // namespace imbrex

#endif // IMBREX_RUNTIME_CACHEENTRY_H
