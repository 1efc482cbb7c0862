//===- Workspace.h - What lies in a plan's workspace ------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Internal to kernels/attention/. Arrays one after another, each from a multiple of kWorkspaceAlignment on.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_KERNELS_ATTENTION_WORKSPACE_H
#define IMBREX_KERNELS_ATTENTION_WORKSPACE_H

#include "kernels/attention.h"

namespace imbrex::attention {

inline constexpr uint64_t kWorkspaceAlignment = 256;
/// Where no memory is: the workspace of a plan, which nobody looks at.
inline constexpr uint64_t kNowhere = uint64_t(1) << 62;

/// nullopt where that is more than any memory.
std::optional<uint64_t> bytesOf(const Dims &extents, DataType type);
/// The next multiple of kWorkspaceAlignment.
uint64_t aligned(uint64_t bytes);
/// An array in the workspace, `offset` bytes from its start.
View partOf(const View &workspace, uint64_t offset, DataType type, const Dims &extents);
/// An Error that says what the workspace has to be, unless it is.
Result<void> checkWorkspace(const View &workspace, uint64_t bytes);
View viewOf(const Buffer &workspace);

/// { first, the others }.
Dims withFirst(int64_t first, const Dims &others);
/// The extents of an lse that goes with o: [B, H, S], or [H, rows].
Dims lseExtents(const Dims &o);
/// `view` as it is, or as sequences where the queries are: of their lengths or offsets.
Tensor storedAs(const Tensor &queries, const View &view);
/// An Error unless queries are dense, padded or ragged, and of the results' rank.
Result<void> checkQueries(const Tensor &queries, const View &o);

} // namespace imbrex::attention

#endif // IMBREX_KERNELS_ATTENTION_WORKSPACE_H
