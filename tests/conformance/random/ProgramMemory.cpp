//===- ProgramMemory.cpp - The memory of a generated program --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contents follow from the program's seed.
//
//===----------------------------------------------------------------------===//

#include "tests/conformance/random/ProgramMemory.h"
#include "compiler/reference/Reference.h"
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

using namespace imbrex;
using namespace imbrex::test;

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

/// A float of 8 bits: the upper byte of an f16, for f8e4m3 of 2^-8 of it and one bit further up; 0x7f is NaN there.
static double numberOf(DataType type, uint8_t bits) {
  if (type == DataType::F8E5M2)
    return double(std::bit_cast<_Float16>(uint16_t(bits << 8)));
  double size = double(std::bit_cast<_Float16>(uint16_t((bits & 0x7f) << 7))) * 256;
  return std::copysign((bits & 0x7f) == 0x7f ? NAN : size, bits & 0x80 ? -1.0 : 1.0);
}

/// The nearest that is no larger in size: any number of the type will do.
static uint8_t byteOf(DataType type, double value) {
  uint8_t best = 0;
  for (uint8_t bits = 0; bits < 0x7c; ++bits)
    best = numberOf(type, bits) <= std::fabs(value) ? bits : best;
  return uint8_t(best | (std::signbit(value) ? 0x80 : 0));
}

void test::encodeElement(uint8_t *to, DataType type, double value, int64_t integer) {
  switch (type) {
  case DataType::Bool:
    return put<uint8_t>(to, integer & 1);
  case DataType::I8:
    return put<int8_t>(to, int8_t(integer));
  case DataType::I32:
    return put<int32_t>(to, int32_t(integer));
  case DataType::I64:
    return put<int64_t>(to, integer);
  case DataType::U8:
    return put<uint8_t>(to, uint8_t(integer));
  case DataType::U32:
    return put<uint32_t>(to, uint32_t(integer));
  case DataType::F8E4M3:
  case DataType::F8E5M2:
    return put<uint8_t>(to, byteOf(type, value));
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
  if (isF8(type))
    return numberOf(type, *from);
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
    encodeElement(&bytes[size_t(at) * size], plan.type, value, small ? int64_t(bits % 201) - 100 : int64_t(bits));
  });
  if (plan.output && !plan.inPlace)
    std::fill(bytes.begin(), bytes.end(), 0xa5);
  return bytes;
}

std::vector<double> test::viewOf(const ArrayPlan &plan, const Bytes &bytes) {
  std::vector<double> values;
  forEachElement(
      plan, [&](int64_t at) { values.push_back(decodeFloat(&bytes[size_t(at) * byteSize(plan.type)], plan.type)); });
  return values;
}

std::vector<int64_t> test::denseStrides(const std::vector<int64_t> &extents) {
  std::vector<int64_t> strides(extents.size(), 1);
  for (size_t d = extents.size(); d-- > 1;)
    strides[d - 1] = strides[d] * extents[d];
  return strides;
}

std::string test::interpretProgram(const Program &program, const std::string &text, std::vector<Bytes> &memory,
                                   std::vector<std::vector<double>> *errors) {
  std::vector<reference::Argument> arguments;
  if (errors)
    errors->resize(program.arrays.size());
  for (size_t i = 0; i < program.arrays.size(); ++i) {
    const ArrayPlan &plan = program.arrays[i];
    if (!plan.absent)
      arguments.emplace_back(reference::ViewData{memory[i].data() + plan.offset * byteSize(plan.type), plan.type,
                                                 plan.extents, plan.strides,
                                                 errors && plan.output ? &(*errors)[i] : nullptr});
  }
  for (const ScalarPlan &scalar : program.scalars)
    if (isFloat(scalar.type))
      arguments.emplace_back(scalar.value);
    else
      arguments.emplace_back(int64_t(scalar.value));
  std::vector<AddedPlan> added = program.added; // arguments point into it
  for (AddedPlan &plan : added)
    if (plan.extents.empty())
      arguments.emplace_back(int64_t(plan.values[0]));
    else
      arguments.emplace_back(
          reference::ViewData{plan.values.data(), plan.type, plan.extents, denseStrides(plan.extents), nullptr});
  std::optional<std::string> error = reference::interpretText(text, program.grid, arguments);
  return error ? "interpreter: " + *error : "";
}

std::vector<Bytes> test::initialMemory(const Program &program) {
  std::vector<Bytes> memory;
  for (size_t i = 0; i < program.arrays.size(); ++i)
    memory.push_back(fill(program.arrays[i], program.seed * 64 + i));
  return memory;
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

std::string test::compareMemory(const Program &program, const std::vector<Bytes> &expected,
                                const std::vector<Bytes> &actual) {
  for (size_t i = 0; i < program.arrays.size(); ++i)
    if (std::string error = compareArray(program.arrays[i], expected[i], actual[i]); !error.empty())
      return error;
  return "";
}
