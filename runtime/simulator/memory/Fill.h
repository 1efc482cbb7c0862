//===- Fill.h - One value over a range of an allocation ---------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A fill of many MiB is remembered, not stored: its whole pages show one small file over and over, privately, so that a
// page costs memory of its own once something else is written to it. Their written bits are held the same way.
//
//===----------------------------------------------------------------------===//

//|
//| Thread-safety: nothing else may access the range meanwhile.

#ifndef IMBREX_RUNTIME_SIMULATOR_MEMORY_FILL_H
#define IMBREX_RUNTIME_SIMULATOR_MEMORY_FILL_H

#include "runtime/simulator/memory/GlobalMemory.h"

namespace imbrex::simulator {

/// The bytes [offset, offset + count) of the allocation become the four bytes of `word` over and over, beginning with
/// its lowest, and count as written. The offset is a multiple of 4, or the four are equal. Where the host has no
/// mappings or no memory left for it, they are stored one by one.
void fillRange(const Allocation &allocation, uint64_t offset, uint64_t count, uint32_t word);

} // namespace imbrex::simulator

#endif // IMBREX_RUNTIME_SIMULATOR_MEMORY_FILL_H
