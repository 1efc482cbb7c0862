//===- CtaRoleOps.td - What a CTA goes through, and who ------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A CTA that stays goes through many instances; some warps copy while the others compute.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_CTA_CTAROLEOPS
#define IMBREX_DIALECTS_CTA_CTAROLEOPS

include "dialects/cta/CtaTypes.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Cta_InstancesOp : Cta_Op<"instances", [Pure]> {
  let summary = "how many instances this CTA goes through";
  let description = [{
    Of a kernel whose CTAs are resident. Of C of them, number c goes through instances c, c + C, c + 2 C ... of the grid:
    the turns 0, 1, 2 ... of `tile.program_id`.

    Constraints: (1) the kernel's request says `resident`.

    Example:
    ```mlir
    %n = cta.instances
    ```
  }];
  let results = (outs I32:$result);
  let assemblyFormat = "attr-dict";
}

def Cta_RolesOp : Cta_Op<"roles", [NoTerminator, NoRegionArguments, RecursiveMemoryEffects]> {
  let summary = "warps part: some copy, the others compute";
  let description = [{
    The CTA's first warps run `compute`, those behind them `copy`, both at once; they meet again behind it. In each part
    threads and warps count from 0. What passes between the parts passes through rings `by mbarrier`, which `copy`
    puts, or acquires and publishes, and `compute` gets and releases. What `copy` itself gets it writes anew to another ring
    (`cta.restage`); scalars that both need each computes. Each thread of a part has `registers`
    registers from there on (PTX ISA, "setmaxnreg").

    Constraints: (1) both have whole warpgroups of four warps; (2) registers are multiples of 8 from 24 to 256; (3) of
    what is made around it, the parts use views, scalars and shared memory only. It stands in the kernel's own block.

    Example:
    ```mlir
    cta.roles compute warps 8 registers 232 {
      %k = cta.get %ring[%step] : !cta.ring<64, 128, bf16, span 128, slots 2, by mbarrier> -> !cta.buffer<64, 128, bf16, span 128>
      cta.release %ring[%step] : !cta.ring<64, 128, bf16, span 128, slots 2, by mbarrier>
    } copy warps 4 registers 40 {
      cta.put %K[%b, %j, %h, %zero] dims [1, 3] into %ring[%step] : !tile.view<? x ? x ? x 128 x bf16>, !cta.ring<64, 128, bf16, span 128, slots 2, by mbarrier>
    }
    ```
  }];
  let arguments = (ins I32Attr:$computeWarps, I32Attr:$computeRegisters, I32Attr:$copyWarps, I32Attr:$copyRegisters);
  let regions = (region SizedRegion<1>:$compute, SizedRegion<1>:$copy);
  let assemblyFormat = [{
    `compute` `warps` $computeWarps `registers` $computeRegisters $compute
    `copy` `warps` $copyWarps `registers` $copyRegisters $copy attr-dict
  }];
  let hasVerifier = 1;
}

class Cta_TurnOp<string mnemonic> : Cta_Op<mnemonic, [MemoryEffects<[MemRead, MemWrite]>]> {
  let assemblyFormat = "attr-dict";
  let hasVerifier = 1;
}

def Cta_TakeTurnOp : Cta_TurnOp<"take_turn"> {
  let summary = "this warpgroup waits for its turn";
  let description = [{
    The warpgroups of the part that computes have turns one after another, round and round: one issues its products while
    the others work element by element (ping-pong). A warpgroup goes on when the one before it has passed its turn. Turns
    order execution only: no memory is seen by them. Each is a barrier with a number (PTX ISA, "barrier"), so nothing that
    waits for all warps of the part may stand between `take_turn` and `pass_turn`.

    Constraints: (1) it stands in the `compute` part of a `cta.roles` with two warpgroups or more.

    Example:
    ```mlir
    cta.roles compute warps 8 registers 232 {
      cta.open_turns
      cta.take_turn
      cta.pass_turn
      cta.close_turns
    } copy warps 4 registers 40 {
      %none = arith.constant 0 : i32
    }
    ```
  }];
}

def Cta_PassTurnOp : Cta_TurnOp<"pass_turn"> {
  let summary = "the next warpgroup may take its turn";
  let description = [{
    Behind the last one comes the first.

    Constraints: (1) as of `cta.take_turn`.

    Example: see `cta.take_turn`.
  }];
}

def Cta_OpenTurnsOp : Cta_TurnOp<"open_turns"> {
  let summary = "the first turn is the first warpgroup's";
  let description = [{
    The last warpgroup passes a turn that it has not had. Once before all turns: a second time, its two arrivals could meet
    without the first warpgroup.

    Constraints: (1) as of `cta.take_turn`.

    Example: see `cta.take_turn`.
  }];
}

def Cta_CloseTurnsOp : Cta_TurnOp<"close_turns"> {
  let summary = "no turn is left";
  let description = [{
    The first warpgroup takes the turn that the last one has passed. All warpgroups have had as many turns, and there are
    no more.

    Constraints: (1) as of `cta.take_turn`.

    Example: see `cta.take_turn`.
  }];
}

#endif // IMBREX_DIALECTS_CTA_CTAROLEOPS
