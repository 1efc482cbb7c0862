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
    puts and `compute` gets and releases; scalars that both need each computes. Each thread of a part has `registers`
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

#endif // IMBREX_DIALECTS_CTA_CTAROLEOPS
