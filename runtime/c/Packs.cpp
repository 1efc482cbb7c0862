//===- Packs.cpp - What ships with a program, from C ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Results of tuning, and compiled kernels, as files (TunePack.h, KernelPack.h).
//
//===----------------------------------------------------------------------===//

#include "runtime/KernelPack.h"
#include "runtime/TunePack.h"
#include "runtime/c/Answer.h"

using namespace imbrex;
using namespace imbrex::c;

static Result<void> tellCount(size_t *count, Result<size_t> result) {
  if (!result)
    return result.takeError();
  if (count)
    *count = *result;
  return {};
}

imbrex_status imbrex_tuning_export(const char *cache_directory, const char *path, size_t *count, imbrex_error **error) {
  return answer(error, {{cache_directory, "cache_directory"}, {path, "path"}},
                [&] { return tellCount(count, exportTuning(cache_directory, path)); });
}

imbrex_status imbrex_tuning_import(const char *cache_directory, const char *path, size_t *count, imbrex_error **error) {
  return answer(error, {{cache_directory, "cache_directory"}, {path, "path"}},
                [&] { return tellCount(count, importTuning(cache_directory, path)); });
}

imbrex_status imbrex_pack_kernels(const char *cache_directory, const char *path, size_t *count, imbrex_error **error) {
  return answer(error, {{cache_directory, "cache_directory"}, {path, "path"}},
                [&] { return tellCount(count, packKernels({cache_directory}, path)); });
}
