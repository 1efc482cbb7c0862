//===- AttentionOracle.h - What attention means, in plain loops  -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention in double precision, straight from its definition, and the baseline an eager framework would
// compute in the storage type. Shares nothing with the compiler. All arrays are dense, C order:
// q [B, Sq, Hk * G, D], k [B, Sk, Hk, D], v [B, Sk, Hk, Dv], o [B, Sq, Hk * G, Dv], lse [B, Hk * G, Sq].
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_ATTENTIONORACLE_H
#define IMBREX_TESTS_SUPPORT_ATTENTIONORACLE_H

#include "compiler/DataType.h"
#include <cstdint>
#include <string>
#include <vector>

namespace imbrex::testing {

/// What a query sees. Windows are inclusive; -1 is unbounded. All but CausalTopLeft align the last query with
/// the last key.
struct Mask {
  enum class Kind { Full, Causal, CausalTopLeft, Window, CausalWindow } kind = Kind::Full;
  int64_t left = -1, right = -1;

  /// Keys begin .. end - 1; none where end <= begin.
  struct Range {
    int64_t begin, end;
    bool has(int64_t j) const { return j >= begin && j < end; }
  };

  Range seen(int64_t i, int64_t queries, int64_t keys) const;
  /// The keys between the first and the last that one of `count` queries sees.
  Range seen(int64_t first, int64_t count, int64_t queries, int64_t keys) const;
  bool sees(int64_t i, int64_t j, int64_t queries, int64_t keys) const;
  /// As a hook of attention_forward.tile: "window(3, -1)".
  std::string hook() const;
};

struct AttentionShape {
  int64_t batch = 1, queries = 1, keys = 1, keyHeads = 1, group = 1, depth = 64, valueDepth = 64;
  Mask mask = {};
  double scale = 1;
  double softcap = 0; ///< 0: none

  int64_t heads() const { return keyHeads * group; }
  int64_t sizeQ() const { return batch * queries * heads() * depth; }
  int64_t sizeK() const { return batch * keys * keyHeads * depth; }
  int64_t sizeV() const { return batch * keys * keyHeads * valueDepth; }
  int64_t sizeO() const { return batch * queries * heads() * valueDepth; }
};

struct AttentionInputs {
  std::vector<double> q, k, v;
};

struct AttentionResult {
  std::vector<double> o, lse;
};

/// The definition. A row that sees nothing has o = 0 and lse = -inf; what it does not see is never read.
AttentionResult attend(const AttentionShape &shape, const AttentionInputs &inputs);

/// The same computed in `type`: product, softmax, product, each rounded; sums of products in wideType(type).
AttentionResult attendRounded(const AttentionShape &shape, const AttentionInputs &inputs, DataType type);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_ATTENTIONORACLE_H
