//===- DotPlan.cpp - How each matrix product is done ----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Instruction family first, then warps: over rows before columns where rows are reduced (that stays in a quad
// of lanes), else so that the fewest bytes are read from shared memory; then operands: a load that feeds products only
// is copied to shared memory, everything else comes from registers.
//
//===----------------------------------------------------------------------===//

#include "compiler/tile_to_cta/DotPlan.h"
#include "compiler/cta/Divisibility.h"
#include "compiler/tile_to_cta/RoundedOperands.h"
#include "dialects/layout/Access.h"
#include "dialects/layout/SharedLayout.h"
#include "dialects/layout/WgmmaOperand.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"
#include <numeric>

using namespace mlir;
using namespace imbrex;

/// Registers of a thread, in 32-bit units, that accumulators and fragments in one loop may take before a
/// left operand is read from shared memory at every step instead of staying in registers. Of the 255 that a thread
/// can have, the rest is for the right operand's fragments, a softmax's rows, addresses and indices. Measured on
/// attention with ptxas: 160 (D = 128, tiles of 128 x 128) fit, 176 (D = 192, 128 x 64) are spilled.
static constexpr int64_t kFragmentBudget = 165;

std::optional<int64_t> imbrex::gatheredRows(tile::GatherOp gather) {
  auto type = cast<RankedTensorType>(gather.getResult().getType());
  std::optional<int64_t> rows;
  unsigned tables = 0;
  for (auto [dim, index] : llvm::enumerate(gather.getIndices()))
    if (auto table = dyn_cast<RankedTensorType>(index.getType())) {
      ++tables;
      if (type.getRank() == 2 && table.getShape() == ArrayRef<int64_t>{type.getDimSize(0), 1})
        rows = dim;
    }
  bool isSlice = tables == 1 && rows && gather.getDims()[0] == -1 && gather.getDims()[1] > *rows;
  return isSlice ? rows : std::nullopt;
}

/// Why a tile of the view cannot be copied to shared memory; empty if it can. What this kernel stores to must be read
/// in its turn: a copy would be started ahead.
static StringRef whyNoCopy(Operation *op) {
  constexpr StringRef kStored = "the kernel stores to its view";
  if (auto gather = dyn_cast<tile::GatherOp>(op))
    return !gatheredRows(gather) ? "it is no gather of rows" : gather.getView().getType().getWritable() ? kStored : "";
  auto load = dyn_cast<tile::LoadOp>(op);
  if (!load || load.getDims().size() != 2)
    return "it is no load of a tile";
  return load.getView().getType().getWritable() ? kStored : "";
}

static bool canBeCopied(Operation *op) { return whyNoCopy(op).empty(); }

/// True if every use of a tile, through transposes, is an operand of a product.
static bool isOnlyMultiplied(Operation *load) {
  SmallVector<Value> work{load->getResult(0)};
  bool any = false;
  while (!work.empty()) {
    for (OpOperand &use : work.pop_back_val().getUses()) {
      if (auto transpose = dyn_cast<tile::TransposeOp>(use.getOwner())) {
        work.push_back(transpose.getResult());
        continue;
      }
      if (!isa<tile::DotOp>(use.getOwner()) || use.getOperandNumber() == 2)
        return false;
      any = true;
    }
  }
  return any;
}

bool imbrex::feedsOnlyDots(Operation *load) { return canBeCopied(load) && isOnlyMultiplied(load); }

StringRef imbrex::whyNotCopied(Operation *load) { return isOnlyMultiplied(load) ? whyNoCopy(load) : ""; }

/// True if `line` is repeated down the rows of a tile, as it is or after arithmetic on it, and serves nothing else.
static bool isRowOfTiles(Value line) {
  llvm::SetVector<Value> values;
  values.insert(line);
  for (unsigned i = 0; i < values.size(); ++i) // grows while it is walked
    for (Operation *user : values[i].getUsers()) {
      auto expand = dyn_cast<tile::ExpandDimsOp>(user);
      if ((expand && expand.getDim() == 0) ||
          (values.size() < 16 && user->getNumResults() == 1 && OpTrait::hasElementwiseMappableTraits(user))) {
        if (!expand)
          values.insert(user->getResult(0));
        continue;
      }
      return false;
    }
  return true;
}

/// Of a line whose view has a dimension before the line's, which a copy takes for its rows.
static LineCopy copyOfRow(tile::LoadOp load, const DotPlans &plans) {
  constexpr unsigned kFew = 4; // elements a thread: loads of its own are as good
  tile::ViewType view = load.getView().getType();
  auto loop = dyn_cast<scf::ForOp>(load->getParentOp());
  if (load.getDims().size() != 1 || load.getDims()[0] != view.getRank() - 1 || view.getWritable() || !loop ||
      tile::elementBytes(view.getElementType()) < 4)
    return LineCopy::None;
  Value line = load.getResult();
  const int64_t size = cast<RankedTensorType>(line.getType()).getDimSize(0);
  const bool isRow = isRowOfTiles(line);
  for (tile::DotOp dot : loop.getBody()->getOps<tile::DotOp>()) {
    auto plan = plans.find(dot);
    if (plan == plans.end())
      continue;
    if (plan->second.kind == cta::DotKind::Wgmma)
      return LineCopy::WhereUsed;
    if (isRow && plan->second.kind == cta::DotKind::Mma && dot.getResult().getType().getDimSize(1) == size &&
        plan->second.accumulator.slice(0).registersPerThread() > kFew)
      return llvm::all_of(line.getUsers(), llvm::IsaPred<tile::ExpandDimsOp>) ? LineCopy::WhereUsed : LineCopy::Once;
  }
  return LineCopy::None;
}

LineCopy imbrex::copyOfLine(tile::LoadOp load, const DotPlans &plans) {
  return load.getView().getType().getRank() < 2 ? LineCopy::None : copyOfRow(load, plans);
}

bool imbrex::isWholeView(tile::LoadOp load, const DotPlans &plans) {
  return load.getView().getType().getRank() < 2 && copyOfRow(load, plans) != LineCopy::None;
}

/// True if all that becomes of `tile`, element by element, are operands of products, and these are in `loop`.
static bool becomesOperands(Value tile, scf::ForOp loop) {
  llvm::SetVector<Value> values;
  values.insert(tile);
  for (unsigned i = 0; i < values.size(); ++i) // grows while it is walked
    for (OpOperand &use : values[i].getUses()) {
      Operation *user = use.getOwner();
      if (user->getBlock() != loop.getBody() || values.size() > 16)
        return false;
      if (isa<tile::DotOp>(user) && use.getOperandNumber() != 2)
        continue;
      if (!isa<tile::TransposeOp>(user) && !OpTrait::hasElementwiseMappableTraits(user))
        return false;
      values.insert(user->getResult(0));
    }
  return true;
}

/// True if 16 bytes of the view lie side by side in the tile of a load or gather, wherever a row begins.
template <typename Access> static bool isOfWholeChunks(Access access) {
  tile::ViewType view = access.getView().getType();
  auto type = dyn_cast<RankedTensorType>(access.getResult().getType());
  return type && type.getRank() == 2 && tile::elementBytes(view.getElementType()) == 1 &&
         type.getDimSize(1) % layout::kAccessBytes == 0 && access.getDims().back() == view.getRank() - 1 &&
         accessAlignment(access.getView(), access.getIndices()) >= layout::kAccessBytes;
}

bool imbrex::isCopiedBytes(Operation *access, const DotPlans &plans) {
  auto loop = dyn_cast<scf::ForOp>(access->getParentOp());
  auto load = dyn_cast<tile::LoadOp>(access);
  auto gather = dyn_cast<tile::GatherOp>(access);
  const bool isCopyable = loop && canBeCopied(access) && (load ? isOfWholeChunks(load) : isOfWholeChunks(gather));
  return isCopyable && !feedsOnlyDots(access) && becomesOperands(access->getResult(0), loop) &&
         llvm::none_of(loop.getBody()->getOps<tile::DotOp>(), [&](tile::DotOp dot) {
           auto plan = plans.find(dot);
           return plan != plans.end() && plan->second.kind == cta::DotKind::Wgmma;
         });
}

static OperandPlan planOperand(Value operand) {
  OperandPlan plan;
  plan.tile = operand;
  while (auto transpose = plan.tile.getDefiningOp<tile::TransposeOp>()) {
    plan.tile = transpose.getSource();
    plan.transposed = !plan.transposed;
  }
  if (Operation *load = plan.tile.getDefiningOp(); load && feedsOnlyDots(load))
    plan.load = load;
  return plan;
}

/// True if `tile` comes from a reduction along rows, through anything that works on elements or repeats them.
static bool isReducedFromRows(Value tile) {
  llvm::SetVector<Operation *> visited;
  auto visit = [&](Value value) {
    Operation *op = value.getDefiningOp();
    if (op &&
        (isa<tile::ReduceOp, tile::ExpandDimsOp, tile::BroadcastOp>(op) || OpTrait::hasElementwiseMappableTraits(op)))
      visited.insert(op);
  };
  visit(tile);
  for (unsigned i = 0; i < visited.size(); ++i) { // grows while it is walked
    if (isa<tile::ReduceOp>(visited[i]))
      return true;
    llvm::for_each(visited[i]->getOperands(), visit);
  }
  return false;
}

/// Values that hold `value`, element for element, after the operation of `use`; fails if that needs whole rows in
/// one warp: a reduction along them, a product that takes it from registers, a factor a row that was reduced.
static LogicalResult followRows(OpOperand &use, SmallVectorImpl<Value> &next) {
  Operation *user = use.getOwner();
  if (isa<tile::StoreOp>(user))
    return success();
  if (auto dot = dyn_cast<tile::DotOp>(user); dot && use.getOperandNumber() == 2) {
    next.push_back(dot.getResult());
    return success();
  }
  if (isa<scf::YieldOp>(user)) {
    next.push_back(user->getParentOp()->getResult(use.getOperandNumber()));
    if (auto loop = dyn_cast<scf::ForOp>(user->getParentOp()))
      next.push_back(loop.getRegionIterArg(use.getOperandNumber()));
    return success();
  }
  bool alone = OpTrait::hasElementwiseMappableTraits(user) && llvm::none_of(user->getOperands(), isReducedFromRows);
  if (alone)
    next.push_back(user->getResult(0));
  return success(alone);
}

/// True if each element of a product's result goes its own way, so that its rows may lie over several warps.
static bool rowsMayBeSplit(tile::DotOp dot) {
  llvm::SetVector<Value> values;
  values.insert(dot.getResult());
  for (unsigned i = 0; i < values.size(); ++i) { // grows while it is walked
    SmallVector<Value> next;
    for (OpOperand &use : values[i].getUses())
      if (failed(followRows(use, next)))
        return false;
    values.insert(next.begin(), next.end());
  }
  return true;
}

/// Deals warps to the rows and columns of an accumulator so that a warp has the fewest m16n8 blocks; of equal ones,
/// so that the warps read the fewest rows and columns from shared memory, if rows may be split; then so that the least
/// is padded, which takes shared memory: warps that are left over do as others do; then over rows first.
static void dealWarps(DotPlan &plan, int64_t m, int64_t n, unsigned warps, bool maySplitRows) {
  // Blocks of a warp; rows and columns that all warps read; elements with the padding.
  std::array<int64_t, 3> least{INT64_MAX, INT64_MAX, INT64_MAX};
  for (unsigned alongM = warps; alongM > 0; --alongM)
    for (unsigned alongN = warps / alongM; alongN > 0 && warps % alongM == 0; --alongN) {
      int64_t blocks = llvm::divideCeil(m, 16 * alongM) * llvm::divideCeil(n, 8 * alongN);
      std::array<int64_t, 3> cost{blocks, maySplitRows ? alongN * m + alongM * n : 0, blocks * alongM * alongN};
      if (warps / alongM % alongN != 0 || cost >= least)
        continue;
      least = cost;
      plan.warpsM = alongM;
      plan.warpsN = alongN;
    }
}

/// What the instructions of a product run over: its extents, rounded up to their tiles.
struct Extents {
  int64_t m, n, k;
};

/// Says what the buffer of `operand`, of `rows` x `columns` as a product has it, must keep.
static void keepAtLeast(OperandPlan &operand, int64_t rows, int64_t columns) {
  operand.leastRows = operand.transposed ? columns : rows;
  operand.leastColumns = operand.transposed ? rows : columns;
}

/// Why the product is not done by wgmma; empty if it is, by so many warps of `plan` along M and N: each warpgroup has
/// 64 rows or more of its own; those that are too many for the rows share them, each with columns of its own.
static std::string whyNotWgmma(tile::DotOp dot, unsigned warps, DotPlan &plan) {
  Type element = cast<RankedTensorType>(dot.getA().getType()).getElementType();
  const bool isInteger = element.isInteger(8);
  const unsigned bytes = tile::elementBytes(element), group = layout::kWarpgroupWarps;
  if (warps % group != 0)
    return (Twine(warps) + " warps make no whole warpgroups of " + Twine(group)).str();
  const int64_t rows = dot.getType().getDimSize(0), columns = dot.getType().getDimSize(1);
  if (rows % layout::kWgmmaRows != 0)
    return (Twine(rows) + " rows are no multiple of the " + Twine(layout::kWgmmaRows) + " of a warpgroup").str();
  const unsigned along = unsigned(std::gcd(rows / layout::kWgmmaRows, int64_t(warps / group)));
  const unsigned across = warps / group / along;
  const int64_t own = across > 1 ? layout::wgmmaShare(columns, across) : int64_t(llvm::alignTo(columns, 8));
  if (across > 1 && !plan.b.transposed && bytes > 1 &&
      own * bytes % layout::SharedLayout::swizzled(/*rows=*/1, columns, bytes).span() != 0)
    return ("the right operand's rows are along K, and " + Twine(own) + " columns are no whole panel").str();
  if (int64_t rest = own % layout::kWgmmaColumns; isInteger && rest != 0 && !layout::hasIntegerWgmma(rest))
    return ("it has no instruction of " + Twine(rest) + " columns for integers").str();
  if (bytes > 2)
    if (std::string reason = planRounding(dot, plan, /*sharesRows=*/across > 1); !reason.empty())
      return reason;
  plan.warpsM = along * group, plan.warpsN = across;
  keepAtLeast(plan.b, /*rows=*/1, own * across);
  if (bytes > 2)
    return "";
  plan.a.restaged =
      bytes == 1 && (plan.a.load || across > 1) && plan.a.transposed; // wgmma takes bytes with K along rows only
  plan.b.restaged = bytes == 1 && !plan.b.transposed;
  return "";
}

/// True of a product that wgmma might do: of floats into f32, or of bytes, on a target that has it.
static bool mayBeWgmma(tile::DotOp dot, const Target &target) {
  Type element = cast<RankedTensorType>(dot.getA().getType()).getElementType();
  const bool isIeee = tile::elementBytes(element) > 2 && dot.getMode() == tile::DotMode::Ieee;
  return target.hasWgmma && !isIeee &&
         (element.isInteger(8) || (isa<FloatType>(element) && dot.getType().getElementType().isF32()));
}

/// Takes back what was planned for wgmma.
static void useMma(DotPlan &plan) {
  plan.kind = cta::DotKind::Mma;
  for (OperandPlan *operand : {&plan.a, &plan.b})
    operand->restaged = operand->rounded = operand->inPlace = false;
}

/// What a product by wgmma takes shared memory for that mma.sync does not; empty: nothing.
static StringRef whatTakesRoom(tile::DotOp dot, const DotPlan &plan) {
  if (plan.b.rounded)
    return "tiles of its operands that are written anew, rounded";
  const int64_t columns = plan.b.transposed ? plan.b.leastRows : plan.b.leastColumns;
  return columns > int64_t(llvm::alignTo(dot.getType().getDimSize(1), 8)) ? "as many columns for each warpgroup" : "";
}

/// Products that take too much shared memory by wgmma are left to mma.sync.
static void keepRoom(DotPlans &plans, const Target &target, llvm::DenseMap<Operation *, std::string> &reasons) {
  constexpr int64_t kBeside = 4096; // barriers, parts of reductions, lines
  const int64_t bytes = operandBytes(plans);
  if (bytes + kBeside <= int64_t(target.sharedBytes))
    return;
  for (auto &[op, plan] : plans)
    if (StringRef what = whatTakesRoom(cast<tile::DotOp>(op), plan);
        plan.kind == cta::DotKind::Wgmma && !what.empty()) {
      useMma(plan);
      reasons[op] = ("with " + what + ", " + Twine(bytes) + " bytes of shared memory").str();
    }
}

/// What becomes of operands before wgmma reads them.
static StringRef howPrepared(const DotPlan &plan) {
  if (plan.b.rounded)
    return ": f32 is rounded to tf32 before";
  return plan.a.restaged || plan.b.restaged ? ": bytes are written anew with K along their rows" : "";
}

/// Decides for all products: those whose warpgroups share rows are done by wgmma where all of their block are, since
/// what such a loop gains is less than what warps that copy take of the registers of mma.sync.
static void chooseFamilies(DotPlans &plans, const Target &target, unsigned warps) {
  llvm::DenseMap<Operation *, std::string> reasons; ///< of those that wgmma might do
  llvm::SmallPtrSet<Block *, 4> others;             ///< blocks that have products by mma.sync, or by multiply-adds
  for (auto &[op, plan] : plans) {
    auto dot = cast<tile::DotOp>(op);
    plan.kind = cta::DotKind::Mma;
    if (mayBeWgmma(dot, target) && (reasons[op] = whyNotWgmma(dot, warps, plan)).empty())
      plan.kind = cta::DotKind::Wgmma;
    else
      useMma(plan);
  }
  keepRoom(plans, target, reasons);
  for (auto &[op, plan] : plans)
    if (plan.kind == cta::DotKind::Mma)
      others.insert(op->getBlock());
  for (auto &[op, plan] : plans) {
    auto reason = reasons.find(op);
    if (reason == reasons.end())
      continue;
    if (plan.kind == cta::DotKind::Wgmma && plan.warpsN > 1 && others.contains(op->getBlock())) {
      useMma(plan);
      reason->second = "its warpgroups would share rows beside a product by mma.sync";
    }
    if (plan.kind == cta::DotKind::Wgmma)
      cast<tile::DotOp>(op).emitRemark("product by wgmma") << howPrepared(plan);
    else
      cast<tile::DotOp>(op).emitRemark("product by mma.sync, not by wgmma: ") << reason->second;
  }
}

/// wgmma and mma.sync for 8-bit and 16-bit operands and tf32, with zeros where their tiles do not divide the product's;
/// else multiply-adds.
static Extents planInstructions(tile::DotOp dot, unsigned warps, DotPlan &plan) {
  RankedTensorType result = dot.getType(), a = cast<RankedTensorType>(dot.getA().getType());
  int64_t m = result.getDimSize(0), n = result.getDimSize(1), k = a.getDimSize(1);
  const unsigned bytes = tile::elementBytes(a.getElementType());
  if (bytes > 2 && dot.getMode() == tile::DotMode::Ieee) {
    dot.emitRemark("product by multiply-adds: of ")
        << (bytes > 4 ? "f64" : "f32 as it is; a mode of tf32 rounds it for the tensor cores");
    plan.kind = cta::DotKind::Fma;
    unsigned vector = layout::accessWidth(tile::elementBytes(result.getElementType()), 0);
    plan.accumulator = layout::TileLayout::fmaAccumulator(result.getShape(), warps, vector);
    return {plan.accumulator.extent(0), plan.accumulator.extent(1), k};
  }
  if (plan.kind == cta::DotKind::Wgmma) {
    plan.accumulator = layout::TileLayout::wgmmaAccumulator(result.getShape(), plan.warpsM, plan.warpsN);
  } else {
    dealWarps(plan, m, n, warps, plan.a.load && rowsMayBeSplit(dot)); // computed rows stay where they were made
    plan.accumulator = layout::TileLayout::mmaAccumulator(result.getShape(), plan.warpsM, plan.warpsN);
  }
  Extents all{plan.accumulator.extent(0), plan.accumulator.extent(1),
              int64_t(llvm::alignTo(k, layout::mmaDepth(bytes)))};
  if (all.m != m || all.n != n || all.k != k)
    dot.emitRemark() << "product of " << m << "x" << k << " times " << k << "x" << n
                     << " padded with zeros for the tensor cores: " << all.m << "x" << all.k << " times " << all.k
                     << "x" << all.n;
  return all;
}

/// True if `tile` is computed from a product of the same block: it takes the registers that this leaves.
static bool isMadeOfProduct(Value tile, Block *block) {
  llvm::SetVector<Value> values;
  values.insert(tile);
  for (unsigned i = 0; i < values.size(); ++i) { // grows while it is walked
    Operation *op = values[i].getDefiningOp();
    if (!op)
      continue;
    if (isa<tile::DotOp>(op) && op->getBlock() == block)
      return true;
    if (auto branch = dyn_cast<scf::IfOp>(op)) {
      unsigned result = cast<OpResult>(values[i]).getResultNumber();
      values.insert(branch.thenYield()->getOperand(result));
      values.insert(branch.elseYield()->getOperand(result));
    } else if (OpTrait::hasElementwiseMappableTraits(op)) {
      values.insert(op->operand_begin(), op->operand_end());
    }
  }
  return false;
}

/// The order of K that a left operand in registers is spread in: an accumulator's for what was one, and where the right
/// operand's columns lie along rows (MmaOrder.h); else the one that ldmatrix gives.
static layout::KOrder orderOfLeft(tile::DotOp dot, const DotPlan &plan) {
  bool isChained = !plan.a.load && isMadeOfProduct(dot.getA(), dot->getBlock());
  if (plan.kind == cta::DotKind::Wgmma) // as its right operand in shared memory has it, or is written there
    return plan.b.restaged && isChained && !plan.aInShared() ? layout::KOrder::Pairs : layout::KOrder::Chunks;
  return plan.b.transposed && !isChained ? layout::KOrder::Chunks : layout::KOrder::Pairs;
}

/// Says what an operand of 8 bits costs that ldmatrix cannot read.
static void remarkBytes(tile::DotOp dot, const DotPlan &plan) {
  if (plan.kind != cta::DotKind::Mma ||
      tile::elementBytes(cast<RankedTensorType>(dot.getB().getType()).getElementType()) != 1)
    return;
  if (plan.a.transposed && plan.a.load)
    dot.emitRemark("left operand read byte by byte: of 8 bits its rows must lie along K, stored as M x K");
  if (!plan.b.transposed)
    dot.emitRemark("right operand read byte by byte: of 8 bits its columns must lie along K, stored as N x K");
}

cta::BufferType imbrex::bufferFor(const OperandPlan &operand) {
  auto type = cast<RankedTensorType>(operand.tile.getType());
  return cta::BufferType::getFor(type.getDimSize(0), type.getDimSize(1), type.getElementType(), operand.leastRows,
                                 operand.leastColumns);
}

cta::BufferType imbrex::restagedBuffer(const OperandPlan &operand) {
  auto type = cast<RankedTensorType>(operand.tile.getType());
  const int64_t along = type.getDimSize(0), across = type.getDimSize(1);
  const unsigned bytes = tile::elementBytes(type.getElementType());
  return cta::BufferType::getFor(
      across, along, type.getElementType(),
      llvm::alignTo(std::max(across, operand.leastColumns), cta::RestageOp::blockRows(bytes)),
      llvm::alignTo(std::max(along, operand.leastRows), layout::mmaDepth(bytes)));
}

cta::BufferType imbrex::bufferFor(Operation *load, const DotPlans &plans) {
  for (const auto &[op, plan] : plans)
    for (const OperandPlan *operand : {&plan.a, &plan.b})
      if (operand->load == load)
        return bufferFor(*operand);
  llvm_unreachable("a load that feeds no product");
}

/// What a load brings lies in one buffer for all products.
static void shareBuffers(DotPlans &plans) {
  llvm::DenseMap<Operation *, std::pair<int64_t, int64_t>> least;
  auto forEachLoaded = [&](auto visit) {
    for (auto &[op, plan] : plans)
      for (OperandPlan *operand : {&plan.a, &plan.b})
        if (operand->load)
          visit(*operand, least[operand->load]);
  };
  forEachLoaded([](const OperandPlan &operand, std::pair<int64_t, int64_t> &most) {
    most = {std::max(most.first, operand.leastRows), std::max(most.second, operand.leastColumns)};
  });
  forEachLoaded([](OperandPlan &operand, const std::pair<int64_t, int64_t> &most) {
    std::tie(operand.leastRows, operand.leastColumns) = most;
  });
}

/// Registers of a thread, in 32-bit units, for its elements of a product's result.
static int64_t accumulatorRegisters(tile::DotOp dot, const DotPlan &plan) {
  return llvm::divideCeil(plan.accumulator.registersPerThread() * dot.getType().getElementTypeBitWidth(), 32);
}

/// The same of its left operand as a fragment, which warps that share rows all hold: of tf32x3, rounded values and what
/// they leave.
static int64_t fragmentRegisters(tile::DotOp dot, const DotPlan &plan) {
  auto a = cast<RankedTensorType>(dot.getA().getType());
  int64_t rows = plan.accumulator.extent(0) / plan.accumulator.warps()[0];
  int64_t parts = dot.getMode() == tile::DotMode::Tf32x3 ? 2 : 1;
  return parts * llvm::divideCeil(rows * a.getDimSize(1) * a.getElementTypeBitWidth(), 32 * layout::kWarpThreads);
}

/// What tf32x3 holds beside others for a step of K: what rounding leaves of the left operand's rows and of two blocks
/// of the right one.
static int64_t stepRegisters(tile::DotOp dot, const DotPlan &plan) {
  int64_t blocksM = plan.accumulator.extent(0) / (16 * plan.accumulator.warps()[0]);
  return dot.getMode() == tile::DotMode::Tf32x3 ? 4 * blocksM + 4 : 0;
}

/// Whether a product's left operand is computed, as it is taken, outside of the loop that the product is in.
static bool isComputedBefore(tile::DotOp dot, const DotPlan &plan) {
  auto loop = dyn_cast<scf::ForOp>(dot->getParentOp());
  return (plan.kind == cta::DotKind::Mma || plan.aInShared()) && !plan.a.load && !plan.a.transposed && loop &&
         loop.isDefinedOutsideOfLoop(plan.a.tile);
}

/// Decides whether the left fragments of products in a loop stay in registers: all that is live at once
/// must fit the budget.
static void placeLeftFragments(DotPlans &plans) {
  llvm::MapVector<Operation *, int64_t> live;
  for (auto &[op, plan] : plans) {
    auto dot = cast<tile::DotOp>(op);
    int64_t &sum = live[op->getParentOp()];
    sum += accumulatorRegisters(dot, plan);
    if (!plan.a.load && !isMadeOfProduct(dot.getA(), op->getBlock()) && !isComputedBefore(dot, plan))
      sum += fragmentRegisters(dot, plan);
  }
  for (auto &[op, plan] : plans) {
    auto dot = cast<tile::DotOp>(op);
    const bool isComputed = isComputedBefore(dot, plan);
    if (plan.kind == cta::DotKind::Wgmma && plan.aInShared())
      plan.aIsPutAside = isComputed;
    if (plan.kind != cta::DotKind::Mma || (!plan.a.load && !isComputed))
      continue;
    const bool isInvariant = isComputed || plan.a.load->getBlock() != op->getBlock();
    int64_t &sum = live[op->getParentOp()];
    const int64_t fragment = fragmentRegisters(dot, plan);
    const bool fits = sum + fragment + stepRegisters(dot, plan) <= kFragmentBudget;
    plan.aInRegisters = plan.a.load && isInvariant && fits;
    plan.aIsPutAside = isComputed && !fits;
    if (isInvariant && !fits)
      op->emitRemark("left operand read from shared memory at every step: it does not fit beside the accumulators");
    if (isInvariant && fits)
      sum += fragment;
  }
}

DotPlans imbrex::planDots(func::FuncOp kernel, const Target &target, unsigned warps) {
  DotPlans plans;
  kernel.walk([&](tile::DotOp dot) {
    DotPlan plan;
    plan.a = planOperand(dot.getA());
    plan.b = planOperand(dot.getB());
    plans.insert({dot.getOperation(), plan});
  });
  chooseFamilies(plans, target, warps);
  for (auto &[op, plan] : plans) {
    auto dot = cast<tile::DotOp>(op);
    Extents extents = planInstructions(dot, warps, plan);
    plan.order = orderOfLeft(dot, plan);
    remarkBytes(dot, plan);
    keepAtLeast(plan.a, extents.m, extents.k);
    keepAtLeast(plan.b, extents.k, extents.n);
  }
  shareBuffers(plans);
  placeLeftFragments(plans);
  return plans;
}
