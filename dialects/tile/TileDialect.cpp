//===- TileDialect.cpp - Types and attributes of the tile dialect ---------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registers the dialect; prints and parses views, whose extents are numbers or `?`; checks what is asked of a kernel.
//
//===----------------------------------------------------------------------===//

#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace imbrex::tile;

#include "dialects/tile/TileDialect.cpp.inc"
#include "dialects/tile/TileEnums.cpp.inc"

/// Any of the words, each behind a comma. What is resident is folded too.
static ParseResult parseWishes(AsmParser &parser, bool &folded, bool &resident, bool &descending, bool &turns) {
  folded = resident = descending = turns = false;
  while (succeeded(parser.parseOptionalComma())) {
    if (succeeded(parser.parseOptionalKeyword("resident")))
      folded = resident = true;
    else if (succeeded(parser.parseOptionalKeyword("descending")))
      descending = true;
    else if (succeeded(parser.parseOptionalKeyword("turns")))
      turns = true;
    else if (failed(parser.parseKeyword("folded_grid")))
      return failure();
    else
      folded = true;
  }
  return success();
}

static void printWishes(AsmPrinter &printer, bool folded, bool resident, bool descending, bool turns) {
  if (folded || resident)
    printer << (resident ? ", resident" : ", folded_grid");
  printer << (descending ? ", descending" : "") << (turns ? ", turns" : "");
}

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/TileAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/tile/TileTypes.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/tile/TileAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/tile/TileTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/tile/TileOps.cpp.inc"
      >();
}

Operation *TileDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

LogicalResult RequestAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, StringRef target, unsigned warps,
                                  unsigned stages, bool, bool, bool, bool) {
  if (!target.starts_with("sm_"))
    return emitError() << "(1) expected a target such as \"sm_80\", found \"" << target << "\"";
  if (warps < 1)
    return emitError() << "(2) expected at least one warp, found " << warps;
  if (stages < 1 || stages > kMostStages)
    return emitError() << "(3) expected 1 to " << kMostStages << " stages, found " << stages;
  return success();
}

LogicalResult TileDialect::verifyOperationAttribute(Operation *op, NamedAttribute attribute) {
  if (attribute.getName() == kExactAttr && isa<math::AbsIOp>(op) && isa<UnitAttr>(attribute.getValue()))
    return success();
  if (attribute.getName() != kKernelAttr)
    return op->emitError() << "the tile dialect has no attribute '" << attribute.getName().strref() << "'";
  if (isa<RequestAttr>(attribute.getValue()) && isa<FunctionOpInterface>(op))
    return success();
  return op->emitError() << "'" << kKernelAttr << "' is the #tile.request of a function";
}

void ViewType::print(AsmPrinter &printer) const {
  printer << "<";
  for (int64_t extent : getExtents()) {
    if (ShapedType::isDynamic(extent))
      printer << "?";
    else
      printer << extent;
    printer << "x";
  }
  printer << getElementType();
  if (getAccess() != ViewAccess::In)
    printer << ", " << stringifyViewAccess(getAccess());
  printer << ">";
}

Type ViewType::parse(AsmParser &parser) {
  SmallVector<int64_t> extents;
  Type element;
  ViewAccess access = ViewAccess::In;
  if (parser.parseLess() || parser.parseDimensionList(extents) || parser.parseType(element))
    return {};
  if (succeeded(parser.parseOptionalComma())) {
    StringRef word;
    SMLoc place = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return {};
    std::optional<ViewAccess> known = symbolizeViewAccess(word);
    if (!known || *known == ViewAccess::In) {
      parser.emitError(place, "expected 'out' or 'var'");
      return {};
    }
    access = *known;
  }
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(), extents, element, access);
}

bool imbrex::tile::isOf16Bits(Operation *kernel) {
  unsigned dots = 0, loads = 0;
  bool allDots = true, allLoads = true;
  auto isHalf = [](Type type) {
    Type element = getElementTypeOrSelf(type);
    return isa<FloatType>(element) && element.getIntOrFloatBitWidth() <= 16;
  };
  kernel->walk([&](Operation *op) {
    if (auto dot = dyn_cast<DotOp>(op)) {
      ++dots;
      allDots &= isHalf(dot.getA().getType());
    }
    Type type = isa<LoadOp, GatherOp>(op) ? op->getResult(0).getType() : Type();
    if (isa_and_nonnull<RankedTensorType>(type) && isa<FloatType>(getElementTypeOrSelf(type))) {
      ++loads;
      allLoads &= isHalf(type);
    }
  });
  return dots != 0 ? allDots : loads != 0 && allLoads;
}
