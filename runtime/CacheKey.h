//===- CacheKey.h - What tells two compilations apart -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A cache key is a list of named fields, each with its length before it, so that no two lists share their
// bytes. It holds everything that can change the code, and not the source's name, which only `.file` lines tell: the
// same text elsewhere finds the same entry. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_CACHEKEY_H
#define IMBREX_RUNTIME_CACHEKEY_H

#include "compiler/CompileOptions.h"
#include "compiler/Diagnostics.h"
#include <string>
#include <string_view>

namespace imbrex {

class CacheKey {
public:
  /// Appends one field: u64 length of the name, name, u64 length of the value, value (little endian).
  void add(std::string_view name, std::string_view value);

  /// The key of what bytes() gave.
  static CacheKey fromBytes(std::string bytes) {
    CacheKey key;
    key.data = std::move(bytes);
    return key;
  }
  const std::string &bytes() const { return data; }
  /// SHA-256 of the bytes, 64 lower-case hex digits: the entry's file name.
  std::string digest() const;
  bool operator==(const CacheKey &) const = default;

private:
  std::string data;
};

/// What a compilation depends on besides the source and the options.
struct CacheEnvironment {
  std::string compilerBuildId; ///< compilerBuildId()
  std::string assembler;       ///< Assembler::identity(): holds the driver's version where the driver compiles
};

/// The key of a compilation: equal for equal inputs, in every process.
CacheKey makeCacheKey(const Source &source, const CompileOptions &options, const CacheEnvironment &environment);

} // namespace imbrex

#endif // IMBREX_RUNTIME_CACHEKEY_H
