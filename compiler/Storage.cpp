//===- Storage.cpp - How a host stores a view whose extent varies ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The text of a storage, and back.
//
//===----------------------------------------------------------------------===//

#include "compiler/Storage.h"
#include "llvm/ADT/StringRef.h"

using namespace imbrex;

std::string Storage::text() const {
  if (kind == Kind::Paged)
    return "paged:" + std::to_string(page);
  return kind == Kind::Padded ? "padded" : "ragged";
}

std::optional<Storage> Storage::parse(std::string_view text) {
  if (text == "padded")
    return Storage{Kind::Padded};
  if (text == "ragged")
    return Storage{Kind::Ragged};
  llvm::StringRef rest = text;
  constexpr int64_t kLargestPage = int64_t(1) << 30; // an index of i32 lies in some page
  Storage paged{Kind::Paged};
  bool isPaged = rest.consume_front("paged:") && !rest.getAsInteger(10, paged.page) && paged.page >= 1 &&
                 paged.page <= kLargestPage;
  return isPaged ? std::optional(paged) : std::nullopt;
}
