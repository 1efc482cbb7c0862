//===- Storage.h - Numbers as a kernel stores them ----------- -*- C++ -*--===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The float types of views, as doubles: rounding to nearest even, bits in memory, and the unit roundoff.
// Written from the formats' definitions, so that no conversion of the compiler is trusted here.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_SUPPORT_STORAGE_H
#define IMBREX_TESTS_SUPPORT_STORAGE_H

#include "compiler/DataType.h"
#include <cstdint>
#include <vector>

namespace imbrex::testing {

/// `value` as the nearest number of `type`, ties to even; past the largest it is an infinity, of 8 bits the largest.
double roundTo(double value, DataType type);
std::vector<double> roundTo(std::vector<double> values, DataType type);
void roundAll(double *values, size_t count, DataType type);

/// Half the distance from 1 to the next number: 2^-11 for f16, 2^-8 for bf16.
double unitRoundoff(DataType type);

/// The bits of roundTo(value, type), in the low bytes; and back.
uint64_t encode(double value, DataType type);
double decode(uint64_t bits, DataType type);

} // namespace imbrex::testing

#endif // IMBREX_TESTS_SUPPORT_STORAGE_H
