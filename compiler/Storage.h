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

#include "compiler/DataType.h"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace imbrex {
/// Elements of few bits, each times a scale: what a load gives is their product, rounded once to the view's type, a
/// float of 16 bits or more. Of a view K: view<T>[B, S[B], H, D]; "K.scales" comes behind the storage's parameters.
struct Scaling {
  /// What has a scale of its own.
  enum class Each : uint8_t {
    View,  ///< one scale: "K.scales" is view<f32>[1]
    Head,  ///< one an index of the dimensions that are neither B, nor S[B], nor the last: view<f32>[H]
    Block, ///< one for `block` positions of each: view<f32>[B, blocks, H], in the order of the view's dimensions
  };
  DataType element = DataType::F8E4M3; ///< i8, f8e4m3, f8e5m2, f16 or bf16
  Each each = Each::View;
  int64_t block = 0; ///< of Each::Block, at least 1
  static bool canBe(DataType element);
  bool operator==(const Scaling &) const = default;
};

/// Not dense, or scaled. Of a view K: view<T>[B, S[B], D], in the order of the parameters that a storage adds:
struct Storage {
  /// How the sequences lie in memory.
  enum class Kind : uint8_t {
    /// K has its shape [B, S, D]; such a storage is scaled.
    Dense,
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
  std::optional<Scaling> scaling = {};

  /// The view's shape is that of the storage.
  bool keepsShape() const { return kind == Kind::Dense || kind == Kind::Padded; }
  /// "padded", "ragged", "paged:16"; "scaled(paged:16,f8e4m3)" with one scale, "scaled(dense,i8,heads)" with one a
  /// head, "scaled(ragged,f8e4m3,128)" with one for 128 positions.
  std::string text() const;
  /// The storage of such a text; nullopt if it is none.
  static std::optional<Storage> parse(std::string_view text);
  bool operator==(const Storage &) const = default;
};

} // namespace imbrex

#endif // IMBREX_COMPILER_STORAGE_H
