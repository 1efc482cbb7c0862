//===- RunProgram.cpp - One program on the interpreter and on the device --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both sides start from the same bytes (ProgramMemory.h).
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "runtime/TensorMap.h"
#include "tests/conformance/random/ProgramMemory.h"
#include "tests/support/RawDevice.h"
#include "tests/support/RunMode.h"
#include <algorithm>
#include <cstdio>

using namespace imbrex;
using namespace imbrex::test;
using imbrex::testing::RawArgument;
using imbrex::testing::RawDevice;
using imbrex::testing::RawShape;

/// The alignment of a view without a tensor map.
static constexpr unsigned kUnmapped = 8;

static RawArgument scalarArgument(const ScalarPlan &scalar) {
  uint64_t word = 0;
  encodeElement(reinterpret_cast<uint8_t *>(&word), scalar.type, scalar.value, int64_t(scalar.value));
  return word;
}

static RawArgument addedArgument(const AddedPlan &added, const LaunchValue &value, const RawDevice::Memory &memory) {
  if (value.kind == LaunchValue::Kind::Pointer)
    return memory.address();
  if (value.kind == LaunchValue::Kind::Extent)
    return int32_t(added.extents[value.index]);
  if (value.kind == LaunchValue::Kind::Stride)
    return denseStrides(added.extents)[value.index];
  return added.values[0];
}

static RawArgument mapOf(const RawDevice &device, const ArrayPlan &array, const LaunchValue &value, uint64_t address) {
  TensorMapShape shape{address, array.type, unsigned(array.extents.size())};
  std::copy(array.extents.begin(), array.extents.end(), shape.extents.begin());
  std::copy(array.strides.begin(), array.strides.end(), shape.strides.begin());
  std::copy(value.box.begin(), value.box.end(), shape.box.begin());
  shape.span = value.span;
  cuda::CUtensorMap map;
  encodeTensorMap(device.driver(), shape, array.name, map).value();
  return map;
}

/// The interface's launch values: each in the low bytes of its word.
static std::vector<RawArgument> packArguments(const RawDevice &device, const Program &program,
                                              const KernelInterface &interface,
                                              const std::vector<RawDevice::Memory> &memory,
                                              const std::vector<RawDevice::Memory> &addedMemory) {
  std::vector<RawArgument> packed;
  for (const LaunchValue &value : interface.launchValues) {
    auto named = [&](const auto &each) { return each.name == value.name; };
    if (value.kind == LaunchValue::Kind::GridExtent)
      packed.emplace_back(int32_t(program.grid[value.index]));
    if (auto scalar = std::find_if(program.scalars.begin(), program.scalars.end(), named);
        scalar != program.scalars.end())
      packed.push_back(scalarArgument(*scalar));
    if (auto added = std::find_if(program.added.begin(), program.added.end(), named); added != program.added.end())
      packed.push_back(addedArgument(*added, value, addedMemory[size_t(added - program.added.begin())]));
    auto array = std::find_if(program.arrays.begin(), program.arrays.end(), named);
    if (array == program.arrays.end())
      continue;
    const uint64_t address =
        memory[size_t(array - program.arrays.begin())].address() + uint64_t(array->offset) * byteSize(array->type);
    if (value.kind == LaunchValue::Kind::Pointer)
      packed.emplace_back(address);
    if (value.kind == LaunchValue::Kind::TensorMap)
      packed.emplace_back(mapOf(device, *array, value, address));
    if (value.kind == LaunchValue::Kind::Extent)
      packed.emplace_back(int32_t(array->extents[value.index]));
    if (value.kind == LaunchValue::Kind::Stride)
      packed.emplace_back(array->strides[value.index]);
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
  std::vector<RawDevice::Memory> added;
  for (const AddedPlan &plan : program.added) {
    Result<RawDevice::Memory> array = device.allocate(plan.values.size() * sizeof(int32_t));
    if (!array)
      return array.takeError();
    if (Result<void> sent = array->upload(std::as_bytes(std::span(plan.values))); !sent)
      return sent;
    added.push_back(std::move(*array));
  }
  std::array<unsigned, 3> ctas = {unsigned(program.grid[0]), unsigned(program.grid[1]), unsigned(program.grid[2])};
  if (kernel.interface.resident() > 0) // each goes through some instances, the first ones perhaps through one more
    ctas = {(ctas[0] * ctas[1] * ctas[2] + 2) / 3, 1, 1};
  RawShape shape{{ctas[0], ctas[1], ctas[2]}, {kernel.interface.warps * 32, 1, 1}, kernel.interface.sharedBytes};
  Result<void> done = device.launch(*loaded, shape, packArguments(device, program, kernel.interface, arrays, added));
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
  for (const ArrayPlan &array : program.arrays) // as the runtime does
    if (!hasTensorMap(array.type, array.extents, array.strides)) {
      unsigned &alignment = options.alignment.try_emplace(array.name, kUnmapped).first->second;
      alignment = std::min(alignment, kUnmapped);
    }
  if (!testing::runMode().device.empty())
    options.target = device->info().target; // the program's own may be later than the device
  std::string tileText;
  auto keepTile = [&](Stage stage, std::string_view text) {
    if (stage == Stage::Tile)
      tileText = text;
  };
  CompileResult result = compile({"random.tile", program.text, program.imports}, options, Stage::Ptx, keepTile);
  if (!result.kernel) {
    outcome.isRefused = result.limit() == SizeLimit::Instructions;
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
