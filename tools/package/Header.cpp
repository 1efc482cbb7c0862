//===- Header.cpp - Headers of kernels, for an installed Imbrex -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// usage: imbrex-header FILE.tile FILE.h. As `imbrex header`, of the library alone: imbrex_add_kernels calls it.
//
//===----------------------------------------------------------------------===//

#include "kernels/ShippedKernels.h"
#include "runtime/ImportFiles.h"
#include "runtime/TypedKernel.h"
#include <cstdio>
#include <fstream>

using namespace imbrex;

int main(int count, char **words) {
  if (count != 3) {
    std::fputs("usage: imbrex-header FILE.tile FILE.h\n", stderr);
    return 2;
  }
  std::ifstream in(words[1], std::ios::binary);
  Source source{words[1], std::string((std::istreambuf_iterator<char>(in)), {})};
  if (!in) {
    std::fprintf(stderr, "%s: error: it cannot be read\n", words[1]);
    return 1;
  }
  source = withImports(std::move(source), importsBeside(shippedImport));
  Description description = describe(source);
  bool isSound = true;
  for (const Diagnostic &diagnostic : description.diagnostics)
    if (diagnostic.severity == Severity::Error) {
      std::fputs(diagnostic.render().c_str(), stderr);
      isSound = false;
    }
  if (!isSound)
    return 1;
  std::ofstream out(words[2], std::ios::binary | std::ios::trunc);
  out << kernelHeader(source, description.kernels);
  out.close();
  if (!out)
    std::fprintf(stderr, "%s: error: it cannot be written\n", words[2]);
  return out ? 0 : 1;
}
