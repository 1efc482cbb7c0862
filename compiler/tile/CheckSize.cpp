//===- CheckSize.cpp - Refuse a kernel of too many operations --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass tile-check-size: one walk, in the order of the text.
//
//===----------------------------------------------------------------------===//

#include "compiler/SizeRefusal.h"
#include "compiler/tile/Passes.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_CHECKSIZE
#include "compiler/tile/Passes.h.inc"
} // namespace imbrex

namespace {

struct CheckSize : imbrex::impl::CheckSizeBase<CheckSize> {
  using CheckSizeBase::CheckSizeBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    unsigned count = 0;
    WalkResult result = getOperation().getBody().walk<WalkOrder::PreOrder>([&](Operation *op) -> WalkResult {
      if (++count <= most)
        return WalkResult::advance();
      return refuseSize(op, SizeLimit::Instructions)
             << "up to here the kernel takes " << count << " operations, more than " << most.getValue()
             << "; split the kernel";
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
