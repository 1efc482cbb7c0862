//===- Interpreter.cpp - What a tile kernel means -------------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks the arguments against the kernel's parameters, then runs the grid.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Interpreter.h"
#include "compiler/MlirTypes.h"
#include "compiler/reference/Execution.h"
#include "dialects/tile/TileDialect.h"

namespace imbrex::reference {
namespace {

/// Why `view` cannot be bound to a parameter of `type`; empty if it can.
std::string checkView(const ViewData &view, tile::ViewType type) {
  if (toMlirType(view.type, mlir::Builder(type.getContext())) != type.getElementType())
    return "the view's element type is not the parameter's";
  size_t rank = type.getExtents().size();
  if (view.extents.size() != rank || view.strides.size() != rank)
    return "the parameter has rank " + std::to_string(rank) + ", the view " + std::to_string(view.extents.size()) +
           " extents and " + std::to_string(view.strides.size()) + " strides";
  for (size_t d = 0; d < rank; ++d)
    if (view.extents[d] < 0 || (!type.isDynamic(d) && view.extents[d] != type.getExtents()[d]))
      return "extent " + std::to_string(view.extents[d]) + " of dimension " + std::to_string(d) +
             " is not the parameter's";
  return "";
}

/// The value of one argument; sets `why` where it does not fit its parameter.
ValueRef bind(const Argument &argument, mlir::Type type, std::string &why) {
  TileValue value;
  if (auto viewType = mlir::dyn_cast<tile::ViewType>(type)) {
    value.view = std::get_if<ViewData>(&argument);
    why = value.view ? checkView(*value.view, viewType) : "the parameter is a view";
  } else if (std::optional<TileValue> scalar = TileValue::zeros(type); scalar && scalar->shape.empty()) {
    value = std::move(*scalar);
    const double *number = std::get_if<double>(&argument);
    const int64_t *integer = std::get_if<int64_t>(&argument);
    if (value.element.isFloat() && number)
      value.floats[0] = roundTo(*number, value.element.kind);
    else if (!value.element.isFloat() && integer)
      value.ints[0] = signExtend(*integer, value.element.width);
    else
      why = value.element.isFloat() ? "the parameter is a float" : "the parameter is an integer";
  } else {
    why = "the parameter is neither a view nor a scalar";
  }
  return std::make_shared<TileValue>(std::move(value));
}

/// The views that the kernel may store to, by the names that its text gives them.
void addOutputs(mlir::func::FuncOp kernel, llvm::ArrayRef<ValueRef> values, Memory &memory) {
  for (auto [index, value] : llvm::enumerate(values)) {
    auto type = mlir::dyn_cast<tile::ViewType>(kernel.getArgumentTypes()[index]);
    if (!type || !type.getWritable())
      continue;
    auto name = kernel.getArgAttrOfType<mlir::StringAttr>(index, tile::kNameAttr);
    if (std::vector<double> *errors = value->view->errors) {
      int64_t elements = 1;
      for (int64_t extent : value->view->extents)
        elements *= extent;
      errors->assign(size_t(elements), 0.0);
    }
    memory.addOutput(*value->view, name ? name.str() : "argument " + std::to_string(index));
  }
}

} // namespace

std::optional<std::string> interpret(mlir::func::FuncOp kernel, std::array<int64_t, 3> grid,
                                     llvm::ArrayRef<Argument> arguments, const InterpreterOptions &options) {
  std::string kernelName = placeOf(kernel.getLoc()) + "kernel '" + kernel.getName().str() + "': ";
  if (!kernel.getBody().hasOneBlock() || kernel.getNumResults() != 0)
    return kernelName + "not a kernel: needs a body of one block and no results";
  if (arguments.size() != kernel.getNumArguments())
    return kernelName + "has " + std::to_string(kernel.getNumArguments()) + " parameters, not " +
           std::to_string(arguments.size());
  if (grid[0] < 0 || grid[1] < 0 || grid[2] < 0)
    return kernelName + "the grid is negative";

  llvm::SmallVector<ValueRef, 8> values;
  for (auto [index, argument] : llvm::enumerate(arguments)) {
    std::string why;
    values.push_back(bind(argument, kernel.getArgumentTypes()[index], why));
    if (!why.empty())
      return kernelName + "argument " + std::to_string(index) + ": " + why;
  }

  Memory memory;
  addOutputs(kernel, values, memory);
  bool keepsErrors = llvm::any_of(values, [](const ValueRef &value) { return value->view && value->view->errors; });
  Execution execution(options, memory, keepsErrors);
  for (int64_t z = 0; z < grid[2]; ++z)
    for (int64_t y = 0; y < grid[1]; ++y)
      for (int64_t x = 0; x < grid[0]; ++x)
        if (!execution.run(kernel, values, {x, y, z}))
          return execution.error();
  return std::nullopt;
}

} // namespace imbrex::reference
