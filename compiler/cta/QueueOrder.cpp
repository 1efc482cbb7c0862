//===- QueueOrder.cpp - The order in which queues are filled --------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// See the header.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/QueueOrder.h"
#include "llvm/ADT/SetVector.h"
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

SmallVector<Operation *> imbrex::fillingOf(cta::PublishOp publish) {
  llvm::SetVector<Operation *> needed;
  auto add = [&](Operation *op) {
    if (op && op->getBlock() == publish->getBlock())
      needed.insert(op);
  };
  auto addUsers = [&](Value value) { llvm::for_each(value.getUsers(), add); };
  addUsers(publish.getRing());
  for (size_t i = 0; i < needed.size(); ++i)
    llvm::TypeSwitch<Operation *>(needed[i])
        .Case([&](cta::AcquireOp acquire) { addUsers(acquire.getResult()); })
        .Case([&](cta::RestageOp restage) { add(restage.getSource().getDefiningOp()); })
        .Case([&](cta::ClearOp clear) { add(clear.getBuffer().getDefiningOp()); })
        .Case([&](cta::GetOp get) { addUsers(get.getRing()); });
  SmallVector<Operation *> ordered = needed.takeVector();
  llvm::sort(ordered, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return ordered;
}

void imbrex::fillLast(ArrayRef<cta::GetOp> late) {
  auto moveLast = [](Operation *op) { op->moveBefore(op->getBlock()->getTerminator()); };
  for (cta::GetOp get : late) {
    if (!usesQueue(get))
      continue;
    for (Operation *user : llvm::to_vector(get.getRing().getUsers()))
      if (auto publish = dyn_cast<cta::PublishOp>(user))
        llvm::for_each(fillingOf(publish), moveLast);
      else if (isa<cta::PutOp>(user))
        moveLast(user);
  }
}
