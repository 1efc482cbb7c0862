//===- AttentionAppend.cpp - imbrex attention append ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A run of cache_append. The kernel stores no row that lies outside its cache, without a word; here lengths are read
// from files, so new rows that have no room are a mistake that can be told.
//
//===----------------------------------------------------------------------===//

#include "kernels/ShippedKernels.h"
#include "tools/imbrex/Run.h"
#include <cstring>

using namespace imbrex;
using namespace imbrex::tool;

static constexpr size_t kRows = 1; // the dimension of rows in [B, S, H, D]

/// What is wrong with new rows, as many for each sequence, of the cache: "" if nothing is, or there is no telling.
static std::string judgeRoom(const Run &run, const std::string &fresh, const std::string &cache) {
  const auto added = run.arrays.find(fresh), held = run.arrays.find(cache),
             lengths = run.arrays.find(cache + ".lengths");
  const bool isStored = run.request.options.storage.contains(fresh);
  if (added == run.arrays.end() || held == run.arrays.end() || isStored || added->second.shape.size() <= kRows ||
      held->second.shape.size() <= kRows)
    return "";
  const int64_t rows = added->second.shape[kRows], room = held->second.shape[kRows];
  const std::string given = "'" + fresh + "' has " + std::to_string(rows) + " new rows for each sequence, and ";
  if (!run.request.options.storage.contains(cache))
    return rows <= room ? "" : given + "'" + cache + "' has room for " + std::to_string(room);
  if (lengths == run.arrays.end())
    return "";
  const std::vector<char> &elements = lengths->second.elements;
  for (size_t b = 0; b * sizeof(int32_t) < elements.size(); ++b) {
    int32_t length;
    std::memcpy(&length, &elements[b * sizeof length], sizeof length);
    if (length < rows)
      return given + "sequence " + std::to_string(b) + " of '" + cache + "' has " + std::to_string(length) +
             " with them: lengths count new rows already";
  }
  return "";
}

int tool::attentionAppend(const Request &request) {
  Request shipped = request;
  shipped.shipped = shippedKernel("cache_append.tile");
  shipped.options.kernel = "cache_append";
  for (const char *name : {"R", "INTERLEAVED"})
    shipped.options.set.try_emplace(name, 0);
  Run run(shipped);
  auto hasRoom = [&] {
    std::string wrong = judgeRoom(run, "KN", "K");
    if (wrong.empty())
      wrong = judgeRoom(run, "VN", "V");
    return wrong.empty() || run.fail(wrong);
  };
  auto put = [&] { return run.kernel->launch(run.runtime->stream(), std::span<const Argument>(run.arguments)); };
  if (run.open() && run.readArguments() && hasRoom() && run.allocateOutputs() && run.launch(put))
    run.writeOutputs();
  run.printMessages();
  return run.code;
}
