//===- TensorBoxes.cpp - Tiles that the copy engine can copy ---------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Whole panels of rows, from a view that is known to be aligned, with all its positions bounded by the view alone.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta/TensorBoxes.h"
#include "dialects/layout/Access.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace imbrex;

StringRef imbrex::whyNoBoxes(const BoxedTile &tile) {
  constexpr int64_t kMostDims = 5, kLongestBox = 256; // CUDA Driver API, "cuTensorMapEncodeTiled"
  auto view = cast<tile::ViewType>(tile.view.getType());
  const layout::SharedLayout &layout = tile.layout;
  const int64_t columnDim = tile.dims[1];
  bool hasRows = layout.paddedRows() == layout.rows() && tile.rows <= kLongestBox;
  bool hasBox = layout.rows() > 1 || (layout.paddedColumns() == layout.columns() && layout.columns() <= kLongestBox);
  bool fillsColumns = layout.paddedColumns() == layout.columns() ||
                      (matchPattern(tile.indices[columnDim], m_Zero()) && !view.isDynamic(columnDim) &&
                       view.getExtents()[columnDim] <= layout.columns()); // nothing behind the view's last column
  auto argument = cast<BlockArgument>(tile.view);
  auto kernel = cast<func::FuncOp>(argument.getOwner()->getParentOp());
  auto alignment = kernel.getArgAttrOfType<IntegerAttr>(argument.getArgNumber(), tile::kAlignmentAttr);
  if (view.getRank() > kMostDims || columnDim != view.getRank() - 1)
    return view.getRank() > kMostDims ? "its view has more than 5 dimensions"
                                      : "its rows do not lie along the last dimension";
  if (!hasRows || !hasBox)
    return "its rows are padded or more than 256, or it is a single row of more than 256 elements";
  if (layout.rows() > 1 && layout.paddedRows() % layout::SharedLayout::kSwizzleRows != 0 &&
      layout.paddedColumns() > layout.boxColumns())
    return "its panels do not begin where swizzles do: its rows are no multiple of 8";
  if (!fillsColumns)
    return "its columns do not fill the slot's";
  if (!alignment || alignment.getInt() != layout::kAccessBytes)
    return "its view is not known to be aligned to 16 bytes";
  return "";
}

Value imbrex::mapOf(func::FuncOp kernel, const BoxedTile &tile, Location loc) {
  SmallVector<int64_t> box(cast<tile::ViewType>(tile.view.getType()).getRank(), 1);
  box[tile.dims[0]] = tile.rows;
  box[tile.dims[1]] = tile.layout.boxColumns();
  Block &body = kernel.getBody().front();
  for (auto map : body.getOps<cta::TensorMapOp>())
    if (map.getView() == tile.view && map.getBox() == ArrayRef(box) && map.getSpan() == tile.layout.boxSpan())
      return map;
  OpBuilder b = OpBuilder::atBlockBegin(&body);
  return cta::TensorMapOp::create(b, loc, cta::TensorMapType::get(b.getContext()), tile.view, box,
                                  tile.layout.boxSpan());
}
