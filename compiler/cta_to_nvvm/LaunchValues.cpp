//===- LaunchValues.cpp - What a launch passes to a kernel ----------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The order of an entry's parameters, and their types.
//
//===----------------------------------------------------------------------===//

#include "compiler/cta_to_nvvm/LaunchValues.h"
#include "compiler/MlirTypes.h"
#include "dialects/cta/CtaDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"

using namespace mlir;
using namespace imbrex;
using Kind = LaunchValue::Kind;

static constexpr unsigned kGlobalSpace = 1; ///< PTX's address space of views

/// What is written for an extent of an argument; null if nothing is.
static Attribute writtenExtent(func::FuncOp kernel, unsigned argument, unsigned dim) {
  auto extents = kernel.getArgAttrOfType<ArrayAttr>(argument, tile::kExtentsAttr);
  return extents ? extents[dim] : Attribute();
}

std::pair<unsigned, unsigned> imbrex::firstOfExtent(func::FuncOp kernel, unsigned argument, unsigned dim) {
  Attribute written = writtenExtent(kernel, argument, dim);
  for (unsigned i = 0; i < argument && written; ++i)
    if (auto view = dyn_cast<tile::ViewType>(kernel.getArgumentTypes()[i]))
      for (unsigned k = 0; k < view.getRank(); ++k)
        if (view.isDynamic(k) && writtenExtent(kernel, i, k) == written)
          return {i, k};
  for (unsigned k = 0; k < dim && written; ++k)
    if (writtenExtent(kernel, argument, k) == written)
      return {argument, k};
  return {argument, dim};
}

void imbrex::forEachLaunchValue(func::FuncOp kernel, llvm::function_ref<void(Value, const LaunchValue &)> visit) {
  for (auto [i, argument] : llvm::enumerate(kernel.getArguments())) {
    auto attribute = kernel.getArgAttrOfType<StringAttr>(i, tile::kNameAttr);
    std::string name = attribute ? attribute.str() : std::string();
    auto view = dyn_cast<tile::ViewType>(argument.getType());
    if (!view) {
      std::optional<DataType> type = dataTypeOf(argument.getType());
      assert(type && "a kernel takes views and scalars of the language's types");
      visit(argument, {Kind::Scalar, name, 0, *type});
      continue;
    }
    visit(argument, {Kind::Pointer, name});
    for (unsigned dim = 0; dim < view.getRank(); ++dim)
      if (view.isDynamic(dim) && firstOfExtent(kernel, i, dim) == std::pair(unsigned(i), dim))
        visit(argument, {Kind::Extent, name, dim});
    for (unsigned dim = 0; dim + 1 < view.getRank(); ++dim)
      visit(argument, {Kind::Stride, name, dim});
  }
  if (!kernel.isExternal())
    for (auto map : kernel.getBody().front().getOps<cta::TensorMapOp>()) {
      unsigned index = cast<BlockArgument>(map.getView()).getArgNumber();
      LaunchValue value{Kind::TensorMap, kernel.getArgAttrOfType<StringAttr>(index, tile::kNameAttr).str()};
      value.box.assign(map.getBox().begin(), map.getBox().end());
      value.span = map.getSpan();
      visit(map.getResult(), value);
    }
  if (tile::RequestAttr request = tile::requestOf(kernel); request && request.getFoldedGrid())
    for (unsigned axis = 0; axis < (request.getResident() ? 3u : 2u); ++axis)
      visit(Value(), {Kind::GridExtent, "", axis});
}

std::vector<LaunchValue> imbrex::launchValuesOf(func::FuncOp kernel) {
  std::vector<LaunchValue> values;
  forEachLaunchValue(kernel, [&](Value, const LaunchValue &value) { values.push_back(value); });
  return values;
}

Type imbrex::parameterType(const LaunchValue &value, MLIRContext *context) {
  Builder b(context);
  switch (value.kind) {
  case Kind::Pointer:
    return LLVM::LLVMPointerType::get(context, kGlobalSpace);
  case Kind::TensorMap:
    return LLVM::LLVMPointerType::get(context); // to the parameter itself: byval
  case Kind::Extent:
  case Kind::GridExtent:
    return b.getI32Type();
  case Kind::Stride:
    return b.getI64Type();
  case Kind::Scalar:
    return value.type == DataType::Bool ? b.getI8Type() : toMlirType(value.type, b);
  }
  llvm_unreachable("all kinds are listed");
}
