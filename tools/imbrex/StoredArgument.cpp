//===- StoredArgument.cpp - ragged(k.npy, cu.npy) -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files are dense, so a pool's pages lie one after another if its pages come before its rows; else they are moved.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/StoredArgument.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstring>

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

static constexpr struct {
  StringRef word;
  Storage::Kind kind;
  std::initializer_list<StringRef> parts; ///< behind the view
} kForms[] = {{"padded", Storage::Kind::Padded, {"lengths"}},
              {"ragged", Storage::Kind::Ragged, {"offsets"}},
              {"paged", Storage::Kind::Paged, {"table", "lengths"}}};

static const auto *findForm(StringRef text) {
  for (const auto &form : kForms)
    if (text.starts_with(form.word) && text.drop_front(form.word.size()).starts_with("(") && text.ends_with(")"))
      return &form;
  return static_cast<decltype(&kForms[0])>(nullptr);
}

bool tool::isStoredArgument(std::string_view text) { return findForm(StringRef(text)); }

static int64_t integerAt(const npy::Array &array, size_t index) {
  int32_t value;
  std::memcpy(&value, &array.data[index * sizeof value], sizeof value);
  return value;
}

/// The largest difference of neighbours.
static int64_t longestOf(const npy::Array &offsets) {
  int64_t longest = 0;
  for (size_t i = 1; i < size_t(offsets.shape[0]); ++i)
    longest = std::max(longest, integerAt(offsets, i) - integerAt(offsets, i - 1));
  return longest;
}

/// Of [pages, ..., P, ...] the rows of all pages in the place of P.
static bool mergePages(npy::Array &pool, Parameter::Varying varying, int64_t &page) {
  auto [dim, along] = varying;
  if (dim >= pool.shape.size() || along >= pool.shape.size() || along + 1 != dim)
    return false; // other orders would have to be moved in memory
  page = pool.shape[dim];
  pool.shape[dim] *= pool.shape[along];
  pool.shape.erase(pool.shape.begin() + along);
  return true;
}

std::optional<StoredArgument> tool::readStoredArgument(const Parameter &parameter, std::string_view text,
                                                       std::string &error) {
  const auto &form = *findForm(StringRef(text));
  llvm::SmallVector<StringRef> files;
  StringRef(text).drop_front(form.word.size() + 1).drop_back().split(files, ',');
  auto fail = [&](const std::string &message) {
    error = "argument '" + parameter.name + "': " + message;
    return std::nullopt;
  };
  if (!parameter.varying)
    return fail("the kernel declares no extent that varies, so it is given by one file");
  if (files.size() != form.parts.size() + 1)
    return fail(form.word.str() + " takes " + std::to_string(form.parts.size() + 1) + " files, found " +
                std::to_string(files.size()));
  StoredArgument result{{form.kind}, {}, {}};
  for (auto [i, file] : llvm::enumerate(files)) {
    std::string name = i == 0 ? parameter.name : parameter.name + "." + (form.parts.begin() + (i - 1))->str();
    npy::Array array;
    if (!npy::read(file.trim().str(), array, error))
      return std::nullopt;
    if (i > 0 && (array.descr != "i4" || array.shape.empty()))
      return fail("'" + file.trim().str() + "' must hold 32-bit integers");
    result.arrays.emplace_back(std::move(name), std::move(array));
  }
  if (form.kind == Storage::Kind::Ragged)
    result.scalars.emplace_back(parameter.name + ".longest", longestOf(result.arrays[1].second));
  if (form.kind != Storage::Kind::Paged)
    return result;
  if (!mergePages(result.arrays[0].second, *parameter.varying, result.storage.page))
    return fail("a pool of files has its pages in the place of the sequences and the rows of a page right behind them");
  result.scalars.emplace_back(parameter.name + ".pageRows", result.storage.page);
  return result;
}
