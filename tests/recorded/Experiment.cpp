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
  if (opcode == "cp")
    return asyncCopyExperiment(listed);
  bool symbol = !form->operands.empty() && form->operands.back().kind == FormOperand::Symbol;
  if (symbol || opcode == "bar" || opcode == "barrier" || opcode == "ret")
    return controlExperiment(listed);
  return elementwiseExperiment(listed);
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
  for (bool isOutput : experiment.pointerIsOutput)
    arguments.push_back(isOutput ? outputs[out++].address() : inputs[in++].address());
  arguments.insert(arguments.end(), experiment.values.begin(), experiment.values.end());
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
