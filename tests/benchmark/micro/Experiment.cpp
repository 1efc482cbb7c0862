//===- Experiment.cpp - The questions that micro-benchmarks answer --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list of experiments over the kernels of a folder, and what all experiments with products share.
//
//===----------------------------------------------------------------------===//

#include "tests/benchmark/micro/Experiment.h"
#include <algorithm>
#include <bit>
#include <filesystem>

using namespace imbrex;
using namespace imbrex::micro;

std::vector<std::string> micro::partsOf(const std::string &entry) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end; (end = entry.find('_', begin)) != entry.npos; begin = end + 1)
    parts.push_back(entry.substr(begin, end - begin));
  parts.push_back(entry.substr(begin));
  return parts;
}

std::vector<Experiment> micro::experimentsOf(const std::string &folder) {
  using Maker = std::vector<Variant> (*)(const std::string &);
  struct Known {
    const char *name, *question;
    Maker maker;
  };
  const Known known[] = {
      {"exponentials", "does the unit of exponentials keep its rate beside other instructions?", exponentials},
      {"queue", "how many products may wait before the next one's issue stalls?", queue},
      {"ports", "do products in flight and FP32 instructions take register ports from each other?", ports},
      {"shared", "how do products and other traffic share the bandwidth of shared memory?", shared},
  };
  std::vector<std::string> entries;
  std::error_code ignored; // no folder: no kernels
  for (const auto &file : std::filesystem::directory_iterator(folder, ignored))
    if (file.path().extension() == ".ptx")
      entries.push_back(file.path().stem().string());
  std::sort(entries.begin(), entries.end());
  std::vector<Experiment> experiments;
  for (const Known &one : known) {
    Experiment experiment{one.name, one.question, {}};
    for (const std::string &entry : entries)
      if (partsOf(entry)[0] == one.name)
        for (Variant &variant : one.maker(entry))
          experiment.variants.push_back(std::move(variant));
    experiments.push_back(std::move(experiment));
  }
  return experiments;
}

uint32_t micro::productSum(unsigned columns, unsigned steps, unsigned thread) {
  unsigned lane = thread % 32, warp = thread / 32;
  unsigned firstRow = 64 * (warp / 4 % 2) + 16 * (warp % 4) + lane / 4;
  float sum = 0;
  // Accumulator i of a thread is row firstRow + 8 (i / 2 % 2), column 8 (i / 4) + 2 (lane % 4) + i % 2.
  for (unsigned i = 0; i < columns / 2; ++i) {
    unsigned row = firstRow + 8 * (i / 2 % 2), column = 8 * (i / 4) + 2 * (lane % 4) + i % 2;
    sum += float(16 * steps * (1 + row % 3) * (1 + column % 5));
  }
  return std::bit_cast<uint32_t>(sum);
}
