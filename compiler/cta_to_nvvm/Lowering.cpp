//===- Lowering.cpp - Dispatch, and helpers for values and threads --------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Dispatches operations to their families and provides what all of them use.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/Lowering.h"
#include "compiler/SizeRefusal.h"
#include "compiler/cta/SizeAdvice.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;
using layout::AtomBit;
using layout::TileLayout;

LogicalResult Lowering::lowerOperation(Operation *op) {
  loc = op->getLoc();
  for (auto family :
       {lowerElementwise, lowerShape, lowerIntervals, lowerReductions, lowerCombiners, lowerControl, lowerGlobalMemory,
        lowerGathers, lowerSharedMemory, lowerRings, lowerRoles, lowerInstances, lowerProducts})
    if (Lowered result = family(*this, op))
      return *result;
  return op->emitError("no lowering to single threads for this operation");
}

LogicalResult Lowering::checkSize(Operation *op) const {
  auto check = [&](int64_t taken, int64_t most, StringRef what) -> LogicalResult {
    if (taken <= most)
      return success();
    return refuseSize(op, SizeLimit::Instructions)
           << "up to here the kernel takes " << taken << " " << what << " of each thread, more than " << most << "; "
           << sizeAdvice(op, warps);
  };
  return success(succeeded(check(count.instructions, kMostInstructions, "instructions")) &&
                 succeeded(check(count.machineInstructions, kMostMachineInstructions, "machine instructions")) &&
                 succeeded(check(count.operations, kMostOperations, "operations of stage nvvm")) &&
                 succeeded(check(count.names, kMostNames, "named registers")));
}

LogicalResult Lowering::lowerBlock(Block &block) {
  for (Operation &op : block)
    if (failed(lowerOperation(&op)) || failed(checkSize(&op)))
      return failure();
  return success();
}

const Values &Lowering::registersOf(Value tile) const {
  auto it = registerValues.find(tile);
  assert(it != registerValues.end() && "operand has not been lowered");
  return it->second;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Value Lowering::i32(int64_t value) { return LLVM::ConstantOp::create(b, loc, b.getI32IntegerAttr(value)); }
Value Lowering::i64(int64_t value) { return LLVM::ConstantOp::create(b, loc, b.getI64IntegerAttr(value)); }
Value Lowering::add(Value x, Value y) { return LLVM::AddOp::create(b, loc, x, y); }
Value Lowering::sub(Value x, Value y) { return LLVM::SubOp::create(b, loc, x, y); }
Value Lowering::mul(Value x, Value y) { return LLVM::MulOp::create(b, loc, x, y); }
Value Lowering::bitXor(Value x, Value y) { return LLVM::XOrOp::create(b, loc, x, y); }

Value Lowering::addConstant(Value x, int64_t constant) {
  if (constant == 0)
    return x;
  return add(x, x.getType().isInteger(64) ? i64(constant) : i32(constant));
}

Value Lowering::mulConstant(Value x, int64_t constant) {
  if (constant == 1)
    return x;
  return mul(x, x.getType().isInteger(64) ? i64(constant) : i32(constant));
}

Value Lowering::bitAnd(Value x, int64_t mask) { return LLVM::AndOp::create(b, loc, x, i32(mask)); }
Value Lowering::shiftRight(Value x, unsigned bits) { return bits ? LLVM::LShrOp::create(b, loc, x, i32(bits)) : x; }

Value Lowering::both(Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return LLVM::AndOp::create(b, loc, x, y);
}

Value Lowering::less(Value x, Value y) { return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, x, y); }

Value Lowering::select(Value condition, Value x, Value y) {
  return condition ? LLVM::SelectOp::create(b, loc, condition, x, y) : x;
}

Value Lowering::zero(Type element) {
  Type type = carried(element);
  return LLVM::ConstantOp::create(b, loc, type, b.getZeroAttr(type));
}
Value Lowering::toI64(Value x) {
  return x.getType().isInteger(64) ? x : Value(LLVM::SExtOp::create(b, loc, b.getI64Type(), x));
}

Value Lowering::callIntrinsic(Type result, StringRef name, ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name), arguments)->getResult(0);
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

/// Sum of what the bits of `index` contribute to coordinate `dim`. Bits in a row with steps in a row are
/// taken together: lane bits 2..4 with steps 1, 2, 4 are (lane >> 2) & 7.
static Value contribution(Lowering &l, ArrayRef<AtomBit> bits, Value index, unsigned dim) {
  Value sum;
  for (unsigned bit = 0; bit < bits.size();) {
    if (bits[bit].step == 0 || bits[bit].dim != dim) {
      ++bit;
      continue;
    }
    unsigned run = 1;
    while (bit + run < bits.size() && bits[bit + run].dim == dim && bits[bit + run].step == bits[bit].step << run)
      ++run;
    Value part = l.mulConstant(l.bitAnd(l.shiftRight(index, bit), (1 << run) - 1), bits[bit].step);
    sum = sum ? l.add(sum, part) : part;
    bit += run;
  }
  return sum;
}

void Lowering::enterPart(unsigned firstWarp, unsigned partWarps) {
  warps = partWarps;
  thread = addConstant(thread, -int64_t(firstWarp) * layout::kWarpThreads);
  warp = shiftRight(thread, layout::kLaneBits);
  prologueEnd = warp.getDefiningOp();
  coordinates.clear();
  uniformWords.clear();
}

Value Lowering::uniformWord(const WordKey &key, llvm::function_ref<Value()> make) {
  Value &word = uniformWords[key];
  if (word)
    return word;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(prologueEnd);
  // Plus the lane, which is 0 where it is read: else the assembler sees through a constant.
  return word = callIntrinsic(b.getI32Type(), "llvm.nvvm.shfl.sync.idx.i32",
                              {i32(-1), add(make(), lane), i32(0), i32(layout::kWarpThreads - 1)});
}

Value Lowering::threadCoordinate(const TileLayout &layout, unsigned dim) {
  for (auto &[known, knownDim, value] : coordinates)
    if (knownDim == dim && known == layout)
      return value;
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointAfter(prologueEnd);
  Value value = makeThreadCoordinate(layout, dim);
  coordinates.emplace_back(layout, dim, value);
  return value;
}

Value Lowering::makeThreadCoordinate(const TileLayout &layout, unsigned dim) {
  Value sum = contribution(*this, layout.laneBits(), lane, dim);
  if (unsigned count = layout.warps()[dim]; count > 1) {
    Value index = warp;
    if (unsigned stride = layout.warpStrides()[dim]; stride > 1)
      index = LLVM::UDivOp::create(b, loc, index, i32(stride));
    if (count * layout.warpStrides()[dim] < warps)
      index = LLVM::URemOp::create(b, loc, index, i32(count));
    Value part = mulConstant(index, layout.atomShape()[dim]);
    sum = sum ? add(sum, part) : part;
  }
  return sum ? sum : i32(0);
}

Value Lowering::insideTile(ArrayRef<int64_t> shape, const TileLayout &layout, const layout::Coord &coord) {
  Value inside;
  for (unsigned dim = 0; dim < layout.rank(); ++dim)
    if (int64_t(coord[dim]) + layout.threadReach(dim) >= shape[dim])
      inside = both(inside, less(threadCoordinate(layout, dim), i32(shape[dim] - int64_t(coord[dim]))));
  return inside;
}

Value Lowering::firstReplica(const TileLayout &layout) {
  auto isZero = [&](Value x) { return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, x, i32(0)); };
  Value first;
  if (unsigned lanes = layout.replicatedLanes())
    first = isZero(bitAnd(lane, lanes));
  if (!layout.replicatesWarps(warps))
    return first;
  // A warp is the first of its group if it is the warp that its own indices make.
  Value own = i32(0);
  for (unsigned dim = 0; dim < layout.rank(); ++dim) {
    unsigned count = layout.warps()[dim], stride = layout.warpStrides()[dim];
    if (count == 1)
      continue;
    Value index = LLVM::URemOp::create(b, loc, LLVM::UDivOp::create(b, loc, warp, i32(stride)), i32(count));
    own = add(own, mulConstant(index, stride));
  }
  return both(first, LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, own, warp));
}

std::map<SmallVector<uint32_t, 4>, unsigned> imbrex::registerNumbers(const TileLayout &layout) {
  std::map<SmallVector<uint32_t, 4>, unsigned> numbers;
  for (unsigned reg = 0, e = layout.registersPerThread(); reg < e; ++reg)
    numbers.try_emplace(layout.registerCoord(reg), reg);
  return numbers;
}
