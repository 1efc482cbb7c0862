//===- ScalarBits.h - A scalar argument as a kernel takes it ----- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A host's bool, integer or float becomes the bits of the parameter's type. Internal.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_RUNTIME_SCALARBITS_H
#define IMBREX_RUNTIME_SCALARBITS_H

#include "runtime/Argument.h"

namespace imbrex {

/// The 8 bytes a scalar is passed in (little endian, upper bytes 0); nullopt if it does not fit the type.
std::optional<uint64_t> scalarBits(const Scalar &scalar, DataType type);
/// The number that such bits are, rounded to f64 where it is a large i64.
double scalarValue(uint64_t bits, DataType type);
/// The same of an integer or bool, exactly.
int64_t scalarInteger(uint64_t bits, DataType type);

} // namespace imbrex

#endif // IMBREX_RUNTIME_SCALARBITS_H
