//===- Run.cpp - imbrex run -----------------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Launches a kernel on arrays, checks and writes the results.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/Run.h"
#include "tools/imbrex/Check.h"
#include "tools/imbrex/Npy.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <chrono>

using namespace imbrex;
using namespace imbrex::tool;

bool Run::launch(const std::function<Result<void>()> &put) {
  Result<KernelInfo> info = kernel->prepare(std::span<const Argument>(arguments));
  if (!info)
    return fail(info.error());
  auto begin = std::chrono::steady_clock::now();
  if (Result<void> launched = put(); !launched)
    return fail(launched.error());
  if (Result<void> done = runtime->stream().synchronize(); !done)
    return fail(done.error());
  std::chrono::duration<double, std::milli> elapsed = std::chrono::steady_clock::now() - begin;
  if (request.timings)
    llvm::outs() << llvm::formatv("{0}: {1:F1} ms\n",
                                  runtime->device().simulated ? "wall time of the simulation" : "launch and wait",
                                  elapsed.count());
  if (!request.check)
    return true;
  std::vector<CheckedArray> checked;
  checked.reserve(arrays.size());
  for (auto &[name, array] : arrays)
    checked.push_back({name, array.type, array.shape, array.elements, {}});
  for (auto &[name, array] : arrays)
    if (Result<void> copied = array.buffer.copyTo(array.elements.data(), array.elements.size()); !copied)
      return fail(copied.error());
  for (CheckedArray &array : checked)
    array.result = arrays.find(array.name)->second.elements;
  std::string report;
  Result<InferredShapes> shapes = kernel->infer(std::span<const Argument>(arguments));
  if (!shapes)
    return fail(shapes.error());
  bool ok = checkAgainstInterpreter(request, info->interface, *shapes, arguments, checked, report);
  llvm::outs() << report;
  if (!ok)
    code = kLaunchFailed;
  return true; // what was computed is written, right or wrong
}

bool Run::writeOutput(const NameValue &output) {
  Array &array = arrays.find(output.name)->second;
  if (Result<void> copied = array.buffer.copyTo(array.elements.data(), array.elements.size()); !copied)
    return fail(copied.error());
  const std::vector<int64_t> &extents = array.fileShape.empty() ? array.shape : array.fileShape;
  npy::Array file = npy::fromElements(array.elements, array.type, extents);
  std::string error;
  std::string path = splitOutput(output.value).second.str();
  if (!path.empty() && !npy::write(path, file, error))
    return fail(error);
  std::string shape;
  for (int64_t extent : extents)
    shape += (shape.empty() ? "" : "x") + std::to_string(extent);
  llvm::outs() << output.name << ": " << std::string(name(array.type)) << " " << shape
               << (path.empty() ? "" : " -> " + path) << "\n";
  return true;
}

bool Run::writeOutputs() {
  for (const NameValue &output : request.outputs)
    if (!writeOutput(output))
      return false;
  return true;
}

int tool::run(const Request &request) {
  Run run(request);
  auto put = [&] { return run.kernel->launch(run.runtime->stream(), std::span<const Argument>(run.arguments)); };
  if (run.open() && run.readArguments() && run.allocateOutputs() && run.launch(put))
    run.writeOutputs();
  run.printMessages();
  return run.code;
}
