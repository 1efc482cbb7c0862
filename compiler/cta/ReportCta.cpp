//===- ReportCta.cpp - What a report says of the cta stage ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One walk over the kernel, in program order.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/ReportCta.h"
#include "compiler/MlirTypes.h"
#include "compiler/cta/BankConflicts.h"
#include "compiler/cta/BufferAccess.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace imbrex;

static std::string nameOf(Value view, func::FuncOp kernel) {
  return kernel.getArgAttrOfType<StringAttr>(cast<BlockArgument>(view).getArgNumber(), tile::kNameAttr).str();
}

/// The name of the view of whose elements alone `tile` is computed, element by element; empty if there is none.
static std::string viewComputedOn(Value tile, func::FuncOp kernel) {
  std::string found;
  SmallVector<Value, 8> left = {tile};
  while (!left.empty()) {
    Operation *op = left.pop_back_val().getDefiningOp();
    if (auto load = dyn_cast_or_null<tile::LoadOp>(op)) {
      std::string name = nameOf(load.getView(), kernel);
      if (!found.empty() && found != name)
        return "";
      found = std::move(name);
    } else if (op && op->hasTrait<OpTrait::Elementwise>()) {
      llvm::append_range(left, op->getOperands());
    } else if (!op || !(isa<tile::SplatOp>(op) || op->hasTrait<OpTrait::ConstantLike>())) {
      return "";
    }
  }
  return found;
}

/// The name of the view that is copied into the allocation, also turned or computed on; empty if none is.
static std::string viewCopiedInto(Operation *allocation, func::FuncOp kernel) {
  for (Operation *user : accessesOf(allocation))
    if (auto restage = dyn_cast<cta::RestageOp>(user)) {
      Operation *source = allocationOf(restage.getSource());
      std::string name = source && source != allocation ? viewCopiedInto(source, kernel) : "";
      if (!name.empty())
        return name + " along K";
    } else if (auto put = dyn_cast<cta::PutOp>(user)) {
      return nameOf(put.getView(), kernel);
    } else if (auto write = dyn_cast<cta::WriteOp>(user); write && write.getBuffer().getDefiningOp<cta::AcquireOp>()) {
      if (std::string name = viewComputedOn(write.getValue(), kernel); !name.empty())
        return name;
    }
  return "";
}

static KernelReport::Buffer describe(Operation *allocation, func::FuncOp kernel) {
  auto ring = dyn_cast<cta::RingOp>(allocation);
  cta::BufferType type = ring ? ring.getType().getSlot() : cast<cta::AllocOp>(allocation).getType();
  return {viewCopiedInto(allocation, kernel),
          type.getRows(),
          type.getColumns(),
          dataTypeOf(type.getElementType()).value_or(DataType::F32),
          type.getSpan(),
          ring ? ring.getType().getSlots() : 1,
          offsetOf(allocation),
          sizeOf(allocation),
          ring && ring.getBarriers() ? int64_t(*ring.getBarriers()) : -1};
}

static unsigned lineOf(Operation *op) {
  auto place = op->getLoc()->findInstanceOf<FileLineColLoc>();
  return place ? place.getLine() : 0;
}

static void addLayout(Operation *op, KernelReport &report) {
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  if (!type || !type.getEncoding())
    return;
  KernelReport::Layout layout{op->getName().getStringRef().str(), std::vector<int64_t>(type.getShape()),
                              dataTypeOf(type.getElementType()).value_or(DataType::F32),
                              cta::layoutOf(type).toString()};
  if (!llvm::is_contained(report.layouts, layout))
    report.layouts.push_back(std::move(layout));
}

void imbrex::reportCta(func::FuncOp kernel, KernelReport &report) {
  report.registerLimit = cta::launchOf(kernel).getRegisters();
  kernel.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isa<cta::AllocOp, cta::RingOp>(op))
      report.buffers.push_back(describe(op, kernel));
    if (auto roles = dyn_cast<cta::RolesOp>(op)) {
      report.computeWarps = roles.getComputeWarps();
      report.computeRegisters = roles.getComputeRegisters();
    }
    if (isa<cta::DotOp, cta::ReadOp, cta::ReduceOp, tile::LoadOp, tile::ReduceOp>(op))
      addLayout(op, report);
    if (unsigned wavefronts = bankConflictsOf(op).value_or(0))
      report.bankConflicts.push_back({op->getName().getStringRef().str(), lineOf(op), wavefronts,
                                      bool(op->getParentOfType<LoopLikeOpInterface>())});
  });
}
