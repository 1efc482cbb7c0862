//===- WholeFile.h - Files that are read and written whole ------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For packs, which a user names. Not by the C++ library's streams: their buffers throw where a read fails. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_WHOLEFILE_H
#define IMBREX_RUNTIME_WHOLEFILE_H

#include <optional>
#include <string>
#include <string_view>

namespace imbrex {

/// The bytes of a file; nullopt if it cannot be read to its end.
std::optional<std::string> readWholeFile(const std::string &path);
/// Writes beside the path, and renames into place. False, and what was there stays, if anything fails.
bool writeWholeFile(const std::string &path, std::string_view bytes);

} // namespace imbrex

#endif // IMBREX_RUNTIME_WHOLEFILE_H
