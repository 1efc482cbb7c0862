//===- TunePack.h - Results of tuning, carried ------------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pack is one file with all results of tuning below a cache directory, to ship with a program. Each record carries
// its own checksum and says what it depends on, so that a runtime takes from a pack what fits its device and compiler,
// and nothing else. No LLVM type, no driver handle: public.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_TUNEPACK_H
#define IMBREX_RUNTIME_TUNEPACK_H

#include "runtime/Result.h"

namespace imbrex {

/// Writes the results below `cacheDirectory` to `path`, beside and renamed into place; how many there are. An Error
/// if there are none.
Result<size_t> exportTuning(const std::string &cacheDirectory, const std::string &path);
/// Takes the results of a pack that are whole; how many. What is there already is written again. An Error if `path` is
/// no pack, or is cut off.
Result<size_t> importTuning(const std::string &cacheDirectory, const std::string &path);

} // namespace imbrex

#endif // IMBREX_RUNTIME_TUNEPACK_H
