/*===- Launches.c - What goes well
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Devices, streams, events, buffers, launches, preparation and inference, with results compared with plain C.
|*/

#include "Check.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void testLibrary(void) {
  CHECK(strcmp(imbrex_version(), "0.1.0") == 0);
  CHECK(imbrex_c_version() == IMBREX_C_VERSION);
  CHECK(strcmp(imbrex_status_name(IMBREX_ERROR_FILE), "IMBREX_ERROR_FILE") == 0);
  CHECK(strcmp(imbrex_status_name(-1), "unknown status") == 0);
  CHECK(strcmp(imbrex_type_name(IMBREX_BF16), "bf16") == 0 && imbrex_type_size(IMBREX_BF16) == 2);
  CHECK(strcmp(imbrex_type_name(1000), "unknown type") == 0 && imbrex_type_size(-1) == 0);
}

static void testDevices(const imbrex_runtime *runtime) {
  imbrex_device_info infos[64] = {{.size = sizeof infos[0]}}, own = {.size = sizeof own};
  size_t count = 0, again = 0;
  OK(imbrex_list_devices(NULL, 0, &count, &error));
  OK(imbrex_list_devices(infos, 64, &again, &error));
  CHECK(count > 0 && count == again && count < 64);
  OK(imbrex_runtime_device(runtime, &own, &error));
  bool listed = false;
  for (size_t i = 0; i < count; ++i)
    listed = listed || (strcmp(infos[i].id, own.id) == 0 && infos[i].memory_bytes == own.memory_bytes);
  CHECK(listed && own.simulated && own.major == 9 && own.grid[1] == 65535);
  CHECK(strcmp(own.id, "sim:h200") == 0 && strcmp(own.target, "sm_90a") == 0);
}

static void testVectorAdd(const imbrex_runtime *runtime, const char *path) {
  imbrex_kernel *kernel = loadKernel(runtime, path), *small = NULL;
  Vectors vectors;
  makeVectors(runtime, 1000, &vectors);
  OK(imbrex_kernel_launch(kernel, NULL, vectors.arguments, 3, &error));
  CHECK(isSum(&vectors));
  OK(imbrex_buffer_fill(vectors.z, 0, NULL, &error));
  CHECK(!isSum(&vectors));
  OK(imbrex_kernel_copy(kernel, &small, &error));
  OK(imbrex_kernel_set_integer(small, "BLOCK", 256, &error));
  OK(imbrex_kernel_set_text(small, "warps", "2", &error));
  OK(imbrex_kernel_set_type(small, "T", IMBREX_F32, &error));
  OK(imbrex_kernel_launch(small, NULL, vectors.arguments, 3, NULL));
  CHECK(isSum(&vectors));
  imbrex_info *info = NULL;
  imbrex_kernel_numbers numbers = {.size = sizeof numbers};
  OK(imbrex_kernel_prepare(small, vectors.arguments, 3, &info, &error));
  OK(imbrex_info_get_numbers(info, &numbers, &error));
  CHECK(numbers.warps == 2 && numbers.repairs == 0 && numbers.from_disk == 0);
  CHECK(strstr(imbrex_info_text(info, IMBREX_INFO_PTX), ".entry") != NULL);
  CHECK(strstr(imbrex_info_text(info, IMBREX_INFO_INTERFACE), "\"BLOCK\":256") != NULL);
  CHECK(strcmp(imbrex_info_text(info, IMBREX_INFO_REPAIRS), "") == 0);
  imbrex_info_free(info);
  OK(imbrex_kernel_prepare(kernel, vectors.arguments, 3, NULL, &error));
  imbrex_kernel_free(kernel);
  imbrex_kernel_free(small);
  freeVectors(&vectors);
}

static void testStreams(const imbrex_runtime *runtime, const char *path) {
  imbrex_kernel *kernel = loadKernel(runtime, path);
  imbrex_stream *own = NULL, *wrapped = NULL, *byDefault = NULL;
  imbrex_event *start = NULL, *end = NULL;
  Vectors vectors;
  makeVectors(runtime, 300, &vectors);
  OK(imbrex_stream_create(runtime, &own, &error));
  OK(imbrex_stream_wrap(runtime, imbrex_stream_raw(own), &wrapped, &error));
  OK(imbrex_stream_wrap(runtime, NULL, &byDefault, &error));
  CHECK(imbrex_stream_raw(wrapped) == imbrex_stream_raw(own) && imbrex_stream_raw(byDefault) == NULL);
  OK(imbrex_event_create(runtime, &start, &error));
  OK(imbrex_event_create(runtime, &end, &error));
  OK(imbrex_event_record(start, wrapped, &error));
  OK(imbrex_kernel_launch(kernel, wrapped, vectors.arguments, 3, &error));
  OK(imbrex_event_record(end, wrapped, &error));
  OK(imbrex_stream_wait(byDefault, end, &error));
  OK(imbrex_stream_wait(NULL, end, &error));
  OK(imbrex_event_synchronize(end, &error));
  float milliseconds = -1;
  OK(imbrex_event_elapsed(start, end, &milliseconds, &error));
  CHECK(milliseconds >= 0 && isSum(&vectors));
  imbrex_stream_free(wrapped); /* and `own` lives on */
  OK(imbrex_stream_synchronize(own, &error));
  OK(imbrex_kernel_launch(kernel, byDefault, vectors.arguments, 3, &error));
  OK(imbrex_runtime_synchronize(runtime, &error));
  imbrex_stream_free(own);
  imbrex_stream_free(byDefault);
  imbrex_event_free(start);
  imbrex_event_free(end);
  imbrex_kernel_free(kernel);
  freeVectors(&vectors);
}

static void testBuffers(const imbrex_runtime *runtime) {
  imbrex_buffer *a = NULL, *b = NULL, *empty = NULL;
  imbrex_stream *stream = NULL;
  unsigned char host[16] = {1, 2, 3, 4, 5, 6, 7, 8}, back[16] = {0};
  OK(imbrex_stream_create(runtime, &stream, &error));
  OK(imbrex_buffer_allocate(runtime, 16, &a, &error));
  OK(imbrex_buffer_allocate(runtime, 16, &b, &error));
  OK(imbrex_buffer_allocate(runtime, 0, &empty, &error));
  CHECK(imbrex_buffer_bytes(a) == 16 && imbrex_buffer_address(a) % 256 == 0 && imbrex_buffer_address(a) != 0);
  CHECK(imbrex_buffer_bytes(empty) == 0 && imbrex_buffer_address(empty) == 0);
  OK(imbrex_buffer_fill32(b, 0x01020304, stream, &error));
  OK(imbrex_buffer_fill(a, 9, NULL, &error));
  OK(imbrex_buffer_upload(a, 4, host, 8, stream, &error));
  OK(imbrex_buffer_copy(b, 0, a, 4, 8, stream, &error));
  OK(imbrex_buffer_download(b, 0, back, 16, stream, &error));
  OK(imbrex_stream_synchronize(stream, &error));
  CHECK(memcmp(back, host, 8) == 0 && back[8] == 4 && back[11] == 1);
  OK(imbrex_buffer_download(a, 0, back, 16, NULL, &error));
  CHECK(back[3] == 9 && back[4] == 1 && back[12] == 9);
  OK(imbrex_buffer_upload(empty, 0, NULL, 0, NULL, &error));
  imbrex_stream_free(stream);
  imbrex_buffer_free(a);
  imbrex_buffer_free(b);
  imbrex_buffer_free(empty);
}

enum { LENGTH = 20, HEADS = 2, WIDTH = 16, ELEMENTS = LENGTH * HEADS * WIDTH };

/* Softmax attention of one query row, in double; what the hook `causal` sees. */
static void referenceRow(const float *q, const float *k, const float *v, int row, int head, double *out) {
  double weights[LENGTH], sum = 0;
  for (int j = 0; j <= row; ++j) {
    double logit = 0;
    for (int d = 0; d < WIDTH; ++d)
      logit += (double)q[(row * HEADS + head) * WIDTH + d] * (double)k[(j * HEADS + head) * WIDTH + d];
    weights[j] = exp(logit * 0.25);
    sum += weights[j];
  }
  for (int d = 0; d < WIDTH; ++d) {
    out[d] = 0;
    for (int j = 0; j <= row; ++j)
      out[d] += weights[j] / sum * (double)v[(j * HEADS + head) * WIDTH + d];
  }
}

static bool isAttention(float host[4][ELEMENTS]) {
  double largest = 0, expected[WIDTH];
  for (int row = 0; row < LENGTH; ++row)
    for (int head = 0; head < HEADS; ++head) {
      referenceRow(host[0], host[1], host[2], row, head, expected);
      for (int d = 0; d < WIDTH; ++d)
        largest = fmax(largest, fabs(expected[d] - (double)host[3][(row * HEADS + head) * WIDTH + d]));
    }
  return largest < 1e-5; /* f32 sums of 20 terms of size 1 */
}

/* What inference says of the output O, before it has memory. */
static void checkInference(const imbrex_kernel *kernel, const imbrex_argument *arguments) {
  imbrex_shapes *shapes = NULL;
  imbrex_view o = {.size = sizeof o};
  int64_t heads = 0;
  int32_t type = -1;
  OK(imbrex_kernel_infer(kernel, arguments, 3, &shapes, &error));
  OK(imbrex_shapes_view(shapes, "O", &o, &error));
  OK(imbrex_shapes_extent(shapes, "Hk", &heads, &error));
  OK(imbrex_shapes_type(shapes, "T", &type, &error));
  CHECK(o.rank == 4 && o.extents[1] == LENGTH && o.extents[3] == WIDTH && o.type == IMBREX_F32 && !o.has_strides);
  CHECK(heads == HEADS && type == IMBREX_F32);
  REFUSED(imbrex_shapes_view(shapes, "W", &o, &error), "determine no view parameter 'W'");
  REFUSED(imbrex_shapes_extent(shapes, "P", &heads, &error), "'P'");
  REFUSED(imbrex_shapes_type(shapes, "P", &type, &error), "'P'");
  imbrex_shapes_free(shapes);
}

static void testAttention(const imbrex_runtime *runtime, const char *path) {
  static const char *const names[4] = {"Q", "K", "V", "O"};
  static float host[4][ELEMENTS];
  imbrex_kernel *kernel = loadKernel(runtime, path);
  imbrex_buffer *buffers[4];
  imbrex_view views[4];
  imbrex_argument arguments[5];
  for (int i = 0; i < 4; ++i) {
    for (int e = 0; e < ELEMENTS; ++e)
      host[i][e] = (float)((e * (7 + 6 * i) + i) % 17) / 8.0f - 1.0f;
    OK(imbrex_buffer_allocate(runtime, sizeof host[i], &buffers[i], &error));
    OK(imbrex_buffer_upload(buffers[i], 0, host[i], sizeof host[i], NULL, &error));
    imbrex_view view = {.size = sizeof view,
                        .type = IMBREX_F32,
                        .buffer = buffers[i],
                        .rank = 4,
                        .extents = {1, LENGTH, HEADS, WIDTH},
                        .read_only = i < 3};
    imbrex_argument argument = {
        .size = sizeof argument, .kind = IMBREX_ARGUMENT_VIEW, .name = names[i], .view = &views[i]};
    views[i] = view;
    arguments[i] = argument;
  }
  imbrex_argument scale = {.size = sizeof scale, .kind = IMBREX_ARGUMENT_REAL, .name = "scale", .real = 0.25};
  arguments[4] = scale;
  OK(imbrex_kernel_hook(kernel, "mask", "causal", &error));
  checkInference(kernel, arguments);
  OK(imbrex_kernel_launch(kernel, NULL, arguments, 5, &error));
  OK(imbrex_buffer_download(buffers[3], 0, host[3], sizeof host[3], NULL, &error));
  CHECK(isAttention(host));
  host[3][5] += 1e-3f; /* the check can fail */
  CHECK(!isAttention(host));
  arguments[4].real = -0.25;
  REFUSED(imbrex_kernel_launch(kernel, NULL, arguments, 5, &error), "requires scale > 0, but scale is -0.25");
  char *json = NULL;
  OK(imbrex_kernel_signature(kernel, &json, &error));
  CHECK(json && strstr(json, "\"name\":\"attention_forward\"") && strstr(json, "\"type\":\"wide<T>\""));
  CHECK(json && strstr(json, "\"varying\":{\"along\":0,\"dim\":1}") && !strstr(json, "K.offsets"));
  imbrex_text_free(json);
  OK(imbrex_kernel_storage(kernel, "K", "ragged", &error));
  REFUSED(imbrex_kernel_launch(kernel, NULL, arguments, 4, &error), "argument 'K.offsets' is missing");
  json = NULL;
  OK(imbrex_kernel_signature(kernel, &json, &error));
  CHECK(json && strstr(json, "\"K.offsets\"") && strstr(json, "\"K.longest\""));
  imbrex_text_free(json);
  OK(imbrex_kernel_storage(kernel, "K", "scaled(paged:16,f8e4m3,heads)", &error));
  json = NULL;
  OK(imbrex_kernel_signature(kernel, &json, &error));
  CHECK(json && strstr(json, "\"K.scales\"") && strstr(json, "\"K.table\"") && strstr(json, "f8e4m3"));
  imbrex_text_free(json);
  REFUSED(imbrex_kernel_storage(kernel, "K", "paged:0", &error), "'storage' is 'paged:0': padded, ragged,");
  imbrex_kernel_free(kernel);
  for (int i = 0; i < 4; ++i)
    imbrex_buffer_free(buffers[i]);
}

/* data is a text; it is found by one name alone. */
static void findText(void *data, const char *importer, const char *word, imbrex_found found, void *sink) {
  CHECK(strcmp(importer, "main.tile") == 0);
  if (strcmp(word, "twice.tile") == 0)
    found(sink, "twice.tile", data, strlen(data));
}

static void testImports(void) {
  static char twice[] = "fn twice(x) = x + x;\n";
  const char *text = "import \"twice.tile\";\nkernel k(X: view<f32>[N], Y: out view<f32>[N]) grid (cdiv(N, 4)) |i| {\n"
                     "store Y[i * 4 :+ 4] = twice(load X[i * 4 :+ 4]);\n}\n";
  const char *lost = "import \"thrice.tile\";\nkernel k(Y: out view<f32>[N]) grid (1) |i| { }\n";
  imbrex_runtime_options options = {
      .size = sizeof options, .device = "sim:a100", .import = findText, .import_data = twice};
  imbrex_runtime *runtime = NULL;
  imbrex_module *module = NULL;
  imbrex_kernel *kernel = NULL;
  OK(imbrex_runtime_open(&options, &runtime, &error));
  OK(imbrex_module_load_source(runtime, "main.tile", text, strlen(text), &module, &error));
  OK(imbrex_module_kernel(module, NULL, &kernel, &error));
  float host[6] = {1, 2, 3, 4, 5, 6};
  imbrex_buffer *x = NULL, *y = NULL;
  OK(imbrex_buffer_allocate(runtime, sizeof host, &x, &error));
  OK(imbrex_buffer_allocate(runtime, sizeof host, &y, &error));
  OK(imbrex_buffer_upload(x, 0, host, sizeof host, NULL, &error));
  imbrex_view views[2] = {viewOf(x, 6), viewOf(y, 6)};
  imbrex_argument arguments[2] = {
      {.size = sizeof arguments[0], .kind = IMBREX_ARGUMENT_VIEW, .name = "X", .view = &views[0]},
      {.size = sizeof arguments[0], .kind = IMBREX_ARGUMENT_VIEW, .name = "Y", .view = &views[1]}};
  OK(imbrex_kernel_launch(kernel, NULL, arguments, 2, &error));
  OK(imbrex_buffer_download(y, 0, host, sizeof host, NULL, &error));
  for (int i = 0; i < 6; ++i)
    CHECK(host[i] == 2.0f * (float)(i + 1));
  imbrex_module *other = NULL;
  FAILS(imbrex_module_load_source(runtime, "main.tile", lost, strlen(lost), &other, &error), IMBREX_ERROR_COMPILE,
        "cannot import 'thrice.tile': the program's function finds none");
  imbrex_kernel_free(kernel);
  imbrex_module_free(module);
  imbrex_buffer_free(x);
  imbrex_buffer_free(y);
  imbrex_runtime_free(runtime);
}

void testLaunches(const char *vectorAdd, const char *attention) {
  testLibrary();
  imbrex_runtime *runtime = openRuntime();
  testDevices(runtime);
  testVectorAdd(runtime, vectorAdd);
  testStreams(runtime, vectorAdd);
  testBuffers(runtime);
  testAttention(runtime, attention);
  testImports();
  imbrex_runtime_free(runtime);
}
