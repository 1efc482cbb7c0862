//===- HostMemory.h - Whether the host has memory left ----------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM ends the process where an allocation fails, so a compilation asks before each of its steps whether there is
// enough for the next. That sees bounds on address space (RLIMIT_AS, RLIMIT_DATA, a system that does not overcommit);
// where memory runs out later, at its first use, no program is told: where there is little, a runtime compiles in a
// child (runtime/MemoryRoom.h). Thread-safe; what it finds free another thread may take. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_HOSTMEMORY_H
#define IMBREX_COMPILER_HOSTMEMORY_H

#include <cstddef>
#include <string>

namespace imbrex {

/// What one step of a compilation may take: a pass, or the reading of a text. Several times what any step of the
/// shipped kernels takes (tests/runtime/HostMemoryTest.cpp goes through all limits).
inline constexpr size_t kStepBytes = size_t(64) << 20;

/// Whether the process could have that much more; takes none of it.
bool hostHas(size_t bytes);
/// "host memory is short: less than 64 MiB more can be had".
std::string hostIsShort(size_t bytes);

} // namespace imbrex

#endif // IMBREX_COMPILER_HOSTMEMORY_H
