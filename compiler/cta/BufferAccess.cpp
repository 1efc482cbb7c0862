//===- BufferAccess.cpp - Who touches which shared memory ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Follows buffers to their allocation through cta.get, so that lives and barriers ask one question: what
// does this operation read, write, and copy into.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/BufferAccess.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace imbrex;

Operation *imbrex::allocationOf(Value memory) {
  while (auto clear = memory.getDefiningOp<cta::ClearOp>())
    memory = clear.getBuffer();
  while (auto get = memory.getDefiningOp<cta::GetOp>())
    memory = get.getRing();
  while (auto acquire = memory.getDefiningOp<cta::AcquireOp>())
    memory = acquire.getRing();
  Operation *op = memory.getDefiningOp();
  return isa_and_nonnull<cta::AllocOp, cta::RingOp>(op) ? op : nullptr;
}

int64_t imbrex::offsetOf(Operation *allocation) {
  if (auto ring = dyn_cast<cta::RingOp>(allocation))
    return ring.getOffset().value_or(0);
  return cast<cta::AllocOp>(allocation).getOffset().value_or(0);
}

void imbrex::setOffset(Operation *allocation, int64_t offset) {
  if (auto ring = dyn_cast<cta::RingOp>(allocation))
    return ring.setOffset(offset);
  cast<cta::AllocOp>(allocation).setOffset(offset);
}

int64_t imbrex::sizeOf(Operation *allocation) {
  if (auto ring = dyn_cast<cta::RingOp>(allocation))
    return ring.getType().getSizeBytes();
  return cast<cta::AllocOp>(allocation).getType().getSizeBytes();
}

int64_t imbrex::alignmentOf(Operation *allocation) {
  if (auto ring = dyn_cast<cta::RingOp>(allocation))
    return ring.getType().getSlot().getLayout().alignment();
  return cast<cta::AllocOp>(allocation).getType().getLayout().alignment();
}

SmallVector<Operation *> imbrex::accessesOf(Operation *allocation) {
  SmallVector<Operation *> result;
  SmallVector<Value> work{allocation->getResult(0)};
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers()) {
      result.push_back(user);
      if (isa<cta::GetOp, cta::ClearOp, cta::AcquireOp>(user))
        work.push_back(user->getResult(0));
    }
  return result;
}

cta::DotOp imbrex::productOf(Value value) {
  auto dot = value.getDefiningOp<cta::DotOp>();
  return dot && dot.getAsync() ? dot : cta::DotOp();
}

cta::DotOp imbrex::productOfOtherColumns(cta::DotOp dot) {
  return dot.getColumns() ? productOf(dot.getAccumulator()) : cta::DotOp();
}

Touched imbrex::touchedBy(Operation *op) {
  Touched touched;
  auto add = [](auto &list, Value memory) {
    if (Operation *allocation = allocationOf(memory))
      list.push_back(allocation);
  };
  auto readOperands = [&](cta::DotOp dot) {
    if (dot.getABuffer())
      add(touched.reads, dot.getABuffer());
    add(touched.reads, dot.getBBuffer());
  };
  llvm::TypeSwitch<Operation *>(op)
      .Case([&](cta::PutOp put) { add(touched.starts, put.getRing()); })
      .Case([&](cta::GetOp get) {
        if (get.getRing().getType().getCompletion() == cta::Completion::Groups)
          add(touched.arrives, get.getRing());
        else
          add(touched.reads, get.getRing());
      })
      .Case([&](cta::WriteOp write) { add(touched.writes, write.getBuffer()); })
      .Case([&](cta::ClearOp clear) { add(touched.reads, clear.getBuffer()); }) // and all meet behind what it writes
      .Case([&](cta::RestageOp restage) {
        add(touched.reads, restage.getSource());
        add(touched.writes, restage.getTarget());
      })
      .Case([&](cta::AcquireOp acquire) { add(touched.starts, acquire.getRing()); })
      .Case([&](cta::ReadOp read) { add(touched.reads, read.getBuffer()); })
      .Case([&](cta::SendOp send) { add(touched.reads, send.getBuffer()); })
      .Case([&](cta::SentOp sent) { add(touched.reads, sent.getBuffer()); })
      .Case([&](cta::DotOp dot) { readOperands(dot); })
      .Case([&](cta::DotWaitOp wait) {
        for (Value value : wait.getValues())
          for (cta::DotOp dot = productOf(value); dot; dot = productOfOtherColumns(dot))
            readOperands(dot);
      });
  return touched;
}
