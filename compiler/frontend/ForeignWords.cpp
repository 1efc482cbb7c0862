//===- ForeignWords.cpp - Words of other languages ------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two flat tables.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/ForeignWords.h"
#include "compiler/frontend/Messages.h"
#include "llvm/ADT/STLExtras.h"

using llvm::StringRef;

namespace {

struct Row {
  StringRef word, instead;
};

} // namespace

static constexpr Row kForeign[] = {
    // Statements
    {"assert", "; state what must hold with require, before the kernel's tune and grid"},
    {"break", "; bound the loop: for j in lo..hi"},
    {"continue", "; choose with if, or with where(...)"},
    {"def", "; functions are written 'fn name(x) = ...;'"},
    {"print", "; store what you want to see in an output"},
    {"printf", "; store what you want to see in an output"},
    {"while", "; loops are 'for j in lo..hi' and 'for j in tiles(N, B)'"},
    // Functions
    {"all", "; write min(where(x, 1, 0)) == 1"},
    {"any", "; write max(where(x, 1, 0)) == 1"},
    {"arange", "; write iota(N)"},
    {"argmax", "; write rowreduce(f, x, at), with an f that chooses: see kernels/lessons/argmax.tile"},
    {"argmin", "; write rowreduce(f, x, at), with an f that chooses: see kernels/lessons/argmax.tile"},
    {"cbrt", "; write exp2(log2(x) / 3), for an x above 0"},
    {"clamp", "; write min(max(x, lo), hi)"},
    {"cosh", "; write (exp(x) + exp(-x)) / 2"},
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
    {"lambda", "; functions are written 'fn name(x) = ...;'"},
    {"mod", "; write x % y"},
    {"not", "; write !x"},
    {"ones", "; write fill<f32>[N](1)"},
    {"pow", "; write exp2(y * log2(x)), or a product"},
    {"prod", "; write rowreduce(f, x), with fn f(a, b) = a * b"},
    {"range", "; a loop is written for j in lo..hi"},
    {"relu", "; write max(x, 0)"},
    {"round", "; write floor(x + 0.5)"},
    {"sigmoid", "; write 1 / (1 + exp(-x))"},
    {"sign", "; write where(x > 0, 1, where(x < 0, -1, 0))"},
    {"sinh", "; write (exp(x) - exp(-x)) / 2"},
    {"softmax", "; it is rowmax, exp and rowsum: see kernels/lessons/softmax.tile"},
    {"tan", "; write sin(x) / cos(x)"},
    {"trans", "; write x.T"},
    {"transpose", "; write x.T"},
    {"zeros", "; write fill<f32>[N](0)"},
};

static constexpr Row kTypes[] = {
    {"bfloat16", "bf16"}, {"char", "i8"},      {"double", "f64"}, {"float", "f32"},    {"float16", "f16"},
    {"float32", "f32"},   {"float64", "f64"},  {"fp16", "f16"},   {"fp32", "f32"},     {"fp64", "f64"},
    {"half", "f16"},      {"i1", "bool"},      {"int", "i32"},    {"int32", "i32"},    {"int32_t", "i32"},
    {"int64", "i64"},     {"int64_t", "i64"},  {"int8", "i8"},    {"int8_t", "i8"},    {"long", "i64"},
    {"size_t", "i64"},    {"uint", "u32"},     {"uint32", "u32"}, {"uint32_t", "u32"}, {"uint8", "u8"},
    {"uint8_t", "u8"},    {"unsigned", "u32"},
};

static constexpr Row kCharacters[] = {
    {"~", "write x ^ -1"},    {"@", "write dot(a, b)"}, {"#", "a comment begins with //"}, {"\"", "it has no texts"},
    {"'", "it has no texts"}, {"`", "it has no texts"}, {"\\", "a line may end anywhere"},
};

static constexpr StringRef kReserved[] = {"atomic_add", "gather", "random"};

static std::optional<StringRef> rowOf(llvm::ArrayRef<Row> rows, StringRef word) {
  for (const Row &row : rows)
    if (row.word == word)
      return row.instead;
  return std::nullopt;
}

std::optional<StringRef> imbrex::insteadOf(StringRef name) { return rowOf(kForeign, name); }
std::optional<StringRef> imbrex::characterInsteadOf(StringRef character) { return rowOf(kCharacters, character); }

void imbrex::reportUnknownType(Diagnostics &diagnostics, uint32_t offset, StringRef name) {
  if (std::optional<StringRef> instead = rowOf(kTypes, name))
    report(diagnostics, offset, Message::ForeignType, name, *instead);
  else
    report(diagnostics, offset, Message::ExpectedType, "'" + name.str() + "'");
}

bool imbrex::isReservedFunction(StringRef name) { return llvm::is_contained(kReserved, name); }
