//===- Storage.cpp - How a host stores a view whose extent varies ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of a storage, and back.
//
//===----------------------------------------------------------------------===//

#include "compiler/Storage.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

using namespace imbrex;

static constexpr int64_t kLargestPage = int64_t(1) << 30; // an index of i32 lies in some page, and in some block

static std::string textOf(const Scaling &scaling) {
  std::string text(name(scaling.element));
  switch (scaling.each) {
  case Scaling::Each::View:
    return text;
  case Scaling::Each::Head:
    return text + ",heads";
  case Scaling::Each::Block:
    return text + "," + std::to_string(scaling.block);
  }
  llvm_unreachable("all are listed");
}

static std::string plainText(const Storage &storage) {
  switch (storage.kind) {
  case Storage::Kind::Dense:
    return "dense";
  case Storage::Kind::Padded:
    return "padded";
  case Storage::Kind::Ragged:
    return "ragged";
  case Storage::Kind::Paged:
    return "paged:" + std::to_string(storage.page);
  }
  llvm_unreachable("all are listed");
}

std::string Storage::text() const {
  return scaling ? "scaled(" + plainText(*this) + "," + textOf(*scaling) + ")" : plainText(*this);
}

static bool isSize(llvm::StringRef text, int64_t &size) {
  return !text.getAsInteger(10, size) && size >= 1 && size <= kLargestPage;
}

static std::optional<Storage> parsePlain(llvm::StringRef text) {
  if (text == "padded")
    return Storage{Storage::Kind::Padded};
  if (text == "ragged")
    return Storage{Storage::Kind::Ragged};
  Storage paged{Storage::Kind::Paged};
  return text.consume_front("paged:") && isSize(text, paged.page) ? std::optional(paged) : std::nullopt;
}

static std::optional<Scaling> parseScaling(llvm::ArrayRef<llvm::StringRef> parts) {
  Scaling scaling;
  std::optional<DataType> element = parts.empty() ? std::nullopt : parseDataType(parts[0].trim());
  if (!element || !Scaling::canBe(*element) || parts.size() > 2)
    return std::nullopt;
  scaling.element = *element;
  if (parts.size() == 2) {
    bool isHead = parts[1].trim() == "heads";
    scaling.each = isHead ? Scaling::Each::Head : Scaling::Each::Block;
    if (!isHead && !isSize(parts[1].trim(), scaling.block))
      return std::nullopt;
  }
  return scaling;
}

std::optional<Storage> Storage::parse(std::string_view text) {
  llvm::StringRef rest = text;
  if (!rest.consume_front("scaled(") || !rest.consume_back(")"))
    return parsePlain(text);
  llvm::SmallVector<llvm::StringRef> parts;
  rest.split(parts, ',');
  std::optional<Storage> storage = parts[0].trim() == "dense" ? Storage{Kind::Dense} : parsePlain(parts[0].trim());
  std::optional<Scaling> scaling = parseScaling(llvm::ArrayRef(parts).drop_front());
  if (!storage || !scaling)
    return std::nullopt;
  storage->scaling = scaling;
  return storage;
}

bool Scaling::canBe(DataType type) {
  return type == DataType::I8 || isF8(type) || type == DataType::F16 || type == DataType::BF16;
}
