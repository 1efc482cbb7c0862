//===- Control.cpp - Kernels, loops and branches --------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The kernel's function and its arguments; scf.for and scf.if as blocks with one argument a register;
// conditional blocks for guarded memory accesses. Conditions of scf are the same in all threads.
//
//===----------------------------------------------------------------------===//

#include "compiler/SizeRefusal.h"
#include "compiler/Target.h"
#include "compiler/cta_to_nvvm/LaunchValues.h"
#include "compiler/cta_to_nvvm/LoopAddresses.h"
#include "compiler/cta_to_nvvm/Parameters.h"

using namespace mlir;
using namespace imbrex;

Lowering::Lowering(func::FuncOp kernel)
    : b(kernel), loc(kernel.getLoc()), warps(cta::computingWarpsOf(kernel)),
      target(Target::parse(cta::launchOf(kernel).getTarget().str()).value_or(*Target::parse("sm_80"))), kernel(kernel) {
  b.setListener(&count);
}

LogicalResult Lowering::makeFunction() {
  b.setInsertionPoint(kernel);
  SmallVector<Type> types;
  forEachLaunchValue(kernel,
                     [&](Value, const LaunchValue &value) { types.push_back(parameterType(value, b.getContext())); });
  auto type = LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()), types);
  if (int64_t bytes = parameterBytes(type); bytes > kLargeParameterBytes)
    return refuseSize(kernel, SizeLimit::Parameters)
           << "the parameters of this kernel take " << bytes << " bytes, more than the " << kLargeParameterBytes
           << " that a launch can pass; use fewer views, or extents that are known when it is compiled";
  std::string name = kernel.getName().str();
  kernel.setName((name + ".tile").c_str());
  auto shared = LLVM::GlobalOp::create(b, loc, LLVM::LLVMArrayType::get(b.getI8Type(), 0), /*isConstant=*/false,
                                       LLVM::Linkage::External, name + "_shared", Attribute(), /*alignment=*/1024,
                                       /*addrSpace=*/3);
  auto function = LLVM::LLVMFuncOp::create(b, loc, name, type);
  function->setAttr(NVVM::NVVMDialect::getKernelFuncAttrName(), b.getUnitAttr());
  function->setAttr(NVVM::NVVMDialect::getReqntidAttrName(),
                    b.getDenseI32ArrayAttr({int32_t(cta::launchOf(kernel).getThreads())}));
  // Asked for one CTA an SM, ptxas takes the registers it needs; asked for nothing it may spill to fit two.
  function->setAttr(NVVM::NVVMDialect::getMinctasmAttrName(), b.getI32IntegerAttr(1));
  function->setAttr(cta::kLaunchAttr, cta::launchOf(kernel));
  for (auto [i, parameter] : llvm::enumerate(types))
    if (parameter == LLVM::LLVMPointerType::get(b.getContext()))
      function.setArgAttrs(i, tensorMapAttributes(b));
  entry = function.addEntryBlock(b);
  body = &function.getBody();
  b.setInsertionPointToStart(entry);
  mapArguments(function);
  sharedMemory = LLVM::AddressOfOp::create(b, loc, shared);
  thread = NVVM::ThreadIdXOp::create(b, loc, b.getI32Type());
  lane = bitAnd(thread, layout::kWarpThreads - 1);
  warp = shiftRight(thread, layout::kLaneBits);
  prologueEnd = warp.getDefiningOp();
  return success();
}

/// A view's values before its launch values are known: constants, and nulls for what is to come.
static ViewValues staticValues(Lowering &l, tile::ViewType view) {
  ViewValues values;
  for (unsigned dim = 0; dim < view.getRank(); ++dim)
    values.extents.push_back(view.isDynamic(dim) ? Value() : l.i32(view.getExtents()[dim]));
  values.strides.assign(view.getRank(), Value());
  if (view.getRank() > 0)
    values.strides.back() = l.i64(1);
  return values;
}

void Lowering::mapArguments(LLVM::LLVMFuncOp function) {
  for (Value argument : kernel.getArguments())
    if (auto view = dyn_cast<tile::ViewType>(argument.getType()))
      views[argument] = staticValues(*this, view);
  unsigned next = 0;
  forEachLaunchValue(kernel, [&](Value argument, const LaunchValue &value) {
    Value passed = function.getArgument(next++);
    switch (value.kind) {
    case LaunchValue::Kind::Pointer:
      views[argument].pointer = passed;
      break;
    case LaunchValue::Kind::Extent:
      views[argument].extents[value.index] = passed;
      break;
    case LaunchValue::Kind::Stride:
      views[argument].strides[value.index] = passed;
      break;
    case LaunchValue::Kind::GridExtent:
      foldedExtents.push_back(passed);
      break;
    case LaunchValue::Kind::TensorMap:
      define(argument, {passed});
      break;
    case LaunchValue::Kind::Scalar:
      if (value.type == DataType::Bool) // a byte
        passed = LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::ne, passed, zero(b.getI8Type()));
      define(argument, {passed});
    }
  });
  for (auto [i, argument] : llvm::enumerate(kernel.getArguments()))
    if (auto view = dyn_cast<tile::ViewType>(argument.getType()))
      for (unsigned dim = 0; dim < view.getRank(); ++dim)
        if (view.isDynamic(dim)) {
          auto [first, its] = firstOfExtent(kernel, i, dim);
          views[argument].extents[dim] = views[kernel.getArgument(first)].extents[its];
        }
}

LogicalResult Lowering::run() { return failed(makeFunction()) ? failure() : lowerBlock(kernel.getBody().front()); }

Block *Lowering::newBlock(TypeRange arguments) {
  Block *block = new Block();
  body->push_back(block);
  block->addArguments(arguments, SmallVector<Location>(arguments.size(), loc));
  return block;
}

Values Lowering::whenElse(Value condition, ArrayRef<Value> otherwise, llvm::function_ref<Values()> makeBody) {
  if (!condition)
    return makeBody();
  Block *then = newBlock(), *join = newBlock(ValueRange(otherwise).getTypes());
  LLVM::CondBrOp::create(b, loc, condition, then, ValueRange(), join, ValueRange(otherwise));
  b.setInsertionPointToEnd(then);
  Values values = makeBody();
  LLVM::BrOp::create(b, loc, values, join);
  b.setInsertionPointToEnd(join);
  return Values(join->args_begin(), join->args_end());
}

Value Lowering::isFirstThread() { return LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::eq, thread, i32(0)); }

void Lowering::when(Value condition, llvm::function_ref<void()> makeBody) {
  whenElse(condition, {}, [&] {
    makeBody();
    return Values();
  });
}

/// All registers of several tiles and scalars, one after another.
static Values flatten(Lowering &l, ValueRange tiles) {
  Values flat;
  for (Value tile : tiles)
    llvm::append_range(flat, l.registersOf(tile));
  return flat;
}

/// Gives each of `tiles` its share of `flat`, as many as the matching tile of `like` has.
static void unflatten(Lowering &l, ValueRange tiles, ValueRange like, ValueRange flat) {
  unsigned next = 0;
  for (auto [tile, model] : llvm::zip(tiles, like)) {
    unsigned count = l.registersOf(model).size();
    l.define(tile, Values(flat.slice(next, count)));
    next += count;
  }
}

/// How many registers of a tile a loop carries as one word, of elements of 16 or 8 bits: LLVM keeps a loop's values
/// apart otherwise.
static unsigned perWord(Lowering &l, Value tile) {
  auto type = dyn_cast<RankedTensorType>(tile.getType());
  const unsigned bits = type ? type.getElementTypeBitWidth() : 0, count = bits == 16 || bits == 8 ? 32 / bits : 1;
  return l.registersOf(tile).size() % count == 0 ? count : 1;
}

/// The numbers of a tile's registers in the order in which words have them: bytes of one row side by side, as products
/// take them.
static SmallVector<unsigned> orderInWords(Lowering &l, Value tile) {
  auto numbers = llvm::seq<unsigned>(0, l.registersOf(tile).size());
  SmallVector<unsigned> order(numbers.begin(), numbers.end());
  auto type = dyn_cast<RankedTensorType>(tile.getType());
  if (!type || type.getElementTypeBitWidth() != 8)
    return order;
  const layout::TileLayout &layout = cta::layoutOf(type);
  llvm::stable_sort(order,
                    [&](unsigned x, unsigned y) { return layout.registerCoord(x)[0] < layout.registerCoord(y)[0]; });
  return order;
}

/// All registers of several tiles and scalars as a loop carries them.
static Values flattenCarried(Lowering &l, ValueRange tiles) {
  Values flat;
  for (Value tile : tiles) {
    const unsigned count = perWord(l, tile);
    Values ordered = llvm::map_to_vector(orderInWords(l, tile), [&](unsigned i) { return l.registersOf(tile)[i]; });
    for (unsigned i = 0; i < ordered.size(); i += count)
      flat.push_back(count == 1 ? ordered[i] : l.wordOf(ArrayRef<Value>(ordered).slice(i, count)));
  }
  return flat;
}

/// Gives each of `tiles` its share of `flat`, made by flattenCarried of `like`.
static void unflattenCarried(Lowering &l, ValueRange tiles, ValueRange like, ValueRange flat) {
  unsigned next = 0;
  for (auto [tile, model] : llvm::zip(tiles, like)) {
    const Values &registers = l.registersOf(model);
    const SmallVector<unsigned> order = orderInWords(l, model);
    const unsigned count = perWord(l, model);
    Values own(registers.size());
    for (unsigned i = 0; i < own.size(); i += count) {
      Value carried = flat[next++];
      if (count > 1)
        carried = LLVM::BitcastOp::create(l.b, l.loc, VectorType::get({count}, registers.front().getType()), carried);
      for (unsigned k = 0; k < count; ++k)
        own[order[i + k]] = count == 1 ? carried : Value(LLVM::ExtractElementOp::create(l.b, l.loc, carried, l.i32(k)));
    }
    l.define(tile, own);
  }
}

static LogicalResult lowerFor(Lowering &l, scf::ForOp loop) {
  OpBuilder &b = l.b;
  Location loc = loop.getLoc();
  l.count.addLoop();
  LoopAddresses addresses(l, loop);
  Values inits = flattenCarried(l, loop.getInitArgs());
  const unsigned own = inits.size(); // behind them, what the loop carries for its copies
  llvm::append_range(inits, addresses.initial());
  SmallVector<Type> types{loop.getInductionVar().getType()};
  llvm::append_range(types, ValueRange(inits).getTypes());
  Block *header = l.newBlock(types), *bodyBlock = l.newBlock(), *exit = l.newBlock();
  Values entries{l.scalarOf(loop.getLowerBound())};
  llvm::append_range(entries, inits);
  Value upper = l.scalarOf(loop.getUpperBound()), step = l.scalarOf(loop.getStep());
  LLVM::BrOp::create(b, loc, entries, header);

  b.setInsertionPointToEnd(header);
  Value index = header->getArgument(0);
  ValueRange carried = header->getArguments().drop_front();
  LLVM::CondBrOp::create(b, loc, l.less(index, upper), bodyBlock, ValueRange(), exit, ValueRange());

  b.setInsertionPointToEnd(bodyBlock);
  l.define(loop.getInductionVar(), {index});
  unflattenCarried(l, loop.getRegionIterArgs(), loop.getInitArgs(), carried.take_front(own));
  addresses.enter(carried.drop_front(own));
  if (failed(l.lowerBlock(*loop.getBody())))
    return failure();
  l.loc = loc;
  Values next{l.add(index, step)};
  llvm::append_range(next, flattenCarried(l, loop.getBody()->getTerminator()->getOperands()));
  llvm::append_range(next, addresses.next());
  LLVM::BrOp::create(b, loc, next, header);

  b.setInsertionPointToEnd(exit);
  unflattenCarried(l, loop.getResults(), loop.getInitArgs(), carried.take_front(own));
  addresses.leave(carried.drop_front(own));
  return success();
}

static LogicalResult lowerIf(Lowering &l, scf::IfOp branch) {
  l.count.addBranch();
  OpBuilder &b = l.b;
  Location loc = branch.getLoc();
  Block *before = b.getInsertionBlock();
  Block *blocks[2] = {l.newBlock(), l.newBlock()}, *ends[2];
  Values results[2];
  for (unsigned side = 0; side < 2; ++side) {
    b.setInsertionPointToEnd(blocks[side]);
    Region &region = branch->getRegion(side);
    if (!region.empty()) {
      if (failed(l.lowerBlock(region.front())))
        return failure();
      results[side] = flatten(l, region.front().getTerminator()->getOperands());
    }
    ends[side] = b.getInsertionBlock();
  }
  l.loc = loc;
  b.setInsertionPointToEnd(before);
  LLVM::CondBrOp::create(b, loc, l.scalarOf(branch.getCondition()), blocks[0], ValueRange(), blocks[1], ValueRange());
  Block *join = l.newBlock(ValueRange(results[0]).getTypes());
  for (unsigned side = 0; side < 2; ++side) {
    b.setInsertionPointToEnd(ends[side]);
    LLVM::BrOp::create(b, loc, results[side], join);
  }
  b.setInsertionPointToEnd(join);
  if (branch.getNumResults())
    unflatten(l, branch.getResults(), branch.thenYield().getOperands(), join->getArguments());
  return success();
}

Lowered imbrex::lowerControl(Lowering &l, Operation *op) {
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return lowerFor(l, loop);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return lowerIf(l, branch);
  if (isa<scf::YieldOp>(op))
    return success(); // its operands are read by the loop or branch around it
  if (isa<func::ReturnOp>(op)) {
    LLVM::ReturnOp::create(l.b, l.loc, ValueRange());
    return success();
  }
  return std::nullopt;
}
