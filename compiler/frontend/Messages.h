//===- Messages.h - The frontend's messages ------------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The messages of Errors.def by name, and the call that fills one in and reports it.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_FRONTEND_MESSAGES_H
#define IMBREX_COMPILER_FRONTEND_MESSAGES_H

#include "compiler/Diagnostics.h"
#include "compiler/Limits.h"
#include "compiler/Number.h"
#include "llvm/Support/FormatVariadic.h"

namespace imbrex {

/// Limits that keep any text from taking long or much (reliability: hostile text). Another is kMaxNumberBytes.
inline constexpr size_t kMaxSourceBytes = 1 << 20;
inline constexpr size_t kMaxNameBytes = 256;
inline constexpr unsigned kMaxNesting = 200;
inline constexpr unsigned kMaxLoops = 16; ///< in one another: some passes look at a body twice
inline constexpr unsigned kMaxInlining = 64;
inline constexpr unsigned kMaxEmitDepth = 1000; ///< of expressions, through inlined functions
inline constexpr unsigned kMaxErrors = 50;
inline constexpr size_t kMaxDeclarations = 1024; ///< functions and kernels of a file; parameters of a kernel
inline constexpr size_t kMaxResults = 16;        ///< of a function
inline constexpr size_t kMaxExtentConditions = 32; ///< that the cases of a tune block compare extents with
inline constexpr unsigned kMaxGridRank = 6;      ///< of a grid as written: those behind the second share one axis
inline constexpr size_t kMaxChoices = 1024;      ///< of a tuning parameter
inline constexpr size_t kMaxHostText = 4096;     ///< bytes of an expression the host evaluates
inline constexpr size_t kMaxSuggestions = 500;   ///< names compared with a misspelt one

enum class Message {
#define IMBREX_ERROR(id, format) id,
#include "compiler/frontend/Errors.def"
};

/// The text of a message, with its {0}, {1}, ...
const char *formatOf(Message message);
/// True of an IMBREX_CALLER_ERROR.
bool isOfCaller(Message message);

template <typename... Arguments> std::string formatMessage(Message message, Arguments &&...arguments) {
  return llvm::formatv(/*Validate=*/false, formatOf(message), std::forward<Arguments>(arguments)...).str();
}

/// Reports `message` at a byte of the source, filled in with `arguments`. After kMaxErrors nothing more is said.
template <typename... Arguments>
void report(Diagnostics &diagnostics, uint32_t offset, Message message, Arguments &&...arguments) {
  if (diagnostics.errorCount() >= kMaxErrors)
    return;
  std::string text = formatMessage(message, std::forward<Arguments>(arguments)...);
  if (isOfCaller(message))
    diagnostics.callerError(offset, std::move(text));
  else
    diagnostics.error(offset, std::move(text));
}

/// The same for what has no place in the text: an option, a missing kernel.
template <typename... Arguments>
void reportWithoutPlace(Diagnostics &diagnostics, Message message, Arguments &&...arguments) {
  if (diagnostics.errorCount() < kMaxErrors)
    diagnostics.errorWithoutPlace(formatMessage(message, std::forward<Arguments>(arguments)...), isOfCaller(message));
}

/// ", did you mean 'x'?" if one of `known` is close to `name` and not `name` itself, else "".
std::string suggestion(llvm::StringRef name, llvm::ArrayRef<std::string> known);

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_MESSAGES_H
