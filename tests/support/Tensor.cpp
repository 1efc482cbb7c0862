//===- Tensor.cpp - Strided arrays on a device, in a sea of NaN -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements are visited by counting their indices like an odometer, of which the last wheel is a loop.
//
//===----------------------------------------------------------------------===//

#include "tests/support/Tensor.h"
#include "tests/support/Storage.h"
#include <cstring>

using namespace imbrex;
using namespace imbrex::testing;

const char *testing::name(Placement placement) {
  switch (placement) {
  case Placement::Dense:
    return "dense";
  case Placement::PaddedRows:
    return "padded";
  case Placement::HeadsFirst:
    return "heads-first";
  case Placement::Packed:
    return "packed";
  case Placement::Unaligned:
    return "unaligned";
  case Placement::OddRows:
    return "odd-rows";
  }
  return "";
}

Layout testing::denseLayout(std::vector<int64_t> extents) {
  Layout layout{extents, std::vector<int64_t>(extents.size(), 1)};
  layout.span = 1;
  for (size_t i = extents.size(); i-- > 0;) {
    layout.strides[i] = layout.span;
    layout.span *= extents[i];
  }
  return layout;
}

Layout testing::placed(std::vector<int64_t> extents, Placement placement) {
  const int64_t batch = extents[0], sequence = extents[1], heads = extents[2], depth = extents[3];
  Layout layout = denseLayout(extents);
  auto rows = [&](int64_t row, int64_t sequenceElements) {
    layout.strides = {sequence * sequenceElements, sequenceElements, row, 1};
    layout.span = batch * sequence * sequenceElements;
  };
  switch (placement) {
  case Placement::Dense:
    break;
  case Placement::PaddedRows:
    rows(depth + 8, (heads + 2) * (depth + 8));
    break;
  case Placement::HeadsFirst:
    layout.strides = {heads * sequence * depth, depth, sequence * depth, 1};
    break;
  case Placement::Packed:
    rows(depth, 3 * heads * depth);
    layout.first = heads * depth;
    break;
  case Placement::Unaligned:
    layout.first = 1;
    layout.span += 1;
    break;
  case Placement::OddRows:
    rows(depth + 1, heads * (depth + 1));
    break;
  }
  return layout;
}

template <typename Visit> void Tensor::forEach(Visit visit) const {
  const size_t rank = layout.extents.size(), size = byteSize(type);
  std::vector<int64_t> index(rank, 0);
  int64_t total = 1;
  for (int64_t extent : layout.extents)
    total *= extent;
  const int64_t inner = rank == 0 ? 1 : layout.extents[rank - 1], step = rank == 0 ? 0 : layout.strides[rank - 1];
  int64_t place = layout.first;
  for (int64_t number = 0; number < total; number += inner) {
    for (int64_t i = 0; i < inner; ++i)
      visit(size_t(place + i * step) * size, size_t(number + i));
    for (size_t i = rank; i-- > 1;) {
      place += layout.strides[i - 1];
      if (++index[i - 1] < layout.extents[i - 1])
        break;
      place -= index[i - 1] * layout.strides[i - 1];
      index[i - 1] = 0;
    }
  }
}

Tensor::Tensor(const Runtime &runtime, DataType type, Layout layout, const std::vector<double> *values)
    : type(type), layout(std::move(layout)),
      buffer(runtime.allocate(size_t(this->layout.span) * byteSize(type)).value()) {
  std::vector<uint8_t> image(buffer.bytes(), 0xFF);
  if (values)
    forEach([&](size_t offset, size_t number) {
      uint64_t bits = encode((*values)[number], type);
      std::memcpy(&image[offset], &bits, byteSize(type));
    });
  if (!image.empty())
    buffer.copyFrom(image.data(), image.size()).value();
}

View Tensor::view() const {
  View view(buffer, type, Dims(std::span<const int64_t>(layout.extents)),
            Dims(std::span<const int64_t>(layout.strides)));
  view.byteOffset = uint64_t(layout.first) * byteSize(type);
  return view;
}

std::vector<uint8_t> Tensor::readBytes() const {
  std::vector<uint8_t> image(buffer.bytes());
  if (!image.empty())
    buffer.copyTo(image.data(), image.size()).value();
  return image;
}

std::vector<double> Tensor::read() const {
  std::vector<uint8_t> image = readBytes();
  std::vector<double> values;
  values.reserve(image.size() / byteSize(type));
  forEach([&](size_t offset, size_t) {
    uint64_t bits = 0;
    std::memcpy(&bits, &image[offset], byteSize(type));
    values.push_back(decode(bits, type));
  });
  return values;
}

bool Tensor::isPaddingUntouched() const {
  std::vector<uint8_t> image = readBytes();
  forEach([&](size_t offset, size_t) { std::memset(&image[offset], 0xFF, byteSize(type)); });
  for (uint8_t byte : image)
    if (byte != 0xFF)
      return false;
  return true;
}
