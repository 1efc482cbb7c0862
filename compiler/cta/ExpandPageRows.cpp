//===- ExpandPageRows.cpp - The pass cta-expand-page-rows -----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a page's number depends on is kept apart from what it does not: where slices begin with a page, the pages of a
// slice's rows from there on, and their places there, are the same for all slices.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/Passes.h"
#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_EXPANDPAGEROWS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

/// Arithmetic of one tile.page_rows, on tiles spread as its result is.
class PageRows {
public:
  explicit PageRows(tile::PageRowsOp op)
      : op(op), b(op), loc(op.getLoc()), type(cast<RankedTensorType>(op.getType())) {}
  void expand();

private:
  Value constant(int64_t value) { return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(int32_t(value))); }
  Value splat(Value scalar) { return tile::SplatOp::create(b, loc, type, scalar); }
  Value all(int64_t value) {
    return arith::ConstantOp::create(b, loc, SplatElementsAttr::get(type, b.getI32IntegerAttr(int32_t(value))));
  }
  Value isMet(Value steps);
  std::pair<Value, Value> inPage(Value steps);

  tile::PageRowsOp op;
  OpBuilder b;
  Location loc;
  RankedTensorType type;
};

} // namespace

/// Where some position from start + steps on lies in [low, high). None of the differences wraps around.
Value PageRows::isMet(Value steps) {
  constexpr auto kNoWrap = arith::IntegerOverflowFlags::nsw;
  Value left = arith::SubIOp::create(b, loc, op.getHigh(), op.getStart(), kNoWrap);
  Value before = arith::SubIOp::create(b, loc, op.getLow(), op.getStart(), kNoWrap);
  Value ends = arith::AddIOp::create(b, loc, steps, all(op.getRun()), kNoWrap);
  return arith::AndIOp::create(b, loc, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, steps, splat(left)),
                               arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt, ends, splat(before)));
}

/// The pages of the positions start + steps, and the places there.
std::pair<Value, Value> PageRows::inPage(Value steps) {
  Value size = all(op.getPage()), first;
  if (op.getAligned() % op.getPage() == 0)
    first = arith::DivUIOp::create(b, loc, op.getStart(), constant(op.getPage()));
  else
    steps = arith::AddIOp::create(b, loc, splat(op.getStart()), steps, arith::IntegerOverflowFlags::nsw);
  Value page = arith::DivUIOp::create(b, loc, steps, size), place = arith::RemUIOp::create(b, loc, steps, size);
  return {first ? Value(arith::AddIOp::create(b, loc, splat(first), page, arith::IntegerOverflowFlags::nsw)) : page,
          place};
}

void PageRows::expand() {
  auto line = RankedTensorType::get({type.getDimSize(0)}, b.getI32Type(),
                                    cta::LayoutAttr::get(b.getContext(), cta::layoutOf(type).slice(1)));
  Value steps = tile::ExpandDimsOp::create(b, loc, type, tile::IotaOp::create(b, loc, line), 1);
  if (op.getRun() != 1)
    steps = arith::MulIOp::create(b, loc, steps, all(op.getRun()), arith::IntegerOverflowFlags::nsw);
  auto [page, place] = inPage(steps);
  Value asked = arith::SelectOp::create(b, loc, isMet(steps), page, all(-1)); // of no page the entry is -1
  Value entry =
      tile::GatherOp::create(b, loc, type, op.getTable(), ValueRange{op.getIndex(), asked},
                             b.getDenseI64ArrayAttr({-1, -1}), b.getDenseI64ArrayAttr({}), ValueRange(), ValueRange(),
                             /*certain=*/true);
  Value row = arith::AddIOp::create(b, loc, arith::MulIOp::create(b, loc, entry, splat(op.getRows())), place);
  Value isThere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, entry, splat(op.getPages()));
  op.replaceAllUsesWith(arith::SelectOp::create(b, loc, isThere, row, all(-int64_t(op.getRun()))).getResult());
  op.erase();
}

namespace {

struct ExpandPageRows : imbrex::impl::ExpandPageRowsBase<ExpandPageRows> {
  void runOnOperation() override {
    getOperation().walk([](tile::PageRowsOp op) { PageRows(op).expand(); });
  }
};

} // namespace
