//===- ErrorBounds.h - How far a device's result may be off -----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Beside each value goes a bound of how far an implementation may be from it that rounds every operation
// to its type and adds sums in any order. Two parts, to first order:
//
//   * what the operands' errors make of the result: the operation itself is run on operands moved by
//     their errors, one at a time and both ways (products of tiles: by the sums of absolute terms);
//   * what the operation adds: a rounding of the result; for sums a rounding of each partial sum, which
//     is at most the sum of absolute terms; for functions the bounds of Grammar.md.
//
// What runs with random roundings show then narrows the bounds (ErrorSamples.h).
//
// So a sum that cancels has the error of its terms, and logits of -6e4 that of their size. Bools and
// integers have errors too: where a comparison or a conversion could go the other way.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_ERRORBOUNDS_H
#define IMBREX_COMPILER_REFERENCE_ERRORBOUNDS_H

#include "compiler/reference/Handlers.h"

namespace imbrex::reference {

/// Fills `errors` of the results of an operation that `handler` has run. Constants are exact, and loads but of what the
/// kernel stored. `approximates`:
/// the kernel is one in which f32 may be approximated (tile::isOf16Bits).
void boundErrors(OpRun &run, Handler handler, bool approximates);

/// Half the distance of neighbours, relative to a value; at least the smallest normal number's. 0 of floats of 8 bits:
/// tile.narrow makes them alike everywhere.
double roundingOf(ElementType type, double value);

/// Worst: the most that any order and any rounding give. Likely: in f32, where an implementation computes in it, and of
/// n roundings sqrt(n), which rarely all go one way.
enum class Roundings { Worst, Likely };
/// What the operation itself adds to each element of its first result; empty: nothing.
std::vector<double> ownErrors(OpRun &run, Roundings kind, bool approximates);

/// The error of one element in memory, where it is rounded once more.
double storedError(const TileValue &value, size_t index);

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_ERRORBOUNDS_H
