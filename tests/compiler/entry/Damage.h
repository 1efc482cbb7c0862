//===- Damage.h - Texts of stages, damaged -------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a seed: a good text with one to three of its words changed. Equal seeds give equal texts.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_COMPILER_ENTRY_DAMAGE_H
#define IMBREX_TESTS_COMPILER_ENTRY_DAMAGE_H

#include "compiler/Compiler.h"

namespace imbrex::testing {

/// A kernel of the tree, and the choices that make it small.
struct Sample {
  std::string path;
  CompileOptions options;
};
const std::vector<Sample> &samples();

/// The text of a sample at `stage`; fails the test if the sample does not compile.
std::string textOf(const Sample &sample, Stage stage);

/// `text` with one to three changes: words exchanged for others of their kind, in one place or everywhere (which the
/// parser often lets through), attributes and layouts dropped; words dropped, doubled, exchanged, replaced by another
/// of the text or by a number at an edge; lines dropped or doubled; bytes overwritten; the end cut off.
std::string damaged(const std::string &text, uint64_t seed);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_COMPILER_ENTRY_DAMAGE_H
