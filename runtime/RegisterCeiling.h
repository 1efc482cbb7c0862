//===- RegisterCeiling.h - Fewer registers, fewer spills --------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An assembler that may give a thread all 255 registers loads ahead until they are full, and then now and then spills a
// few bytes for which there is room when it plans with fewer from the start: of sixty kernels with at most 60 spilled
// bytes, two thirds spill nothing under one of the ceilings tried here. What a kernel computes is not touched.
// Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_REGISTERCEILING_H
#define IMBREX_RUNTIME_REGISTERCEILING_H

#include <optional>
#include <string>
#include <string_view>

namespace imbrex {

/// Which ceilings are worth a try for a kernel, one after the other, until one spills nothing:
///
///   CeilingSearch search(ptx, registers, bytes);
///   while (std::optional<std::string> next = search.next())
///     if (search.spills(BYTES THAT next SPILLS)) KEEP next's CODE
///
/// None are for a kernel that spills nothing or hundreds of bytes, nor for PTX that says itself how many registers its
/// threads have (.maxnreg) or moves them from warp to warp (setmaxnreg).
class CeilingSearch {
public:
  /// `registers` a thread and `bytes` spilled of `ptx` as it is, which must outlive the search.
  CeilingSearch(std::string_view ptx, unsigned registers, unsigned bytes);

  /// `ptx` with the next ceiling; nullopt at the end.
  std::optional<std::string> next();
  /// What the last text spilled; true if that is less than all before.
  bool spills(unsigned bytes);
  /// Of the last text: registers a thread at most.
  unsigned ceiling() const { return last; }

private:
  std::string_view ptx;
  size_t at = std::string_view::npos; ///< where the directive stands that a ceiling takes the place of
  unsigned registers, least;
  unsigned tried = 0, last = 0;
};

} // namespace imbrex

#endif // IMBREX_RUNTIME_REGISTERCEILING_H
