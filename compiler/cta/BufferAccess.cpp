//===- BufferAccess.cpp - Who touches a buffer ----------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Follows buffers from their allocation through cta.get, so that liveness and barriers ask one question:
// which buffers does this operation read and write.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/BufferAccess.h"

using namespace mlir;
using namespace imbrex;

cta::AllocOp imbrex::allocationOf(Value buffer) {
  while (auto get = buffer.getDefiningOp<cta::GetOp>())
    buffer = get.getBuffer();
  return buffer.getDefiningOp<cta::AllocOp>();
}

SmallVector<Operation *> imbrex::accessesOf(cta::AllocOp alloc) {
  SmallVector<Operation *> result;
  SmallVector<Value> work{alloc.getResult()};
  while (!work.empty())
    for (Operation *user : work.pop_back_val().getUsers()) {
      result.push_back(user);
      if (auto get = dyn_cast<cta::GetOp>(user))
        work.push_back(get.getResult());
    }
  return result;
}

void imbrex::buffersTouched(Operation *op, SmallVectorImpl<cta::AllocOp> &reads,
                            SmallVectorImpl<cta::AllocOp> &writes) {
  if (auto put = dyn_cast<cta::PutOp>(op))
    writes.push_back(allocationOf(put.getBuffer()));
  if (auto write = dyn_cast<cta::WriteOp>(op))
    writes.push_back(allocationOf(write.getBuffer()));
  if (auto read = dyn_cast<cta::ReadOp>(op))
    reads.push_back(allocationOf(read.getBuffer()));
  if (auto dot = dyn_cast<cta::DotOp>(op)) {
    if (dot.getABuffer())
      reads.push_back(allocationOf(dot.getABuffer()));
    reads.push_back(allocationOf(dot.getBBuffer()));
  }
}
