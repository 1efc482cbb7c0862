//===- Structs.cpp - Structs that begin with their size -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is refused of a caller's struct, in words.
//
//===----------------------------------------------------------------------===//

#include "runtime/c/Structs.h"
#include "runtime/c/Answer.h"
#include <algorithm>

using namespace imbrex;
using namespace imbrex::c;

Result<void> imbrex::c::checkSize(uint32_t size, size_t alignment, const std::string &what) {
  if (size >= kSmallestStruct && size <= kLargestStruct && size % alignment == 0) [[likely]]
    return {};
  return argumentError("the size of '" + what + "' is " + std::to_string(size) + ": set its member `size` to sizeof");
}

Result<void> imbrex::c::checkUnknown(const void *more, size_t bytes, const std::string &what) {
  const char *begin = static_cast<const char *>(more);
  if (std::all_of(begin, begin + bytes, [](char byte) { return byte == 0; }))
    return {};
  return argumentError("'" + what + "' has a field set that this library does not know: it is of version " +
                       std::to_string(IMBREX_C_VERSION) + " of the C interface, the caller of a later one");
}
