/*===- Structs.c - Structs of older and newer callers
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* The rule of sizes that stands in imbrex_c.h: short structs, long ones with zeros and without, and sizes that are
|* none.
|*/

#include "Check.h"
#include <stddef.h>
#include <string.h>

/* What a caller of a later version might have: more fields, in arrays too. */
typedef struct LaterView {
  imbrex_view known;
  uint64_t more;
} LaterView;
typedef struct LaterArgument {
  imbrex_argument known;
  uint64_t more;
} LaterArgument;

static void testOptions(void) {
  imbrex_runtime *runtime = NULL;
  imbrex_runtime_options options = {.device = "sim:a100", .target = "nonsense"};
  options.size = offsetof(imbrex_runtime_options, target); /* so that `target` is not read */
  OK(imbrex_runtime_open(&options, &runtime, &error));
  imbrex_runtime_free(runtime);
  options.device = NULL; /* nothing behind half a pointer */
  static const uint32_t absurd[] = {0, 1, 7, 12, 13, 15, 4097, UINT32_MAX};
  for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; ++i) {
    options.size = absurd[i];
    REFUSED(imbrex_runtime_open(&options, &runtime, &error), "the size of 'options' is ");
  }
}

static void testFilled(const imbrex_runtime *runtime) {
  imbrex_device_info info;
  memset(&info, 0x55, sizeof info);
  info.size = offsetof(imbrex_device_info, name);
  OK(imbrex_runtime_device(runtime, &info, &error));
  CHECK(strcmp(info.id, "sim:h200") == 0 && info.name[0] == 0x55); /* past its size nothing is written */
  CHECK(info.size == offsetof(imbrex_device_info, name));
  struct {
    imbrex_device_info known;
    uint64_t more;
  } later = {.known = {.size = sizeof later}, .more = 77};
  OK(imbrex_runtime_device(runtime, &later.known, &error));
  CHECK(later.known.memory_bytes > 0 && later.more == 77 && later.known.size == sizeof later);
  info.size = 0;
  REFUSED(imbrex_runtime_device(runtime, &info, &error), "the size of 'info' is 0");
  info.size = offsetof(imbrex_device_info, name) + 4;
  REFUSED(imbrex_runtime_device(runtime, &info, &error), "the size of 'info' is 44");
  size_t count = 0;
  REFUSED(imbrex_list_devices(&info, 1, &count, &error), "the size of 'infos[0]' is 44");
  info.size = 0;
  REFUSED(imbrex_list_devices(&info, 1, &count, &error), "the size of 'infos[0]' is 0");
  struct {
    uint32_t size, simulated;
    char id[32];
  } older[2] = {{.size = sizeof older[0]}, {.size = 0}}; /* an array of a shorter struct */
  OK(imbrex_list_devices((imbrex_device_info *)older, 2, &count, &error));
  CHECK(count >= 2 && older[1].id[0] != 0 && strcmp(older[0].id, older[1].id) != 0);
}

static void testArguments(const imbrex_kernel *kernel, const Vectors *vectors) {
  LaterView views[3] = {{.more = 0}};
  LaterArgument arguments[3] = {{.more = 0}};
  for (int i = 0; i < 3; ++i) {
    views[i].known = vectors->views[i];
    views[i].known.size = sizeof views[i];
    arguments[i].known = vectors->arguments[i];
    arguments[i].known.size = sizeof arguments[i];
    arguments[i].known.view = &views[i].known;
  }
  OK(imbrex_kernel_launch(kernel, NULL, &arguments[0].known, 3, &error));
  CHECK(isSum(vectors));
  arguments[1].more = 1;
  REFUSED(imbrex_kernel_launch(kernel, NULL, &arguments[0].known, 3, &error), "a field set that this library does not");
  arguments[1].more = 0;
  views[2].more = (uint64_t)1 << 63;
  REFUSED(imbrex_kernel_launch(kernel, NULL, &arguments[0].known, 3, &error), "argument 'Z'");
  views[2].more = 0;
  for (int i = 0; i < 3; ++i)
    views[i].known.size = offsetof(imbrex_view, has_strides); /* an older view: dense */
  OK(imbrex_kernel_launch(kernel, NULL, &arguments[0].known, 3, &error));
  views[1].known.size = offsetof(imbrex_view, buffer) + 4;
  REFUSED(imbrex_kernel_launch(kernel, NULL, &arguments[0].known, 3, &error), "argument 'Y'");
  views[1].known.size = 0;
  REFUSED(imbrex_kernel_launch(kernel, NULL, &arguments[0].known, 3, &error), "argument 'Y'");
  views[1].known.size = sizeof(imbrex_view);
  arguments[2].known.size = sizeof(imbrex_argument);
  REFUSED(imbrex_kernel_launch(kernel, NULL, &arguments[0].known, 3, &error), "the size of 'arguments[2]' is ");
  arguments[0].known.size = 0;
  REFUSED(imbrex_kernel_launch(kernel, NULL, &arguments[0].known, 3, &error), "the size of 'arguments[0]' is 0");
}

void testStructs(const char *vectorAdd) {
  testOptions();
  imbrex_runtime *runtime = openRuntime();
  testFilled(runtime);
  imbrex_kernel *kernel = loadKernel(runtime, vectorAdd);
  Vectors vectors;
  makeVectors(runtime, 100, &vectors);
  testArguments(kernel, &vectors);
  freeVectors(&vectors);
  imbrex_kernel_free(kernel);
  imbrex_runtime_free(runtime);
}
