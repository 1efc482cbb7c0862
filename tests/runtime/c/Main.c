/*===- Main.c - The C interface used from C
|*
|* Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
|*
|* usage: c_test KERNELS_DIRECTORY EMPTY_DIRECTORY. Runs every test on the simulated device; the number of failed
|* checks decides.
|*/

#include "Check.h"
#include <stdio.h>

int main(int count, char **arguments) {
  char vectorAdd[4096], attention[4096];
  if (count != 3) {
    fprintf(stderr, "usage: c_test KERNELS_DIRECTORY EMPTY_DIRECTORY\n");
    return 2;
  }
  snprintf(vectorAdd, sizeof vectorAdd, "%s/lessons/vector_add.tile", arguments[1]);
  snprintf(attention, sizeof attention, "%s/attention_forward.tile", arguments[1]);
  testLaunches(vectorAdd, attention);
  testOwn(vectorAdd, arguments[2]);
  testRecorded(vectorAdd);
  testRefusals(vectorAdd);
  testHandles(vectorAdd);
  testStructs(vectorAdd);
  testTensors(vectorAdd);
  testThreads(vectorAdd);
  printf("%d checks failed\n", failures());
  return failures() == 0 ? 0 : 1;
}
