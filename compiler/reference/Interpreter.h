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
//   * integers wrap at their width; max and min of i1 are or and and; x / 0 and x % 0 are 0; a float
//     becomes the nearest integer towards zero, 0 if it is NaN;
//   * a shift by the width or more is an error, and so is a result that wraps where nsw says it does not;
//   * instances run one after another, axis 0 fastest, and share nothing: two that store one element of a
//     view, or one that loads what another stored, is an error that names both; any number may add to one;
//   * tile.visible is executed as the promise that it is: an iteration in which its mask is false everywhere
//     is left out. Each instance that left one out is run once more with all of them, and must store the
//     same elements with the same values (floats to 4 units in the last place); otherwise that is an error
//     with the place of the promise, the iteration and the element. In that second run, what is loaded in
//     such an iteration and is NaN or infinite counts as zero. In an iteration that runs, columns that the
//     bounds of the mask hide from all rows are loaded as zero (MaskBounds.h).
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
