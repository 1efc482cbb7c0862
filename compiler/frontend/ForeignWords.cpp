//===- ForeignWords.cpp - Words of other languages ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two flat tables.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/ForeignWords.h"
#include "llvm/ADT/STLExtras.h"

using llvm::StringRef;

namespace {

struct Row {
  StringRef word, instead;
};

} // namespace

static constexpr Row kForeign[] = {
    // Statements
    {"assert", ""},
    {"break", "; bound the loop: for j in lo..hi"},
    {"continue", "; choose with if, or with where(...)"},
    {"def", "; functions are written 'fn name(x) = ...;'"},
    {"print", ""},
    {"printf", ""},
    {"while", "; loops are 'for j in lo..hi' and 'for j in tiles(N, B)'"},
    // Functions
    {"all", ""},
    {"any", ""},
    {"arange", "; write iota(N)"},
    {"argmax", "; write rowreduce(f, x, at), with an f that chooses: see kernels/lessons/argmax.tile"},
    {"argmin", "; write rowreduce(f, x, at), with an f that chooses: see kernels/lessons/argmax.tile"},
    {"cbrt", ""},
    {"clamp", "; write min(max(x, lo), hi)"},
    {"cosh", ""},
    {"cumsum", "; write rowscan(f, x), with fn f(a, b) = a + b"},
    {"exp10", "; write exp2(x * log2(10.0))"},
    {"expm1", "; write exp(x) - 1"},
    {"fabs", "; write abs(x)"},
    {"fma", "; write x * y + z"},
    {"fmax", "; write max(x, y)"},
    {"fmin", "; write min(x, y)"},
    {"full", "; write fill<f32>[N](x)"},
    {"isinf", "; write abs(x) == inf"},
    {"isnan", "; write x != x"},
    {"log10", "; write log(x) / log(10.0)"},
    {"log1p", "; write log(1 + x)"},
    {"matmul", "; write dot(a, b)"},
    {"maximum", "; write max(x, y)"},
    {"mean", "; write sum(x), rowsum(x) or colsum(x) over the extent"},
    {"minimum", "; write min(x, y)"},
    {"mod", "; write x % y"},
    {"ones", "; write fill<f32>[N](1)"},
    {"pow", "; write exp2(y * log2(x)), or a product"},
    {"prod", "; write rowreduce(f, x), with fn f(a, b) = a * b"},
    {"relu", "; write max(x, 0)"},
    {"round", "; write floor(x + 0.5)"},
    {"sigmoid", "; write 1 / (1 + exp(-x))"},
    {"sign", ""},
    {"sinh", ""},
    {"softmax", "; it is rowmax, exp and rowsum: see kernels/lessons/softmax.tile"},
    {"tan", "; write sin(x) / cos(x)"},
    {"trans", "; write x.T"},
    {"transpose", "; write x.T"},
    {"zeros", "; write fill<f32>[N](0)"},
};

static constexpr StringRef kReserved[] = {"atomic_add", "gather", "random"};

std::optional<StringRef> imbrex::insteadOf(StringRef name) {
  for (const Row &row : kForeign)
    if (row.word == name)
      return row.instead;
  return std::nullopt;
}

bool imbrex::isReservedFunction(StringRef name) { return llvm::is_contained(kReserved, name); }
