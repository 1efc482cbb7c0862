//===- MemoryRoom.h - How much memory a process may still take --*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM ends the process where an allocation fails, and the system ends it where memory that was promised is not there.
// Where there is room enough neither happens to a compilation; where there is less, it belongs in a child, which is
// what ends then (ChildCompiler). Thread-safe; what is found free others may take. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_MEMORYROOM_H
#define IMBREX_RUNTIME_MEMORYROOM_H

#include "runtime/ChildCompiler.h"

namespace imbrex {

/// Room in which compilations are of the process itself: some ten times what the largest shipped kernel takes.
inline constexpr size_t kRoomToCompile = size_t(1) << 30;

/// The least that any bound leaves: limits of the process (RLIMIT_AS, RLIMIT_DATA; getrlimit(2)), those of its cgroup
/// and the ones around it (memory.max, or memory.limit_in_bytes of version 1; pages of files count as free), and the
/// machine's own memory, as available and, where the system promises no more than it has, as promised (proc(5)).
/// What cannot be read bounds nothing.
size_t memoryRoom();

/// `here`, or in a child where there is less than kRoomToCompile when it is called.
CompileFunction inChildWhereMemoryIsShort(CompileFunction here);

} // namespace imbrex

#endif // IMBREX_RUNTIME_MEMORYROOM_H
