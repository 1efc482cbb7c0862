//===- ErrorSamples.h - Errors as runs with random roundings show them -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The bounds of ErrorBounds.h add up the worst of every operation, and know nothing of errors that are the
// same in two places: a softmax divides by what its row's maximum was wrong by, and the sum over many keys
// averages. So an instance is run some times more, each operation's result moved by a random part of what a
// device's rounding would, and the bounds are narrowed to a multiple of what these runs differ by.
//
// A single element says little after few runs, and no more does a row (of the output's last dimension): one weight
// that its rounding moved moves all of its elements. The share of their bounds by which the elements of some rows next
// to one another (of everything that the operation stored, where these are short) differ at most says enough: it
// narrows the bounds of all of them.
//
// Roundings of equal terms all go one way, those of an iteration that repeats as well, which no random ones show: in
// the first of the runs sums are those of terms that are added one after the other, each sum rounded.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_ERRORSAMPLES_H
#define IMBREX_COMPILER_REFERENCE_ERRORSAMPLES_H

#include "compiler/reference/Handlers.h"

namespace imbrex::reference {

constexpr unsigned kErrorSamples = 3;

/// Random numbers that follow from a seed: the same on every machine.
class ErrorRandom {
public:
  explicit ErrorRandom(uint64_t sample) : addsInTurn(sample == 0), state(sample) {}
  /// From -1 to 1.
  double next();
  /// Sums are made one term after the other.
  const bool addsInTurn;

private:
  uint64_t state;
};

/// Moves each element of the results of an operation that was run by a random part of its likely roundings, or sums as
/// `random` says. Zeros and what is not finite stay.
void moveByRoundings(OpRun &run, ErrorRandom &random, bool approximates);

/// Narrows the errors of `exact`, which hold bounds, to what the samples show. What was added to keeps its bound: other
/// instances have their part in it, of which the samples of one say nothing.
void narrowErrors(StoredElements &exact, llvm::ArrayRef<StoredElements> samples);

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_ERRORSAMPLES_H
