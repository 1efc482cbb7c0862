//===- PassDamages.h - What a wrong pass would do -------------- -*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list of damages: each is done to a program behind a pass on tiles, as a mistake in that pass would. The random
// programs must find every one (DamagedPassesTest.cpp).
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_TESTS_CONFORMANCE_RANDOM_PASSDAMAGES_H
#define IMBREX_TESTS_CONFORMANCE_RANDOM_PASSDAMAGES_H

#include "mlir/IR/BuiltinOps.h"

namespace imbrex::test {

/// True of an operation that the pass has made, or given more operands or fewer.
using IsNew = llvm::function_ref<bool(mlir::Operation *)>;

struct PassDamage {
  const char *pass, *what;
  /// Changes the program; what it does not find to change stays as it is.
  void (*damage)(mlir::ModuleOp module, IsNew isNew);
};

/// Of passes on masks, loops and accesses (MaskDamages.cpp), and on arithmetic (AlgebraDamages.cpp).
llvm::ArrayRef<PassDamage> maskDamages();
llvm::ArrayRef<PassDamage> algebraDamages();

/// `value` + `amount`, of integers or tiles of them, computed before an operation.
mlir::Value plus(mlir::Operation *before, mlir::Value value, int64_t amount);

} // namespace imbrex::test

#endif // IMBREX_TESTS_CONFORMANCE_RANDOM_PASSDAMAGES_H
