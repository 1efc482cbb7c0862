//===- QueueOrder.cpp - The order in which queues are filled --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/QueueOrder.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace imbrex;

/// True of a put, get or acquire of a ring that is a queue.
static bool usesQueue(Operation *op) {
  auto isQueue = [](auto use) { return use.getRing().getType().getCompletion() == cta::Completion::Mbarrier; };
  return llvm::TypeSwitch<Operation *, bool>(op).Case<cta::PutOp, cta::GetOp, cta::AcquireOp>(isQueue).Default(false);
}

bool imbrex::usesQueuesInside(scf::ForOp loop) {
  auto walked = loop.walk([&](Operation *op) {
    bool isInside = op->getBlock() != loop.getBody() && usesQueue(op);
    return isInside ? WalkResult::interrupt() : WalkResult::advance();
  });
  return walked.wasInterrupted();
}

void imbrex::fillLast(ArrayRef<cta::GetOp> late) {
  for (cta::GetOp get : late) {
    if (!usesQueue(get))
      continue;
    for (Operation *user : llvm::make_early_inc_range(get.getRing().getUsers()))
      if (auto put = dyn_cast<cta::PutOp>(user))
        put->moveBefore(put->getBlock()->getTerminator());
  }
}
