//===- RunProgram.cpp - One program on the interpreter and on the device --===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both sides start from the same bytes. Between rows, and before them, lie bytes of ones (NaN as a
// float): a load that strays is seen in the result, a store that strays in the final comparison.
//
//===----------------------------------------------------------------------===//

#include "compiler/Compiler.h"
#include "compiler/reference/Reference.h"
#include "tests/conformance/random/Program.h"
#include "tests/support/RawDevice.h"
#include "tests/support/RunMode.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

using namespace imbrex;
using namespace imbrex::test;
using imbrex::testing::RawArgument;
using imbrex::testing::RawDevice;
using imbrex::testing::RawShape;
using Bytes = std::vector<uint8_t>;

static int64_t spanOf(const ArrayPlan &plan) {
  int64_t last = 0;
  for (size_t d = 0; d < plan.extents.size(); ++d)
    last += (plan.extents[d] - 1) * plan.strides[d];
  return plan.offset + last + 1;
}

/// Calls fn(element) for the place in memory of every element of the view.
template <typename Fn> static void forEachElement(const ArrayPlan &plan, Fn fn) {
  std::vector<int64_t> index(plan.extents.size(), 0);
  while (true) {
    int64_t at = plan.offset;
    for (size_t d = 0; d < index.size(); ++d)
      at += index[d] * plan.strides[d];
    fn(at);
    size_t d = index.size();
    while (d > 0 && ++index[d - 1] == plan.extents[d - 1])
      index[--d] = 0;
    if (d == 0)
      return;
  }
}

template <typename T> static void put(uint8_t *to, T value) { std::memcpy(to, &value, sizeof(T)); }
template <typename T> static T fetch(const uint8_t *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

static void encode(uint8_t *to, DataType type, double value, int64_t integer) {
  switch (type) {
  case DataType::Bool:
    return put<uint8_t>(to, integer & 1);
  case DataType::I8:
    return put<int8_t>(to, int8_t(integer));
  case DataType::I32:
    return put<int32_t>(to, int32_t(integer));
  case DataType::I64:
    return put<int64_t>(to, integer);
  case DataType::F16:
    return put<_Float16>(to, _Float16(value));
  case DataType::BF16:
    return put<uint16_t>(to, uint16_t(std::bit_cast<uint32_t>(float(value)) >> 16));
  case DataType::F32:
    return put<float>(to, float(value));
  case DataType::F64:
    return put<double>(to, value);
  }
}

static double decodeFloat(const uint8_t *from, DataType type) {
  if (type == DataType::F16)
    return double(fetch<_Float16>(from));
  if (type == DataType::BF16)
    return std::bit_cast<float>(uint32_t(fetch<uint16_t>(from)) << 16);
  return type == DataType::F32 ? double(fetch<float>(from)) : fetch<double>(from);
}

static Bytes fill(const ArrayPlan &plan, uint64_t seed) {
  unsigned size = byteSize(plan.type);
  Bytes bytes(size_t(spanOf(plan)) * size, 0xff);
  std::mt19937_64 random(seed);
  forEachElement(plan, [&](int64_t at) {
    uint64_t bits = random();
    double value = double(int64_t(bits % 65) - 32) / 8;
    if (plan.contents == ArrayPlan::Rough)
      value = double(int64_t(bits >> 11)) * 0x1p-50 - 4;
    bool small = plan.contents == ArrayPlan::Small;
    encode(&bytes[size_t(at) * size], plan.type, value, small ? int64_t(bits % 201) - 100 : int64_t(bits));
  });
  if (plan.output)
    std::fill(bytes.begin(), bytes.end(), 0xa5);
  return bytes;
}

static std::string interpretProgram(const Program &program, const std::string &text, std::vector<Bytes> &memory) {
  std::vector<reference::Argument> arguments;
  for (size_t i = 0; i < program.arrays.size(); ++i) {
    const ArrayPlan &plan = program.arrays[i];
    if (!plan.absent)
      arguments.push_back(reference::ViewData{memory[i].data() + plan.offset * byteSize(plan.type), plan.type,
                                              plan.extents, plan.strides});
  }
  for (const ScalarPlan &scalar : program.scalars)
    if (isFloat(scalar.type))
      arguments.push_back(scalar.value);
    else
      arguments.push_back(int64_t(scalar.value));
  std::optional<std::string> error = reference::interpretText(text, program.grid, arguments);
  return error ? "interpreter: " + *error : "";
}

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
    encode(reinterpret_cast<uint8_t *>(&word), scalar.type, scalar.value, int64_t(scalar.value));
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

/// The first element that differs by more than the plan allows. Integers, bools and all bytes outside
/// the view must be equal.
static std::string compareArray(const ArrayPlan &plan, const Bytes &expected, const Bytes &actual) {
  unsigned size = byteSize(plan.type);
  std::vector<bool> inView(expected.size() / size, false);
  forEachElement(plan, [&](int64_t at) { inView[size_t(at)] = true; });
  size_t wrong = 0, first = 0;
  for (size_t at = 0; at < inView.size(); ++at) {
    const uint8_t *e = &expected[at * size], *a = &actual[at * size];
    if (std::memcmp(e, a, size) == 0)
      continue;
    if (inView[at] && isFloat(plan.type) &&
        std::fabs(decodeFloat(e, plan.type) - decodeFloat(a, plan.type)) <= plan.tolerance)
      continue;
    if (wrong++ == 0)
      first = at;
  }
  if (wrong == 0)
    return "";
  auto show = [&](const Bytes &bytes) {
    if (isFloat(plan.type))
      return std::to_string(decodeFloat(&bytes[first * size], plan.type));
    int64_t value = 0;
    std::memcpy(&value, &bytes[first * size], size);
    return std::to_string(value);
  };
  return plan.name + ": " + std::to_string(wrong) + " of " + std::to_string(inView.size()) +
         " elements differ; the first at " + std::to_string(first) + (inView[first] ? "" : " (outside the view)") +
         ": expected " + show(expected) + ", found " + show(actual) + ", tolerance " + std::to_string(plan.tolerance);
}

std::string test::runProgram(const Program &program) {
  Result<RawDevice> device = openDevice(program);
  if (!device)
    return device.error().render();
  CompileOptions options = program.options;
  if (!testing::runMode().device.empty())
    options.target = device->info().target; // the program's own may be later than the device
  std::string tileText;
  CompileResult result =
      compile({"random.tile", program.text}, options, Stage::Ptx, [&](Stage stage, std::string_view text) {
        if (stage == Stage::Tile)
          tileText = text;
      });
  if (!result.kernel)
    return "compiler: " + result.errors();
  std::vector<Bytes> expected;
  for (size_t i = 0; i < program.arrays.size(); ++i)
    expected.push_back(fill(program.arrays[i], program.seed * 64 + i));
  std::vector<Bytes> actual = expected;
  if (std::string error = interpretProgram(program, tileText, expected); !error.empty())
    return error;
  if (Result<void> done = launchOn(*device, program, *result.kernel, actual); !done)
    return "launch: " + done.error().render();
  for (size_t i = 0; i < program.arrays.size(); ++i)
    if (std::string error = compareArray(program.arrays[i], expected[i], actual[i]); !error.empty())
      return error;
  return "";
}
