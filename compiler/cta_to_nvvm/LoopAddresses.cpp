//===- LoopAddresses.cpp - What a loop carries for its copies -------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads indices and steps as linear forms of the induction variable; what is none is left to the body.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/LoopAddresses.h"
#include "compiler/cta_to_nvvm/SlotBarrier.h"
#include "compiler/tile/ScalarSigns.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace imbrex;

LoopAddresses::LoopAddresses(Lowering &l, scf::ForOp loop) : l(l), loop(loop) {
  APInt step;
  if (!matchPattern(loop.getStep(), m_ConstantInt(&step)) || !loop.getInductionVar().getType().isInteger(32))
    return;
  loopStep = step.getSExtValue();
  const bool isInnermost = loop.getBody()->getOps<scf::ForOp>().empty();
  loop.getBody()->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<scf::ForOp>(op))
      return WalkResult::skip(); // carries its own
    if (auto get = dyn_cast<cta::GetOp>(op); get && !get.use_empty())
      carrySlot(op, get.getRing().getType(), get.getStep());
    if (auto put = dyn_cast<cta::PutOp>(op)) {
      carrySlot(op, put.getRing().getType(), put.getStep());
      if (put->getParentOp() == loop && !put.getMap())
        carryCursor(put);
    }
    if (!isInnermost || op->getParentOp() != loop)
      return WalkResult::advance();
    if (auto store = dyn_cast<tile::StoreOp>(op))
      carryPointer(store);
    if (auto load = dyn_cast<tile::LoadOp>(op); load && cta::copies(load))
      carryPointer(load);
    return WalkResult::advance();
  });
  carryPhases();
}

/// A ring and a step by mbarrier.
static std::optional<std::pair<Value, Value>> phased(Operation *op) {
  std::optional<std::pair<Value, Value>> found;
  llvm::TypeSwitch<Operation *>(op).Case<cta::PutOp, cta::GetOp, cta::ReleaseOp, cta::AcquireOp, cta::PublishOp>(
      [&](auto access) { found = {access.getRing(), access.getStep()}; });
  bool isByMbarrier = found && cast<cta::RingType>(found->first.getType()).getCompletion() == cta::Completion::Mbarrier;
  return isByMbarrier ? found : std::nullopt;
}

/// Of rings with as many slots, whose steps differ by constants, the earliest is carried, and the others found by
/// moving on from it: the last of these is what the earliest is in the next iteration, or near it.
void LoopAddresses::carryPhases() {
  constexpr int64_t kFurthest = 2; ///< steps to move on; beyond, it is cheaper to carry another one
  std::vector<Phased> all;
  loop.getBody()->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<scf::ForOp>(op))
      return WalkResult::skip();
    auto access = phased(op);
    std::optional<LinearForm> form = access ? modular.ofScalar(access->second) : std::nullopt;
    if (form && loopStep == 1 && isEven(*form) && form->coefficient(loop.getInductionVar()) == 1)
      all.push_back({op, cast<cta::RingType>(access->first.getType()), *form});
    return WalkResult::advance();
  });
  llvm::stable_sort(all, [](const Phased &x, const Phased &y) { return x.step.constant < y.step.constant; });
  std::vector<std::pair<const Phased *, unsigned>> carriers; // with the number of their offset; the parity is behind it
  for (const Phased &each : all) {
    auto distance = [&](const Phased &other) -> int64_t {
      std::optional<LinearForm> ahead = each.step.plus(other.step, -1);
      bool isNear = ahead && ahead->isConstant() && ahead->constant >= 0 && ahead->constant <= kFurthest;
      return isNear && other.ring.getSlots() == each.ring.getSlots() ? ahead->constant : -1;
    };
    auto carrier = llvm::find_if(carriers, [&](const auto &known) { return distance(*known.first) >= 0; });
    if (carrier == carriers.end()) {
      Value first = firstStep(each.step, each.ring);
      SlotPhase phase = phaseOf(l, each.ring, first);
      cta::RingType ring = each.ring;
      unsigned number = values.size();
      carry(phase.offset, [=, this](Value offset) { return nextPhase(l, ring, {offset, current[number + 1]}).offset; });
      carry(phase.parity, [=, this](Value parity) { return nextPhase(l, ring, {current[number], parity}).parity; });
      carriers.push_back({&each, number});
      carrier = std::prev(carriers.end());
    }
    int64_t ahead = distance(*carrier->first);
    entries.push_back([=, this, op = each.op, ring = each.ring, number = carrier->second] {
      SlotPhase phase{current[number], current[number + 1]};
      for (int64_t i = 0; i < ahead; ++i)
        phase = nextPhase(l, ring, phase);
      l.slotPhases[op] = phase;
    });
  }
}

unsigned LoopAddresses::carry(Value initial, std::function<Value(Value)> advance) {
  values.push_back(initial);
  advances.push_back(std::move(advance));
  return values.size() - 1;
}

bool LoopAddresses::isEven(const LinearForm &form) {
  return llvm::all_of(form.scalars, [&](const auto &entry) {
    return entry.first == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(entry.first);
  });
}

Value LoopAddresses::atFirst(const LinearForm &form) {
  Value sum = l.i64(form.constant);
  for (auto [scalar, coefficient] : form.scalars) {
    Value first = l.scalarOf(scalar == loop.getInductionVar() ? loop.getLowerBound() : scalar);
    sum = l.add(sum, l.mulConstant(l.toI64(first), coefficient));
  }
  return sum;
}

Value LoopAddresses::firstStep(LinearForm form, cta::RingType ring) {
  const int64_t period = 2 * int64_t(ring.getSlots());
  form.constant += form.constant < 0 ? llvm::alignTo(-form.constant, period) : 0;
  return LLVM::TruncOp::create(l.b, l.loc, l.b.getI32Type(), atFirst(form));
}

bool LoopAddresses::isNonNegative(const LinearForm &form) {
  return form.constant >= 0 && llvm::all_of(form.scalars, [](const auto &entry) {
           return entry.second >= 0 && isNonNegativeScalar(entry.first);
         });
}

std::optional<LinearForm> LoopAddresses::evenForm(Value index) {
  std::optional<LinearForm> form = exact.ofScalar(index);
  if (form && isEven(*form))
    return form;
  auto sum = index.getDefiningOp<arith::AddIOp>();
  for (unsigned i = 0; sum && i < 2; ++i) {
    std::optional<LinearForm> moving = exact.ofScalar(sum.getOperand(i)), fixed = exact.ofScalar(sum.getOperand(1 - i));
    if (moving && fixed && isEven(*moving) && isNonNegative(*moving) &&
        loop.isDefinedOutsideOfLoop(sum.getOperand(1 - i)))
      return moving->plus(*fixed, 1);
  }
  return std::nullopt;
}

void LoopAddresses::carrySlot(Operation *op, cta::RingType ring, Value step) {
  std::optional<LinearForm> form = modular.ofScalar(step);
  if (ring.getSlots() == 1 || !form || !isEven(*form) || form->coefficient(loop.getInductionVar()) != 1)
    return;
  for (const SlotCounter &counter : counters) {
    std::optional<LinearForm> ahead = form->plus(counter.rest, -1);
    if (counter.ring.getSlots() != ring.getSlots() || !ahead || !ahead->isConstant())
      continue;
    unsigned number = counter.number;
    const int64_t own = ring.getStrideBytes(), its = counter.ring.getStrideBytes();
    if (ahead->constant % ring.getSlots() == 0 && own >= its && llvm::isPowerOf2_64(own / its) && own % its == 0) {
      entries.push_back([=, this] { l.slotOffsets[op] = l.mulConstant(current[number], own / its); });
      return;
    }
    if (ahead->constant % ring.getSlots() == 0 && its > own && llvm::isPowerOf2_64(its / own) && its % own == 0) {
      entries.push_back([=, this] { l.slotOffsets[op] = l.shiftRight(current[number], llvm::Log2_64(its / own)); });
      return;
    }
    if (own != its)
      continue;
    if (ring.getSlots() == 2) { // the other slot
      entries.push_back([=, this] { l.slotOffsets[op] = l.sub(l.i32(ring.getStrideBytes()), current[number]); });
      return;
    }
  }
  Value first = firstStep(*form, ring);
  int64_t stride = ring.getStrideBytes(), slots = ring.getSlots(), forward = loopStep % slots;
  unsigned number = carry(l.slotOffset(ring, first), [=, this](Value offset) -> Value {
    if (forward == 0)
      return offset;
    if (slots == 2)
      return l.sub(l.i32(stride), offset);
    Value wraps = LLVM::ICmpOp::create(l.b, l.loc, LLVM::ICmpPredicate::sge, offset, l.i32(stride * (slots - forward)));
    return l.add(offset, l.select(wraps, l.i32(stride * (forward - slots)), l.i32(stride * forward)));
  });
  counters.push_back({ring, *form, number});
  entries.push_back([=, this] { l.slotOffsets[op] = current[number]; });
}

void LoopAddresses::carrySum(Value &field, Value by, SmallVectorImpl<std::pair<Value *, unsigned>> &fields) {
  if (!field || !by)
    return;
  bool isPointer = isa<LLVM::LLVMPointerType>(field.getType());
  fields.push_back({&field, carry(field, [=, this](Value value) -> Value {
                      return isPointer ? l.offsetPointer(value, by) : l.add(value, by);
                    })});
}

/// How far a cursor reaches, with the dimensions of the view along which it does.
static std::array<std::pair<Reach *, int64_t>, 2> reachesOf(CopyCursor &cursor, ArrayRef<int64_t> dims) {
  return {{{&cursor.rows, dims[cursor.isLine ? 1 : 0]}, {&cursor.columns, dims[cursor.isLine ? 0 : 1]}}};
}

bool LoopAddresses::deriveCursor(cta::PutOp put, ArrayRef<LinearForm> indices) {
  for (Known &other : known) {
    if (other.put.getView() != put.getView() || other.put.getRows() != put.getRows() ||
        other.put.getDims() != put.getDims() ||
        other.put.getRing().getType().getSlot() != put.getRing().getType().getSlot() ||
        other.put.getWithin() != put.getWithin() || other.put.getLow() != put.getLow() ||
        other.put.getHigh() != put.getHigh())
      continue;
    SmallVector<int64_t> distance;
    for (auto [mine, its] : llvm::zip(indices, other.indices)) {
      std::optional<LinearForm> difference = mine.plus(its, -1);
      if (!difference || !difference->isConstant() || difference->constant < 0)
        break;
      distance.push_back(difference->constant);
    }
    if (distance.size() != indices.size())
      continue;
    TileCopy copy(l, put);
    if (!copy.isDealtLike(TileCopy(l, other.put)))
      continue; // threads have other pieces
    bool isBelow = llvm::all_of(llvm::enumerate(distance), [&](auto entry) {
      return entry.value() == 0 || int64_t(entry.index()) == put.getDims()[other.cursor->isLine ? 1 : 0];
    });
    if (other.cursor->isNarrowed && !isBelow)
      continue; // what bounds the rows there is not what bounds them here
    entries.push_back([=, this, bytes = copy.bytesOf(distance), dims = put.getDims(), first = other.cursor] {
      CopyCursor cursor = *first;
      if (!cursor.isLine)
        cursor.pointer = l.offsetPointer(cursor.pointer, bytes);
      for (auto [reach, dim] : reachesOf(cursor, dims)) {
        reach->left = reach->left ? l.addConstant(reach->left, -distance[dim]) : Value();
        reach->position = reach->position ? l.addConstant(reach->position, distance[dim]) : Value();
      }
      l.cursors[put] = cursor;
    });
    return true;
  }
  return false;
}

void LoopAddresses::carryCursor(cta::PutOp put) {
  auto isOutside = [&](Value bound) { return loop.isDefinedOutsideOfLoop(bound); };
  if (!llvm::all_of(put.getLow(), isOutside) || !llvm::all_of(put.getHigh(), isOutside))
    return;
  SmallVector<LinearForm> indices;
  for (Value index : put.getIndices()) {
    std::optional<LinearForm> form = evenForm(index);
    if (!form)
      return;
    indices.push_back(*form);
  }
  if (deriveCursor(put, indices))
    return;
  TileCopy copy(l, put);
  Values start;
  SmallVector<int64_t> steps;
  for (const LinearForm &form : indices) {
    start.push_back(atFirst(form));
    steps.push_back(form.coefficient(loop.getInductionVar()) * loopStep);
  }
  auto follows = [&](unsigned dim) {
    Value from = tile::boundsWithin(put.getWithin(), put.getLow(), put.getHigh(), dim).first;
    std::optional<LinearForm> low = from ? exact.ofScalar(from) : std::nullopt;
    std::optional<LinearForm> ahead = low ? indices[dim].plus(*low, -1) : std::nullopt;
    return isNonNegative(indices[dim]) && (!from || (ahead && isNonNegative(*ahead)));
  };
  auto movesAlong = [&](unsigned along) {
    return llvm::all_of(llvm::enumerate(steps), [&](auto step) { return step.value() == 0 || step.index() == along; });
  };
  bool rowsFollow = follows(copy.rowDim()), columnsFollow = follows(copy.columnDim());
  auto cursor = std::make_shared<CopyCursor>();
  if (movesAlong(copy.rowDim()) && !put.getRows())
    *cursor = copy.narrowedAt(start, rowsFollow, columnsFollow);
  else if (steps[copy.columnDim()] != 0 && movesAlong(copy.columnDim()) && copy.isLine())
    *cursor = copy.lineAt(start);
  else
    *cursor = copy.cursorAt(start, rowsFollow, columnsFollow);
  known.push_back({put, indices, cursor});
  auto growth = [&](unsigned dim, int64_t sign) { return steps[dim] ? l.i32(sign * steps[dim]) : Value(); };
  bool moves = llvm::any_of(steps, [](int64_t step) { return step != 0; });
  SmallVector<std::pair<Value *, unsigned>> fields;
  carrySum(cursor->pointer, moves && !cursor->isLine ? copy.bytesOf(steps) : Value(), fields);
  for (auto [reach, dim] : reachesOf(*cursor, put.getDims())) {
    carrySum(reach->left, growth(dim, -1), fields);
    carrySum(reach->position, growth(dim, 1), fields);
  }
  entries.push_back([=, this] {
    for (auto [field, number] : fields)
      *field = current[number];
    l.cursors[put] = *cursor;
  });
}

static Type tileOf(tile::StoreOp store) { return store.getValue().getType(); }
static Type tileOf(tile::LoadOp load) { return load.getResult().getType(); }

template <typename Access> void LoopAddresses::carryPointer(Access access) {
  auto type = dyn_cast<RankedTensorType>(tileOf(access));
  if (!type)
    return;
  Values start;
  Value bytes;
  const unsigned element = tile::elementBytes(access.getView().getType().getElementType());
  for (auto [index, stride] : llvm::zip(access.getIndices(), l.viewOf(access.getView()).strides)) {
    std::optional<LinearForm> form = evenForm(index);
    if (!form)
      return;
    start.push_back(atFirst(*form));
    if (int64_t step = form->coefficient(loop.getInductionVar()) * loopStep) {
      Value along = l.mulConstant(stride, step * element);
      bytes = bytes ? l.add(bytes, along) : along;
    }
  }
  if (!bytes)
    return;
  Value first = pointerBefore(access);
  if (!first)
    first = l.tilePointer(access.getView(), start, access.getDims(), cta::layoutOf(type));
  unsigned number = carry(first, [=, this](Value pointer) { return l.offsetPointer(pointer, bytes); });
  entries.push_back([=, this] { l.tilePointers[access] = current[number]; });
  pointers.push_back({access, number});
}

template <typename Access> Value LoopAddresses::pointerBefore(Access access) {
  scf::ForOp before = cta::continuedBy(loop);
  if (!before)
    return {};
  auto isSame = [&](Value index, Value other) {
    std::optional<LinearForm> form = modular.ofScalar(index), its = modular.ofScalar(other);
    if (!form || !its || form->coefficient(loop.getInductionVar()) != its->coefficient(before.getInductionVar()))
      return false;
    form->scalars.erase(loop.getInductionVar());
    its->scalars.erase(before.getInductionVar());
    std::optional<LinearForm> difference = form->plus(*its, -1);
    return difference && difference->isConstant() && difference->constant == 0;
  };
  for (auto other : before.getBody()->getOps<Access>())
    if (Value end = l.endPointers.lookup(other);
        end && other.getView() == access.getView() && other.getDims() == access.getDims() &&
        tileOf(other) == tileOf(access) && llvm::equal(access.getIndices(), other.getIndices(), isSame))
      return end;
  return {};
}

void LoopAddresses::enter(ValueRange carried) {
  current.assign(carried.begin(), carried.end());
  for (const auto &entry : entries)
    entry();
}

void LoopAddresses::leave(ValueRange carried) {
  for (auto [access, number] : pointers)
    l.endPointers[access] = carried[number];
}

Values LoopAddresses::next() {
  Values result;
  for (auto [advance, value] : llvm::zip(advances, current))
    result.push_back(advance(value));
  return result;
}
