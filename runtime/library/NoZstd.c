//===- NoZstd.c - LLVM's optional compression, left out -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM's support library names zstd's functions; nothing in Imbrex compresses. With these libimbrex.so needs
// no zstd: each says that it failed, which LLVM turns into an error.
//
//===----------------------------------------------------------------------===//

#include <stddef.h>

static const size_t kFailed = (size_t)-1;

size_t ZSTD_compressBound(size_t bytes) { return bytes; }
unsigned ZSTD_isError(size_t code) { return code == kFailed; }
const char *ZSTD_getErrorName(size_t code) { return "built without zstd"; }
size_t ZSTD_decompress(void *to, size_t capacity, const void *from, size_t bytes) { return kFailed; }
void *ZSTD_createCCtx(void) { return NULL; }
size_t ZSTD_freeCCtx(void *context) { return 0; }
size_t ZSTD_CCtx_setParameter(void *context, int parameter, int value) { return kFailed; }
size_t ZSTD_compress2(void *context, void *to, size_t capacity, const void *from, size_t bytes) { return kFailed; }
