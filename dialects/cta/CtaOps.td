//===- CtaOps.td - The cta dialect --------------------------------*- tablegen -*-===//
//
// Part of the Imbrex project, under the Apache License v2.0 with LLVM exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How one CTA runs a tile program. A file a group of operations.
//
//===----------------------------------------------------------------------===//

#ifndef IMBREX_DIALECTS_CTA_CTAOPS
#define IMBREX_DIALECTS_CTA_CTAOPS

include "dialects/cta/CtaTypes.td"
include "dialects/cta/CtaTileOps.td"
include "dialects/cta/CtaMemoryOps.td"
include "dialects/cta/CtaRingOps.td"
include "dialects/cta/CtaDotOps.td"
include "dialects/cta/CtaRoleOps.td"

#endif // IMBREX_DIALECTS_CTA_CTAOPS
