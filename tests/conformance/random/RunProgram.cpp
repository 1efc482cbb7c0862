//===- RunProgram.cpp - One program on the interpreter and on the device --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both sides start from the same bytes (ProgramMemory.h).
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "tests/conformance/random/ProgramMemory.h"
#include "tests/support/RawDevice.h"
#include "tests/support/RunMode.h"
#include <cstdio>

using namespace imbrex;
using namespace imbrex::test;
using imbrex::testing::RawArgument;
using imbrex::testing::RawDevice;
using imbrex::testing::RawShape;

/// The parameters of a launch, in the order KernelInterface.h gives: each in the low bytes of its word.
static std::vector<RawArgument> packArguments(const Program &program, const KernelInterface &interface,
                                              const std::vector<RawDevice::Memory> &memory) {
  std::vector<RawArgument> packed;
  for (size_t i = 0; i < program.arrays.size(); ++i) {
    const ArrayPlan &plan = program.arrays[i];
    if (plan.absent)
      continue;
    packed.push_back(memory[i].address() + uint64_t(plan.offset) * byteSize(plan.type));
    for (unsigned d = 0; d < plan.extents.size(); ++d)
      if (interface.isDynamic(interface.parameters[i], d))
        packed.push_back(int32_t(plan.extents[d]));
    for (size_t d = 0; d + 1 < plan.extents.size(); ++d)
      packed.push_back(plan.strides[d]);
  }
  for (const ScalarPlan &scalar : program.scalars) {
    uint64_t word = 0;
    encodeElement(reinterpret_cast<uint8_t *>(&word), scalar.type, scalar.value, int64_t(scalar.value));
    packed.push_back(word);
  }
  return packed;
}

/// The program's own simulated device, or the one that was asked for, opened once.
static Result<RawDevice> openDevice(const Program &program) {
  const std::string &wanted = testing::runMode().device;
  if (!wanted.starts_with("cuda:"))
    return RawDevice::open(wanted.empty() ? "sim:" + program.device : wanted,
                           {.threads = 1, .schedulingSeed = unsigned(program.seed % 3)});
  static const Result<RawDevice> gpu = RawDevice::open(wanted);
  return gpu;
}

static Result<void> launchOn(const RawDevice &device, const Program &program, const CompiledKernel &kernel,
                             std::vector<Bytes> &memory) {
  Result<RawDevice::Kernel> loaded = device.load(kernel.code, kernel.interface.entry);
  if (!loaded)
    return loaded.takeError();
  std::vector<RawDevice::Memory> arrays;
  for (const Bytes &bytes : memory) {
    Result<RawDevice::Memory> array = device.allocate(bytes.size());
    if (!array)
      return array.takeError();
    if (Result<void> sent = array->upload(std::as_bytes(std::span(bytes))); !sent)
      return sent;
    arrays.push_back(std::move(*array));
  }
  RawShape shape{{unsigned(program.grid[0]), unsigned(program.grid[1]), unsigned(program.grid[2])},
                 {kernel.interface.warps * 32, 1, 1},
                 kernel.interface.sharedBytes};
  Result<void> done = device.launch(*loaded, shape, packArguments(program, kernel.interface, arrays));
  for (size_t i = 0; done && i < memory.size(); ++i)
    done = arrays[i].download(std::as_writable_bytes(std::span(memory[i])));
  return done;
}

Outcome test::runBoth(const Program &program, const std::vector<Bytes> &initial, bool withErrors) {
  Outcome outcome;
  Result<RawDevice> device = openDevice(program);
  if (!device) {
    outcome.error = device.error().render();
    return outcome;
  }
  CompileOptions options = program.options;
  if (!testing::runMode().device.empty())
    options.target = device->info().target; // the program's own may be later than the device
  std::string tileText;
  CompileResult result =
      compile({"random.tile", program.text}, options, Stage::Ptx, [&](Stage stage, std::string_view text) {
        if (stage == Stage::Tile)
          tileText = text;
      });
  if (!result.kernel) {
    outcome.isRefused = result.errors().find("instructions of each thread, more than") != std::string::npos;
    outcome.error = "compiler: " + result.errors();
    return outcome;
  }
  outcome.expected = outcome.actual = initial;
  outcome.error = interpretProgram(program, tileText, outcome.expected, withErrors ? &outcome.errors : nullptr);
  if (!outcome.error.empty())
    return outcome;
  if (Result<void> done = launchOn(*device, program, *result.kernel, outcome.actual); !done)
    outcome.error = "launch: " + done.error().render();
  return outcome;
}

std::string test::runProgram(const Program &program) {
  Outcome outcome = runBoth(program, initialMemory(program), /*withErrors=*/false);
  if (outcome.isRefused) {
    std::printf("  seed %llu is refused: too many instructions\n", (unsigned long long)program.seed);
    return "";
  }
  return outcome.error.empty() ? compareMemory(program, outcome.expected, outcome.actual) : outcome.error;
}
