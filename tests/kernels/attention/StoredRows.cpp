//===- StoredRows.cpp - Sequences of rows, stored in every way ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "tests/kernels/attention/StoredRows.h"
#include "tests/support/Random.h"
#include "tests/support/Storage.h"
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

using namespace imbrex;
using namespace imbrex::testing;

static constexpr int64_t kStrangers = 2; // rows, or pages, that are nobody's, at either end

std::string How::describe() const {
  static constexpr const char *kNames[] = {"dense", "padded", "ragged", "paged"};
  return kNames[int(kind)] + (page ? ":" + std::to_string(page) : std::string());
}

static Buffer integers(const Runtime &runtime, const std::vector<int32_t> &values) {
  Buffer buffer = runtime.allocate(values.size() * sizeof(int32_t)).value();
  buffer.copyFrom(values.data(), buffer.bytes()).value();
  return buffer;
}

StoredRows::StoredRows(const Runtime &runtime, DataType type, How how, const std::vector<int64_t> &lengths,
                       int64_t heads, int64_t depth)
    : StoredRows(runtime, type, how, lengths, heads, depth, std::vector<std::vector<double>>(lengths.size())) {}

StoredRows::StoredRows(const Runtime &runtime, DataType type, How how, const std::vector<int64_t> &lengths,
                       int64_t heads, int64_t depth, const std::vector<std::vector<double>> &values)
    : type(type), how(how), lengths(lengths), heads(heads), depth(depth) {
  const int64_t batch = int64_t(lengths.size());
  longest = *std::max_element(lengths.begin(), lengths.end());
  std::vector<int32_t> numbers(lengths.begin(), lengths.end());
  switch (how.kind) {
  case How::Kind::Dense:
    columns = longest;
    break;
  case How::Kind::Padded:
    columns = longest + 3;
    break;
  case How::Kind::Ragged:
    numbers = {int32_t(kStrangers)};
    for (int64_t length : lengths)
      numbers.push_back(numbers.back() + int32_t(length));
    rowCount = numbers.back() + kStrangers;
    break;
  case How::Kind::Paged: {
    columns = (longest + how.page - 1) / how.page + 1;
    std::vector<int32_t> pages(size_t(batch * columns + kStrangers));
    for (size_t i = 0; i < pages.size(); ++i)
      pages[i] = int32_t(i);
    Random random(uint64_t(how.page));
    for (size_t i = pages.size(); i-- > 1;)
      std::swap(pages[i], pages[size_t(random.below(int64_t(i) + 1))]);
    order.assign(pages.begin(), pages.begin() + batch * columns);
    rowCount = int64_t(pages.size()) * how.page;
    table = integers(runtime, order);
    break;
  }
  }
  if (how.kind == How::Kind::Dense || how.kind == How::Kind::Padded)
    rowCount = batch * columns;
  bounds = integers(runtime, numbers);
  std::vector<double> all(size_t(rowCount * heads * depth), std::numeric_limits<double>::quiet_NaN());
  for (int64_t b = 0; b < batch; ++b)
    for (size_t i = 0; i < values[size_t(b)].size(); ++i)
      all[size_t(rowOf(b, int64_t(i) / (heads * depth)) * heads * depth) + i % size_t(heads * depth)] =
          values[size_t(b)][i];
  data.emplace(runtime, type, denseLayout(shape()), &all);
}

std::vector<int64_t> StoredRows::shape() const {
  if (how.kind == How::Kind::Ragged)
    return {rowCount, heads, depth};
  if (how.kind == How::Kind::Paged)
    return {rowCount / how.page, how.page, heads, depth};
  return {int64_t(lengths.size()), columns, heads, depth};
}

int64_t StoredRows::rowOf(int64_t b, int64_t s) const {
  if (how.kind == How::Kind::Ragged) {
    int64_t first = kStrangers;
    for (int64_t i = 0; i < b; ++i)
      first += lengths[size_t(i)];
    return first + s;
  }
  if (how.kind == How::Kind::Paged)
    return order[size_t(b * columns + s / how.page)] * how.page + s % how.page;
  return b * columns + s;
}

attention::Tensor StoredRows::tensor() const {
  const int64_t batch = int64_t(lengths.size());
  switch (how.kind) {
  case How::Kind::Dense:
    return view();
  case How::Kind::Padded:
    return padded(view(), View(*bounds, DataType::I32, {batch}));
  case How::Kind::Ragged:
    return ragged(view(), View(*bounds, DataType::I32, {batch + 1}), longest);
  case How::Kind::Paged:
    return paged(view(), View(*table, DataType::I32, {batch, columns}), View(*bounds, DataType::I32, {batch}));
  }
  return {};
}

double StoredRows::element(const uint8_t *row, int64_t i) const {
  uint64_t bits = 0;
  std::memcpy(&bits, row + i * byteSize(type), byteSize(type));
  return decode(bits, type);
}

std::vector<double> StoredRows::read(int64_t b) const {
  const std::vector<uint8_t> all = data->readBytes();
  const int64_t width = heads * depth;
  std::vector<double> values;
  values.reserve(size_t(lengths[size_t(b)] * width));
  for (int64_t s = 0; s < lengths[size_t(b)]; ++s)
    for (int64_t i = 0; i < width; ++i)
      values.push_back(element(&all[size_t(rowOf(b, s) * width) * byteSize(type)], i));
  return values;
}

bool StoredRows::isElsewhereNan() const {
  const std::vector<uint8_t> all = data->readBytes();
  const int64_t width = heads * depth;
  std::vector<bool> isSomebodys(size_t(rowCount), false);
  for (size_t b = 0; b < lengths.size(); ++b)
    for (int64_t s = 0; s < lengths[b]; ++s)
      isSomebodys[size_t(rowOf(int64_t(b), s))] = true;
  for (int64_t row = 0; row < rowCount; ++row)
    for (int64_t i = 0; !isSomebodys[size_t(row)] && i < width; ++i)
      if (!std::isnan(element(&all[size_t(row * width) * byteSize(type)], i)))
        return false;
  return true;
}

void StoredRows::setLengths(const std::vector<int64_t> &now) {
  lengths = now;
  std::vector<int32_t> numbers(now.begin(), now.end());
  bounds->copyFrom(numbers.data(), numbers.size() * sizeof(int32_t)).value();
}

std::vector<int32_t> StoredRows::readLengths() const {
  std::vector<int32_t> numbers(lengths.size());
  bounds->copyTo(numbers.data(), numbers.size() * sizeof(int32_t)).value();
  return numbers;
}
