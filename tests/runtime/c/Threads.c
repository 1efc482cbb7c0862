/*===- Threads.c - One kernel, many threads
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* Eight threads launch one kernel handle at once, from its first compilation on, each on vectors of its own.
|* POSIX's threads: the thread sanitizer knows none of C11's.
|*/

#include "Check.h"
#include <pthread.h>

enum { THREADS = 8, ROUNDS = 20 };

typedef struct Task {
  const imbrex_kernel *kernel;
  Vectors vectors;
  int failures;
} Task;

static void *launchMany(void *given) {
  Task *task = given;
  for (int i = 0; i < ROUNDS; ++i) {
    imbrex_error *problem = NULL;
    if (imbrex_kernel_launch(task->kernel, NULL, task->vectors.arguments, 3, &problem) != IMBREX_OK)
      ++task->failures;
    imbrex_error_free(problem);
  }
  return NULL;
}

void testThreads(const char *vectorAdd) {
  imbrex_runtime *runtime = openRuntime();
  imbrex_kernel *kernel = loadKernel(runtime, vectorAdd);
  Task tasks[THREADS];
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; ++i) {
    makeVectors(runtime, 100 + i, &tasks[i].vectors);
    tasks[i].kernel = kernel;
    tasks[i].failures = 0;
    CHECK(pthread_create(&threads[i], NULL, launchMany, &tasks[i]) == 0);
  }
  for (int i = 0; i < THREADS; ++i) {
    pthread_join(threads[i], NULL);
    CHECK(tasks[i].failures == 0 && isSum(&tasks[i].vectors));
    freeVectors(&tasks[i].vectors);
  }
  imbrex_kernel_free(kernel);
  imbrex_runtime_free(runtime);
}
