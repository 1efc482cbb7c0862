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
#include "llvm/Support/FormatVariadic.h"

namespace imbrex {

enum class Message {
#define IMBREX_ERROR(id, format) id,
#include "compiler/frontend/Errors.def"
};

/// The text of a message, with its {0}, {1}, ...
const char *formatOf(Message message);

/// Reports `message` at a byte of the source, filled in with `arguments`.
template <typename... Arguments>
void report(Diagnostics &diagnostics, uint32_t offset, Message message, Arguments &&...arguments) {
  diagnostics.error(offset, llvm::formatv(/*Validate=*/false, formatOf(message), std::forward<Arguments>(arguments)...).str());
}

/// ", did you mean 'x'?" if one of `known` is close to `name`, else "".
std::string suggestion(llvm::StringRef name, llvm::ArrayRef<std::string> known);

/// Limits that keep any text from taking long or much (reliability: hostile text).
inline constexpr size_t kMaxSourceBytes = 1 << 20;
inline constexpr size_t kMaxNameBytes = 256;
inline constexpr unsigned kMaxNesting = 200;
inline constexpr unsigned kMaxInlining = 64;
inline constexpr unsigned kMaxErrors = 50;
inline constexpr int64_t kMaxTileExtent = 1 << 16;
inline constexpr int64_t kMaxTileElements = 1 << 20;
inline constexpr unsigned kMaxOperations = 200000;

} // namespace imbrex

#endif // IMBREX_COMPILER_FRONTEND_MESSAGES_H
