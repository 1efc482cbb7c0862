/*===- Tensors.c - DLPack, both ways
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The structs are declared here once more, after the specification (https://dmlc.github.io/dlpack/latest/c_api.html),
|* so that the library's own are held to it.
|*/

#include "Check.h"
#include <string.h>

typedef struct DLDevice {
  int32_t device_type, device_id;
} DLDevice;
typedef struct DLDataType {
  uint8_t code, bits;
  uint16_t lanes;
} DLDataType;
typedef struct DLTensor {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} DLTensor;
typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *);
} DLManagedTensor;
typedef struct DLManagedTensorVersioned {
  uint32_t major, minor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensorVersioned *);
  uint64_t flags;
  DLTensor dl_tensor;
} DLManagedTensorVersioned;

enum { CPU = 1, CUDA = 2, PINNED = 3, EXTENSION = 12, MANAGED = 13 };

static void testTypes(const imbrex_runtime *runtime, DLTensor tensor) {
  static const struct {
    DLDataType dlpack;
    imbrex_type type;
  } taken[] = {{{6, 8, 1}, IMBREX_BOOL}, {{0, 8, 1}, IMBREX_I8},      {{0, 32, 1}, IMBREX_I32},
               {{0, 64, 1}, IMBREX_I64}, {{2, 16, 1}, IMBREX_F16},    {{4, 16, 1}, IMBREX_BF16},
               {{2, 32, 1}, IMBREX_F32}, {{2, 64, 1}, IMBREX_F64},    {{1, 8, 1}, IMBREX_U8},
               {{1, 32, 1}, IMBREX_U32}, {{10, 8, 1}, IMBREX_F8E4M3}, {{12, 8, 1}, IMBREX_F8E5M2}};
  static const struct {
    DLDataType dlpack;
    const char *words;
  } refused[] = {{{1, 16, 1}, "uint16"},  {{1, 64, 1}, "uint8, uint32"}, {{0, 16, 1}, "int16"},
                 {{2, 8, 1}, "float8"},   {{5, 64, 1}, "complex64"},     {{3, 64, 1}, "handle64"},
                 {{6, 1, 1}, "bool1"},    {{4, 32, 1}, "bfloat32"},      {{11, 8, 1}, "type code 11"},
                 {{2, 32, 4}, "4 lanes"}, {{2, 32, 0}, "0 lanes"},       {{255, 255, 1}, "type code 255"}};
  imbrex_view view = {.size = sizeof view};
  for (size_t i = 0; i < sizeof taken / sizeof taken[0]; ++i) {
    tensor.dtype = taken[i].dlpack;
    OK(imbrex_view_from_dlpack(runtime, &tensor, 0, &view, &error));
    CHECK(view.type == (int32_t)taken[i].type);
  }
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; ++i) {
    tensor.dtype = refused[i].dlpack;
    REFUSED(imbrex_view_from_dlpack(runtime, &tensor, 0, &view, &error), refused[i].words);
  }
}

static void testDevices(const imbrex_runtime *runtime, DLTensor tensor) {
  static const struct {
    int32_t type;
    const char *words;
  } refused[] = {{CPU, "in host memory"},
                 {CUDA, "the memory of cuda:0"},
                 {PINNED, "in pinned host memory"},
                 {MANAGED, "in managed"},
                 {10, "ROCm"},
                 {8, "device type 8"},
                 {-5, "device type -5"},
                 {EXTENSION, "other extension device 0"}};
  imbrex_view view = {.size = sizeof view, .rank = 77};
  tensor.device.device_id = 0;
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; ++i) {
    tensor.device.device_type = refused[i].type;
    REFUSED(imbrex_view_from_dlpack(runtime, &tensor, 0, &view, &error), refused[i].words);
    REFUSED(imbrex_view_from_dlpack(runtime, &tensor, 0, &view, &error), "copy the tensor to sim:h200 first");
  }
  CHECK(view.rank == 77); /* nothing is written on failure */
}

/* `exported` is of 10 x 6 floats. */
static void testShapes(const imbrex_runtime *runtime, const DLManagedTensorVersioned *exported) {
  imbrex_view view = {.size = sizeof view};
  DLTensor tensor = exported->dl_tensor;
  tensor.strides = NULL;
  tensor.byte_offset = 8;
  OK(imbrex_view_from_dlpack(runtime, &tensor, 0, &view, &error));
  CHECK(!view.has_strides && view.byte_offset == 8 && view.rank == 2 && view.extents[0] == 10 && !view.read_only);
  CHECK(view.address == (uint64_t)(uintptr_t)tensor.data && view.buffer == NULL);
  tensor.ndim = 9;
  REFUSED(imbrex_view_from_dlpack(runtime, &tensor, 0, &view, &error), "9 dimensions");
  tensor.ndim = -1;
  REFUSED(imbrex_view_from_dlpack(runtime, &tensor, 0, &view, &error), "-1 dimensions");
  tensor.ndim = 2;
  tensor.shape = NULL;
  REFUSED(imbrex_view_from_dlpack(runtime, &tensor, 0, &view, &error), "shape is null");
  tensor.ndim = 0;
  OK(imbrex_view_from_dlpack(runtime, &tensor, 0, &view, &error));
  DLManagedTensorVersioned later = *exported;
  OK(imbrex_view_from_dlpack(runtime, &later, 1, &view, &error));
  CHECK(view.read_only && view.has_strides && view.strides[0] == 6 && view.strides[1] == 1);
  later.minor = 9;
  later.flags = 4; /* not ours to know */
  OK(imbrex_view_from_dlpack(runtime, &later, 1, &view, &error));
  CHECK(!view.read_only);
  later.major = 2;
  REFUSED(imbrex_view_from_dlpack(runtime, &later, 1, &view, &error), "DLPack 2.9");
  REFUSED(imbrex_view_from_dlpack(runtime, &later, 2, &view, &error), "'versioned' is 2");
  REFUSED(imbrex_view_from_dlpack(runtime, &later, -1, &view, &error), "'versioned' is -1");
}

static void testExport(const imbrex_runtime *runtime, const imbrex_buffer *buffer) {
  imbrex_view view = viewOf(buffer, 60);
  imbrex_buffer *other = NULL;
  void *tensor = NULL;
  OK(imbrex_buffer_allocate(runtime, 240, &other, &error));
  REFUSED(imbrex_buffer_to_dlpack(other, &view, 0, &tensor, &error), "another buffer");
  imbrex_buffer_free(other);
  view.read_only = 1;
  REFUSED(imbrex_buffer_to_dlpack(buffer, &view, 0, &tensor, &error), "read-only");
  view.read_only = 0;
  REFUSED(imbrex_buffer_to_dlpack(buffer, &view, 5, &tensor, &error), "'versioned' is 5");
  view.extents[0] = 61;
  REFUSED(imbrex_buffer_to_dlpack(buffer, &view, 0, &tensor, &error), "does not lie in its buffer of 240 bytes");
  view.extents[0] = INT64_MAX;
  REFUSED(imbrex_buffer_to_dlpack(buffer, &view, 0, &tensor, &error), "does not lie");
  view.extents[0] = -1;
  REFUSED(imbrex_buffer_to_dlpack(buffer, &view, 0, &tensor, &error), "negative");
  view.extents[0] = 60;
  view.byte_offset = 4;
  REFUSED(imbrex_buffer_to_dlpack(buffer, &view, 0, &tensor, &error), "does not lie");
  view.byte_offset = UINT64_MAX;
  REFUSED(imbrex_buffer_to_dlpack(buffer, &view, 0, &tensor, &error), "does not lie");
  view.byte_offset = 0;
  view.type = 99;
  REFUSED(imbrex_buffer_to_dlpack(buffer, &view, 0, &tensor, &error), "its type 99");
  view.size = 0;
  REFUSED(imbrex_buffer_to_dlpack(buffer, &view, 0, &tensor, &error), "the size of 'view' is 0");
  CHECK(tensor == NULL);
  imbrex_view empty = {.size = sizeof empty, .type = IMBREX_I8, .rank = 2, .extents = {0, 5}};
  OK(imbrex_buffer_to_dlpack(buffer, &empty, 0, &tensor, &error));
  DLManagedTensor *managed = tensor;
  CHECK(managed->dl_tensor.data == NULL && managed->dl_tensor.shape[1] == 5 && managed->dl_tensor.dtype.bits == 8);
  managed->deleter(managed);
}

/* Out as tensors, the buffers' handles freed, in again as views, launched, compared. */
static void testRound(const imbrex_runtime *runtime, const char *vectorAdd) {
  imbrex_kernel *kernel = loadKernel(runtime, vectorAdd);
  Vectors vectors;
  makeVectors(runtime, 500, &vectors);
  void *tensors[2] = {NULL, NULL};
  OK(imbrex_buffer_to_dlpack(vectors.x, &vectors.views[0], 0, &tensors[0], &error));
  OK(imbrex_buffer_to_dlpack(vectors.y, &vectors.views[1], 1, &tensors[1], &error));
  imbrex_buffer_free(vectors.x);
  imbrex_buffer_free(vectors.y);
  vectors.x = vectors.y = NULL;
  for (int i = 0; i < 2; ++i)
    OK(imbrex_view_from_dlpack(runtime, tensors[i], i, &vectors.views[i], &error));
  OK(imbrex_kernel_launch(kernel, NULL, vectors.arguments, 3, &error));
  CHECK(isSum(&vectors));
  imbrex_runtime *other = openRuntime(); /* another simulated device's memory is foreign */
  REFUSED(imbrex_view_from_dlpack(other, tensors[0], 0, &vectors.views[0], &error), "simulated or other extension");
  imbrex_runtime_free(other);
  DLManagedTensor *plain = tensors[0];
  DLManagedTensorVersioned *versioned = tensors[1];
  CHECK(versioned->major == 1 && versioned->flags == 0);
  plain->deleter(plain);
  versioned->deleter(versioned);
  imbrex_kernel_free(kernel);
  freeVectors(&vectors);
}

void testTensors(const char *vectorAdd) {
  imbrex_runtime *runtime = openRuntime();
  imbrex_buffer *buffer = NULL;
  void *tensor = NULL;
  OK(imbrex_buffer_allocate(runtime, 240, &buffer, &error));
  imbrex_view view = {.size = sizeof view, .type = IMBREX_F32, .rank = 2, .extents = {10, 6}, .read_only = 1};
  OK(imbrex_buffer_to_dlpack(buffer, &view, 1, &tensor, &error));
  DLManagedTensorVersioned *exported = tensor;
  CHECK(exported->flags == 1 && exported->dl_tensor.device.device_type == EXTENSION);
  CHECK((uint64_t)(uintptr_t)exported->dl_tensor.data == imbrex_buffer_address(buffer));
  testTypes(runtime, exported->dl_tensor);
  testDevices(runtime, exported->dl_tensor);
  testShapes(runtime, exported);
  testExport(runtime, buffer);
  testRound(runtime, vectorAdd);
  exported->deleter(exported);
  imbrex_buffer_free(buffer);
  imbrex_runtime_free(runtime);
}
