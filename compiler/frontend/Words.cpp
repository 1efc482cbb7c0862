//===- Words.cpp - The words of the tile language -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One table. Grammar.md tells the rules, these are reminders.
//
//===----------------------------------------------------------------------===//

#include "compiler/frontend/Words.h"
#include "llvm/ADT/STLExtras.h"

using namespace imbrex;

// clang-format off
static constexpr Word kWords[] = {
    {Word::Keyword, "kernel", "kernel name<T: f16 | f32, N: int>(X: view<T>[..], ..) tune {..} grid (..) |i, j| {..}",
     "A program that a host launches, one instance a position of its grid."},
    {Word::Keyword, "fn", "fn name(extras)(parameters) -> type = expression;",
     "A function; it is inlined where it is called."},
    {Word::Keyword, "hook", "hook name(parameters) = expression;",
     "A function that a host may replace when it compiles the kernel."},
    {Word::Keyword, "let", "let name = expression;", "Names a value."},
    {Word::Keyword, "var", "var name = expression;",
     "A name whose value changes; of a parameter, a view that is read and written."},
    {Word::Keyword, "for", "for i in lo..hi {..}   for j in tiles(N, B) [visible(mask)] {..}",
     "A loop over integers, or over the tiles of an extent."},
    {Word::Keyword, "in", "for i in lo..hi",
     "Stands before the range of a loop; in? view may be left out by a launch."},
    {Word::Keyword, "if", "if condition {..} else {..}",
     "A branch; of a condition known when the kernel is compiled only one side is looked at."},
    {Word::Keyword, "else", "if condition {..} else {..}", "The other side of an if."},
    {Word::Keyword, "grid", "grid (cdiv(N, B), H) |i, h| {..}",
     "How many instances a launch has, and what each is called."},
    {Word::Keyword, "load", "load X[i * B :+ B, :]", "A tile of a view; what lies outside is 0."},
    {Word::Keyword, "store", "store Y[i * B :+ B] = tile;",
     "Writes a tile into a view; what lies outside is left alone. += adds to memory."},
    {Word::Keyword, "true", "true", "A truth value."},
    {Word::Keyword, "false", "false", "A truth value."},
    {Word::Keyword, "fill", "fill<type>[extents](value)", "A tile of one value."},
    {Word::Keyword, "cast", "cast<type>(x)", "x in another type; nothing converts by itself."},
    {Word::Keyword, "return", "return expression;", "The result of a function with a body in braces."},
    {Word::Keyword, "import", "import \"file.tile\";", "Brings the functions and hooks of another file."},
    {Word::Contextual, "view", "view<type>[extents]", "An array in memory, with strides that its host chooses."},
    {Word::Contextual, "out", "Y: out view<T>[N]", "A view that is written. out? may be left out by a launch."},
    {Word::Contextual, "tune", "tune { BLOCK: {64, 128} = 64; }",
     "Parameters that tuning may change, with defaults and cases."},
    {Word::Contextual, "require", "require N >= 1", "What must hold of a launch; it is refused where it does not."},
    {Word::Contextual, "key", "key T, pow2(N);", "What a result of tuning holds for."},
    {Word::Contextual, "rounding", "rounding BN;", "Parameters whose change may change the last bits of results."},
    {Word::Contextual, "where", "where condition;", "In a tune block: what a candidate must fulfil."},
    {Word::Contextual, "when", "when N <= 64 { warps = 4; }", "In a tune block: defaults for a case."},
    {Word::Contextual, "on", "on sm_80, sm_90 { stages = 3; }", "In a tune block: defaults for targets."},
    {Word::Contextual, "tiles", "for j in tiles(N, B)", "Counts the tiles of B that cover N."},
    {Word::Contextual, "visible", "for j in tiles(N, B) visible(mask)",
     "Promises that iterations in which the mask is false everywhere change nothing that is stored."},
    {Word::Contextual, "int", "N: int", "Of a parameter in < >: an integer known when the kernel is compiled."},
    {Word::Type, "bool", "bool", "A truth value."},
    {Word::Type, "i8", "i8", "An integer of 8 bits."},
    {Word::Type, "i32", "i32", "An integer of 32 bits."},
    {Word::Type, "i64", "i64", "An integer of 64 bits."},
    {Word::Type, "u8", "u8", "An integer of 8 bits without sign."},
    {Word::Type, "u32", "u32", "An integer of 32 bits without sign."},
    {Word::Type, "f8e4m3", "f8e4m3", "A float of 8 bits: 4 of exponent, 3 of fraction, no infinity."},
    {Word::Type, "f8e5m2", "f8e5m2", "A float of 8 bits: 5 of exponent, 2 of fraction."},
    {Word::Type, "f16", "f16", "A float of 16 bits, IEEE."},
    {Word::Type, "bf16", "bf16", "A float of 16 bits: the upper half of an f32."},
    {Word::Type, "f32", "f32", "A float of 32 bits."},
    {Word::Type, "f64", "f64", "A float of 64 bits."},
    {Word::Type, "wide", "wide<T>", "What products of T are added in: f64 for f64, i32 for i8, else f32."},
    {Word::Number, "inf", "inf", "Infinity."},
    {Word::Number, "nan", "nan", "Not a number."},
    {Word::Number, "LOG2E", "LOG2E", "log2(e)."},
    {Word::Number, "LN2", "LN2", "log(2)."},
    {Word::Number, "PI", "PI", "The ratio of a circle's circumference to its diameter."},
    {Word::Builtin, "dot", "dot(a, b[, c])",
     "The matrix product of two tiles in wide<T>, added to c if there is one. dot<tf32> rounds f32 to tf32."},
    {Word::Builtin, "where", "where(condition, x, y)", "x where the condition is true, y elsewhere, an element each."},
    {Word::Builtin, "iota", "iota(N)", "The row 0, 1, .. N - 1."},
    {Word::Builtin, "exp2", "exp2(x)", "2 to the power x."},
    {Word::Builtin, "log2", "log2(x)", "The logarithm to base 2."},
    {Word::Builtin, "exp", "exp(x)", "e to the power x."},
    {Word::Builtin, "log", "log(x)", "The natural logarithm."},
    {Word::Builtin, "sqrt", "sqrt(x)", "The square root."},
    {Word::Builtin, "rsqrt", "rsqrt(x)", "1 over the square root."},
    {Word::Builtin, "tanh", "tanh(x)", "The hyperbolic tangent."},
    {Word::Builtin, "abs", "abs(x)", "The value without its sign."},
    {Word::Builtin, "min", "min(x[, y])", "The smaller of two; of one tile, its smallest element."},
    {Word::Builtin, "max", "max(x[, y])", "The larger of two; of one tile, its largest element."},
    {Word::Builtin, "sum", "sum(x)", "The sum of a tile's elements."},
    {Word::Builtin, "cdiv", "cdiv(x, y)", "x / y, rounded up."},
    {Word::Builtin, "rowmax", "rowmax(x)", "The largest element of each row."},
    {Word::Builtin, "rowmin", "rowmin(x)", "The smallest element of each row."},
    {Word::Builtin, "rowsum", "rowsum(x)", "The sum of each row."},
    {Word::Builtin, "colmax", "colmax(x)", "The largest element of each column."},
    {Word::Builtin, "colmin", "colmin(x)", "The smallest element of each column."},
    {Word::Builtin, "colsum", "colsum(x)", "The sum of each column."},
    {Word::Builtin, "pow2", "pow2(n)", "The next power of two that is not less."},
    {Word::Builtin, "coord", "coord(b, h, q, k, Sq, Sk)",
     "A position for hooks: at.b, at.h, at.q, at.k, at.Sq, at.Sk."},
    {Word::Builtin, "sin", "sin(x)", "The sine."},
    {Word::Builtin, "cos", "cos(x)", "The cosine."},
    {Word::Builtin, "erf", "erf(x)", "The error function."},
    {Word::Builtin, "floor", "floor(x)", "The largest whole number that is not more."},
    {Word::Builtin, "ceil", "ceil(x)", "The smallest whole number that is not less."},
    {Word::Builtin, "philox", "philox(seed, c0, c1, c2, c3)", "Four u32 of Philox4x32-10 for a counter."},
    {Word::Builtin, "philox16", "philox16(seed, offset, row, column, plane)", "16 random bits an element, as u32."},
    {Word::Builtin, "extent", "extent(V, d)", "How long a view is along a dimension."},
    {Word::Builtin, "rowreduce", "rowreduce(f, x, ..)",
     "The elements of each row, combined by an associative function."},
    {Word::Builtin, "rowscan", "rowscan(f, x, ..)", "What each row has been combined to so far."},
    {Word::Builtin, "colreduce", "colreduce(f, x, ..)",
     "The elements of each column, combined by an associative function."},
    {Word::Builtin, "colscan", "colscan(f, x, ..)", "What each column has been combined to so far."},
    {Word::Builtin, "derivative", "derivative(f, x, ..)", "The derivative of f by its first parameter."},
};
// clang-format on

llvm::ArrayRef<Word> imbrex::languageWords() { return kWords; }

const Word *imbrex::findWord(llvm::StringRef name) {
  const Word *found = llvm::find_if(kWords, [&](const Word &word) { return word.name == name; });
  return found == std::end(kWords) ? nullptr : found;
}

bool imbrex::isKeyword(llvm::StringRef name) {
  const Word *word = findWord(name);
  return word && word->kind == Word::Keyword;
}
