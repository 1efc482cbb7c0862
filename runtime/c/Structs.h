//===- Structs.h - Structs that begin with their size -----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reading and filling structs of callers built with an older or newer imbrex_c.h, by the rule that stands there.
// A field that was set but is not known here is refused, since to leave it out would change what is asked for.
// Example: of an 8-byte imbrex_view, `size` and `type` are read and the rest is 0. Thread-safe. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_C_STRUCTS_H
#define IMBREX_RUNTIME_C_STRUCTS_H

#include "runtime/Result.h"
#include <cstdint>
#include <cstring>
#include <string>

namespace imbrex::c {

/// No struct of any version is smaller (a size and one field) or larger.
inline constexpr uint32_t kSmallestStruct = 8, kLargestStruct = 4096;

/// An Error that names `what` unless `size` can be that of a struct aligned to `alignment` bytes: one that is no
/// multiple would end inside a field. In Structs.cpp.
Result<void> checkSize(uint32_t size, size_t alignment, const std::string &what);
/// That `bytes` at `more` are all 0. In Structs.cpp.
Result<void> checkUnknown(const void *more, size_t bytes, const std::string &what);

template <typename T> uint32_t sizeOf(const T *given) {
  uint32_t size = 0;
  memcpy(&size, given, sizeof size);
  return size;
}

/// A struct of this library's version, as `given` says; its size is that of this library's struct.
template <typename T> Result<void> readStruct(const T *given, T &read, const char *what) {
  uint32_t size = sizeOf(given);
  read = {};
  if (Result<void> fits = checkSize(size, alignof(T), what); !fits)
    return fits;
  memcpy(static_cast<void *>(&read), given, size < sizeof(T) ? size : sizeof(T));
  read.size = sizeof(T);
  if (size > sizeof(T))
    return checkUnknown(reinterpret_cast<const char *>(given) + sizeof(T), size - sizeof(T), what);
  return {};
}

/// Fills as much of *to as the caller's size covers; the size stays.
template <typename T> Result<void> writeStruct(T *to, T filled, const char *what) {
  uint32_t size = sizeOf(to);
  if (Result<void> fits = checkSize(size, alignof(T), what); !fits)
    return fits;
  filled.size = size;
  memcpy(static_cast<void *>(to), &filled, size < sizeof(T) ? size : sizeof(T));
  return {};
}

} // namespace imbrex::c

#endif // IMBREX_RUNTIME_C_STRUCTS_H
