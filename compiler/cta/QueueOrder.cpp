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

static bool isOfQueue(cta::GetOp get) { return get.getRing().getType().getCompletion() == cta::Completion::Mbarrier; }

bool imbrex::readsQueuesInside(scf::ForOp loop) {
  auto walked = loop.walk([&](cta::GetOp get) {
    bool isInside = isOfQueue(get) && get->getBlock() != loop.getBody();
    return isInside ? WalkResult::interrupt() : WalkResult::advance();
  });
  return walked.wasInterrupted();
}

void imbrex::fillLast(ArrayRef<cta::GetOp> late) {
  for (cta::GetOp get : late) {
    if (!isOfQueue(get))
      continue;
    for (Operation *user : llvm::make_early_inc_range(get.getRing().getUsers()))
      if (auto put = dyn_cast<cta::PutOp>(user))
        put->moveBefore(put->getBlock()->getTerminator());
  }
}
