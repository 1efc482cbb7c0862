//===- Npy.cpp - Arrays in .npy files -------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The header is a Python dictionary of three known keys; anything else in it is an error.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/Npy.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>
#include <cstring>

using namespace imbrex;
using namespace imbrex::npy;
using llvm::StringRef;

int64_t Array::elements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static const llvm::fltSemantics &semantics(DataType type) {
  switch (type) {
  case DataType::F8E4M3:
    return llvm::APFloat::Float8E4M3FN();
  case DataType::F8E5M2:
    return llvm::APFloat::Float8E5M2();
  case DataType::F16:
    return llvm::APFloat::IEEEhalf();
  case DataType::BF16:
    return llvm::APFloat::BFloat();
  case DataType::F32:
    return llvm::APFloat::IEEEsingle();
  default:
    return llvm::APFloat::IEEEdouble();
  }
}

template <typename T> static double load(const char *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return double(value);
}

template <typename T> static void store(T value, char *to) { std::memcpy(to, &value, sizeof(T)); }

double npy::decode(const char *element, DataType type) {
  switch (type) {
  case DataType::Bool:
    return *element != 0;
  case DataType::I8:
    return load<int8_t>(element);
  case DataType::I32:
    return load<int32_t>(element);
  case DataType::I64:
    return load<int64_t>(element);
  case DataType::U8:
    return load<uint8_t>(element);
  case DataType::U32:
    return load<uint32_t>(element);
  case DataType::F32:
    return load<float>(element);
  case DataType::F64:
    return load<double>(element);
  case DataType::F8E4M3:
  case DataType::F8E5M2:
  case DataType::F16:
  case DataType::BF16:
    break;
  }
  uint16_t bits = 0;
  std::memcpy(&bits, element, byteSize(type));
  bool loses;
  llvm::APFloat value(semantics(type), llvm::APInt(8 * byteSize(type), bits));
  value.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &loses);
  return value.convertToDouble();
}

void npy::encode(double value, DataType type, char *element) {
  switch (type) {
  case DataType::Bool:
    return store<int8_t>(value != 0, element);
  case DataType::I8:
    return store<int8_t>(int8_t(value), element);
  case DataType::I32:
    return store<int32_t>(int32_t(value), element);
  case DataType::I64:
    return store<int64_t>(int64_t(value), element);
  case DataType::U8:
    return store<uint8_t>(uint8_t(value), element);
  case DataType::U32:
    return store<uint32_t>(uint32_t(value), element);
  case DataType::F32:
    return store<float>(float(value), element);
  case DataType::F64:
    return store<double>(value, element);
  case DataType::F8E4M3:
  case DataType::F8E5M2:
  case DataType::F16:
  case DataType::BF16:
    break;
  }
  bool loses;
  llvm::APFloat wide(value);
  wide.convert(semantics(type), llvm::APFloat::rmNearestTiesToEven, &loses);
  if (isF8(type) && !wide.isFinite() && !std::isnan(value)) // as a cast does, the largest number
    wide = llvm::APFloat::getLargest(semantics(type), std::signbit(value));
  uint64_t bits = wide.bitcastToAPInt().getZExtValue();
  std::memcpy(element, &bits, byteSize(type));
}

/// The element type that holds a file's elements as they are; false for raw bits.
static bool nativeType(StringRef descr, DataType &type) {
  const std::pair<StringRef, DataType> table[] = {
      {"f2", DataType::F16},  {"f4", DataType::F32}, {"f8", DataType::F64},
      {"i1", DataType::I8},   {"i4", DataType::I32}, {"i8", DataType::I64},
      {"b1", DataType::Bool}, {"u1", DataType::U8},  {"u4", DataType::U32},
  };
  for (auto [name, native] : table)
    if (name == descr) {
      type = native;
      return true;
    }
  return false;
}

bool npy::toElements(const Array &array, DataType type, std::vector<char> &elements, std::string &error) {
  unsigned bytes = byteSize(type);
  elements.resize(array.elements() * bytes);
  bool raw = (array.descr == "u2" && bytes == 2) || (array.descr == "u1" && bytes == 1);
  DataType from;
  bool native = nativeType(array.descr, from);
  if (raw || (native && from == type)) {
    elements = array.data;
    return true;
  }
  if (!native || isFloat(from) != isFloat(type)) {
    error = "an array of '" + array.descr + "' cannot be read as " + std::string(name(type));
    if (isFloat(type) && bytes <= 2)
      error += "; its bits can be given as an array of '" + std::string(bytes == 1 ? "u1" : "u2") + "'";
    return false;
  }
  for (int64_t i = 0, e = array.elements(); i < e; ++i) {
    double value = decode(&array.data[i * array.elementBytes()], from);
    char *to = &elements[i * bytes];
    encode(value, type, to);
    if (!isFloat(type) && decode(to, type) != value) {
      error = "element " + std::to_string(i) + " does not fit " + std::string(name(type));
      return false;
    }
  }
  return true;
}

Array npy::fromElements(const std::vector<char> &elements, DataType type, std::vector<int64_t> shape) {
  Array array;
  array.shape = std::move(shape);
  const char *names[] = {"b1", "i1", "i4", "i8", "u1", "u4", "f4", "f4", "f2", "f4", "f4", "f8"};
  array.descr = names[unsigned(type)];
  if (type != DataType::BF16 && !isF8(type)) {
    array.data = elements;
    return array;
  }
  const size_t bytes = byteSize(type), count = elements.size() / bytes;
  array.data.resize(count * 4);
  for (size_t i = 0; i < count; ++i)
    encode(decode(&elements[bytes * i], type), DataType::F32, &array.data[4 * i]);
  return array;
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

namespace {

/// What the dictionary in front of the data says.
struct Header {
  std::string descr;
  bool fortranOrder = false;
  std::vector<int64_t> shape;
};

} // namespace

/// The text after "'key':" up to the end of its value.
static StringRef valueOf(StringRef dictionary, StringRef key) {
  size_t at = dictionary.find(key);
  if (at == StringRef::npos)
    return {};
  return dictionary.substr(at + key.size()).ltrim("'\": ");
}

/// What a file may hold; i2, u8 and c8 are only bits (imbrex simulate), as is u2 where it is no 16-bit float.
static constexpr const char *kTypes = "f2 f4 f8 i1 i2 i4 i8 b1 u1 u2 u4 u8 c8 V1 V2";

static bool parseHeader(StringRef text, Header &header, std::string &error) {
  StringRef descr = valueOf(text, "descr"), order = valueOf(text, "fortran_order"), shape = valueOf(text, "shape");
  descr = descr.take_until([](char c) { return c == '\'' || c == '"'; });
  if (descr.size() != 3 || !StringRef("<|=").contains(descr[0])) {
    error = "elements of type '" + descr.str() + "' are not supported (little-endian " + std::string(kTypes) + " are)";
    return false;
  }
  header.descr = descr.drop_front().str();
  if (header.descr == "V2" || header.descr == "V1") // what NumPy writes of a type it does not know, such as bfloat16
    header.descr[0] = 'u';
  header.fortranOrder = order.starts_with("True");
  DataType native;
  bool isRaw = header.descr == "u2" || header.descr == "i2" || header.descr == "u8" || header.descr == "c8";
  if (!nativeType(header.descr, native) && !isRaw) {
    error = "elements of type '" + header.descr + "' are not supported (" + kTypes + " are)";
    return false;
  }
  if (!shape.consume_front("(")) {
    error = "the header has no shape";
    return false;
  }
  llvm::SmallVector<StringRef> extents;
  shape.take_until([](char c) { return c == ')'; }).split(extents, ',', -1, /*KeepEmpty=*/false);
  int64_t total = 1;
  for (StringRef extent : extents) {
    int64_t value;
    extent = extent.trim();
    if (extent.empty())
      continue;
    if (extent.getAsInteger(10, value) || value < 0 ||
        __builtin_mul_overflow(total, std::max<int64_t>(value, 1), &total)) {
      error = "bad extent '" + extent.str() + "' in the header's shape";
      return false;
    }
    header.shape.push_back(value);
  }
  return true;
}

/// Column-major data in row-major order.
static std::vector<char> toRowMajor(StringRef data, const Array &array) {
  unsigned bytes = array.elementBytes();
  std::vector<char> result(data.size());
  std::vector<int64_t> index(array.shape.size(), 0);
  for (int64_t i = 0, e = array.elements(); i < e; ++i) {
    int64_t from = 0;
    for (size_t dim = array.shape.size(); dim-- > 0;)
      from = from * array.shape[dim] + index[dim];
    std::memcpy(&result[i * bytes], data.data() + from * bytes, bytes);
    for (size_t dim = array.shape.size(); dim-- > 0;) { // The next index, the last dimension fastest.
      index[dim] = (index[dim] + 1) % std::max<int64_t>(array.shape[dim], 1);
      if (index[dim] != 0)
        break;
    }
  }
  return result;
}

bool npy::read(const std::string &path, Array &array, std::string &error) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer) {
    error = path + ": " + buffer.getError().message();
    return false;
  }
  StringRef file = (*buffer)->getBuffer();
  auto fail = [&](const std::string &why) {
    error = path + ": " + why;
    return false;
  };
  if (file.size() < 12 || !file.starts_with("\x93NUMPY"))
    return fail("not a .npy file");
  unsigned lengthBytes = file[6] == 1 ? 2 : 4;
  uint32_t length = 0;
  std::memcpy(&length, file.data() + 8, lengthBytes);
  size_t begin = 8 + lengthBytes + size_t(length);
  if (begin > file.size())
    return fail("the header is cut short");
  Header header;
  std::string why;
  if (!parseHeader(file.slice(8 + lengthBytes, begin), header, why))
    return fail(why);
  array.descr = header.descr;
  array.shape = header.shape;
  StringRef data = file.drop_front(begin);
  int64_t expected;
  if (__builtin_mul_overflow(array.elements(), int64_t(array.elementBytes()), &expected) ||
      int64_t(data.size()) < expected)
    return fail("holds " + std::to_string(data.size()) + " bytes of data, its shape needs more");
  data = data.take_front(expected);
  array.data = header.fortranOrder ? toRowMajor(data, array) : std::vector<char>(data.begin(), data.end());
  return true;
}

bool npy::write(const std::string &path, const Array &array, std::string &error) {
  std::string dictionary = "{'descr': '";
  dictionary += (array.elementBytes() == 1 ? "|" : "<") + array.descr + "', 'fortran_order': False, 'shape': (";
  for (int64_t extent : array.shape)
    dictionary += std::to_string(extent) + ",";
  dictionary += "), }";
  while ((10 + dictionary.size() + 1) % 64 != 0)
    dictionary += ' ';
  dictionary += '\n';
  std::error_code code;
  llvm::raw_fd_ostream file(path, code);
  if (code) {
    error = path + ": " + code.message();
    return false;
  }
  uint16_t length = dictionary.size();
  file << StringRef("\x93NUMPY\x01\x00", 8) << StringRef(reinterpret_cast<char *>(&length), 2) << dictionary
       << StringRef(array.data.data(), array.data.size());
  file.close();
  if (!file.has_error())
    return true;
  error = path + ": " + file.error().message();
  file.clear_error();
  return false;
}
