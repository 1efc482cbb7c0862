//===- IssueDots.cpp - Issue products, and wait for them ------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-issue-dots: every product becomes an asynchronous one with its wait right behind. The passes after
// it move the two apart.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Passes.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_ISSUEDOTS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

struct IssueDots : imbrex::impl::IssueDotsBase<IssueDots> {
  void runOnOperation() override {
    SmallVector<cta::DotOp> dots;
    getOperation().walk([&](cta::DotOp dot) {
      if (!dot.getAsync())
        dots.push_back(dot);
    });
    for (cta::DotOp dot : dots) {
      OpBuilder b(dot.getContext());
      b.setInsertionPointAfter(dot);
      auto wait = cta::DotWaitOp::create(b, dot.getLoc(), dot->getResultTypes(), dot.getResult(), ValueRange(), 0);
      dot.getResult().replaceAllUsesExcept(wait.getResult(0), wait);
      dot.setAsync(true);
    }
  }
};

} // namespace
