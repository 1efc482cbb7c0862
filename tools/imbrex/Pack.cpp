//===- Pack.cpp - imbrex pack and imbrex header ---------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is made of a kernel's text ahead of time: compiled kernels in one file, and a header in C++. Each target of a
// pack is compiled on a simulated device that can run it, and assembled where there is an assembler.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include "runtime/KernelPack.h"
#include "runtime/TypedKernel.h"
#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/KernelRun.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace imbrex;
using namespace imbrex::tool;

namespace {

/// A directory that goes with the object.
struct OwnDirectory {
  llvm::SmallString<64> path;
  OwnDirectory() {
    if (llvm::sys::fs::createUniqueDirectory("imbrex-pack", path))
      path.clear();
  }
  ~OwnDirectory() {
    if (!path.empty())
      (void)llvm::sys::fs::remove_directories(path);
  }
};

} // namespace

/// A simulated device that runs code for the target.
static std::optional<std::string> deviceFor(const std::string &name) {
  std::optional<Target> target = Target::parse(name);
  for (const DeviceInfo &device : listDevices())
    if (target && device.simulated && 10 * device.major + device.minor >= target->sm)
      return device.id;
  llvm::errs() << "error: " << (target ? "no simulated device runs code for " : "there is no target ") << name << "\n";
  return std::nullopt;
}

/// Compiles the kernel for one target into the cache.
static int compileInto(const Request &request, const std::string &target, const std::string &cache) {
  std::optional<std::string> device = deviceFor(target);
  if (!device)
    return kUserError;
  Request one = request;
  one.device = *device;
  one.options.target = target;
  one.targetGiven = one.assembles = one.json = true; // json: the result alone is printed
  one.cacheDirectory = cache;
  KernelRun run(one);
  run.isForShapes = true;
  if (!run.open() || !run.readArguments() || !run.allocateOutputs() || !run.allocateOtherOutputs())
    return run.printMessages(), run.code;
  if (Result<KernelInfo> prepared = run.kernel->prepare(std::span<const Argument>(run.arguments)); !prepared)
    run.fail(prepared.error());
  run.printMessages();
  return run.code;
}

int tool::pack(const Request &request) {
  OwnDirectory own;
  const std::string cache = request.cacheDirectory.empty() ? own.path.str().str() : request.cacheDirectory;
  if (request.output.empty() || cache.empty()) {
    llvm::errs() << "error: " << (cache.empty() ? "no temporary directory" : "'pack' needs -o FILE") << "\n";
    return request.output.empty() ? kWrongFlags : kUserError;
  }
  std::vector<std::string> targets = request.targets;
  if (targets.empty() && !request.file.empty())
    targets.push_back(request.options.target);
  for (const std::string &target : targets)
    if (int code = compileInto(request, target, cache); code != kSuccess)
      return code;
  Result<size_t> packed = packKernels({cache}, request.output);
  if (!packed) {
    llvm::errs() << "error: " << packed.error().render();
    return kUserError;
  }
  llvm::outs() << *packed << " kernels in " << request.output << "\n";
  return kSuccess;
}

int tool::header(const Request &request) {
  std::optional<Source> source = readSource(request.file);
  if (!source)
    return kUserError;
  Description description = describe(*source);
  bool isSound = true;
  for (const Diagnostic &diagnostic : description.diagnostics)
    if (diagnostic.severity == Severity::Error) {
      llvm::errs() << diagnostic.render();
      isSound = false;
    }
  return isSound && writeText(request.output, kernelHeader(*source, description.kernels)) ? kSuccess : kUserError;
}
