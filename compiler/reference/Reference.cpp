//===- Reference.cpp - The reference interpreter's door -------------------===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A context of its own for each call, so that calls share nothing. Operations of dialects that are not loaded
// are parsed all the same: the interpreter refuses them by name.
//
//===----------------------------------------------------------------------===//

#include "compiler/reference/Reference.h"
#include "compiler/reference/Interpreter.h"
#include "dialects/tile/TileDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"

using namespace imbrex;

std::optional<std::string> reference::interpretText(std::string_view tileText, std::array<int64_t, 3> grid,
                                                    const std::vector<Argument> &arguments,
                                                    const InterpreterOptions &options) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<mlir::func::FuncDialect, mlir::arith::ArithDialect, mlir::math::MathDialect,
                      mlir::scf::SCFDialect, tile::TileDialect>();
  context.allowUnregisteredDialects();
  std::string diagnostics;
  mlir::ScopedDiagnosticHandler handler(&context, [&](mlir::Diagnostic &d) { diagnostics += d.str() + "\n"; });
  auto module = mlir::parseSourceString<mlir::ModuleOp>(tileText, &context, "kernel.mlir");
  if (!module)
    return "text: " + diagnostics;
  auto kernels = module->getOps<mlir::func::FuncOp>();
  if (!llvm::hasSingleElement(kernels))
    return "text: there must be one kernel";
  return interpret(*kernels.begin(), grid, arguments, options);
}
