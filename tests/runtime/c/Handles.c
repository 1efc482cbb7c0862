/*===- Handles.c - Null handles, and handles in any order
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Every pointer of every function may be null: what must be given is refused by its name. Freeing in any order
|* leaves the rest usable.
|*/

#include "Check.h"
#include <string.h>

static imbrex_runtime *runtime;
static imbrex_kernel *kernel;
static imbrex_module *module;
static imbrex_buffer *buffer;
static imbrex_stream *stream;
static imbrex_event *event;

#define NULL_OF(name, call) REFUSED(call, "'" name "' is null")

static void testNullRuntimes(void) {
  imbrex_device_info info = {.size = sizeof info};
  char *text = NULL;
  NULL_OF("count", imbrex_list_devices(NULL, 0, NULL, &error));
  NULL_OF("runtime", imbrex_runtime_open(NULL, NULL, &error));
  NULL_OF("runtime", imbrex_runtime_device(NULL, &info, &error));
  NULL_OF("info", imbrex_runtime_device(runtime, NULL, &error));
  NULL_OF("runtime", imbrex_runtime_messages(NULL, &text, &error));
  NULL_OF("text", imbrex_runtime_messages(runtime, NULL, &error));
  NULL_OF("runtime", imbrex_runtime_synchronize(NULL, &error));
  NULL_OF("runtime", imbrex_stream_create(NULL, &stream, &error));
  NULL_OF("stream", imbrex_stream_create(runtime, NULL, &error));
  NULL_OF("runtime", imbrex_stream_wrap(NULL, NULL, &stream, &error));
  NULL_OF("stream", imbrex_stream_wrap(runtime, NULL, NULL, &error));
  NULL_OF("stream", imbrex_stream_synchronize(NULL, &error));
  NULL_OF("event", imbrex_stream_wait(stream, NULL, &error));
  NULL_OF("runtime", imbrex_event_create(NULL, &event, &error));
  NULL_OF("event", imbrex_event_create(runtime, NULL, &error));
  NULL_OF("event", imbrex_event_record(NULL, NULL, &error));
  NULL_OF("event", imbrex_event_synchronize(NULL, &error));
  uint32_t done = 0;
  NULL_OF("event", imbrex_event_is_done(NULL, &done, &error));
  NULL_OF("done", imbrex_event_is_done(event, NULL, &error));
  float milliseconds = 0;
  NULL_OF("start", imbrex_event_elapsed(NULL, event, &milliseconds, &error));
  NULL_OF("end", imbrex_event_elapsed(event, NULL, &milliseconds, &error));
  NULL_OF("milliseconds", imbrex_event_elapsed(event, event, NULL, &error));
}

static void testNullBuffers(void) {
  imbrex_view view = {.size = sizeof view};
  void *tensor = NULL;
  NULL_OF("runtime", imbrex_buffer_allocate(NULL, 1, &buffer, &error));
  NULL_OF("buffer", imbrex_buffer_allocate(runtime, 1, NULL, &error));
  NULL_OF("buffer", imbrex_buffer_upload(NULL, 0, NULL, 0, NULL, &error));
  NULL_OF("buffer", imbrex_buffer_download(NULL, 0, NULL, 0, NULL, &error));
  NULL_OF("to", imbrex_buffer_copy(NULL, 0, buffer, 0, 0, NULL, &error));
  NULL_OF("from", imbrex_buffer_copy(buffer, 0, NULL, 0, 0, NULL, &error));
  NULL_OF("buffer", imbrex_buffer_fill(NULL, 0, NULL, &error));
  NULL_OF("buffer", imbrex_buffer_fill32(NULL, 0, NULL, &error));
  NULL_OF("runtime", imbrex_view_from_dlpack(NULL, &view, 0, &view, &error));
  NULL_OF("managed_tensor", imbrex_view_from_dlpack(runtime, NULL, 0, &view, &error));
  NULL_OF("view", imbrex_view_from_dlpack(runtime, &view, 0, NULL, &error));
  NULL_OF("buffer", imbrex_buffer_to_dlpack(NULL, &view, 0, &tensor, &error));
  NULL_OF("view", imbrex_buffer_to_dlpack(buffer, NULL, 0, &tensor, &error));
  NULL_OF("managed_tensor", imbrex_buffer_to_dlpack(buffer, &view, 0, NULL, &error));
}

static void testNullCode(void) {
  imbrex_code *code = NULL;
  imbrex_code_shape shape = {.size = sizeof shape};
  NULL_OF("runtime", imbrex_code_load(NULL, "", 0, &code, &error));
  NULL_OF("image", imbrex_code_load(runtime, NULL, 0, &code, &error));
  NULL_OF("code", imbrex_code_load(runtime, "", 0, NULL, &error));
  NULL_OF("runtime", imbrex_code_load_file(NULL, "x", &code, &error));
  NULL_OF("path", imbrex_code_load_file(runtime, NULL, &code, &error));
  NULL_OF("code", imbrex_code_load_file(runtime, "x", NULL, &error));
  NULL_OF("code", imbrex_code_prepare(NULL, "x", 0, &error));
  NULL_OF("code", imbrex_code_launch(NULL, NULL, "x", &shape, NULL, &error));
  NULL_OF("graph", imbrex_graph_set(NULL, 0, kernel, NULL, 0, &error));
  NULL_OF("graph", imbrex_graph_set_bound(NULL, 0, NULL, &error));
  NULL_OF("graph", imbrex_graph_set_code(NULL, 0, NULL, "x", &shape, NULL, &error));
  NULL_OF("runtime", imbrex_module_load_shipped(NULL, "x", &module, &error));
  NULL_OF("name", imbrex_module_load_shipped(runtime, NULL, &module, &error));
  NULL_OF("module", imbrex_module_load_shipped(runtime, "x", NULL, &error));
  NULL_OF("cache_directory", imbrex_tuning_export(NULL, "x", NULL, &error));
  NULL_OF("path", imbrex_tuning_import("x", NULL, NULL, &error));
  NULL_OF("path", imbrex_pack_kernels("x", NULL, NULL, &error));
  CHECK(imbrex_graph_launch_count(NULL) == 0 && imbrex_graph_launch_name(NULL, 0) == NULL);
  imbrex_code_free(NULL);
}

static void testNullKernels(void) {
  imbrex_shapes *shapes = NULL;
  char *json = NULL;
  NULL_OF("runtime", imbrex_module_load(NULL, "x", &module, &error));
  NULL_OF("path", imbrex_module_load(runtime, NULL, &module, &error));
  NULL_OF("module", imbrex_module_load(runtime, "x", NULL, &error));
  NULL_OF("runtime", imbrex_module_load_source(NULL, "x", "", 0, &module, &error));
  NULL_OF("name", imbrex_module_load_source(runtime, NULL, "", 0, &module, &error));
  NULL_OF("module", imbrex_module_load_source(runtime, "x", "", 0, NULL, &error));
  NULL_OF("module", imbrex_module_kernel(NULL, "", &kernel, &error));
  NULL_OF("kernel", imbrex_module_kernel(module, "", NULL, &error));
  NULL_OF("kernel", imbrex_kernel_copy(NULL, &kernel, &error));
  NULL_OF("copy", imbrex_kernel_copy(kernel, NULL, &error));
  NULL_OF("kernel", imbrex_kernel_set_type(NULL, "T", IMBREX_F32, &error));
  NULL_OF("name", imbrex_kernel_set_type(kernel, NULL, IMBREX_F32, &error));
  NULL_OF("kernel", imbrex_kernel_set_integer(NULL, "N", 1, &error));
  NULL_OF("name", imbrex_kernel_set_integer(kernel, NULL, 1, &error));
  NULL_OF("kernel", imbrex_kernel_set_text(NULL, "T", "f32", &error));
  NULL_OF("name", imbrex_kernel_set_text(kernel, NULL, "f32", &error));
  NULL_OF("value", imbrex_kernel_set_text(kernel, "T", NULL, &error));
  NULL_OF("kernel", imbrex_kernel_storage(NULL, "K", "ragged", &error));
  NULL_OF("view", imbrex_kernel_storage(kernel, NULL, "ragged", &error));
  NULL_OF("storage", imbrex_kernel_storage(kernel, "K", NULL, &error));
  NULL_OF("kernel", imbrex_kernel_hook(NULL, "mask", "causal", &error));
  NULL_OF("name", imbrex_kernel_hook(kernel, NULL, "causal", &error));
  NULL_OF("function", imbrex_kernel_hook(kernel, "mask", NULL, &error));
  NULL_OF("kernel", imbrex_kernel_signature(NULL, &json, &error));
  NULL_OF("json", imbrex_kernel_signature(kernel, NULL, &error));
  NULL_OF("kernel", imbrex_kernel_launch(NULL, NULL, NULL, 0, &error));
  NULL_OF("kernel", imbrex_kernel_prepare(NULL, NULL, 0, NULL, &error));
  NULL_OF("kernel", imbrex_kernel_infer(NULL, NULL, 0, &shapes, &error));
  NULL_OF("shapes", imbrex_kernel_infer(kernel, NULL, 0, NULL, &error));
}

static imbrex_status nothing(void *data) { return data ? IMBREX_OK : IMBREX_ERROR_FILE; }

static void testNullRecorded(void) {
  imbrex_bound *bound = NULL;
  imbrex_graph *graph = NULL;
  imbrex_tuning *tuning = NULL;
  uint32_t number = 0;
  int32_t readiness = 0;
  NULL_OF("runtime", imbrex_stream_create_with_priority(NULL, 0, &stream, &error));
  NULL_OF("stream", imbrex_stream_create_with_priority(runtime, 0, NULL, &error));
  NULL_OF("stream", imbrex_stream_is_capturing(NULL, &number, &error));
  NULL_OF("capturing", imbrex_stream_is_capturing(stream, NULL, &error));
  NULL_OF("runtime", imbrex_event_wrap(NULL, NULL, &event, &error));
  NULL_OF("event", imbrex_event_wrap(runtime, NULL, NULL, &error));
  REFUSED(imbrex_event_wrap(runtime, NULL, &event, &error), "the event to wrap is null");
  NULL_OF("kernel", imbrex_kernel_set_deterministic(NULL, 1, &error));
  NULL_OF("kernel", imbrex_kernel_set_programmatic(NULL, 1, &error));
  NULL_OF("kernel", imbrex_kernel_readiness(NULL, NULL, 0, &readiness, &error));
  NULL_OF("readiness", imbrex_kernel_readiness(kernel, NULL, 0, NULL, &error));
  NULL_OF("kernel", imbrex_kernel_bind(NULL, NULL, 0, &bound, &error));
  NULL_OF("bound", imbrex_kernel_bind(kernel, NULL, 0, NULL, &error));
  NULL_OF("bound", imbrex_bound_place(NULL, "X", &number, &error));
  NULL_OF("bound", imbrex_bound_set_view(NULL, 0, NULL, &error));
  NULL_OF("bound", imbrex_bound_set_integer(NULL, 0, 0, &error));
  NULL_OF("bound", imbrex_bound_set_real(NULL, 0, 0, &error));
  NULL_OF("bound", imbrex_bound_launch(NULL, NULL, &error));
  NULL_OF("runtime", imbrex_graph_capture(NULL, stream, nothing, NULL, &graph, &error));
  NULL_OF("work", imbrex_graph_capture(runtime, stream, NULL, NULL, &graph, &error));
  NULL_OF("graph", imbrex_graph_capture(runtime, stream, nothing, NULL, NULL, &error));
  NULL_OF("graph", imbrex_graph_update(NULL, stream, nothing, NULL, NULL, &error));
  NULL_OF("graph", imbrex_graph_launch(NULL, stream, &error));
  NULL_OF("kernel", imbrex_kernel_tune(NULL, NULL, 0, NULL, NULL, &error));
  NULL_OF("kernel", imbrex_kernel_tune_in_background(NULL, NULL, 0, NULL, &tuning, &error));
  NULL_OF("tuning", imbrex_kernel_tune_in_background(kernel, NULL, 0, NULL, NULL, &error));
  NULL_OF("tuning", imbrex_tuning_wait(NULL, NULL, &error));
  CHECK(imbrex_event_raw(NULL) == NULL && imbrex_tuning_is_done(NULL) == 1);
  imbrex_bound_free(NULL);
  imbrex_graph_free(NULL);
  imbrex_tuning_free(NULL);
}

static void testNullResults(void) {
  imbrex_kernel_numbers numbers = {.size = sizeof numbers};
  imbrex_view view = {.size = sizeof view};
  imbrex_shapes *shapes = NULL;
  int64_t value = 0;
  int32_t type = 0;
  OK(imbrex_kernel_infer(kernel, NULL, 0, &shapes, &error));
  NULL_OF("info", imbrex_info_get_numbers(NULL, &numbers, &error));
  NULL_OF("shapes", imbrex_shapes_extent(NULL, "N", &value, &error));
  NULL_OF("name", imbrex_shapes_extent(shapes, NULL, &value, &error));
  NULL_OF("value", imbrex_shapes_extent(shapes, "N", NULL, &error));
  NULL_OF("shapes", imbrex_shapes_type(NULL, "T", &type, &error));
  NULL_OF("name", imbrex_shapes_type(shapes, NULL, &type, &error));
  NULL_OF("type", imbrex_shapes_type(shapes, "T", NULL, &error));
  NULL_OF("shapes", imbrex_shapes_view(NULL, "X", &view, &error));
  NULL_OF("name", imbrex_shapes_view(shapes, NULL, &view, &error));
  NULL_OF("view", imbrex_shapes_view(shapes, "X", NULL, &error));
  REFUSED(imbrex_shapes_extent(shapes, "N", &value, &error), "determine no symbol or integer parameter 'N'");
  imbrex_shapes_free(shapes);
  CHECK(imbrex_kernel_launch(NULL, NULL, NULL, 0, NULL) == IMBREX_ERROR_ARGUMENT); /* no error asked for */
}

/* Functions without a status. */
static void testNullAnswers(void) {
  CHECK(imbrex_error_status(NULL) == IMBREX_OK && imbrex_error_diagnostic_count(NULL) == 0);
  CHECK(strcmp(imbrex_error_text(NULL, IMBREX_ERROR_MESSAGE), "") == 0);
  CHECK(imbrex_error_diagnostic(NULL, 0, NULL) == IMBREX_ERROR_ARGUMENT);
  CHECK(imbrex_stream_raw(NULL) == NULL);
  CHECK(imbrex_buffer_address(NULL) == 0 && imbrex_buffer_bytes(NULL) == 0);
  CHECK(imbrex_module_kernel_count(NULL) == 0 && imbrex_module_kernel_name(NULL, 0) == NULL);
  CHECK(strcmp(imbrex_info_text(NULL, IMBREX_INFO_PTX), "") == 0);
  imbrex_text_free(NULL);
  imbrex_error_free(NULL);
  imbrex_runtime_free(NULL);
  imbrex_stream_free(NULL);
  imbrex_event_free(NULL);
  imbrex_buffer_free(NULL);
  imbrex_module_free(NULL);
  imbrex_kernel_free(NULL);
  imbrex_info_free(NULL);
  imbrex_shapes_free(NULL);
}

/* The runtime goes first, the module next: what is left works. */
static void testOrderOfFreeing(const char *vectorAdd) {
  imbrex_runtime *first = openRuntime();
  imbrex_kernel *left = loadKernel(first, vectorAdd);
  imbrex_stream *on = NULL;
  imbrex_info *info = NULL;
  Vectors vectors;
  makeVectors(first, 100, &vectors);
  OK(imbrex_stream_create(first, &on, &error));
  imbrex_runtime_free(first);
  OK(imbrex_kernel_launch(left, NULL, vectors.arguments, 3, &error));
  CHECK(isSum(&vectors));
  OK(imbrex_kernel_prepare(left, vectors.arguments, 3, &info, &error));
  imbrex_kernel_free(left);
  OK(imbrex_stream_synchronize(on, &error));
  CHECK(strstr(imbrex_info_text(info, IMBREX_INFO_PTX), ".entry") != NULL);
  CHECK(strcmp(imbrex_info_text(info, 99), "") == 0);
  freeVectors(&vectors);
  imbrex_stream_free(on);
  imbrex_info_free(info);
}

void testHandles(const char *vectorAdd) {
  runtime = openRuntime();
  OK(imbrex_module_load(runtime, vectorAdd, &module, &error));
  OK(imbrex_module_kernel(module, "vector_add", &kernel, &error));
  OK(imbrex_buffer_allocate(runtime, 16, &buffer, &error));
  OK(imbrex_stream_create(runtime, &stream, &error));
  OK(imbrex_event_create(runtime, &event, &error));
  testNullRuntimes();
  testNullBuffers();
  testNullCode();
  testNullKernels();
  testNullRecorded();
  testNullResults();
  testNullAnswers();
  imbrex_runtime_free(runtime);
  imbrex_module_free(module);
  imbrex_kernel_free(kernel);
  imbrex_buffer_free(buffer);
  imbrex_stream_free(stream);
  imbrex_event_free(event);
  testOrderOfFreeing(vectorAdd);
}
