//===- Apart.cpp - That results lie on nothing else -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Apart.h"
#include "runtime/Binding.h"
#include "runtime/ViewOverlap.h"
#include <cassert>

using namespace imbrex;
using namespace imbrex::attention;

/// The bytes from the first element to the last; nullopt if there are none, or the view is none of memory.
static std::optional<std::pair<uint64_t, uint64_t>> spanOf(const View &view, const Dims &strides) {
  using Wide = unsigned __int128;
  const Wide most = ~uint64_t(0);
  Wide last = 0;
  for (unsigned i = 0; i < view.extents.size(); ++i) {
    if (view.extents[i] < 1 || strides[i] < 0)
      return std::nullopt;
    last += Wide(view.extents[i] - 1) * Wide(strides[i]);
    if (last > most)
      return std::nullopt;
  }
  const Wide first = Wide(view.address) + view.byteOffset, end = first + (last + 1) * byteSize(view.type);
  return end > most ? std::nullopt : std::optional(std::pair(uint64_t(first), uint64_t(end)));
}

void Apart::add(std::string_view name, const View &view, bool isStored) {
  const unsigned rank = view.extents.size();
  if (rank > Dims::kMaxRank || view.type > DataType::F64 || (!view.strides.empty() && view.strides.size() != rank))
    return;
  const std::optional<Dims> strides = view.strides.empty() ? denseStrides(view.extents) : view.strides;
  const std::optional<std::pair<uint64_t, uint64_t>> span = strides ? spanOf(view, *strides) : std::nullopt;
  if (!span)
    return;
  assert(count < kMost && "calls have so much memory at most");
  all[count++] = {name, &view, *strides, span->first, span->second, isStored};
}

void Apart::add(std::string_view name, const Tensor &tensor, bool isStored) {
  if (const Sequences *sequences = tensor.sequences())
    add(name, *sequences, isStored);
  else if (tensor.isGiven())
    add(name, tensor.view(), isStored);
}

void Apart::add(std::string_view name, const Sequences &sequences, bool isStored) {
  add(name, sequences.storage, isStored);
  for (const View *view : {&sequences.lengths, &sequences.table})
    if (!view->extents.empty())
      add(name, *view, false);
  if (sequences.scales)
    add(name, *sequences.scales, false);
}

void Apart::reads(const std::vector<Argument> &captured) {
  for (const Argument &argument : captured)
    if (argument.sequences)
      add(argument.name, *argument.sequences, false);
    else if (argument.isView)
      add(argument.name, argument.view, false);
}

Result<void> Apart::check() const {
  auto region = [](const Memory &memory) {
    return MemoryRegion{memory.address,
                        byteSize(memory.view->type),
                        {memory.view->extents.begin(), memory.view->extents.end()},
                        {memory.strides.begin(), memory.strides.end()}};
  };
  for (size_t i = 0; i < count; ++i)
    for (size_t j = 0; j < count; ++j) {
      const Memory &stored = all[i], &other = all[j];
      const bool isTwice = other.isStored && j < i;
      if (!stored.isStored || i == j || isTwice || stored.end <= other.address || other.end <= stored.address)
        continue;
      if (Overlap found = findOverlap(region(stored), region(other)); found != Overlap::None)
        return overlapError(stored.name, other.name, found);
    }
  return {};
}
