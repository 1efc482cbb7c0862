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

#define GET_OP_CLASSES
#include "dialects/cta/CtaOps.cpp.inc"

LogicalResult imbrex::cta::ReduceOp::verify() {
  auto source = cast<RankedTensorType>(getSource().getType()), result = cast<RankedTensorType>(getResult().getType());
  if (getDim() >= source.getRank())
    return emitOpError("(1) dimension ") << getDim() << " of a tile of rank " << source.getRank();
  auto from = dyn_cast_or_null<LayoutAttr>(source.getEncoding()),
       to = dyn_cast_or_null<LayoutAttr>(result.getEncoding());
  SmallVector<int64_t> shape(source.getShape());
  shape[getDim()] = from ? from.getLayout().warps()[getDim()] : 0;
  if (!from || !to || from.getLayout().warpParts(getDim()) != to.getLayout() || result.getShape() != ArrayRef(shape))
    return emitOpError("(2) ") << result << " does not hold one part a warp of " << source;
  if (source.getElementType() != result.getElementType())
    return emitOpError("(3) expected the operand's element type");
  return success();
}
