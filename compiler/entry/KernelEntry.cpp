//===- KernelEntry.cpp - The kernel of stages tile and cta ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One func.func of one block: names, views and scalars as arguments, operations of tile, cta, arith, math and scf on
// scalars and tiles of static shape. In stage cta every tile has a layout and every buffer its place in shared
// memory; in stage tile there are neither. What an operation needs beyond this, its lowering reports.
//
//===----------------------------------------------------------------------===//

#include "compiler/Limits.h"
#include "compiler/entry/EntryCheck.h"
#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;
using llvm::StringRef;

static constexpr unsigned kMaxSlots = 64; ///< of a ring: more than any request asks for

namespace {

class KernelCheck {
public:
  KernelCheck(const EntryCheck &check, bool isCta) : check(check), isCta(isCta) {}
  LogicalResult run();

private:
  LogicalResult checkArguments();
  LogicalResult checkArgument(unsigned index);
  LogicalResult checkOperation(Operation *op);
  LogicalResult checkValues(Operation *op);
  LogicalResult checkTile(Operation *op, RankedTensorType type);
  LogicalResult checkMemory(Operation *op, Value memory);
  LogicalResult checkAllocation(Operation *op, cta::RingType type, std::optional<int64_t> offset);
  LogicalResult checkLoop(scf::ForOp loop);
  LogicalResult checkConstant(arith::ConstantOp constant);

  const EntryCheck &check;
  bool isCta;
  func::FuncOp kernel;
  int64_t warps = 0, sharedBytes = 0;
};

} // namespace

static bool isScalar(Type type) {
  return type.isInteger(1) || type.isInteger(8) || type.isInteger(32) || type.isInteger(64) || type.isF16() ||
         type.isBF16() || type.isF32() || type.isF64() || tile::isF8(type);
}

/// True of what has a meaning on floats of 8 bits.
static bool takesF8(Operation *op) {
  bool computes = isa<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
                  !isa<arith::ExtFOp, arith::SelectOp, arith::ConstantOp>(op);
  return !computes && !isa<tile::ReduceOp, cta::ReduceOp>(op) && !op->hasTrait<tile::CombinesByFunction>();
}

LogicalResult KernelCheck::checkTile(Operation *op, RankedTensorType type) {
  int64_t elements = 1;
  bool fits = type.hasStaticShape() && type.getRank() >= 1 && type.getRank() <= 2 && isScalar(type.getElementType());
  for (int64_t extent : fits ? type.getShape() : ArrayRef<int64_t>()) {
    fits &= extent >= 1 && extent <= kMaxTileExtent;
    elements *= std::clamp<int64_t>(extent, 1, kMaxTileExtent);
  }
  if (!fits || elements > kMaxTileElements)
    return check.error(op) << "a tile has 1 or 2 extents from 1 to " << kMaxTileExtent << ", " << kMaxTileElements
                           << " elements at most, and a number or bool as element; found " << type;
  auto encoding = dyn_cast_or_null<cta::LayoutAttr>(type.getEncoding());
  if (!isCta)
    return type.getEncoding() ? LogicalResult(check.error(op) << "a tile of stage tile has no layout; found " << type)
                              : success();
  if (!encoding)
    return check.error(op) << "every tile of stage cta has a #cta.layout; found " << type;
  const layout::TileLayout &layout = encoding.getLayout();
  if (!layout.covers(type.getShape()))
    return check.error(op) << "the layout does not cover this shape: " << type;
  int64_t used = 1;
  for (unsigned count : layout.warps())
    used *= count;
  if (used > warps || layout.registerBits().size() > llvm::Log2_32(kMaxTileRegisters) ||
      layout.registersPerThread() > kMaxTileRegisters)
    return check.error(op) << "the layout takes " << used << " warps and more than the kernel's " << warps
                           << ", or more than " << kMaxTileRegisters << " registers of each thread: " << type;
  return success();
}

/// A buffer is an allocation, or a slot of a ring; a ring is one.
LogicalResult KernelCheck::checkMemory(Operation *op, Value memory) {
  if (isCta &&
      isa_and_nonnull<cta::AllocOp, cta::ClearOp, cta::RingOp, cta::GetOp, cta::AcquireOp>(memory.getDefiningOp()))
    return success();
  return check.error(op)
         << "a buffer must come from cta.alloc, cta.get, cta.acquire or cta.clear, a ring from cta.ring, in stage cta";
}

LogicalResult KernelCheck::checkValues(Operation *op) {
  SmallVector<Value> values(op->getOperands());
  llvm::append_range(values, op->getResults());
  for (Region &region : op->getRegions())
    for (Block &block : region)
      llvm::append_range(values, block.getArguments());
  for (Value value : values) {
    Type type = value.getType();
    if (tile::isF8(getElementTypeOrSelf(type)) && !takesF8(op))
      return check.error(op) << "floats of 8 bits have no arithmetic";
    LogicalResult checked = success();
    if (auto tile = dyn_cast<RankedTensorType>(type))
      checked = checkTile(op, tile);
    else if (isa<cta::BufferType, cta::RingType>(type))
      checked = checkMemory(op, value);
    else if (isa<tile::ViewType>(type))
      checked = success(llvm::is_contained(kernel.getArguments(), value) || (!isCta && tile::isMadeOfView(value)));
    else if (isa<cta::TensorMapType>(type))
      checked = success(isCta && value.getDefiningOp<cta::TensorMapOp>());
    else
      checked = success(isScalar(type));
    if (succeeded(checked))
      continue;
    if (!isa<RankedTensorType, cta::BufferType, cta::RingType>(type))
      check.error(op)
          << "expected scalars (bool, i8, i32, i64, f8, f16, bf16, f32, f64), tiles, and views that are the "
             "kernel's arguments; found "
          << type;
    return failure();
  }
  return success();
}

/// `type`: of the ring, or of one slot for a buffer.
LogicalResult KernelCheck::checkAllocation(Operation *op, cta::RingType type, std::optional<int64_t> offset) {
  bool fits = type.getRows() <= kMaxTileExtent && type.getColumns() <= kMaxTileExtent && type.getSlots() <= kMaxSlots &&
              isScalar(type.getElementType());
  if (!fits || !offset)
    return check.error(op) << "a buffer of stage cta has its place ('at'), at most " << kMaxTileExtent
                           << " rows and columns, and " << kMaxSlots << " slots";
  int64_t bytes = type.getSizeBytes();
  if (isa<cta::AllocOp>(op))
    bytes = type.getSlot().getSizeBytes();
  if (*offset > sharedBytes || bytes > sharedBytes - *offset)
    return check.error(op) << "the buffer of " << bytes << " bytes at " << *offset << " does not lie in the "
                           << sharedBytes << " bytes of " << cta::kLaunchAttr;
  return success();
}

LogicalResult KernelCheck::checkLoop(scf::ForOp loop) {
  std::optional<APInt> step = loop.getConstantStep();
  if (loop.getInductionVar().getType().isInteger(32) && step && step->isStrictlyPositive() && !loop.getUnsignedCmp())
    return success();
  return check.error(loop) << "a loop counts in i32, by a positive constant";
}

LogicalResult KernelCheck::checkConstant(arith::ConstantOp constant) {
  bool isTile = isa<RankedTensorType>(constant.getType());
  if (isTile ? isa<SplatElementsAttr>(constant.getValue()) : isa<IntegerAttr, FloatAttr>(constant.getValue()))
    return success();
  return check.error(constant) << "a constant tile has one value in all its elements";
}

LogicalResult KernelCheck::checkOperation(Operation *op) {
  bool known = isa<arith::ArithDialect, math::MathDialect, tile::TileDialect>(op->getDialect()) ||
               isa<scf::ForOp, scf::IfOp, scf::YieldOp, func::ReturnOp>(op) ||
               (isCta && isa<cta::CtaDialect>(op->getDialect()));
  if (!known)
    return check.error(op) << "'" << op->getName() << "' is no operation of this stage";
  if (isa<cta::RolesOp, cta::TensorMapOp>(op) && op->getParentOp() != kernel)
    return check.error(op) << "'" << op->getName() << "' stands in the kernel's own block";
  const StringRef ofLoop[] = {cta::kContinuesAttr};
  if (failed(check.checkAttributes(op, ArrayRef(ofLoop).take_front(isCta && isa<scf::ForOp>(op)))) ||
      failed(checkValues(op)))
    return failure();
  const bool goesOn = isCta && tile::requestOf(kernel).getResident(); // through instances
  if (auto id = dyn_cast<tile::ProgramIdOp>(op); id && bool(id.getTurn()) != goesOn)
    return check.error(op) << "a position is of one turn ('of') where CTAs of stage cta are resident, and only there";
  if (isa<cta::InstancesOp>(op) && !goesOn)
    return check.error(op) << "only resident CTAs go through instances";
  if (auto alloc = dyn_cast<cta::AllocOp>(op))
    return checkAllocation(op, cta::RingType::getFor(alloc.getType(), 1), alloc.getOffset());
  if (auto ring = dyn_cast<cta::RingOp>(op))
    return checkAllocation(op, ring.getType(), ring.getOffset());
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return checkLoop(loop);
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return checkConstant(constant);
  return success();
}

LogicalResult KernelCheck::checkArgument(unsigned index) {
  Type type = kernel.getArgumentTypes()[index];
  auto name = kernel.getArgAttrOfType<StringAttr>(index, tile::kNameAttr);
  auto alignment = kernel.getArgAttrOfType<IntegerAttr>(index, tile::kAlignmentAttr);
  auto view = dyn_cast<tile::ViewType>(type);
  DictionaryAttr attributes = kernel.getArgAttrDict(index);
  auto written = kernel.getArgAttrOfType<ArrayAttr>(index, tile::kExtentsAttr);
  if (!name || attributes.size() != (view ? 2 : 1) + (view && written))
    return check.error(kernel) << "argument " << index << " needs the attribute " << tile::kNameAttr << ", a view "
                               << tile::kAlignmentAttr << " too and perhaps " << tile::kExtentsAttr
                               << ", and nothing else";
  if (written && (int64_t(written.size()) != view.getRank() || !llvm::all_of(written, llvm::IsaPred<StringAttr>)))
    return check.error(kernel) << "argument " << index << ": " << tile::kExtentsAttr << " has one text a dimension";
  if (!view)
    return isScalar(type) && !tile::isF8(type) ? success()
                                               : check.error(kernel) << "argument " << index << ": found " << type;
  int64_t bytes = alignment && alignment.getType().isInteger(32) ? alignment.getInt() : 0;
  if (bytes < 1 || bytes > 16 || (bytes & (bytes - 1)) != 0)
    return check.error(kernel) << "argument " << index << ": " << tile::kAlignmentAttr << " must be 1, 2, 4, 8 or 16";
  bool fits = view.getRank() >= 1 && view.getRank() <= kMaxViewRank && isScalar(view.getElementType());
  for (int64_t extent : view.getExtents())
    fits &= ShapedType::isDynamic(extent) || (extent >= 1 && extent <= std::numeric_limits<int32_t>::max());
  return fits ? success() : check.error(kernel) << "argument " << index << ": no view can be " << type;
}

LogicalResult KernelCheck::checkArguments() {
  if (kernel.getNumResults() != 0 || kernel.isExternal() || !llvm::hasSingleElement(kernel.getBody()))
    return check.error(kernel) << "a kernel gives nothing and has one block";
  for (unsigned i = 0; i < kernel.getNumArguments(); ++i)
    if (failed(checkArgument(i)))
      return failure();
  return success();
}

LogicalResult KernelCheck::run() {
  Block *body = check.module.getBody();
  kernel = llvm::hasSingleElement(*body) ? dyn_cast<func::FuncOp>(body->front()) : func::FuncOp();
  if (!kernel || !tile::requestOf(kernel))
    return check.error(check.module) << "expected one kernel: a func.func with the attribute " << tile::kKernelAttr;
  if (kernel.isPrivate())
    return check.error(kernel) << "a kernel is not private";
  if (failed(check.checkName(kernel, kernel.getName())) ||
      failed(check.checkAttributes(kernel, {tile::kKernelAttr, cta::kLaunchAttr})) ||
      failed(check.checkRequest(kernel)) || failed(check.checkLaunch(kernel, /*expected=*/isCta)) ||
      failed(checkArguments()))
    return failure();
  warps = tile::requestOf(kernel).getWarps();
  sharedBytes = isCta ? cta::launchOf(kernel).getShared() : 0;
  return check.checkEach(kernel.getBody(), kMaxOperations, [&](Operation *op) { return checkOperation(op); });
}

LogicalResult imbrex::checkKernelEntry(const EntryCheck &check, bool isCta) { return KernelCheck(check, isCta).run(); }
