/*===- Refusals.c - What is refused, and in which words
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Every kind of mistake that a caller can make with valid handles: each is a status and a sentence, and leaves
|* everything usable.
|*/

#include "Check.h"
#include <stdint.h>
#include <string.h>

static void testOpening(void) {
  imbrex_runtime *runtime = NULL;
  imbrex_runtime_options options = {.size = sizeof options, .device = "sim:h300"};
  FAILS(imbrex_runtime_open(&options, &runtime, &error), IMBREX_ERROR_NO_DEVICE, "'sim:h300'");
  options.device = "\xff\xfe";
  FAILS(imbrex_runtime_open(&options, &runtime, &error), IMBREX_ERROR_NO_DEVICE, "'\xef\xbf\xbd\xef\xbf\xbd'");
  options.device = "cuda:99";
  FAILS(imbrex_runtime_open(&options, &runtime, &error), IMBREX_ERROR_NO_DEVICE, "");
  options.device = "sim:a100";
  options.target = "sm_12";
  REFUSED(imbrex_runtime_open(&options, &runtime, &error), "'sm_12'");
  CHECK(runtime == NULL);
  imbrex_device_info info = {.size = sizeof info};
  size_t count = 77;
  REFUSED(imbrex_list_devices(NULL, 3, &count, &error), "'infos' is null, but 'capacity' is 3");
  CHECK(count == 77);
  options.target = NULL;
  options.reserved = 7;
  REFUSED(imbrex_runtime_open(&options, &runtime, &error), "'options.reserved' is 7");
  options.reserved = 0;
  options.ptxas = "/nowhere/ptxas"; /* must exist, though a simulated device assembles nothing */
  FAILS(imbrex_runtime_open(&options, &runtime, &error), IMBREX_ERROR_ASSEMBLE, "'/nowhere/ptxas'");
  options.ptxas = NULL;
  options.cache_directory = "/proc/no/such/place"; /* cannot be made: told, and no reason to fail */
  char *text = NULL;
  OK(imbrex_runtime_open(&options, &runtime, &error));
  OK(imbrex_runtime_messages(runtime, &text, &error));
  CHECK(text && strstr(text, "not cached on disk") && text[strlen(text) - 1] == '\n');
  imbrex_text_free(text);
  imbrex_runtime_free(runtime);
}

static void testLoading(const imbrex_runtime *runtime) {
  imbrex_module *module = NULL;
  imbrex_kernel *kernel = NULL;
  static const char bad[] = "kernel k(X: view<f32>[N])\ngrid (1) |i| { let a = load load; }\n";
  static const char two[] = "kernel a(X: out view<f32>[N]) grid (1) |i| { store X[0 :+ 16] = fill<f32>[16](1); }\n"
                            "kernel b(X: out view<f32>[N]) grid (1) |i| { store X[0 :+ 16] = fill<f32>[16](2); }\n";
  static const char bytes[] = {'k', (char)0xff, 0, 'x', (char)0xc0};
  FAILS(imbrex_module_load(runtime, "no/such.tile", &module, &error), IMBREX_ERROR_FILE, "open(no/such.tile)");
  FAILS(imbrex_module_load(runtime, "/", &module, &error), IMBREX_ERROR_FILE, "'/'");
  FAILS(imbrex_module_load_source(runtime, "\xff", bytes, sizeof bytes, &module, &error), IMBREX_ERROR_COMPILE, "");
  REFUSED(imbrex_module_load_source(runtime, "n", NULL, 3, &module, &error), "'text' is null, but 'bytes' is 3");
  CHECK(imbrex_module_load_source(runtime, "bad.tile", bad, sizeof bad - 1, &module, &error) == IMBREX_ERROR_COMPILE);
  imbrex_diagnostic diagnostic = {.size = sizeof diagnostic};
  CHECK(imbrex_error_diagnostic_count(error) >= 1);
  CHECK(imbrex_error_diagnostic(error, 0, &diagnostic) == IMBREX_OK);
  CHECK(diagnostic.line == 2 && diagnostic.column > 1 && diagnostic.severity == 0);
  CHECK(strcmp(diagnostic.file, "bad.tile") == 0 && strlen(diagnostic.message) > 0);
  CHECK(strstr(diagnostic.source_line, "load load"));
  CHECK(imbrex_error_diagnostic(error, 1000, &diagnostic) == IMBREX_ERROR_ARGUMENT);
  diagnostic.size = 0;
  CHECK(imbrex_error_diagnostic(error, 0, &diagnostic) == IMBREX_ERROR_ARGUMENT);
  CHECK(imbrex_error_diagnostic(error, 0, NULL) == IMBREX_ERROR_ARGUMENT);
  CHECK(strcmp(imbrex_error_text(error, 99), "") == 0 && strcmp(imbrex_error_text(error, -1), "") == 0);
  imbrex_error_free(error);
  OK(imbrex_module_load_source(runtime, "two.tile", two, sizeof two - 1, &module, &error));
  CHECK(imbrex_module_kernel_count(module) == 2 && strcmp(imbrex_module_kernel_name(module, 1), "b") == 0);
  CHECK(imbrex_module_kernel_name(module, 2) == NULL);
  REFUSED(imbrex_module_kernel(module, "", &kernel, &error), "name the kernel");
  REFUSED(imbrex_module_kernel(module, "c\xc3", &kernel, &error), "there is no kernel 'c\xef\xbf\xbd'");
  imbrex_module_free(module);
  OK(imbrex_module_load_source(runtime, "empty.tile", NULL, 0, &module, &error));
  CHECK(imbrex_module_kernel_count(module) == 0);
  REFUSED(imbrex_module_kernel(module, NULL, &kernel, &error), "has no kernel");
  imbrex_module_free(module);
}

static void testSettings(const imbrex_runtime *runtime, const char *path, const Vectors *vectors) {
  imbrex_kernel *kernel = loadKernel(runtime, path), *copy = NULL;
  OK(imbrex_kernel_copy(kernel, &copy, &error));
  REFUSED(imbrex_kernel_set_type(copy, "T", 12, &error), "'type' is 12");
  REFUSED(imbrex_kernel_set_type(copy, "T", -1, &error), "'type' is -1");
  OK(imbrex_kernel_set_integer(copy, "BLOK", 3, &error)); /* told later, as the header says */
  REFUSED(imbrex_kernel_launch(copy, NULL, vectors->arguments, 3, &error), "\"BLOK\"");
  imbrex_kernel_free(copy);
  OK(imbrex_kernel_copy(kernel, &copy, &error));
  OK(imbrex_kernel_hook(copy, "\xff", "f", &error));
  REFUSED(imbrex_kernel_prepare(copy, vectors->arguments, 3, NULL, &error), "hook(\"\xef\xbf\xbd\"");
  imbrex_kernel_free(copy);
  OK(imbrex_kernel_copy(kernel, &copy, &error));
  OK(imbrex_kernel_set_text(copy, "T", "i32", &error));
  imbrex_shapes *shapes = NULL;
  REFUSED(imbrex_kernel_infer(copy, vectors->arguments, 3, &shapes, &error), "T must be one of");
  imbrex_kernel_free(copy);
  OK(imbrex_kernel_copy(kernel, &copy, &error));
  OK(imbrex_kernel_set_integer(copy, "BLOCK", 255, &error));
  CHECK(imbrex_kernel_launch(copy, NULL, vectors->arguments, 3, &error) != IMBREX_OK && error);
  imbrex_error_free(error);
  imbrex_kernel_free(copy);
  OK(imbrex_kernel_launch(kernel, NULL, vectors->arguments, 3, &error)); /* the original has no part in it */
  imbrex_kernel_free(kernel);
}

/* Each changes one thing of a good list of arguments. */
static void testArguments(const imbrex_kernel *kernel, Vectors *vectors) {
  imbrex_argument *x = &vectors->arguments[0];
  imbrex_view *view = &vectors->views[0];
  const imbrex_argument good = *x;
  const imbrex_view goodView = *view;
#define LAUNCH(words)                                                                                                  \
  REFUSED(imbrex_kernel_launch(kernel, NULL, vectors->arguments, 3, &error), words);                                   \
  *x = good;                                                                                                           \
  *view = goodView
  x->name = NULL;
  LAUNCH("arguments[0].name is null");
  x->name = "W\xff";
  LAUNCH("no such parameter");
  x->name = "Y";
  LAUNCH("'Y' is given twice");
  x->kind = 17;
  LAUNCH("argument 'X': its kind 17");
  x->kind = -1;
  LAUNCH("argument 'X': its kind -1");
  x->kind = IMBREX_ARGUMENT_BOOL;
  x->integer = 2;
  LAUNCH("argument 'X' is 2, but a bool is 0 or 1");
  x->kind = IMBREX_ARGUMENT_REAL;
  LAUNCH("argument 'X' must be a view");
  x->view = NULL;
  LAUNCH("argument 'X' is a view, but its member `view` is null");
  view->type = 12;
  LAUNCH("argument 'X': its type 12");
  view->type = INT32_MIN;
  LAUNCH("argument 'X': its type -2147483648");
  view->type = IMBREX_I32;
  LAUNCH("elements of type i32");
  view->rank = 9;
  LAUNCH("argument 'X': its rank is 9");
  view->rank = UINT32_MAX;
  LAUNCH("argument 'X': its rank is 4294967295");
  view->rank = 0;
  LAUNCH("0 dimensions");
  view->rank = 8;
  LAUNCH("8 dimensions");
  view->extents[0] = -1;
  LAUNCH("extent -1");
  view->extents[0] = 1001;
  LAUNCH("its buffer has");
  view->byte_offset = UINT64_MAX;
  LAUNCH("argument 'X'");
  view->address = 4096;
  LAUNCH("an address that is not the buffer's");
  view->reserved = 3;
  LAUNCH("argument 'X': its member `reserved` is 3");
  view->has_strides = 1;
  view->strides[0] = 2;
  LAUNCH("the last stride is 2");
  view->buffer = NULL;
  LAUNCH("its address is null");
  vectors->views[2].read_only = 1;
  LAUNCH("argument 'Z': it is read-only");
  vectors->views[2].read_only = 0;
#undef LAUNCH
  REFUSED(imbrex_kernel_launch(kernel, NULL, vectors->arguments, 2, &error), "argument 'Z' is missing");
  REFUSED(imbrex_kernel_launch(kernel, NULL, NULL, 0, &error), "argument 'X' is missing");
  REFUSED(imbrex_kernel_launch(kernel, NULL, NULL, 3, &error), "'arguments' is null, but 'count' is 3");
  REFUSED(imbrex_kernel_launch(kernel, NULL, vectors->arguments, SIZE_MAX, &error), "'count' is 18446744073709551615");
  OK(imbrex_kernel_launch(kernel, NULL, vectors->arguments, 3, &error));
}

static void testBuffers(const imbrex_runtime *runtime) {
  imbrex_buffer *buffer = NULL, *none = NULL;
  unsigned char host[16] = {0};
  FAILS(imbrex_buffer_allocate(runtime, SIZE_MAX, &none, &error), IMBREX_ERROR_OUT_OF_MEMORY, "no buffer of");
  FAILS(imbrex_buffer_allocate(runtime, SIZE_MAX / 2, &none, &error), IMBREX_ERROR_OUT_OF_MEMORY, "cuMemAlloc_v2(");
  CHECK(none == NULL);
  OK(imbrex_buffer_allocate(runtime, 10, &buffer, &error));
  REFUSED(imbrex_buffer_upload(buffer, 3, host, 8, NULL, &error), "8 bytes at offset 3 do not lie in a buffer of 10");
  REFUSED(imbrex_buffer_upload(buffer, SIZE_MAX, host, 8, NULL, &error), "do not lie");
  REFUSED(imbrex_buffer_upload(buffer, 0, NULL, 8, NULL, &error), "host pointer");
  REFUSED(imbrex_buffer_download(buffer, 8, host, SIZE_MAX, NULL, &error), "do not lie");
  REFUSED(imbrex_buffer_download(buffer, 8, NULL, 1, NULL, &error), "host pointer");
  REFUSED(imbrex_buffer_copy(buffer, 0, buffer, 5, 6, NULL, &error), "do not lie");
  REFUSED(imbrex_buffer_copy(buffer, 0, buffer, 3, 4, NULL, &error),
          "from bytes [3, 7) of a buffer to its bytes [0, 4)");
  REFUSED(imbrex_buffer_copy(buffer, 3, buffer, 0, 4, NULL, &error), "overlap");
  REFUSED(imbrex_buffer_copy(buffer, 3, buffer, 3, 1, NULL, &error), "overlap");
  OK(imbrex_buffer_copy(buffer, 0, buffer, 5, 5, NULL, &error));
  OK(imbrex_buffer_copy(buffer, 6, buffer, 2, 4, NULL, &error));
  OK(imbrex_buffer_copy(buffer, 3, buffer, 3, 0, NULL, &error));
  REFUSED(imbrex_buffer_fill32(buffer, 1, NULL, &error), "no multiple of 4");
  imbrex_buffer_free(buffer);
}

/* Two devices with the same history: their streams are still different ones. */
static void testTwins(void) {
  imbrex_runtime *twins[2] = {openRuntime(), openRuntime()};
  imbrex_stream *streams[2], *wrapped = NULL;
  for (int i = 0; i < 2; ++i)
    OK(imbrex_stream_create(twins[i], &streams[i], &error));
  REFUSED(imbrex_stream_wrap(twins[0], imbrex_stream_raw(streams[1]), &wrapped, &error), "none of the primary context");
  REFUSED(imbrex_stream_wrap(twins[1], imbrex_stream_raw(streams[0]), &wrapped, &error), "none of the primary context");
  for (int i = 0; i < 2; ++i) {
    imbrex_stream_free(streams[i]);
    imbrex_runtime_free(twins[i]);
  }
}

/* Two devices at once: what belongs to one is refused by the other. */
static void testForeign(const imbrex_runtime *runtime, const imbrex_kernel *kernel, const Vectors *vectors) {
  imbrex_runtime *other = openRuntime();
  imbrex_stream *foreign = NULL, *none = NULL;
  imbrex_event *event = NULL, *foreignEvent = NULL;
  float milliseconds = 0;
  OK(imbrex_stream_create(other, &foreign, &error));
  OK(imbrex_event_create(other, &foreignEvent, &error));
  OK(imbrex_event_create(runtime, &event, &error));
  REFUSED(imbrex_stream_wrap(runtime, imbrex_stream_raw(foreign), &none, &error), "none of the primary context");
  REFUSED(imbrex_stream_wrap(runtime, (void *)(uintptr_t)0x1234, &none, &error), "none of the primary context");
  CHECK(none == NULL);
  REFUSED(imbrex_kernel_launch(kernel, foreign, vectors->arguments, 3, &error), "another runtime");
  REFUSED(imbrex_event_record(event, foreign, &error), "another runtime");
  REFUSED(imbrex_stream_wait(foreign, event, &error), "another runtime");
  REFUSED(imbrex_buffer_fill(vectors->z, 0, foreign, &error), "another runtime");
  REFUSED(imbrex_event_elapsed(foreignEvent, event, &milliseconds, &error), "another runtime");
  FAILS(imbrex_event_elapsed(event, event, &milliseconds, &error), IMBREX_ERROR_DRIVER, "must be recorded");
  Vectors elsewhere;
  makeVectors(other, vectors->length, &elsewhere);
  REFUSED(imbrex_kernel_launch(kernel, NULL, elsewhere.arguments, 3, &error), "a buffer of another runtime");
  REFUSED(imbrex_buffer_copy(vectors->z, 0, elsewhere.x, 0, 4, NULL, &error), "another runtime");
  freeVectors(&elsewhere);
  imbrex_event_free(event);
  imbrex_event_free(foreignEvent);
  imbrex_stream_free(foreign);
  imbrex_runtime_free(other);
}

/* A fault of the simulated device is told once, with its report. Last: the device is lost. */
static void testFault(imbrex_runtime *runtime, const imbrex_kernel *kernel, Vectors *vectors) {
  vectors->views[0].buffer = NULL;
  vectors->views[0].address = 4096;
  CHECK(imbrex_kernel_launch(kernel, NULL, vectors->arguments, 3, &error) == IMBREX_ERROR_FAULT);
  CHECK(strstr(imbrex_error_text(error, IMBREX_ERROR_REPORT), "out of bounds"));
  CHECK(strcmp(imbrex_error_text(error, IMBREX_ERROR_CALL), "cuLaunchKernel") == 0);
  CHECK(strcmp(imbrex_error_text(error, IMBREX_ERROR_DRIVER_NAME), "CUDA_ERROR_ILLEGAL_ADDRESS") == 0);
  CHECK(strcmp(imbrex_error_text(error, IMBREX_ERROR_DRIVER_WORDS), "") != 0);
  CHECK(strcmp(imbrex_error_text(error, IMBREX_ERROR_CALL_ARGUMENTS), "") != 0);
  imbrex_error_free(error);
  FAILS(imbrex_runtime_synchronize(runtime, &error), IMBREX_ERROR_FAULT,
        "the device sim:h200 is lost since its fault, out of bounds in kernel 'vector_add'");
}

void testRefusals(const char *vectorAdd) {
  testOpening();
  imbrex_runtime *runtime = openRuntime();
  testLoading(runtime);
  testBuffers(runtime);
  imbrex_kernel *kernel = loadKernel(runtime, vectorAdd);
  Vectors vectors;
  makeVectors(runtime, 1000, &vectors);
  testSettings(runtime, vectorAdd, &vectors);
  testArguments(kernel, &vectors);
  testTwins();
  testForeign(runtime, kernel, &vectors);
  CHECK(isSum(&vectors));
  testFault(runtime, kernel, &vectors);
  imbrex_kernel_free(kernel);
  freeVectors(&vectors);
  imbrex_runtime_free(runtime);
}
