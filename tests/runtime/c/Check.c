/*===- Check.c - What the C tests share
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* See Check.h.
|*/

#include "Check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

imbrex_error *error = NULL;
static int failed = 0;

bool check(bool holds, const char *file, int line, const char *text) {
  if (!holds) {
    ++failed;
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, text);
  }
  return holds;
}

int failures(void) { return failed; }

void checkOk(imbrex_status status, const char *file, int line, const char *text) {
  if (!check(status == IMBREX_OK && error == NULL, file, line, text))
    fprintf(stderr, "  %s: %s", imbrex_status_name(status), imbrex_error_text(error, IMBREX_ERROR_EVERYTHING));
  imbrex_error_free(error);
  error = NULL;
}

void checkFails(imbrex_status status, imbrex_status expected, const char *words, const char *file, int line,
                const char *text) {
  const char *everything = imbrex_error_text(error, IMBREX_ERROR_EVERYTHING);
  bool told = error && imbrex_error_status(error) == status && strstr(everything, words) != NULL;
  if (!check(status == expected && told, file, line, text))
    fprintf(stderr, "  %s: %s  expected: %s: %s\n", imbrex_status_name(status), everything,
            imbrex_status_name(expected), words);
  imbrex_error_free(error);
  error = NULL;
}

imbrex_runtime *openRuntime(void) {
  imbrex_runtime_options options = {.size = sizeof options, .device = "sim:h200", .simulator_threads = 1};
  imbrex_runtime *runtime = NULL;
  OK(imbrex_runtime_open(&options, &runtime, &error));
  return runtime;
}

imbrex_kernel *loadKernel(const imbrex_runtime *runtime, const char *path) {
  imbrex_module *module = NULL;
  imbrex_kernel *kernel = NULL;
  OK(imbrex_module_load(runtime, path, &module, &error));
  OK(imbrex_module_kernel(module, NULL, &kernel, &error));
  imbrex_module_free(module); /* the kernel keeps what it needs */
  return kernel;
}

imbrex_view viewOf(const imbrex_buffer *buffer, int64_t length) {
  imbrex_view view = {.size = sizeof view, .type = IMBREX_F32, .buffer = buffer, .rank = 1, .extents = {length}};
  return view;
}

static imbrex_buffer *upload(const imbrex_runtime *runtime, int64_t length, float step) {
  imbrex_buffer *buffer = NULL;
  size_t bytes = 4 * (size_t)length;
  float *host = malloc(bytes);
  for (int64_t i = 0; i < length; ++i)
    host[i] = step * (float)i;
  OK(imbrex_buffer_allocate(runtime, bytes, &buffer, &error));
  OK(imbrex_buffer_upload(buffer, 0, host, bytes, NULL, &error));
  free(host);
  return buffer;
}

void makeVectors(const imbrex_runtime *runtime, int64_t length, Vectors *vectors) {
  static const char *const names[3] = {"X", "Y", "Z"};
  vectors->length = length;
  vectors->x = upload(runtime, length, 1.0f);
  vectors->y = upload(runtime, length, 0.5f);
  OK(imbrex_buffer_allocate(runtime, 4 * (size_t)length, &vectors->z, &error));
  const imbrex_buffer *buffers[3] = {vectors->x, vectors->y, vectors->z};
  for (int i = 0; i < 3; ++i) {
    vectors->views[i] = viewOf(buffers[i], length);
    imbrex_argument argument = {
        .size = sizeof argument, .kind = IMBREX_ARGUMENT_VIEW, .name = names[i], .view = &vectors->views[i]};
    vectors->arguments[i] = argument;
  }
}

bool isSum(const Vectors *vectors) {
  size_t bytes = 4 * (size_t)vectors->length;
  float *host = malloc(bytes);
  OK(imbrex_buffer_download(vectors->z, 0, host, bytes, NULL, &error));
  bool same = true;
  for (int64_t i = 0; i < vectors->length; ++i)
    same = same && host[i] == 1.5f * (float)i;
  free(host);
  return same;
}

void freeVectors(Vectors *vectors) {
  imbrex_buffer_free(vectors->x);
  imbrex_buffer_free(vectors->y);
  imbrex_buffer_free(vectors->z);
}
