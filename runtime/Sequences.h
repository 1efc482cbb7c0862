//===- Sequences.h - Arguments that are stored by sequences ------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A view that a kernel declares with an extent that varies, K: view<T>[B, S[B], H, D], may be given as sequences of
// different lengths. No text of a kernel speaks of that; each way is a compilation of its own:
//
//   kernel.launch(stream, {{"Q", ragged(q, offsets, 512)}, {"K", paged(pool, table, lengths)}, {"O", o}, ...});
//
// An output given as a plain view (O) is stored as the first input that shares its varying extent: here it is
// [rows, H, D], and rows that belong to no sequence are left as they are. Plain values that own nothing and must
// live until the call returns, the device memory until the launch is done. Lengths, offsets and tables are views of i32
// in device memory; they are not checked: what lies outside the storage is read as zero and not written.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SEQUENCES_H
#define IMBREX_RUNTIME_SEQUENCES_H

#include "compiler/Storage.h"
#include "runtime/View.h"
#include <optional>

namespace imbrex {

/// See Storage for what each of the views is.
struct Sequences {
  Storage::Kind kind;
  View storage;        ///< of Paged as it lies: pages in place of sequences, their rows in place of positions
  View table, lengths; ///< of Ragged, `lengths` are the offsets
  int64_t longest = 0; ///< of Ragged
  std::optional<View> scales = {}; ///< of what is scaled
  int64_t block = 0;               ///< positions that share a scale, where scales are one a block; 0: a page
};

/// [B, S, ...] with the lengths [B] of its sequences.
inline Sequences padded(const View &view, const View &lengths) { return {Storage::Kind::Padded, view, {}, lengths, 0}; }
/// [rows, ...], sequence b from row offsets[b] to before offsets[b + 1]; no sequence is longer than `longest`.
inline Sequences ragged(const View &view, const View &offsets, int64_t longest) {
  return {Storage::Kind::Ragged, view, {}, offsets, longest};
}
/// [pages, P, ...] with the pages of each sequence, table [B, n], and their lengths [B]. A page's stride is a multiple
/// of a row's.
inline Sequences paged(const View &pool, const View &table, const View &lengths) {
  return {Storage::Kind::Paged, pool, table, lengths, 0};
}

/// Elements of i8, f8e4m3, f8e5m2, f16 or bf16 times scales of f32, for a view that is only read: a load gives the
/// product. `scales` are [1], one for all; [H], one a head; or [B, blocks, H], one for `block` positions of a sequence
/// and a head, by default those of a page. `x` is a view, or sequences as above.
inline Sequences scaled(Sequences x, const View &scales, int64_t block = 0) {
  x.scales = scales;
  x.block = block;
  return x;
}
inline Sequences scaled(const View &x, const View &scales, int64_t block = 0) {
  return {Storage::Kind::Dense, x, {}, {}, 0, scales, block};
}

} // namespace imbrex

#endif // IMBREX_RUNTIME_SEQUENCES_H
