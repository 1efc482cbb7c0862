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

def CheckSize : Pass<"tile-check-size", "::mlir::func::FuncOp"> {
  let summary = "Refuse a kernel of too many operations";
  let description = [{
    Some fifty passes, and MLIR's verifier behind each, look at every operation of a kernel, whatever its tiles take of
    a thread: the bound is what they do in about a second. Runs before the first of them, and behind those that write
    much for little. What the threads take is counted where it is made (`cta_to_nvvm/InstructionCount.h`).

    Before and after: the same; an error at the first operation that is too many.
  }];
  let options = [Option<"most", "most", "unsigned", /*default=*/"20000", "The most operations of a kernel">];
}

def ResolveViews : Pass<"tile-resolve-views", "::mlir::func::FuncOp"> {
  let summary = "Every access is one to a view of the kernel";
  let description = [{
    Accesses to parts of views (`tile.subview`) become accesses to the view that is in memory: starts are added to the
    indices, and ranges become bounds (`within`). A sequence of a view made by `tile.padded` or `tile.ragged` is a part
    of its storage; of one made by `tile.paged`, a slice that begins at a multiple of its length, and whose length
    divides the page, is a part of that page, and other tiles are gathered by rows: for a target whose copy engine takes
    runs of them, by `tile.page_rows` where a tile begins at a multiple of its length. A load of a view made by
    `tile.scaled` is one of its storage, widened, times its scales. What an access needs of a sequence
    is read once, where its index becomes known. Later passes know none of these operations.

    Before: `%p = tile.subview %K[%b, %lo, %zero] dims [1, 2] to [%hi, %d]`, `tile.load %p[%j, %zero] dims [0, 1]`.
    After: `tile.load %K[%b, %lo + %j, %zero] dims [1, 2] within [1] from %lo to %hi`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::imbrex::tile::TileDialect"];
}

def WidenProducts : Pass<"tile-widen-products", "::mlir::func::FuncOp"> {
  let summary = "Products of 8-bit floats by f16 where the target has no unit for them";
  let description = [{
    f16 holds both floats of 8 bits, and products of f16 are exact in f32: the factors are widened, also where
    the target has an instruction that its assembler makes of products of f16 (sm_90 and sm_100 without wgmma).

    Before: `tile.dot %a, %b, %c : tensor<64x32xf8E4M3FN>, ...`, for sm_80.
    After: `%w = arith.extf %a : tensor<64x32xf8E4M3FN> to tensor<64x32xf16>`, the same of %b, `tile.dot %w, ...`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SplitComparisons : Pass<"tile-split-comparisons", "::mlir::func::FuncOp"> {
  let summary = "Masks as comparisons of sums, whatever functions they are spelled by";
  let description = [{
    In masks (of promises, and of choices between tiles) an order between a least, largest or absolute value, or a choice
    of which one side or the condition is certain, and something else is told by comparisons of what those are made of; a
    truth compared with a constant is that truth or its opposite. Later passes read these as bounds of rows and columns.
    An absolute value is split if it is exact (`tile.exact`, which this pass removes): that of the least integer is
    itself.

    Before: `%s = arith.minsi %a, %b`, `%m = arith.cmpi sge, %s, %k`. After: `%x = arith.cmpi sge, %a, %k`,
    `%y = arith.cmpi sge, %b, %k`, `%m = arith.andi %x, %y`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::imbrex::tile::TileDialect"];
}

def BoundLoops : Pass<"tile-bound-loops", "::mlir::func::FuncOp"> {
  let summary = "Skip the iterations in which nothing is visible";
  let description = [{
    Uses the promise of `tile.visible`: by interval analysis of the mask over the tile's rows and
    columns it finds the columns that any row sees. The loop's bounds shrink to the tiles that hold
    such columns, and loads of the rows that belong to the mask's columns are narrowed (`within`) to
    them, so that what no row sees is not read. Of a disjunction the range is the hull of its parts'
    ranges. A truth that all elements share, whatever it is made of, leaves all rows or none. What cannot be analysed is
    ignored: the range found is then larger than need be, never smaller. Removes `tile.visible`.

    Before: `scf.for %j = 0 to cdiv(Sk, 64)`. After, for a causal mask:
    `scf.for %j = 0 to cdiv(min(Sk, lastRow + Sk - Sq + 1), 64)`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def HoistInvariants : Pass<"tile-hoist-invariants", "::mlir::func::FuncOp"> {
  let summary = "What stays the same in a loop is made before it";
  let description = [{
    MLIR's loop-invariant code motion, innermost loops first, also of loads of inputs, as far as a quarter of a thread's
    registers holds them. It says of which lines of the text tiles are made once
    now: scalars, and tiles that cost nothing (constants, repeated scalars, rows of numbers), move without a word.

    Before: `scf.for %j ... { %b = arith.mulf %x, %scales : tensor<64xf32>`, where both are known before the loop.
    After: `%b = arith.mulf %x, %scales : tensor<64xf32>`, `scf.for %j ...`.
  }];
}

def FindSlices : Pass<"tile-find-slices", "::mlir::func::FuncOp"> {
  let summary = "Tiles of indices that are slices";
  let description = [{
    A tile of indices that is a scalar plus iota along a dimension of the tile becomes a slice along it, one that is
    the same everywhere a scalar; a gather or scatter without tiles of indices becomes a load or store. After
    `tile-bound-loops`, which narrows what the text loads by slices.

    Before: `tile.gather %X[%rows, %columns] dims [-1, -1]`, %columns = iota(64)[_, :] + splat of %k.
    After: `tile.gather %X[%rows, %k] dims [-1, 1]`.
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

def Simplify : Pass<"tile-simplify", "::mlir::func::FuncOp"> {
  let summary = "Arithmetic once a row instead of once an element";
  let description = [{
    Divisions by a constant, or by what a row, a column or the tile shares, become one reciprocal and
    multiplications; factors that are spread over a tile meet before they meet the tile, constants all at once;
    arithmetic on tiles that
    are all spread alike is done on what they spread; comparisons of positions in a tile with constants that come out
    alike everywhere are decided. Sums and products of 16-bit tiles stay rounded once.
    In kernels of 16-bit type (`tile::isOf16Bits`) divisions of f32 may be approximated (`fastmath<afn>`), and tanh
    of f32 becomes 1 - 2 / (1 + 2^x). Simplify.cpp and Grammar.md state the bounds.

    Before: `%q = arith.divf %x, %rows`, %rows broadcast from `%r : tensor<128x1xf32>`.
    After: `%i = arith.divf %one, %r : tensor<128x1xf32>`, and `%q = arith.mulf %x, %is`, %is broadcast from %i.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::imbrex::tile::TileDialect"];
}

def DeferScales : Pass<"tile-defer-scales", "::mlir::func::FuncOp"> {
  let summary = "Scales of stored bytes move behind products";
  let description = [{
    An operand of a product that is a tile of 8-bit elements times one f32, rounded to 16 bits, becomes the elements
    alone, which need no rounding. The product, of no accumulator, is multiplied by the scale; one that a loop sums from
    zero is behind the loop, where the scale does not depend on the iteration.

    Before: `%k = arith.truncf (arith.mulf (arith.extf %k8), %s)`, `tile.dot %q, %k, %zero`.
    After: `%k = arith.extf %k8 : f8 to bf16`, `arith.mulf (tile.dot %q, %k, %zero), %s`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::imbrex::tile::TileDialect"];
}

def FoldScales : Pass<"tile-fold-scales", "::mlir::func::FuncOp"> {
  let summary = "Positive factors move behind maxima";
  let description = [{
    A tile x * c, with c > 0 a constant or required to be positive (`tile.require`), that flows only into maxima,
    minima, selections beside 0 and infinities, comparisons with infinities, and products: c is taken to the
    factors of those products. Values that a loop carries change their unit, and are multiplied where they are
    needed after it. Not where a tile of rank 2 is needed as it is.

    Before: `%s = arith.mulf %dot, %scale`, `tile.reduce max %s`, `arith.mulf %s, %log2e`.
    After: `tile.reduce max %dot`, `arith.mulf %dot, %k`, %k = scale * log2e, clamped to the normal numbers.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::imbrex::tile::TileDialect"];
}

def LagMaxima : Pass<"tile-lag-maxima", "::mlir::func::FuncOp"> {
  let summary = "Sums of powers over a base that seldom moves";
  let description = [{
    In a loop that carries m' = max(m, rowmax(s)) and sums of p = 2^(k (s - m')) that are rescaled by
    a = 2^(k (m - m')) (`MaximumRecurrence.h` has the form), the powers are taken relative to a base u that
    follows m only when m has grown by more than 8 powers of two. Then a is `select(grew, ..., 1)`, which a later
    pass can see to be 1 in all rows of a warp; p is below 2^8. After the loop the sums are multiplied once by
    2^(k (u - m)) and are what they were, to rounding. u starts at the lowest finite number: no guard is needed
    for rows that have seen nothing.

    Before: `%a = math.exp2 %d`, `%x = arith.mulf %acc, %as`. After: `%g = arith.cmpf ogt, %t, %eight`,
    `%a = arith.select %g, %e, %one`, `%x = arith.mulf %acc, %as`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::imbrex::tile::TileDialect"];
}

def IntersectMasks : Pass<"tile-intersect-masks", "::mlir::func::FuncOp"> {
  let summary = "A mask as one interval of columns a row";
  let description = [{
    The condition of a selection of tiles that is a conjunction of linear comparisons, each of one column at a time
    (`MaskAnalysis.h`), becomes a `tile.interval`: the largest lower and the smallest upper end, computed for every
    row, exactly. Other masks stay as they are, and so do tiles of few columns.

    Before: `%m = arith.andi %a, %b`, `%a = arith.cmpi sle, %k, %q`, `%b = arith.cmpi slt, %k, %n`.
    After: `%m = tile.interval %low, %high : tensor<128xi32> -> tensor<128x64xi1>`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::imbrex::tile::TileDialect"];
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

def SkipInstances : Pass<"tile-skip-instances", "::mlir::func::FuncOp"> {
  let summary = "Do nothing where all that an instance would store lies behind its bounds";
  let description = [{
    The grid has instances for the longest sequence. Where each store has a bound that is read from memory, and begins
    at a scalar that the kernel's beginning can compute, an instance whose stores all begin behind their bounds does
    nothing. Loads of scalars from inputs may be made again there; views that the kernel writes are not read.

    Before: `...; tile.store %o, %O[%q, %c0] dims [0, 1] within [0] from %c0 to %length`, %length a loaded scalar.
    After: `%some = xori (cmpi sge, %q, %length), true`, `scf.if %some { ...; tile.store ... }`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
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
