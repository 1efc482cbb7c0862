//===- Simulate.cpp - imbrex simulate -------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a kernel of any PTX file on the simulated device, on arrays from files. A fault is printed as the compiler
// prints errors: at its PTX line, with the line of the kernel's source that it came from.
//
//===----------------------------------------------------------------------===//

#include "compiler/Diagnostics.h"
#include "runtime/simulator/DeviceExtras.h"
#include "tools/imbrex/CommandLine.h"
#include "tools/imbrex/FaultText.h"
#include "tools/imbrex/Npy.h"
#include "tools/imbrex/PtxArgument.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

using namespace imbrex;
using namespace imbrex::cuda;
using namespace imbrex::tool;
using llvm::StringRef;

namespace {

/// One array in the device's memory.
struct DeviceArray {
  npy::Array file; ///< Type, shape and, where it was given, content.
  bool given = false;
  std::string output; ///< Where it is written, or empty.
  CUdeviceptr address = 0;
};

/// One command: what it launches, under which schedules, and on what.
class Simulation {
public:
  Simulation(const Request &request, std::string text) : request(request), text(std::move(text)) {}
  int execute();

private:
  bool open(unsigned seed);
  bool findKernel();
  bool placeArguments();
  bool placeArgument(const NameValue &argument);
  bool placeOutput(const NameValue &output);
  std::optional<size_t> indexOf(const std::string &name);
  bool upload(DeviceArray &array);
  bool launch();
  bool collect(bool first);
  bool fail(const std::string &message) {
    llvm::errs() << "error: " << message << "\n";
    code = kUserError;
    return false;
  }
  bool failDevice(const std::string &call);

  const Request &request;
  const std::string text;
  int code = kSuccess;
  std::optional<simulator::SimulatedDevice> device;
  CUfunction function = nullptr;
  std::string kernel;
  std::vector<size_t> sizes;                 ///< Bytes of each parameter.
  std::vector<std::string> names;            ///< In the PTX.
  std::vector<std::vector<char>> values;     ///< The same; empty for one that has none yet.
  std::map<size_t, DeviceArray> arrays;      ///< By parameter.
  std::map<size_t, std::vector<char>> first; ///< Results of the first schedule.
  unsigned schedule = 0;
};

} // namespace

bool Simulation::failDevice(const std::string &call) {
  std::string report = device->table.faultReport();
  if (report.empty())
    return fail(call + " failed");
  llvm::errs() << renderFault(report, request.file, text);
  if (schedule != 0)
    llvm::errs() << "note: under schedule " << schedule << " of " << request.schedules << "\n";
  code = kLaunchFailed;
  return false;
}

bool Simulation::open(unsigned seed) {
  simulator::SimulatorOptions options;
  options.schedulingSeed = seed;
  options.races = request.races;
  options.trace = request.trace;
  options.maxWarpInstructions = request.maxInstructions;
  options.budgetHint = "--max-instructions raises the limit";
  options.traced = [](const std::string &line) { llvm::outs() << line << "\n"; };
  options.note = [&](const std::string &note) { llvm::errs() << renderFault(note, request.file, text); };
  options.progress = [](const std::string &name, uint64_t ended, uint64_t blocks, uint64_t instructions) {
    llvm::errs() << llvm::formatv("{0}: {1} of {2} blocks, {3} million warp-instructions\n", name, ended, blocks,
                                  instructions / 1000000);
  };
  StringRef name = request.device.empty() || request.device == "sim" ? "h200" : StringRef(request.device);
  name.consume_front("sim:");
  device = simulator::makeSimulatedDevice(std::string_view(name.data(), name.size()), options);
  if (!device)
    return fail("there is no simulated device '" + name.str() + "'; see 'imbrex devices'");
  CUcontext context;
  device->table.init(0);
  device->table.primaryContextRetain(&context, 0);
  device->table.contextPushCurrent(context);
  return findKernel();
}

bool Simulation::findKernel() {
  CUmodule module;
  std::vector<std::string> kernels;
  if (device->table.moduleLoadDataEx(&module, text.c_str(), 0, nullptr, nullptr) != CUDA_SUCCESS)
    return failDevice("loading the PTX");
  device->extras.kernelNames(&kernels, module);
  kernel = request.options.kernel;
  if (kernel.empty() && kernels.size() == 1)
    kernel = kernels.front();
  if (kernel.empty() && kernels.empty())
    return fail("the file has no kernel that can be run; --kernel NAME tells why one cannot");
  if (kernel.empty())
    return fail("the file has " + std::to_string(kernels.size()) + " kernels: " + llvm::join(kernels, ", ") +
                "; name one with --kernel");
  CUresult found = device->table.moduleGetFunction(&function, module, kernel.c_str());
  if (found == CUDA_ERROR_NOT_FOUND)
    return fail("there is no kernel '" + kernel + "'; the file has " +
                (kernels.empty() ? "none that can be run" : llvm::join(kernels, ", ")));
  if (found != CUDA_SUCCESS)
    return failDevice("finding the kernel");
  sizes.clear();
  names.clear();
  device->extras.parameterNames(function, &names);
  size_t offset, bytes;
  for (size_t i = 0; device->extras.functionParameter(function, i, &offset, &bytes) == CUDA_SUCCESS; ++i)
    sizes.push_back(bytes);
  values.assign(sizes.size(), {});
  arrays.clear();
  return placeArguments();
}

/// A parameter by its number, or by its name in the PTX.
std::optional<size_t> Simulation::indexOf(const std::string &name) {
  if (auto at = llvm::find(names, name); at != names.end())
    return static_cast<size_t>(at - names.begin());
  size_t index;
  if (!StringRef(name).getAsInteger(10, index) && index < sizes.size())
    return index;
  fail("kernel '" + kernel + "' has no parameter '" + name + "'; it has " + std::to_string(sizes.size()) +
       (names.empty() ? "" : ", numbered from 0: " + llvm::join(names, ", ")));
  return std::nullopt;
}

bool Simulation::upload(DeviceArray &array) {
  size_t bytes = std::max<size_t>(
      array.given ? array.file.data.size() : static_cast<size_t>(array.file.elements()) * array.file.elementBytes(), 1);
  if (device->table.memAlloc(&array.address, bytes) != CUDA_SUCCESS)
    return fail("no device memory for " + std::to_string(bytes) + " bytes");
  if (!array.given || array.file.data.empty())
    return true;
  return device->table.memcpyHtoDAsync(array.address, array.file.data.data(), array.file.data.size(), nullptr) ==
             CUDA_SUCCESS ||
         failDevice("an upload");
}

bool Simulation::placeArgument(const NameValue &argument) {
  std::optional<size_t> index = indexOf(argument.name);
  if (!index)
    return false;
  std::string error;
  if (!StringRef(argument.value).ends_with(".npy"))
    return readPtxScalar(argument.value, sizes[*index], values[*index], error) ||
           fail("argument " + argument.name + ": " + error);
  DeviceArray array;
  array.given = true;
  return (npy::read(argument.value, array.file, error) || fail(error)) &&
         arrays.emplace(*index, std::move(array)).second;
}

bool Simulation::placeOutput(const NameValue &output) {
  std::optional<size_t> index = indexOf(output.name);
  if (!index)
    return false;
  DeviceArray wanted;
  if (!readPtxOutput(output.value, wanted.file, wanted.output))
    return fail("--out " + output.name +
                ": expected FILE.npy for an array that --arg gives, or TYPE:SHAPE or "
                "TYPE:SHAPE:FILE.npy such as f32:2x64:y.npy, found '" +
                output.value + "'");
  auto given = arrays.find(*index);
  if (given != arrays.end())
    given->second.output = wanted.output;
  else if (wanted.file.descr.empty())
    return fail("--out " + output.name +
                ": the array is not given by --arg; say its type and shape: f32:2x64:FILE.npy");
  else
    arrays.emplace(*index, std::move(wanted));
  return true;
}

bool Simulation::placeArguments() {
  for (const NameValue &argument : request.arguments)
    if (!placeArgument(argument))
      return false;
  for (const NameValue &output : request.outputs)
    if (!placeOutput(output))
      return false;
  for (auto &[index, array] : arrays) {
    if (sizes[index] != sizeof(CUdeviceptr))
      return fail("parameter " + std::to_string(index) + " has " + std::to_string(sizes[index]) + " bytes: no pointer");
    if (!upload(array))
      return false;
    values[index].resize(sizeof(CUdeviceptr));
    std::memcpy(values[index].data(), &array.address, sizeof(CUdeviceptr));
  }
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].empty())
      return fail("parameter " + std::to_string(i) + " (" + std::to_string(sizes[i]) +
                  " bytes) has no value; give --arg " + std::to_string(i) + "=VALUE or FILE.npy");
  return true;
}

bool Simulation::launch() {
  std::vector<void *> pointers;
  pointers.reserve(values.size() + 1);
  for (std::vector<char> &value : values)
    pointers.push_back(value.data());
  pointers.push_back(nullptr);
  const auto &[grid, block] = std::pair(request.grid, request.block);
  if (request.sharedBytes > 0)
    device->table.funcSetAttribute(function, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                                   static_cast<int>(request.sharedBytes));
  CUlaunchConfig config = {grid[0], grid[1], grid[2], block[0], block[1], block[2], request.sharedBytes,
                           nullptr, nullptr, 0};
  CUlaunchAttribute attributes[2] = {};
  config.attrs = attributes;
  if (request.cooperative) {
    attributes[config.numAttrs].id = CU_LAUNCH_ATTRIBUTE_COOPERATIVE;
    attributes[config.numAttrs++].value.number = 1;
  }
  if (request.cluster[0] != 0) {
    attributes[config.numAttrs].id = CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
    llvm::copy(request.cluster, attributes[config.numAttrs++].value.cluster);
  }
  return device->table.launchKernelEx(&config, function, pointers.data(), nullptr) == CUDA_SUCCESS ||
         failDevice("the launch");
}

/// Reads the arrays back; writes those that the user wants, or compares them with the first schedule's.
bool Simulation::collect(bool isFirst) {
  for (auto &[index, array] : arrays) {
    npy::Array &file = array.file;
    file.data.resize(static_cast<size_t>(file.elements()) * file.elementBytes());
    if (!file.data.empty() &&
        device->table.memcpyDtoHAsync(file.data.data(), array.address, file.data.size(), nullptr) != CUDA_SUCCESS)
      return failDevice("reading an array back");
    if (!isFirst) {
      if (file.data != first[index])
        llvm::errs() << "note: parameter " << index << " differs between schedule 0 and schedule " << schedule << "\n";
      continue;
    }
    first[index] = file.data;
    std::string error;
    if (!array.output.empty() && !npy::write(array.output, file, error))
      return fail(error);
    if (!array.output.empty())
      llvm::outs() << "parameter " << index << " -> " << array.output << "\n";
  }
  return true;
}

int Simulation::execute() {
  for (schedule = 0; schedule < request.schedules; ++schedule)
    if (!open(schedule) || !launch() || !collect(schedule == 0))
      return code;
  const auto &grid = request.grid;
  llvm::outs() << kernel << ": " << uint64_t(grid[0]) * grid[1] * grid[2] << " blocks, no fault"
               << (request.schedules > 1 ? " under " + std::to_string(request.schedules) + " schedules" : "") << "\n";
  return code;
}

int tool::simulate(const Request &request) {
  std::optional<Source> source = readSource(request.file);
  if (!source)
    return kUserError;
  if (StringRef(source->text)
          .starts_with("\x7f"
                       "ELF")) {
    llvm::errs() << request.file << ": error: this is machine code; only PTX, which is text, can be run\n";
    return kUserError;
  }
  return Simulation(request, source->text).execute();
}
