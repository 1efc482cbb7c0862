//===- Lists.cpp - imbrex devices, stages ... ------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The sub-commands that only list things: devices, stages, opcodes, the cache. Text for people, or JSON.
//
//===----------------------------------------------------------------------===//

#include "runtime/Runtime.h"
#include "runtime/simulator/exec/Opcodes.h"
#include "tools/imbrex/CommandLine.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;

static void printJson(llvm::json::Value value) { llvm::outs() << llvm::formatv("{0:2}\n", value); }

int tool::devices(const Request &request) {
  llvm::json::Array list;
  for (const DeviceInfo &device : listDevices()) {
    if (request.json)
      list.push_back(llvm::json::Object{{"id", device.id},
                                        {"name", device.name},
                                        {"simulated", device.simulated},
                                        {"target", device.target},
                                        {"multiprocessors", device.multiprocessors},
                                        {"shared_bytes", device.sharedBytesPerBlockOptIn}});
    else
      llvm::outs() << llvm::formatv("{0,-14} {1,-28} {2,-8} {3,4} SMs, {4,3} KiB shared a CTA{5}\n", device.id,
                                    device.name, device.target, device.multiprocessors,
                                    device.sharedBytesPerBlockOptIn / 1024,
                                    device.simulated ? ", simulated on the CPU" : "");
  }
  if (request.json)
    printJson(std::move(list));
  return kSuccess;
}

int tool::stages(const Request &request) {
  llvm::json::Array list;
  for (const StageInfo &stage : stageTable()) {
    if (request.json)
      list.push_back(llvm::json::Object{{"name", llvm::StringRef(stage.name)},
                                        {"suffix", llvm::StringRef(stage.suffix)},
                                        {"summary", llvm::StringRef(stage.summary)}});
    else
      llvm::outs() << llvm::formatv("{0,-6} .{1,-10} {2}\n", stage.name, stage.suffix, stage.summary);
  }
  if (request.json)
    printJson(std::move(list));
  return kSuccess;
}

int tool::opcodes(const Request &) {
  llvm::outs() << simulator::opcodePage();
  return kSuccess;
}

int tool::cache(const Request &request) {
  std::string directory = cacheDirectoryOf(request), action = request.file.empty() ? "stat" : request.file;
  if (action != "stat" && action != "verify" && action != "clear") {
    llvm::errs() << "imbrex: 'cache' does stat, verify or clear, not '" << action << "'\n";
    return kWrongFlags;
  }
  if (directory.empty()) {
    llvm::errs() << "error: there is no cache directory: --cache-dir is 'none', or there is no home\n";
    return kUserError;
  }
  Result<DiskCache> cache = DiskCache::open(directory);
  if (!cache) {
    llvm::errs() << "error: " << cache.error().render();
    return kUserError;
  }
  Result<DiskCache::Statistics> statistics =
      action == "stat" ? cache->statistics() : (action == "verify" ? cache->verify() : cache->clear());
  if (!statistics) {
    llvm::errs() << "error: " << statistics.error().render();
    return kUserError;
  }
  if (request.json)
    printJson(llvm::json::Object{{"directory", directory},
                                 {"entries", int64_t(statistics->entries)},
                                 {"bytes", int64_t(statistics->bytes)},
                                 {"damaged", int64_t(statistics->damaged)}});
  else
    llvm::outs() << llvm::formatv("{0}: {1}{2} entries, {3} bytes{4}\n", directory, action == "clear" ? "removed " : "",
                                  statistics->entries, statistics->bytes,
                                  statistics->damaged ? llvm::formatv(", {0} damaged", statistics->damaged).str() : "");
  return kSuccess;
}
