//===- PlaceBarriers.cpp - Barriers where threads hand bytes to one another -===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-place-barriers. The state is what has been touched since the last barrier; an access
// that meets it at the same bytes needs a barrier first:
//
//     write after write, write after read, read after write     by any threads of the CTA
//
// A copy is written for the others where its get has waited for it: a barrier between the get and their reads. A
// put must find its slot read by all: a barrier between their reads and the put. So one barrier between the gets of
// an iteration and its puts serves both. The same thread fills the same bytes of a slot each time, so two
// copies into one ring need none; nor does a put into a slot that is known to be another than the one that was read:
//
//     get ring[j]; barrier; read of it; put into ring[j + 1]     of two slots or more, in one iteration
//
// Nor does a tile that is restaged where it lies behind a get by mbarrier, at which every thread has waited for all of
// the copy: each reads and writes bytes of its own.
//
// Branches are on scalars that all threads share, so a barrier may stand in them; those on a vote of a warp (cta.any)
// scale registers and touch no shared memory.
//
// Loads and stores of a view that is stored to happen in the order of the text: a store and another store or load
// of one view need a barrier between, unless each element belongs to the same thread in both, or they cannot meet.
// What is added may be added in any order. Views of different arguments do not overlap (the kernel's contract with
// its host).
//
// Descriptors see what threads and their copies wrote behind a fence of each writer only: it goes before a barrier
// behind which an allocation that descriptors name has been written.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/BufferAccess.h"
#include "compiler/cta/Passes.h"
#include "compiler/tile/LinearForms.h"

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_PLACEBARRIERS
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

namespace {

using Operations = llvm::SmallSetVector<Operation *, 4>;

/// Allocations touched, and accesses to views that are stored to, since the last barrier. `arrived`: those whose
/// copies have come; `awaited`: those for whose copies each thread has waited itself; `slots`: gets of this iteration
/// whose slots alone were read.
struct Pending {
  Operations reads, slots, writes, arrived, awaited, accesses;

  void clear() { *this = Pending(); }
  /// Another iteration begins: steps are other numbers.
  void forgetSteps() {
    for (Operation *get : slots)
      reads.insert(allocationOf(cast<cta::GetOp>(get).getRing()));
    slots.clear();
  }
  void add(const Pending &other) {
    reads.insert(other.reads.begin(), other.reads.end());
    slots.insert(other.slots.begin(), other.slots.end());
    writes.insert(other.writes.begin(), other.writes.end());
    arrived.insert(other.arrived.begin(), other.arrived.end());
    awaited.insert(other.awaited.begin(), other.awaited.end());
    accesses.insert(other.accesses.begin(), other.accesses.end());
  }
  bool operator==(const Pending &other) const {
    return equal(reads, other.reads) && equal(slots, other.slots) && equal(writes, other.writes) &&
           equal(arrived, other.arrived) && equal(awaited, other.awaited) && equal(accesses, other.accesses);
  }

private:
  static bool equal(const Operations &x, const Operations &y) {
    return x.size() == y.size() && llvm::all_of(x, [&](Operation *op) { return y.contains(op); });
  }
};

struct PlaceBarriers : imbrex::impl::PlaceBarriersBase<PlaceBarriers> {
  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      auto dot = dyn_cast<cta::DotOp>(op);
      if (!isa<cta::SendOp>(op) && (!dot || dot.getKind() != cta::DotKind::Wgmma))
        return;
      Touched touched = touchedBy(op);
      described.insert(touched.reads.begin(), touched.reads.end());
    });
    getOperation().walk([&](cta::GetOp get) {
      if (get.getArrived() && allocationOf(get.getRing()))
        waitedFor.insert(allocationOf(get.getRing()));
    });
    Pending pending;
    for (Block &block : getOperation().getBody())
      visitBlock(block, pending);
  }

private:
  void visitBlock(Block &block, Pending &pending);
  void visit(Operation *op, Pending &pending);
  void fenceBefore(Operation *barrier, const Pending &pending);
  void visitLoop(scf::ForOp loop, Pending &pending);
  void visitIterations(scf::ForOp loop, Pending &pending);

  /// What a loop leaves of what it finds, as long as no barrier is placed.
  struct Known {
    Pending before, after;
  };
  using KnownLoops = llvm::DenseMap<Operation *, std::vector<Known>>;
  KnownLoops tried, placed; ///< by isTrial
  bool isTrial = false;     ///< barriers are thought of only
  unsigned barriers = 0;    ///< placed so far
  Operations described;     ///< allocations that descriptors name, or the copy engine reads
  Operations waitedFor;     ///< rings whose copies have come where a get of another has waited
};

} // namespace

/// True if `allocation` has a byte in common with one of `touched`, itself apart if `others`.
static bool meets(Operation *allocation, const Operations &touched, bool others = false) {
  int64_t begin = offsetOf(allocation), end = begin + sizeOf(allocation);
  return llvm::any_of(touched, [&](Operation *other) {
    return (other != allocation || !others) && begin < offsetOf(other) + sizeOf(other) && offsetOf(other) < end;
  });
}

/// The get whose slot the buffer is, of a ring that is no argument; null: some other memory.
static cta::GetOp slotOf(Value buffer) {
  auto get = buffer.getDefiningOp<cta::GetOp>();
  return get && allocationOf(get.getRing()) ? get : cta::GetOp();
}

/// True if the operation's threads are done with all that it reads when it is over, and read slots of rings only.
static bool readsSlots(Operation *op) {
  if (auto read = dyn_cast<cta::ReadOp>(op))
    return bool(slotOf(read.getBuffer()));
  auto dot = dyn_cast<cta::DotOp>(op);
  return dot && !dot.getAsync() && slotOf(dot.getBBuffer()) && (!dot.getABuffer() || slotOf(dot.getABuffer()));
}

/// True if the step of the put is known to have another slot than that of the get, of one ring.
static bool haveTwoSlots(cta::PutOp put, cta::GetOp get) {
  if (put.getRing() != get.getRing())
    return false;
  LinearForms forms;
  std::optional<LinearForm> filled = forms.ofScalar(put.getStep()), read = forms.ofScalar(get.getStep());
  std::optional<LinearForm> between = filled && read ? filled->plus(*read, -1) : std::nullopt;
  return between && between->isConstant() && between->constant % int64_t(put.getRing().getType().getSlots()) != 0;
}

/// True if `op` writes to slots that were read.
static bool meetsSlots(Operation *op, const Touched &touched, const Operations &slots) {
  return llvm::any_of(slots, [&](Operation *slot) {
    auto get = cast<cta::GetOp>(slot);
    Operations ring;
    ring.insert(allocationOf(get.getRing()));
    auto meetsRing = [&](Operation *allocation) { return meets(allocation, ring); };
    auto put = dyn_cast<cta::PutOp>(op);
    return llvm::any_of(touched.writes, meetsRing) ||
           (llvm::any_of(touched.starts, meetsRing) && !(put && haveTwoSlots(put, get)));
  });
}

/// True if each thread reads and writes bytes of a tile that no other one touches.
static bool staysInPlace(Operation *op) {
  auto restage = dyn_cast<cta::RestageOp>(op);
  return restage && restage.getSource() == restage.getTarget();
}

/// True if `op`, which touches `touched`, needs a barrier behind what is pending.
static bool conflicts(Operation *op, const Touched &touched, const Pending &pending) {
  const bool inPlace = staysInPlace(op);
  return llvm::any_of(touched.reads,
                      [&](Operation *op) { return meets(op, pending.writes) || meets(op, pending.arrived); }) ||
         llvm::any_of(touched.writes,
                      [&](Operation *op) {
                        return meets(op, pending.writes) || meets(op, pending.arrived) || meets(op, pending.reads) ||
                               meets(op, pending.awaited, inPlace);
                      }) ||
         llvm::any_of(touched.starts,
                      [&](Operation *op) {
                        return meets(op, pending.writes) || meets(op, pending.arrived, /*others=*/true) ||
                               meets(op, pending.reads) || meets(op, pending.awaited);
                      }) ||
         meetsSlots(op, touched, pending.slots);
}

namespace {

/// An access to a view that the kernel stores to.
struct ViewAccess {
  Operation *op;
  Value view;
  RankedTensorType tile; ///< null: a scalar, which all threads load and one stores
  ValueRange indices;
  ArrayRef<int64_t> dims;
  bool stores, adds = false, isGather = false;

  scf::ForOp loop() const { return op->getParentOfType<scf::ForOp>(); }
};

} // namespace

template <typename Access> static ViewAccess describe(Access op, Type tile, bool stores) {
  return {op, op.getView(), dyn_cast<RankedTensorType>(tile), op.getIndices(), op.getDims(), stores};
}

/// nullopt for other operations, and for loads of what no kernel stores to.
static std::optional<ViewAccess> viewAccessOf(Operation *op) {
  std::optional<ViewAccess> access;
  if (auto load = dyn_cast<tile::LoadOp>(op))
    access = describe(load, load.getResult().getType(), false);
  else if (auto gather = dyn_cast<tile::GatherOp>(op))
    access = describe(gather, gather.getResult().getType(), false);
  else if (auto store = dyn_cast<tile::StoreOp>(op))
    access = describe(store, store.getValue().getType(), true), access->adds = store.getAdds();
  else if (auto scatter = dyn_cast<tile::ScatterOp>(op))
    access = describe(scatter, scatter.getValue().getType(), true), access->adds = scatter.getAdds();
  if (!access || !cast<tile::ViewType>(access->view.getType()).getWritable())
    return std::nullopt;
  access->isGather = isa<tile::GatherOp, tile::ScatterOp>(op);
  return access;
}

/// True if no two iterations of the loops around it touch one element: it is in no loop, or in one
/// whose index moves it on by at least its extent along some dimension.
static bool neverReturns(const ViewAccess &access) {
  scf::ForOp loop = access.loop();
  if (!loop)
    return true;
  if (loop->getParentOfType<scf::ForOp>())
    return false;
  APInt step;
  if (!matchPattern(loop.getStep(), m_ConstantInt(&step)))
    return false;
  for (auto [dim, index] : llvm::enumerate(access.indices)) {
    auto axis = llvm::find(access.dims, int64_t(dim)) - access.dims.begin();
    int64_t extent = access.tile && axis < access.tile.getRank() ? access.tile.getDimSize(axis) : 1;
    std::optional<LinearForm> form = LinearForms().ofScalar(index);
    bool rest = form && llvm::all_of(form->scalars, [&](const auto &entry) {
                  return entry.first == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(entry.first);
                });
    if (rest && std::abs(form->coefficient(loop.getInductionVar())) * step.getSExtValue() >= extent)
      return true;
  }
  return false;
}

/// True if each element of the tile belongs to one thread alone.
static bool hasOneOwner(RankedTensorType tile, Operation *op) {
  auto kernel = op->getParentOfType<func::FuncOp>();
  if (!cta::launchOf(kernel) || !tile.getEncoding())
    return false;
  const layout::TileLayout &layout = cta::layoutOf(tile);
  return layout.replicatedLanes() == 0 && !layout.replicatesWarps(cta::computingWarpsOf(kernel));
}

/// True if each thread touches in both the elements that it has of the tile, and those only. All threads that have an
/// element load it, and one of them stores it.
static bool areSameThreads(const ViewAccess &second, const ViewAccess &first) {
  bool store = first.stores && second.stores;
  if (!first.tile || !second.tile)
    return !first.tile && !second.tile && store;
  return first.tile == second.tile && first.dims == second.dims && (store || hasOneOwner(first.tile, first.op));
}

/// True if `second` may touch an element that another thread touches in `first`, and one of them stores. A gather or
/// scatter may touch any.
static bool meets(const ViewAccess &second, const ViewAccess &first) {
  if (first.view != second.view || (!first.stores && !second.stores) || (first.adds && second.adds))
    return false;
  if (first.isGather || second.isGather || !areSameThreads(second, first))
    return true;
  bool samePlace = llvm::equal(first.indices, second.indices) && first.loop() == second.loop();
  return first.tile && (!samePlace || !neverReturns(second));
}

void PlaceBarriers::visitBlock(Block &block, Pending &pending) {
  for (Operation &op : llvm::make_early_inc_range(block))
    visit(&op, pending);
}

/// Loops in loops are walked again and again: what one has done before is not done again.
void PlaceBarriers::visitLoop(scf::ForOp loop, Pending &pending) {
  KnownLoops &known = isTrial ? tried : placed;
  for (const Known &each : known[loop])
    if (each.before == pending) {
      pending = each.after;
      return;
    }
  Pending before = pending;
  unsigned barriersBefore = barriers;
  visitIterations(loop, pending);
  if (barriers == barriersBefore)
    known[loop].push_back({before, pending});
}

/// An iteration finds what the one before it left: that is tried first, so that a barrier stands where every iteration
/// needs one, not where the first does.
void PlaceBarriers::visitIterations(scf::ForOp loop, Pending &pending) {
  pending.forgetSteps();
  Pending before = pending;
  bool wasTrial = std::exchange(isTrial, true);
  visitBlock(*loop.getBody(), pending);
  pending.forgetSteps();
  isTrial = wasTrial;
  for (unsigned round = 0; round < 2; ++round) {
    pending.add(before); // the first iteration
    visitBlock(*loop.getBody(), pending);
    pending.forgetSteps();
  }
  pending.add(before); // no iteration at all
}

/// A fence before `barrier`, if something is pending that descriptors may read behind it.
void PlaceBarriers::fenceBefore(Operation *barrier, const Pending &pending) {
  auto isDescribed = [&](Operation *allocation) { return described.contains(allocation); };
  if (llvm::none_of(pending.writes, isDescribed) && llvm::none_of(pending.arrived, isDescribed))
    return;
  if (barrier->getPrevNode() && isa<cta::FenceAsyncOp>(barrier->getPrevNode()))
    return;
  OpBuilder builder(barrier);
  cta::FenceAsyncOp::create(builder, barrier->getLoc());
}

void PlaceBarriers::visit(Operation *op, Pending &pending) {
  if (isa<cta::BarrierOp>(op)) {
    if (!isTrial)
      fenceBefore(op, pending);
    return pending.clear();
  }
  if (auto roles = dyn_cast<cta::RolesOp>(op)) // the copies meet the others at their rings' own barriers
    return visitBlock(roles.getCompute().front(), pending);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return visitLoop(loop, pending);
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    Pending before = pending, after;
    for (Region &region : branch->getRegions()) {
      Pending taken = before;
      if (!region.empty())
        visitBlock(region.front(), taken);
      after.add(taken);
    }
    pending = after;
    return;
  }
  Touched touched = touchedBy(op);
  if (auto get = dyn_cast<cta::GetOp>(op); get && !touched.arrives.empty()) { // by groups
    if (get.getArrived())                                                     // the one that has waited said so
      touched.arrives.clear();
    else
      touched.arrives.append(waitedFor.begin(), waitedFor.end());
  }
  std::optional<ViewAccess> access = viewAccessOf(op);
  bool meetsAccess =
      access && llvm::any_of(pending.accesses, [&](Operation *other) { return meets(*access, *viewAccessOf(other)); });
  if (meetsAccess || conflicts(op, touched, pending)) {
    if (!isTrial) {
      OpBuilder builder(op);
      cta::Scope scope = op->getParentOfType<cta::RolesOp>() ? cta::Scope::Role : cta::Scope::Cta;
      fenceBefore(cta::BarrierOp::create(builder, op->getLoc(), scope), pending);
      ++barriers;
      tried.clear();
      placed.clear();
    }
    pending.clear();
  }
  if (access)
    pending.accesses.insert(op);
  if (isa<cta::GetOp>(op))
    pending.awaited.insert(touched.reads.begin(), touched.reads.end());
  else if (!readsSlots(op))
    pending.reads.insert(touched.reads.begin(), touched.reads.end());
  else
    for (Value operand : op->getOperands())
      if (cta::GetOp get = slotOf(operand))
        pending.slots.insert(get);
  pending.writes.insert(touched.writes.begin(), touched.writes.end());
  pending.arrived.insert(touched.arrives.begin(), touched.arrives.end());
}
