//===- Agreement.h - How the results of two launches compare ----*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two tunings of one kernel may add in another order, and no more: their results differ by a few roundings of the
// largest element, NaN and infinity stand in the same places, integers are the same. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_AGREEMENT_H
#define IMBREX_RUNTIME_AGREEMENT_H

#include "compiler/DataType.h"
#include <string>
#include <utility>
#include <vector>

namespace imbrex {

struct Agreement {
  bool sameBits = true;
  bool close = true;
  std::string difference; ///< unless close: the first that is too large, for a person
};

/// `types`: element type and count of each output; the bytes of all of them, one after another.
Agreement compareOutputs(const std::vector<std::pair<DataType, size_t>> &types, const std::vector<char> &expected,
                         const std::vector<char> &found);

} // namespace imbrex

#endif // IMBREX_RUNTIME_AGREEMENT_H
