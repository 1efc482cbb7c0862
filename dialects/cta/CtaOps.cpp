//===- CtaOps.cpp - Verifiers of the cta operations -----------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each verifier cites the numbered constraint of CtaOps.td that it checks.
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

LogicalResult PutOp::verify() {
  BufferType buffer = getBuffer().getType();
  auto copied = RankedTensorType::get({buffer.getRows(), buffer.getColumns()}, buffer.getElementType());
  if (failed(tile::verifyAccess(*this, getView().getType(), getIndices(), getDims(), copied)))
    return failure();
  return tile::verifyWithin(*this, getDims(), getWithinDim(), getWithinLow(), getWithinHigh());
}

LogicalResult GetOp::verify() {
  if (getResult().getType() != getBuffer().getType().withSlots(1))
    return emitOpError("(1) expected the result to be one slot of the buffer");
  if (int32_t(getPending()) < 0)
    return emitOpError("(2) 'pending' is negative");
  return success();
}

/// True if a tile of `shape` can be one slot of `buffer`, seen transposed or not.
static bool fits(ArrayRef<int64_t> shape, BufferType buffer, bool transposed) {
  if (shape.size() == 1)
    return buffer.getRows() == 1 && shape[0] == buffer.getColumns() && !transposed;
  if (shape.size() != 2)
    return false;
  int64_t rows = shape[transposed ? 1 : 0], columns = shape[transposed ? 0 : 1];
  return rows == buffer.getRows() && columns == buffer.getColumns();
}

LogicalResult ReadOp::verify() {
  RankedTensorType type = cast<RankedTensorType>(getResult().getType());
  if (!fits(type.getShape(), getBuffer().getType(), getTransposed()))
    return emitOpError("(1) tile ") << type << " is not a slot of " << getBuffer().getType();
  if (type.getElementType() != getBuffer().getType().getElementType())
    return emitOpError("(2) expected the buffer's element type");
  return success();
}

LogicalResult WriteOp::verify() {
  RankedTensorType type = cast<RankedTensorType>(getValue().getType());
  if (!fits(type.getShape(), getBuffer().getType(), /*transposed=*/false))
    return emitOpError("(1) tile ") << type << " is not a slot of " << getBuffer().getType();
  if (type.getElementType() != getBuffer().getType().getElementType())
    return emitOpError("(2) expected the buffer's element type");
  return success();
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

LogicalResult imbrex::cta::DotOp::verify() {
  if (bool(getA()) == bool(getABuffer()))
    return emitOpError("(1) expected exactly one of a tile and a buffer as left operand");
  RankedTensorType accumulator = cast<RankedTensorType>(getAccumulator().getType());
  if (accumulator.getRank() != 2 || (getA() && cast<RankedTensorType>(getA().getType()).getRank() != 2))
    return emitOpError("(5) expected tiles of rank 2");
  BufferType b = getBBuffer().getType();
  int64_t n = getTransposedB() ? b.getRows() : b.getColumns();
  int64_t k = getTransposedB() ? b.getColumns() : b.getRows();
  int64_t m, aK;
  if (getA()) {
    RankedTensorType a = cast<RankedTensorType>(getA().getType());
    m = a.getDimSize(0), aK = a.getDimSize(1);
  } else {
    BufferType a = getABuffer().getType();
    m = getTransposedA() ? a.getColumns() : a.getRows();
    aK = getTransposedA() ? a.getRows() : a.getColumns();
  }
  if (accumulator.getDimSize(0) != m || accumulator.getDimSize(1) != n || aK != k)
    return emitOpError("(2) extents do not agree: ")
           << m << "x" << aK << " times " << k << "x" << n << " into " << accumulator;
  if (getKind() == DotKind::Mma && (b.getElementBytes() != 2 || !accumulator.getElementType().isF32()))
    return emitOpError("(3) kind mma needs 16-bit operands and an f32 accumulator");
  if (getResult().getType() != accumulator)
    return emitOpError("(4) expected a result of the accumulator's type");
  return success();
}
