//===- Workspace.cpp - What lies in a plan's workspace --------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "kernels/attention/Workspace.h"
#include "kernels/attention/Steps.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::attention;

std::optional<uint64_t> attention::bytesOf(const Dims &extents, DataType type) {
  uint64_t bytes = byteSize(type);
  for (int64_t extent : extents)
    if (extent < 0 || __builtin_mul_overflow(bytes, uint64_t(extent), &bytes) || bytes >> 60)
      return std::nullopt;
  return bytes;
}

uint64_t attention::aligned(uint64_t bytes) {
  return (bytes + kWorkspaceAlignment - 1) / kWorkspaceAlignment * kWorkspaceAlignment;
}

View attention::partOf(const View &workspace, uint64_t offset, DataType type, const Dims &extents) {
  View part(workspace.address, type, extents);
  part.owner = workspace.owner;
  part.byteOffset = workspace.byteOffset + offset;
  return part;
}

Result<void> attention::checkWorkspace(const View &workspace, uint64_t bytes) {
  const uint64_t given = workspace.extents.empty() ? 0 : bytesOf(workspace.extents, workspace.type).value_or(0);
  if (bytes != 0 && (given < bytes || (workspace.address + workspace.byteOffset) % kWorkspaceAlignment != 0))
    return refusal("the workspace has to have " + std::to_string(bytes) + " bytes, at a multiple of " +
                   std::to_string(kWorkspaceAlignment));
  return {};
}

View attention::viewOf(const Buffer &workspace) { return View(workspace, DataType::U8, {int64_t(workspace.bytes())}); }

Dims attention::withFirst(int64_t first, const Dims &others) {
  std::array<int64_t, Dims::kMaxRank> all = {first};
  const unsigned rank = std::min(others.size(), Dims::kMaxRank - 1);
  std::copy_n(others.begin(), rank, all.begin() + 1);
  return Dims(std::span<const int64_t>(all.data(), rank + 1));
}

Dims attention::lseExtents(const Dims &o) { return o.size() == 4 ? Dims{o[0], o[2], o[1]} : Dims{o[1], o[0]}; }

Tensor attention::storedAs(const Tensor &queries, const View &view) {
  if (!queries.sequences())
    return view;
  Sequences stored = *queries.sequences();
  stored.storage = view;
  return stored;
}

Result<void> attention::checkQueries(const Tensor &queries, const View &o) {
  const unsigned rank = o.extents.size();
  if (queries.sequences() && queries.sequences()->kind == Storage::Kind::Paged)
    return refusal("queries are dense, padded or ragged, these are paged");
  if (queries.sequences() && queries.sequences()->scales)
    return refusal("keys and values may be scaled, queries not");
  if (rank != queries.view().extents.size() || (rank != 3 && rank != 4))
    return refusal("queries and results have 4 dimensions each, or 3 where queries are ragged");
  return {};
}
