//===- Distribute.cpp - Spread tiles over the threads of a CTA ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The new body is built in program order; free tiles are rebuilt in each layout that asks for them, and
// where two layouts meet a tile is moved through a buffer.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile_to_cta/Distribute.h"
#include "compiler/cta/SpreadAnew.h"
#include "compiler/tile_to_cta/Distributor.h"
#include "dialects/layout/Access.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;
using layout::TileLayout;

static cta::LayoutAttr attr(MLIRContext *context, const TileLayout &layout) {
  return cta::LayoutAttr::get(context, layout);
}

void Distributor::run() {
  builder.setInsertionPointToEnd(&newKernel.getBody().front());
  for (auto [from, to] : llvm::zip(oldKernel.getArguments(), newKernel.getArguments()))
    scalars.map(from, to);
  for (Operation &op : oldKernel.getBody().front())
    distribute(&op);
}

void Distributor::distribute(Operation *op) {
  if (auto load = dyn_cast<tile::LoadOp>(op))
    return distributeLoad(load);
  if (auto store = dyn_cast<tile::StoreOp>(op))
    return distributeStore(store);
  if (auto gather = dyn_cast<tile::GatherOp>(op))
    return distributeGather(gather);
  if (auto scatter = dyn_cast<tile::ScatterOp>(op))
    return distributeScatter(scatter);
  if (auto dot = dyn_cast<tile::DotOp>(op))
    return distributeDot(dot, plans.find(op)->second);
  if (auto reduce = dyn_cast<tile::ReduceOp>(op))
    return distributeReduce(reduce);
  if (isa<tile::CombineOp, tile::ScanOp>(op))
    return distributeCombiner(op);
  if (auto scalar = dyn_cast<tile::ScalarOp>(op))
    return distributeScalar(scalar);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return distributeLoop(loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return distributeBranch(branch);
  if (isa<scf::YieldOp, tile::VisibleOp, tile::RequireOp>(op))
    return; // yields belong to their loop or branch; promises and facts have been used
  if (op->getNumResults() == 1 && isa<RankedTensorType>(op->getResult(0).getType()))
    return distributeAnchored(op);
  builder.clone(*op, scalars);
}

/// A tile operation: built now if it is anchored, on demand if it is free.
void Distributor::distributeAnchored(Operation *op) {
  Value result = op->getResult(0);
  const TileLayout *layout = layouts.anchor(result);
  if (!layout)
    return;
  keep(result, rebuild(op, *layout));
}

void Distributor::keep(Value old, Value now) {
  auto type = dyn_cast<RankedTensorType>(now.getType());
  if (!type)
    return scalars.map(old, now);
  undo.push_back({old, type.getEncoding()});
  made[undo.back()] = now;
}

Value Distributor::native(Value value) {
  const TileLayout *layout = layouts.anchor(value);
  assert(layout && "a free tile has no layout of its own");
  return made.lookup({value, attr(builder.getContext(), *layout)});
}

Value Distributor::inLayout(Value tile, const TileLayout &layout) {
  Key key{tile, attr(builder.getContext(), layout)};
  if (Value found = made.lookup(key))
    return found;
  Value value;
  if (layouts.anchor(tile))
    value = inOtherLayout(tile, layout);
  else if (tile.getDefiningOp<tile::LoadOp>()) // a line that was copied
    value = cta::ReadOp::create(builder, tile.getLoc(), cta::withLayout(cast<RankedTensorType>(tile.getType()), layout),
                                slots.lookup(tile),
                                /*transposed=*/false);
  else
    value = rebuild(tile.getDefiningOp(), layout);
  keep(tile, value);
  return value;
}

/// A row or a column.
static bool isLine(Value tile) {
  auto type = cast<RankedTensorType>(tile.getType());
  return type.getRank() == 1 || llvm::is_contained(type.getShape(), 1);
}

/// An anchored tile in a layout that is not its own, made before the loops that it does not depend on.
Value Distributor::inOtherLayout(Value tile, const TileLayout &layout) {
  OpBuilder::InsertionGuard guard(builder);
  Block *home = native(tile).getParentBlock();
  while ((isLine(tile) || tile.hasOneUse()) && builder.getInsertionBlock() != home) {
    auto loop = dyn_cast<scf::ForOp>(builder.getInsertionBlock()->getParentOp());
    if (!loop)
      break;
    builder.setInsertionPoint(loop);
  }
  if (canLoadAgain(tile, layout))
    return rebuild(tile.getDefiningOp(), layout);
  constexpr unsigned kFew = 4; // elements a thread: of more, the arithmetic costs more than a barrier
  constexpr unsigned kMostOperations = 24;
  const bool isCheap = makesTable || !loopAround() || layout.registersPerThread() <= kFew;
  unsigned operations = isCheap ? kMostOperations : 0;
  llvm::SmallPtrSet<Operation *, 32> seen;
  return canMakeAgain(tile, operations, seen) ? rebuild(tile.getDefiningOp(), layout) : convert(native(tile), layout);
}

Value Distributor::rebuild(Operation *op, const TileLayout &layout) {
  return makeSpread(builder, op, layout, [&](Value operand, const TileLayout *spread) {
    return spread ? inLayout(operand, *spread) : scalars.lookupOrDefault(operand);
  });
}

/// Elements of a tile's row that a warp reads side by side.
static int64_t sideBySide(const TileLayout &layout) {
  unsigned last = layout.rank() - 1, run = 1;
  auto moves = [&](const layout::AtomBit &bit) { return bit.dim == last && bit.step == run; };
  while (llvm::any_of(layout.registerBits(), moves) || llvm::any_of(layout.laneBits(), moves))
    run *= 2;
  return run;
}

/// True of what is loaded where the builder stands. Its memory stays as it is: the kernel writes none of its inputs.
bool Distributor::isLoadedHere(Value tile) {
  Operation *load = tile.getDefiningOp();
  return isa_and_nonnull<tile::LoadOp, tile::GatherOp>(load) && layouts.anchor(tile) &&
         !cast<tile::ViewType>(load->getOperand(0).getType()).getWritable() &&
         native(tile).getParentBlock() == builder.getInsertionBlock();
}

/// True of what can be loaded again in `layout` for no more than a pass through shared memory would cost: a row or a
/// column, which warps share in their caches, or a tile whose only use this is and of whose rows a warp reads halves of
/// sectors at least.
bool Distributor::canLoadAgain(Value tile, const TileLayout &layout) {
  constexpr int64_t kHalfSector = 16; // bytes
  if (!isLoadedHere(tile) || cta::layoutOf(native(tile).getType()) == layout)
    return false;
  Type element = cast<RankedTensorType>(tile.getType()).getElementType();
  return isLine(tile) || (tile.hasOneUse() && sideBySide(layout) * tile::elementBytes(element) >= kHalfSector);
}

/// True of a line that at most `operations` of arithmetic make of lines which can be loaded again.
bool Distributor::canMakeAgain(Value tile, unsigned &operations, llvm::SmallPtrSetImpl<Operation *> &seen) {
  Operation *op = tile.getDefiningOp();
  if (!op || !isLine(tile) || (!seen.contains(op) && operations-- == 0))
    return false;
  if (!canBeSpreadAnew(op))
    return false;
  if (isa<tile::LoadOp, tile::GatherOp>(op))
    return isLoadedHere(tile);
  return !seen.insert(op).second || llvm::all_of(op->getOperands(), [&](Value operand) {
    return !isa<RankedTensorType>(operand.getType()) || canMakeAgain(operand, operations, seen);
  });
}

Value Distributor::convert(Value tile, const TileLayout &layout) {
  auto type = cast<RankedTensorType>(tile.getType());
  if (cta::layoutOf(type) == layout)
    return tile;
  if (isa<scf::ForOp>(builder.getInsertionBlock()->getParentOp()))
    ++loopConversions;
  if (makesTable)
    emitRemark(tile.getLoc(), "goes through shared memory to the threads that copy what these rows are of: few "
                              "operations on inputs would be done again");
  int64_t rows = type.getRank() == 2 ? type.getDimSize(0) : 1;
  Value buffer = allocate(cta::BufferType::getFor(rows, type.getDimSize(type.getRank() - 1), type.getElementType()));
  cta::WriteOp::create(builder, tile.getLoc(), tile, buffer);
  return cta::ReadOp::create(builder, tile.getLoc(), cta::withLayout(type, layout), buffer, /*transposed=*/false);
}

Value Distributor::allocate(cta::BufferType type) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&newKernel.getBody().front());
  return cta::AllocOp::create(builder, newKernel.getLoc(), type, /*offset=*/nullptr);
}

Value Distributor::allocateRing(cta::BufferType slot) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(&newKernel.getBody().front());
  return cta::RingOp::create(builder, newKernel.getLoc(), cta::RingType::getFor(slot, 1), /*offset=*/nullptr,
                             /*barriers=*/nullptr);
}

scf::ForOp Distributor::loopAround() {
  Operation *parent = builder.getInsertionBlock()->getParentOp();
  auto loop = dyn_cast<scf::ForOp>(parent);
  return loop ? loop : parent->getParentOfType<scf::ForOp>();
}

Value Distributor::currentStep(Location loc) {
  scf::ForOp loop = loopAround();
  if (!loop || !matchPattern(loop.getStep(), m_One()))
    return arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
  if (matchPattern(loop.getLowerBound(), m_Zero()))
    return loop.getInductionVar();
  return arith::SubIOp::create(builder, loc, loop.getInductionVar(), loop.getLowerBound());
}

Value Distributor::operandBuffer(const OperandPlan &plan) {
  if (plan.load)
    return slots.lookup(plan.tile);
  auto type = cast<RankedTensorType>(plan.tile.getType());
  const TileLayout *own = layouts.anchor(plan.tile);
  Value tile = inLayout(plan.tile, own ? *own : layouts.memoryLayout(type, layout::kAccessBytes));
  if (plan.rounded)
    tile = cta::RoundOp::create(builder, tile.getLoc(), tile);
  Value buffer = allocate(bufferFor(plan));
  cta::WriteOp::create(builder, tile.getLoc(), tile, buffer);
  return buffer;
}

/// Of a slot right behind its copy, once for all products; the buffer itself where it is read as it lies.
Value Distributor::restaged(const OperandPlan &plan, Value buffer, layout::KOrder order) {
  const bool isStraight = !plan.restaged;
  if (isStraight && (!plan.rounded || !plan.load)) // what is computed is rounded as it is written
    return buffer;
  Value &found = restages[{buffer, 2 * int(order) + isStraight}];
  if (found)
    return found;
  OpBuilder::InsertionGuard guard(builder);
  if (plan.load)
    builder.setInsertionPointAfter(buffer.getDefiningOp());
  auto type = cast<cta::BufferType>(buffer.getType());
  found = plan.inPlace ? buffer : allocate(isStraight ? type : restagedBuffer(plan));
  cta::RestageOp::create(builder, plan.tile.getLoc(), buffer, !isStraight && order == layout::KOrder::Pairs, isStraight,
                         found);
  return found;
}

/// A buffer that a tile, computed outside of the loop at hand, is written to before it.
Value Distributor::bufferBeforeLoop(const OperandPlan &plan) {
  OpBuilder::InsertionGuard guard(builder);
  if (layouts.anchor(plan.tile)) // as it is: no conversion that was made inside of the loop
    builder.setInsertionPoint(builder.getInsertionBlock()->getParentOp());
  return operandBuffer(plan);
}

/// A product's left operand in registers, as `type` has it; zeros where the layout covers more of K than there is.
Value Distributor::fragmentA(const OperandPlan &plan, RankedTensorType type) {
  const TileLayout &layout = cta::layoutOf(type);
  if (!plan.load && !plan.transposed) {
    Value tile = inLayout(plan.tile, layout);
    return layout.extent(1) == type.getDimSize(1) ? tile
                                                  : Value(cta::ClearMarginOp::create(builder, tile.getLoc(), tile));
  }
  auto readBuffer = [&](Value buffer) {
    return cta::ReadOp::create(builder, plan.tile.getLoc(), type, buffer, plan.transposed);
  };
  if (!plan.load)
    return readBuffer(operandBuffer(plan));
  Value &fragment = fragments[plan.transposed][{plan.tile, type.getEncoding()}];
  if (!fragment) { // right after the copy has arrived, outside the loop: it dominates every later use
    OpBuilder::InsertionGuard guard(builder);
    Value buffer = operandBuffer(plan);
    builder.setInsertionPointAfter(buffer.getDefiningOp());
    fragment = readBuffer(buffer);
  }
  return fragment;
}

void Distributor::distributeDot(tile::DotOp dot, const DotPlan &plan) {
  Location loc = dot.getLoc();
  bool transposedA = false, transposedB = plan.b.transposed;
  Value a, aBuffer;
  if (plan.aIsPutAside) {
    aBuffer = bufferBeforeLoop(plan.a);
  } else if (!plan.aInShared()) {
    auto type = cast<RankedTensorType>(dot.getA().getType());
    unsigned bytes = tile::elementBytes(type.getElementType());
    TileLayout spread = TileLayout::mmaOperandA(type.getShape(), plan.warpsM, bytes, plan.order);
    a = fragmentA(plan.a, cta::withLayout(type, spread));
    if (plan.a.rounded)
      a = cta::RoundOp::create(builder, loc, a);
  } else {
    aBuffer = operandBuffer(plan.a);
    transposedA = plan.a.transposed;
  }
  Value b = operandBuffer(plan.b);
  if (aBuffer)
    aBuffer = restaged(plan.a, aBuffer, layout::KOrder::Chunks);
  b = restaged(plan.b, b, plan.order);
  transposedA &= !plan.a.restaged, transposedB |= plan.b.restaged;
  Value accumulator = inLayout(dot.getAccumulator(), plan.accumulator);
  keep(dot.getResult(), cta::DotOp::create(builder, loc, accumulator.getType(), plan.kind, a, aBuffer, b, accumulator,
                                           transposedA, transposedB, /*async=*/false, dot.getMode(),
                                           /*columns=*/DenseI64ArrayAttr()));
}

Value Distributor::gatherParts(tile::ReduceOp reduce, Value source) {
  unsigned dim = reduce.getDim();
  RankedTensorType parts = cta::partsType(cast<RankedTensorType>(source.getType()), dim, cta::PartScope::Warp);
  Value value =
      cta::ReduceOp::create(builder, reduce.getLoc(), parts, reduce.getKind(), source, dim, cta::PartScope::Warp);
  return convert(value, cta::layoutOf(parts).gathered(dim));
}

void Distributor::distributeReduce(tile::ReduceOp reduce) {
  TileLayout layout = layouts.reduceOperandLayout(reduce);
  Value source = inLayout(reduce.getSource(), layout);
  if (layout.warps()[reduce.getDim()] > 1)
    source = gatherParts(reduce, source);
  auto type = cta::withLayout(reduce.getResult().getType(), layout.slice(reduce.getDim()));
  keep(reduce.getResult(),
       tile::ReduceOp::create(builder, reduce.getLoc(), type, reduce.getKind(), source, reduce.getDim()));
}

/// A tile.combine or tile.scan, in one layout of its operands.
void Distributor::distributeCombiner(Operation *combiner) {
  TileLayout layout = layouts.combinerLayout(combiner);
  bool isScan = isa<tile::ScanOp>(combiner);
  unsigned dim = tile::combinedDim(combiner);
  Values sources, parts;
  SmallVector<Type> partTypes, types;
  for (Value source : combiner->getOperands()) {
    sources.push_back(inLayout(source, layout));
    partTypes.push_back(cta::runPartsType(cast<RankedTensorType>(sources.back().getType()), dim));
  }
  for (Value result : combiner->getResults())
    types.push_back(cta::withLayout(cast<RankedTensorType>(result.getType()), *layouts.anchor(result)));
  bool inWarps = layout.warps()[dim] == 1;
  if (!inWarps)
    for (Value part : combineBy(combiner, cta::CombineOp::getOperationName(), sources, partTypes)->getResults())
      parts.push_back(convert(part, layout.runParts(dim).gathered(dim)));
  StringRef name = isScan && !inWarps ? cta::ScanOp::getOperationName() : combiner->getName().getStringRef();
  if (isScan)
    llvm::append_range(sources, parts);
  Operation *distributed = combineBy(combiner, name, isScan || inWarps ? sources : parts, types);
  for (auto [from, to] : llvm::zip(combiner->getResults(), distributed->getResults()))
    keep(from, to);
}

Operation *Distributor::combineBy(Operation *combiner, StringRef name, ValueRange operands, TypeRange results) {
  OperationState state(combiner->getLoc(), name, operands, results, combiner->getAttrs());
  IRMapping inner;
  combiner->getRegion(0).cloneInto(state.addRegion(), inner);
  return builder.create(state);
}

/// From a tile of which every thread holds the one element.
void Distributor::distributeScalar(tile::ScalarOp scalar) {
  auto type = cast<RankedTensorType>(scalar.getSource().getType());
  Value source = inLayout(scalar.getSource(), layouts.memoryLayout(type, layout::kAccessBytes));
  scalars.map(scalar.getResult(), tile::ScalarOp::create(builder, scalar.getLoc(), scalar.getType(), source));
}

/// Yields each old operand in the layout its loop or branch result has.
void Distributor::yieldNative(Operation *yield, ArrayRef<Value> natives) {
  SmallVector<Value> values;
  for (auto [operand, result] : llvm::zip(yield->getOperands(), natives))
    values.push_back(isa<RankedTensorType>(operand.getType()) ? inLayout(operand, *layouts.anchor(result))
                                                              : scalars.lookupOrDefault(operand));
  scf::YieldOp::create(builder, yield->getLoc(), values);
}

void Distributor::distributeLoop(scf::ForOp loop) {
  SmallVector<Value> inits;
  for (auto [init, result] : llvm::zip(loop.getInitArgs(), loop.getResults()))
    inits.push_back(isa<RankedTensorType>(init.getType()) ? inLayout(init, *layouts.anchor(result))
                                                          : scalars.lookupOrDefault(init));
  auto newLoop =
      scf::ForOp::create(builder, loop.getLoc(), scalars.lookupOrDefault(loop.getLowerBound()),
                         scalars.lookupOrDefault(loop.getUpperBound()), scalars.lookupOrDefault(loop.getStep()), inits);
  for (auto [from, to] : llvm::zip(loop.getResults(), newLoop.getResults()))
    keep(from, to);
  size_t mark = undo.size();
  scalars.map(loop.getInductionVar(), newLoop.getInductionVar());
  for (auto [from, to] : llvm::zip(loop.getRegionIterArgs(), newLoop.getRegionIterArgs()))
    keep(from, to);
  OpBuilder::InsertionGuard guard(builder);
  if (!newLoop.getBody()->empty())
    newLoop.getBody()->back().erase();
  builder.setInsertionPointToEnd(newLoop.getBody());
  for (Operation &op : *loop.getBody())
    distribute(&op);
  yieldNative(loop.getBody()->getTerminator(), SmallVector<Value>(loop.getResults()));
  while (undo.size() > mark)
    made.erase(undo.pop_back_val());
}

void Distributor::distributeBranch(scf::IfOp branch) {
  SmallVector<Type> types;
  for (Value result : branch.getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    types.push_back(type ? Type(cta::withLayout(type, *layouts.anchor(result))) : result.getType());
  }
  auto newBranch = scf::IfOp::create(builder, branch.getLoc(), types, scalars.lookupOrDefault(branch.getCondition()),
                                     !branch.getElseRegion().empty());
  for (auto [from, to] : llvm::zip(branch->getRegions(), newBranch->getRegions())) {
    if (from.empty())
      continue;
    OpBuilder::InsertionGuard guard(builder);
    Block &body = to.front();
    if (!body.empty())
      body.back().erase();
    builder.setInsertionPointToEnd(&body);
    size_t mark = undo.size();
    for (Operation &op : from.front())
      distribute(&op);
    yieldNative(from.front().getTerminator(), SmallVector<Value>(branch.getResults()));
    while (undo.size() > mark)
      made.erase(undo.pop_back_val());
  }
  for (auto [from, to] : llvm::zip(branch.getResults(), newBranch.getResults()))
    keep(from, to);
}

unsigned imbrex::distribute(func::FuncOp oldKernel, func::FuncOp newKernel, const Target &target, const DotPlans &plans,
                            const LayoutAnalysis &layouts) {
  Distributor distributor(oldKernel, newKernel, target, plans, layouts);
  distributor.run();
  return distributor.conversionsInLoops();
}
