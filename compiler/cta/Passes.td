//===- Passes.td - Passes on the cta stage ---------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One pass, one definition here, one source of the same name, one lit test of the same name.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_COMPILER_CTA_PASSES
#define IMBREX_COMPILER_CTA_PASSES

include "mlir/Pass/PassBase.td"

def DeferReductions : Pass<"cta-defer-reductions", "::mlir::func::FuncOp"> {
  let summary = "Combine lanes after a loop instead of in every iteration";
  let description = [{
    A tile that a loop carries and only adds reductions to, scaled before by a factor a row or not at all, is
    kept as the parts of the lanes; they are combined once, after the loop. So too the largest and smallest
    elements, unscaled. The order of a sum changes with it; sums of floats are as exact as before.

    Before: `scf.for iter_args(%l = 0) { %s = tile.reduce sum %p along 1; yield %l * %a + %s : tensor<128xf32> }`.
    After: `scf.for iter_args(%l = 0) { %s = cta.reduce sum %p along 1 per lane; yield %l * %a + %s :
    tensor<128x4xf32> }`, then `tile.reduce sum along 1`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def SkipScalings : Pass<"cta-skip-scalings", "::mlir::func::FuncOp"> {
  let summary = "Do not multiply by one";
  let description = [{
    A tile in many registers that is multiplied by one factor a row, where a row's factor is 1 unless a condition
    holds: warps in which it holds for no row go round the multiplication. What else the rows scale is scaled with it,
    and what gives the factors is made there if nothing else asks for it.

    Before: `%f = math.exp2 %d; %y = arith.mulf %x, broadcast(select(%c, %f, 1))`.
    After: `%y = scf.if (cta.any %c) { math.exp2, select, arith.mulf } else { %x }`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def LoopInstances : Pass<"cta-loop-instances", "::mlir::func::FuncOp"> {
  let summary = "CTAs that stay go through their instances in a loop";
  let description = [{
    Before: a kernel whose request says `resident`, with `tile.program_id 0`. After: `scf.for %turn = 0 to cta.instances`
    around all of it, with `tile.program_id 0 of %turn`; the rings that are put once an instance count turns.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def AssignRoles : Pass<"cta-assign-roles", "::mlir::func::FuncOp"> {
  let summary = "Some warps copy, the others compute";
  let description = [{
    For kernels whose loops multiply by wgmma. Before: `loop: put, get, compute`. After: `cta.roles` with `compute: loop:
    get, compute` and `copy: loop: put`, on rings `by mbarrier` of as many slots as the request has stages, if shared
    memory holds them. A tile that is copied to be restaged only goes through two rings, and is restaged by those who copy;
    of shared memory that is short the first one gives its slots first. What a loop computes of a line alone those who copy
    compute, as they load it. What the copy engine can copy is asked of it, by
    tensor maps; a tile of pages run by run, where rows that follow one another are a multiple of 8. All else the threads
    copy; a table of rows that is made of scalars, constants and inputs is made again by them. A kernel with a copy that
    depends on what it computes, or whose steps cannot be counted, stays as it is, with a remark that says which.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect"];
}

def ExpandPageRows : Pass<"cta-expand-page-rows", "::mlir::func::FuncOp"> {
  let summary = "Rows of pages as arithmetic and a gather of the table";
  let description = [{
    For those that read them; the copy engine has been asked for whole runs before (`cta-assign-roles`).

    Before: `%r = tile.page_rows %table[%b] at %start .. page 16 .. run 1`.
    After: `%e = tile.gather %table[%b, (%start + iota) / 16]`, `%r = select(%e < pages, %e * rows + iota % 16, -1)`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::imbrex::tile::TileDialect"];
}

def SendTiles : Pass<"cta-send-tiles", "::mlir::func::FuncOp"> {
  let summary = "The copy engine stores tiles that are put together in shared memory";
  let description = [{
    For targets that multiply by wgmma, where the copy engine can copy the tile: all of its rows in one box, to a view that
    nothing else touches, without bounds other than the view's.

    Before: `cta.write %x, %b`, `%y = cta.read %b`, `tile.store %y, %O[..]`.
    After: `cta.write %x, %b`, `cta.send %b to %O[..] via %map`, `cta.sent %b`.
  }];
}

def PipelineCopies : Pass<"cta-pipeline-copies", "::mlir::func::FuncOp"> {
  let summary = "Start copies of later iterations while this one computes";
  let description = [{
    For every loop whose body puts tiles into rings of one slot at places that only depend on the induction variable
    and on views that the kernel does not store to, and gets them right behind. The rings get as many slots as the request has stages, if shared memory holds them.

    Before: `loop j: put j, get j, compute`. After, with S > 1 slots: `put 0 .. S - 2; loop j: get j, put j + S - 1,
    compute; get of the last put`. After, with one slot and several tiles: each put follows the last reader of the
    tile before it, those of the tile that is read last come first in their own iteration. What the loop has no use
    for is put as zeros. With one slot and one reader the loop stays as it is.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def IssueDots : Pass<"cta-issue-dots", "::mlir::func::FuncOp"> {
  let summary = "Issue products, and wait for them";
  let description = [{
    Before: `cta.dot`. After: `cta.dot async`, and right behind it the `cta.dot_wait` whose result is used in its
    place. What is legal to move between the two is then plain to see. Products of warpgroups that open a loop's iteration
    (LoopDots.h) are issued together, where the registers for all of them are there. Before: `loop: s = early(j);
    compute(s); t = early(j)`. After: `loop: s = early(j); t = early(j); compute(s)`. Their left operands that the loop
    does not change are read from shared memory before it, as far as registers are left. Where they are there for a
    part only: `loop: s = early(j); h = early(j) columns [c, n]; compute(s); t = early(j) columns [0, c] on h`.
  }];
}

def SkewLoops : Pass<"cta-skew-loops", "::mlir::func::FuncOp"> {
  let summary = "Make the early products of a loop one iteration ahead";
  let description = [{
    For loops in which a product needs another one of the same iteration. Before:
    `loop j: s = early(j); late(j, s)`. After: `s = early(first); loop j, but the last: t = early(j + 1); late(j, s);
    s = t` and `late(last, s)` behind it, all of it only if there is an iteration. The early part takes its gets and
    the puts into the same rings along; of queues that others fill, those that the late part reads are filled last. A
    loop whose values would not fit into the registers stays as it is, and one in which a loop or branch reads queues.
    The same operations are done on the same values: results do not change by a bit.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def PlaceWaits : Pass<"cta-place-waits", "::mlir::func::FuncOp"> {
  let summary = "Wait for copies and products where they are used";
  let description = [{
    Before: the order of the schedule. After: each run of puts is one group (`cta.commit`), each get stands before
    its first use, or before a run of puts on the way there, where a barrier stands anyway; its `pending` is the
    number of groups behind its own on the way where they are fewest, or it is `arrived`; a `cta.release` follows the
    last reader. Waits for products of kind fma and mma, which are done when they are issued, are gone.
  }];
}

def SplitLoops : Pass<"cta-split-loops", "::mlir::func::FuncOp"> {
  let summary = "Ranges of a loop in which a test is known";
  let description = [{
    A branch of an innermost loop's body whose condition is a conjunction of comparisons that are linear in the induction
    variable is taken in one range of iterations. Before: `loop: if test {a} else {b}`. After: the loop up to that
    range, the range with `a` alone, the loop from there on; a part that cannot have an iteration is left out. Where the
    loop was skewed, the range makes two iterations in turn, so that what one carries to the next is not moved.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def AllocateShared : Pass<"cta-allocate-shared", "::mlir::func::FuncOp"> {
  let summary = "Place buffers in shared memory";
  let description = [{
    Gives every `cta.alloc` and `cta.ring` of a kernel its byte offset. Those that are not alive at once (`SharedLives.h`:
    written before, and needed behind) share bytes. More than the target has is an error with the numbers. Before: the
    kernel's `#tile.request`. After: its `#cta.launch` too, with the bytes of all of them.
  }];
}

def PlaceBarriers : Pass<"cta-place-barriers", "::mlir::func::FuncOp"> {
  let summary = "Barriers where threads hand bytes of shared memory to one another";
  let description = [{
    Walks the program with the bytes read and written since the last barrier; where an access touches bytes that
    others may still be writing or reading, a `cta.barrier` goes before it: before the first use of a tile whose
    copies have been waited for, before a put into bytes that others read; so too between a store to a view and another
    store to it, or a load, where different threads may touch one element. An iteration meets what the one
    before it left.
    Needs the offsets of `cta-allocate-shared`.
  }];
}

def TakeTurns : Pass<"cta-take-turns", "::mlir::func::FuncOp"> {
  let summary = "Warpgroups issue their products one after another";
  let description = [{
    Where the request says `turns`, in the part of `cta.roles` that computes, with two warpgroups or more: the products that
    a loop issues in one run, with no wait among them, are issued under a turn. What else stands among them goes before
    the first. A loop that waits between its products has no turns: one warpgroup would hold up the others.

    Before: `loop: get, dot, get, dot, wait, compute`. After: `loop: get, get, take_turn, dot, dot, pass_turn, wait, compute`,
    with `open_turns` at the part's beginning and `close_turns` at its end.
  }];
}

#endif // IMBREX_COMPILER_CTA_PASSES
