//===- ForeignWords.h - Words of other languages --------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What people bring along from C, Python, CUDA and Triton and this language has not: a message names it and says
// what to write instead, where a guess by spelling ("sin, did you mean min?") would mislead.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_FOREIGNWORDS_H
#define IMBREX_COMPILER_FRONTEND_FOREIGNWORDS_H

#include "compiler/Diagnostics.h"
#include "llvm/ADT/StringRef.h"
#include <optional>

namespace imbrex {

/// What to write instead of a function or statement of another language, as "; write ..." or ""; nullopt if
/// `name` is none.
std::optional<llvm::StringRef> insteadOf(llvm::StringRef name);

/// Reports that no type has this name, with the one to write where it is a type of another language.
void reportUnknownType(Diagnostics &diagnostics, uint32_t offset, llvm::StringRef name);

/// What to write instead of a character that no token has, as "write ..."; nullopt if nobody can know what is meant.
std::optional<llvm::StringRef> characterInsteadOf(llvm::StringRef character);

/// True of the functions that the language keeps for itself and does not have yet: they are refused by name.
bool isReservedFunction(llvm::StringRef name);

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_FOREIGNWORDS_H
