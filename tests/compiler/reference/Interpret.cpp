//===- Interpret.cpp - Kernels as text, arrays as numbers -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Array conversions are spelled with the compiler's own _Float16 and by hand for bf16, not with the
// interpreter's code.
//
//===----------------------------------------------------------------------===//

#include "tests/compiler/reference/Interpret.h"
#include "llvm/ADT/APFloat.h"
#include <bit>
#include <cstring>
#include <gtest/gtest.h>

namespace imbrex::test {
namespace {

const llvm::fltSemantics &semanticsOf(DataType type) {
  return type == DataType::F8E4M3 ? llvm::APFloat::Float8E4M3FN() : llvm::APFloat::Float8E5M2();
}

double floatOfByte(DataType type, uint8_t bits) {
  llvm::APFloat value(semanticsOf(type), llvm::APInt(8, bits));
  bool loses;
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &loses);
  return value.convertToDouble();
}

uint8_t byteOfFloat(DataType type, double number) {
  llvm::APFloat value(number);
  bool loses;
  value.convert(semanticsOf(type), llvm::APFloat::rmNearestTiesToEven, &loses);
  return uint8_t(value.bitcastToAPInt().getZExtValue());
}

size_t bytesOf(DataType type) {
  switch (type) {
  case DataType::Bool:
  case DataType::I8:
  case DataType::U8:
  case DataType::F8E4M3:
  case DataType::F8E5M2:
    return 1;
  case DataType::F16:
  case DataType::BF16:
    return 2;
  case DataType::I32:
  case DataType::U32:
  case DataType::F32:
    return 4;
  case DataType::I64:
  case DataType::F64:
    return 8;
  }
  return 0;
}

std::string spelling(DataType type) {
  const char *names[] = {"i1", "i8", "i32", "i64", "i8", "i32", "f8E4M3FN", "f8E5M2", "f16", "bf16", "f32", "f64"};
  return names[unsigned(type)];
}

template <typename T> T fetch(const uint8_t *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}
template <typename T> void put(uint8_t *to, T value) { std::memcpy(to, &value, sizeof(T)); }

std::string replaceAll(std::string text, const std::string &from, const std::string &to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string runElementwise(const std::string &operation, DataType from, DataType to,
                           const std::vector<std::vector<double>> &inputs, Array &out) {
  std::vector<Array> arrays;
  std::string count = std::to_string(inputs[0].size()), parameters, loads;
  std::string in = "tensor<" + count + "x" + spelling(from) + ">",
              result = "tensor<" + count + "x" + spelling(to) + ">";
  for (size_t i = 0; i < inputs.size(); ++i) {
    arrays.push_back(Array(from, {int64_t(inputs[i].size())}, inputs[i]));
    std::string letter(1, char('a' + i)), view = "!tile.view<?x" + spelling(from) + ">";
    parameters += "%v" + letter + ": " + view + ", ";
    loads += "%" + letter + " = tile.load %v" + letter + "[%zero] dims [0] : " + view + " -> " + in + "\n";
  }
  std::string outView = "!tile.view<?x" + spelling(to) + ", out>";
  std::string text =
      "func.func @k(" + parameters + "%out: " + outView +
      ") attributes {tile.kernel = #tile.request<\"sm_80\", warps 1, stages 1>} {\n%zero = arith.constant 0 : i32\n" +
      loads + "%r = " + replaceAll(replaceAll(operation, "IN", in), "OUT", result) +
      "\ntile.store %r, %out[%zero] dims [0] : " + result + ", " + outView + "\nreturn\n}";
  std::vector<reference::Argument> arguments;
  for (Array &array : arrays)
    arguments.push_back(array.view());
  arguments.push_back(out.view());
  return runKernel(text, {1, 1, 1}, arguments);
}

} // namespace

Array::Array(DataType type, std::vector<int64_t> extents, const std::vector<double> &values)
    : type(type), extents(std::move(extents)), count(1) {
  for (int64_t extent : this->extents)
    count *= extent;
  bytes.assign(std::max<size_t>(1, count * bytesOf(type)), 0);
  EXPECT_TRUE(values.empty() || values.size() == count);
  for (size_t i = 0; i < values.size(); ++i)
    set(i, values[i]);
}

reference::ViewData Array::view() {
  std::vector<int64_t> strides(extents.size(), 1);
  for (size_t d = extents.size(); d-- > 1;)
    strides[d - 1] = strides[d] * extents[d];
  return {bytes.data(), type, extents, strides};
}

double Array::get(size_t index) const {
  const uint8_t *at = bytes.data() + index * bytesOf(type);
  switch (type) {
  case DataType::Bool:
    return *at;
  case DataType::I8:
    return fetch<int8_t>(at);
  case DataType::I32:
    return fetch<int32_t>(at);
  case DataType::I64:
    return double(fetch<int64_t>(at));
  case DataType::U8:
    return fetch<uint8_t>(at);
  case DataType::U32:
    return fetch<uint32_t>(at);
  case DataType::F8E4M3:
  case DataType::F8E5M2:
    return floatOfByte(type, *at);
  case DataType::F16:
    return double(fetch<_Float16>(at));
  case DataType::BF16:
    return std::bit_cast<float>(uint32_t(fetch<uint16_t>(at)) << 16);
  case DataType::F32:
    return fetch<float>(at);
  case DataType::F64:
    return fetch<double>(at);
  }
  return 0;
}

void Array::set(size_t index, double value) {
  uint8_t *at = bytes.data() + index * bytesOf(type);
  switch (type) {
  case DataType::Bool:
    return put<uint8_t>(at, value != 0);
  case DataType::I8:
    return put<int8_t>(at, int8_t(value));
  case DataType::I32:
    return put<int32_t>(at, int32_t(value));
  case DataType::I64:
    return put<int64_t>(at, int64_t(value));
  case DataType::U8:
    return put<uint8_t>(at, uint8_t(value));
  case DataType::U32:
    return put<uint32_t>(at, uint32_t(value));
  case DataType::F8E4M3:
  case DataType::F8E5M2:
    return put<uint8_t>(at, byteOfFloat(type, value));
  case DataType::F16:
    return put<_Float16>(at, _Float16(value));
  case DataType::BF16:
    return put<uint16_t>(at, uint16_t(std::bit_cast<uint32_t>(float(value)) >> 16));
  case DataType::F32:
    return put<float>(at, float(value));
  case DataType::F64:
    return put<double>(at, value);
  }
}

std::vector<double> Array::all() const {
  std::vector<double> values;
  for (size_t i = 0; i < count; ++i)
    values.push_back(get(i));
  return values;
}

std::string runKernel(const std::string &text, std::array<int64_t, 3> grid,
                      const std::vector<reference::Argument> &arguments, const reference::InterpreterOptions &options) {
  return reference::interpretText(text, grid, arguments, options).value_or("");
}

std::vector<double> elementwise(const std::string &operation, DataType from, DataType to,
                                const std::vector<std::vector<double>> &inputs) {
  Array out(to, {int64_t(inputs[0].size())});
  EXPECT_EQ(runElementwise(operation, from, to, inputs, out), "") << operation;
  return out.all();
}

std::string elementwiseError(const std::string &operation, DataType from, DataType to,
                             const std::vector<std::vector<double>> &inputs) {
  Array out(to, {int64_t(inputs[0].size())});
  std::string error = runElementwise(operation, from, to, inputs, out);
  EXPECT_NE(error, "") << operation;
  return error;
}

} // namespace imbrex::test
