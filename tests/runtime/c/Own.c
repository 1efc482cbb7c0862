/*===- Own.c - What a program brings, and what ships with it
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Device memory and code of the program's own, the kernels that come with the library, and packs.
|*/

#include "Check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory that nobody reads: addresses from here on. */
enum { FIRST = 1 << 20, MOST = 1000 };
typedef struct Memory {
  size_t given, returned;
  uint64_t last;
} Memory;

static uint64_t allocate(void *data, size_t bytes) {
  Memory *memory = data;
  if (bytes > MOST)
    return 0;
  memory->given += bytes;
  memory->last = FIRST + 256 * memory->given;
  return memory->last;
}

static void release(void *data, uint64_t address, size_t bytes) {
  Memory *memory = data;
  CHECK(address == memory->last);
  memory->returned += bytes;
}

static void testAllocator(void) {
  Memory memory = {0, 0, 0};
  imbrex_runtime_options options = {.size = sizeof options, .device = "sim:h200", .allocate = allocate};
  imbrex_runtime *runtime = NULL;
  imbrex_buffer *buffer = NULL, *large = NULL;
  REFUSED(imbrex_runtime_open(&options, &runtime, &error), "'options.release' is null, and the other way is not");
  options.allocate = NULL;
  options.release = release;
  REFUSED(imbrex_runtime_open(&options, &runtime, &error), "'options.allocate' is null");
  options.allocate = allocate;
  options.allocator_data = &memory;
  options.ptxas_level = 4;
  REFUSED(imbrex_runtime_open(&options, &runtime, &error), "'options.ptxas_level' is 4: 1, 2 or 3");
  options.ptxas_level = UINT32_MAX;
  REFUSED(imbrex_runtime_open(&options, &runtime, &error), "'options.ptxas_level' is 4294967295: 1, 2 or 3");
  options.ptxas_level = 0;
  options.compiles_in_child = 3;
  REFUSED(imbrex_runtime_open(&options, &runtime, &error), "'options.compiles_in_child' is 3: 0, 1 or 2");
  options.compiles_in_child = 0;
  OK(imbrex_runtime_open(&options, &runtime, &error));
  OK(imbrex_buffer_allocate(runtime, 100, &buffer, &error));
  CHECK(imbrex_buffer_address(buffer) == memory.last && memory.given == 100);
  FAILS(imbrex_buffer_allocate(runtime, MOST + 1, &large, &error), IMBREX_ERROR_OUT_OF_MEMORY,
        "the host's allocator gave none of 1001 bytes");
  imbrex_runtime_free(runtime); /* the buffer lives on */
  CHECK(memory.returned == 0);
  imbrex_buffer_free(buffer);
  CHECK(memory.returned == 100);
}

/* out[i] = value of 32 words. */
static const char kFill[] = ".version 7.0\n.target sm_80\n.address_size 64\n"
                            ".visible .entry fill(.param .u64 out, .param .u32 value) {\n"
                            "  .reg .b64 %rd<4>;\n  .reg .b32 %r<3>;\n"
                            "  ld.param.u64 %rd1, [out];\n  ld.param.u32 %r1, [value];\n"
                            "  mov.u32 %r2, %tid.x;\n  mul.wide.u32 %rd2, %r2, 4;\n"
                            "  add.s64 %rd3, %rd1, %rd2;\n  st.global.u32 [%rd3], %r1;\n  ret;\n}\n";
enum { WORDS = 32 };

static bool holds(const imbrex_buffer *buffer, uint32_t value) {
  uint32_t words[WORDS];
  OK(imbrex_buffer_download(buffer, 0, words, sizeof words, NULL, &error));
  bool same = true;
  for (int i = 0; i < WORDS; ++i)
    same = same && words[i] == value;
  return same;
}

typedef struct Fill {
  const imbrex_code *code;
  const imbrex_code_shape *shape;
  const void *const *values;
} Fill;

static imbrex_status launchFill(void *data) {
  const Fill *fill = data;
  return imbrex_code_launch(fill->code, NULL, "fill", fill->shape, fill->values, NULL);
}

static void testCode(void) {
  imbrex_runtime *runtime = openRuntime();
  imbrex_code *code = NULL, *none = NULL;
  imbrex_buffer *buffer = NULL;
  imbrex_graph *graph = NULL;
  imbrex_code_shape shape = {.size = sizeof shape, .grid = {1}, .block = {WORDS}};
  OK(imbrex_buffer_allocate(runtime, 4 * WORDS, &buffer, &error));
  uint64_t address = imbrex_buffer_address(buffer);
  uint32_t value = 7;
  const void *values[] = {&address, &value};
  OK(imbrex_code_load(runtime, kFill, sizeof kFill - 1, &code, &error));
  OK(imbrex_code_prepare(code, "fill", 0, &error));
  OK(imbrex_code_launch(code, NULL, "fill", &shape, values, &error));
  CHECK(holds(buffer, 7));
  Fill fill = {code, &shape, values};
  OK(imbrex_graph_capture(runtime, NULL, launchFill, &fill, &graph, &error));
  CHECK(imbrex_graph_launch_count(graph) == 1 && strcmp(imbrex_graph_launch_name(graph, 0), "fill") == 0);
  CHECK(imbrex_graph_launch_name(graph, 1) == NULL);
  value = 9;
  OK(imbrex_graph_launch(graph, NULL, &error));
  CHECK(holds(buffer, 7));
  OK(imbrex_graph_set_code(graph, 0, code, "fill", &shape, values, &error));
  OK(imbrex_graph_launch(graph, NULL, &error));
  CHECK(holds(buffer, 9));
  FAILS(imbrex_code_launch(code, NULL, "fil", &shape, values, &error), IMBREX_ERROR_ARGUMENT, "'fil'");
  FAILS(imbrex_code_load(runtime, "no code", 7, &none, &error), IMBREX_ERROR_ASSEMBLE, "the code could not be loaded");
  FAILS(imbrex_code_load_file(runtime, "no/such.ptx", &none, &error), IMBREX_ERROR_FILE, "'no/such.ptx'");
  shape.size = 0;
  REFUSED(imbrex_code_launch(code, NULL, "fill", &shape, values, &error), "the size of 'shape' is 0");
  CHECK(none == NULL);
  imbrex_code_free(code); /* the graph keeps it */
  OK(imbrex_graph_launch(graph, NULL, &error));
  imbrex_graph_free(graph);
  imbrex_buffer_free(buffer);
  imbrex_runtime_free(runtime);
}

static void testShipped(void) {
  imbrex_runtime_options options = {.size = sizeof options, .device = "sim:a100", .import = imbrex_shipped_import};
  imbrex_runtime *runtime = NULL;
  imbrex_module *module = NULL;
  size_t count = 0;
  OK(imbrex_runtime_open(&options, &runtime, &error));
  for (bool hasAttention = false; imbrex_shipped_name(count); ++count) {
    hasAttention = hasAttention || strcmp(imbrex_shipped_name(count), "attention_forward.tile") == 0;
    CHECK(hasAttention || imbrex_shipped_name(count + 1));
  }
  CHECK(count > 10);
  OK(imbrex_module_load_shipped(runtime, "lessons/vector_add.tile", &module, &error));
  CHECK(strcmp(imbrex_module_kernel_name(module, 0), "vector_add") == 0);
  imbrex_module_free(module);
  REFUSED(imbrex_module_load_shipped(runtime, "vector_ad.tile", &module, &error), "no kernel 'vector_ad.tile' comes");
  static const char text[] = "import \"lessons/vector_add.tile\";\n"
                             "kernel k(Y: out view<f32>[N]) grid (1) |i| { store Y[0 :+ 16] = fill<f32>[16](1); }\n";
  OK(imbrex_module_load_source(runtime, "mine.tile", text, sizeof text - 1, &module, &error));
  imbrex_module_free(module);
  imbrex_runtime_free(runtime);
}

typedef struct Steps {
  size_t most;
  int calls;
} Steps;

static uint32_t countSteps(void *data, size_t done, size_t candidates, double ratio, double seconds, double left) {
  Steps *steps = data;
  CHECK(done <= candidates && ratio > 0 && seconds >= 0 && left >= 0);
  return ++steps->calls >= (int)steps->most;
}

/* Tunes with a cache directory of its own, and carries what was found and compiled to another. */
static void testPacks(const char *vectorAdd, const char *directory) {
  char cache[4200], other[4200], tuned[4200], pack[4200];
  snprintf(cache, sizeof cache, "%s/cache", directory);
  snprintf(other, sizeof other, "%s/other", directory);
  snprintf(tuned, sizeof tuned, "%s/tuned", directory);
  snprintf(pack, sizeof pack, "%s/pack", directory);
  imbrex_runtime_options options = {.size = sizeof options, .device = "sim:h200", .cache_directory = cache};
  imbrex_runtime *runtime = NULL;
  OK(imbrex_runtime_open(&options, &runtime, &error));
  imbrex_kernel *kernel = loadKernel(runtime, vectorAdd);
  Vectors vectors;
  makeVectors(runtime, 300, &vectors);
  Steps steps = {1000, 0};
  imbrex_tune_options search = {
      .size = sizeof search, .budget_milliseconds = 60000, .progress = countSteps, .progress_data = &steps};
  OK(imbrex_kernel_tune(kernel, vectors.arguments, 3, &search, NULL, &error));
  CHECK(steps.calls > 1);
  Steps few = {1, 0};
  search.progress_data = &few;
  search.again = 1;
  char *report = NULL;
  OK(imbrex_kernel_tune(kernel, vectors.arguments, 3, &search, &report, &error));
  CHECK(few.calls < steps.calls && strstr(report, "\"complete\": false"));
  imbrex_text_free(report);
  OK(imbrex_kernel_launch(kernel, NULL, vectors.arguments, 3, &error));
  size_t results = 0, taken = 0, kernels = 0;
  FAILS(imbrex_tuning_export(other, tuned, &results, &error), IMBREX_ERROR_FILE, "there are no results of tuning in");
  FAILS(imbrex_pack_kernels(other, pack, &kernels, &error), IMBREX_ERROR_FILE, "there is no compiled kernel");
  OK(imbrex_tuning_export(cache, tuned, &results, &error));
  OK(imbrex_tuning_import(other, tuned, &taken, &error));
  CHECK(results > 1 && taken == results);
  OK(imbrex_pack_kernels(cache, pack, &kernels, &error));
  CHECK(kernels > 0);
  FAILS(imbrex_tuning_import(other, pack, NULL, &error), IMBREX_ERROR_FILE, "is no pack of tuning results");
  freeVectors(&vectors);
  imbrex_kernel_free(kernel);
  imbrex_runtime_free(runtime);
  options.cache_directory = other; /* tuned there, and nothing compiled */
  options.packs = pack;
  options.no_compile = 1;
  OK(imbrex_runtime_open(&options, &runtime, &error));
  kernel = loadKernel(runtime, vectorAdd);
  makeVectors(runtime, 300, &vectors);
  OK(imbrex_kernel_launch(kernel, NULL, vectors.arguments, 3, &error));
  CHECK(isSum(&vectors));
  freeVectors(&vectors);
  imbrex_kernel_free(kernel);
  imbrex_runtime_free(runtime);
}

void testOwn(const char *vectorAdd, const char *directory) {
  testAllocator();
  testCode();
  testShipped();
  testPacks(vectorAdd, directory);
}
