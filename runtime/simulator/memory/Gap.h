//===- Gap.h - Bytes that belong to no variable -----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between the variables of a block's shared memory, and of a frame in local memory, lie bytes that nobody may touch:
// so running over the end of one variable is found, and does not land in the next.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_GAP_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_GAP_H

#include <cstdint>

namespace imbrex::simulator {

/// A gap has at least so many bytes.
constexpr uint32_t kGapBytes = 16;

/// Bytes from `begin` to before `end`, of shared memory or of a frame.
struct Gap {
  uint32_t begin = 0, end = 0;
};

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_GAP_H
