//===- LaunchValues.h - What a launch passes to a kernel ------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Here, and nowhere else, the order of an entry's parameters is made: a kernel of views and scalars becomes a list of
// LaunchValues. The lowering makes the entry's parameters by it, and the host packs by the same list, which
// it finds in the KernelInterface.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_TO_NVVM_LAUNCHVALUES_H
#define IMBREX_COMPILER_CTA_TO_NVVM_LAUNCHVALUES_H

#include "compiler/KernelInterface.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace imbrex {

/// Calls `visit` with each value in order and the kernel's argument that it belongs to (null: the grid). A view gives
/// its pointer, its dynamic extents but those written like an earlier one, and its strides but the last, which is 1; a
/// scalar gives itself; after all arguments a folded grid gives its extents along x and y.
void forEachLaunchValue(mlir::func::FuncOp kernel,
                        llvm::function_ref<void(mlir::Value argument, const LaunchValue &value)> visit);

/// The argument and dimension that pass the dynamic extent `dim` of view `argument`: the first that is written alike.
std::pair<unsigned, unsigned> firstOfExtent(mlir::func::FuncOp kernel, unsigned argument, unsigned dim);

/// The values of forEachLaunchValue. `kernel` is of stage tile or cta.
std::vector<LaunchValue> launchValuesOf(mlir::func::FuncOp kernel);

/// The type of the entry's parameter for `value`.
mlir::Type parameterType(const LaunchValue &value, mlir::MLIRContext *context);

} // namespace imbrex

#endif // IMBREX_COMPILER_CTA_TO_NVVM_LAUNCHVALUES_H
