//===- Experiment.cpp - One form, one kernel, its operands ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which family a form belongs to, and the run on a device.
//
//===----------------------------------------------------------------------===//

#include "tests/recorded/Experiment.h"
#include "tests/recorded/Models.h"
#include <numeric>

using namespace imbrex;
using namespace imbrex::recorded;

size_t Experiment::threads() const {
  size_t count = 1;
  for (int i = 0; i < 3; ++i)
    count *= size_t(shape.grid[size_t(i)]) * shape.block[size_t(i)];
  return count;
}

size_t Experiment::outputBytes() const {
  size_t bytes = 0;
  for (const Array &array : outputs)
    bytes += array.slotBytes() * threads();
  return bytes;
}

static std::string_view viewOf(const Bytes &bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

uint64_t Experiment::kernelChecksum() const { return checksum(ptx + " " + std::to_string(threads())); }

uint64_t Experiment::operandChecksum() const {
  std::string sums;
  for (const Array &array : inputs)
    sums += std::to_string(checksum(viewOf(array.data))) + " ";
  return checksum(sums);
}

ExperimentResult recorded::makeExperiment(const ListedForm &listed) {
  std::optional<Form> form = Form::parse(listed.form);
  if (!form)
    return {std::nullopt, "it is no form"};
  if (std::string reason = whyNoModel(*form); !reason.empty())
    return {std::nullopt, reason};
  const std::string &opcode = form->opcode;
  if (opcode == "ld" && form->has("param"))
    return parameterExperiment(listed);
  if (opcode == "ld" || opcode == "st" || opcode == "red")
    return memoryExperiment(listed);
  if (opcode == "ldmatrix" || opcode == "stmatrix")
    return matrixMemoryExperiment(listed);
  if (opcode == "wgmma" || (opcode == "fence" && form->has("proxy")))
    return warpgroupExperiment(listed);
  if (opcode == "mbarrier" || opcode == "fence" || (opcode == "cp" && (form->has("mbarrier") || form->has("bulk"))))
    return barrierExperiment(listed);
  if (opcode == "cp")
    return asyncCopyExperiment(listed);
  bool symbol = !form->operands.empty() && form->operands.back().kind == FormOperand::Symbol;
  if (symbol || opcode == "bar" || opcode == "barrier" || opcode == "ret" || opcode == "setmaxnreg" ||
      opcode == "membar" || opcode == "pmevent")
    return controlExperiment(listed);
  return elementwiseExperiment(listed);
}

std::vector<unsigned> TensorTile::box() const {
  switch (rank) {
  case 2:
    return {4, 128};
  case 3:
    return {4, 8, 16};
  case 4:
    return {4, 8, 4, 4};
  default:
    return {4, 8, 4, 2, 2};
  }
}

/// The map of the whole input: boxes follow each other in the slowest dimension.
static Result<cuda::CUtensorMap> encodeTensor(const testing::RawDevice &device, const TensorTile &tensor,
                                              uint64_t address, unsigned boxes) {
  constexpr int kUint32 = 2; // CU_TENSOR_MAP_DATA_TYPE_UINT32
  std::vector<unsigned> box = tensor.box(), steps(box.size(), 1);
  std::vector<unsigned long long> extents(box.begin(), box.end()), strides;
  extents.back() *= boxes;
  unsigned long long bytes = 4;
  for (size_t i = 0; i + 1 < extents.size(); ++i)
    strides.push_back(bytes *= extents[i]);
  cuda::CUtensorMap map;
  const cuda::DriverTable &driver = device.driver();
  if (!driver.tensorMapEncodeTiled)
    return Error{ErrorKind::Driver, "the driver has no cuTensorMapEncodeTiled"};
  int code = int(driver.tensorMapEncodeTiled(&map, kUint32, tensor.rank, reinterpret_cast<void *>(address),
                                             extents.data(), strides.data(), box.data(), steps.data(), 0, 0, 0, 0));
  if (code != 0)
    return Error{ErrorKind::Driver, "cuTensorMapEncodeTiled answered " + std::to_string(code)};
  return map;
}

Result<Bytes> recorded::runExperiment(const testing::RawDevice &device, const Experiment &experiment) {
  using Memory = testing::RawDevice::Memory;
  Result<testing::RawDevice::Kernel> kernel = device.load(experiment.ptx, "k");
  if (!kernel)
    return kernel.takeError();
  std::vector<Memory> inputs, outputs, arrays;
  for (const Array &array : experiment.inputs) {
    Result<Memory> memory = device.allocate(array.data.size());
    if (!memory)
      return memory.takeError();
    if (Result<void> sent = memory->upload(std::as_bytes(std::span(array.data))); !sent)
      return sent.takeError();
    inputs.push_back(*memory);
  }
  for (const Array &array : experiment.outputs) {
    Result<Memory> memory = device.allocate(array.slotBytes() * experiment.threads(), 0xA5);
    if (!memory)
      return memory.takeError();
    outputs.push_back(*memory);
  }
  std::vector<testing::RawArgument> arguments;
  size_t in = 0, out = 0;
  for (bool isOutput : experiment.pointerIsOutput) {
    in += experiment.tensor && experiment.tensor->input == in; // known by its map alone
    arguments.push_back(isOutput ? outputs[out++].address() : inputs[in++].address());
  }
  arguments.insert(arguments.end(), experiment.values.begin(), experiment.values.end());
  if (experiment.tensor) {
    Result<cuda::CUtensorMap> map =
        encodeTensor(device, *experiment.tensor, inputs[experiment.tensor->input].address(), experiment.shape.grid[0]);
    if (!map)
      return map.takeError();
    arguments.push_back(*map);
  }
  if (Result<void> ran = device.launch(*kernel, experiment.shape, arguments); !ran)
    return ran.takeError();
  Bytes results(experiment.outputBytes());
  size_t at = 0;
  for (const Memory &memory : outputs) {
    if (Result<void> read = memory.download(std::as_writable_bytes(std::span(results).subspan(at, memory.bytes())));
        !read)
      return read.takeError();
    at += memory.bytes();
  }
  return results;
}
