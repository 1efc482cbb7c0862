//===- StoredArgument.cpp - ragged(k.npy, cu.npy) -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Files are dense, so a pool's pages lie one after another if its pages come before its rows; else they are moved.
//
//===----------------------------------------------------------------------===//

#include "tools/imbrex/StoredArgument.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include <cstring>

using namespace imbrex;
using namespace imbrex::tool;
using llvm::StringRef;

namespace {
/// How the parts of a text are read.
struct Form {
  StringRef word;
  Storage::Kind kind;
  std::initializer_list<StringRef> parts; ///< behind the view
};
} // namespace

static constexpr Form kForms[] = {{"padded", Storage::Kind::Padded, {"lengths"}},
                                  {"ragged", Storage::Kind::Ragged, {"offsets"}},
                                  {"paged", Storage::Kind::Paged, {"table", "lengths"}}};

/// True of "word(...)".
static bool isForm(StringRef text, StringRef word) {
  return text.starts_with(word) && text.drop_front(word.size()).starts_with("(") && text.ends_with(")");
}

static const Form *findForm(StringRef text) {
  const Form *form = llvm::find_if(kForms, [&](const Form &form) { return isForm(text, form.word); });
  return form == std::end(kForms) ? nullptr : form;
}

static constexpr StringRef kScaled = "scaled";

bool tool::isStoredArgument(std::string_view text) {
  return findForm(StringRef(text)) || isForm(StringRef(text), kScaled);
}

/// What stands between the brackets of "word(a, b(c, d), e)", by its commas outside of others.
static llvm::SmallVector<StringRef> partsOf(StringRef text) {
  StringRef inner = text.drop_front(text.find('(') + 1).drop_back();
  llvm::SmallVector<StringRef> parts;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= inner.size(); ++i) {
    if (i == inner.size() || (inner[i] == ',' && depth == 0)) {
      parts.push_back(inner.slice(begin, i).trim());
      begin = i + 1;
    } else {
      depth += inner[i] == '(' ? 1 : inner[i] == ')' ? -1 : 0;
    }
  }
  return parts;
}

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

/// What is wrong with the lengths of sequences that have `room` rows each: "" if nothing is.
static std::string judgeLengths(const npy::Array &lengths, int64_t room) {
  for (size_t b = 0; b < size_t(lengths.shape[0]); ++b)
    if (int64_t length = integerAt(lengths, b); length < 0 || length > room)
      return "sequence " + std::to_string(b) + " is to have " + std::to_string(length) +
             " rows, and there is room for " + std::to_string(room);
  return "";
}

/// The same of offsets into `rows` rows.
static std::string judgeOffsets(const npy::Array &offsets, int64_t rows) {
  for (size_t b = 1; b < size_t(offsets.shape[0]); ++b) {
    const int64_t begin = integerAt(offsets, b - 1), end = integerAt(offsets, b);
    if (begin < 0 || end < begin || end > rows)
      return "sequence " + std::to_string(b - 1) + " is to be rows " + std::to_string(begin) + " to before " +
             std::to_string(end) + ", of " + std::to_string(rows);
  }
  return "";
}

/// The same of all that is read: the view and what tells its sequences.
static std::string judgeSequences(const StoredArgument &given, Storage::Kind kind, Parameter::Varying varying) {
  const npy::Array &view = given.arrays[0].second, &last = given.arrays.back().second;
  const bool isWithoutBatch = kind == Storage::Kind::Ragged && varying.along < varying.dim;
  const size_t dim = varying.dim - isWithoutBatch; // of the file, in which ragged rows follow each other
  if (dim >= view.shape.size())
    return ""; // of what rank the view has to be, the launch says
  if (kind == Storage::Kind::Ragged)
    return judgeOffsets(last, view.shape[dim]);
  const npy::Array &table = given.arrays[1].second;
  const int64_t pages = kind == Storage::Kind::Paged ? table.shape.back() : 1;
  return judgeLengths(last, view.shape[dim] * pages);
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

static std::optional<StoredArgument> readSequences(const Parameter &parameter, StringRef text, std::string &error) {
  const Form &form = *findForm(text);
  llvm::SmallVector<StringRef> files = partsOf(text);
  auto fail = [&](const std::string &message) {
    error = "argument '" + parameter.name + "': " + message;
    return std::nullopt;
  };
  if (files.size() != form.parts.size() + 1)
    return fail(form.word.str() + " takes " + std::to_string(form.parts.size() + 1) + " files, found " +
                std::to_string(files.size()));
  StoredArgument result{{form.kind}, {}, {}, {}};
  for (auto [i, file] : llvm::enumerate(files)) {
    std::string name = i == 0 ? parameter.name : parameter.name + "." + (form.parts.begin() + (i - 1))->str();
    npy::Array array;
    if (!npy::read(file.trim().str(), array, error))
      return std::nullopt;
    if (i > 0 && (array.descr != "i4" || array.shape.empty()))
      return fail("'" + file.trim().str() + "' must hold 32-bit integers");
    result.arrays.emplace_back(std::move(name), std::move(array));
  }
  result.fileShape = result.arrays[0].second.shape;
  if (std::string wrong = judgeSequences(result, form.kind, *parameter.varying); !wrong.empty())
    return fail(wrong);
  if (form.kind == Storage::Kind::Ragged)
    result.scalars.emplace_back(parameter.name + ".longest", longestOf(result.arrays[1].second));
  if (form.kind != Storage::Kind::Paged)
    return result;
  if (!mergePages(result.arrays[0].second, *parameter.varying, result.storage.page))
    return fail("a pool of files has its pages in the place of the sequences and the rows of a page right behind them");
  result.scalars.emplace_back(parameter.name + ".pageRows", result.storage.page);
  return result;
}

/// The type of the elements of a file of few bits; nullopt: raw bytes, or none of these.
static std::optional<DataType> elementOf(const npy::Array &array) {
  if (array.descr == "i1")
    return DataType::I8;
  if (array.descr == "f2")
    return DataType::F16;
  return array.descr == "u2" ? std::optional(DataType::BF16) : std::nullopt;
}

/// What scales of that shape are for, with `block` positions a block or a page's where it is 0. nullopt: no such shape.
static std::optional<Scaling> scalingOf(const Parameter &parameter, const StoredArgument &given,
                                        const npy::Array &scales, Scaling scaling) {
  const auto [dim, along] = *parameter.varying;
  const size_t rank = parameter.extents.size(), last = std::max(dim, along) + 1 < rank ? 1 : 0, heads = rank - 2 - last;
  if (scales.shape.size() == 1 && scales.shape[0] == 1)
    return scaling;
  bool isHead = heads > 0 && scales.shape.size() == heads;
  scaling.each = isHead ? Scaling::Each::Head : Scaling::Each::Block;
  if (!isHead && scaling.block == 0)
    scaling.block = given.storage.page;
  bool isBlock = scales.shape.size() == heads + 2 && scaling.block >= 1;
  return isHead || isBlock ? std::optional(scaling) : std::nullopt;
}

/// scaled(X, SCALES.npy[, TYPE][, POSITIONS]), X a file or one of the other forms.
static std::optional<StoredArgument> readScaled(const Parameter &parameter, StringRef text, std::string &error) {
  auto fail = [&](const std::string &message) {
    error = "argument '" + parameter.name + "': " + message;
    return std::nullopt;
  };
  llvm::SmallVector<StringRef> parts = partsOf(text);
  if (parts.size() < 2)
    return fail("scaled takes what is scaled and a file of scales");
  std::optional<StoredArgument> result = StoredArgument{{Storage::Kind::Dense}, {}, {}, {}};
  if (findForm(parts[0]))
    result = readSequences(parameter, parts[0], error);
  else if (npy::Array array; npy::read(parts[0].str(), array, error))
    result->arrays.emplace_back(parameter.name, std::move(array));
  else
    return std::nullopt;
  npy::Array scales;
  if (!result || !npy::read(parts[1].str(), scales, error))
    return std::nullopt;
  if (scales.descr != "f4")
    return fail("'" + parts[1].str() + "' must hold scales of f32");
  std::optional<DataType> element = elementOf(result->arrays[0].second);
  Scaling scaling;
  for (StringRef part : llvm::ArrayRef(parts).drop_front(2)) {
    if (std::optional<DataType> type = parseDataType(part); type && Scaling::canBe(*type))
      element = type;
    else if (part.getAsInteger(10, scaling.block) || scaling.block < 1)
      return fail(
          "behind the scales stand a type (i8, f8e4m3, f8e5m2, f16, bf16) and how many positions share a scale, "
          "found '" +
          part.str() + "'");
  }
  if (!element)
    return fail("of what type are the bytes? scaled(..., ..., f8e4m3)");
  scaling.element = *element;
  result->storage.scaling = scalingOf(parameter, *result, scales, scaling);
  if (!result->storage.scaling)
    return fail("scales are [1], one a head, or one a block of positions of each sequence and head, with how many "
                "positions that are: scaled(..., ..., 128)");
  result->arrays.emplace_back(parameter.name + ".scales", std::move(scales));
  return result;
}

std::optional<StoredArgument> tool::readStoredArgument(const Parameter &parameter, std::string_view text,
                                                       std::string &error) {
  if (!parameter.varying) {
    error = "argument '" + parameter.name + "': the kernel declares no extent that varies, so it is given by one file";
    return std::nullopt;
  }
  return isForm(StringRef(text), kScaled) ? readScaled(parameter, text, error) : readSequences(parameter, text, error);
}
