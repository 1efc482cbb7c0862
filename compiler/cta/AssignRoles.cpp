//===- AssignRoles.cpp - Some warps copy, the others compute ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass cta-assign-roles. The kernel is cut along its rings: puts, and of the rest what says when and where they
// copy (CopySlice.h), go to warps of their own; all but the puts stays with the others.
//
//     loop j: put j; get j; compute       ->     compute: loop j: get j; compute; release j     copy: loop j: put j
//
// What the copy engine can copy it copies: one thread asks it to (TMA). The rest the threads copy. A table that says
// where rows lie they make themselves (SpreadAnew.h).
//
// What is copied only to be restaged they restage too (RestagedCopies.h), and what is computed of a line alone they
// compute (PreparedLines.h). Rings become queues with barriers of their own, so that a copy starts as soon as its slot
// is empty, and each part waits for nothing else. A ring counts its steps (RingSteps.h). What is put once an instance
// has one slot, which is filled for the next one as soon as it has been read.
//
//===----------------------------------------------------------------------===//

#include "compiler/Target.h"
#include "compiler/cta/BufferAccess.h"
#include "compiler/cta/CopyDeal.h"
#include "compiler/cta/CopySlice.h"
#include "compiler/cta/LoopInstances.h"
#include "compiler/cta/LoopSize.h"
#include "compiler/cta/Passes.h"
#include "compiler/cta/PreparedLines.h"
#include "compiler/cta/ProductWaits.h"
#include "compiler/cta/RestagedCopies.h"
#include "compiler/cta/RingSteps.h"
#include "compiler/cta/SharedLives.h"
#include "compiler/cta/SpreadAnew.h"
#include "compiler/cta/TensorBoxes.h"
#include "compiler/tile/ScalarSigns.h"
#include "dialects/layout/WgmmaOperand.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/FormatVariadic.h"
#include <numeric>

using namespace mlir;
using namespace imbrex;

namespace imbrex {
#define GEN_PASS_DEF_ASSIGNROLES
#include "compiler/cta/Passes.h.inc"
} // namespace imbrex

/// Warps that copy: one warpgroup, as registers are dealt to warpgroups.
static constexpr unsigned kCopyWarps = layout::kWarpgroupWarps;
/// Registers of a thread that copies itself: addresses of its rows, bounds, and slots; and of one that asks the copy
/// engine to, for at most `kFewTiles`; of more, the bounds take as many. (PTX ISA, "setmaxnreg": steps of 8.)
static constexpr unsigned kCopyRegisters = 40, kAskRegisters = 24, kRegisterUnit = 8, kFewTiles = 4;
/// Of one that finds the rows which it copies in a table, at least; what one has more at least for each tile that it
/// restages; and the most that either has a use for.
static constexpr unsigned kTableRegisters = 56, kRestageRegisters = 8, kMostCopying = 72;
/// Lines whose pointers and elements find room among the registers of one that asks, if barely.
static constexpr unsigned kFewLines = 2;
/// What those who compute have beside the tiles of a loop's products: row-wise values, words of descriptors, bounds.
static constexpr unsigned kBesideProducts = 28;
/// The most a thread may have by setmaxnreg, less what ptxas keeps for itself.
static constexpr unsigned kMostRegisters = 240;

/// True if a loop multiplies by wgmma: its products run while nothing else would.
static bool hasProductLoop(func::FuncOp kernel) {
  return kernel
      .walk([](cta::DotOp dot) {
        bool found = dot.getKind() == cta::DotKind::Wgmma && dot->getParentOfType<scf::ForOp>();
        return found ? WalkResult::interrupt() : WalkResult::advance();
      })
      .wasInterrupted();
}

/// The dimension of the view whose bounds cta.clear can see to: the rows', or that of a single row.
static int64_t clearedDim(cta::PutOp put) { return put.getDims()[put.getRing().getType().getRows() == 1 ? 1 : 0]; }

/// The rows of `put` that are known to follow one another: all, or where a table of pages says where they lie, as many
/// as do wherever the tile begins.
static int64_t rowsOfRun(cta::PutOp put) {
  const int64_t rows = put.getRing().getType().getRows();
  if (!put.getRows())
    return rows;
  auto table = put.getRows().getDefiningOp<tile::PageRowsOp>();
  return table ? std::gcd(std::gcd(int64_t(table.getAligned()), int64_t(table.getPage())), rows) : 1;
}

/// Why the copy engine cannot be asked for the runs of `put` one by one; empty if it can.
static std::string whyNoRuns(cta::PutOp put) {
  const int64_t rows = put.getRing().getType().getRows(), run = rowsOfRun(put);
  if (!put.getRows())
    return "";
  if (!put.getRows().getDefiningOp<tile::PageRowsOp>())
    return "its rows come from a table";
  if (run % layout::SharedLayout::kSwizzleRows != 0)
    return llvm::formatv(
        "{0} of its rows lie together in a page, and what the copy engine swizzles are multiples of {1}", run,
        layout::SharedLayout::kSwizzleRows);
  if (rows / run > kCopyWarps * layout::kWarpThreads)
    return llvm::formatv("its rows lie in {0} pages, more than threads that copy", rows / run);
  return "";
}

static BoxedTile boxesOf(cta::PutOp put) {
  return {put.getView(), put.getIndices(), put.getDims(), put.getRing().getType().getSlot().getLayout(),
          rowsOfRun(put)};
}

/// Why the copy engine cannot copy the tile; empty if it can: from a view whose rows it may name, with all positions
/// apart from the rows' (or those in a single row) bounded by the view alone.
static std::string whyNotMapped(cta::PutOp put) {
  if (put.getCondition())
    return "it is made on a condition";
  if (std::string reason = whyNoRuns(put); !reason.empty())
    return reason;
  if (StringRef reason = whyNoBoxes(boxesOf(put)); !reason.empty())
    return reason.str();
  bool isBounded = llvm::all_of(put.getWithin(), [&](int64_t dim) { return dim == clearedDim(put); });
  return isBounded ? "" : "it is bounded along another dimension than its rows'";
}

static bool canBeMapped(cta::PutOp put) { return whyNotMapped(put).empty(); }

namespace {

struct AssignRoles : imbrex::impl::AssignRolesBase<AssignRoles> {
  void runOnOperation() override;

private:
  bool canPart();
  void makeRings(unsigned slots, unsigned before);
  bool fits(unsigned slots, unsigned before);
  void dealSlots();
  std::pair<unsigned, unsigned> dealRegisters();
  void mapViews();
  void part(unsigned registers, unsigned copyRegisters);

  Target target;
  unsigned warps = 0;
  SmallVector<cta::PutOp> puts;
  std::optional<RestagedCopies> restaged; ///< once the kernel is to be parted
  std::optional<PreparedLines> lines;     ///< likewise
};

} // namespace

bool AssignRoles::canPart() {
  CopySlice slice(getOperation());
  llvm::SmallPtrSet<Value, 4> rings;
  for (cta::PutOp put : puts) {
    StringRef reason = whyNotCounted(put);
    if (reason.empty() && !rings.insert(put.getRing()).second)
      reason = "its ring has another copy";
    if (reason.empty() && !slice.add(put))
      reason = "where it reads depends on what the kernel computes";
    if (reason.empty())
      continue;
    put.emitRemark("no warps of their own for copies: of this one ") << reason;
    return false;
  }
  return true;
}

/// Rings by mbarrier; those that a loop fills have `slots` slots, but those of tiles which are restaged then `before`.
void AssignRoles::makeRings(unsigned slots, unsigned before) {
  auto inLoop = [](cta::PutOp put, unsigned count) {
    auto loop = put->getParentOfType<scf::ForOp>();
    return loop && !goesThroughInstances(loop) ? count : 1;
  };
  for (cta::PutOp put : puts) {
    cta::RingType type = put.getRing().getType();
    const unsigned count = inLoop(put, restaged->contains(put) ? before : slots);
    put.getRing().setType(cta::RingType::getFor(type.getSlot(), count, cta::Completion::Mbarrier));
  }
  restaged->setSlots([&](cta::PutOp put) { return inLoop(put, slots); });
}

bool AssignRoles::fits(unsigned slots, unsigned before) {
  makeRings(slots, before);
  return planShared(getOperation()).bytes <= target.sharedBytes;
}

/// As many slots as were asked for, or as there is room for: tiles that are restaged save their first ones first.
void AssignRoles::dealSlots() {
  func::FuncOp kernel = getOperation();
  const unsigned asked = tile::requestOf(kernel).getStages();
  unsigned slots = asked, before = asked;
  while (slots > 1 && !fits(slots, before)) {
    if (before == 1 || restaged->empty())
      before = --slots;
    else
      before = 1;
  }
  makeRings(slots, before);
  if (slots != asked)
    kernel.emitRemark() << "rings of " << slots << " slots in place of " << asked << ": shared memory is short";
  if (before != slots)
    kernel.emitRemark() << "rings of " << before << " slots before tiles are written anew, of " << slots
                        << " behind that: shared memory is short";
}

/// The rows of a tile that starts at `first` which lie in [low, high). Of one that starts behind 0 they are counted
/// without wrapping, as later passes can tell.
static std::pair<Value, Value> rowsBetween(OpBuilder &b, Location loc, Value low, Value high, Value first) {
  if (!isNonNegativeScalar(first))
    return {arith::SubIOp::create(b, loc, low, first), arith::SubIOp::create(b, loc, high, first)};
  Value zero = arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
  auto after = [&](Value bound) -> Value {
    Value certain = arith::MaxSIOp::create(b, loc, bound, zero);
    return arith::SubIOp::create(b, loc, certain, first, arith::IntegerOverflowFlags::nsw);
  };
  return {matchPattern(low, m_Zero()) ? low : after(low), after(high)};
}

/// What comes behind a put may lie outside of [low, high), positions as `first` is the first of: zeros there.
static void clearOutside(cta::PutOp put, Value low, Value high, Value first) {
  auto get = cast<cta::GetOp>(put->getNextNode());
  OpBuilder b(put.getContext());
  b.setInsertionPointAfter(get);
  auto [from, to] = rowsBetween(b, put.getLoc(), low, high, first);
  auto clear = cta::ClearOp::create(b, put.getLoc(), get.getType(), get, from, to);
  get.getResult().replaceAllUsesExcept(clear.getResult(), clear);
}

/// The table says where runs begin, one a thread. Those who read see to what the sequence has of each.
static void askForRuns(cta::PutOp put) {
  auto table = put.getRows().getDefiningOp<tile::PageRowsOp>();
  const int64_t run = rowsOfRun(put), runs = put.getRing().getType().getRows() / run;
  OpBuilder b(put);
  auto spread = cta::LayoutAttr::get(b.getContext(), layout::TileLayout::copyRows(runs, 1, kCopyWarps));
  auto begins = cast<tile::PageRowsOp>(b.clone(*table));
  begins.setRun(run);
  begins.getResult().setType(RankedTensorType::get({runs, 1}, b.getI32Type(), spread));
  put.getRowsMutable().assign(begins.getResult());
  clearOutside(put, table.getLow(), table.getHigh(), table.getStart());
}

/// How a table of rows is spread over the warps that copy.
static layout::TileLayout tableOf(cta::PutOp put) {
  cta::BufferType slot = put.getRing().getType().getSlot();
  return dealCopy(put.getView(), put.getIndices(), put.getDims(), put.getWithin(), slot,
                  kCopyWarps * layout::kWarpThreads, /*hasTable=*/true)
      .tableLayout(slot.getLayout(), kCopyWarps);
}

/// Copies that the copy engine can make are made by it. It knows no bounds but the view's: what else bounds the rows is
/// left to those who read them.
void AssignRoles::mapViews() {
  for (cta::PutOp put : puts) {
    if (!canBeMapped(put)) {
      put.emitRemark("copied by threads, not by the copy engine: ") << whyNotMapped(put);
      if (put.getRows())
        put.getRowsMutable().assign(spreadAnew(put.getRows(), tableOf(put)));
      continue;
    }
    put.emitRemark("copied by the copy engine");
    Value map = mapOf(getOperation(), boxesOf(put), put.getLoc());
    if (put.getRows())
      askForRuns(put);
    else if (auto [low, high] = tile::boundsWithin(put.getWithin(), put.getLow(), put.getHigh(), clearedDim(put)); low)
      clearOutside(put, low, high, put.getIndices()[clearedDim(put)]);
    put.setWithin({});
    put.setCertain(false);
    put.getLowMutable().clear();
    put.getHighMutable().clear();
    put.getMapMutable().assign(map);
  }
}

/// Registers of tiles that the loops around `loop` carry by it: not those that it, or a loop around it, begins with.
static int64_t registersCarriedBy(scf::ForOp loop) {
  int64_t sum = 0;
  for (auto outer = loop->getParentOfType<scf::ForOp>(); outer; outer = outer->getParentOfType<scf::ForOp>()) {
    auto inner = dyn_cast<scf::ForOp>(outer.getBody()->findAncestorOpInBlock(*loop));
    for (Value carried : outer.getRegionIterArgs())
      if (isa<RankedTensorType>(carried.getType()) && !(inner && llvm::is_contained(inner.getInitArgs(), carried)))
        sum += registersOf(carried.getType());
  }
  return sum;
}

/// Registers that a thread needs for a loop of products: what they give and what they read in registers, each once, and
/// what goes by.
static unsigned registersForProducts(func::FuncOp kernel) {
  llvm::SmallDenseMap<Operation *, int64_t> held;
  llvm::DenseSet<std::pair<Operation *, Value>> read;
  int64_t most = 0;
  kernel.walk([&](cta::DotOp dot) {
    auto loop = dot->getParentOfType<scf::ForOp>();
    if (!loop || dot.getKind() != cta::DotKind::Wgmma)
      return;
    auto [found, isNew] = held.try_emplace(loop, 0);
    int64_t &sum = found->second;
    if (isNew)
      sum = registersCarriedBy(loop);
    sum += registersOf(dot.getResult().getType());
    if (dot.getA() && read.insert({loop, dot.getA()}).second)
      sum += registersOf(dot.getA().getType());
    most = std::max(most, sum);
  });
  return most + kBesideProducts;
}

/// Says of loops of products where no assembler can do without spilling: what they and those around them carry, or a
/// product alone, takes more than `registers`.
static void remarkOnLack(func::FuncOp kernel, unsigned registers) {
  kernel.walk([&](scf::ForOp loop) {
    int64_t carried = registersCarriedBy(loop), largest = 0;
    for (Value value : loop.getRegionIterArgs())
      carried += registersOf(value.getType());
    for (auto dot : loop.getBody()->getOps<cta::DotOp>())
      largest = std::max(largest, registersOf(dot.getResult().getType()));
    if (int64_t held = std::max(carried, largest); largest > 0 && held > registers)
      loop.emitRemark() << "tiles that are held at once take " << held << " registers of each thread, which has "
                        << registers << ": make them smaller, or use more warps";
  });
}

/// Registers of a thread that computes, and of one that copies: what the kernel starts with, dealt out again. Who
/// restages, prepares lines, or looks rows up, has what those who compute do not need.
std::pair<unsigned, unsigned> AssignRoles::dealRegisters() {
  const unsigned groups = warps / layout::kWarpgroupWarps, copyGroups = kCopyWarps / layout::kWarpgroupWarps;
  const unsigned tiles = llvm::count_if(puts, isRestaged);
  const bool isMapped = llvm::all_of(puts, canBeMapped); // of pages too: beside many keys those that compute lack more
  const bool asks =
      isMapped && puts.size() <= kFewTiles && llvm::none_of(puts, [](cta::PutOp put) { return put.getRows(); });
  const unsigned started = target.registersFor((warps + kCopyWarps) * layout::kWarpThreads);
  const unsigned all = started / kRegisterUnit * kRegisterUnit * (groups + copyGroups);
  auto computingBeside = [&](unsigned copying) {
    return std::min((all - copying * copyGroups) / groups / kRegisterUnit * kRegisterUnit, kMostRegisters);
  };
  const bool hasTable = llvm::any_of(puts, [](cta::PutOp put) { return put.getRows() && !canBeMapped(put); });
  if (tiles == 0 && lines->empty() && !hasTable) {
    const unsigned copying = asks ? kAskRegisters : kCopyRegisters;
    return {computingBeside(copying), copying};
  }
  const unsigned needed = registersForProducts(getOperation());
  const bool findsRoom = lines->size() <= kFewLines && needed > kMostRegisters; // products lack every register
  const unsigned further = tiles + (lines->empty() || findsRoom ? 0 : 1);
  const unsigned least =
      hasTable ? kTableRegisters : (isMapped ? kAskRegisters : kCopyRegisters) + kRestageRegisters * further;
  unsigned copying = kMostCopying;
  while (copying > least && computingBeside(copying) < needed)
    copying -= kRegisterUnit;
  const unsigned computing = computingBeside(copying);
  const unsigned left = (all - computing * groups) / copyGroups / kRegisterUnit * kRegisterUnit;
  return {computing, std::min(left, kMostCopying)};
}

/// Moves the kernel into the parts of one cta.roles.
void AssignRoles::part(unsigned registers, unsigned copyRegisters) {
  func::FuncOp kernel = getOperation();
  Block &body = kernel.getBody().front();
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  CopySlice slice(kernel);
  for (cta::PutOp put : puts)
    slice.add(put);
  restaged->addTo(slice);
  lines->addTo(slice);
  auto roles = cta::RolesOp::create(b, kernel.getLoc(), warps, registers, kCopyWarps, copyRegisters);
  Block &compute = roles.getCompute().emplaceBlock(), &copy = roles.getCopy().emplaceBlock();
  b.setInsertionPointToStart(&copy);
  slice.clone(b);
  delayRestages(copy);
  restaged->erase();
  lines->erase();
  for (cta::PutOp put : puts)
    put.erase();
  for (Operation &op : llvm::make_early_inc_range(body)) {
    if (isa<cta::RingOp, cta::AllocOp, cta::TensorMapOp>(op))
      op.moveBefore(roles);
    else if (&op != roles && !op.hasTrait<OpTrait::IsTerminator>())
      op.moveBefore(&compute, compute.end());
  }
}

void AssignRoles::runOnOperation() {
  func::FuncOp kernel = getOperation();
  tile::RequestAttr request = tile::requestOf(kernel);
  std::optional<Target> asked = request ? Target::parse(request.getTarget().str()) : std::nullopt;
  if (!asked || !asked->hasWgmma)
    return;
  kernel.walk([&](cta::PutOp put) { puts.push_back(put); });
  if (!hasProductLoop(kernel)) {
    if (!puts.empty())
      kernel.emitRemark("no warps of their own for copies: no loop multiplies by wgmma");
    return;
  }
  target = *asked;
  warps = request.getWarps();
  if (warps % layout::kWarpgroupWarps != 0 || warps + kCopyWarps > target.warpsPerCta) {
    kernel.emitRemark() << "no warps of their own for copies: beside " << warps << " warps there is no room for "
                        << kCopyWarps;
    return;
  }
  if (!canPart())
    return;
  lines.emplace(puts, kCopyWarps);
  const unsigned alone = std::min(target.registersFor(warps * layout::kWarpThreads), kMostRegisters);
  const auto [registers, copyRegisters] = dealRegisters();
  const bool onlyAsks = llvm::all_of(puts, canBeMapped) && llvm::none_of(puts, isRestaged) && lines->empty();
  if (registers + kRegisterUnit < alone && registers < registersForProducts(kernel) && !onlyAsks) {
    kernel.emitRemark() << "no warps of their own for copies: beside threads that copy, those that compute would have "
                        << registers << " registers in place of " << alone;
    return;
  }
  remarkOnLack(kernel, registers);
  restaged.emplace(puts);
  dealSlots();
  kernel.emitRemark() << kCopyWarps << " warps copy, " << warps << " compute";
  countSteps(puts);
  restaged->setSteps();
  lines->make(puts);
  mapViews();
  part(registers, copyRegisters);
}
