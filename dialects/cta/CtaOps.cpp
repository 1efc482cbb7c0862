//===- CtaOps.cpp - The cta operations, and those on registers ------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What TableGen makes of all operations, and the verifier of those of CtaTileOps.td: it cites the numbered
// constraint that it checks.
//
//===----------------------------------------------------------------------===//

#include "dialects/cta/CtaDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace imbrex;
using namespace imbrex::cta;

/// The word of a reduction's kind: "sum".
static ParseResult parseReduceKind(OpAsmParser &parser, tile::ReduceKindAttr &kind) {
  StringRef word;
  SMLoc place = parser.getCurrentLocation();
  if (parser.parseKeyword(&word))
    return failure();
  std::optional<tile::ReduceKind> known = tile::symbolizeReduceKind(word);
  if (!known)
    return parser.emitError(place, "expected sum, max or min");
  kind = tile::ReduceKindAttr::get(parser.getContext(), *known);
  return success();
}

static void printReduceKind(OpAsmPrinter &printer, Operation *, tile::ReduceKindAttr kind) {
  printer << tile::stringifyReduceKind(kind.getValue());
}

/// "mode tf32", or nothing for ieee.
static ParseResult parseDotMode(OpAsmParser &parser, tile::DotModeAttr &mode) {
  StringRef word = tile::stringifyDotMode(tile::DotMode::Ieee);
  SMLoc place = parser.getCurrentLocation();
  if (succeeded(parser.parseOptionalKeyword("mode")) && parser.parseKeyword(&word))
    return failure();
  std::optional<tile::DotMode> known = tile::symbolizeDotMode(word);
  if (!known)
    return parser.emitError(place, "expected ieee, tf32 or tf32x3");
  mode = tile::DotModeAttr::get(parser.getContext(), *known);
  return success();
}

static void printDotMode(OpAsmPrinter &printer, Operation *, tile::DotModeAttr mode) {
  if (mode.getValue() != tile::DotMode::Ieee)
    printer << "mode " << tile::stringifyDotMode(mode.getValue());
}

#define GET_OP_CLASSES
#include "dialects/cta/CtaOps.cpp.inc"

LogicalResult imbrex::cta::RoundOp::verify() {
  return getElementTypeOrSelf(getValue().getType()).isF32() ? success() : emitOpError("(1) expected elements of f32");
}

LogicalResult imbrex::cta::ReduceOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType()), result = cast<RankedTensorType>(getResult().getType());
  unsigned dim = getDim();
  if (dim >= source.getRank())
    return emitOpError("(1) dimension ") << dim << " of a tile of rank " << source.getRank();
  if (!isa_and_nonnull<LayoutAttr>(source.getEncoding()) || result != partsType(source, dim, getScope()))
    return emitOpError("(2) ") << result << " does not hold one part a " << stringifyPartScope(getScope()) << " of "
                               << source;
  return success();
}

/// Constraints (1) to (4) of cta.combine and cta.scan; `typeOf` makes a result's type of a source's.
static LogicalResult verifyRuns(Operation *op, ValueRange sources, unsigned dim,
                                llvm::function_ref<RankedTensorType(RankedTensorType)> typeOf) {
  auto first = sources.empty() ? RankedTensorType() : cast<RankedTensorType>(sources.front().getType());
  for (Value source : sources) {
    auto type = cast<RankedTensorType>(source.getType());
    if (!isa_and_nonnull<cta::LayoutAttr>(type.getEncoding()) || type.getEncoding() != first.getEncoding() ||
        type.getShape() != first.getShape() || dim >= type.getRank())
      return op->emitOpError("(1) expected tiles of one shape and layout with a dimension ") << dim;
  }
  if (!first || op->getNumResults() != sources.size())
    return op->emitOpError("(2) expected one result a tile, and at least one");
  for (auto [source, result] : llvm::zip(sources, op->getResults()))
    if (result.getType() != typeOf(cast<RankedTensorType>(source.getType())))
      return op->emitOpError("(2) ") << result.getType() << " cannot come of " << source.getType();
  return tile::verifyCombiner(op, sources);
}

LogicalResult imbrex::cta::CombineOp::verify() {
  return verifyRuns(*this, getSources(), getDim(), [&](RankedTensorType type) { return runPartsType(type, getDim()); });
}

LogicalResult imbrex::cta::ScanOp::verify() {
  if (failed(verifyRuns(*this, getSources(), getDim(), [](RankedTensorType type) { return type; })))
    return failure();
  for (auto [source, part] : llvm::zip(getSources(), getParts())) {
    RankedTensorType own = runPartsType(cast<RankedTensorType>(source.getType()), getDim());
    if (part.getType() != withLayout(own, layoutOf(own).gathered(getDim())))
      return emitOpError("(5) ") << part.getType() << " is not all parts of " << source.getType();
  }
  return success();
}

LogicalResult imbrex::cta::AnyOp::verify() {
  auto type = cast<RankedTensorType>(getCondition().getType());
  if (!type.getElementType().isInteger(1) || !isa_and_nonnull<LayoutAttr>(type.getEncoding()))
    return emitOpError("(1) expected a tile of i1 with a layout, found ") << type;
  for (Operation *user : getResult().getUsers()) {
    auto branch = dyn_cast<scf::IfOp>(user);
    if (!branch)
      return emitOpError("(2) used by '") << user->getName() << "', which is no scf.if";
    WalkResult pure = branch.walk([&](Operation *op) {
      return op == user || op->hasTrait<OpTrait::IsTerminator>() || isPure(op) ? WalkResult::advance()
                                                                               : WalkResult::interrupt();
    });
    if (pure.wasInterrupted())
      return emitOpError("(3) decides about an operation that concerns other warps");
  }
  return success();
}
