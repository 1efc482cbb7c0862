//===- Storage.h - How a host stores a view whose extent varies - -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel says K: view<T>[B, S[B], D], and a host chooses where its sequences lie. Each choice is a compilation of its
// own, with parameters behind the kernel's that say where. No LLVM type: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_STORAGE_H
#define IMBREX_COMPILER_STORAGE_H

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imbrex {

/// Not dense. Of a view K: view<T>[B, S[B], D], in the order of the parameters that a storage adds:
struct Storage {
  /// How the sequences lie in memory.
  enum class Kind : uint8_t {
    /// K has its shape [B, S, D]; "K.lengths": view<i32>[B] says how many positions each sequence has.
    Padded,
    /// K is [rows, D], sequence b in rows offsets[b] to before offsets[b + 1]; "K.offsets": view<i32>[B + 1], and
    /// "K.longest": i32, the length of the longest sequence.
    Ragged,
    /// K is [rows, D], the rows of all pages: position s of sequence b lies in row table[b, s / page] * pageRows +
    /// s % page; "K.table": view<i32>[B, pages], "K.lengths": view<i32>[B], and "K.pageRows": i32.
    Paged
  };
  Kind kind = Kind::Padded;
  int64_t page = 0; ///< positions a page, at least 1; 0 where there are none

  /// "padded", "ragged", "paged:16".
  std::string text() const;
  /// The storage of such a text; nullopt if it is none.
  static std::optional<Storage> parse(std::string_view text);
  bool operator==(const Storage &) const = default;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_STORAGE_H
