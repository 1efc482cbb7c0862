/*===- Check.h - What the C tests share
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* A count of failed checks, a runtime on a simulated device, and three vectors to add. Plain C11: these tests are
|* compiled as C and linked with libimbrex.so alone.
|*/

#ifndef IMBREX_TESTS_RUNTIME_C_CHECK_H
#define IMBREX_TESTS_RUNTIME_C_CHECK_H

#include "runtime/c/imbrex_c.h"
#include <stdbool.h>
#include <stddef.h>

/* Counts and tells a condition that does not hold. */
#define CHECK(condition) check((condition), __FILE__, __LINE__, #condition)
/* The call succeeds. `error` is what to pass for its last parameter. */
#define OK(call) checkOk((call), __FILE__, __LINE__, #call)
/* The call fails with this status, and its message holds these words. */
#define FAILS(call, status, words) checkFails((call), (status), (words), __FILE__, __LINE__, #call)
#define REFUSED(call, words) FAILS(call, IMBREX_ERROR_ARGUMENT, words)

extern imbrex_error *error; /* set by the last call */

bool check(bool holds, const char *file, int line, const char *text);
void checkOk(imbrex_status status, const char *file, int line, const char *text);
void checkFails(imbrex_status status, imbrex_status expected, const char *words, const char *file, int line,
                const char *text);
int failures(void);

imbrex_runtime *openRuntime(void);
imbrex_kernel *loadKernel(const imbrex_runtime *runtime, const char *path);

/* Z = X + Y of `length` floats, X[i] = i, Y[i] = i / 2. Freed by freeVectors. */
typedef struct Vectors {
  int64_t length;
  imbrex_buffer *x, *y, *z;
  imbrex_view views[3];
  imbrex_argument arguments[3];
} Vectors;

void makeVectors(const imbrex_runtime *runtime, int64_t length, Vectors *vectors);
/* Fills arguments and views; they point into *vectors. */
bool isSum(const Vectors *vectors);
void freeVectors(Vectors *vectors);
imbrex_view viewOf(const imbrex_buffer *buffer, int64_t length);

/* The tests, one a file. */
void testLaunches(const char *vectorAdd, const char *attention);
void testOwn(const char *vectorAdd, const char *directory);
void testRecorded(const char *vectorAdd);
void testRefusals(const char *vectorAdd);
void testHandles(const char *vectorAdd);
void testStructs(const char *vectorAdd);
void testTensors(const char *vectorAdd);
void testThreads(const char *vectorAdd);

#endif
