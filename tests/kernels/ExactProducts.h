//===- ExactProducts.h - Products of bytes against plain loops -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// dot of tiles of 8 bits that lie either way in memory, in steps of 64, beside plain loops: for
// factors whose sums are exact in any order.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_KERNELS_EXACTPRODUCTS_H
#define IMBREX_TESTS_KERNELS_EXACTPRODUCTS_H

#include "compiler/DataType.h"
#include <string>
#include <vector>

namespace imbrex::testing {

struct ProductCase {
  DataType type;     ///< of the factors
  bool flipA, flipB; ///< stored as K x M, N x K
  int64_t m, n, depth;
  int64_t tileM = 48, tileN = 40; ///< of the result
};

/// Expects the device's product of `a` and `b`, stored as `run` says, to be the plain loop's.
void expectExactProduct(const std::string &device, const ProductCase &run, const std::vector<double> &a,
                        const std::vector<double> &b);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_KERNELS_EXACTPRODUCTS_H
