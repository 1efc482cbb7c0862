//===- Interpreter.h - What a tile kernel means -----------------*- C++ -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs a kernel of the tile stage on the CPU. It shares nothing with the lowering, so it is the oracle
// the other stages are compared with, and it defines what the operations mean where words leave a gap:
//
//   * floats are doubles; f16 and bf16 results are rounded to nearest even of their type after every
//     operation; f32 is rounded only by arith.truncf and in memory (so an f32 kernel's result is the
//     exact one up to a few double roundings, not one particular order of f32 roundings);
//   * integers wrap at their width; max and min of i1 are or and and;
//   * what arith leaves undefined is an error: division by zero, a shift by the width or more, a float
//     that does not fit the integer it is converted to;
//   * instances run one after another, axis 0 fastest; tile.visible does nothing.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_REFERENCE_INTERPRETER_H
#define IMBREX_COMPILER_REFERENCE_INTERPRETER_H

#include "compiler/reference/Reference.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/ArrayRef.h"

namespace imbrex::reference {

/// Runs every program instance of grid [x, y, z] of `kernel`, a verified func.func, with one argument
/// a parameter; stores write through the views. Returns nullopt, or a text that says what went
/// wrong and where: arguments that do not fit the parameters, an operation or type the interpreter
/// does not know, an undefined value, or too much work. After an error the views may be half written.
/// Pure but for the views: any number of threads may interpret at once.
std::optional<std::string> interpret(mlir::func::FuncOp kernel, std::array<int64_t, 3> grid,
                                     llvm::ArrayRef<Argument> arguments, const InterpreterOptions &options = {});

} // namespace imbrex::reference

#endif // IMBREX_COMPILER_REFERENCE_INTERPRETER_H
