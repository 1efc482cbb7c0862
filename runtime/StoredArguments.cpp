//===- StoredArguments.cpp - Sequences as plain arguments -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A pool of pages [pages, P, ...] becomes the rows of all pages, one row's stride apart: [rows, ...].
//
//===----------------------------------------------------------------------===//

#include "runtime/StoredArguments.h"
#include "runtime/Binding.h"
#include <algorithm>

using namespace imbrex;

static Error argumentError(std::string_view argument, std::string message) {
  return Error{ErrorKind::Argument, "argument '" + std::string(argument) + "'" + std::move(message)};
}

bool imbrex::hasSequences(Arguments arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const Argument &each) { return each.sequences; });
}

/// The parameter of an argument, and its varying extent.
static Result<const Parameter *> varyingParameter(const SignaturePlan &plan, const Argument &argument) {
  std::optional<unsigned> index = plan.parameterNamed(argument.name);
  if (!index)
    return argumentError(argument.name, ": kernel '" + plan.signature.name + "' has no such parameter; it has " +
                                            plan.parameterList());
  const Parameter &parameter = plan.signature.parameters[*index];
  if (!parameter.varying)
    return argumentError(argument.name, " is given as sequences, but the kernel declares " + plan.typeText(*index) +
                                            ", which has no extent that varies");
  return &parameter;
}

/// How the scales of an argument belong to its elements, by their shape.
static Result<Scaling> scalingOf(const Argument &argument, const Parameter &parameter, const Storage &storage) {
  const Sequences &given = *argument.sequences;
  Scaling scaling{given.storage.type};
  if (!Scaling::canBe(scaling.element))
    return argumentError(argument.name, ": scaled elements are i8, f8e4m3, f8e5m2, f16 or bf16, found " +
                                            std::string(name(scaling.element)));
  const auto [dim, along] = *parameter.varying;
  const size_t rank = parameter.extents.size(), last = std::max(dim, along) + 1 < rank ? 1 : 0, heads = rank - 2 - last;
  const Dims &extents = given.scales->extents;
  if (extents.size() == 1 && extents[0] == 1)
    return scaling;
  if (extents.size() == heads && heads > 0) {
    scaling.each = Scaling::Each::Head;
    return scaling;
  }
  if (extents.size() != heads + 2)
    return argumentError(argument.name, ": scales are [1], " + std::string(heads > 0 ? "one a head, " : "") +
                                            "or one a block of positions of each sequence" +
                                            (heads > 0 ? " and head" : "") + ", " + std::to_string(heads + 2) +
                                            " dimensions; found " + std::to_string(extents.size()));
  scaling.each = Scaling::Each::Block;
  scaling.block = given.block == 0 ? storage.page : given.block;
  if (!Storage::parse(Storage{storage.kind, storage.page, scaling}.text()))
    return argumentError(argument.name, ": blocks of " + std::to_string(scaling.block) +
                                            " positions; say how many share a scale: scaled(x, scales, 128)");
  return scaling;
}

Result<CompileOptions::Storages> imbrex::storagesOf(const SignaturePlan &plan, Arguments arguments) {
  CompileOptions::Storages storages;
  for (const Argument &argument : arguments) {
    if (!argument.sequences)
      continue;
    Result<const Parameter *> parameter = varyingParameter(plan, argument);
    if (!parameter)
      return parameter.takeError();
    const Sequences &given = *argument.sequences;
    Storage storage{given.kind};
    if (given.kind == Storage::Kind::Paged) {
      unsigned dim = (*parameter)->varying->dim;
      storage.page = dim < given.storage.extents.size() ? given.storage.extents[dim] : 0;
      if (!Storage::parse(storage.text()))
        return argumentError(argument.name, ": pages of " + std::to_string(storage.page) +
                                                " rows; a pool is [pages, rows, ...], in the places of " +
                                                "the sequences and of their positions");
    }
    if (given.scales) {
      Result<Scaling> scaling = scalingOf(argument, **parameter, storage);
      if (!scaling)
        return scaling.takeError();
      storage.scaling = *scaling;
    }
    storages[std::string(argument.name)] = storage;
  }
  return storages;
}

static constexpr int64_t kFurthest = int64_t(1) << 32; ///< bytes: the compiler steps from page to page by 32 bits

/// A pool's rows as one dimension in the place of the pages' rows, and how many of them a page is.
static Result<std::pair<View, int64_t>> rowsOfPages(const Argument &argument, const Parameter &parameter) {
  View pool = argument.sequences->storage;
  size_t rank = pool.extents.size();
  auto [dim, along] = *parameter.varying;
  if (dim >= rank || along >= rank || rank > Dims::kMaxRank || (!pool.strides.empty() && pool.strides.size() != rank))
    return argumentError(argument.name, ": a pool has the dimensions that the kernel declares");
  std::optional<Dims> dense = pool.strides.empty() ? denseStrides(pool.extents) : pool.strides;
  if (!dense)
    return argumentError(argument.name, ": its size overflows 64 bits");
  pool.strides = *dense;
  int64_t row = pool.strides[dim], page = pool.strides[along], pages = pool.extents[along];
  if (row < 1 || page < 1 || page % row != 0)
    return argumentError(argument.name, ": pages are " + std::to_string(page) + " elements apart and rows " +
                                            std::to_string(row) + "; the first must be a multiple of the second");
  if (page >= kFurthest / int64_t(byteSize(pool.type)))
    return argumentError(argument.name, ": its pages are " + std::to_string(page) +
                                            " elements apart; they must be less than 4 GiB apart");
  int64_t last, rows = pages; // no pages have no rows
  bool overflows = pages > 0 && (__builtin_mul_overflow(pages - 1, page / row, &last) ||
                                 __builtin_add_overflow(last, pool.extents[dim], &rows));
  if (overflows || rows > kLargestExtent)
    return argumentError(argument.name, ": its pages span more than " + std::to_string(kLargestExtent) + " rows");
  View result = pool;
  result.extents = result.strides = {};
  std::array<int64_t, Dims::kMaxRank> extents, strides;
  size_t kept = 0;
  for (unsigned d = 0; d < rank; ++d) {
    if (d == along)
      continue;
    extents[kept] = d == dim ? rows : pool.extents[d];
    strides[kept++] = pool.strides[d];
  }
  result.extents = Dims(std::span<const int64_t>(extents.data(), kept));
  result.strides = Dims(std::span<const int64_t>(strides.data(), kept));
  return std::pair(result, page / row);
}

/// The plan's own text of "K.offsets".
static Result<std::string_view> partOf(const SignaturePlan &plan, const Argument &argument, const char *part) {
  std::optional<unsigned> index = plan.parameterNamed(std::string(argument.name) + "." + part);
  if (!index)
    return argumentError(argument.name, ": the kernel does not take it in this storage");
  return std::string_view(plan.signature.parameters[*index].name);
}

Result<llvm::SmallVector<Argument, 16>> imbrex::flatten(const SignaturePlan &plan, Arguments arguments) {
  llvm::SmallVector<Argument, 16> flat;
  for (const Argument &argument : arguments) {
    if (!argument.sequences) {
      flat.push_back(argument);
      continue;
    }
    const Sequences &given = *argument.sequences;
    Result<const Parameter *> parameter = varyingParameter(plan, argument);
    if (!parameter)
      return parameter.takeError();
    View storage = given.storage;
    std::pair<const char *, View> tables[2] = {
        {given.kind == Storage::Kind::Ragged ? "offsets" : "lengths", given.lengths}, {"table", given.table}};
    std::pair<const char *, int64_t> number = {"longest", given.longest};
    bool isPaged = given.kind == Storage::Kind::Paged;
    if (isPaged) {
      Result<std::pair<View, int64_t>> rows = rowsOfPages(argument, **parameter);
      if (!rows)
        return rows.takeError();
      storage = rows->first;
      number = {"pageRows", rows->second};
    }
    flat.push_back(Argument(argument.name, storage));
    if (given.scales) {
      Result<std::string_view> name = partOf(plan, argument, "scales");
      if (!name)
        return name.takeError();
      flat.push_back(Argument(*name, *given.scales));
    }
    if (given.kind == Storage::Kind::Dense)
      continue;
    for (unsigned i = 0; i < (isPaged ? 2u : 1u); ++i) {
      Result<std::string_view> name = partOf(plan, argument, tables[i].first);
      if (!name)
        return name.takeError();
      flat.push_back(Argument(*name, tables[i].second));
    }
    if (given.kind == Storage::Kind::Padded)
      continue;
    Result<std::string_view> name = partOf(plan, argument, number.first);
    if (!name)
      return name.takeError();
    flat.push_back(Argument(*name, number.second));
  }
  return flat;
}
