//===- InlinePtx.cpp - Inline assembly ------------------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Assembly with side effects keeps its place among the accesses to memory.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/InlinePtx.h"

using namespace mlir;
using namespace imbrex;

Value imbrex::pinned(Lowering &l, Value value) {
  llvm::StringRef constraints = value.getType().isF64() ? kPinF64 : kPinF32;
  auto pin = LLVM::InlineAsmOp::create(l.b, l.loc, value.getType(), value, "", constraints, /*has_side_effects=*/true,
                                       /*is_align_stack=*/false, LLVM::TailCallKind::None, LLVM::AsmDialectAttr(),
                                       ArrayAttr());
  return pin->getResult(0);
}
