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
#include <algorithm>
#include <cassert>

using namespace imbrex;
using namespace imbrex::attention;

void Apart::add(std::string_view name, const View &view, bool isStored) {
  const unsigned rank = view.extents.size();
  if (rank > Dims::kMaxRank || view.type > DataType::F64 || (!view.strides.empty() && view.strides.size() != rank))
    return;
  const std::optional<Dims> strides = view.strides.empty() ? denseStrides(view.extents) : view.strides;
  if (!strides || std::ranges::any_of(view.extents, [](int64_t extent) { return extent < 1; }) ||
      std::ranges::any_of(*strides, [](int64_t stride) { return stride < 0; }))
    return;
  const std::optional<uint64_t> bytes =
      spanBytes({view.extents.begin(), view.extents.end()}, {strides->begin(), strides->end()}, byteSize(view.type));
  uint64_t address = 0, end = 0;
  if (!bytes || __builtin_add_overflow(view.address, view.byteOffset, &address) ||
      __builtin_add_overflow(address, *bytes, &end))
    return;
  assert(count < kMost && "calls have so much memory at most");
  all[count++] = {{name, address, end, isStored}, &view, *strides};
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
  return checkStoresApart(
      unsigned(count), [&](unsigned i) -> NamedMemory { return all[i]; },
      [&](unsigned i, unsigned j) { return findOverlap(region(all[i]), region(all[j])); });
}
