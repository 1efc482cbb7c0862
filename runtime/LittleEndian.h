//===- LittleEndian.h - Numbers and fields as bytes -------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How cache keys and cache files write their parts: u64 little endian, and fields of a u64 length and
// bytes. Reading is bounded: what does not fit gives nullopt. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_LITTLEENDIAN_H
#define IMBREX_RUNTIME_LITTLEENDIAN_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imbrex {

inline void appendU64(std::string &out, uint64_t value) {
  for (unsigned i = 0; i < 8; ++i)
    out += char(value >> (8 * i));
}

inline void appendField(std::string &out, std::string_view value) {
  appendU64(out, value.size());
  out += value;
}

/// Takes a u64 from the front of `in`.
inline std::optional<uint64_t> takeU64(std::string_view &in) {
  if (in.size() < 8)
    return std::nullopt;
  uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i)
    value |= uint64_t(static_cast<unsigned char>(in[i])) << (8 * i);
  in.remove_prefix(8);
  return value;
}

/// Takes a field from the front of `in`; the view points into it.
inline std::optional<std::string_view> takeField(std::string_view &in) {
  std::optional<uint64_t> length = takeU64(in);
  if (!length || *length > in.size())
    return std::nullopt;
  std::string_view field = in.substr(0, *length);
  in.remove_prefix(*length);
  return field;
}

} // namespace imbrex

#endif // IMBREX_RUNTIME_LITTLEENDIAN_H
