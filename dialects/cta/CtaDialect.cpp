//===- CtaDialect.cpp - Attributes and types of the cta dialect -----------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registers the dialect; prints and parses its layout attribute; answers the questions to buffers and rings.
//
//===----------------------------------------------------------------------===//

#include "dialects/cta/CtaDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace imbrex;
using namespace imbrex::cta;

#include "dialects/cta/CtaDialect.cpp.inc"
#include "dialects/cta/CtaEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/cta/CtaAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/cta/CtaTypes.cpp.inc"

void CtaDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/cta/CtaAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/cta/CtaTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/cta/CtaOps.cpp.inc"
      >();
}

LogicalResult LaunchAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef target, unsigned threads,
                                 int64_t shared, unsigned registers) {
  if (!target.starts_with("sm_"))
    return emitError() << "(1) expected a target such as \"sm_80\", found \"" << target << "\"";
  if (threads < 1 || threads % layout::kWarpThreads != 0)
    return emitError() << "(2) expected whole warps of " << layout::kWarpThreads << " threads, found " << threads
                       << " threads";
  if (shared < 0)
    return emitError() << "(3) expected bytes of shared memory, found " << shared;
  if (registers < 1 || registers > 255)
    return emitError() << "(4) expected 1 to 255 registers, found " << registers;
  return success();
}

scf::ForOp cta::continuedBy(scf::ForOp loop) {
  if (!loop->hasAttr(kContinuesAttr))
    return {};
  Operation *op = loop->getPrevNode();
  while (op && !isa<scf::ForOp>(op))
    op = op->getPrevNode();
  auto before = dyn_cast_or_null<scf::ForOp>(op);
  return before && before.getUpperBound() == loop.getLowerBound() ? before : scf::ForOp();
}

LogicalResult CtaDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kContinuesAttr) {
    auto loop = dyn_cast<scf::ForOp>(op);
    if (isa<UnitAttr>(attribute.getValue()) && loop && continuedBy(loop))
      return success();
    return op->emitError() << "'" << kContinuesAttr << "' says of a loop that it begins where the one before it ends";
  }
  if (attribute.getName() != kLaunchAttr)
    return op->emitError() << "the cta dialect has no attribute '" << attribute.getName().strref() << "'";
  if (isa<LaunchAttr>(attribute.getValue()) && isa<FunctionOpInterface>(op))
    return success();
  return op->emitError() << "'" << kLaunchAttr << "' is the #cta.launch of a function";
}

void LayoutAttr::print(AsmPrinter &printer) const { printer << "<\"" << getLayout().toString() << "\">"; }

Attribute LayoutAttr::parse(AsmParser &parser, Type) {
  std::string text;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseString(&text) || parser.parseGreater())
    return {};
  std::optional<layout::TileLayout> layout = layout::TileLayout::parse(text);
  if (!layout) {
    parser.emitError(loc, "expected a layout such as \"reg (0,1) lane ... warps 4x1 stride 1x4 repeat 1x8\"");
    return {};
  }
  return get(parser.getContext(), *layout);
}

/// What buffers and the slots of rings have in common.
static LogicalResult verifyTile(llvm::function_ref<InFlightDiagnostic()> emitError, int64_t rows, int64_t columns,
                                Type elementType, unsigned span, int64_t leastRows, int64_t leastColumns) {
  if (rows < 1 || columns < 1)
    return emitError() << "(1) expected at least one row and column, found " << rows << ", " << columns;
  if (span != 32 && span != 64 && span != 128)
    return emitError() << "(2) expected a span of 32, 64 or 128 bytes, found " << span;
  unsigned bits = elementType.isIntOrFloat() ? elementType.getIntOrFloatBitWidth() : 0;
  if (bits != 1 && bits != 8 && bits != 16 && bits != 32 && bits != 64)
    return emitError() << "(3) expected elements of 1, 2, 4 or 8 bytes, or i1, found " << elementType;
  bool isStoredWider = leastRows >= rows && leastColumns >= columns && leastRows + leastColumns > rows + columns;
  if ((leastRows != 0 || leastColumns != 0) && !isStoredWider)
    return emitError() << "(4) expected more stored than " << rows << " x " << columns << ", found " << leastRows
                       << " x " << leastColumns;
  return success();
}

LogicalResult BufferType::verify(llvm::function_ref<InFlightDiagnostic()> emitError, int64_t rows, int64_t columns,
                                 Type elementType, unsigned span, int64_t leastRows, int64_t leastColumns) {
  return verifyTile(emitError, rows, columns, elementType, span, leastRows, leastColumns);
}

unsigned BufferType::getElementBytes() const { return tile::elementBytes(getElementType()); }

layout::SharedLayout BufferType::getLayout() const {
  return layout::SharedLayout(getRows(), getColumns(), getElementBytes(), getSpan(), getLeastRows(), getLeastColumns());
}

BufferType BufferType::getFor(int64_t rows, int64_t columns, Type elementType, int64_t leastRows,
                              int64_t leastColumns) {
  unsigned bytes = tile::elementBytes(elementType);
  layout::SharedLayout plain = layout::SharedLayout::swizzled(rows, columns, bytes);
  leastRows = std::max(rows, leastRows);
  leastColumns = std::max(columns, leastColumns);
  if (leastRows == rows && leastColumns <= plain.paddedColumns()) // the swizzle's own padding will do
    return get(elementType.getContext(), rows, columns, elementType, plain.span(), 0, 0);
  unsigned span = layout::SharedLayout::swizzled(rows, columns, bytes, leastRows, leastColumns).span();
  return get(elementType.getContext(), rows, columns, elementType, span, leastRows, leastColumns);
}

LogicalResult RingType::verify(llvm::function_ref<InFlightDiagnostic()> emitError, int64_t rows, int64_t columns,
                               Type elementType, unsigned span, unsigned slots, Completion, int64_t leastRows,
                               int64_t leastColumns) {
  if (slots < 1)
    return emitError() << "(5) expected at least one slot";
  return verifyTile(emitError, rows, columns, elementType, span, leastRows, leastColumns);
}

RingType RingType::getFor(BufferType slot, unsigned slots, Completion completion) {
  return get(slot.getContext(), slot.getRows(), slot.getColumns(), slot.getElementType(), slot.getSpan(), slots,
             completion, slot.getLeastRows(), slot.getLeastColumns());
}

BufferType RingType::getSlot() const {
  return BufferType::get(getContext(), getRows(), getColumns(), getElementType(), getSpan(), getLeastRows(),
                         getLeastColumns());
}

int64_t RingType::getStrideBytes() const {
  layout::SharedLayout layout = getSlot().getLayout();
  return llvm::alignTo(layout.sizeBytes(), layout.alignment());
}

RankedTensorType cta::withLayout(RankedTensorType type, const layout::TileLayout &layout) {
  assert(layout.covers(type.getShape()) && "an element without an owner");
  return RankedTensorType::get(type.getShape(), type.getElementType(), LayoutAttr::get(type.getContext(), layout));
}

layout::TileLayout cta::narrowed(layout::TileLayout layout, ArrayRef<int64_t> shape) {
  for (auto [dim, extent] : llvm::enumerate(shape))
    if (extent == 1)
      layout = layout.collapse(dim);
  return layout;
}

RankedTensorType cta::partsType(RankedTensorType source, unsigned dim, PartScope scope) {
  const layout::TileLayout &layout = layoutOf(source);
  layout::TileLayout parts = scope == PartScope::Warp ? layout.warpParts(dim) : layout.laneParts(dim);
  SmallVector<int64_t> shape(source.getShape());
  shape[dim] = parts.extent(dim);
  return withLayout(RankedTensorType::get(shape, source.getElementType()), parts);
}

RankedTensorType cta::runPartsType(RankedTensorType source, unsigned dim) {
  const layout::TileLayout &layout = layoutOf(source);
  SmallVector<int64_t> shape(source.getShape());
  shape[dim] = llvm::divideCeil(shape[dim], layout.atomShape()[dim]);
  return withLayout(RankedTensorType::get(shape, source.getElementType()), layout.runParts(dim));
}
