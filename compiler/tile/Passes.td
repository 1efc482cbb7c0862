//===- Passes.td - Passes on tile programs ---------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pass, one definition here, one source of the same name, one lit test of the same name.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_TILE_PASSES
#define IMBREX_COMPILER_TILE_PASSES

include "mlir/Pass/PassBase.td"

def BoundLoops : Pass<"tile-bound-loops", "::mlir::func::FuncOp"> {
  let summary = "Skip the iterations in which nothing is visible";
  let description = [{
    Uses the promise of `tile.visible`: by interval analysis of the mask over the tile's rows and
    columns it finds the columns that any row sees. The loop's bounds shrink to the tiles that hold
    such columns, and loads of the rows that belong to the mask's columns are narrowed (`within`) to
    them, so that what no row sees is not read. Of a disjunction the range is the hull of its parts'
    ranges. What cannot be analysed is ignored: the range found is then larger than need be, never smaller. Removes `tile.visible`.

    Before: `scf.for %j = 0 to cdiv(Sk, 64)`. After, for a causal mask:
    `scf.for %j = 0 to cdiv(min(Sk, lastRow + Sk - Sq + 1), 64)`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SplitMasks : Pass<"tile-split-masks", "::mlir::func::FuncOp"> {
  let summary = "Do not mask tiles that are wholly visible";
  let description = [{
    A `select` of a tile or a constant inside a loop, whose condition is certain for the whole tile when
    one scalar test holds: the select moves into the else branch of an `scf.if` on that test.

    Before: `%s = arith.select %mask, %x, %minus_inf`. After: `%s = scf.if %all { yield %x } else { ... }`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def NarrowComparisons : Pass<"tile-narrow-comparisons", "::mlir::func::FuncOp"> {
  let summary = "Compare positions in 32 bits again where that is exact";
  let description = [{
    A comparison of i64 tiles whose difference is linear in rows, columns and scalars becomes one of i32
    tiles: a side that is an i32 tile extended is compared with the other one clamped to 32 bits, row by row;
    else what all elements share is computed once in 64 bits and clamped to just beyond what rows and columns
    can balance. Comparisons that are not linear stay as they are.

    Before: `extsi(k) <= row + 128 i + off` of tensor<128x64xi64>.
    After: `k <= t` of tensor<128x64xi32>, t = trunc(clamp(row + 128 i + off)) of tensor<128x1xi32>.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ExpandMath : Pass<"tile-expand-math", "::mlir::func::FuncOp"> {
  let summary = "Write out the functions that PTX has no instruction for";
  let description = [{
    exp, log and tanh, exp2, log2 and rsqrt of f64, and divisions that round up or down, become plain
    arithmetic on the same tiles. Of f32 exp2, log2, sqrt and rsqrt stay: they are instructions.
    Functions of 16-bit floats are computed in f32 and rounded once, their sums too.
    `FloatFunctions.h` has the errors, Grammar.md what the language promises.

    Before: `%y = math.exp %x : tensor<8xbf16>`. After: `arith.extf`, f32 arithmetic, `math.exp2`, `arith.truncf`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::imbrex::tile::TileDialect"];
}

#endif // IMBREX_COMPILER_TILE_PASSES
