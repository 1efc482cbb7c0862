//===- PreparedLines.cpp - Lines that the copying warps compute on ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The work on a line is made again as those who copy hold it (SpreadAnew.h), and left out where it was.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/PreparedLines.h"
#include "compiler/cta/Movable.h"
#include "compiler/cta/SpreadAnew.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace imbrex;

/// True if `value`, another operand of work on the line of `put`, is there for those who copy: a number for all of the
/// line, made before the put.
static bool isForAll(Value value, cta::PutOp put, CopySlice &slice) {
  Operation *op = value.getDefiningOp();
  return op && (isa<tile::SplatOp>(op) || op->hasTrait<OpTrait::ConstantLike>()) &&
         (op->getBlock() != put->getBlock() || op->isBeforeInBlock(put)) && canBeSpreadAnew(op) && slice.add(op);
}

/// The one use of `value` if it is work on the line of `put` alone, of its shape and type.
static Operation *workOn(Value value, cta::PutOp put) {
  if (!value.hasOneUse())
    return nullptr;
  Operation *user = *value.user_begin();
  if (!user->hasTrait<OpTrait::Elementwise>() || !canBeSpreadAnew(user) || user->getBlock() != value.getParentBlock() ||
      user->getResult(0).getType() != value.getType())
    return nullptr;
  CopySlice slice(user->getParentOfType<func::FuncOp>());
  bool isAlone = llvm::all_of(user->getOperands(),
                              [&](Value operand) { return operand == value || isForAll(operand, put, slice); });
  return isAlone ? user : nullptr;
}

std::optional<PreparedLines::Line> PreparedLines::find(cta::PutOp put) {
  auto get = cast<cta::GetOp>(put->getNextNode());
  if (put.getRing().getType().getRows() != 1 || put.getRows() || put.getCondition() || !isOfInput(put) ||
      !isa<scf::ForOp>(put->getParentOp()) || !get->hasOneUse())
    return std::nullopt;
  auto read = dyn_cast<cta::ReadOp>(*get->user_begin());
  if (!read || read->getBlock() != put->getBlock() || cast<RankedTensorType>(read.getResult().getType()).getRank() != 1)
    return std::nullopt;
  Line line{put, read, {}};
  for (Operation *next = workOn(read, put); next; next = workOn(next->getResult(0), put))
    line.work.push_back(next);
  return line;
}

PreparedLines::PreparedLines(ArrayRef<cta::PutOp> puts, unsigned copyWarps) : copyWarps(copyWarps) {
  for (cta::PutOp put : puts)
    if (std::optional<Line> line = find(put))
      (line->work.empty() ? left : all).push_back(*line);
}

/// Says of work on a line that none of it is theirs.
static void tellWhyNot(cta::ReadOp line) {
  Operation *first = nullptr;
  for (Operation *user : line->getUsers())
    if (user->hasTrait<OpTrait::Elementwise>() && user->getBlock() == line->getBlock() &&
        user->getResult(0).getType() == line.getResult().getType() && (!first || user->isBeforeInBlock(first)))
      first = user;
  if (first)
    first->emitRemark("not computed by the warps that copy: ")
        << (line->hasOneUse() ? "it takes more than the line and what is the same for all of it before the copy"
                              : "the line is read as it is too");
}

/// Erases `value` and what it alone was made of.
static void eraseUnused(Value value) {
  llvm::SmallSetVector<Operation *, 8> left; // what is made of one value twice is made of one operation
  auto add = [&](Value each) {
    if (Operation *op = each.getDefiningOp())
      left.insert(op);
  };
  add(value);
  while (!left.empty()) {
    Operation *op = left.pop_back_val();
    if (!isOpTriviallyDead(op))
      continue;
    llvm::for_each(op->getOperands(), add);
    op->erase();
  }
}

/// What the work makes of the line, an element a thread.
Value PreparedLines::prepare(Line &line) const {
  cta::PutOp put = line.put;
  OpBuilder b(put);
  auto load = tile::LoadOp::create(b, put.getLoc(), line.read.getResult().getType(), put.getView(), put.getIndices(),
                                   b.getDenseI64ArrayAttr(put.getDims().back()), put.getWithinAttr(), put.getLow(),
                                   put.getHigh(), put.getCertainAttr());
  IRMapping map;
  map.map(line.read.getResult(), load.getResult());
  for (Operation *op : line.work)
    b.clone(*op, map);
  auto type = cast<RankedTensorType>(load.getResult().getType());
  Value asRead = map.lookup(line.work.back()->getResult(0));
  Value prepared = spreadAnew(asRead, layout::TileLayout::blocked(type.getShape(), copyWarps, /*vector=*/1));
  eraseUnused(asRead);
  return prepared;
}

void PreparedLines::make(SmallVectorImpl<cta::PutOp> &puts) {
  for (const Line &line : left)
    tellWhyNot(line.read);
  for (Line &line : all) {
    line.work.back()->emitRemark("computed by the warps that copy");
    Value prepared = prepare(line), ring = line.put.getRing(), step = line.put.getStep();
    OpBuilder b(line.put);
    Location loc = line.put.getLoc();
    line.acquire = cta::AcquireOp::create(b, loc, line.read.getBuffer().getType(), ring, step);
    line.write = cta::WriteOp::create(b, loc, prepared, line.acquire);
    line.publish = cta::PublishOp::create(b, loc, ring, step);
    line.work.back()->getResult(0).replaceAllUsesWith(line.read.getResult());
    for (Operation *op : llvm::reverse(line.work))
      op->erase();
    llvm::erase(puts, line.put);
    line.put.erase();
  }
}

void PreparedLines::addTo(CopySlice &slice) const {
  for (const Line &line : all) {
    slice.add(line.write);
    slice.add(line.publish);
  }
}

void PreparedLines::erase() {
  for (Line &line : all) {
    Value prepared = line.write.getValue();
    line.publish.erase();
    line.write.erase();
    line.acquire.erase();
    eraseUnused(prepared);
  }
}
