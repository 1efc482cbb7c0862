/*===- Recorded.c - Bound kernels, graphs and tuning from C
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* What is launched again and again: with its arguments kept, as a graph, and tuned, on the simulated device.
|*/

#include "Check.h"
#include <string.h>

static void clear(const Vectors *vectors) { OK(imbrex_buffer_fill(vectors->z, 0, NULL, &error)); }

static void testBound(const imbrex_kernel *kernel, Vectors *vectors) {
  imbrex_bound *bound = NULL;
  uint32_t place = 99;
  OK(imbrex_kernel_bind(kernel, vectors->arguments, 3, &bound, &error));
  OK(imbrex_bound_launch(bound, NULL, &error));
  CHECK(isSum(vectors));
  OK(imbrex_bound_place(bound, "Z", &place, &error));
  CHECK(place == 2);
  imbrex_view elsewhere = vectors->views[0]; /* X itself: an output may not lie on an input */
  OK(imbrex_bound_set_view(bound, place, &elsewhere, &error));
  REFUSED(imbrex_bound_launch(bound, NULL, &error), "overlaps argument 'X'");
  OK(imbrex_bound_set_view(bound, place, &vectors->views[2], &error));
  clear(vectors);
  OK(imbrex_bound_launch(bound, NULL, &error));
  CHECK(isSum(vectors));
  REFUSED(imbrex_bound_place(bound, "W", &place, &error), "no argument 'W' was bound");
  REFUSED(imbrex_bound_set_integer(bound, 0, 1, &error), "place 0 is that of no scalar");
  REFUSED(imbrex_bound_set_real(bound, 7, 1, &error), "place 7 is that of no scalar");
  imbrex_bound_free(bound);
}

typedef struct Work {
  const imbrex_kernel *kernel;
  const Vectors *vectors;
  int launches;
  imbrex_status answer;
} Work;

static imbrex_status launchAll(void *data) {
  const Work *work = data;
  for (int i = 0; i < work->launches; ++i)
    OK(imbrex_kernel_launch(work->kernel, NULL, work->vectors->arguments, 3, &error));
  return work->answer;
}

/* The launch of a graph that was captured with these vectors, given others. */
static void testSet(const imbrex_kernel *kernel, const Vectors *vectors, imbrex_graph *graph) {
  Vectors turned = *vectors;
  turned.arguments[0].view = &vectors->views[1];
  turned.arguments[1].view = &vectors->views[0];
  turned.arguments[2].view = &vectors->views[0];
  REFUSED(imbrex_graph_set(graph, 0, kernel, turned.arguments, 3, &error), "overlaps argument");
  REFUSED(imbrex_graph_set(graph, 1, kernel, vectors->arguments, 3, &error), "there is no launch 1 in this graph");
  turned.arguments[2].view = &vectors->views[2];
  imbrex_bound *bound = NULL;
  clear(vectors);
  OK(imbrex_graph_set(graph, 0, kernel, turned.arguments, 3, &error));
  OK(imbrex_graph_launch(graph, NULL, &error));
  CHECK(isSum(vectors));
  imbrex_view half = vectors->views[2];
  half.byte_offset = 4;
  half.extents[0] -= 1;
  imbrex_view short_x = half, short_y = half;
  short_x.buffer = vectors->x;
  short_y.buffer = vectors->y;
  turned.arguments[0].view = &short_x;
  turned.arguments[1].view = &short_y;
  turned.arguments[2].view = &half;
  OK(imbrex_kernel_bind(kernel, turned.arguments, 3, &bound, &error));
  OK(imbrex_graph_set_bound(graph, 0, bound, &error));
  clear(vectors);
  OK(imbrex_graph_launch(graph, NULL, &error));
  CHECK(isSum(vectors)); /* its first element is 0 anyway */
  imbrex_bound_free(bound);
}

static void testGraph(const imbrex_runtime *runtime, const imbrex_kernel *kernel, const Vectors *vectors) {
  imbrex_graph *graph = NULL;
  uint32_t inPlace = 9;
  Work work = {kernel, vectors, 1, IMBREX_OK};
  clear(vectors);
  OK(imbrex_graph_capture(runtime, NULL, launchAll, &work, &graph, &error));
  CHECK(!isSum(vectors)); /* recorded, not done */
  OK(imbrex_graph_launch(graph, NULL, &error));
  CHECK(isSum(vectors));
  OK(imbrex_graph_update(graph, NULL, launchAll, &work, &inPlace, &error));
  CHECK(inPlace == 1);
  CHECK(imbrex_graph_launch_count(graph) == 1 && strcmp(imbrex_graph_launch_name(graph, 0), "vector_add") == 0);
  testSet(kernel, vectors, graph);
  work.launches = 2;
  OK(imbrex_graph_update(graph, NULL, launchAll, &work, &inPlace, &error));
  CHECK(inPlace == 0);
  work.answer = IMBREX_ERROR_FILE;
  FAILS(imbrex_graph_update(graph, NULL, launchAll, &work, NULL, &error), IMBREX_ERROR_FILE,
        "'work' answered IMBREX_ERROR_FILE");
  clear(vectors);
  OK(imbrex_graph_launch(graph, NULL, &error));
  CHECK(isSum(vectors));
  imbrex_graph_free(graph);
}

static imbrex_status allocate(void *data) {
  imbrex_buffer *buffer = NULL;
  REFUSED(imbrex_buffer_allocate(data, 8, &buffer, &error), "while this thread captures a graph");
  return IMBREX_ERROR_ARGUMENT;
}

static imbrex_status launchCold(void *data) {
  const Work *work = data;
  REFUSED(imbrex_kernel_launch(work->kernel, NULL, work->vectors->arguments, 3, &error), "while a graph is captured");
  return IMBREX_ERROR_ARGUMENT;
}

static void testRefused(imbrex_runtime *runtime, const imbrex_kernel *cold, const Vectors *vectors) {
  imbrex_graph *graph = NULL;
  Work work = {cold, vectors, 1, IMBREX_OK};
  REFUSED(imbrex_graph_capture(runtime, NULL, allocate, runtime, &graph, &error), "'work' answered");
  REFUSED(imbrex_graph_capture(runtime, NULL, launchCold, &work, &graph, &error), "'work' answered");
  CHECK(graph == NULL);
}

static void testReadiness(imbrex_kernel *kernel, const Vectors *vectors) {
  int32_t readiness = -1;
  OK(imbrex_kernel_set_programmatic(kernel, 1, &error));
  OK(imbrex_kernel_readiness(kernel, vectors->arguments, 3, &readiness, &error));
  CHECK(readiness == IMBREX_READY_MISSING);
  clear(vectors);
  OK(imbrex_kernel_launch(kernel, NULL, vectors->arguments, 3, &error));
  CHECK(isSum(vectors));
  OK(imbrex_kernel_readiness(kernel, vectors->arguments, 3, &readiness, &error));
  CHECK(readiness == IMBREX_READY_LOADED);
}

static void testTuning(const imbrex_kernel *kernel, const Vectors *vectors) {
  imbrex_tune_options options = {.size = sizeof options, .budget_milliseconds = 60000};
  imbrex_tuning *tuning = NULL;
  char *report = NULL;
  OK(imbrex_kernel_tune(kernel, vectors->arguments, 3, &options, &report, &error));
  CHECK(report && strstr(report, "\"simulated\"") != NULL);
  imbrex_text_free(report);
  options.again = 1;
  OK(imbrex_kernel_tune_in_background(kernel, vectors->arguments, 3, &options, &tuning, &error));
  OK(imbrex_tuning_wait(tuning, NULL, &error));
  CHECK(imbrex_tuning_is_done(tuning) == 1);
  REFUSED(imbrex_tuning_wait(tuning, NULL, &error), "was waited for");
  imbrex_tuning_free(tuning);
}

static void testStreams(const imbrex_runtime *runtime) {
  imbrex_stream *urgent = NULL;
  imbrex_event *event = NULL, *same = NULL;
  uint32_t capturing = 9;
  OK(imbrex_stream_create_with_priority(runtime, -1, &urgent, &error));
  OK(imbrex_stream_is_capturing(urgent, &capturing, &error));
  CHECK(capturing == 0);
  REFUSED(imbrex_stream_create_with_priority(runtime, 1, &urgent, &error), "priority is 1");
  OK(imbrex_event_create(runtime, &event, &error));
  OK(imbrex_event_wrap(runtime, imbrex_event_raw(event), &same, &error));
  OK(imbrex_event_record(same, urgent, &error));
  OK(imbrex_event_synchronize(event, &error));
  imbrex_event_free(same);
  imbrex_event_free(event);
  imbrex_stream_free(urgent);
}

void testRecorded(const char *vectorAdd) {
  imbrex_runtime *runtime = openRuntime();
  imbrex_kernel *kernel = loadKernel(runtime, vectorAdd), *other = NULL;
  Vectors vectors;
  makeVectors(runtime, 300, &vectors);
  OK(imbrex_kernel_copy(kernel, &other, &error));
  testRefused(runtime, kernel, &vectors); /* nothing is loaded yet */
  testBound(kernel, &vectors);
  testGraph(runtime, kernel, &vectors);
  testReadiness(other, &vectors);
  testTuning(kernel, &vectors);
  testStreams(runtime);
  freeVectors(&vectors);
  imbrex_kernel_free(other);
  imbrex_kernel_free(kernel);
  imbrex_runtime_free(runtime);
}
