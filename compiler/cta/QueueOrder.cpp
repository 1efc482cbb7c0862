//===- QueueOrder.cpp - The order in which queues are filled --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/QueueOrder.h"

using namespace mlir;
using namespace imbrex;

void imbrex::fillLast(ArrayRef<cta::GetOp> late) {
  for (cta::GetOp get : late) {
    if (cast<cta::RingType>(get.getRing().getType()).getCompletion() != cta::Completion::Mbarrier)
      continue;
    for (Operation *user : llvm::make_early_inc_range(get.getRing().getUsers()))
      if (auto put = dyn_cast<cta::PutOp>(user))
        put->moveBefore(put->getBlock()->getTerminator());
  }
}
